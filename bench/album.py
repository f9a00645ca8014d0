"""The pictures the benches look at: those that ship, those in bench/photos, and well-known ones that come with packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.config import ASSETS, ROOT

Image = NDArray[np.uint8]


def pictures() -> dict[str, Callable[[], Image]]:
    """Every picture by name, read when it is wanted."""
    import skimage.data
    from matplotlib.cbook import get_sample_data
    from sklearn.datasets import load_sample_image

    files = [*sorted((ASSETS / "samples").glob("*.jpg")), *sorted((ROOT / "bench" / "photos").glob("*.jpg"))]
    found: dict[str, Callable[[], Image]] = {file.stem: lambda file=file: read(file) for file in files}
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        found[name] = lambda name=name: np.ascontiguousarray(getattr(skimage.data, name)()[..., :3])
    for name in ("china", "flower"):
        found[name] = lambda name=name: load_sample_image(f"{name}.jpg")
    found["grace_hopper"] = lambda: read(Path(str(get_sample_data("grace_hopper.jpg", asfileobj=False))))
    return found


def read(file: Path) -> Image:
    """The pixels of a picture on disk, (H, W, 3) RGB."""
    return cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
