"""Encoding: every format decodes, colours are true, and whatever goes wrong leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace as change
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from studio.cards import Outcome
from studio.clip import encoders, ffmpeg, formats, recipe
from studio.clip.encode import encode
from studio.engines.base import Stopped
from studio.frames import Frames, Pixels
from studio.nouns import Choice, Format, Progress, Refusal, Shot, replace
from tests.fakes.gradients import SHOT, frames
from tests.fakes.waiting import until

ROOT = Path(__file__).resolve().parents[2]


def shot(kind: Format = "mp4") -> Shot:
    return replace(SHOT, format=kind)


def quiet(_: Progress) -> None:
    """A watcher that doesn't mind."""


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]


@pytest.mark.parametrize("pixels", ["rgb24", "yuv420p"])
@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_video_decodes_whole_and_tells_its_colours_truly(tmp_path: Path, kind: Format, pixels: Pixels) -> None:
    made = encode(frames(30, pixels=pixels), tmp_path / f"clip.{kind}", shot(kind), quiet)
    with av.open(str(made.file)) as video:
        stream = video.streams.video[0]
        decoded = sum(1 for _ in video.decode(stream))
        context = stream.codec_context
        assert (context.width, context.height, stream.average_rate) == (320, 240, 24)
        assert context.pix_fmt == "yuv420p"
        assert (context.color_range, context.colorspace) == (1, 1)  # limited, BT.709
        assert (context.color_primaries, context.color_trc) == (1, 1)
        assert video.duration == pytest.approx(30 / 24 * 1e6, abs=45_000)
    assert decoded == made.outcome.num_frames == 30
    assert made.bytes == made.file.stat().st_size
    assert left(tmp_path) == [f"clip.{name}" for name in sorted(("json", kind, "png"))]


def test_an_mp4_can_play_before_it_has_all_arrived(tmp_path: Path) -> None:
    data = encode(frames(), tmp_path / "clip.mp4", shot(), quiet).file.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("fps", "every"), [(16, 1), (24, 2), (30, 2), (60, 3)])
@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_looping_picture_is_small_even_and_says_so(tmp_path: Path, kind: Format, fps: int, every: int) -> None:
    made = encode(frames(12, 960, 540, fps), tmp_path / f"clip.{kind}", shot(kind), quiet)
    with Image.open(made.file) as picture:
        assert picture.size == (640, 360)
        assert picture.n_frames == made.outcome.num_frames == 12 // every
        assert picture.info["loop"] == 0
    assert any(choice.what == "size" and "640" in choice.value for choice in made.choices)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_frames_that_are_alike_are_all_kept(tmp_path: Path, kind: Format) -> None:
    grey = [np.full((48, 64, 3), shade, np.uint8) for shade in (120, 120, 120, 90, 90, 120)]
    made = encode(Frames(iter(grey), 64, 48, 10, 6), tmp_path / f"clip.{kind}", shot(kind), quiet)
    with Image.open(made.file) as picture:
        assert (picture.n_frames, picture.size) == (6, (64, 48))
        shades = []
        for index in range(6):
            picture.seek(index)
            picture.load()
            assert picture.info["duration"] == 100
            shades.append(int(np.asarray(picture.convert("RGB"))[20, 20, 0]))
        assert shades == pytest.approx([120, 120, 120, 90, 90, 120], abs=3)
    assert recipe.read_recipe(made.file) == shot(kind)


@pytest.mark.parametrize(("fps", "num_frames"), [(7, 21), (23, 30), (25, 75), (37, 48), (50, 65), (60, 78), (60, 2)])
@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_what_is_foretold_of_a_loop_at_any_rate_is_what_its_file_says(
    tmp_path: Path, kind: Format, fps: int, num_frames: int
) -> None:
    shades = (np.full((16, 16, 3), 3 * index, np.uint8) for index in range(num_frames))
    made = encode(Frames(shades, 16, 16, fps, num_frames), tmp_path / f"clip.{kind}", shot(kind), quiet)
    assert made.outcome == formats.foretell_outcome(16, 16, fps, num_frames, kind)
    with Image.open(made.file) as picture:
        delays = []
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            picture.load()
            delays.append(picture.info.get("duration") or 0)
    seconds = sum(delays) / 1000
    assert (len(delays), seconds) == (made.outcome.num_frames, pytest.approx(made.outcome.seconds))
    if len(delays) == 1:
        assert b"ANIM" not in made.file.read_bytes()[:64]
    else:
        assert seconds == pytest.approx(num_frames / fps, abs=0.005) and min(delays) >= 50


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_one_frame_is_a_still_picture_with_its_recipe(tmp_path: Path, kind: Format) -> None:
    one = Frames(iter([np.full((48, 64, 3), 120, np.uint8)]), 64, 48, 12, 1)
    made = encode(one, tmp_path / f"clip.{kind}", shot(kind), quiet)
    assert made.outcome == Outcome(64, 48, 1, 0.0, 0.0)
    with Image.open(made.file) as picture:
        picture.load()
        assert (picture.size, getattr(picture, "n_frames", 1)) == ((64, 48), 1)
    assert recipe.read_recipe(made.file) == shot(kind)


PATCHES = [
    (255, 255, 255),
    (0, 0, 0),
    (200, 30, 40),
    (20, 160, 60),
    (30, 60, 210),
    (236, 188, 150),
    (128, 128, 128),
    (250, 210, 20),
]


def patchwork() -> np.ndarray:
    return np.concatenate([np.full((128, 64, 3), colour, np.uint8) for colour in PATCHES], axis=1)


def bt709(picture: np.ndarray) -> np.ndarray:
    """An RGB picture as I420 by ITU-R BT.709-6, limited range: the reference the encoder is held to."""
    red, green, blue = (picture[..., n].astype(np.float64) / 255 for n in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
    small = [plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean((1, 3)) for plane in planes[1:]]
    return (
        np.rint(np.concatenate([planes[0].ravel(), *(plane.ravel() for plane in small)]))
        .astype(np.uint8)
        .reshape(-1, picture.shape[1])
    )


def rgb_by_hand(frame: av.VideoFrame) -> np.ndarray:
    """Decoded planes to RGB by the BT.709 formulas, without any library's idea of a default matrix."""
    luma, blue, red = (np.asarray(frame.to_ndarray(format="yuv420p"))[a:b] for a, b in ((0, 128), (128, 160), (160, 192)))
    half = (64, frame.width // 2)
    luma, pb, pr = ((luma - 16.0) / 219, (blue.reshape(half) - 128.0) / 224, (red.reshape(half) - 128.0) / 224)
    pb, pr = (np.repeat(np.repeat(plane, 2, 0), 2, 1) for plane in (pb, pr))
    r, b = luma + 1.5748 * pr, luma + 1.8556 * pb
    return np.clip(np.stack([r, (luma - 0.2126 * r - 0.0722 * b) / 0.7152, b], -1) * 255, 0, 255)


@pytest.mark.parametrize("pixels", ["rgb24", "yuv420p"])
@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_colours_come_back_as_they_were(tmp_path: Path, kind: Format, pixels: Pixels) -> None:
    picture = patchwork() if pixels == "rgb24" else bt709(patchwork())
    made = encode(Frames(iter([picture] * 8), 512, 128, 24, 8, pixels), tmp_path / f"clip.{kind}", shot(kind), quiet)
    with av.open(str(made.file)) as video:
        back = rgb_by_hand(next(video.decode(video=0)))
    for index, colour in enumerate(PATCHES):
        seen = back[32:96, index * 64 + 16 : index * 64 + 48].mean((0, 1))
        assert np.abs(seen - colour).max() <= 3, (colour, seen)


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_the_poster_is_the_frame_that_the_frames_say(tmp_path: Path, kind: Format) -> None:
    grey = [np.full((48, 64, 3), shade, np.uint8) for shade in (10, 60, 120, 200)]
    for index, shade in enumerate((10, 60, 120, 200)):
        made = encode(Frames(iter(grey), 64, 48, 24, 4, poster=index), tmp_path / f"{index}.{kind}", shot(kind), quiet)
        with Image.open(made.poster) as poster:
            assert np.asarray(poster.convert("L")).mean() == shade


@pytest.mark.parametrize("pixels", ["rgb24", "yuv420p"])
def test_the_poster_is_in_srgb_and_carries_nothing_else(tmp_path: Path, pixels: Pixels) -> None:
    picture = patchwork() if pixels == "rgb24" else bt709(patchwork())
    made = encode(Frames(iter([picture] * 4), 512, 128, 24, 4, pixels), tmp_path / "clip.mp4", shot(), quiet)
    with Image.open(made.poster) as poster:
        assert poster.info == {"srgb": 0}
        for index, colour in enumerate(PATCHES):
            seen = np.asarray(poster)[64, index * 64 + 32].astype(int)
            assert np.abs(seen - colour).max() <= 2, (colour, seen)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_looping_picture_of_planar_frames_has_true_colours(tmp_path: Path, kind: Format) -> None:
    made = encode(Frames(iter([bt709(patchwork())] * 4), 512, 128, 12, 4, "yuv420p"), tmp_path / f"c.{kind}", shot(kind), quiet)
    with Image.open(made.file) as picture:
        seen = np.asarray(picture.convert("RGB"))
    for index, colour in enumerate(PATCHES):
        patch = seen[32:96, index * 64 + 16 : index * 64 + 48].mean((0, 1))
        assert np.abs(patch - colour).max() <= 4, (colour, patch)


def test_progress_counts_every_frame_and_then_closes_the_file(tmp_path: Path) -> None:
    seen: list[Progress] = []
    encode(frames(20), tmp_path / "clip.mp4", shot(), seen.append)
    assert [one.done for one in seen if one.stage == "paint"] == list(range(1, 21))
    assert seen[-1].stage == "encode"
    assert seen[-1].elapsed >= seen[0].elapsed > 0


def test_stopping_in_the_middle_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    given = frames(500, 640, 480)
    running: list[int] = []

    def tick(progress: Progress) -> None:
        if progress.done == 40:
            running.append(len(children()))
            raise Stopped

    with pytest.raises(Stopped):
        encode(given, tmp_path / "clip.mp4", shot(), tick)
    assert running == [1]
    assert left(tmp_path) == []
    assert children() == []
    assert next(given.images, None) is None  # the engine was told to stop too


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp"])
def test_an_engine_that_breaks_leaves_no_file_and_no_process(tmp_path: Path, kind: Format) -> None:
    with pytest.raises(ArithmeticError):
        encode(frames(40, breaks_at=15), tmp_path / f"clip.{kind}", shot(kind), quiet)
    assert left(tmp_path) == []
    assert children() == []


def test_an_encoder_that_dies_is_reported_in_plain_words(tmp_path: Path) -> None:
    def tick(progress: Progress) -> None:
        if progress.done == 10:
            children()[0].kill()

    with pytest.raises(Refusal, match="encoder stopped") as caught:
        encode(frames(300, 640, 480), tmp_path / "clip.mp4", shot(), tick)
    assert str(tmp_path) not in str(caught.value)
    assert left(tmp_path) == []


def test_a_frame_of_the_wrong_size_is_an_error_not_a_sheared_picture(tmp_path: Path) -> None:
    wrong = change(frames(5, 320, 240), width=322)
    with pytest.raises(ValueError, match="promised"):
        encode(wrong, tmp_path / "clip.mp4", shot(), quiet)
    assert left(tmp_path) == []


LIMITED = """
import resource, sys
from pathlib import Path
from studio.clip.encode import encode
from studio.nouns import Refusal, replace
from tests.fakes.gradients import SHOT, frames
import numpy as np
from studio.frames import Frames
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
noise = np.random.default_rng(1)
images = (noise.integers(0, 255, (360, 640, 3), np.uint8) for _ in range(400))
shot = replace(SHOT, format=sys.argv[2])
try:
    encode(Frames(images, 640, 360, 24, 400), Path(sys.argv[1]), shot, lambda progress: None)
except Refusal as refusal:
    print(refusal)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file-size limit to stand for a full disk")
@pytest.mark.parametrize("kind", ["mp4", "webp"])
def test_a_disk_that_fills_up_is_a_refusal_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / f"clip.{kind}"), kind]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "disk filled up" in ended.stdout, ended
    assert "Free some space" in ended.stdout
    assert left(tmp_path) == []


def test_no_room_at_all_is_refused_before_a_frame_is_made(tmp_path: Path) -> None:
    huge = change(frames(5), num_frames=10**9)
    with pytest.raises(Refusal, match="room on the disk"):
        encode(huge, tmp_path / "clip.mp4", shot(), quiet)
    assert next(huge.images, None) is None
    assert left(tmp_path) == []


def test_a_folder_that_is_gone_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="can't be written"):
        encode(frames(), tmp_path / "gone" / "clip.mp4", shot(), quiet)


def test_a_missing_ffmpeg_is_a_refusal_that_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "no-such-program"))
    with pytest.raises(Refusal, match="pip install"):
        encode(frames(), tmp_path / "clip.mp4", shot(), quiet)
    assert left(tmp_path) == []


def test_a_clip_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    made = encode(frames(), tmp_path / "clip.mp4", shot(), quiet)
    before = made.file.read_bytes()
    with pytest.raises(ArithmeticError):
        encode(frames(breaks_at=5), tmp_path / "clip.mp4", shot(), quiet)
    assert made.file.read_bytes() == before


def test_awkward_names_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "-y; rm %d 'née' \"東京\""
    folder.mkdir()
    made = encode(frames(), folder / "-i concat:a|b.mp4", shot(), quiet)
    assert made.file.stat().st_size > 1000


def test_every_encoder_that_was_tried_says_how_it_went() -> None:
    chosen, *tried = encoders.describe_encoders()
    assert chosen.what == "encoder"
    assert len(tried) == sum(sys.platform in one.platforms for one in encoders.HARDWARE)
    assert all(one.reason and one.value in ("works", "not here") for one in tried)
    assert encoders.probe_hardware() is encoders.probe_hardware()


def test_a_draft_does_not_wait_for_hardware() -> None:
    encoder, choice = encoders.choose_encoder(640, 360)
    assert encoder == encoders.DRAFT
    assert choice == Choice("encoder", "libx264 superfast", choice.reason)


def test_a_probe_can_fail_and_can_succeed() -> None:
    absent = encoders.Encoder("h264_of_nobody", "Nobody's", ())
    failed, worked = (encoders.try_out((one,))[0] for one in (absent, encoders.SOFTWARE))
    assert not failed.works
    assert worked.works


def test_ffmpeg_that_hangs_is_ended(tmp_path: Path) -> None:
    endless = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=1000", "-f", "null", os.devnull]
    with pytest.raises(Refusal, match="too long"):
        ffmpeg.run_ffmpeg(endless, seconds=0.3)
    assert children() == []


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler") or os.geteuid() != 0, reason="only root may take such a priority")
def test_an_encoder_takes_no_real_time_priority(tmp_path: Path) -> None:
    """SVT-AV1 would, run by root: then nothing else is served, the page least of all."""
    film = ["-f", "lavfi", "-i", "testsrc=s=320x180:d=60", "-c:v", "libsvtav1", "-preset", "8", str(tmp_path / "a.webm")]
    process = ffmpeg.launch_ffmpeg(film, subprocess.DEVNULL)
    threads = Path(f"/proc/{process.pid}/task")
    try:
        until(lambda: len(list(threads.iterdir())) > 20)  # the encoder's are there
        assert {os.sched_getscheduler(int(one.name)) for one in threads.iterdir()} == {os.SCHED_OTHER}
    finally:
        process.kill()
        process.wait()
