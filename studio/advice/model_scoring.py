"""The weights of a recommendation: which wishes a model can't meet, and what speaks for it and against it, each in
words.

The weights are the studio's judgement, few and small so that they can be argued with: 3 decides, 2 counts, 1 tips the
balance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from studio.advice.wishes import Asked, Term
from studio.cards import ModelCard, ModelState
from studio.engines.hosted.price import Price
from studio.hosted_cards import SlotName
from studio.library.disk import size
from studio.nouns import Kind, Use

KINDS: dict[Kind, str] = {
    "portrait": "portraits", "water": "water and coast", "landscape": "landscapes", "street": "streets and rooms",
    "product": "food and products",
}  # fmt: skip
"""Each kind of photo as it is said in a sentence."""

SHORT_OF = 0.95
"""A model that makes this share of the asked length is long enough: 5.04 s are 5 s, 4.17 s are not."""

LARGEST = 2160
"""The short side, in pixels, of what a model without a size of its own makes."""

BUILT_IN_SECONDS = 5.0
"""What a built-in model takes for a clip of 5 s, about, on two cores without a GPU (bench/RESULTS.md: 1.5 to 2.5 s at
720p).
"""

FEW_CALLS, MANY_CALLS = 16, 60
"""Denoiser calls a clip: distilled models take at most the one, others mostly the other or more (guidance doubles a
step).
"""

CHEAP, DEAR = 0.3, 1.5
"""Dollars a clip up to which a hosted model is cheap, and over which it is dear: a judgement, as all here."""

PACES = ((15.0, 3.0), (60.0, 2.0), (180.0, 1.0), (600.0, 0.0))
"""Seconds for a clip here and what they weigh when speed is wanted; over the last it is -2."""

WEIGHTS_GB = ((50.0, 4.0), (25.0, 3.0), (10.0, 2.0), (3.5, 1.0))
"""The denoisers' GB and what they weigh when quality is wanted: among open models of one age the larger moves things
better.
"""


def is_barred(asked: Asked, card: ModelCard, state: ModelState) -> bool:
    """Whether a model is out of the question, whatever else it can do: its licence, that it isn't here, or that it
    needs a voice or a film which isn't there.
    """
    if asked.commercial and card.commercial in ("no", "unknown"):
        return True
    if card.hosted and not all(getattr(asked, wish) for slot, wish in _FILES.items() if is_required(card, slot)):
        return True
    return asked.offline and (card.hosted is not None or state.disk not in ("built in", "here"))


_FILES: dict[SlotName, Literal["voice", "film"]] = {"audio": "voice", "motion_video": "film"}


def is_required(card: ModelCard, slot: SlotName) -> bool:
    """Whether every way in to a hosted model needs a file in this slot."""
    ways = card.hosted.ways if card.hosted else ()
    return bool(ways) and all(slot in way.slots and way.slots[slot].required for way in ways)


def takes_file(card: ModelCard, slot: SlotName) -> bool:
    """Whether a model can be given a file for this slot."""
    return bool(card.hosted) and any(slot in way.slots for way in card.hosted.ways)


def unmet(asked: Asked, card: ModelCard) -> tuple[str, ...]:
    """The wishes a model can't meet, each as a sentence."""
    found: list[str] = []
    if asked.words and "prompt" not in card.supports:
        found.append(f"It won't show “{asked.words}”.")
    if asked.end_frame and "end_frame" not in card.supports:
        found.append("It can't be told where to end.")
    if asked.sound and "sound" not in card.supports:
        found.append("It makes no sound.")
    if asked.voice and not takes_file(card, "audio"):
        found.append("It can't follow the sound you gave.")
    if asked.film and not takes_file(card, "motion_video"):
        found.append("It can't move as in the film you gave.")
    if card.seconds[1] < asked.seconds * SHORT_OF:
        found.append(f"It makes {card.seconds[1]:.3g} s at most, not {asked.seconds:g} s.")
    return tuple(found)


def terms(asked: Asked, card: ModelCard, state: ModelState) -> tuple[Term, ...]:
    """What speaks for a model and against it, the weightiest first."""
    found = [term for weigh in WEIGHED for term in weigh(asked, card, state) if term.weight]
    return tuple(sorted(found, key=lambda term: -abs(term.weight)))


# What is asked --------------------------------------------------------------------------------------------------------


def _weigh_wishes(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    """The wishes it meets that many others don't."""
    found: list[Term] = []
    if asked.words and "prompt" in card.supports:
        found.append(Term("words", 2.0, "does what your words say"))
    if asked.end_frame and "end_frame" in card.supports:
        found.append(Term("end", 2.5, "ends on the photo you give it"))
    if asked.sound and "sound" in card.supports:
        found.append(Term("sound", 2.5, "makes the sound with the picture"))
    if asked.seconds > 5.5 and card.seconds[1] >= asked.seconds * SHORT_OF:
        found.append(Term("length", 1.5, f"makes {asked.seconds:g} s in one go"))
    return found


def _weigh_kind(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    if asked.kind is None or not card.suits:
        return []
    if asked.kind not in card.suits:
        return [Term("kind", -1.0, f"is better with {KINDS[card.suits[0]]} than with {KINDS[asked.kind]}")]
    place = card.suits.index(asked.kind)
    weight, how = ((3.0, "suits {} best"), (2.0, "suits {}"), (1.0, "can do {}"))[min(place, 2)]
    return [Term("kind", weight, how.format(KINDS[asked.kind]))]


def _weigh_faces(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    if not asked.faces:
        return []
    known = {
        "steady": Term("faces", 3.0, "keeps faces as they are"),
        "fair": Term("faces", 1.0, "mostly keeps faces as they are"),
        "drifts": Term("faces", -3.0, "lets faces drift into someone else's"),
        "unknown": Term("faces", -1.0, "has not been judged on faces"),
    }
    return [known[card.faces]]


def _weigh_use(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    """What a use asks that the kind of photo doesn't: each a condition, its weight and its words."""
    own = card.is_built_in
    wanted: dict[Use, list[tuple[bool, float, str]]] = {
        "product": [(own, 2.0, "leaves the product exactly as you photographed it")],
        "estate": [(own, 2.0, "keeps every wall straight"), ("street" in card.suits[:2], 1.0, "is at home in rooms")],
        "brand": [(card.faces == "steady", 1.0, "keeps people recognisable")],
        "travel": [(bool({"water", "landscape"} & set(card.suits[:2])), 1.0, "is at home outdoors")],
        "music": [("sound" in card.supports, 1.0, "can make sound"), ("loop" in card.supports, 0.5, "makes loops")],
    }
    return [Term("use", weight, says) for counts, weight, says in wanted[asked.use] if counts] if asked.use else []


def _weigh_camera(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    found: list[Term] = []
    if asked.camera and "camera" in card.supports:
        found.append(Term("camera", 1.5, "follows the camera move exactly"))
    elif asked.camera and card.cameras:
        found.append(Term("camera", 1.0, "has camera controls of its own"))
    if asked.loop:
        closes = "loop" in card.supports
        found.append(Term("camera", *((1.5, "closes the loop without a seam") if closes else (-1.0, "does not loop"))))
    return found


def _weigh_size(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    most = find_tallest(card)
    if most >= asked.short * 0.9:
        return []
    return [Term("size", -1.0 if most >= asked.short * 0.6 else -2.0, f"makes {most}p at most, not {asked.short}p")]


def find_tallest(card: ModelCard) -> int:
    """The largest short side, in pixels, that a model makes; LARGEST where nobody says it."""
    if card.checkpoint:
        return max(min(pair) for pair in card.checkpoint.sizes.native)
    ways = card.hosted.ways if card.hosted else ()
    sides = [side for way in ways for field in way.fields for side in field.sizes.values()]
    return max([*sides, *(way.made_side for way in ways if way.made_side)], default=LARGEST)


# How it stands here ---------------------------------------------------------------------------------------------------


def _weigh_pace(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    share = {"speed": 1.0, "balance": 0.5, "quality": 0.0}[asked.priority]
    seconds = pace(card, state)
    if card.hosted:
        return []
    if seconds is not None:
        weight = next((weight for limit, weight in PACES if seconds <= limit), -2.0)
        return [Term("pace", weight * share, f"takes {spell(seconds)} a clip here")]
    few = calls(card) <= FEW_CALLS
    weight = 1.0 if few else 0.0 if calls(card) < MANY_CALLS else -1.0
    return [Term("pace", weight * share, "is quick" if few else "takes many steps and is slow")]


def weigh_price(price: Price) -> Term:
    """What a clip's price on a hosted model weighs; an unknown one weighs as a high one."""
    amount = DEAR + 1 if price.amount is None else price.amount
    return Term("price", -1.0 if amount > DEAR else -0.5 if amount > CHEAP else 0.5, describe_price(price))


def describe_price(price: Price) -> str:
    """A price in words: "a clip costs about $0.75 (read 2026-04)"."""
    doubt = "" if price.verified else ", not verified"
    read = f" (price read {price.read_on}{doubt})" if price.read_on else ""
    if price.amount is None:
        return f"{price.basis}{read}" if price.read_on else "nobody says what a clip costs"
    return f"a clip costs about ${price.amount:.2f}{read}"


def _weigh_quality(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    if card.checkpoint is None:
        return []
    share = {"speed": 0.0, "balance": 0.5, "quality": 1.0}[asked.priority]
    weight = next((weight for limit, weight in WEIGHTS_GB if card.checkpoint.needs.denoiser >= limit), 0.0)
    how = (
        "is among the largest open models"
        if weight >= 4
        else "is a large model"
        if weight >= 3
        else "moves well for its size"
    )
    found = [Term("quality", weight * share, how)]
    return (
        [*found, Term("quality", 0.5 * share, "takes all the steps it was trained for")]
        if calls(card) > FEW_CALLS
        else found
    )


def _weigh_download(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    found: list[Term] = []
    if card.checkpoint and state.memory in ("ram", "gpu"):
        found.append(Term("here", 1.0, "is loaded already"))
    if card.hosted:
        found.append(Term("here", -1.5, "runs on somebody else's machines"))
    if state.disk in ("missing", "partly"):
        much = f", {size(state.download)}" if state.download else ""
        found.append(Term("here", -1.0, f"has to be downloaded first{much}"))
    if state.fits == "slowly":
        found.append(Term("here", -1.0, "runs slowly on this machine"))
    return found


def _weigh_licence(asked: Asked, card: ModelCard, state: ModelState) -> list[Term]:
    if not asked.commercial:
        return []
    if card.commercial == "limits":
        return [Term("licence", -1.0, f"has limits on commercial use: {card.licence_limits or card.licence}")]
    return [Term("licence", 0.5, "is free for commercial use")]


WEIGHED: tuple[Callable[[Asked, ModelCard, ModelState], list[Term]], ...] = (
    _weigh_wishes, _weigh_kind, _weigh_faces, _weigh_use, _weigh_camera, _weigh_size, _weigh_pace,
    _weigh_quality, _weigh_download, _weigh_licence,
)  # fmt: skip
"""Everything that is weighed, each on its own."""


def calls(card: ModelCard) -> int:
    """How often a denoiser runs for a clip: its steps, twice with guidance. 0 for what doesn't denoise."""
    if card.checkpoint is None:
        return 0
    return card.checkpoint.steps.default * (2 if card.checkpoint.guidance.default > 1 else 1)


def pace(card: ModelCard, state: ModelState) -> float | None:
    """Seconds a clip takes here; None while that isn't known."""
    return BUILT_IN_SECONDS if card.is_built_in and state.expected is None else state.expected


def spell(seconds: float) -> str:
    """A time as one would say it: "about 40 s", "about 9 min"."""
    if seconds < 10:
        return "seconds"
    return f"about {round(seconds, -1):.0f} s" if seconds < 95 else f"about {seconds / 60:.0f} min"
