"""What is to be fetched of one repository into one folder, and how a file looks that is on its way.

Knows names and lengths. Refuses to know the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.engines.diffusion import shares, whole
from studio.engines.diffusion.ledger import File


@dataclass(frozen=True)
class Parcel:
    """Files of a repository at one commit, and the folder they go into; `stale` are those that lie there as another commit has
    them."""

    repo: str
    commit: str
    folder: Path
    files: tuple[File, ...]
    licence: str = ""
    gated: bool = False
    stale: frozenset[str] = frozenset()

    @property
    def missing(self) -> tuple[File, ...]:
        """Those of the files that aren't here, or aren't whole."""
        return tuple(
            file for file in self.files if file.path in self.stale or not arrived(self.folder / file.path, file)
        )  # fmt: skip

    @property
    def owed(self) -> int:
        """Bytes still to come: halves that are here count."""
        return sum(file.size - (whole.length(half(self.folder / file.path, file)) or 0) for file in self.missing)


def arrived(path: Path, file: File) -> bool:
    """Whether a file is on the disk as it was published."""
    return whole.length(path) == file.size and (file.size == 0 or not whole.fault(path))


def half(path: Path, file: File) -> Path:
    """Where a file is kept while it is on its way. The name says which content, so that no other is ever added to it."""
    return path.with_name(f"{path.name}.{(file.etag or str(file.size))[:12]}{shares.UNFINISHED}")
