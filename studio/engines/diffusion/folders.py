"""Where one card's files lie on this disk.

Knows folders and nothing else. Refuses to know how they came there or what is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """`main` is the pipeline's folder; `companions` go by the order of `checkpoint.companions`, None where none is needed."""

    main: Path
    companions: tuple[Path | None, ...] = ()
