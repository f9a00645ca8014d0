"""A model's files on this disk: what is needed of a folder, the ledger of what was asked for, and whether each file is
whole.

Offline, and reads names, lengths and headers, no weights. Which folder a card's files lie in is store.py's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from studio import atomic_write
from studio.cards import Checkpoint, Companion, Component
from studio.engines.diffusion.files import manifest
from studio.nouns import Noun

FaultKind = Literal[
    "missing", "empty", "pointer", "damaged", "cut", "long", "foreign", "unreadable",
    "folder", "unfinished", "partial", "shards", "weights",
]  # fmt: skip
"""What can be wrong with a file; "foreign" is one of another length than the published one. The second line is of
several files: no folder, a download that was stopped, files still to come, shards that are missing, no weights at all.
"""

MOST_JSON = 1_000_000
"""Bytes; a longer one (a tokenizer's) isn't read, so that the Models tab doesn't wait."""

POINTER = b"version https://git-lfs"

UNFINISHED = ".incomplete"
"""How the name of a file ends that is being downloaded."""

ANY = "(weights)"
"""Stands for a weight file where none is there to be named."""

DEPTH = 3
"""How many folders deep a repository's files lie at most."""

LEDGER = ".stir.json"


class FileFault(NamedTuple):
    """What is wrong with a file, or with a set of files. `have` and `need` are bytes (of one file) or files (of
    several).
    """

    kind: FaultKind
    name: str = ""
    have: int = 0
    need: int = 0
    error: str = ""

    @property
    def is_absence(self) -> bool:
        """Whether something isn't here yet, so that the download has only to go on; else what is here has to be
        replaced.
        """
        return self.kind in ("missing", "folder", "unfinished", "partial", "shards", "weights")

    @property
    def clause(self) -> str:
        """The fault in the user's words, to follow a colon."""
        match self.kind:
            case "folder":
                return f"the folder {self.name} is missing"
            case "unfinished":
                return f"the download of {self.name} was not finished"
            case "partial":
                return f"{self.need - self.have} of {self.need} files are still to come"
            case "shards":
                return f"{self.need - self.have} of its {self.need} files are missing ({self.name})"
            case "weights":
                return f"the weights of {self.name} are missing" if self.name else "its weights are missing"
            case "cut":
                return f"{self.name} is cut short: {self.have:,} of {self.need:,} bytes"
            case "long":
                return f"{self.name} is too long: {self.have:,} for {self.need:,} bytes"
            case "unreadable":
                return f"{self.name} can't be read ({self.error})"
            case plain:
                return f"{self.name} {_PLAIN[plain]}"

    @property
    def sentence(self) -> str:
        """The fault as a sentence of its own."""
        return f"{self.clause.replace('the', 'The', 1) if self.kind == 'weights' else self.clause}."


_PLAIN = {
    "missing": "is missing", "empty": "is empty", "damaged": "is damaged",
    "pointer": "is only a Git LFS pointer, not the file itself",
    "foreign": "has another length than the published file",
}  # fmt: skip


@dataclass(frozen=True)
class Folders:
    """`main` is the pipeline's folder; `companions` go by the order of `checkpoint.companions`, None where none is
    needed. `copies` are components and the folders of their converted copies.
    """

    main: Path
    companions: tuple[Path | None, ...] = ()
    copies: tuple[tuple[str, Path], ...] = ()


def get_size(file: Path) -> int | None:
    """A file's bytes (through links); None where there is no such file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def find_fault(file: Path, name: str = "") -> FileFault | None:
    """What is wrong with a file, judged by its length and header; None when nothing is. `name` is what a person calls
    it.

    Verdicts are remembered for as long as a file's length and time stay the same.
    """
    try:
        found = file.stat()
    except OSError:
        return FileFault("missing", name or file.name)
    fault = _find_fault(str(file), found.st_size, found.st_mtime_ns)
    return fault._replace(name=name or file.name) if fault else None


@lru_cache(maxsize=8192)
def _find_fault(path: str, size: int, _time: int) -> FileFault | None:
    if size == 0:
        return FileFault("empty")
    file = Path(path)
    try:
        with file.open("rb") as handle:
            if handle.read(len(POINTER)) == POINTER:
                return FileFault("pointer")
        if file.suffix == ".safetensors":
            return _find_tensor_fault(file, size)
        if file.suffix == ".json" and size <= MOST_JSON:
            msgspec.json.decode(file.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return FileFault("damaged")
    except OSError as error:
        return FileFault("unreadable", error=error.strerror or type(error).__name__)
    return None


def _find_tensor_fault(file: Path, size: int) -> FileFault | None:
    """What safetensors finds wrong with its own kind of file.

    `safe_open` maps the file and reads its header alone ("np", as "pt" would import torch), and wants it to be exactly
    as long as the header says. Its error is the same for a file that is cut and one that is too long: which it is, the
    header tells.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np"):
            return None
    except SafetensorError:
        need = _find_promised_size(file)
    if need is None or need == size:
        return FileFault("damaged")
    return FileFault("cut" if size < need else "long", have=size, need=need)


def _find_promised_size(file: Path) -> int | None:
    """Bytes a safetensors file should have: 8, its header, and the end of its last tensor; None if the header can't be
    read.
    """
    from huggingface_hub import parse_local_safetensors_file_metadata

    try:
        tensors = parse_local_safetensors_file_metadata(file).tensors.values()
        ends = [tensor.data_offsets[1] for tensor in tensors]
    except Exception:  # huggingface_hub 2.4 lets AttributeError, TypeError and IndexError through besides its own
        return None
    with file.open("rb") as handle:
        return 8 + int.from_bytes(handle.read(8), "little") + max(ends, default=0)


def read_shards(index: Path) -> tuple[str, ...] | None:
    """The files a weights index names, each a plain name beside it; None when the index is damaged."""
    try:
        found = manifest.parse_object(index.read_bytes())
    except OSError:
        return None
    names = found.get("weight_map") if found else None
    if not isinstance(names, dict) or not names:
        return None
    values = {value for value in names.values() if isinstance(value, str) and "/" not in value and "\\" not in value}
    return tuple(sorted(values)) if len(values) == len({str(value) for value in names.values()}) else None


class HubFile(Noun, frozen=True):
    """A file of a repository: its path there, its bytes, and what its content is known by: the sha256 of a large file,
    64 hex digits; git's own name of a small one, 40; empty where the hub says none."""

    path: str
    size: int
    etag: str = ""


class Ledger(Noun, frozen=True):
    """`asked` are the ids of the cards that the files were fetched for, `forgotten` those whose files the user has
    deleted.
    """

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
    """Put a ledger into a folder, which is made, in one step. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write.write_whole(folder / LEDGER, msgspec.json.format(msgspec.json.encode(ledger)))


def extend_ledger(
    old: Ledger | None, repo: str, commit: str, licence: str, files: tuple[HubFile, ...], card: str
) -> Ledger:
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
    """Where a file is kept while it is downloaded. The name says which content, so that no other is ever appended to
    it.
    """
    return path.with_name(f"{path.name}.{(file.etag or str(file.size))[:12]}{UNFINISHED}")


class FileSet(NamedTuple):
    """The files that are needed of a folder (paths from the folder, with "/"); `fault` is why they can't be listed."""

    folder: Path
    files: tuple[str, ...]
    fault: FileFault | None = None

    def find_fault(self) -> FileFault | None:
        """What is wrong with the first file that isn't whole, else how many aren't here; None when nothing is."""
        if self.fault:
            return self.fault
        ledger = read_ledger(self.folder)
        published = {file.path: file.size for file in ledger.files} if ledger else {}
        absent = [name for name in self.files if get_size(self.folder / name) is None]
        for name in self.files:
            if name not in absent and (fault := self._find_file_fault(name, published.get(name))):
                return fault
        if not absent:
            return None
        if ledger or self.partials():
            return FileFault("partial", have=len(self.files) - len(absent), need=len(self.files))
        if absent[0].endswith(ANY):
            return FileFault("weights", absent[0].rpartition("/")[0] or self.folder.name)
        return FileFault("missing", absent[0])

    def _find_file_fault(self, name: str, published: int | None) -> FileFault | None:
        file = self.folder / name
        if fault := find_fault(file, name):
            return fault
        if published is not None and get_size(file) != published:
            return FileFault("foreign", name, get_size(file) or 0, published)
        damaged = manifest.WEIGHTS_INDEX.fullmatch(file.name) and read_shards(file) is None
        return FileFault("damaged", name) if damaged else None

    def partials(self) -> list[Path]:
        """The files of the set that have begun to arrive (PATH.ETAG.incomplete)."""
        stems = {str(self.folder / name) + "." for name in self.files}
        found = [Path(entry.path) for entry in walk_files(self.folder) if entry.name.endswith(UNFINISHED)]
        return [file for file in found if str(file.with_suffix("").with_suffix("")) + "." in stems]

    def size(self) -> int:
        """Bytes of the set's files on the disk, half-arrived ones included."""
        files = {self.folder / name for name in self.files}
        return sum(get_size(file) or 0 for file in (*files, *self.partials()))


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
    """The names of a repository's files, from the folder it is kept in: those there and those still to come."""
    base = len(str(folder)) + 1
    here = {
        entry.path[base:].replace(os.sep, "/") for entry in walk_files(folder) if not entry.name.endswith(UNFINISHED)
    }
    book = read_ledger(folder)
    return tuple(sorted(here | {file.path for file in book.files} if book else here))


def list_main(checkpoint: Checkpoint, folder: Path, spared: frozenset[str]) -> FileSet:
    """What the pipeline needs of its main folder. Of the components `spared` the weights are elsewhere."""
    names = list_names(folder)
    name = manifest.find_index(names, checkpoint.pipeline) or manifest.INDEXES[0]
    if get_size(folder / name) is None:
        return FileSet(folder, manifest.select_main_files(None, names, checkpoint, spared), FileFault("missing", name))
    index = manifest.parse_object((folder / name).read_bytes())
    if index is None:
        return FileSet(folder, (name,), FileFault("damaged", name))
    files = list(manifest.select_main_files(index, names, checkpoint, spared))
    for part in manifest.select_components(index, names, checkpoint):
        files += _list_expected(folder, part.folder, files, part.has_weights and part.name not in spared, part)
    return FileSet(folder, tuple(dict.fromkeys(files)))


def list_companion(checkpoint: Checkpoint, companion: Companion, folder: Path) -> FileSet:
    """What the pipeline needs of a companion's folder."""
    files = list(manifest.select_companion_files(companion, list_names(folder), checkpoint.variant))
    if companion.kind == "component":
        part = manifest.resolve_companion(checkpoint, companion)
        files += _list_expected(folder, companion.subfolder.strip("/"), files, part.has_weights, part)
    else:
        files += [manifest.companion_path(companion)]
    return FileSet(folder, tuple(dict.fromkeys(files)))


def _list_expected(folder: Path, name: str, files: Iterable[str], weighs: bool, part: Component) -> list[str]:
    """Files of a component that must be there, whether or not anything shows them: its configuration, its weights, and
    the shards that a weights index names."""
    prefix = f"{name}/" if name else ""
    here = [file[len(prefix) :] for file in files if file.startswith(prefix) and "/" not in file[len(prefix) :]]
    if not weighs:
        shown = "Scheduler" not in part.class_name and (here or not part.class_name)
        return [] if shown else [prefix + part.config_file]
    must = ["config.json"]
    if not any(manifest.WEIGHTS.fullmatch(file) for file in here):
        must.append(next((file for file in here if manifest.WEIGHTS_INDEX.fullmatch(file)), ANY))
    if any(manifest.is_shard(file) for file in here) and not any(
        manifest.WEIGHTS_INDEX.fullmatch(file) for file in here
    ):
        must.append(manifest.shard_index_name(next(file for file in here if manifest.is_shard(file))))
    for file in here:
        if manifest.WEIGHTS_INDEX.fullmatch(file) and file not in must:
            must += read_shards(folder / f"{prefix}{file}") or ()
    return [prefix + file for file in must]
