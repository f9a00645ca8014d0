"""What one clause says of the camera: moves, amount, pace, sequence, target, or that it holds still; None for another
subject.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.motion import camera_moves
from studio.motion.camera_moves import (
    MOST,
    MOVES,
    STATIC,
    NamedMove,
    compile_patterns,
    count_opener,
    find_order_words,
    find_turn,
    is_last,
    is_later,
)
from studio.motion.sentences import MOVE_AMOUNTS as AMOUNTS
from studio.motion.sentences import bucket
from studio.motion.vocabulary import (
    BASE,
    CAMERA,
    CAMERA_FILLER,
    DETERMINERS,
    DOWN,
    FAR,
    FAST,
    FUNCTION,
    LEFT,
    LITTLE,
    MODIFIERS,
    NATURE,
    NEGATIONS,
    PREPOSITIONS,
    RIGHT,
    SLOW,
    SMOOTH,
    UP,
    VIEW,
    read_lists,
)
from studio.nouns import Leg, Move, MoveName, Speed

_LISTS = read_lists("camera_clause")


class CameraClause(NamedTuple):
    """What a clause says of the camera. `target` and `rest` are runs of its words: whom or what the camera is on about,
    and what else was said. `unwanted`: it is something that should not be done. `legs` are the moves as they follow one
    another; `anew`: the first of them follows what was said before, else it goes with that."""

    moves: tuple[Move, ...] = ()
    speed: Speed = "normal"
    target: Run | None = None
    rest: tuple[Run, ...] = ()
    unwanted: bool = False
    legs: tuple[Leg, ...] = ()
    anew: bool = False


_AT = _LISTS["at"]
_HEADS = _LISTS["heads"]
"""What speaks of the camera at the beginning of a clause, though nobody is named."""

_LEADS = DETERMINERS | MODIFIERS | SMOOTH | _LISTS["leads"]  # fmt: skip
_TRIGGER = re.compile(
    r"\b(?:doll|zoom|pan|tilt|hand ?held|vertigo|hitchcock|zolly|contra|trombone|jaws|orbit|arc|crane|jib|boom|pedestal"
    r"|track|truck|push|pull|spiral|shaky|go ?pro|ken |punch|dutch|barrel|360|turntable|static|locked|tripod|fixed"
    r"|still|stationary|steady|whip|lateral|sideways|unmoving|motionless|camera|sway|crash|snap|circling)"
)
_OPENS = _LISTS["opens"]
_SHOWS = _LISTS["shows"]
_STOPS = _LISTS["stops"]
_ENDS = _LISTS["ends"]
_FREE = _LISTS["free"]
_STEPS = _LISTS["steps"] | PREPOSITIONS | UP | DOWN | LEFT | RIGHT
_SPINS = _LISTS["spins"]

_NOT_SHOTS = r"(?:static|fixed|stationary|locked(?: (?:off|down))?|still|unmoving|motionless|steady)"
_SHOTS = r"(?:shot|frame|camera|cam|view|framing|composition|perspective|viewpoint|angle|tripod)"
_STILL_SHOT = re.compile(
    rf"\b(?:{_NOT_SHOTS} (?:(?P<kind>\w+) )?{_SHOTS}|locked (?:off|down)|(?:on a |from a )?tripod(?: shot)?)\b"
)
_STATIC = re.compile(
    r"\b(?:\w+ly )?(?:static|still|fixed|stationary|motionless|locked(?: (?:off|down))?|tripod|unmoving|steady|frozen"
    r"|immobile|in place|stays put|hover(?:s|ing)?|anchored|does nothing|stable|hold(?:s|ing)?|rests?|doesn't budge)\b"
)
_STATIC_ALONE = re.compile(r"(?:\w+ly )?(?:static|locked off|locked down|stationary)")
_STAYS = re.compile(
    r"\b(?:stays?|staying|stayed|remains?|remaining|is|holds?|holding|keeps?|kept|completely|perfectly|totally|absolutely"
    r"|fully|whole|entire|throughout|time|entirely)\b"
)
_NO_MOVEMENT = re.compile(
    r"\b(?:no|without|zero|not)(?: any| a)? camera (?:movements?|motions?|moves?|moving)\b"
    r"|\bno (?:movements?|motion) (?:of|from|in) the camera\b"
)
_RESTS = re.compile(
    r"(?:(?:stays?|staying|remains?|holds?|holding|stands?|is|comes to) )?(?:\w+ly )?(?:still|static|steady"
    r"|locked(?: off)?|in place|tripod|(?:a )?stand ?still|(?:a )?rest|put|fixed|motionless)"
)
_GENERIC = _LISTS["generic"]
_PARTS = re.compile(r"\b(?:and|then|while|plus|with|followed by|as it|before|&|but)\b")
_DEGREES = re.compile(r"\b(\d{1,3}) ?(?:°|degrees?\b)")
_SHARE = re.compile(r"\b(\d{1,3})(?:%| percent)")


def camera_at(lows: list[str]) -> int:
    """Where the camera is named as what moves, -1 for nowhere: "she looks into the camera" is not about it."""
    for at, low in enumerate(lows):
        if low in CAMERA:
            before = [one for one in lows[:at] if one not in DETERMINERS]
            if not before or before[-1] not in _AT:
                return at
    return -1


def read_camera_clause(lows: list[str], after_camera: bool = False, free: bool = True) -> CameraClause | None:
    """What a clause says of the camera; None when it is about something else.

    after_camera: the clause before it was. free: nobody has acted in this sentence yet, so "moving closer" is the
    camera.
    """
    line = " ".join(lows)
    named = camera_at(lows) >= 0
    rest = lows[_lead(lows) :]
    viewed = _has_view(rest)
    head = _starts_with_move(rest, free) or (after_camera and _is_about_camera(rest))
    if not (named or head or viewed or after_camera or _TRIGGER.search(line)):
        return None
    if after_camera and set(rest) <= _STOPS:
        return CameraClause()
    if (viewed and set(rest[1:3]) & _OPENS) or (after_camera and rest[0] in _SHOWS | _ENDS):
        return CameraClause(rest=((len(lows) - len(rest), len(lows)),))
    rests = " ".join(rest).removeprefix("it ") if after_camera else ""
    if _RESTS.fullmatch(rests):
        return _build_clause(
            lows, [NamedMove(STATIC, line.index(rests), len(line))], [(line.index(rests), len(line))], False
        )
    if _NO_MOVEMENT.search(line):
        return _build_clause(
            lows, [NamedMove(STATIC, 0, len(line))], [match.span() for match in _NO_MOVEMENT.finditer(line)], False
        )
    found = _find_moves(line, named or viewed or head, strict=not (named or after_camera or viewed))
    found += camera_moves.find_more_moves(line, found)
    unwanted = any(low in NEGATIONS or low.endswith("n't") for low in lows)
    if not found and _is_still(line, named, unwanted):
        return _build_clause(lows, [NamedMove(STATIC, 0, len(line))], _find_still_words(line), False)
    if not found and not named:
        return None
    return _build_clause(lows, found, [(one.start, one.end) for one in found], unwanted)


def _lead(lows: list[str]) -> int:
    """How many words only lead up to the name of a move: "with a slow, gentle"."""
    at = 0
    while at < len(lows) and lows[at] not in _HEADS:
        step = count_opener(lows, at) or int(lows[at] in _LEADS or (lows[at].endswith("ly") and len(lows[at]) > 4))
        if not step:
            break
        at += step
    return at


def _starts_with_move(rest: list[str], free: bool) -> bool:
    """Whether words that nobody is named in speak of the camera: "orbit the car", "spin around her", "slowly
    descending".
    """
    if not rest:
        return False
    if free and rest[0] in _FREE:
        return len(rest) == 1 or rest[1] in _STEPS or rest[1].endswith("ly")
    return rest[0] in _HEADS or (rest[0] in _SPINS and bool({"around", "round"} & set(rest[1:4])) and len(rest) > 2)


def _has_view(rest: list[str]) -> bool:
    """Whether a stand-in for the camera ("we", "the shot", "drone shot") is what does something."""
    return (
        any(low in VIEW and rest[at + 1 : at + 2] != ["of"] for at, low in enumerate(rest[:3]))
        and rest[0] not in PREPOSITIONS
    )


def _is_about_camera(rest: list[str]) -> bool:
    """Whether words after a camera clause are still about the camera: they have no subject of their own."""
    line = " ".join(rest)
    for weak in (False, True):
        for match in filter(None, (pattern.match(line) for _, pattern in compile_patterns(weak))):
            after = line[match.end() :].split()
            if not after or not weak or after[0] in MEANT or after[0].endswith("ly"):
                return True
    return False


def _find_moves(line: str, weak: bool, strict: bool) -> list[NamedMove]:
    """Moves named in a line, in its order. What is read as one is not read again.

    weak: verbs that others use too count as well. strict: those only where nothing but a lead stands before them.
    """
    found: list[NamedMove] = []
    for last in (False, True) if weak else (False,):
        for name, pattern in compile_patterns(last):
            for match in pattern.finditer(line):
                before = line[: match.start()]
                if (last and strict and not _is_lead(before)) or (
                    not weak and _is_another_doing(before, match.group())
                ):
                    continue
                found.append(NamedMove(name, match.start(), match.end()))
                line = before + "\x00" * (match.end() - match.start()) + line[match.end() :]
    return sorted(found, key=lambda one: one.start)


def _is_lead(before: str) -> bool:
    """Whether what stands before the name of a move, in its part of the line, only leads up to it."""
    said = before[max((match.end() for match in _PARTS.finditer(before)), default=0) :].split()
    return _lead(said) == len(said)


def _is_another_doing(before: str, name: str) -> bool:
    """Whether what looks like a move is somebody else's doing: "cars zoom past", "she pushes in the door"."""
    said = before.split()
    lead = _lead(said)
    return (
        lead < len(said) and said[-1] not in ("a", "an", "the", "with", "slow", "and") and name.split()[0].endswith("s")
    )


def _is_still(line: str, named: bool, unwanted: bool) -> bool:
    """Whether a line that names no move says that the camera holds still."""
    if named and ((unwanted and _GENERIC & set(line.split())) or (not unwanted and _STATIC.search(line))):
        return True
    return _STILL_SHOT.search(line) is not None or _STATIC_ALONE.fullmatch(line) is not None


def _find_still_words(line: str) -> list[Run]:
    """Which characters of a line say that the camera holds still; the kind of shot is something else: "static wide
    shot".
    """
    used = [match.span() for pattern in (_STATIC, _STAYS) for match in pattern.finditer(line)]
    for match in _STILL_SHOT.finditer(line):
        kind = match.span("kind") if match["kind"] else (match.end(), match.end())
        used += [(match.start(), kind[0]), (kind[1], match.end())]
    return used


def _build_clause(lows: list[str], found: list[NamedMove], used: list[Run], unwanted: bool) -> CameraClause:
    """What was found, with how far and how quickly; `used` are the characters that said it."""
    line = " ".join(lows)
    found = [one for one in found if not line.startswith("followed by ", one.start)]
    starts = [0]
    for low in lows:
        starts.append(starts[-1] + len(low) + 1)
    ordered = [*used, *find_order_words(line)]
    consumed = {at for at in range(len(lows)) if any(first <= starts[at] < past for first, past in ordered)}
    target, rest = find_target(lows, consumed, tuple(dict.fromkeys(one.name for one in found)))
    bare = _blank(line, [(starts[first], starts[past] - 1) for first, past in (*([target] if target else []), *rest)])
    unread = _blank(line, used)
    speed = _read_pace(lows)
    turns: list[tuple[int, dict[MoveName, Move]]] = []
    last = 0
    for one in found:
        follows = line.startswith(("follow", "trail", "chas"), one.start)
        if len(found) > 1 and follows and not is_later(line[last : one.start]):
            continue
        first, past = _part(line, one) if len(found) > 1 else (0, len(line))
        name = camera_moves.resolve_side(one, line, unread, line[first:past])
        begins = find_turn(line, last, one.start)
        if not turns or (begins >= 0 and len(turns) < MOST):
            turns.append((max(begins, last) if turns else 0, {}))
        turns[-1][1].setdefault(name, Move(name) if name == STATIC else Move(name, _read_amount(bare[first:past])))
        last = one.end
    ends = [*(start for start, _ in turns[1:]), len(line)][: len(turns)]
    paces = (
        [speed]
        if len(turns) == 1
        else [_read_pace(line[start:end].split()) for (start, _), end in zip(turns, ends, strict=True)]
    )
    legs = tuple(Leg(tuple(named.values()), pace) for (_, named), pace in zip(turns, paces, strict=True))
    anew = bool(found) and (
        is_later(line[: found[0].start]) or is_last(line) or (bool(used) and is_later(line[: used[0][0]]))
    )
    every = dict.fromkeys(move for leg in legs for move in leg.moves)
    return CameraClause(tuple(every), legs[0].speed if legs else speed, target, rest, unwanted, legs, anew)


def _read_pace(lows: list[str]) -> Speed:
    return "slow" if SLOW & set(lows) else "fast" if FAST & set(lows) else "normal"


def _blank(line: str, used: list[Run]) -> str:
    """A line with some of its characters blotted out."""
    for start, end in used:
        line = line[:start] + "\x00" * (end - start) + line[end:]
    return line


def _part(line: str, one: NamedMove) -> Run:
    """Which characters of a line are said of one of several moves."""
    first = max((match.end() for match in _PARTS.finditer(line) if match.end() <= one.start), default=0)
    return first, min((match.start() for match in _PARTS.finditer(line) if match.start() >= one.end), default=len(line))


def _read_amount(part: str) -> float:
    """How far a move goes, by what is said of it."""
    degrees = _DEGREES.search(part)
    if degrees:
        return AMOUNTS[0 if int(degrees[1]) <= 30 else 1 if int(degrees[1]) < 120 else 2]
    share = _SHARE.search(part)
    if share:
        return AMOUNTS[bucket(int(share[1]) / 100)]
    said = set(part.split())
    return AMOUNTS[0] if said & LITTLE else AMOUNTS[2] if said & FAR else AMOUNTS[1]


Run = tuple[int, int]
"""Words of a clause: the first, and the one past the last."""

_WAYS = LEFT | RIGHT | UP | DOWN | _LISTS["ways"]  # fmt: skip
MEANT = FUNCTION | CAMERA_FILLER | SLOW | FAST | LITTLE | FAR | _WAYS
"""What means the camera, how it goes, or nothing by itself: it need not be kept as words."""

_EXTENT = FAR | LITTLE | UP | DOWN | SLOW | FAST
_NOUNS_TOO = _LISTS["nouns_too"]
_ON = _LISTS["on"]
_TOWARDS = _LISTS["towards"]
_PAST = _LISTS["past"]
_BEYOND = _PAST | _LISTS["beyond"]
_NUMBER = re.compile(r"\d+(?:°|%)?")


def find_target(lows: list[str], consumed: set[int], moves: tuple[MoveName, ...]) -> tuple[Run | None, tuple[Run, ...]]:
    """What else a clause says: whom or what the camera is on about, None for nobody, and the other runs of words.

    consumed: the words that named its moves.
    """
    meant = MEANT - _EXTENT if moves == (STATIC,) else MEANT
    loose = [at in consumed or low in meant or bool(_NUMBER.fullmatch(low)) for at, low in enumerate(lows)]
    target: Run | None = None
    runs: list[Run] = []
    at = 0
    while at < len(lows):
        if loose[at]:
            at += 1
            continue
        end = next((one for one in range(at, len(lows)) if one in consumed), len(lows))
        while loose[end - 1] and lows[end - 1] not in _NOUNS_TOO:
            end -= 1
        start = at
        while start > 0 and start - 1 not in consumed and lows[start - 1] in DETERMINERS | FAR | LITTLE:
            start -= 1
        if target is None and _is_target(lows, start, consumed, moves):
            end = next((one for one in range(at + 1, end) if lows[one] in _BEYOND), end)
            target = start, end
        else:
            while start > 0 and (_leads_to_target(lows, start, consumed) or _passes(lows, start, moves)):
                start -= 1
            runs.append((start, end))
        at = end
    return target, tuple(runs)


def _leads_to_target(lows: list[str], start: int, consumed: set[int]) -> bool:
    return lows[start - 1] in PREPOSITIONS | _PAST and start - 1 not in consumed


def _passes(lows: list[str], start: int, moves: tuple[MoveName, ...]) -> bool:
    """Whether the preposition before `start`, read as part of a move, also says where it goes: "down the corridor"."""
    if lows[start - 1] in ("up", "down"):
        return lows[start] in DETERMINERS and any(MOVES[name].passes for name in moves)
    return lows[start - 1] in _PAST


def _is_target(lows: list[str], start: int, consumed: set[int], moves: tuple[MoveName, ...]) -> bool:
    """Whether the words from `start` on are whom or what the camera is on about."""
    before = lows[start - 1] if start else ""
    if before in _ON:
        return True
    if before in _PAST and start - 1 in consumed:
        return False
    if not any(MOVES[name].aims for name in moves) or (lows[start] in BASE and lows[start] not in NATURE):
        return False
    return before in _TOWARDS or (start - 1 in consumed and lows[start] in DETERMINERS)
