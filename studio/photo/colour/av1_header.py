"""The colour codes in an AV1 stream's sequence header: what an AVIF without a `colr` property means.

AV1 Bitstream & Decoding Process Specification, sections 5.3 (OBUs), 5.5 (sequence header) and 4.10.5 (leb128).
"""

from __future__ import annotations

from collections.abc import Iterator

_SEQUENCE_HEADER = 1
_MOST_UNITS = 20
_UNSPECIFIED = 2


def read_av1_codes(stream: bytes) -> tuple[int, int] | None:
    """The H.273 codes of primaries and transfer; None when the stream states none, or can't be read."""
    try:
        for kind, content in _walk_units(stream):
            if kind == _SEQUENCE_HEADER:
                primaries, transfer = _read_sequence_header(_Bits(content))
                return None if (primaries, transfer) == (_UNSPECIFIED, _UNSPECIFIED) else (primaries, transfer)
    except IndexError:
        pass
    return None


def _walk_units(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """The first open bitstream units, each its kind and content. Raises `IndexError` where the bytes end."""
    at = 0
    for _ in range(_MOST_UNITS):
        header = stream[at]
        at += 2 if header & 4 else 1
        size = len(stream) - at
        if header & 2:
            size = 0
            for place in range(8):
                byte = stream[at]
                at += 1
                size |= (byte & 127) << 7 * place
                if byte < 128:
                    break
        yield header >> 3 & 15, stream[at : at + min(size, 1000)]
        at += size


class _Bits:
    """Numbers of any width read one after the other. Raises `IndexError` at the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, width: int) -> int:
        value = 0
        for _ in range(width):
            value = value << 1 | self._data[self._at >> 3] >> 7 - (self._at & 7) & 1
            self._at += 1
        return value


def _read_sequence_header(bits: _Bits) -> tuple[int, int]:
    profile = bits.take(3)
    bits.take(1)  # a still picture
    reduced = bits.take(1)
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width, height = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width + height)
    if not reduced and bits.take(1):
        bits.take(7)  # frame ids
    bits.take(3)
    if not reduced:
        _skip_tools(bits)
    bits.take(3)
    deep = bits.take(1)
    if profile == 2 and deep:
        bits.take(1)
    if profile != 1:
        bits.take(1)  # monochrome
    return (bits.take(8), bits.take(8)) if bits.take(1) else (_UNSPECIFIED, _UNSPECIFIED)


def _skip_operating_points(bits: _Bits) -> None:
    delay = 0  # width of a decoder model's numbers; 0 without one
    if bits.take(1):
        bits.take(64)
        if bits.take(1):  # equal intervals, an unsigned number of variable length
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros)
        if bits.take(1):
            delay = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay and bits.take(1):
            bits.take(2 * delay + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)


def _skip_tools(bits: _Bits) -> None:
    bits.take(4)
    has_order = bits.take(1)
    if has_order:
        bits.take(2)
    screen_content = 2 if bits.take(1) else bits.take(1)
    if screen_content and not bits.take(1):
        bits.take(1)
    if has_order:
        bits.take(3)
