"""What a clause about the camera says besides the move: whom or what it is on about, and where it passes.

Knows the words of one clause and which of them named a move. Refuses to know what names a move.
"""

from __future__ import annotations

import re

from studio.motion.lexicon import (
    CAMERA_FILLER,
    DETERMINERS,
    DOWN,
    FAR,
    FAST,
    FUNCTION,
    LEFT,
    LITTLE,
    NATURE,
    PREPOSITIONS,
    RIGHT,
    SLOW,
    UP,
    words,
)  # fmt: skip
from studio.motion.verbs import BASE
from studio.nouns import MoveName

Run = tuple[int, int]
"""Words of a clause: the first, and the one past the last."""

_WAYS = LEFT | RIGHT | UP | DOWN | words(
    "in out back away forward forwards backward backwards closer nearer sideways clockwise anticlockwise counterclockwise counter"
    " anti higher lower amount distance side direction her him it them us closely handheld same once simultaneously together both"
    " also"
)  # fmt: skip
MEANT = FUNCTION | CAMERA_FILLER | SLOW | FAST | LITTLE | FAR | _WAYS
"""What means the camera, how it goes, or nothing by itself: it need not be kept as words."""

_EXTENT = FAR | LITTLE | UP | DOWN | SLOW | FAST
_NOUNS_TOO = words("light end beginning distance side shot frame scene picture image video")
_ON = words("on onto around following")
_TOWARDS = words("to toward towards into at round about with closer of")
_PAST = words("through over down across between under past along up")
_BEYOND = _PAST | words("from towards toward into behind")
_SUBJECTS = ("dolly", "zoom", "orbit", "push", "handheld", "truck")
_NUMBER = re.compile(r"\d+(?:°|%)?")


def left(lows: list[str], consumed: set[int], moves: tuple[MoveName, ...]) -> tuple[Run | None, tuple[Run, ...]]:
    """What else a clause says: whom or what the camera is on about, None for nobody, and the other runs of words.

    consumed: the words that named its moves.
    """
    meant = MEANT - _EXTENT if moves == ("static",) else MEANT
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
        if target is None and _aims(lows, start, consumed, moves):
            end = next((one for one in range(at + 1, end) if lows[one] in _BEYOND), end)
            target = start, end
        else:
            while start > 0 and (_leads(lows, start, consumed) or _passes(lows, start, moves)):
                start -= 1
            runs.append((start, end))
        at = end
    return target, tuple(runs)


def _leads(lows: list[str], start: int, consumed: set[int]) -> bool:
    return lows[start - 1] in PREPOSITIONS | _PAST and start - 1 not in consumed


def _passes(lows: list[str], start: int, moves: tuple[MoveName, ...]) -> bool:
    """Whether the preposition before `start`, read as part of a move, also says where it goes: "down the corridor"."""
    if lows[start - 1] in ("up", "down"):
        return lows[start] in DETERMINERS and any(name.startswith(("dolly", "truck")) for name in moves)
    return lows[start - 1] in _PAST


def _aims(lows: list[str], start: int, consumed: set[int], moves: tuple[MoveName, ...]) -> bool:
    """Whether the words from `start` on are whom or what the camera is on about."""
    before = lows[start - 1] if start else ""
    if before in _ON:
        return True
    if before in _PAST and start - 1 in consumed:
        return False
    if not any(name.startswith(_SUBJECTS) for name in moves) or (lows[start] in BASE and lows[start] not in NATURE):
        return False
    return before in _TOWARDS or (start - 1 in consumed and lows[start] in DETERMINERS)
