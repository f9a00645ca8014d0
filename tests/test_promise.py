"""What is promised is what comes: a plan's outcome against the finished file, read by other eyes than the studio's own.

Every format, at sizes, rates, shapes and lengths that differ in kind: made by a stand-in that paints what it is asked for, and a
few by the engine that ships.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from PIL import Image as Pictures

from studio.cards import Outcome
from studio.clip import formats
from studio.clip.formats import read_outcome
from studio.config import Settings
from studio.nouns import Aspect, Camera, Clip, Crop, Effect, Format, Motion, Move, Shot, Size, replace
from studio.photo.crop import find_largest
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended

FORMATS: tuple[Format, ...] = ("mp4", "webm", "gif", "webp")
STILL = Motion(camera=Camera((Move("static"),)))


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Shot]]:
    """A studio on the stand-in, at work, and a shot of a photo of 960 x 720."""
    folder = tmp_path_factory.mktemp("painted")
    studio = Studio(Settings(folder / "home"), (CARD,), finder(Gradient()))
    studio.start(score=False)
    yield studio, Shot(studio.photos.take_in(photograph(folder, 960, 720), "harbour.png"), model="gradient")
    studio.close()


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[tuple[Studio, Shot]]:
    """A studio on the engine that ships, at work, and a shot of a photo."""
    studio = Studio(Settings(tmp_path_factory.mktemp("true") / "home"))
    studio.start(score=False)
    yield studio, Shot(studio.photos.take_in(samples / "stream.jpg"), seconds=1, fps=16, size="240p")
    studio.close()


def seen(file: Path) -> Outcome:
    """What Pillow, or PyAV with every frame decoded, finds in a file."""
    if file.suffix in (".gif", ".webp"):
        with Pictures.open(file) as picture:
            delays: list[int] = []
            for index in range(getattr(picture, "n_frames", 1)):
                picture.seek(index)
                picture.load()
                delays.append(int(picture.info.get("duration") or 0))
            if len(delays) == 1:
                return Outcome(*picture.size, 1, 0.0, 0.0)
            return Outcome(*picture.size, len(delays), len(delays) / (sum(delays) / 1000), sum(delays) / 1000)
    with av.open(str(file)) as video:
        stream = video.streams.video[0]
        count = sum(1 for _ in video.decode(stream))
        rate = float(stream.average_rate)
        return Outcome(stream.codec_context.width, stream.codec_context.height, count, rate, count / rate)


def close(one: Outcome, other: Outcome) -> bool:
    exact = (one.width, one.height, one.num_frames) == (other.width, other.height, other.num_frames)
    return exact and (one.fps, one.seconds) == pytest.approx((other.fps, other.seconds), abs=1e-6)


def made(studio: Studio, shot: Shot) -> tuple[Outcome, Clip]:
    """What was promised of a shot, and its clip."""
    promised = studio.outcome(shot)
    job = studio.submit(shot)
    ended(studio, job.id)
    return promised, studio.library.get(job.id)


Wish = tuple[Size, float, int, Aspect]
WISHES: list[Wish] = [
    ("auto", 1, 24, "photo"), ("240p", 1, 16, "9:16"), ("240p", 3, 25, "1:1"), ("360p", 1, 30, "16:9"), ("240p", 1.3, 8, "21:9"),
    ("480p", 1, 12, "4:5"), ("240p", 2.5, 50, "3:4"), ("240p", 2, 1, "photo"), ("720p", 1, 5, "9:16"),
]  # fmt: skip


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: "-".join(map(str, wish)))
@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_promised_is_what_comes(
    painted: tuple[Studio, Shot], kind: Format, wish: tuple[Size, float, int, Aspect]
) -> None:
    studio, shot = painted
    size, seconds, fps, aspect = wish
    shot = replace(shot, crop=find_largest(shot.photo, aspect), size=size, seconds=seconds, fps=fps, format=kind)
    promised, clip = made(studio, shot)
    file = studio.library.file(clip)
    assert read_outcome(file) == promised == Outcome(clip.width, clip.height, clip.num_frames, clip.fps, clip.seconds)
    assert close(seen(file), promised)
    assert promised.seconds == pytest.approx(seconds, abs=0.51 / promised.fps)


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60])
def test_a_gif_of_three_seconds_lasts_three_seconds(painted: tuple[Studio, Shot], fps: int) -> None:
    studio, shot = painted
    promised = studio.outcome(replace(shot, size="240p", seconds=3, fps=fps, format="gif"))
    assert (promised.num_frames, promised.fps, promised.seconds) == (60, 20.0, 3.0)


@pytest.mark.parametrize(("fps", "rate"), [(60, 20), (24, 20), (20, 20), (16, 10), (12, 10), (8, 5), (3, 2), (1, 1)])
def test_a_rate_that_is_asked_for_is_never_passed(fps: int, rate: int) -> None:
    assert formats.choose_loop_rate(fps) == rate
    assert len(set(formats.list_delays(rate, 5 * rate, "gif"))) == 1


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize(("fps", "num_frames"), [(16, 81), (24, 97), (25, 75), (30, 2), (8, 25), (23, 100)])
def test_the_frames_of_a_model_with_its_own_rate_last_as_long(kind: Format, fps: int, num_frames: int) -> None:
    of = formats.foretell_outcome(1280, 720, fps, num_frames, kind)
    assert (of.width, of.height) == (640, 360)
    assert of.fps <= formats.LOOP_RATE + 0.5
    if of.num_frames > 1:
        assert of.seconds == pytest.approx(num_frames / fps, abs=0.006)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("effects", [(), (Effect("fog", 0.4),)], ids=["still", "fog"])
def test_the_engine_that_ships_keeps_the_promise_when_the_camera_holds(
    true: tuple[Studio, Shot], kind: Format, effects: tuple[Effect, ...]
) -> None:
    studio, shot = true
    shot = replace(shot, format=kind, motion=replace(STILL, effects=effects))
    promised, clip = made(studio, shot)
    assert (
        read_outcome(studio.library.file(clip))
        == promised
        == Outcome(clip.width, clip.height, clip.num_frames, clip.fps, clip.seconds)
    )
    assert close(seen(studio.library.file(clip)), promised)
    still = kind in ("gif", "webp") and not effects
    assert (promised.num_frames == 1) == still
    assert any(choice.value == "a still picture" for choice in studio.plan(shot).choices) == still


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_the_engine_that_ships_keeps_the_promise_when_the_camera_moves(true: tuple[Studio, Shot], kind: Format) -> None:
    studio, shot = true
    promised, clip = made(studio, replace(shot, format=kind, size="auto", crop=find_largest(shot.photo, "9:16"), fps=24))
    assert (promised.width, promised.height, promised.num_frames, promised.seconds) == (360, 640, 20, 1.0)
    assert close(seen(studio.library.file(clip)), promised)
    assert clip.shot.fps == 24


@pytest.mark.parametrize(
    ("place", "kind", "has_track"), [("telegram", "mp4", True), ("tiktok", "mp4", False), ("reels", "gif", False)]
)
def test_a_silent_track_is_promised_made_and_made_again(
    painted: tuple[Studio, Shot], place: str, kind: Format, has_track: bool
) -> None:
    studio, shot = painted
    shot = replace(shot, platform=place, format=kind, size="240p", seconds=1, fps=30)
    promised = [choice for choice in studio.choices(shot) if choice.what == "sound"]
    _, clip = made(studio, shot)
    again = studio.again(clip.id)
    ended(studio, again.id)
    for one in (clip, studio.library.get(again.id)):
        assert [choice for choice in one.choices if choice.what == "sound"] == promised
        with av.open(str(studio.library.file(one))) as film:
            assert len(film.streams.audio) == has_track
    assert [choice.value for choice in promised] == ["a silent AAC track"] * has_track


# Size ---------------------------------------------------------------------------------------------------------------------


def test_auto_is_settled_when_a_shot_is_queued(painted: tuple[Studio, Shot]) -> None:
    studio, shot = painted
    shot = replace(shot, seconds=1, fps=2)
    promised, clip = made(studio, shot)
    assert (promised.width, promised.height) == (960, 720) == (clip.width, clip.height)
    assert clip.shot.size == "720p"


def test_a_crop_too_small_for_any_size_keeps_its_own(painted: tuple[Studio, Shot]) -> None:
    studio, shot = painted
    shot = replace(shot, seconds=1, fps=2, crop=Crop(0.1, 0.1, 0.3, 0.3, "photo"))
    promised, clip = made(studio, shot)
    assert (promised.height, clip.shot.size) == (216, "auto")
