"""Whether files are whole: what their own headers and indexes promise, against what lies on the disk.

Knows safetensors headers, weights indexes and Git LFS pointers. Refuses to know which files a model needs, and reads no weights.
Verdicts on a file are remembered for as long as its length and time stay the same.
"""

from __future__ import annotations

import stat
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

MOST_HEADER = 100_000_000
"""Bytes; the safetensors library refuses a longer header too."""

MOST_JSON = 1_000_000
"""Bytes; a longer one (a tokenizer's) isn't read, so that the Models tab doesn't wait."""

POINTER = b"version https://git-lfs"


def length(file: Path) -> int | None:
    """A file's bytes (through links); None where there is no such file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def fault(file: Path) -> str:
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


def shards(index: Path) -> tuple[str, ...] | None:
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
