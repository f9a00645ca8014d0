"""The score of a clip as values: measures, faults and the one number that orders clips. How they are measured:
studio/score.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from studio.nouns import Fraction, Noun

VERSION = 3
"""Raised when a measure, a limit or a weight changes: scores of another version are computed again."""

MeasureName = Literal[
    "likeness", "nearness", "flicker", "noise", "sharpness", "crispness", "exposure", "colour", "wobble", "doubled",
    "still", "motion", "camera", "seam", "subject", "unrest", "face", "lettering",
]  # fmt: skip
FaultKind = Literal[
    "black", "cut", "far", "noise", "frozen", "grain", "doubled", "flicker", "wobble", "blur", "soft", "drift", "cast",
    "seam", "direction", "camera", "motion", "subject", "unrest", "face", "lettering",
]  # fmt: skip

Lack = Literal["photo", "recipe"]
"""What a clip can't be held against: its photo isn't here, or nobody knows what was asked."""

BREAKING: tuple[FaultKind, ...] = ("frozen", "black", "cut", "noise", "far")
"""Faults with which a clip is of no use."""


class Measure(Noun, frozen=True):
    """One thing measured of a clip: `value` in `unit` (studio/score says source and range), `goodness` 0..1."""

    name: MeasureName
    value: float
    unit: str
    goodness: Fraction


class ClipFault(Noun, frozen=True):
    """Something wrong with a clip that is seen, and from which second on."""

    kind: FaultKind
    at_second: float


class Score(Noun, frozen=True):
    """How good a clip is: `total` 0..1 orders clips; `faults`, those first with which it is of no use. What could not
    be measured is left out of `measures`; `lacks` says what was missing for it."""

    total: Fraction
    measures: tuple[Measure, ...]
    faults: tuple[ClipFault, ...] = ()
    lacks: tuple[Lack, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the clip is of no use: frozen, black, cut, noise, or far from its photo."""
        return any(fault.kind in BREAKING for fault in self.faults)

    def measure(self, name: MeasureName) -> Measure | None:
        """The measure of this name; None where it could not be taken."""
        return next((one for one in self.measures if one.name == name), None)


msgspec.json.Decoder(Score)  # built before threads read it: see the end of nouns.py
