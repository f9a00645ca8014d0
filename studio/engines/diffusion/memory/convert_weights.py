"""Converts weights that are published wider than they run, such as a float32 denoiser that runs in bfloat16, for good.

The copy (files/converted_copies.py) holds the very numbers that a load casts to. It is made file by file in a folder of
another name, which is renamed once all of it has been read back; a conversion that was stopped or killed goes on with
the first file that isn't whole. Then the published weights are deleted where Stir has downloaded them and no other card
needs them; an adopted folder is left as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import torch

from studio import atomic_write
from studio.cards import Dtype, ModelCard
from studio.engines.base import Tick
from studio.engines.diffusion.files.components import LocalComponent
from studio.engines.diffusion.files.converted_copies import (
    CONVERSION,
    UNDER_WAY,
    Conversion,
    Narrowing,
    SourceFile,
    list_narrowings,
)
from studio.engines.diffusion.files.local_files import HubFile, get_size, read_ledger, write_ledger
from studio.engines.diffusion.files.manifest import WEIGHTS_INDEX
from studio.engines.diffusion.files.safetensors_header import DamagedFile, StoredTensor, list_tensors
from studio.engines.diffusion.files.store import Store
from studio.engines.diffusion.memory.loader import find_class
from studio.engines.diffusion.memory.weight_reader import DTYPES
from studio.library import disk as room
from studio.nouns import Progress, Refusal
from studio.system_errors import refuse_unwritten

CHUNK = 8 * 1024 * 1024
NAMES: dict[Dtype, str] = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
POLL = 0.1


def convert(
    card: ModelCard,
    store: Store,
    others: Iterable[ModelCard],
    tick: Tick,
    is_loading: Callable[[], bool] = lambda: False,
) -> None:
    """Convert what can be, then delete the published weights that nothing needs any more. Progress is in MB read.

    `tick` may raise to stop: what is converted by then stays, for the next time. Nothing is deleted while the model
    `is_loading`. Raises `Refusal`.
    """
    folders = store.find_folders(card)
    if store.check(card).state != "here":
        raise Refusal(f"{card.title} is not whole on this disk.", "Download it first.")
    todo = list_narrowings(card, folders, store.models)
    if not todo:
        raise Refusal(f"{card.title} has no weights that are wider than it runs.", "There is nothing to convert.")
    store.models.mkdir(parents=True, exist_ok=True)
    coming = sum(one.coming for one in todo)
    room.require(store.models, coming, "The converted copy", "choose a home folder on a larger disk with --home")
    try:
        with store.lock([folders.main, *(one.folder for one in todo)]):
            # Another Stir may have converted them, and deleted what they were, between the look and the lock.
            todo = list_narrowings(card, store.find_folders(card), store.models)
            progress = _Watch(tick, sum(one.stored for one in todo))
            for one in todo:
                _convert_component(one, progress)
            if store.owns(folders.main):
                while is_loading():
                    progress.add(0)
                    time.sleep(POLL)
                for one in todo:
                    _drop_published(one, store, card, others)
    except OSError as error:
        raise refuse_unwritten(error) from None
    except DamagedFile as damage:
        raise Refusal(f"{card.title} can't be converted: {damage}.", "Download the model again.") from None


class _Watch:
    """How far a conversion is."""

    def __init__(self, tick: Tick, total: int) -> None:
        self._tick, self._total, self._done, self._began = tick, total, 0, time.monotonic()

    def add(self, count: int) -> None:
        """So many bytes more are read. May raise to stop."""
        self._done += count
        spent = time.monotonic() - self._began
        left = spent * (self._total - self._done) / self._done if self._done else None
        self._tick(
            Progress("load", -(-self._done // 1_000_000), -(-self._total // 1_000_000), "Converting", spent, left)
        )


def _convert_component(one: Narrowing, watch: _Watch) -> None:
    if one.done:
        _tidy(one.folder)
        watch.add(one.stored)
        return
    if one.folder.exists():  # of files that have changed since
        shutil.rmtree(one.folder)
    work = one.folder.with_name(one.folder.name + UNDER_WAY)
    work.mkdir(parents=True, exist_ok=True)
    kept, book = _find_kept(one.part), read_ledger(one.main)
    pairs = [_convert_once(file, one, work, kept, watch) for file in one.files]
    published = {file.path: file.etag for file in book.files} if book else {}
    for source, _ in pairs:
        etag = published.get(source.path, "")
        if len(etag) == len(source.sha256) and etag != source.sha256:
            raise DamagedFile(f"{source.path} isn't what was published")
    for file in one.part.folder.iterdir():
        if file.suffix == ".json" and not (file.name == CONVERSION or file.name.startswith(".")):
            shutil.copyfile(file, work / file.name)
    made = Conversion(
        one.part.name, one.dtype, book.repo if book else str(one.main), book.commit if book else "",
        tuple(source for source, _ in pairs), tuple(target for _, target in pairs),
    )  # fmt: skip
    atomic_write.write_whole(work / CONVERSION, msgspec.json.format(msgspec.json.encode(made)))
    os.replace(work, one.folder)  # noqa: PTH105
    _tidy(one.folder)


def _tidy(folder: Path) -> None:
    """Remove the notes beside the files of a copy that is whole, half-written ones too."""
    for note in folder.glob(".*"):
        note.unlink()


def _convert_once(
    file: Path, one: Narrowing, work: Path, kept: frozenset[str], watch: _Watch
) -> tuple[SourceFile, HubFile]:
    """One file's conversion, or what is left of it by an earlier run, when its source hasn't changed since."""
    note, about = work / f".{file.name}.json", file.stat()
    with suppress(OSError, msgspec.DecodeError):
        source, target = msgspec.json.decode(note.read_bytes(), type=tuple[SourceFile, HubFile])
        same = (source.size, source.time) == (about.st_size, about.st_mtime_ns)
        if same and get_size(work / target.path) == target.size:
            watch.add(about.st_size)
            return source, target
    part = work / f"{file.name}.part"
    try:
        before, after = _convert_file(file, part, one.dtype, kept, watch)
        if _hash_file(part) != after:
            raise DamagedFile(f"the disk has kept {file.name} otherwise than it was written")
    except BaseException:
        part.unlink(missing_ok=True)  # gigabytes that nothing goes on from, perhaps on a disk that is full
        raise
    path = file.relative_to(one.main).as_posix()
    found = (
        SourceFile(path, about.st_size, about.st_mtime_ns, before),
        HubFile(file.name, part.stat().st_size, after),
    )
    os.replace(part, work / file.name)  # noqa: PTH105
    atomic_write.write_whole(note, msgspec.json.encode(found))
    return found


def _convert_file(file: Path, to: Path, dtype: Dtype, kept: frozenset[str], watch: _Watch) -> tuple[str, str]:
    """Write a file's tensors, float32 ones as `dtype` unless `kept` has a part of their name.

    Returns the sha256 of what was read and of what was written.
    """
    tensors = list_tensors(file)
    wanted = {
        name: NAMES[dtype] if one.dtype == "F32" and not any(part in name for part in kept) else one.dtype
        for name, one in tensors.items()
    }
    with file.open("rb") as source, to.open("wb") as target:
        before, after = hashlib.sha256(), hashlib.sha256()
        length = int.from_bytes(source.read(8), "little")
        header = source.read(length)
        before.update(length.to_bytes(8, "little") + header)
        start = _write_header(header, tensors, wanted)
        after.update(start)
        target.write(start)
        watch.add(8 + length)
        for name, one in tensors.items():
            if one.start != source.tell():
                raise DamagedFile(f"the tensors of {file.name} don't lie side by side")
            _convert_tensor(source, one, wanted[name], lambda raw, cast: (
                before.update(raw), after.update(cast), target.write(cast), watch.add(len(raw))))  # fmt: skip
        target.flush()
        os.fsync(target.fileno())
    return before.hexdigest(), after.hexdigest()


def _write_header(header: bytes, tensors: dict[str, StoredTensor], wanted: dict[str, str]) -> bytes:
    """The first bytes of the new file: its header's length and its header, which ends at a multiple of 8 bytes."""
    content: dict[str, Any] = {}
    about = msgspec.json.decode(header).get("__metadata__")
    if about:
        content["__metadata__"] = about
    place = 0
    for name, one in tensors.items():
        size = one.size if wanted[name] == one.dtype else one.size // 2
        content[name] = {"dtype": wanted[name], "shape": one.shape, "data_offsets": [place, place + size]}
        place += size
    text = msgspec.json.encode(content)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _convert_tensor(
    source: BinaryIO, one: StoredTensor, wanted: str, write: Callable[[bytearray, memoryview], object]
) -> None:
    left = one.size
    while left:
        raw = bytearray(min(CHUNK, left))
        if source.readinto(raw) != len(raw):  # type: ignore[attr-defined]
            raise DamagedFile(f"{one.file.name} is cut short")
        cast = torch.frombuffer(raw, dtype=DTYPES[one.dtype]).to(DTYPES[wanted])
        write(raw, memoryview(cast.view(torch.uint8).numpy()))
        left -= len(raw)


def _hash_file(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _find_kept(part: LocalComponent) -> frozenset[str]:
    """Parts of names of tensors that the class keeps in float32."""
    kind: Any = find_class(part)
    kept: set[str] = set()
    for name in ("_keep_in_fp32_modules", "_keep_in_fp32_modules_strict"):
        found = getattr(kind, name, None) or ()
        kept |= {found} if isinstance(found, str) else set(found)
    return frozenset(kept)


def _drop_published(one: Narrowing, store: Store, card: ModelCard, others: Iterable[ModelCard]) -> None:
    """Delete the weights that a copy stands in for, but those another card needs; the ledger forgets them."""
    claimed = store.find_claims(one.main, card, others)
    names = [file.relative_to(one.main).as_posix() for file in one.files]
    names += [
        file.relative_to(one.main).as_posix()
        for file in one.part.folder.iterdir()
        if WEIGHTS_INDEX.fullmatch(file.name)
    ]
    doomed = {name for name in names if name not in claimed}
    for name in doomed:
        (one.main / name).unlink(missing_ok=True)
    book = read_ledger(one.main)
    if book is not None:
        left = tuple(file for file in book.files if file.path not in doomed)
        write_ledger(one.main, msgspec.structs.replace(book, files=left))
