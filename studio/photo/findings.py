"""The report on a photo as data: findings, their level, where in the photo they are, and the remedies that one press
applies.

What is measured is in flaws/; which are looked for, and their order, in inspection.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.nouns import Crop, Fraction, Kind, Mend, Noun, Size

Code = Literal[
    "small", "soft", "blocks", "noise", "clipped", "flat", "hdr", "vignette",
    "busy", "subject", "text", "faces_small", "faces_cut", "ratio",
]  # fmt: skip
"""What can be found: the first eight in the pixels, the others in what the photo shows and how it is cropped."""

Level = Literal["fine", "mend", "mind"]
"""Looked at and fine; will hurt and there is a remedy; will hurt and is worth knowing."""

Box = tuple[Fraction, Fraction, Fraction, Fraction]
"""Left, top, width and height in fractions of the whole photo."""


class Remedy(Noun, frozen=True):
    """One press that helps: `mends` are added to the shot's, the others take the place of what the shot has; None
    leaves it.
    """

    label: Annotated[str, msgspec.Meta(min_length=1)]
    mends: tuple[Mend, ...] = ()
    crop: Crop | None = None
    size: Size | None = None


class Finding(Noun, frozen=True):
    """One thing that was looked at.

    `says` is one sentence in the creator's words; `why` is what was measured, against which threshold; `hurts` is how
    much it will hurt, 0..1 (0 where it is fine), which orders the report; `box` is where in the photo, None for all of
    it.
    """

    code: Code
    level: Level
    says: Annotated[str, msgspec.Meta(min_length=1)]
    why: str = ""
    remedies: tuple[Remedy, ...] = ()
    box: Box | None = None
    hurts: Fraction = 0.0


class Report(Noun, frozen=True):
    """What was found in a photo, those that hurt first; `kind` is what it is a photo of (None where unclear)."""

    kind: Kind | None = None
    findings: tuple[Finding, ...] = ()

    def at(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level, in their order."""
        return tuple(finding for finding in self.findings if finding.level == level)
