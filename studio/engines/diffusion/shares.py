"""What a card needs of one folder, as far as can be told offline, and what is the matter with it there.

Knows files on the disk, the folder's ledger and the indexes that lie in it. Refuses to know which folder, and the network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from studio.cards import Checkpoint, Companion
from studio.engines.diffusion import ledger, pieces, whole

UNFINISHED = ".incomplete"
"""How the name of a file ends that is still on its way."""

ANY = "(weights)"
"""Stands for a file of weights where there is none whose name could be said."""

DEPTH = 3
"""How many folders deep a repository's files lie at most."""


class Share(NamedTuple):
    """A folder, the files that are wanted of it (paths from the folder, with "/"), and why those can't be told."""

    folder: Path
    files: tuple[str, ...]
    problem: str = ""


def walk(folder: Path, depth: int = DEPTH) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder, hidden folders left out; nothing where there is no such folder."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if not entry.is_dir():
            yield entry
        elif depth and not entry.name.startswith("."):
            yield from walk(Path(entry.path), depth - 1)


def known(folder: Path) -> tuple[str, ...]:
    """The names of a repository's files, from the folder it is kept in: those that are there and those still to come."""
    base = len(str(folder)) + 1
    here = {entry.path[base:].replace(os.sep, "/") for entry in walk(folder) if not entry.name.endswith(UNFINISHED)}
    book = ledger.read(folder)
    return tuple(sorted(here | {file.path for file in book.files} if book else here))


def unfinished(share: Share) -> list[Path]:
    """The half-arrived files of a share."""
    stems = {str(share.folder / name) + "." for name in share.files}
    halves = [Path(entry.path) for entry in walk(share.folder) if entry.name.endswith(UNFINISHED)]
    return [half for half in halves if str(half.with_suffix("").with_suffix("")) + "." in stems]


def of_main(checkpoint: Checkpoint, folder: Path, gguf: bool) -> Share:
    """What the pipeline needs of its main folder."""
    names = known(folder)
    name = pieces.index_name(names, checkpoint.pipeline) or pieces.INDEXES[0]
    if whole.length(folder / name) is None:
        return Share(folder, pieces.of_main(None, names, checkpoint, gguf), f"{name} is missing.")
    index = pieces.parse((folder / name).read_bytes())
    if index is None:
        return Share(folder, (name,), f"{name} is damaged.")
    files = list(pieces.of_main(index, names, checkpoint, gguf))
    instead = pieces.instead(checkpoint) if gguf else frozenset[str]()
    for one, part in pieces.components(index, names, checkpoint).items():
        files += _expected(folder, part.folder, files, part.weighs and one not in instead, part.kind)
    return Share(folder, tuple(dict.fromkeys(files)))


def of_companion(companion: Companion, folder: Path, variant: str) -> Share:
    """What the pipeline needs of a companion's folder."""
    files = list(pieces.of_companion(companion, known(folder), variant))
    if companion.kind == "component":
        part = pieces.Part(companion.subfolder.strip("/"), companion.kind_of or companion.target)
        files += _expected(folder, part.folder, files, part.weighs, part.kind)
    else:
        files += [pieces.inside(companion)]
    return Share(folder, tuple(dict.fromkeys(files)))


def _expected(folder: Path, name: str, files: Iterable[str], weighs: bool, kind: str) -> list[str]:
    """Files of a component that must be there, whether or not anything shows them: its configuration, its weights, and the
    shards that a weights index names."""
    prefix = f"{name}/" if name else ""
    here = [file[len(prefix) :] for file in files if file.startswith(prefix) and "/" not in file[len(prefix) :]]
    if not weighs:
        if "Scheduler" in kind:
            return [f"{prefix}scheduler_config.json"]
        return [] if here or not kind else [f"{prefix}{_FIRST.get(kind[-9:], 'config.json')}"]
    must = ["config.json"]
    if not any(pieces.WEIGHTS.fullmatch(file) for file in here):
        must.append(next((file for file in here if pieces.WEIGHTS_INDEX.fullmatch(file)), ANY))
    if any(pieces.is_shard(file) for file in here) and not any(pieces.WEIGHTS_INDEX.fullmatch(file) for file in here):
        must.append(pieces.index_of_shards(next(file for file in here if pieces.is_shard(file))))
    for file in here:
        if pieces.WEIGHTS_INDEX.fullmatch(file) and file not in must:
            must += whole.shards(folder / f"{prefix}{file}") or ()
    return [prefix + file for file in must]


_FIRST = {"Tokenizer": "tokenizer_config.json", "Processor": "preprocessor_config.json"}


def fault(share: Share) -> str:
    """What is the matter with a share's files, as a sentence; empty when they are all there and whole."""
    if share.problem:
        return share.problem
    book = ledger.read(share.folder)
    sizes = {file.path: file.size for file in book.files} if book else {}
    absent = [name for name in share.files if whole.length(share.folder / name) is None]
    for name in share.files:
        if name in absent:
            continue
        if why := whole.fault(share.folder / name):
            return f"{name} {why}."
        if name in sizes and whole.length(share.folder / name) != sizes[name]:
            return f"{name} has another length than the published file."
        if pieces.WEIGHTS_INDEX.fullmatch(Path(name).name) and whole.shards(share.folder / name) is None:
            return f"{name} is damaged."
    if absent and (book or unfinished(share)):
        return f"{len(absent)} of {len(share.files)} files are still to come."
    if absent and absent[0].endswith(ANY):
        return f"The weights of {absent[0].rpartition('/')[0] or share.folder.name} are missing."
    return f"{absent[0]} is missing." if absent else ""


def size(share: Share) -> int:
    """Bytes of a share's files on the disk, half-arrived ones included."""
    files = {share.folder / name for name in share.files}
    return sum(whole.length(file) or 0 for file in (*files, *unfinished(share)))
