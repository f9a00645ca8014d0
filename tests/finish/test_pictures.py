"""What is done to frames: loop seams, interpolation, light and colour, grain, overlays, titles; on made-up clips."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from studio.config import ASSETS
from studio.finish.clip_frames import Facts
from studio.finish.clip_survey import Survey, measure_sharpness
from studio.finish.film_grain import Grain
from studio.finish.finish_plan import find_area, leave_uncovered
from studio.finish.light_and_colour import correct_frame, measure_course, plan_correction
from studio.finish.loop_seam import find_seam, measure_apart
from studio.finish.motion_interpolation import find_motion, interpolate
from studio.finish.overlays import find_opacity, lay_over, make_overlay
from studio.finish.text_direction import find_base, find_levels, order_runs
from studio.finish.title_arrangement import Area, Box, arrange
from studio.finish.title_fonts import FONTS, Face, find_face, has_sign, split_clusters
from studio.finish.typesetting import break_lines, measure_line, set_block, set_titles
from studio.finish.yuv_planes import split_planes
from studio.nouns import Refusal, Title
from studio.platforms import Cover
from studio.presets import platform

Bytes = NDArray[np.uint8]
WIDE, HIGH = 320, 180


def texture(height: int, width: int, seed: int, soft: float = 2.0) -> NDArray[np.float32]:
    """A blurred noise of 40 to 200."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((height, width)).astype(np.float32), (0, 0), soft)
    return 40 + 160 * (noise - noise.min()) / (noise.max() - noise.min())


class Scene(NamedTuple):
    """A square that moves by 6 pixels a frame in front of a ground that moves by 2 the other way."""

    ground: NDArray[np.float32]
    square: NDArray[np.float32]

    def paint(self, time: float) -> Bytes:
        """The I420 frame of a moment."""
        size = (WIDE, HIGH)
        luma = cv2.warpAffine(self.ground, np.float32([[1, 0, -20 - 2 * time], [0, 1, -10]]), size, flags=cv2.INTER_CUBIC)
        way = np.float32([[1, 0, 100 + 6 * time], [0, 1, 50]])
        front = cv2.warpAffine(self.square, way, size, flags=cv2.INTER_CUBIC)
        mask = cv2.warpAffine(np.ones_like(self.square), way, size)
        frame = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
        frame[:HIGH] = np.rint(np.clip(luma * (1 - mask) + front * mask, 16, 235))
        return frame


@pytest.fixture(scope="module")
def scene() -> Scene:
    """The scene of all."""
    return Scene(texture(HIGH + 40, WIDE + 80, 1), texture(80, 80, 2))


# Loops ----------------------------------------------------------------------------------------------------------------


def test_the_best_seam_is_where_the_clip_comes_round() -> None:
    down, across = np.mgrid[:40, :64]
    frames = np.stack([127 + 60 * np.sin(2 * np.pi * (across / 32 + time / 30)) + 20 * np.sin(down / 5) for time in range(100)])
    small = frames.astype(np.uint8)
    seam = find_seam(small)
    assert (seam.last + 1 - seam.first) % 30 == 0
    assert seam.last + 1 - seam.first == 90  # as many whole rounds as there are
    assert seam.apart < 0.5 < seam.step < seam.whole  # not seen, where the clip's own end is
    blended = find_seam(small, 8)
    assert blended.first >= 8
    assert (blended.last + 1 - blended.first) % 30 == 0


def test_without_a_better_seam_the_whole_clip_loops() -> None:
    still = np.full((30, 20, 30), 90, np.uint8)
    assert find_seam(still)[:2] == (0, 29)


def test_long_clips_are_compared_in_steps() -> None:
    frames = np.stack([np.full((4, 6), 100 + 50 * np.sin(time / 80), np.uint8) for time in range(1500)])
    seam = find_seam(frames)
    assert 0 <= seam.first < seam.last < 1500
    assert measure_apart(frames[:3]).shape == (3, 3)


# Interpolation --------------------------------------------------------------------------------------------------------


def test_between_two_frames_things_are_where_they_would_have_been(scene: Scene) -> None:
    first, second = scene.paint(0), scene.paint(1)
    motion = find_motion(first, second)
    for share in (0.25, 0.5, 0.75):
        truth = scene.paint(share)[:HIGH].astype(float)
        error = np.abs(interpolate(first, second, motion, share)[:HIGH] - truth)
        mixed = np.abs((1 - share) * first[:HIGH] + share * second[:HIGH] - truth)
        assert error.mean() < 0.25 * mixed.mean()
        edge = error[44:136, 96:190]  # the square's outline, where a dissolve shows it twice
        assert np.percentile(edge, 95) < 0.6 * np.percentile(mixed[44:136, 96:190], 95)


def test_a_cut_is_not_interpolated(scene: Scene) -> None:
    first, other = scene.paint(0), scene.paint(0)
    other[:HIGH] = np.rint(texture(HIGH, WIDE, 9))
    motion = find_motion(first, other)
    assert not motion.is_one_scene
    assert (interpolate(first, other, motion, 0.4) == first).all()
    assert (interpolate(first, other, motion, 0.6) == other).all()
    mixed = interpolate(first, other, motion, 0.5, dissolves=True)
    assert np.abs(mixed[:HIGH] - (first[:HIGH].astype(float) + other[:HIGH]) / 2).max() <= 1


# Light, colour and grain ----------------------------------------------------------------------------------------------


def survey(frames: list[Bytes]) -> Survey:
    """What is seen of frames at their own size."""
    planes = [split_planes(frame) for frame in frames]
    small = [np.stack([cv2.resize(one, (WIDE, HIGH)) for one in chroma]) for _, *chroma in planes]
    return Survey(np.stack([luma for luma, *_ in planes]), np.stack(small), np.zeros(len(frames)), 0)


def test_flicker_goes_and_a_slow_change_stays(scene: Scene) -> None:
    plain = [scene.paint(time / 4) for time in range(24)]
    gains = 1 + 0.06 * (-1.0) ** np.arange(24) + np.linspace(0, 0.2, 24)
    frames = []
    for frame, gain in zip(plain, gains, strict=True):
        changed = frame.copy()
        changed[:HIGH] = np.clip((frame[:HIGH].astype(float) - 16) * gain + 16, 16, 235)
        frames.append(changed)
    correction = plan_correction(measure_course(survey(frames)), 24, 0, 1.0, 0.0)
    done = [correct_frame(frame, correction, at) for at, frame in enumerate(frames)]

    def flicker(shown: list[Bytes]) -> float:
        means = np.array([frame[:HIGH].mean() for frame in shown])
        return float(np.abs(np.diff(means, 2)).mean())

    assert flicker(done) < 0.25 * flicker(frames)
    assert done[-1][:HIGH].mean() > done[0][:HIGH].mean() + 5


def test_colours_are_held_to_the_first_frame_but_not_what_comes_into_the_picture(scene: Scene) -> None:
    frames = []
    for time in range(24):
        frame = scene.paint(time / 2)
        frame[HIGH:] = 128
        split_planes(frame)[1][:] = 128 + round(time / 3)  # bluer and bluer
        frames.append(frame)
    correction = plan_correction(measure_course(survey(frames)), 24, 0, 0.0, 1.0)
    last = correct_frame(frames[-1], correction, 23)
    assert abs(float(split_planes(last)[1].mean()) - 128) < 2 < abs(float(split_planes(frames[-1])[1].mean()) - 128)
    assert np.abs(correction.gain - 1).max() < 0.03  # the square's way doesn't count as light


def test_grain_is_strongest_in_the_middle_tones_and_other_on_every_frame() -> None:
    frame = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
    frame[:HIGH, :100], frame[:HIGH, 200:] = 20, 235
    grain = Grain(0.6, WIDE, HIGH, seed=7)
    one, two = grain.add(frame, 0), grain.add(frame, 1)
    assert (one[HIGH:] == 128).all()
    dark, middle, light = (float(one[:HIGH, columns].std()) for columns in (slice(0, 100), slice(100, 200), slice(200, 320)))
    assert middle > 2 * dark
    assert light == 0
    assert (one != two).any()
    assert (grain.add(frame, 0) == Grain(0.6, WIDE, HIGH, seed=7).add(frame, 0)).all()


def test_sharpness_tells_a_blurred_frame(scene: Scene) -> None:
    luma = scene.paint(0)[:HIGH]
    assert measure_sharpness(luma) > 1.5 * measure_sharpness(np.asarray(cv2.GaussianBlur(luma, (0, 0), 2), np.uint8))


# Titles ---------------------------------------------------------------------------------------------------------------


def test_an_overlay_is_where_it_should_be_and_fades() -> None:
    picture = np.zeros((10, 20, 4), np.uint8)
    picture[...] = (255, 0, 0, 255)
    one = make_overlay(picture, 41, 31, start=1.0, end=3.0, fade=0.5, size=(WIDE, HIGH))
    assert [round(find_opacity(one, at), 2) for at in (0.9, 1.0, 1.25, 1.5, 2.75, 3.0)] == [0, 0, 0.5, 1, 0.5, 0]
    black = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
    black[:HIGH] = 16
    shown = lay_over(black, (one,), 2.0)
    assert np.argwhere(shown[:HIGH] > 40).min(0).tolist() == [31, 41]
    assert np.argwhere(shown[:HIGH] > 40).max(0).tolist() == [40, 60]
    assert shown[35, 50] == 63  # red in BT.709: 16 + 0.2126 * 219
    assert lay_over(black, (one,), 0.0) is black


@pytest.mark.parametrize("font", sorted(FONTS))
def test_shipped_fonts_have_latin_cyrillic_and_greek(font: str) -> None:
    face = Face(str(ASSETS / "fonts" / FONTS[font]))
    assert all(has_sign(face, sign) for sign in "ÀßŁőЖёЇΆωΰ–“”€")
    assert not has_sign(face, "東")


def test_lines_are_broken_evenly_and_fit() -> None:
    title = Title("A walk along the river on the last warm evening of the year", kind="caption")
    lines = break_lines(title, 16, 200)
    widths = [measure_line(line, 16) for line in lines]
    assert len(lines) > 1
    assert max(widths) <= 200
    assert min(widths) > 0.6 * max(widths)
    assert "".join(run.text for run in break_lines(Title("one\ntwo"), 16, 900)[1]) == "two"


def test_titles_keep_out_of_what_a_platform_covers_and_of_each_other() -> None:
    covers = (Cover("name", 0, 0, 1, 0.1), Cover("buttons", 0.8, 0.5, 0.2, 0.5), Cover("caption", 0, 0.7, 1, 0.3))
    area = leave_uncovered(covers)
    assert area == Area(0.0, 0.1, 0.8, 0.7)
    place, date = set_titles((Title("Bern", kind="place"), Title("1 May", kind="date")), (180, 320), 5.0, area)
    bottom = [one.y + int(np.argwhere(one.alpha > 0.9)[:, 0].max()) for one in (place, date)]
    top = [one.y + int(np.argwhere(one.alpha > 0.9)[:, 0].min()) for one in (place, date)]
    assert bottom[0] < top[1]
    assert bottom[1] < 0.7 * 320
    reels = platform("reels")
    assert find_area(reels, Facts(720, 1280, 24, 24.0)) != Area()
    assert find_area(reels, Facts(1280, 720, 24, 24.0)) == Area()  # nobody knows what it covers of another shape


def test_text_that_does_not_fit_or_is_never_seen_is_refused() -> None:
    assert set_block(Title("A long word or two", size=0.3), (WIDE, HIGH), Area()).size < 0.3 * HIGH  # made smaller
    with pytest.raises(Refusal, match="too long"):
        set_block(Title("word " * 79, size=0.3), (WIDE, HIGH), Area())
    with pytest.raises(Refusal, match="from 6 s on"):
        set_titles((Title("late", start=6.0),), (WIDE, HIGH), 5.0, Area())
    with pytest.raises(Refusal, match="no words"):
        set_block(Title("   "), (WIDE, HIGH), Area())
    assert find_face("\ue123") is None or has_sign(find_face("\ue123"), "\ue123")


# Directions and emoji -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("abc דהו", "abc והד"),
        ("דהו abc", "abc והד"),
        ("28 נוב 2026", "2026 בונ 28"),
        ("דהו (2026)!", "!)2026( והד"),  # brackets are mirrored as they are drawn
        ("price 1,500 ₪", "price 1,500 ₪"),
        ("نعم ٢٠٢٦ no", "no ٢٠٢٦ معن"),
    ],
)
def test_what_is_read_from_right_to_left_stands_so_beside_what_is_not(text: str, seen: str) -> None:
    levels = find_levels(text, find_base(text))
    assert "".join(text[at] for at in order_runs(levels)) == seen


def test_clusters_stay_together() -> None:
    assert split_clusters("é👩‍👧🇳🇴🇸🇪1️⃣👋🏽x") == ["é", "👩‍👧", "🇳🇴", "🇸🇪", "1️⃣", "👋🏽", "x"]


def test_titles_of_every_kind_stand_clear_of_each_other_or_are_refused() -> None:
    size, words = (540, 960), "A caption that is long enough to need two lines of it"
    kinds = (
        Title("Harbour", kind="title"),
        Title(words, kind="caption"),
        Title("Bergen", kind="place"),
        Title("May", kind="date"),
    )
    area = find_area(platform("reels"), Facts(*size, 72, 24.0))
    for titles in (
        kinds,
        (Title(words * 2, place="middle"), *kinds[1:]),
        (Title(words, place="top"), Title(words, place="top_left")),
    ):
        seen = np.zeros(size[::-1], int)
        for one in set_titles(titles, size, 3.0, area):
            ink = one.luma * one.alpha > 128  # the letters, not their shadow
            seen[one.y : one.y + ink.shape[0], one.x : one.x + ink.shape[1]] += ink
        assert seen.max() == 1
    (corner,) = arrange([Box(300, 60, "top_left", 0.0, 3.0, 20.0)], size, Area(), Box(200, 50, "top_right", 0.0, 4.0, 16.0))
    assert corner == (32, 32 + 50 + 20)  # below the logo in the other corner, which it would touch
    with pytest.raises(Refusal, match="beside each other"):
        set_titles(tuple(Title(words * 3) for _ in range(12)), (320, 180), 3.0, Area())
