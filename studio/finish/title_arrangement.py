"""Where titles stand in a frame: each at its spot, within what a platform leaves uncovered, none upon another."""

from __future__ import annotations

from typing import NamedTuple

from studio.finish_nouns import Spot

MARGIN = 0.06
"""How far text stays from what is covered, and from the frame's edge: that of a title-safe area, a little more."""

LEAST_WIDTH = 0.55
"""The share of a frame's width that has to be uncovered about its middle for text to be centred there."""

Size = tuple[int, int]


class Area(NamedTuple):
    """The part of a frame in which text may stand: left, top, right, bottom in shares of the frame."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0


class Box(NamedTuple):
    """Set text: pixels, its spot, the seconds from and to which it is seen, and the pixels kept to others above and
    below it."""

    width: int
    height: int
    spot: Spot
    start: float
    end: float
    gap: float


def stand_alone(box: Box, size: Size, area: Area) -> tuple[int, int]:
    """The top left of a box in pixels that nothing else stands beside."""
    top, bottom = area.top * size[1] + MARGIN * min(size), area.bottom * size[1] - MARGIN * min(size)
    middle = min(max((size[1] - box.height) / 2, top), bottom - box.height)
    row = box.spot.partition("_")[0]
    return round(_find_left(box, size, area)), round({"top": top, "bottom": bottom - box.height}.get(row, middle))


def arrange(boxes: list[Box], size: Size, area: Area, logo: Box | None = None) -> list[tuple[int, int]]:
    """The top left of each box in pixels, in their order; [] where they don't fit without standing upon each other.

    At the top each stands below the one before, at the bottom above the one after, whatever their sides; those of the
    middle row give way to both. All keep clear of a `logo` in a corner, which stands as if it were alone.
    """
    made = _Arrangement([*boxes, logo] if logo else boxes, size, area)
    if logo:
        made.tops[len(boxes)] = stand_alone(logo, size, area)[1]
    numbers = range(len(boxes))
    for one in reversed([at for at in numbers if boxes[at].spot.startswith("bottom")]):
        made.tops[one] = made.find_floor(one) - boxes[one].height
    for one in (at for at in numbers if boxes[at].spot.startswith("top")):
        made.tops[one] = made.find_ceiling(one)
    for spot in ("left", "middle", "right"):
        made.place_row([at for at in numbers if boxes[at].spot == spot])
    return [(round(made.lefts[at]), round(made.tops[at])) for at in numbers] if made.fits() else []


class _Arrangement:
    """Boxes and the tops of those that are placed."""

    def __init__(self, boxes: list[Box], size: Size, area: Area) -> None:
        self._boxes, self._middle = boxes, size[1] / 2
        self._top, self._bottom = area.top * size[1] + MARGIN * min(size), area.bottom * size[1] - MARGIN * min(size)
        self.lefts = [_find_left(one, size, area) for one in boxes]
        self.tops: dict[int, float] = {}

    def find_ceiling(self, one: int) -> float:
        """The highest that a box may begin, below what is placed at the top."""
        near = [at for at in self.tops if self._boxes[at].spot.startswith("top") and self._meets(one, at)]
        return max([self._top, *[self._end(at) + self._gap(one, at) for at in near]])

    def find_floor(self, one: int) -> float:
        """The lowest that a box may end, above what is placed at the bottom."""
        near = [at for at in self.tops if self._boxes[at].spot.startswith("bottom") and self._meets(one, at)]
        return min([self._bottom, *[self.tops[at] - self._gap(one, at) for at in near]])

    def place_row(self, row: list[int]) -> None:
        """Boxes of one spot of the middle row: the first in the frame's middle where it can, the others below it."""
        shifts = {
            at: sum(self._boxes[up].height + self._gap(up, at) for up in row[:place] if self._meets(up, at))
            for place, at in enumerate(row)
        }
        least = max((self.find_ceiling(at) - shift for at, shift in shifts.items()), default=0.0)
        most = min((self.find_floor(at) - shift - self._boxes[at].height for at, shift in shifts.items()), default=0.0)
        for at, shift in shifts.items():
            self.tops[at] = max(least, min(most, self._middle - self._boxes[row[0]].height / 2)) + shift

    def fits(self) -> bool:
        """Whether all are within the area, and none upon another."""
        if any(top < self._top - 1 or self._end(at) > self._bottom + 1 for at, top in self.tops.items()):
            return False
        return not any(
            self._meets(one, at) and self.tops[one] < self._end(at) and self.tops[at] < self._end(one)
            for one in self.tops
            for at in range(one)
        )

    def _end(self, one: int) -> float:
        return self.tops[one] + self._boxes[one].height

    def _gap(self, one: int, other: int) -> float:
        return max(self._boxes[one].gap, self._boxes[other].gap)

    def _meets(self, one: int, other: int) -> bool:
        """Whether two are seen together, and one stands above the other."""
        first, second, gap = self._boxes[one], self._boxes[other], self._gap(one, other)
        together = first.start < second.end and second.start < first.end
        left, right = self.lefts[one], self.lefts[other]
        return together and left < right + second.width + gap and right < left + first.width + gap


def _find_left(box: Box, size: Size, area: Area) -> float:
    margin = MARGIN * min(size)
    left, right = area.left * size[0] + margin, area.right * size[0] - margin
    centre = size[0] * (0.5 if is_centred(box.spot, area) else (area.left + area.right) / 2)
    return left if "left" in box.spot else right - box.width if "right" in box.spot else centre - box.width / 2


def is_centred(spot: Spot, area: Area) -> bool:
    """Whether text stands about the frame's own middle line: where enough is uncovered on both sides of it."""
    return "left" not in spot and "right" not in spot and 2 * min(0.5 - area.left, area.right - 0.5) >= LEAST_WIDTH


def find_width(spot: Spot, area: Area) -> float:
    """How much of a frame's width text may take at a spot."""
    return 2 * min(0.5 - area.left, area.right - 0.5) if is_centred(spot, area) else area.right - area.left
