"""Tiled processing: a large picture worked on in tiles of bounded size, without seams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from studio.hung_threads import show_life

Image = NDArray[np.uint8]


def work_in_tiles(image: Image, work: Callable[[Image], Image], side: int, margin: int, times: int = 1) -> Image:
    """`work` done to (H, W, 3) uint8 in tiles of `side` pixels, each seen with `margin` more around it; (H, W, 3) times
    `times`.

    `work` takes (h, w, 3) uint8 and gives the same `times` as large. Without seams where it looks no further than
    `margin`. Tiles begin at multiples of `side`, less the margin: make both multiples of the coarsest step that `work`
    takes. Each is a sign of life.
    """
    height, width = image.shape[:2]
    done = np.empty((height * times, width * times, 3), np.uint8)
    for top in range(0, height, side):
        for left in range(0, width, side):
            first, start = max(top - margin, 0), max(left - margin, 0)
            part = np.ascontiguousarray(image[first : top + side + margin, start : left + side + margin])
            down, across = (top - first) * times, (left - start) * times
            high, wide = min(side, height - top) * times, min(side, width - left) * times
            place = done[top * times : top * times + high, left * times : left * times + wide]
            show_life()
            place[...] = work(part)[down : down + high, across : across + wide]
    return done
