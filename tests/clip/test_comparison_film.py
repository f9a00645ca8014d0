"""A comparison as one file: every tile shows the frame of its moment, at its own rate and length; labels and notes are there."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from studio.clip import comparison_tiles
from studio.clip.comparison_film import write_grid, write_wipe
from studio.clip.comparison_tiles import GAP, MISSING, Ending, Tile, choose_columns, find_font, measure_label
from studio.clip.contact_sheet import MARGIN, write_sheet
from studio.clip.ffmpeg import find_ffmpeg
from studio.clip.formats import read_outcome
from studio.nouns import Progress, Refusal

SIZE = (160, 96)
FIRST, STEP = 8, 5


def write_clip(file: Path, count: int, fps: int, *, loud: bool = False) -> Path:
    """Frame k is grey 8 + 5k; a GIF or an MP4, whose frames are all there and as they were. `loud`: with a tone."""
    raw = [
        "-f",
        "rawvideo",
        "-pixel_format",
        "rgb24",
        "-video_size",
        f"{SIZE[0]}x{SIZE[1]}",
        "-framerate",
        str(fps),
        "-i",
        "pipe:0",
    ]
    sound: list[str] = []
    if loud:
        with wave.open(str(file.with_suffix(".wav")), "wb") as tone:
            tone.setnchannels(1)
            tone.setsampwidth(2)
            tone.setframerate(24_000)
            tone.writeframes((8000 * np.sin(np.arange(round(24_000 * count / fps)) / 8)).astype("<i2").tobytes())
        sound = ["-i", str(file.with_suffix(".wav"))]
    colour = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=range=tv:colorspace=bt709"
    coded = [] if file.suffix == ".gif" else ["-vf", colour, "-c:v", "libx264", "-crf", "4"]
    frames = b"".join(bytes([FIRST + STEP * index]) * (SIZE[0] * SIZE[1] * 3) for index in range(count))
    command = [find_ffmpeg(), "-loglevel", "error", *raw, *sound, *coded, "-y", str(file)]
    subprocess.run(command, input=frames, check=True)
    return file


def read_frames(file: Path) -> list[np.ndarray]:
    with av.open(str(file)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def read_number(frame: np.ndarray, left: int, top: int) -> int:
    """The number of the clip's frame that is seen in the tile whose corner is there."""
    return round((float(frame[top + 30 : top + 60, left + 40 : left + 120].mean()) - FIRST) / STEP)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """49 frames at 24 (whose last one MoviePy's own count leaves out), 20 at 16 with sound, 10 at 10 as a GIF."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "long": write_clip(folder / "long.mp4", 49, 24),
        "loud": write_clip(folder / "loud.mp4", 20, 16, loud=True),
        "gif": write_clip(folder / "gif.gif", 10, 10),
    }


@pytest.mark.parametrize("ending", ["hold", "loop"])
def test_a_grid_shows_every_clip_at_its_moment(clips: dict[str, Path], tmp_path: Path, ending: Ending) -> None:
    tiles = [
        Tile(clips["long"], ("One", "amount 0.3")),
        Tile(clips["loud"], ("Two",), picked=True),
        Tile(clips["gif"], ("Three",)),
        Tile(None, ("Four",), note="Needs 24 GB of GPU memory. Choose a smaller model."),
    ]
    seen: list[Progress] = []
    write_grid(tiles, tmp_path / "grid.mp4", seen.append, columns=2, ending=ending, sound=clips["loud"])
    frames, made = read_frames(tmp_path / "grid.mp4"), read_outcome(tmp_path / "grid.mp4")
    below = measure_label(2, SIZE[0])
    assert (made.width, made.height) == (2 * SIZE[0] + GAP, 2 * (SIZE[1] + below) + GAP)
    assert (made.num_frames, made.fps, len(seen)) == (49, 24.0, 49)
    assert seen[-1].done == seen[-1].total == 49
    right, low = SIZE[0] + GAP, SIZE[1] + below + GAP
    for index, frame in enumerate(frames):
        moment = (index + 0.5) / 24
        second, third = int(moment * 16), int(moment * 10)
        second, third = (second % 20, third % 10) if ending == "loop" else (min(second, 19), min(third, 9))
        assert [read_number(frame, *at) for at in ((0, 0), (right, 0), (0, low))] == [index, second, third]
    label = frames[0][SIZE[1] : SIZE[1] + below].astype(int)
    assert label[:, : SIZE[0]].max() > 150, "the first label is written"
    accent = label[:, right : right + 12].reshape(-1, 3)
    assert any(red > 180 and blue < 130 for red, _, blue in accent), "the winner is marked"
    assert frames[0][low : low + SIZE[1], right:].max() > 120, "why there is no fourth clip is written"
    with av.open(str(tmp_path / "grid.mp4")) as video:
        heard, picture = video.streams.audio[0], video.streams.video[0]
        assert abs(float(heard.duration * heard.time_base) - 1.25) < 0.1
        assert picture.codec_context.colorspace == 1, "BT.709, and it says so"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "grid.mp4"], "nothing half-made is left"


def test_a_wipe_goes_across_and_back(clips: dict[str, Path], tmp_path: Path) -> None:
    still = tmp_path / "photo.png"
    Pillow.new("RGB", SIZE, (200, 60, 40)).save(still)
    write_wipe(Tile(clips["long"], ("One",)), Tile(still, ("The photo",)), tmp_path / "wipe.mp4", lambda _: None)
    frames = read_frames(tmp_path / "wipe.mp4")
    assert len(frames) == 49
    shares = [float((np.ptp(frame[60:90].astype(int), axis=2) < 40).mean()) for frame in frames]
    assert shares[0] < 0.05
    assert max(shares) > 0.97
    assert shares[-1] < 0.05
    assert np.abs(frames[0][70, 80].astype(int) - (200, 60, 40)).max() <= 6, "colours are the photo's"
    assert abs(read_number(frames[24], 0, 40) - 24) == 0


def test_what_cannot_be_written_is_refused_and_leaves_nothing(clips: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypisom" + bytes(500))
    for write in (
        lambda: write_grid([Tile(clips["gif"]), Tile(broken)], tmp_path / "out.mp4", lambda _: None),
        lambda: write_sheet([Tile(clips["gif"]), Tile(tmp_path / "gone.webp")], tmp_path / "out.png"),
        lambda: write_wipe(Tile(clips["gif"]), Tile(clips["loud"]), tmp_path / "no folder" / "out.mp4", lambda _: None),
    ):
        with pytest.raises(Refusal, match="can't be written"):
            write()

    class Enough(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise Enough

    with pytest.raises(Enough):
        write_grid([Tile(clips["long"]), Tile(clips["loud"])], tmp_path / "out.mp4", stop, sound=clips["loud"])
    assert sorted(tmp_path.iterdir()) == [broken]


def test_a_contact_sheet_shows_three_frames_of_each(clips: dict[str, Path], tmp_path: Path) -> None:
    still = tmp_path / "photo.png"
    Pillow.new("RGB", SIZE, (200, 60, 40)).save(still)
    tiles = [Tile(clips["long"], ("One",)), Tile(still, ("The photo",)), Tile(None, ("Three",), note="Stopped.")]
    write_sheet(tiles, tmp_path / "sheet.png", title="Side by side", columns=3)
    sheet = np.asarray(Pillow.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    top = MARGIN + 68
    width = 3 * SIZE[0] + GAP
    assert sheet.shape[1] == 2 * MARGIN + 3 * width + 2 * GAP
    shown = [read_number(sheet, MARGIN + number * (SIZE[0] + GAP // 2), top) for number in range(3)]
    assert shown == [0, 24, 48]
    photo = sheet[top + 48, MARGIN + width + GAP + width // 2]
    assert tuple(photo) == (200, 60, 40)
    assert sheet[:top].max() > 200, "the title is written"


def test_columns_make_a_film_that_fits_a_screen() -> None:
    assert [choose_columns(count, 16 / 9) for count in range(1, 10)] == [1, 2, 2, 2, 3, 3, 3, 3, 3]
    assert [choose_columns(count, 9 / 16) for count in (2, 3, 6, 8)] == [2, 3, 6, 4]


def test_clips_of_extreme_shapes_share_a_shape_between_theirs(tmp_path: Path) -> None:
    tiles = []
    for name, size in (("tall", (80, 640)), ("wide", (900, 100))):
        Pillow.new("RGB", size).save(tmp_path / f"{name}.png")
        tiles.append(Tile(tmp_path / f"{name}.png"))
    width, height = comparison_tiles.measure_tiles(tiles)
    assert width / height == pytest.approx((9 / 8) ** 0.5, rel=0.02) and width * height == pytest.approx(90_000, rel=0.02)
    assert comparison_tiles.measure_tiles(tiles[:1]) == (80, 640)


def test_a_label_too_long_for_its_corner_goes_on_below() -> None:
    parts = ["Parallax", "dolly in", "how far 0.3", "Score 96"]
    font = find_font("".join(parts), 15)
    lines = comparison_tiles.wrap(parts, " · ", font, 150)
    assert len(lines) > 1 and " · ".join(lines) == " · ".join(parts)
    assert all(font.getlength(line) <= 150 for line in lines)


def test_words_without_a_font_are_drawn_by_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_tiles, "FONTS", ())
    font = find_font("dolly in " + MISSING, 20)
    assert font.getlength("dolly in") > 40
    assert comparison_tiles.shorten("dolly in and orbit left", font, 120).endswith("…")
    assert font.getlength(comparison_tiles.shorten("dolly in and orbit left", font, 120)) <= 120
