"""A stand-in for the depth network's ONNX file: the same input and output, and weights of 8 bits computed with as there.

It has learnt nothing: a patch of 14 by 14 pixels is as near as it is bright, by `WEIGHTS` of its red, green and blue. What is
real is the file format, the operators and the call. Written field by field (github.com/onnx/onnx, onnx.proto3), for the library
that writes such files is no requirement of Stir.
"""

from __future__ import annotations

import numpy as np

WEIGHTS = (200, 90, 10)
"""Of red, green and blue."""

PATCH = 14
FLOAT, BYTE, INT64 = 1, 2, 7


def made(weights: tuple[int, int, int] = WEIGHTS, output: str = "predicted_depth") -> bytes:
    """The file."""
    kernel = np.repeat(np.array(weights, np.uint8), PATCH * PATCH).reshape(1, 3, PATCH, PATCH)
    tensors = [
        _tensor("kernel", BYTE, kernel), _tensor("none", BYTE, np.array(0, np.uint8)), _tensor("first", INT64, np.array([1])),
        _tensor("scales", FLOAT, np.array([1, 1, PATCH, PATCH], np.float32)),
    ]  # fmt: skip
    nodes = [
        _node("DynamicQuantizeLinear", ["pixel_values"], ["bytes", "scale", "zero"]),
        _node("ConvInteger", ["bytes", "kernel", "zero", "none"], ["sums"], _ints("strides", PATCH, PATCH)),
        _node("Cast", ["sums"], ["floats"], _field(1, "to") + _field(3, FLOAT) + _field(20, 2)),
        _node("Mul", ["floats", "scale"], ["patches"]),
        _node("Resize", ["patches", "", "scales"], ["pixels"]),
        _node("Squeeze", ["pixels", "first"], [output]),
    ]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "stand-in") + b"".join(_field(5, one) for one in tensors)
    graph += _field(11, _value("pixel_values", "batch", 3, "height", "width")) + _field(12, _value(output, "batch", "h", "w"))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def _field(number: int, value: int | str | bytes) -> bytes:
    """A protobuf field: a varint, or bytes with their length before them."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def _node(kind: str, inputs: list[str], outputs: list[str], attribute: bytes = b"") -> bytes:
    ends = b"".join(_field(1, one) for one in inputs) + b"".join(_field(2, one) for one in outputs)
    return ends + _field(4, kind) + (_field(5, attribute) if attribute else b"")


def _ints(name: str, *values: int) -> bytes:
    return _field(1, name) + b"".join(_field(8, value) for value in values) + _field(20, 7)


def _tensor(name: str, kind: int, values: np.ndarray) -> bytes:
    return b"".join(_field(1, side) for side in values.shape) + _field(2, kind) + _field(8, name) + _field(9, values.tobytes())


def _value(name: str, *sides: int | str) -> bytes:
    shape = b"".join(_field(1, _field(1 if isinstance(side, int) else 2, side)) for side in sides)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, shape)))
