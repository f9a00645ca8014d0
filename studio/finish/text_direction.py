"""The order in which a line's signs stand, where what is read from left to right meets what is read from right to left.

The Unicode bidirectional algorithm (UAX 9) without its explicit marks and paired brackets: a level for each sign, even
for left to right, odd for right to left; the rules' names stand beside them.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

STRONG = {"L": "L", "R": "R", "AL": "R"}


def find_base(paragraph: str) -> int:
    """The level of a paragraph: 1 where its first letter is read from right to left, else 0 (P2, P3)."""
    return next((int(kind != "L") for kind in map(unicodedata.bidirectional, paragraph) if kind in STRONG), 0)


def find_levels(text: str, base: int) -> list[int]:
    """The level of each sign of a line whose paragraph has the level `base`."""
    kinds = _settle_numbers([unicodedata.bidirectional(sign) or "L" for sign in text], "R" if base else "L")
    own = "R" if base else "L"
    for at, kind in enumerate(kinds):
        if kind != "ON":
            continue
        before = kinds[at - 1] if at else own
        after = next((one for one in kinds[at:] if one != "ON"), own)
        sides = {"L" if side == "L" else "R" for side in (before, after)}
        kinds[at] = sides.pop() if len(sides) == 1 else own  # N1, N2
    levels = [{"L": 2 * base, "R": 1}.get(kind, 2) for kind in kinds]  # I1, I2
    blank = len(text) - len(text.rstrip())
    return levels[: len(text) - blank] + [base] * blank  # L1


def _settle_numbers(kinds: list[str], strong: str) -> list[str]:
    """Each sign as L, R, EN, AN (numbers) or ON (neutral): W1 to W7."""
    made: list[str] = []
    letter = strong
    for kind in kinds:
        if kind in ("NSM", "BN"):
            made.append(made[-1] if made else "ON")
            continue
        letter = kind if kind in STRONG else letter
        made.append("AN" if kind == "EN" and letter == "AL" else STRONG.get(kind, kind))
    for at, kind in enumerate(made[1:-1], 1):
        if kind in ("ES", "CS") and made[at - 1] == made[at + 1] in (("EN", "AN") if kind == "CS" else ("EN",)):
            made[at] = made[at - 1]
    for row in (range(1, len(made)), range(len(made) - 2, -1, -1)):
        for at in row:
            if made[at] == "ET" and "EN" in (made[at - 1], made[min(at + 1, len(made) - 1)]):
                made[at] = "EN"
    letter = strong
    for at, kind in enumerate(made):
        letter = kind if kind in ("L", "R") else letter
        made[at] = "L" if kind == "EN" and letter == "L" else kind if kind in ("L", "R", "EN", "AN") else "ON"
    return made


def order_runs(levels: list[int]) -> list[int]:
    """In which order runs of these levels stand from left to right (L2)."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        deep = [levels[one] >= level for one in order]
        edges = [0, *[at for at in range(1, len(order)) if deep[at] != deep[at - 1]]]
        parts = [order[start:end] for start, end in pairwise([*edges, len(order)])]
        order = [one for part in parts for one in (part[::-1] if levels[part[0]] >= level else part)]
    return order
