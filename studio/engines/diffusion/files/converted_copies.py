"""Converted copies: a component whose published weights are wider than it runs, kept once more at the dtype it runs in.

A copy is a folder of its own beside the downloads, named after the model's folder, the component and the dtype, with
the component's configuration, its weights, and CONVERSION, which says what it was made of. It stands in for the
published weights, which may then be deleted. memory/convert_weights.py makes it.
"""

from __future__ import annotations

import hashlib
import re
from glob import escape
from pathlib import Path
from typing import NamedTuple

import msgspec

from studio.cards import Checkpoint, Dtype, ModelCard
from studio.engines.diffusion.files.components import LocalComponent, find_components, list_weight_files
from studio.engines.diffusion.files.local_files import FileSet, Folders, HubFile, get_size, read_ledger
from studio.engines.diffusion.files.manifest import WEIGHTS, require_checkpoint
from studio.engines.diffusion.files.safetensors_header import list_tensors
from studio.nouns import Noun

CONVERSION = "conversion.json"

UNDER_WAY = ".converting"
"""How the folder of a copy ends that isn't whole yet."""

_COPY = re.compile(rf"--\w+\.(bfloat16|float16|float32)({re.escape(UNDER_WAY)})?")


class SourceFile(Noun, frozen=True):
    """A published file that was converted: its name, bytes, modification time in ns, and the sha256 of its content."""

    path: str
    size: int
    time: int
    sha256: str


class Conversion(Noun, frozen=True):
    """What a copy was made of, and what it is: `files` with their sha256. `commit`: "" where unknown."""

    component: str
    dtype: Dtype
    repo: str
    commit: str
    sources: tuple[SourceFile, ...]
    files: tuple[HubFile, ...]


def name_copy(models: Path, main: Path, component: str, dtype: Dtype) -> Path:
    """Where the copy of a component of the model in the folder `main` is kept: no repository's folder is called so."""
    return models / f"{_name_model(models, main)}--{component}.{dtype}"


def _name_model(models: Path, main: Path) -> str:
    if main.parent == models:
        return main.name
    return f"folder-{hashlib.blake2b(str(main).encode(), digest_size=6).hexdigest()}"


def find_copies(models: Path, main: Path, checkpoint: Checkpoint) -> tuple[tuple[str, Path], ...]:
    """The copies that stand in for a model's own weights: component and folder of each, for the dtypes it runs in.

    One whose source has been changed since, or downloaded anew at another commit, doesn't.
    """
    found: list[tuple[str, Path]] = []
    replaced = {one.target for one in checkpoint.companions if one.kind == "component"}
    for folder in sorted(models.glob(f"{escape(_name_model(models, main))}--*")):
        made = read_conversion(folder)
        if made is None or made.component in replaced or made.dtype != checkpoint.choose_dtype(made.component):
            continue
        if folder == name_copy(models, main, made.component, made.dtype) and _is_of(made, main):
            found.append((made.component, folder))
    return tuple(found)


def list_remains(models: Path, main: Path) -> tuple[Path, ...]:
    """Copies that stand in for nothing: those not finished, of another commit, or of files that have changed since."""
    name = _name_model(models, main)
    found = [one for one in models.glob(f"{escape(name)}--*") if _COPY.fullmatch(one.name, len(name))]
    made = {folder: read_conversion(folder) for folder in sorted(found)}
    return tuple(folder for folder, one in made.items() if one is None or not _is_of(one, main))


def read_conversion(folder: Path) -> Conversion | None:
    """What a copy was made of; None for a folder that isn't a whole copy."""
    try:
        return msgspec.json.decode((folder / CONVERSION).read_bytes(), type=Conversion)
    except (OSError, msgspec.DecodeError):
        return None


def _is_of(made: Conversion, main: Path) -> bool:
    """Whether a model's folder still holds what a copy was made of, or has had it and is of the same commit."""
    ledger = read_ledger(main)
    if ledger is not None and ledger.commit != made.commit:
        return False
    for source in made.sources:
        try:
            about = (main / source.path).stat()
        except OSError:
            if ledger is None and main.is_dir():
                return False
            continue
        if (about.st_size, about.st_mtime_ns) != (source.size, source.time):
            return False
    return True


def list_copy(folder: Path) -> FileSet:
    """The files of a copy."""
    made = read_conversion(folder)
    files = tuple(file.path for file in made.files) if made else ()
    return FileSet(folder, (CONVERSION, "config.json", *files))


def is_whole(folder: Path) -> bool:
    """Whether a copy's files are all there, as long as they were when they were checked."""
    made = read_conversion(folder)
    return made is not None and all(get_size(folder / file.path) == file.size for file in made.files)


class Narrowing(NamedTuple):
    """A component that may be converted: the dtype it runs in, its copy's folder, and the model's own folder; `done`
    where the copy is whole and of these very files.
    """

    part: LocalComponent
    dtype: Dtype
    folder: Path
    main: Path
    done: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """The published files that are there."""
        return tuple(file for file in list_weight_files(self.part) if file.is_file())

    @property
    def stored(self) -> int:
        """Their bytes."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def coming(self) -> int:
        """About how many bytes the copy still takes on the disk."""
        return 0 if self.done else self.stored // 2


def list_narrowings(card: ModelCard, folders: Folders, models: Path) -> list[Narrowing]:
    """The components whose published files are here and wider than the card runs them, converted before or not; also
    those whose published files a kill has left of their deletion.

    Raises `Refusal` for files that aren't whole, `DamagedFile` for a header that can't be read.
    """
    checkpoint, found = require_checkpoint(card), list[Narrowing]()
    begun = {copy: left for copy in folders.copies if (left := _list_undeleted(copy[1], folders.main))}
    for (name, folder), left in begun.items():
        part = LocalComponent(name, "", "", left[0].parent, left)
        found.append(Narrowing(part, checkpoint.choose_dtype(name), folder, folders.main, True))
    alone = tuple(copy for copy in folders.copies if copy in begun or not _has_weights(folders.main / copy[0]))
    for part in find_components(card, Folders(folders.main, folders.companions, alone)):
        dtype = checkpoint.choose_dtype(part.name)
        published = part.folder.parent == folders.main and part.weights and not part.gguf
        if not published or dtype == "float32" or any(file.suffix != ".safetensors" for file in part.weights):
            continue
        stored = [one for file in list_weight_files(part) for one in list_tensors(file).values()]
        if 2 * sum(one.size for one in stored if one.dtype == "F32") > sum(one.size for one in stored):
            folder = name_copy(models, folders.main, part.name, dtype)
            done = (part.name, folder) in folders.copies and is_whole(folder)
            found.append(Narrowing(part, dtype, folder, folders.main, done))
    return found


def _list_undeleted(folder: Path, main: Path) -> tuple[Path, ...]:
    """Of a whole copy the published files that are still there, where their deletion was begun."""
    made = read_conversion(folder)
    files = [main / one.path for one in made.sources] if made and is_whole(folder) else []
    there = tuple(file for file in files if file.is_file())
    return there if len(there) < len(files) else ()


def _has_weights(folder: Path) -> bool:
    return folder.is_dir() and any(WEIGHTS.fullmatch(file.name) for file in folder.iterdir())


msgspec.json.Decoder(Conversion)  # built before threads read it: see the end of nouns.py
