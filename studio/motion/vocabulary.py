"""Word lists of a prompt: verbs in all their forms, directions, paces, amounts, what moves in a photo, moods.

All in lower case and without hyphens. The lists are the studio's own, gathered from the makers' prompt guides (see
`compose`) and from how people write prompts.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "words"
_VERBS = tomllib.loads((_FOLDER / "verbs.toml").read_text("utf-8"))
_DOUBLED = re.compile(r"(?:[^aeiou]|qu)*[aeiou][^aeiouwxy]$")


def third_person(verb: str) -> str:
    """The form for he, she and it: turn, turns; push, pushes; fly, flies."""
    if verb in ("be", "have"):
        return {"be": "is", "have": "has"}[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(?:s|sh|ch|x|z|o)$", verb) else "s")


def ing_form(verb: str) -> str:
    """The form in -ing: turn, turning; drip, dripping; rise, rising."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if _DOUBLED.fullmatch(verb) else "") + "ing"


def past_form(verb: str) -> str:
    """The regular past: turned, dripped, carried."""
    if verb.endswith("e"):
        return verb + "d"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return verb + (verb[-1] if _DOUBLED.fullmatch(verb) else "") + "ed"


@cache
def inflect(verb: str) -> tuple[str, ...]:
    """Every form of a verb, the base first."""
    return (verb, third_person(verb), ing_form(verb), past_form(verb), *_VERBS["irregular"].get(verb, "").split())


def forms(verbs: str) -> frozenset[str]:
    """Every form of every verb of a string."""
    return frozenset(form for verb in verbs.split() for form in inflect(verb))


def words(text: str) -> frozenset[str]:
    """The words of a string, as a set."""
    return frozenset(text.split())


def read_lists(subject: str) -> dict[str, frozenset[str]]:
    """The word lists of words/<subject>.toml by their names: [words] as they stand, [verbs] in all forms."""
    tables = tomllib.loads((_FOLDER / f"{subject}.toml").read_text("utf-8"))
    listed = {name: words(text) for name, text in tables.get("words", {}).items()}
    return listed | {name: forms(text) for name, text in tables.get("verbs", {}).items()}


BASE = words(f"{_VERBS['verbs']} {_VERBS['states']}")
FINITE = frozenset(third_person(verb) for verb in BASE)
GOING = frozenset(ing_form(verb) for verb in BASE) - {"lighting", "building"} | {"raining", "snowing"}
STATE_FORMS = forms(_VERBS["states"])
_LISTS = read_lists("vocabulary")


# How quickly, how far, where to ---------------------------------------------------------------------------------------

SLOW = _LISTS["slow"]
FAST = _LISTS["fast"]
LITTLE = _LISTS["little"]
FAR = _LISTS["far"]
STRONG = _LISTS["strong"]
SMOOTH = _LISTS["smooth"]
"""Said of a camera these ask for what it does anyway."""

LEFT, RIGHT = _LISTS["left"], _LISTS["right"]
UP, DOWN = _LISTS["up"], _LISTS["down"]

# What holds a sentence together ---------------------------------------------------------------------------------------

DETERMINERS = _LISTS["determiners"]
PRONOUNS = _LISTS["pronouns"]
PREPOSITIONS = _LISTS["prepositions"]
CONJUNCTIONS = _LISTS["conjunctions"]
AUXILIARIES = _LISTS["auxiliaries"]
ADVERBS = _LISTS["adverbs"]
ADJECTIVES = _LISTS["adjectives"]
NEGATIONS = _LISTS["negations"]
FUNCTION = (
    DETERMINERS | PRONOUNS | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | NEGATIONS
    | _LISTS["function"]
)  # fmt: skip
"""Words that carry no content of their own: they alone may be left out."""

# The camera -----------------------------------------------------------------------------------------------------------

CAMERA = _LISTS["camera"]
VIEW = _LISTS["view"]
"""What may stand for the camera, when what follows is something that only a camera does."""

CAMERA_FILLER = CAMERA | VIEW | SMOOTH | _LISTS["camera_filler"]  # fmt: skip
MODIFIERS = SLOW | FAST | LITTLE | FAR | SMOOTH | _LISTS["modifiers"]  # fmt: skip
"""What may stand before the name of a camera move."""

# What moves by itself -------------------------------------------------------------------------------------------------

WATER = _LISTS["water"]
STREAM = _LISTS["stream"]
FOLIAGE = _LISTS["foliage"]
AIR = _LISTS["air"]
CLOTH = _LISTS["cloth"]
CLOUD = _LISTS["cloud"]
FOG = _LISTS["fog"]
STEAM = _LISTS["steam"]
LIGHT = _LISTS["light"]
FOCUS = _LISTS["focus"]
RAIN = _LISTS["rain"]
SNOW = _LISTS["snow"]
DUST = _LISTS["dust"]
EMBERS = _LISTS["embers"]
SHADE = _LISTS["shade"]
GRAIN = _LISTS["grain"]
OTHER = RAIN | SNOW | DUST | EMBERS | _LISTS["other"]  # fmt: skip
BARE = _LISTS["bare"]
"""What is motion by its mere name: "light breeze", "gentle ripples"."""

NATURE = WATER | STREAM | FOLIAGE | AIR | CLOTH | CLOUD | FOG | STEAM | OTHER
LOOSE = _LISTS["loose"]
"""Things around only when nobody else is the subject: said alone they are the subject."""

MOTION_NOUNS = _LISTS["motion_nouns"]
"""Motion as a thing: "subtle hair movement", "a slow light shift"."""

# What stays still -----------------------------------------------------------------------------------------------------

STILL = _LISTS["still"]
"""What something that stays still is said to be; "sharp", "readable" and the like are said in one's own words."""

KEPT = STILL | _LISTS["kept"]
STAY = _LISTS["stay"] | _LISTS["is_and_are"]
REST = _LISTS["rest"]

NEGATIVE = _LISTS["negative"]
"""What people do not want; one after another, after a "no"."""

LOOP = _LISTS["loop"]
PURE_STYLE = _LISTS["pure_style"]


MOODS = MODIFIERS | _LISTS["moods"]
"""Words of mood, praise and bare motion: a sentence of these alone names nothing that could move."""
