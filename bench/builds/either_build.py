"""What the benches ask of whichever build of Stir is on the path, today's or an older one whose modules have other names.

Run with PYTHONPATH=BUILD:bench/builds (`python_path` in bench/clips.py). Older builds: from eb7515f on.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from studio.photo import crop, matte
from studio.presets import card


def find(*names: str) -> ModuleType:
    """The first of several modules that this build has."""
    return import_module(next(name for name in names if find_spec(name)))


ParallaxEngine = find("studio.engines.parallax.parallax_engine", "studio.engines.parallax.engine").ParallaxEngine
depth_cues = find("studio.engines.parallax.depth_cues", "studio.engines.parallax.depth")
_photos = find("studio.photo.photo_store", "studio.photo.intake")
read_photo: Any = getattr(_photos, "read_photo", None) or _photos.read
find_largest_crop: Any = getattr(crop, "find_largest", None) or vars(crop)["largest"]
find_matte: Any = getattr(matte, "find_matte", None) or vars(matte)["find"]


def ignore(progress: object) -> None:
    """Never stop the work."""
    del progress


def animate(engine: Any, image: Any, shot: Any) -> Any:
    """The built-in engine's frames of a shot of a photo, (H, W, 3) uint8 RGB."""
    if not find_spec("studio.engines.prepare"):
        return engine.animate(image, shot, card("parallax"), ignore)
    prepare = import_module("studio.engines.prepare").prepare
    return engine.animate(prepare(shot, card("parallax")), image, None, ignore)
