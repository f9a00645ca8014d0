"""Prompt check of the camera: opposite moves, a still camera that moves, moves too short, or no camera at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from studio.motion import sentences
from studio.motion.camera_moves import MOVES, STATIC, find_order_words, is_shaken, name_move
from studio.motion.read_prompt import Clause, read_motion
from studio.motion.rules.empty_prompts import PUSH_IN, has_motion
from studio.motion.rules.faults import CheckedPrompt, Fault, add, cut
from studio.nouns import Camera, Move, MoveName

HOLD = sentences.say_camera(Camera((Move(STATIC),)))

_BOTH = re.compile(
    r"\b(?P<one>in|out|left|right|up|down|forwards?|backwards?|clockwise)(?P<two>\s*(?:and(?!\s+then)|&|/|or|,)\s*(?:\w+ly\s+)?(?:(?:zoom|pan|tilt|doll|truck|orbit|roll|crane)\w*\s+)?"
    r"(?P<other>in|out|left|right|up|down|forwards?|backwards?|(?:counter|anti)[\s-]?clockwise))\b"
)
_AGAINST = {"in": "out", "left": "right", "up": "down", "forward": "backward"}
_AFTER = re.compile(
    r"\b(?:then|before|after|afterwards|finally|until|later|at\s+the\s+end|followed\s+by|first|at\s+last|end(?:s|ing)?\s+with|next)\b"
)
_STILL = re.compile(
    r"\b(?:(?:static|stationary|fixed|motionless|unmoving|locked(?:[\s-](?:off|down))?)(?:\s+(?:shot|frame|tripod))?|tripod(?:\s+shot)?|still\s+(?:shot|camera|frame)|"
    r"(?:(?<=camera )|(?<=shot )|(?<=frame )|(?<=view )|(?<=it )|(?<=and )|(?<=but )|(?<=lens ))"
    r"(?:holds?|stays?|stands?|is|keeps?|remains?|holding|staying)\s+(?:\w+ly\s+)?(?:still|static|fixed|locked|in\s+place)|(?:does\s+not|doesn['’]t)\s+move|"
    r"no\s+(?:camera\s+)?(?:movement|motion))\b"
)
_SPOKEN = re.compile(
    r"(?<!at the )(?<!to the )(?<!into the )(?<!towards the )(?<!toward the )\bcamera\b(?!\s+to\s+her)|"
    r"\b(?:orbit|dolly|zoom|pan|tilt|tripod|handheld|drone|(?:tracking|static|close-up)\s+shot|(?:slow|gentle|parallax)\s+(?:\w+\s+)?push)\b"
)
"""What speaks of the camera even where the reader makes no move of it: a hint would be wrong."""

_JOINT = re.compile(
    r"\s*(?:\b(?:and|while|but|or)\b|[&/,])\s*(?:\w+ly\s+)?\w+(?:\s+(?:in|out|up|down|left|right|back|backwards?|forwards?|away)\b)?"
)


LEAST = 1.5
"""The seconds that moves in sequence need each: in less nobody sees where one ends and the next begins."""


class NamedOnce(NamedTuple):
    """One move where it is said, and in which leg of the camera's way."""

    name: MoveName
    clause: Clause
    leg: int


def check_camera(asked: CheckedPrompt) -> Iterator[Fault]:
    """camera_conflict, still_camera_moves, no_camera."""
    views = [clause for clause in asked.parsed.clauses if clause.kind == "camera" and clause.moves]
    said = list(_list_moves(views))
    yield from _check_opposites(asked, said)
    yield from _check_still(asked, said)
    yield from _check_legs(asked, views)
    if not views and has_motion(asked) and not _SPOKEN.search(asked.low):
        acts = any(clause.kind == "action" for clause in asked.parsed.clauses)
        reason = "Nothing is said of the camera: models that read words then move it as they like."
        label = "Hold the camera still" if acts else "Add a slow push in"
        yield Fault("no_camera", "hint", 0, 0, reason, label, add(asked.text, HOLD if acts else PUSH_IN))


def _list_moves(views: list[Clause]) -> Iterator[NamedOnce]:
    """Every move that is said to move, with its leg."""
    leg = 0
    for clause in views:
        for at, one in enumerate(clause.legs):
            leg += at > 0 or clause.anew
            yield from (NamedOnce(move.name, clause, leg) for move in one.moves if move.name != STATIC)


def _check_legs(asked: CheckedPrompt, views: list[Clause]) -> Iterator[Fault]:
    """short_legs: moves in sequence with too little time for each."""
    count = 1 + len(asked.parsed.motion.camera.then)
    if count > 1 and asked.seconds / count < LEAST:
        last = views[-1]
        reason = (
            f"{count} moves in a row have {asked.seconds / count:.1f} s each: {LEAST:g} s are the least that is seen."
        )
        start = (
            last.start
            if len(last.legs) == 1
            else last.start + max(at for at, _ in find_order_words(asked.low[last.start : last.end]))
        )
        yield Fault(
            "short_legs", "hint", start, last.end, reason, "Leave out the last", cut(asked.text, start, last.end)
        )


def _check_opposites(asked: CheckedPrompt, said: list[NamedOnce]) -> Iterator[Fault]:
    """The first two moves that undo each other and don't follow one another in time."""
    for index, second in enumerate(said):
        for first in said[:index]:
            apart = first.leg != second.leg or _is_in_turn(asked, first.clause, second.clause)
            if apart or second.name != MOVES[first.name].opposite:
                continue
            yield _fault_opposite(asked, first, second)
            return
    for clause in asked.parsed.clauses:
        found = _BOTH.search(asked.low, clause.start, clause.end) if clause.kind == "camera" and clause.moves else None
        if found and _is_opposite(found["one"], found["other"]):
            fixed = asked.text[: found.start("two")] + asked.text[found.end("two") :]
            reason = f"“{found['one']}” and “{found['other']}” undo each other: the camera goes one way."
            yield Fault("camera_conflict", "hurts", *found.span(), reason, f"Leave out “{found['two'].strip()}”", fixed)
            return


def _is_opposite(one: str, other: str) -> bool:
    one, other = (word.removesuffix("s") if word.endswith("wards") else word for word in (one, other))
    return (
        (one == "clockwise" and other.endswith("clockwise")) or _AGAINST.get(one) == other or _AGAINST.get(other) == one
    )


def _is_in_turn(asked: CheckedPrompt, first: Clause, second: Clause) -> bool:
    """Whether the words put one after the other: "pans left, then right" is no contradiction."""
    return bool(_AFTER.search(asked.low, first.start, second.end))


def _fault_opposite(asked: CheckedPrompt, first: NamedOnce, second: NamedOnce) -> Fault:
    one, other = name_move(first.name), name_move(second.name)
    reason = f"“{one}” and “{other}” undo each other: the camera goes one way."
    start, end = second.clause.start, second.clause.end
    fixed = _keep_first(asked, first, second) if first.clause == second.clause else _cut(asked, second.clause)
    return Fault("camera_conflict", "hurts", start, end, reason, f"Only {one}", fixed)


def _cut(asked: CheckedPrompt, clause: Clause) -> str:
    """The text without a clause, but for what it is on about: "zoom in and zoom out on her face"."""
    on = clause.target and re.search(
        rf"\b(?:on|onto|to|towards?|into|at|around|over)\s+{re.escape(clause.target.lower())}",
        asked.low[clause.start : clause.end],
    )
    if on and re.search(r"\w\s+$", asked.text[: clause.start]):
        return asked.text[: clause.start] + asked.text[clause.start + on.start() :]
    return cut(asked.text, clause.start, clause.end)


def _keep_first(asked: CheckedPrompt, first: NamedOnce, second: NamedOnce) -> str:
    """A clause of two opposite moves with the second left out; "" when its words can't be told apart."""
    clause = first.clause
    for found in _JOINT.finditer(asked.text, clause.start, clause.end):
        left = asked.text[: found.start()] + asked.text[found.end() :]
        names = [move.name for move in read_motion(left).camera.moves]
        if first.name in names and second.name not in names:
            return left
    return ""


def _check_still(asked: CheckedPrompt, said: list[NamedOnce]) -> Iterator[Fault]:
    """The first clause in which the camera stands, with the first move that isn't said to come before or after."""
    for clause in asked.parsed.clauses:
        still = _find_still(asked, clause) if clause.kind == "camera" else None
        if still is None:
            continue
        moves = [
            one
            for one in said
            if not _AFTER.search(asked.low, *_find_gap(clause, one.clause)) and not _is_look(asked, one)
        ]
        if moves:
            other = moves[0]
            reason = f"A camera that holds still can't {name_move(other.name)}."
            if is_shaken(other.name):
                reason = "A locked camera is not in a hand."
            label = f"Leave out “{asked.text[still[0] : still[1]].strip()}”"
            yield Fault(
                "still_camera_moves", "hurts", *still, reason, label, _drop_still(asked, clause, other.clause, still)
            )
            return


def _is_look(asked: CheckedPrompt, one: NamedOnce) -> bool:
    """Whether a camera only looks somewhere: "looks straight down and stays still" is where it stands."""
    return (
        "pitch" in MOVES[one.name].curve
        and re.search(r"\blook(?:s|ing)?\b", asked.low[one.clause.start : one.clause.end]) is not None
    )


def _find_gap(one: Clause, other: Clause) -> tuple[int, int]:
    return min(one.start, other.start), max(one.end, other.end)


def _find_still(asked: CheckedPrompt, clause: Clause) -> tuple[int, int] | None:
    """Where a clause says that the camera stands; what the camera looks at may stand as it likes."""
    low = asked.low[clause.start : clause.end]
    if clause.target and not any(is_shaken(move.name) for move in clause.moves):
        low = low.replace(clause.target.lower(), " " * len(clause.target))
    found = _STILL.search(low)
    if found:
        return clause.start + found.start(), clause.start + found.end()
    return (clause.start, clause.end) if any(move.name == STATIC for move in clause.moves) else None


def _drop_still(asked: CheckedPrompt, clause: Clause, other: Clause, still: tuple[int, int]) -> str:
    on = re.match(r"(?:and|but|yet)\s+", asked.low[other.start : other.end])
    if (
        on
        and not asked.text[clause.end : other.start].strip()
        and clause.end <= other.start
        and clause.start < still[0]
    ):
        return asked.text[: still[0]] + asked.text[other.start + on.end() :]
    if clause != other:
        return cut(asked.text, clause.start, clause.end)
    start, end = still
    before = re.search(r"\b(?:on|from|with)\s+(?:a|the)\s+$", asked.low[clause.start : start])
    if before:
        return cut(asked.text, clause.start + before.start(), end)
    after = re.match(r"(?:\s+(?:camera|shot))?\s*(?:\b(?:and|with|but|yet)\b|,)\s*|\s+", asked.low[end:])
    return asked.text[:start] + asked.text[end + after.end() if after else end :]
