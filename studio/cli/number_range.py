"""Numbers on the command line that have to lie between two others, as types of argparse."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", int, float)


def check_between(kind: Callable[[str], T], low: T, high: T) -> Callable[[str], T]:
    """A type of argument: a number of this kind from `low` to `high`."""

    def check(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:.10g} and {high:.10g}")
        return value

    return check
