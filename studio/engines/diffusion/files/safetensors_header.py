"""The header of a safetensors file: which tensors it holds, and where in the file each lies. Reads no weights.

The format, from https://github.com/huggingface/safetensors#format: 8 bytes with the header's length (little endian),
the header, a JSON object from names to dtype, shape and data_offsets (bytes after the header), then the numbers.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
}  # fmt: skip
"""Bits of a number, by the format's name of its dtype."""


class StoredTensor(NamedTuple):
    """A tensor in a file: `start` and `size` are bytes, `dtype` the format's own name ("BF16")."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int


class DamagedFile(ValueError):
    """A weight file that isn't what it should be; the message names it."""


def list_tensors(file: Path) -> dict[str, StoredTensor]:
    """The tensors of a file, by name, in the order they lie in it. Raises `DamagedFile`."""
    try:
        with file.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            header: Any = msgspec.json.decode(handle.read(min(length, file.stat().st_size)))
        found = {
            name: StoredTensor(file, about["dtype"], tuple(about["shape"]), 8 + length + about["data_offsets"][0],
                               about["data_offsets"][1] - about["data_offsets"][0])
            for name, about in header.items() if name != "__metadata__"
        }  # fmt: skip
    except OSError as error:
        raise DamagedFile(f"{file.name} can't be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, KeyError, TypeError, IndexError) as error:
        raise DamagedFile(f"the header of {file.name} is damaged") from error
    for name, one in found.items():
        if one.dtype in BITS and prod(one.shape) * BITS[one.dtype] != one.size * 8:
            raise DamagedFile(f"{file.name} gives {name} {one.size} bytes, too few or too many for its shape")
    return dict(sorted(found.items(), key=lambda pair: pair[1].start))
