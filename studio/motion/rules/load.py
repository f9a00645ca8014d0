"""How much is asked at once: more actions than the seconds hold, more words than the model reads.

Knows how many things the words let happen one after another. Refuses to know tokenisers: `tokens` counts from above.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from studio.motion.compose import plain
from studio.motion.read import Clause
from studio.motion.rules.base import Asked, Fault
from studio.motion.rules.edits import cut
from studio.motion.rules.verbal import acting, begins, lows
from studio.motion.split import tokens
from studio.motion.tokens import count

SECONDS_PER_ACTION = 2.0
"""The least an action takes. Prompt guides for clips of 5 s ask for one main action, two at most, and give each 2 to 3 s
(those for Runway, Kling and Seedance among them); this is the short end, so that only what can't fit is found."""

_THEN = re.compile(r"\s*,?\s*\b(?:and\s+then|and|then|before|after\s+which|finally)\b\s*")
_DROPPED = (("description", "other"), ("environment",), ("light",), ("effect",), ("still",), ("action",), ("still",))
"""What is left out first when words have to be; the order is that of `dialects.FEWEST_FIRST`."""


def load(asked: Asked) -> Iterator[Fault]:
    """too_many_actions and too_long."""
    yield from _too_many(asked)
    yield from _too_long(asked)


def actions(asked: Asked) -> list[tuple[int, int]]:
    """Where each action is said, in order: what subjects do one after another, and the camera's moves after the first
    where they go together; what follows one another has a rule of its own too (`short_legs`).

    What moves by itself (water, leaves, clouds) goes on all the time and doesn't count.
    """
    found: list[tuple[int, int]] = []
    before: Clause | None = None
    for clause in asked.parsed.clauses:
        if clause.kind == "action" or (clause.kind == "description" and _goes_on(clause, before)):
            found += _acts(asked.text, clause)
        before = clause
    moves = [(clause.start, clause.end) for clause in asked.parsed.clauses if any(move.name != "static" for move in clause.moves)]
    return sorted(found + moves[1:])


def _goes_on(clause: Clause, before: Clause | None) -> bool:
    """Whether words that the reader took for a description are one more action of a list: "…, locks it, buys a paper, …"."""
    return begins(lows(clause.text), listed=before is not None and before.kind in ("action", "description"))


def _acts(text: str, clause: Clause) -> Iterator[tuple[int, int]]:
    """The actions of a clause: "jumps and falls to her knees" is two."""
    start, low = clause.start, text.lower()
    joints = [found.span() for found in _THEN.finditer(low, clause.start, clause.end) if found.start() > clause.start]
    for stop, after in joints:
        following = lows(text[after : clause.end])
        if begins(following, listed=True) and acting(lows(text[start:stop])):
            yield start, stop
            start = after
    yield start, clause.end


def _too_many(asked: Asked) -> Iterator[Fault]:
    found, fit = actions(asked), max(1, math.ceil(asked.seconds / SECONDS_PER_ACTION))
    if len(found) <= fit:
        return
    fixed = asked.text
    for start, end in reversed(found[fit:]):
        fixed = cut(fixed, start, end)
    fits = "one fits" if fit == 1 else f"{fit} fit"
    reason = f"{len(found)} things happen in {asked.seconds:g} s; about {fits}, at two to three seconds each."
    label = "Keep the first" if fit == 1 else f"Keep the first {fit}"
    yield Fault("too_many_actions", "hurts", found[fit][0], found[-1][1], reason, label, fixed)


def _too_long(asked: Asked) -> Iterator[Fault]:
    limit = asked.card.checkpoint.text_tokens if asked.card and asked.card.checkpoint and "prompt" in asked.card.supports else 0
    if not limit or count(asked.text) * 2 < limit:
        return
    spoken = count(plain(asked.parsed.motion))
    if spoken > limit and asked.card:
        reason = f"{asked.card.title} reads about {limit} tokens and this takes about {spoken}: the end is not read."
        kept, left = _shortened(asked, limit - (spoken - count(asked.text)))
        label = f"Leave out {left} parts" if left > 1 else "Leave out one part"
        yield Fault("too_long", "hurts", _reach(asked.text, limit), len(asked.text.rstrip(" .\n")), reason, label, kept)


def _reach(text: str, limit: int) -> int:
    """Where in the text the tokens run out."""
    return next((word.start for word in tokens(text) if count(text[: word.end]) > limit), len(text))


def _shortened(asked: Asked, limit: int) -> tuple[str, int]:
    """The text without its least important clauses, so that it takes `limit` tokens, and how many went; "" when it can't be.

    The first of what stays still and the first action are kept.
    """
    text, left = asked.text, 0
    gone: list[Clause] = []
    for round_, kinds in enumerate(_DROPPED):
        own = [clause for clause in asked.parsed.clauses if clause.kind in kinds]
        last = round_ == len(_DROPPED) - 1
        for clause in reversed(own[1:] if kinds[0] in ("still", "action") and not last else own):
            if clause in gone:
                continue
            gone.append(clause)
            text, left = asked.text, len(gone)
            for one in sorted(gone, key=lambda each: -each.start):
                text = cut(text, one.start, one.end)
            if count(text) <= limit:
                return text, left
    return "", left
