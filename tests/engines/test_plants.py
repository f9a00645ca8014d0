"""Plants are found whole, and bend whole: stems before the sea, a head on its stem; a room has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.engines.parallax import areas, sky
from studio.engines.parallax.effects import effect_masks, sway
from studio.engines.parallax.scene import Layer
from studio.nouns import Effect
from studio.photo import matte
from tests.engines.made_scene import make, texture

SAMPLES = Path(__file__).parents[2] / "assets" / "samples"
STEMS = (60, 130, 210, 300, 370)


def meadow() -> np.ndarray:
    """Sky and sea, grass below them, and straw-coloured ears that rise from it before both."""
    picture = np.empty((280, 448, 3), np.uint8)
    picture[:100], picture[100:] = (150, 185, 225), (60, 110, 165)
    blades = cv2.blur(texture(448, 280)[..., 1], (1, 9)).astype(int)
    grass = np.dstack([blades * 0.55, blades * 0.8, blades * 0.2])
    picture[170:] = np.clip(grass, 0, 255).astype(np.uint8)[170:]
    for x in STEMS:
        cv2.line(picture, (x, 200), (x + 14, 50), (190, 140, 60), 3, cv2.LINE_AA)
    return picture


def room() -> np.ndarray:
    """A wall and a floor of yellow-green boards."""
    picture = np.empty((280, 448, 3), np.uint8)
    picture[:] = (205, 190, 165)
    grain = cv2.blur(texture(448, 280)[..., 1], (41, 1)).astype(int) - 128
    picture[150:] = np.clip(np.array([150, 135, 60]) + grain[150:, :, None] // 4, 0, 255)
    picture[150::26] = (80, 70, 30)
    return picture


def masks(picture: np.ndarray, cover: np.ndarray | None = None) -> dict[str, np.ndarray]:
    none = np.zeros(picture.shape[:2], np.float32)
    cover = none if cover is None else cover
    return areas.masks(picture, cover, sky.find(picture.astype(np.float32) / 255, cover))


def test_ears_before_the_sky_belong_to_the_grass_they_grow_from() -> None:
    found = masks(meadow())["foliage"]
    assert all(found[60, x + 13] > 0.6 and found[130, x + 7] > 0.6 for x in STEMS)
    assert found[60, 25] < 0.05 and found[130, 330] < 0.05 and found[240].mean() > 0.9


def test_a_wire_that_no_leaf_hangs_together_with_is_no_plant() -> None:
    picture = meadow()
    cv2.line(picture, (0, 20), (447, 60), (30, 30, 35), 2, cv2.LINE_AA)
    assert masks(picture)["foliage"][:20].max() < 0.05


def test_a_room_of_yellow_green_wood_has_no_leaves() -> None:
    assert masks(room())["foliage"].mean() < effect_masks.LEAST


def test_a_plant_bends_from_its_root_and_all_at_once() -> None:
    rows, columns = 160, 256
    mask = np.zeros((rows, columns), np.float32)
    mask[20:150, 120:136], mask[140:] = 1, 1
    scene = replace(make(subject=False), disparity=np.full((rows, columns), 0.6, np.float32))
    scene = replace(scene, masks={**scene.masks, "subject": np.zeros((rows, columns), np.float32)})
    waves = sway.Sway(sway.wind(mask, scene, Effect("wind", 1.0), 4.0, np.random.default_rng(1)), frozenset())
    across = np.stack([waves.at(t)[0] for t in np.linspace(0, 1, 24, endpoint=False)])
    rows, columns = across.shape[1:]
    stem = across[:, :, columns // 2]
    tip, middle, foot = (stem[:, round(part * rows)] for part in (0.2, 0.5, 0.92))
    assert tip.std() > 1.25 * middle.std() > 1.6 * foot.std() > 0
    assert np.corrcoef(tip, middle)[0, 1] > 0.75


def heads() -> tuple[np.ndarray, np.ndarray]:
    image = cv2.imread(str(SAMPLES / "dandelion.jpg"))[..., ::-1]
    picture = matte.shrink_to_work(np.ascontiguousarray(image))
    found = matte.find_matte(picture)
    return picture, matte.refine_edge(picture, found.soft).astype(np.float32) / 255


@pytest.mark.parametrize("plant", [True, False])
def test_a_subject_bends_with_the_foliage_only_where_it_is_a_plant(plant: bool) -> None:
    picture, cover = heads()
    if not plant:  # the same head, but what holds it up is not to be seen
        below = (cover > 0.5).any(1).nonzero()[0].max()
        picture = picture.copy()
        picture[below - 4 :] = texture(picture.shape[1], picture.shape[0])[below - 4 :] // 8 + np.uint8([20, 60, 0])
    found = masks(picture, cover)
    size = (picture.shape[1], picture.shape[0])
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    layers = tuple(Layer(name, rgba, found["subject"]) for name in ("background", "subject"))
    scene = replace(make(), width=size[0], height=size[1], layers=layers, masks=found, disparity=found["subject"])
    assert ("subject" in effect_masks.sheets(Effect("wind"), scene)) is plant
