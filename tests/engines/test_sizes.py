"""No size is too large: every kind of picture, frame, sheet, move and effect gives a frame."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from studio.config import ASSETS, Settings
from studio.engines.parallax import remap, shot_setting
from studio.engines.parallax.effects.ambience import Ambient
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.parallax.render import Renderer
from studio.engines.parallax.scene import Layer, Scene
from studio.engines.parallax.sheets import GUARD, Stack
from studio.nouns import Aspect, Camera, Effect, EffectName, Motion, Move, MoveName, Photo, Shot, Size
from studio.photo import crop
from tests.engines.made_scene import shot, texture
from tests.engines.test_render import slowly

Image = np.ndarray
MOVES: tuple[MoveName, ...] = tuple(move for move in get_args(MoveName) if move != "static")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ParallaxEngine:
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    return ParallaxEngine(settings)


def last_frame(engine: ParallaxEngine, image: Image, wanted: Shot) -> tuple[Image, int]:
    """The last frame as the engine paints it, and of how many sheets."""
    scene = engine.read(image, wanted)
    ambient = Ambient(scene, wanted)
    setting = shot_setting.place(scene, wanted, ambient.reaches, still=not ambient)
    size = crop.find_output_size(wanted)
    assert (scene.width, scene.height) == (size.width, size.height)
    renderer = Renderer(setting.sheets, (scene.width, scene.height), setting.framing, ambient if ambient else None)
    return renderer.paint(setting.poses[-1], 0.99), len(setting.sheets)


def wanted(image: Image, size: Size, aspect: Aspect, *moves: MoveName, effects: tuple[EffectName, ...] = ()) -> Shot:
    photo = Photo("5" * 64, image.shape[1], image.shape[0])
    motion = Motion(camera=Camera(tuple(Move(move, 1.0) for move in moves)), effects=tuple(map(Effect, effects)))
    return Shot(photo, crop.find_largest(photo, aspect), motion, size=size, seconds=1.0, fps=16)


def open_photo(file: Path) -> Image:
    return cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)


def whole(frame: Image, asked: Shot) -> bool:
    """Whether every part of a frame has been painted: none of its tenths is black or one flat tone."""
    size = crop.find_output_size(asked)
    assert frame.shape == (size.height * 3 // 2, size.width)
    luma = frame[: size.height]
    parts = [part for band in np.array_split(luma, 4) for part in np.array_split(band, 4, axis=1)]
    return all(part.mean() > 17 and part.size and part.max() > part.min() for part in parts)


@pytest.mark.parametrize(
    ("name", "aspect", "move", "effects"),
    [
        ("dandelion", "photo", "orbit_left", ("wind",)), ("dogs", "photo", "push_orbit_right", ("hair", "focus")),
        ("fig", "9:16", "truck_left", ()), ("mountains", "21:9", "dolly_in", ("fog", "clouds")),
        ("stream", "1:1", "crane_up", ("light",)), ("sunset", "photo", "dolly_zoom_out", ("steam", "clouds")),
    ],
)  # fmt: skip
def test_every_sample_at_4k(
    engine: ParallaxEngine, name: str, aspect: Aspect, move: MoveName, effects: tuple[EffectName, ...]
) -> None:
    image = open_photo(ASSETS / "samples" / f"{name}.jpg")
    asked = wanted(image, "2160p", aspect, move, effects=effects)
    assert whole(last_frame(engine, image, asked)[0], asked)


@pytest.mark.parametrize("size", [size for size in get_args(Size) if size != "2160p"])
@pytest.mark.parametrize("aspect", ["21:9", "9:16"])
def test_every_size_in_the_longest_aspects(engine: ParallaxEngine, size: Size, aspect: Aspect) -> None:
    image = texture(330, 250)
    asked = wanted(image, size, aspect, "orbit_right")
    assert whole(last_frame(engine, image, asked)[0], asked)


@pytest.mark.parametrize("shape", [(6000, 64), (64, 6000), (20_000, 300), (70, 66), (33_000, 900)])
@pytest.mark.parametrize("size", ["240p", "2160p"])
def test_the_most_extreme_photos(engine: ParallaxEngine, shape: tuple[int, int], size: Size) -> None:
    image = np.tile(texture(250, 300), (-(-shape[1] // 300), -(-shape[0] // 250), 1))[: shape[1], : shape[0]]
    asked = wanted(image, size, "photo", "truck_right", "crane_up", effects=("light",))
    assert whole(last_frame(engine, image, asked)[0], asked)


@pytest.mark.parametrize("move", MOVES)
def test_every_move_and_effect_on_two_sheets_or_more(engine: ParallaxEngine, move: MoveName) -> None:
    image = cv2.resize(open_photo(ASSETS / "samples" / "dogs.jpg"), (640, 426), interpolation=cv2.INTER_AREA)
    names: tuple[EffectName, ...] = (
        "wind", "hair", "clouds", "fog", "steam", "light", "focus", "rain", "snow", "dust", "embers", "shadow", "grain",
    )  # fmt: skip
    effects = tuple(name for index, name in enumerate(names) if MOVES.index(move) % 3 == index % 3)
    frame, sheets = last_frame(engine, image, wanted(image, "240p", "photo", move, effects=effects))
    assert sheets >= 2 or not effects
    assert whole(frame, wanted(image, "240p", "photo", move))


def test_outlines_of_any_length_are_composed_as_the_geometry_says() -> None:
    """Stripes so narrow that every cell lies on an outline: more of them than one look of OpenCV's takes."""
    width, height = 1024, 640
    assert (width // 4) * (height // 4) > remap.MOST_SIDE
    depth = np.full((80, 128), 0.2, np.float32)
    alpha = (127.5 + 127.5 * np.sin(np.arange(width) * 1.1)).astype(np.float32)[None].repeat(height, 0)
    front = np.dstack([texture(width, height, 1) * (alpha[..., None] / 255), alpha])
    below = np.dstack([texture(width, height), np.full((height, width), 255, np.uint8)])
    layers = (Layer("background", below, depth), Layer("subject", np.rint(front).astype(np.uint8), depth + 0.5))
    scene = Scene(width, height, layers, depth, {}, 0.5, 1.0, 0.3)
    setting = shot_setting.place(scene, shot("orbit_left", size=(width, height)), {}, still=False)
    frame = Renderer(setting.sheets, (width, height), setting.framing).paint(setting.poses[-1], 0.0)
    plain = slowly(setting.sheets, (width, height), setting.framing, setting.poses[-1])
    assert np.abs(frame[:height] - plain).mean() < 0.6


@pytest.mark.parametrize(("count", "height", "width"), [(1, 30, 40), (4, 9000, 5), (7, 16_000, 3), (3, 32_000, 4), (12, 7684, 6)])
def test_a_stack_of_any_height_fits_a_look_and_keeps_its_sheets(count: int, height: int, width: int) -> None:
    stack = Stack(count, height, width, 0)
    sheets = [np.random.default_rng(index).integers(0, 255, (height, width, 4), np.uint8) for index in range(count)]
    for index, sheet in enumerate(sheets):
        stack.hold(index, sheet)
    assert max(stack.picture.shape) <= remap.MOST_SIDE
    for index, sheet in enumerate(sheets):
        left, top = stack.corner(index)
        assert np.array_equal(stack.picture[top : top + height, left : left + width], sheet[..., 0])
        assert np.array_equal(stack.picture[top - GUARD, left : left + width], sheet[0, :, 0])
        assert np.array_equal(stack.picture[top + height, left : left + width], sheet[-1, :, 0])


def test_sheets_side_by_side_are_drawn_as_under_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.engines.parallax import sheets
    from tests.engines.made_scene import make

    scene = make()
    setting = shot_setting.place(scene, shot("orbit_left"), {}, still=False)
    tall = Renderer(setting.sheets, (scene.width, scene.height), setting.framing).paint(setting.poses[3], 0.0)
    monkeypatch.setattr(sheets, "MOST_SIDE", scene.height + 2 * GUARD)
    wide = Renderer(setting.sheets, (scene.width, scene.height), setting.framing).paint(setting.poses[3], 0.0)
    assert np.abs(tall.astype(int) - wide).max() <= 2  # a place further right has fewer digits left of its fraction


@pytest.mark.parametrize("shape", [(40_000, 3), (3, 40_000), (5, 7)])
@pytest.mark.parametrize("channels", [1, 4])
def test_a_look_takes_places_of_any_number(shape: tuple[int, int], channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (9, 11, channels), np.uint8).squeeze()
    chance = np.random.default_rng(1)
    x, y = (chance.integers(0, most, shape).astype(np.float32) for most in (11, 9))
    assert np.array_equal(remap.look_up(picture, x, y), picture[y.astype(int), x.astype(int)])
