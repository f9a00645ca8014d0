"""Prompt check for contradictions: wind from two sides, a calm sea that crashes, what stays still and moves.

The camera's are in `camera_rules`. Patterns are for text in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.motion.clause_split import lower_words
from studio.motion.read_prompt import Clause
from studio.motion.rules.empty_prompts import has_thing_motion
from studio.motion.rules.faults import CheckedPrompt, Fault, cut, swap
from studio.motion.vocabulary import AIR, CLOTH, CLOUD, FINITE, FOG, FOLIAGE, GOING, STATE_FORMS, STEAM, STREAM, WATER


def _match(words: str) -> str:
    """Any one of some words, as a pattern; an underscore stands for a space or a hyphen."""
    return "(?:" + "|".join(word.replace("_", r"[\s-]") for word in words.split()) + ")"


_WHOLLY = r"(?:\w+ly\s+)?"
_IS = _match("is are lies lie stays stay remains remain keeps keep holds hold")

WATERS = _match("sea water waters ocean lake pond bay surface river pool lagoon fjord")
_CALM = _match(
    "calm glassy mirror_still mirror_smooth mirror_calm mirror_flat mirror_like flat motionless frozen placid tranquil"
)
_AT_REST = _match(
    "calm glassy mirror_still mirror_smooth mirror_calm mirror_flat flat still motionless frozen placid smooth"
)
_ROUGH = _match(
    "crashing huge big stormy raging violent towering massive breaking wild giant high powerful rough choppy "
    "turbulent churning"
)
_CRASH = _match(
    "crash crashes smash smashes break breaks pound pounds rage rages tower towers slam slams batter batters"
)
CALM_WATER = re.compile(
    rf"\b(?:{_WHOLLY}{_CALM}\s+{WATERS}|{WATERS}\s+{_IS}\s+{_WHOLLY}{_AT_REST}(?:\s+(?:like|as)\s+(?:a\s+)?(?:glass|mirror))?)\b"
)
ROUGH_WATER = re.compile(
    rf"\b(?:{_ROUGH}\s+{_match('wave waves surf swell swells sea seas water waters ocean')}"
    rf"|waves?\s+{_WHOLLY}{_CRASH})\b"
)

_NO_WIND = (
    rf"(?:there\s+is\s+)?(?:no|without(?:\s+any)?|not\s+a\s+breath\s+of)\s+{_match('wind breeze')}(?:\s+at\s+all)?"
)
_STILL_SKY = rf"{_WHOLLY}{_match('still calm windless motionless')}\s+{_match('air day evening morning night weather')}"
STILL_AIR = re.compile(
    rf"\b(?:{_STILL_SKY}|windless|{_NO_WIND}|(?:the\s+)?air\s+{_IS}\s+{_WHOLLY}{_match('still calm')})\b"
)
_BLOW = _match(
    "blow blows blowing blown flap flaps flapping flutter flutters fluttering billow billows billowing"
    " whip whips whipping gust gusts gusty"
)
_WIND = rf"{_match('strong light gentle soft fresh the a heavy')}\s+{_match('wind breeze gale')}"
BLOWN = re.compile(rf"\b(?:{_BLOW}|windy|{_WIND})\b")

_LIGHT = _match("light lighting daylight sunlight illumination exposure brightness")
_SAME = r"(?:the\s+same|" + _match("constant steady even unchanged stable still fixed consistent") + ")"
_CHANGES = _match(
    "flickers flicker flickering shifts shift shifting changes change changing pulses dims brightens fades strobes"
    " flashes darkens wanders"
)
STEADY_LIGHT = re.compile(
    rf"\b(?:{_LIGHT}\s+{_IS}\s+{_WHOLLY}{_SAME}|{_match('constant steady unchanging')}\s+{_LIGHT})\b"
)
CHANGING_LIGHT = re.compile(
    rf"\b(?:{_LIGHT}\s+(?:{_IS}\s+(?:\w+\s+){{1,2}}(?:and|but)\s+)?{_WHOLLY}{_CHANGES}|"
    rf"{_match('flickering changing pulsing shifting strobing')}\s+{_LIGHT})\b"
)

PAIRS = (
    (CALM_WATER, ROUGH_WATER, "Water can't be calm and crash at once."),
    (STILL_AIR, BLOWN, "Nothing blows where the air is still."),
    (STEADY_LIGHT, CHANGING_LIGHT, "Light can't stay the same and change."),
    (re.compile(r"\bupstream\b"), re.compile(r"\bdownstream\b"), "A river runs one way at a time."),
)
"""Two things that can't both be true, and why. The first gives way: what moves was asked for, what doesn't is left out.
"""

_THE = r"(?:(?:the|its|her|his)\s+)?"
_TO = r"(?:from|to|towards?)"
TOWARDS = re.compile(
    rf"\b(?:from\s+)?{_THE}(?P<from>left|right)\s+to\s+{_THE}(?:left|right)\b|"
    rf"\b{_TO}\s+(?:both\s+sides|{_THE}(?:left|right)\s+and\s+(?:{_TO}\s+)?{_THE}(?:left|right))\b|"
    rf"\b(?P<side>{_TO})\s+{_THE}(?P<way>left|right)\b|"
    r"(?<!the )(?<!her )(?<!his )(?<!its )(?<!on )\b(?P<bare>left|right)(?:wards?)?\b"
    r"(?!\s+(?:hand|side|arm|eye|foot|leg))"
)
"""Where something goes, or comes from; neither group matches where it is both sides."""

SWAYS = re.compile(r"\b(?:sway|swing|rock|wave|wag|shake|toss|dance|turn)\w*\b|side\s+to\s+side|back\s+and\s+forth")
"""What goes to and fro by nature, one side as much as the other."""

_HEIGHT = r"(?:\s+(?:up|down|upwards?|downwards?))?"
_RISE_OR_SINK = _match(
    "rises rise rising ascends ascend falls fall falling sinks sink sinking descends descend drops drop"
)
_GOES = _match("floats float goes go moves move climbs climb")
UP_DOWN = re.compile(
    rf"\b(?P<one>{_RISE_OR_SINK}|{_GOES}\s+(?:up|down))\b{_HEIGHT}"
    rf"(?P<two>\s+(?:and|while|yet|but)\s+{_WHOLLY}(?P<verb>{_RISE_OR_SINK}|{_GOES}\s+(?:up|down))\b{_HEIGHT})"
)
RISES = re.compile(r"rise|rising|ascend|up|climb|float(?!\w*\s+down)")
BOBS = re.compile(
    r"\b(?:waves?|boats?|ships?|buoys?|chest|swell|tide|water|sea|surf|shoulders|breath|belly|stomach|curtains?|camera|ducks?|raft|kayak|"
    r"sailboats?|breath\w*|wings?|head)\b"
)
"""What rises and falls by nature, again and again."""

ALL_STILL = re.compile(
    rf"\b(?P<all>everything|all\s+things|the\s+(?:whole|entire)\s+(?:scene|picture|photo|image))\s+{_IS}\s+{_WHOLLY}"
    rf"(?:the\s+same|{_match('still static motionless frozen fixed')})\b"
)
STANDS = re.compile(
    rf"\b(?:stands?|sits?|{_IS})\s+(?:very\s+)?{_WHOLLY}{_match('still motionless frozen immobile unmoving')}\s+"
    r"(?:and|but|while|yet)\s+(?=(?P<next>\w+))"
)
"""Somebody who stands still and, in the same breath, does something."""


_DRIVEN = ((AIR | CLOTH | FOLIAGE | FOG | STEAM) - CLOUD, CLOUD - {"sky", "skies"}, WATER | STREAM)
"""What one force moves: the wind's things, the clouds, the water."""


def check_contradictions(asked: CheckedPrompt) -> Iterator[Fault]:
    """forces_conflict, one for each kind of contradiction."""
    for first, second, reason in PAIRS:
        calm = first.search(asked.low)
        rough = calm and second.search(asked.low)
        if calm and rough:
            yield _make_fault(
                *rough.span(),
                reason,
                "Leave out “{}”",
                _leave_out(asked, calm.span(), rough.span()),
                asked.text[calm.start() : calm.end()],
            )
    yield from _opposite_sides(asked)
    yield from _find_rising_and_sinking(asked)
    yield from _find_moving_stills(asked)


def _make_fault(start: int, end: int, reason: str, label: str, fixed: str, word: str) -> Fault:
    return Fault("forces_conflict", "hurts", start, end, reason, label.format(word.strip()), fixed)


def clause_at(asked: CheckedPrompt, place: int) -> Clause | None:
    """The clause that a place in the text belongs to."""
    return next((clause for clause in asked.parsed.clauses if clause.start <= place < clause.end), None)


def _leave_out(asked: CheckedPrompt, gone: tuple[int, int], kept: tuple[int, int]) -> str:
    """The text without what contradicts: the clause it stands in, or the words alone where the clause says both."""
    clause = clause_at(asked, gone[0])
    inside = clause and clause.start <= kept[0] < clause.end
    if clause and not inside:
        return cut(asked.text, clause.start, clause.end)
    start, end = gone
    if asked.low[:start].rstrip()[-1:] in ("", ",", ";", ".") and asked.low[end:].lstrip()[:1] in (",", ";", "."):
        return cut(asked.text, start, end)
    adjective = re.match(rf"((?:\w+ly\s+)?[\w-]+)\s+{WATERS}$", asked.low[start:end])
    if adjective and start < kept[0]:
        article = asked.low[:start].endswith("a ") and asked.low[start + adjective.end(1) :].lstrip()[:1] in "aeio"
        head = asked.text[: start - 2] + "an " if article else asked.text[:start]
        return head + asked.text[start + adjective.end(1) :].lstrip()
    predicate = re.search(
        r"\b(?:stays?|remains?|is|keeps?|holds?)\s+(?:\w+ly\s+)?(?:the\s+)?\w+\s+(?:and|but)\s+",
        asked.low[start : kept[1]],
    )
    if predicate:
        return asked.text[: start + predicate.start()] + asked.text[start + predicate.end() :]
    joined = re.match(r"\s+(?:and|but|while)\s+(?=(?:down|up)stream)", asked.low[end:])
    return asked.text[:start] + asked.text[end + joined.end() :] if joined else cut(asked.text, start, end)


def _opposite_sides(asked: CheckedPrompt) -> Iterator[Fault]:
    """What one force moves goes one way: the second side named gives way to the first."""
    ways: dict[int, tuple[str, int, int, Clause]] = {}
    for clause in asked.parsed.clauses:
        if clause.kind in ("camera", "action"):
            continue
        words = _list_words(asked, clause.start, clause.end)
        force = next((index for index, things in enumerate(_DRIVEN) if words & things), None)
        if force is None or SWAYS.search(asked.low, clause.start, clause.end):
            continue
        for found in TOWARDS.finditer(asked.low, clause.start, clause.end):
            way = _find_direction(found)
            first = ways.setdefault(force, (way, *found.span(), clause))
            if first[0] != way or way == "both":
                yield _fault_two_sides(asked, first, found, clause)
                return


def _find_direction(found: re.Match[str]) -> str:
    """Where it goes to: "from the left" is to the right."""
    if found["from"]:
        return "right" if found["from"] == "left" else "left"
    way = found["way"] or found["bare"]
    return "both" if not way else {"left": "right", "right": "left"}[way] if found["side"] == "from" else way


def _fault_two_sides(
    asked: CheckedPrompt, first: tuple[str, int, int, Clause], found: re.Match[str], clause: Clause
) -> Fault:
    """One side instead of two: the second left out where said in one breath or saying the same again, else turned."""
    reason = "What the same wind or current moves goes one way: name one side."
    start, end = found.span()
    if first[0] == "both":
        word = f"{found[0].split()[0]} the left"
        return _make_fault(start, end, reason, "Only {}", swap(asked.text, start, end, word), word)
    if first[3] == clause:
        return _make_fault(start, end, reason, "Leave out “{}”", cut(asked.text, start, end), asked.text[start:end])
    same = _list_words(asked, first[3].start, first[1]) >= _list_words(asked, clause.start, start) - {"and", "while"}
    if same:
        start, end = clause.start, clause.end
        return _make_fault(start, end, reason, "Leave out “{}”", cut(asked.text, start, end), asked.text[start:end])
    other = asked.text[first[1] : first[2]].strip()
    if found["from"]:
        return _make_fault(start, end, reason, "Let both go {}", swap(asked.text, start, end, other), other)
    side = {"left": "right", "right": "left"}[first[0]] if found["side"] == "from" else first[0]
    group = "way" if found["way"] else "bare"
    fixed = asked.text[: found.start(group)] + side + asked.text[found.end(group) :]
    return _make_fault(start, end, reason, "Let both go {}", fixed, other)


def _list_words(asked: CheckedPrompt, start: int, end: int) -> set[str]:
    return set(lower_words(asked.text[start:end]))


def _find_rising_and_sinking(asked: CheckedPrompt) -> Iterator[Fault]:
    """The same thing rises and sinks in one breath, and isn't one that does so by nature."""
    for found in UP_DOWN.finditer(asked.low):
        clause = clause_at(asked, found.start())
        subject = asked.low[clause.start if clause else 0 : found.start()]
        same = bool(RISES.search(found["one"])) == bool(RISES.search(found["verb"]))
        if same or BOBS.search(subject) or (clause and clause.kind == "camera"):
            continue
        fixed = asked.text[: found.start("two")] + asked.text[found.end("two") :]
        reason = "The same thing can't rise and sink at once."
        yield _make_fault(*found.span(), reason, "Leave out “{}”", fixed, found["two"])


def _find_moving_stills(asked: CheckedPrompt) -> Iterator[Fault]:
    """What is said to stay still, and moves: in one breath, in two clauses, or with everything."""
    for found in STANDS.finditer(asked.low):
        clause = clause_at(asked, found.start())
        if found["next"] in STATE_FORMS or found["next"] not in FINITE | GOING or (clause and clause.kind == "camera"):
            continue
        fixed = asked.text[: found.start()] + asked.text[found.end() :]
        words = asked.text[found.start() : found.end()].rsplit(None, 1)[0]
        yield _make_fault(
            found.start(), found.start() + len(words), "It can't stay still and move.", "Leave out “{}”", fixed, words
        )
        return
    moving = [clause for clause in asked.parsed.clauses if has_thing_motion(clause)]
    everything = ALL_STILL.search(asked.low)
    if everything and moving:
        start, end = everything.span("all")
        fixed = swap(asked.text, start, end, "Everything else")
        yield _make_fault(
            start, end, "Not everything stays still when something moves.", "Say “everything else”", fixed, ""
        )
        return
    for clause in asked.parsed.clauses:
        held = _find_subject(clause) if clause.kind == "still" else None
        other = next((one for one in moving if held and one != clause and _find_subject(one) == held), None)
        if held and other:
            fixed = cut(asked.text, clause.start, clause.end)
            reason = f"The {held} can't stay still and move."
            yield _make_fault(
                clause.start, clause.end, reason, "Leave out “{}”", fixed, asked.text[clause.start : clause.end]
            )
            return


def _find_subject(clause: Clause) -> str | None:
    """The thing a clause begins with: "the curtains stay still" is about curtains."""
    skip = {
        "the",
        "a",
        "an",
        "her",
        "his",
        "its",
        "their",
        "our",
        "my",
        "and",
        "while",
        "but",
        "all",
        "of",
        "keep",
        "with",
        "as",
    }
    return next((low for low in lower_words(clause.text) if low not in skip), None)
