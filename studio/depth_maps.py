"""Depth maps of the user's own, and the optional depth network: whether it is here, and its download.

Where the depth of a shot comes from is decided in engines/parallax.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.atomic_write import replace_whole
from studio.config import Settings
from studio.engines.base import Tick
from studio.nouns import Choice, Refusal
from studio.system_errors import refuse_unwritten


def find_network(settings: Settings) -> tuple[bool, Choice]:
    """Whether the optional depth network has been downloaded, and what that means for depth."""
    from studio.engines.parallax import depth_anything

    if depth_anything.ready(settings):
        return True, Choice("depth", depth_anything.NAME, "it is downloaded, and reads depth best")
    return False, Choice("depth", "built in", "read from the photo itself; nothing is downloaded")


def depth_file(settings: Settings, depth: str) -> Path:
    """Where an uploaded depth map of this id is kept."""
    return settings.depths / f"{depth}.png"


class DepthMaps:
    """The depth maps of one home folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def network(self) -> tuple[bool, Choice]:
        """Whether the optional depth network has been downloaded, and what that means for depth."""
        return find_network(self._settings)

    def download_network(self, tick: Tick) -> None:
        """Fetch the optional depth network, about 27 MB: only ever because the user asked. Raises `Refusal`."""
        from studio.engines.parallax import depth_anything

        depth_anything.download(self._settings, tick)

    def adopt(self, file: Path) -> str:
        """Keep a depth map (PNG, TIFF, JPEG or WebP; light is near), upright, as 16-bit grey from 0 to 65535.

        Returns its id. Raises `Refusal` for a file that can't be read as one (grey_picture.py), is over 200 MB or 50
        megapixels, or is all one grey.
        """
        grey = _read_depth(file)
        identity = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()
        kept = depth_file(self._settings, identity)
        if not kept.exists():
            from PIL import Image as Pictures

            try:
                with replace_whole(kept) as made:
                    Pictures.fromarray(grey).save(made, "PNG")
            except OSError as error:
                raise refuse_unwritten(error) from error
        return identity


def _read_depth(file: Path) -> NDArray[np.uint16]:
    from studio.photo.intake.grey_picture import open_grey

    grey = open_grey(file, "depth map", "light where things are near")
    low, high = float(grey.min()), float(grey.max())
    if high <= low:
        raise Refusal(
            "This depth map is all one grey, so it holds no depth.", "Use one that is light where things are near."
        )
    return np.rint((grey - low) / (high - low) * 65535).astype(np.uint16)
