"""What was asked for in a model's folder: which repository at which commit, which files of what size, and for which cards.

Knows one small file in that folder. Refuses to know the network, and whether the files are whole. It is there so that a download
goes on at the commit it began with, and so that it is known offline what is still to come.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from studio.nouns import Noun

NAME = ".stir.json"


class File(Noun, frozen=True):
    """A file of a repository: its path there, its bytes, and what its content is known by: the sha256 of a large file, 64 hex
    digits; git's own name of a small one, 40; empty where the hub says none."""

    path: str
    size: int
    etag: str = ""


class Ledger(Noun, frozen=True):
    """`asked` are the ids of the cards that the files were fetched for, `forgotten` those whose files the user has deleted."""

    repo: str
    commit: str
    licence: str = ""
    files: tuple[File, ...] = ()
    asked: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()


def read(folder: Path) -> Ledger | None:
    """The ledger of a folder; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Ledger)
    except (OSError, msgspec.DecodeError):
        return None


def write(folder: Path, ledger: Ledger) -> None:
    """Put a ledger into a folder, which is made, in one step, so that no half of it is ever read. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{NAME}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(ledger)))
    os.replace(part, folder / NAME)  # noqa: PTH105  (replaces also on Windows)


def grown(old: Ledger | None, repo: str, commit: str, licence: str, files: tuple[File, ...], card: str) -> Ledger:
    """The ledger once a card's files are asked for too. Another commit's files are no longer of any use, so they go."""
    same = old is not None and old.commit == commit
    known = {file.path: file for file in old.files} if old and same else {}
    known |= {file.path: file for file in files}
    asked = (*(old.asked if old else ()), card)
    forgotten = tuple(one for one in (old.forgotten if old else ()) if one != card)
    return Ledger(
        repo, commit, licence, tuple(known[path] for path in sorted(known)), tuple(dict.fromkeys(asked)), forgotten
    )  # fmt: skip


def without(old: Ledger, card: str, kept: set[str]) -> Ledger:
    """The ledger once a card's files are deleted, `kept` being the paths that others still need."""
    return msgspec.structs.replace(
        old,
        files=tuple(file for file in old.files if file.path in kept),
        asked=tuple(one for one in old.asked if one != card),
        forgotten=tuple(dict.fromkeys((*old.forgotten, card))),
    )
