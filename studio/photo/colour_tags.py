"""Colorimetry of a picture's numbers: primaries, white and transfer, from the codes that files carry (ITU-T H.273).

Chromaticities and code points: H.273 (07/2024), tables 2 and 3.
"""

from __future__ import annotations

from typing import NamedTuple

_D65 = (0.3127, 0.329)
_C = (0.31, 0.316)
_SRGB = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65)
_SMPTE_C = ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65)

PRIMARIES = {
    1: ("sRGB", _SRGB),
    4: ("NTSC (1953)", ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C)),
    5: ("BT.601 (625 lines)", ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), _D65)),
    6: ("BT.601 (525 lines)", _SMPTE_C),
    7: ("SMPTE 240M", _SMPTE_C),
    8: ("film", ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C)),
    9: ("BT.2020", ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65)),
    10: ("XYZ", ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3))),
    11: ("DCI-P3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351))),
    12: ("Display P3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65)),
    22: ("EBU 3213", ((0.63, 0.34), (0.295, 0.605), (0.155, 0.077), _D65)),
}
"""Names and chromaticities (x, y) of red, green, blue and white by their code."""

TRANSFERS = {4: "gamma 2.2", 5: "gamma 2.8", 8: "linear", 16: "pq", 17: "st428", 18: "hlg"}
"""Transfers by their code. The rest, BT.709's among them, are shown as sRGB's: what browsers do with pictures."""


class Colorimetry(NamedTuple):
    """What a picture's R'G'B' numbers mean. `primaries`: (x, y) of red, green, blue and white.

    `transfer`: "srgb", "linear", "pq", "hlg", "st428" or "gamma 2.2" (any figure): light is the number to that power.
    """

    name: str
    primaries: tuple[tuple[float, float], ...] = _SRGB
    transfer: str = "srgb"


def read_cicp(primaries: int, transfer: int) -> Colorimetry:
    """The colorimetry of a pair of H.273 codes (nclx, cICP); unspecified and unknown codes mean sRGB's."""
    name, points = PRIMARIES.get(primaries, PRIMARIES[1])
    return Colorimetry(name, points, TRANSFERS.get(transfer, "srgb"))
