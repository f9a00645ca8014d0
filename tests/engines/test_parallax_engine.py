"""The engine: frames as promised, read once, stopped at once, and the camera obeyed on real photographs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio import presets
from studio.config import Settings
from studio.engines.base import Stopped
from studio.engines.parallax import shot_setting, yuv
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.motion.camera_moves import MOVES
from studio.nouns import Camera, Effect, Motion, Move, MoveName, Photo, Progress, Refusal, Shot
from studio.photo.crop import find_output_size

CARD = presets.card("parallax")


def ignore(progress: Progress) -> None:
    """A listener that does not listen."""


def load(samples: Path, name: str) -> np.ndarray:
    """A sample photo at a size that is quick to think about."""
    image = cv2.cvtColor(cv2.imread(str(samples / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    scale = 480 / max(image.shape[:2])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def shot(image: np.ndarray, *moves: MoveName, loop: bool = False, effects: tuple[Effect, ...] = (), amount: float = 0.6) -> Shot:
    photo = Photo("1" * 64, image.shape[1], image.shape[0])
    camera = Camera(tuple(Move(move, amount) for move in moves), loop=loop)
    return Shot(photo, motion=Motion(camera=camera, effects=effects), size="240p", seconds=1.5, fps=12)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ParallaxEngine:
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    return ParallaxEngine(settings)


@pytest.fixture(scope="module")
def dogs() -> np.ndarray:
    from studio.config import ASSETS

    return load(ASSETS / "samples", "dogs")


def test_frames_are_as_promised_and_told_as_they_come(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    told: list[Progress] = []
    wanted = shot(dogs, "dolly_in")
    frames = engine.animate(prepare(wanted, CARD), dogs, None, told.append)
    read = len(told)
    assert all(one.stage == "read" for one in told)
    images = list(frames.images)
    size = find_output_size(wanted)
    assert (frames.width, frames.height, frames.fps, frames.pixels) == (size.width, size.height, 12, "yuv420p")
    assert len(images) == frames.num_frames == 18
    assert all(image.shape == (size.height * 3 // 2, size.width) and image.dtype == np.uint8 for image in images)
    painted = told[read:]
    assert [one.done for one in painted] == list(range(19))
    assert all(one.stage == "paint" and one.total == 18 for one in painted)
    assert {"framing"} <= {choice.what for choice in frames.choices}


def test_the_poster_is_the_frame_nearest_to_the_photo(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    """An orbit's middle, where it passes through the photo; and what begins there is shown from there."""
    posters = {
        move: engine.animate(prepare(shot(dogs, move), CARD), dogs, None, ignore).poster
        for move in ("orbit_left", "dolly_in", "dolly_out")
    }
    assert posters["orbit_left"] in (8, 9)
    assert posters["dolly_in"] == 0
    assert posters["dolly_out"] == 17


def test_a_scene_is_read_once_for_a_crop_and_a_size(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    one = engine.read(dogs, shot(dogs, "dolly_in"))
    assert engine.read(dogs, shot(dogs, "orbit_left")) is one
    assert engine.read(dogs[:, ::-1].copy(), shot(dogs, "dolly_in")) is not one


def test_threads_that_ask_together_get_one_scene(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    picture, found = np.ascontiguousarray(dogs[::-1]), []
    threads = [threading.Thread(target=lambda: found.append(engine.read(picture, shot(picture, "static")))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert all(scene is found[0] for scene in found)


def test_painting_leaves_the_encoder_its_core(engine: ParallaxEngine) -> None:
    """The BLAS under numpy and OpenCV has one thread: several would wait for each other by spinning."""
    from threadpoolctl import threadpool_info

    threads = {one["filepath"]: one["num_threads"] for one in threadpool_info() if one["internal_api"] == "openblas"}
    assert threads and {count for file, count in threads.items() if "torch" not in file} == {1}


def test_stopping_while_painting_stops_at_once(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "paint" and progress.done == 4:
            raise Stopped

    images = engine.animate(prepare(shot(dogs, "truck_left"), CARD), dogs, None, stop).images
    assert [next(images) is not None for _ in range(4)] == [True] * 4
    with pytest.raises(Stopped):
        next(images)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("paint")]


@pytest.mark.parametrize("moves", [("static",), ("orbit_left",)])
def test_amount_zero_is_the_crop_itself(engine: ParallaxEngine, dogs: np.ndarray, moves: tuple[MoveName, ...]) -> None:
    frames = engine.animate(prepare(shot(dogs, *moves, amount=0.0), CARD), dogs, None, ignore)
    crop = yuv.from_rgb(shot_setting.resize(dogs, frames.width, frames.height))
    images = list(frames.images)
    assert len(images) == frames.num_frames
    assert all(frame_measures.psnr(image, crop) >= 45 for image in images)


def test_a_shot_is_the_same_every_time(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    wanted = shot(dogs, "handheld", effects=(Effect("hair"), Effect("fog")))
    once, again = (list(engine.animate(prepare(wanted, CARD), dogs, None, ignore).images) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))


def test_a_refusal_comes_before_the_first_frame(engine: ParallaxEngine, dogs: np.ndarray) -> None:
    with pytest.raises(Refusal, match="paint where the water is"):
        engine.animate(prepare(shot(dogs, "static", effects=(Effect("flow"),)), CARD), dogs, None, ignore)


@pytest.mark.parametrize("move", ["dolly_in", "orbit_left", "handheld", "crane_up", "dolly_zoom_out", "roll_right"])
def test_a_loop_has_no_seam(engine: ParallaxEngine, dogs: np.ndarray, move: MoveName) -> None:
    frames = engine.animate(prepare(shot(dogs, move, loop=True, effects=(Effect("light"),)), CARD), dogs, None, ignore)
    assert frame_measures.seam([image[: frames.height] for image in frames.images]).ratio <= 1.05


@pytest.mark.parametrize("name", ["fig", "mountains"])
@pytest.mark.parametrize("move", get_args(MoveName))
def test_the_camera_is_obeyed(engine: ParallaxEngine, samples: Path, name: str, move: MoveName) -> None:
    image = load(samples, name)
    wanted = shot(image, move)
    frames = engine.animate(prepare(wanted, CARD), image, None, ignore)
    scene = engine.read(image, wanted)
    luma = [picture[: frames.height] for picture in frames.images]
    assert frame_measures.obeys_move(luma, MOVES[move].curve, scene.disparity, scene.pivot), frame_measures.flows(
        luma, scene.disparity, scene.pivot
    )
