"""Where the photos of a batch come from: a folder, files, a ZIP. Listed without being opened, then opened one by one.

A ZIP is never unpacked as a whole: names, sizes, counts and ratios are checked in its directory, and each photo is
copied out of it by number, to a name of ours, no longer than was checked.
"""

from __future__ import annotations

import codecs
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from unicodedata import category

from studio.batch.batch_nouns import MOST_PHOTOS
from studio.config import MAX_UPLOAD_BYTES
from studio.library import disk
from studio.library.file_names import sorting
from studio.nouns import Refusal
from studio.photo.intake.file_signature import PHOTO_ENDINGS, READS

MOST_MEMBERS = 20_000
"""Entries of a ZIP that are looked at; macOS adds a hidden one to each photo."""

MOST_DIRECTORY = 16_000_000
"""Bytes of a ZIP's directory, which is held in memory: 800 for each of its entries."""

MOST_UNPACKED = 64_000_000_000
"""Bytes that the photos of a ZIP may come to, unpacked: 2,000 raw files of 32 MB."""

MOST_RATIO, FREE_RATIO = 100, 4_000_000
"""How many times its packed size a photo may be. Photos hardly shrink; a blank BMP does, so the first 4 MB are free."""

LONGEST_WORDS = 4000
_PIECE = 1 << 20
_UTF8 = 0x800
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Source(NamedTuple):
    """One photo that is still unopened: its file, and its number in that where it is a ZIP (-1 else); what it is called
    and the folder it lies in, for people; the words of a text file beside it, None where they can't be read; and why
    it can't be used, if that is known already.
    """

    file: Path
    name: str
    folder: str = ""
    member: int = -1
    prompt: str | None = ""
    refusal: Refusal | None = None


class Listing(NamedTuple):
    """The photos that were found, in the order of their names, and how many other files there are."""

    photos: tuple[Source, ...]
    ignored: int


def list_sources(given: Sequence[Path], names: Sequence[str] = ()) -> Listing:
    """Every photo of these folders, ZIPs and files, in their order; a folder's or a ZIP's by name, numbers by size.

    `names` are what the user calls the files, one for each, where they lie under other names. What is named by itself
    is listed whatever it is: why it is no photo is said of it. Raises `Refusal` where nothing is found, where it is too
    much, and for a ZIP that isn't safe to unpack.
    """
    found: list[Source] = []
    ignored = 0
    for at, file in enumerate(given):
        place = file.expanduser()
        called = clean_name(names[at] if at < len(names) else place.name)
        if place.is_dir():
            part = _list_folder(place)
        elif zipfile.is_zipfile(place):
            part = _list_zip(place, called)
        elif not place.exists():
            raise Refusal(f"There is no folder or photo {str(file)!r}.", "Check its name and its folder.")
        else:
            part = Listing((Source(place.absolute(), called, prompt=_read_beside(place)),), 0)
        found += part.photos
        ignored += part.ignored
    if not found:
        raise Refusal("There are no photos in there.", f"Choose a folder, a ZIP or files: {READS}.")
    if len(found) > MOST_PHOTOS:
        raise Refusal(f"These are {len(found)} photos.", f"A batch takes up to {MOST_PHOTOS}; make several.")
    return Listing(tuple(map(_require_text, found)), ignored)


def _require_text(source: Source) -> Source:
    """A source as it is, or refused where its path is no text, which can't be written down."""
    try:
        str(source.file).encode()
    except UnicodeEncodeError:
        plain = Path(str(source.file).encode(errors="replace").decode())
        fault = Refusal("The name of this file or of its folder isn't in UTF-8.", "Rename it, then add it again.")
        return source._replace(file=plain, refusal=fault)
    return source


def decode_text(data: bytes, is_whole: bool = True) -> str:
    """A text in UTF-8, or in UTF-16 that begins with its mark; what isn't whole may end inside a letter. Raises
    UnicodeDecodeError.
    """
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return codecs.getincrementaldecoder("utf-16" if marked else "utf-8-sig")().decode(data, is_whole)


def clean_name(name: str) -> str:
    """The last part of a name, without control characters and what turns the direction of others; at most 200."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(one for one in last if one not in _TURNING and category(one) not in ("Cc", "Cs"))
    return " ".join(plain.split())[-200:] or "photo"


def _is_photo(name: str) -> bool:
    return name.lower().endswith(PHOTO_ENDINGS) and not name.startswith((".", "~"))


# Folders --------------------------------------------------------------------------------------------------------------


def _list_folder(folder: Path) -> Listing:
    """Photos in a folder and the folders inside it, hidden ones and links to other folders left out."""
    photos: list[Source] = []
    ignored = 0
    closed: list[OSError] = []
    for at, _, names in _walk(folder, closed.append):
        for name in names:
            if name.startswith("."):
                continue
            if not _is_photo(name):
                ignored += Path(name).suffix.lower() not in (".txt", ".csv")
                continue
            file = Path(at, name).absolute()
            photos.append(Source(file, clean_name(name), clean_name(file.parent.name), prompt=_read_beside(file)))
    photos += map(_refuse_folder, closed)
    return Listing(tuple(sorted(photos, key=lambda one: sorting(str(one.file)))), ignored)


def _refuse_folder(error: OSError) -> Source:
    """A folder that can't be listed, in the place of its photos."""
    folder = Path(os.fsdecode(error.filename)).absolute()
    fault = Refusal(f"This folder can't be opened ({error.strerror}).", "Check its permissions, then add it again.")
    return Source(folder, clean_name(folder.name), clean_name(folder.parent.name), refusal=fault)


def _walk(folder: Path, fail: Callable[[OSError], None]) -> Iterator[tuple[str, list[str], list[str]]]:
    for at, inner, names in os.walk(folder, onerror=fail):
        inner[:] = sorted(one for one in inner if not one.startswith("."))
        yield at, inner, names


def _read_beside(file: Path) -> str | None:
    """The words of the text file that lies beside a photo under its name; "" without one, None for one in another
    encoding.
    """
    with suppress(OSError, ValueError), file.with_suffix(".txt").open("rb") as beside:
        return _read_words(beside.read(4 * LONGEST_WORDS))
    return ""


def _read_words(data: bytes) -> str | None:
    try:
        return " ".join(decode_text(data, len(data) < 4 * LONGEST_WORDS).split())[:LONGEST_WORDS]
    except UnicodeDecodeError:
        return None


# ZIPs -----------------------------------------------------------------------------------------------------------------


def _list_zip(file: Path, called: str) -> Listing:
    _require_small_directory(file, called)
    with _open_zip(file, called) as archive:
        entries = archive.infolist()
        _require_safe(entries, called)
        words = _read_texts(archive, entries)
        photos: list[Source] = []
        ignored = 0
        for number, entry in enumerate(entries):
            path = PurePosixPath(entry.filename.replace("\\", "/"))
            if entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
                continue
            if not _is_photo(path.name):
                ignored += path.suffix.lower() not in (".txt", ".csv")
                continue
            folder = clean_name(path.parent.name or Path(called).stem)
            prompt = words.get(str(path.with_suffix("")), "")
            photos.append(Source(file.absolute(), clean_name(path.name), folder, number, prompt, _find_fault(entry)))
    ordered = sorted(photos, key=lambda one: sorting(entries[one.member].filename))
    return Listing(tuple(ordered), ignored)


@contextmanager
def _open_zip(file: Path, called: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, UnicodeError) as error:
        raise _refuse_zip(called, "it is damaged") from error


def _refuse_zip(called: str, why: str) -> Refusal:
    return Refusal(f"{called} can't be unpacked: {why}.", "Unpack it yourself, and choose the folder.")


def _require_small_directory(file: Path, called: str) -> None:
    """Raises `Refusal` for a ZIP whose directory is too long to be read into memory, by its own end record (APPNOTE.TXT
    4.3.16, and 4.3.14 of ZIP64).
    """
    with file.open("rb") as source:
        size = source.seek(0, os.SEEK_END)
        source.seek(max(0, size - 65_557))
        tail = source.read()
        at = tail.rfind(b"PK\x05\x06")
        count, length = (int.from_bytes(tail[at + 10 : at + 12], "little"), _read_number(tail, at + 12, 4))
        if count == 0xFFFF or length == 0xFFFFFFFF:
            locator = tail[max(0, at - 20) : at]
            if locator.startswith(b"PK\x06\x07"):
                source.seek(min(_read_number(locator, 8, 8), size))
                record = source.read(56)
                count, length = _read_number(record, 32, 8), _read_number(record, 40, 8)
    if count > MOST_MEMBERS or length > MOST_DIRECTORY:
        raise _refuse_zip(called, f"it says it holds {count} files, more than {MOST_MEMBERS}")


def _read_number(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")


def _require_safe(entries: Sequence[zipfile.ZipInfo], called: str) -> None:
    """Raises `Refusal` for a ZIP that would unpack to too much: too many files, too large, or files that lie over each
    other, as no tool writes them.
    """
    if len(entries) > MOST_MEMBERS:
        raise _refuse_zip(called, f"it holds {len(entries)} files, more than {MOST_MEMBERS}")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_UNPACKED:
        raise _refuse_zip(called, f"unpacked it would take {disk.size(total)}, more than {disk.size(MOST_UNPACKED)}")
    end = 0
    for entry in sorted((one for one in entries if not one.is_dir()), key=lambda one: one.header_offset):
        if entry.header_offset < end:
            raise _refuse_zip(called, "files in it lie over each other")
        end = entry.header_offset + 30 + entry.compress_size


def _find_fault(entry: zipfile.ZipInfo) -> Refusal | None:
    """Why one photo of a ZIP isn't copied out of it; None where it is."""
    if entry.flag_bits & 0x1:
        return Refusal("This photo is locked with a password.", "Unpack the ZIP yourself, and choose the folder.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        return Refusal("This is a link to another file, not a photo.", "Add the photo itself.")
    if entry.file_size > MAX_UPLOAD_BYTES:
        return Refusal(f"This file is over {MAX_UPLOAD_BYTES / 1e6:.0f} MB.", "Save it as a JPG, or at a smaller size.")
    if entry.file_size > FREE_RATIO + MOST_RATIO * max(entry.compress_size, 1):
        says = f"This file would grow {entry.file_size // max(entry.compress_size, 1)} times when it is unpacked."
        return Refusal(says, "Photos don't: unpack the ZIP yourself, and look at it.")
    return None


def _read_texts(archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo]) -> dict[str, str | None]:
    """The words of the small text files in a ZIP, by their path without its ending."""
    found: dict[str, str | None] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.suffix.lower() == ".txt" and entry.file_size <= 4 * LONGEST_WORDS and not _find_fault(entry):
            with suppress(zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError), archive.open(entry) as text:
                found[str(path.with_suffix(""))] = _read_words(text.read(4 * LONGEST_WORDS))
    return found


# Opening --------------------------------------------------------------------------------------------------------------


@contextmanager
def open_source(file: Path, member: int, room: Path, called: str) -> Iterator[Path]:
    """The file of one photo; of a ZIP's a copy in `room`, as long as it is needed. Raises `Refusal`."""
    if member < 0:
        yield file
        return
    with tempfile.TemporaryDirectory(dir=room, ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "photo"
        with _open_zip(file, called) as archive:
            entries = archive.infolist()
            if member >= len(entries):
                raise Refusal("This photo is no longer in the ZIP.", "Add it again.")
            entry = entries[member]
            fault = _find_fault(entry)
            if fault:
                raise fault
            disk.require(room, entry.file_size, "This photo", "unpack it to another disk")
            with archive.open(entry) as packed, copy.open("wb") as out:
                _copy_bounded(packed.read, out.write, entry.file_size)
        yield copy


def _copy_bounded(read: Callable[[int], bytes], write: Callable[[bytes], object], most: int) -> None:
    """Copy at most so many bytes. Raises `BadZipFile` when there are more."""
    left = most
    while piece := read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            raise zipfile.BadZipFile
        write(piece)
