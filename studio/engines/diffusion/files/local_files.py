"""A model's files on this disk: what is needed of a folder, the ledger of what was asked for, and whether each file is whole.

Offline, and reads names, lengths and headers, no weights. Which folder a card's files lie in is store.py's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from studio.cards import Checkpoint, Companion
from studio.engines.diffusion.files import manifest
from studio.nouns import Noun

MOST_HEADER = 100_000_000
"""Bytes; the safetensors library refuses a longer header too."""

MOST_JSON = 1_000_000
"""Bytes; a longer one (a tokenizer's) isn't read, so that the Models tab doesn't wait."""

POINTER = b"version https://git-lfs"

UNFINISHED = ".incomplete"
"""How the name of a file ends that is still on its way."""

ANY = "(weights)"
"""Stands for a file of weights where there is none whose name could be said."""

DEPTH = 3
"""How many folders deep a repository's files lie at most."""

LEDGER = ".stir.json"


@dataclass(frozen=True)
class Folders:
    """`main` is the pipeline's folder; `companions` go by the order of `checkpoint.companions`, None where none is needed."""

    main: Path
    companions: tuple[Path | None, ...] = ()


def get_size(file: Path) -> int | None:
    """A file's bytes (through links); None where there is no such file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def find_fault(file: Path) -> str:
    """What is wrong with a file, in words that follow its name; empty when nothing is."""
    try:
        found = file.stat()
    except OSError:
        return "is missing"
    return _fault(str(file), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=8192)
def _fault(name: str, size: int, _time: int) -> str:
    if size == 0:
        return "is empty"
    file = Path(name)
    try:
        with file.open("rb") as handle:
            start = handle.read(8)
            if start == POINTER[:8] and (start + handle.read(64)).startswith(POINTER):
                return "is only a Git LFS pointer, not the file itself"
            if file.suffix == ".safetensors":
                return _tensors(start, handle.read(_promised(start)), size)
            if file.suffix == ".json" and size <= MOST_JSON and not _is_json(start + handle.read()):
                return "is damaged"
    except OSError as error:
        return f"can't be read ({error.strerror or type(error).__name__})"
    return ""


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _promised(start: bytes) -> int:
    """Bytes of a safetensors header, 0 when that can't be."""
    size = int.from_bytes(start, "little")
    return size if len(start) == 8 and size <= MOST_HEADER else 0


def _tensors(start: bytes, header: bytes, size: int) -> str:
    """A safetensors file is 8 bytes, a JSON header, and exactly as many bytes as the header's last offset says."""
    tensors = _object(header)
    if tensors is None or not header:
        return "is damaged"
    try:
        ends = [one["data_offsets"][1] for name, one in tensors.items() if name != "__metadata__"]
        whole = 8 + len(header) + max(ends, default=0)
    except (TypeError, KeyError, IndexError):
        return "is damaged"
    if size == whole:
        return ""
    return f"is cut short: {size:,} of {whole:,} bytes" if size < whole else f"is too long: {size:,} for {whole:,} bytes"


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def read_shards(index: Path) -> tuple[str, ...] | None:
    """The files a weights index names, each a plain name beside it; None when the index is damaged."""
    try:
        found = _object(index.read_bytes())
    except OSError:
        return None
    names = found.get("weight_map") if found else None
    if not isinstance(names, dict) or not names:
        return None
    values = {value for value in names.values() if isinstance(value, str) and "/" not in value and "\\" not in value}
    return tuple(sorted(values)) if len(values) == len({str(value) for value in names.values()}) else None


def read_header(file: Path) -> bytes:
    """A safetensors file's first bytes: 8 with the length, and the JSON that names every tensor and its place."""
    with file.open("rb") as handle:
        start = handle.read(8)
        return start + handle.read(min(int.from_bytes(start, "little"), MOST_HEADER))


class HubFile(Noun, frozen=True):
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
    files: tuple[HubFile, ...] = ()
    asked: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()


def read_ledger(folder: Path) -> Ledger | None:
    """The ledger of a folder; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / LEDGER).read_bytes(), type=Ledger)
    except (OSError, msgspec.DecodeError):
        return None


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Put a ledger into a folder, which is made, in one step, so that no half of it is ever read. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{LEDGER}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(ledger)))
    os.replace(part, folder / LEDGER)  # noqa: PTH105  (replaces also on Windows)


def extend_ledger(old: Ledger | None, repo: str, commit: str, licence: str, files: tuple[HubFile, ...], card: str) -> Ledger:
    """The ledger once a card's files are asked for too. Another commit's files are no longer of any use, so they go."""
    same = old is not None and old.commit == commit
    known = {file.path: file for file in old.files} if old and same else {}
    known |= {file.path: file for file in files}
    asked = (*(old.asked if old else ()), card)
    forgotten = tuple(one for one in (old.forgotten if old else ()) if one != card)
    return Ledger(
        repo, commit, licence, tuple(known[path] for path in sorted(known)), tuple(dict.fromkeys(asked)), forgotten
    )  # fmt: skip


def shrink_ledger(old: Ledger, card: str, kept: set[str]) -> Ledger:
    """The ledger once a card's files are deleted, `kept` being the paths that others still need."""
    return msgspec.structs.replace(
        old,
        files=tuple(file for file in old.files if file.path in kept),
        asked=tuple(one for one in old.asked if one != card),
        forgotten=tuple(dict.fromkeys((*old.forgotten, card))),
    )


def is_complete(path: Path, file: HubFile) -> bool:
    """Whether a file is on the disk as it was published."""
    return get_size(path) == file.size and (file.size == 0 or not find_fault(path))


def partial_path(path: Path, file: HubFile) -> Path:
    """Where a file is kept while it is on its way. The name says which content, so that no other is ever added to it."""
    return path.with_name(f"{path.name}.{(file.etag or str(file.size))[:12]}{UNFINISHED}")


class FileSet(NamedTuple):
    """A folder, the files that are wanted of it (paths from the folder, with "/"), and why those can't be told."""

    folder: Path
    files: tuple[str, ...]
    problem: str = ""


def walk_files(folder: Path, depth: int = DEPTH) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder, hidden folders left out; nothing where there is no such folder."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if not entry.is_dir():
            yield entry
        elif depth and not entry.name.startswith("."):
            yield from walk_files(Path(entry.path), depth - 1)


def list_names(folder: Path) -> tuple[str, ...]:
    """The names of a repository's files, from the folder it is kept in: those that are there and those still to come."""
    base = len(str(folder)) + 1
    here = {entry.path[base:].replace(os.sep, "/") for entry in walk_files(folder) if not entry.name.endswith(UNFINISHED)}
    book = read_ledger(folder)
    return tuple(sorted(here | {file.path for file in book.files} if book else here))


def find_partials(share: FileSet) -> list[Path]:
    """The half-arrived files of a share."""
    stems = {str(share.folder / name) + "." for name in share.files}
    halves = [Path(entry.path) for entry in walk_files(share.folder) if entry.name.endswith(UNFINISHED)]
    return [half for half in halves if str(half.with_suffix("").with_suffix("")) + "." in stems]


def list_main(checkpoint: Checkpoint, folder: Path, gguf: bool) -> FileSet:
    """What the pipeline needs of its main folder."""
    names = list_names(folder)
    name = manifest.find_index(names, checkpoint.pipeline) or manifest.INDEXES[0]
    if get_size(folder / name) is None:
        return FileSet(folder, manifest.select_main_files(None, names, checkpoint, gguf), f"{name} is missing.")
    index = manifest.parse_object((folder / name).read_bytes())
    if index is None:
        return FileSet(folder, (name,), f"{name} is damaged.")
    files = list(manifest.select_main_files(index, names, checkpoint, gguf))
    instead = manifest.gguf_targets(checkpoint) if gguf else frozenset[str]()
    for one, part in manifest.select_components(index, names, checkpoint).items():
        files += _expected(folder, part.folder, files, part.has_weights and one not in instead, part.kind)
    return FileSet(folder, tuple(dict.fromkeys(files)))


def list_companion(companion: Companion, folder: Path, variant: str) -> FileSet:
    """What the pipeline needs of a companion's folder."""
    files = list(manifest.select_companion_files(companion, list_names(folder), variant))
    if companion.kind == "component":
        part = manifest.Component(companion.subfolder.strip("/"), companion.kind_of or companion.target)
        files += _expected(folder, part.folder, files, part.has_weights, part.kind)
    else:
        files += [manifest.companion_path(companion)]
    return FileSet(folder, tuple(dict.fromkeys(files)))


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
    if not any(manifest.WEIGHTS.fullmatch(file) for file in here):
        must.append(next((file for file in here if manifest.WEIGHTS_INDEX.fullmatch(file)), ANY))
    if any(manifest.is_shard(file) for file in here) and not any(manifest.WEIGHTS_INDEX.fullmatch(file) for file in here):
        must.append(manifest.shard_index_name(next(file for file in here if manifest.is_shard(file))))
    for file in here:
        if manifest.WEIGHTS_INDEX.fullmatch(file) and file not in must:
            must += read_shards(folder / f"{prefix}{file}") or ()
    return [prefix + file for file in must]


_FIRST = {"Tokenizer": "tokenizer_config.json", "Processor": "preprocessor_config.json"}


def find_set_fault(share: FileSet) -> str:
    """What is the matter with a share's files, as a sentence; empty when they are all there and whole."""
    if share.problem:
        return share.problem
    book = read_ledger(share.folder)
    sizes = {file.path: file.size for file in book.files} if book else {}
    absent = [name for name in share.files if get_size(share.folder / name) is None]
    for name in share.files:
        if name in absent:
            continue
        if why := find_fault(share.folder / name):
            return f"{name} {why}."
        if name in sizes and get_size(share.folder / name) != sizes[name]:
            return f"{name} has another length than the published file."
        if manifest.WEIGHTS_INDEX.fullmatch(Path(name).name) and read_shards(share.folder / name) is None:
            return f"{name} is damaged."
    if absent and (book or find_partials(share)):
        return f"{len(absent)} of {len(share.files)} files are still to come."
    if absent and absent[0].endswith(ANY):
        return f"The weights of {absent[0].rpartition('/')[0] or share.folder.name} are missing."
    return f"{absent[0]} is missing." if absent else ""


def get_set_size(share: FileSet) -> int:
    """Bytes of a share's files on the disk, half-arrived ones included."""
    files = {share.folder / name for name in share.files}
    return sum(get_size(file) or 0 for file in (*files, *find_partials(share)))
