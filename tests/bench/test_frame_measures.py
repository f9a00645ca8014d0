"""The measures measure: known movements, known flaws."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.motion.camera_moves import MOVES
from studio.nouns import MoveName


def picture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((180, 320)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.clip(128 + 45 * soft / soft.std(), 0, 255)


def moved(x: float = 0.0, y: float = 0.0, grow: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """The picture moved right and down, grown, and turned clockwise by `turn` radians about its middle."""
    cos, sin = grow * np.cos(turn), grow * np.sin(turn)
    matrix = np.array([[cos, -sin, 160 - cos * 160 + sin * 90 + x], [sin, cos, 90 - sin * 160 - cos * 90 + y]])
    return np.rint(cv2.warpAffine(picture(), matrix, (320, 180), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)).clip(
        0, 255
    )


def clip(**step: float) -> list[np.ndarray]:
    grow, turn = step.get("grow", 0.0), step.get("turn", 0.0)
    return [moved(step.get("x", 0) * k, step.get("y", 0) * k, 1 + grow * k, turn * k).astype(np.uint8) for k in range(12)]


DEPTH = np.linspace(0, 1, 90, dtype=np.float32)[:, None].repeat(160, 1)


@pytest.mark.parametrize(
    ("move", "step"),
    [
        ("pan_left", {"x": 1.5}), ("pan_right", {"x": -1.5}), ("tilt_up", {"y": 1.5}), ("tilt_down", {"y": -1.5}),
        ("zoom_in", {"grow": 0.01}), ("zoom_out", {"grow": -0.01}), ("roll_left", {"turn": 0.01}),
        ("roll_right", {"turn": -0.01}), ("static", {}),
    ],
)  # fmt: skip
def test_a_known_movement_obeys_its_own_name_only(move: MoveName, step: dict[str, float]) -> None:
    seen = clip(**step)
    assert frame_measures.obeys_move(seen, MOVES[move].curve, DEPTH, 0.5)
    for other in ("pan_left", "pan_right", "tilt_up", "tilt_down", "zoom_in", "zoom_out", "roll_left", "roll_right", "static"):
        if other != move:
            assert not frame_measures.obeys_move(seen, MOVES[other].curve, DEPTH, 0.5), other


def test_the_fit_finds_an_affine_motion() -> None:
    flow = frame_measures.flow(moved().astype(np.uint8), moved(3.0, -2.0, 1.04, 0.03).astype(np.uint8))
    fit = frame_measures.fit(flow, np.ones((180, 320), np.float32))
    diagonal = np.hypot(320, 180)
    assert fit.x * diagonal == pytest.approx(3.0, abs=0.3)
    assert fit.y * diagonal == pytest.approx(-2.0, abs=0.3)
    assert fit.growth == pytest.approx(0.04, abs=0.006)
    assert fit.turn == pytest.approx(0.031, abs=0.006)


def test_an_edge_is_found_to_a_hundredth_of_a_pixel() -> None:
    across = np.arange(120)
    for place in (50.0, 50.37, 61.5):
        row = 40 + 170 / (1 + np.exp(-(across - place) / 1.3))
        assert frame_measures.edge(np.repeat(row[None], 6, 0)) - 0.5 == pytest.approx(place, abs=0.01)


def test_jitter_sees_whole_pixel_steps_and_not_smooth_movement() -> None:
    smooth = [moved(0.3 * k).astype(np.uint8) for k in range(30)]
    stepped = [moved(round(0.3 * k)).astype(np.uint8) for k in range(30)]
    assert frame_measures.jitter(smooth) < 0.08
    assert frame_measures.jitter(stepped) > 0.3


def test_a_smooth_path_is_steady_and_noise_is_not() -> None:
    t = np.linspace(0, 1, 60)
    path = 20 * t * t * (3 - 2 * t)
    assert frame_measures.unsteadiness(list(path)) < 0.005
    noise = np.random.default_rng(0).normal(0, 0.1, 60)
    assert frame_measures.unsteadiness(list(path + noise)) == pytest.approx(0.141, rel=0.25)


def test_a_seam_is_the_jump_from_last_to_first() -> None:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    looped = [moved(4 * np.sin(a), 4 * np.cos(a)) for a in angle]
    assert frame_measures.seam(looped).ratio <= 1.02
    assert frame_measures.seam(clip(x=1.0)).ratio > 2


def test_flicker_sees_pumping_light() -> None:
    still = [picture() for _ in range(12)]
    pumped = [frame + (3 if k % 2 else -3) for k, frame in enumerate(still)]
    assert frame_measures.flicker(still) < 1e-6
    assert frame_measures.flicker(pumped) > 3


def test_psnr_of_equal_and_of_slightly_different_pictures() -> None:
    one = picture().astype(np.uint8)
    assert frame_measures.psnr(one, one) == 99
    assert frame_measures.psnr(np.full((4, 4), 100, np.uint8), np.full((4, 4), 101, np.uint8)) == pytest.approx(48.13, abs=0.01)


def test_a_frame_that_is_drawn_otherwise_is_a_pulse() -> None:
    even = clip(x=0.05)
    assert frame_measures.pulse(even, (4, 8)) == pytest.approx(1, abs=0.35)
    grain = np.random.default_rng(1).normal(0, 6, (180, 320))
    odd = [*even[:4], *(np.clip(frame + grain, 0, 255).astype(np.uint8) for frame in even[4:])]
    assert frame_measures.pulse(odd, (4,)) > 2
    assert frame_measures.pulse(odd, (8,)) < 1.5
    assert frame_measures.steps(even)[0] == pytest.approx(frame_measures.seam(even).seam)
