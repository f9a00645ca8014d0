"""What every rule of the prompt check is given and gives: the sentence as it was read, and a fault with its first remedy.

Knows shapes only. Refuses to know any rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from studio.cards import ModelCard
from studio.motion.read import Parsed
from studio.nouns import Effect

Level = Literal["hurts", "hint"]


class Asked(NamedTuple):
    """A sentence to check: as typed, in lower case (spans are the same in both), as read, and what it is for.

    `effects` are those set beside the words; `seconds` is the clip's length.
    """

    text: str
    low: str
    parsed: Parsed
    effects: tuple[Effect, ...]
    seconds: float
    card: ModelCard | None


class Fault(NamedTuple):
    """What a rule found. `fixed` is the sentence with this mended and nothing else looked at; "" when only the user can."""

    code: str
    level: Level
    start: int
    end: int
    reason: str
    label: str = ""
    fixed: str = ""
    negative: str = ""


Rule = Callable[[Asked], Iterator[Fault]]
