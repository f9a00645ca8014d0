"""A clip made fit for every place that ships, each file read by PyAV, Pillow, OpenCV and ffmpeg against the preset's own text."""

from __future__ import annotations

import resource
import subprocess
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from studio import presets
from studio.clip import ffmpeg
from studio.clip.encode import encode
from studio.clip.file_probe import FileFacts, NotReadable, probe_file
from studio.config import PRESETS
from studio.delivery.deliver import Delivered, deliver, require_encoder
from studio.delivery.delivery_check import check_file
from studio.delivery.delivery_plan import find_rate, plan_delivery
from studio.delivery.file_arguments import Aim
from studio.delivery.size_search import find_aim
from studio.frames import Frames, Sound
from studio.nouns import Camera, Clip, Motion, Photo, Progress, Refusal, Shot, replace
from studio.platforms import DeliveryWish, Platform
from tests.rows import each_row

LOOP = Shot(Photo("0" * 64, 320, 240), motion=Motion(camera=Camera(loop=True)))
STATED = {text["id"]: text for text in (tomllib.loads(file.read_text()) for file in (PRESETS / "platforms").glob("*.toml"))}
FILES = [(place.id, kind.container) for place in presets.platforms() for kind in place.files]


class Stopped(Exception):
    """The watcher has had enough."""


def ignore(progress: Progress) -> None:
    """A watcher that never stops the work."""
    del progress


def paint(count: int) -> Iterator[np.ndarray]:
    """A bright bar that is 12 pixels further to the right in every frame, on rough ground."""
    ground = np.random.default_rng(1).integers(20, 120, (240, 320, 3), dtype=np.uint8)
    for index in range(count):
        frame = ground.copy()
        frame[:, 12 * index : 12 * index + 12] = 235
        yield frame


def find_bar(frame: np.ndarray, width: int = 320) -> int:
    """Which frame of the clip this is, by where its bar stands. width: of what is shown, in the clip's pixels."""
    row = frame[frame.shape[0] // 2].astype(int).sum(axis=-1)
    left = (320 - width) / 2
    return round((left + (row.argmax() + row.size - 1 - row[::-1].argmax()) / 2 * width / row.size - 5.5) / 12)


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of the studio's own MP4 with a quiet tone, 320x240 at 24 fps."""
    tone = 0.05 * np.sin(np.arange(48_000, dtype=np.float32) * 0.0575)
    frames = Frames(paint(24), 320, 240, 24, 24, sound=Sound(np.stack([tone, tone]), 48_000))
    return encode(frames, tmp_path_factory.mktemp("source") / "clip.mp4", LOOP, ignore).file


def wrap(file: Path, shot: Shot = LOOP) -> Clip:
    return Clip("c", shot, file.name, "c.png", 320, 240, 24.0, 24, 1.0, file.stat().st_size, 0.0, 1.0)


def small(place_id: str) -> Platform:
    """A place as it ships, but for the size of its pictures."""
    place = presets.platform(place_id)
    assert place
    return replace(place, size="240p")


def send(file: Path, place: Platform, dest: Path, **wish: Any) -> Delivered:
    return deliver(file, wrap(file), place, dest, ignore, DeliveryWish(**wish))


@each_row(("place_id", "container"), FILES)
def test_every_file_is_what_its_preset_states(place_id: str, container: str, clip_file: Path, tmp_path: Path) -> None:
    stated = STATED[place_id]
    kind = next(one for one in stated["files"] if one["container"] == container)
    made = send(clip_file, small(place_id), tmp_path / place_id, container=container)
    (written,) = made.files
    assert [check for check in made.checks if not check.is_met] == []
    assert written.file.stat().st_size <= stated.get("most_bytes", 1 << 40)
    if container in ("gif", "webp"):
        return
    with av.open(str(written.file)) as film:
        picture = max(film.streams.video, key=lambda one: one.frames)
        context = picture.codec_context
        packets = [packet for packet in film.demux(picture) if packet.size]
        sounds = [(one.codec_context.name, one.codec_context.sample_rate) for one in film.streams.audio]
    rate = picture.average_rate
    assert rate is not None
    assert context.name.replace("libdav1d", "av1") == kind["codec"]
    assert stated["min_fps"] <= rate <= stated["max_fps"]
    assert rate == Fraction(24)
    assert stated["min_seconds"] - 0.01 <= len(packets) / rate <= stated["max_seconds"]
    assert kind.get("profile") in (None, context.profile)
    assert context.pix_fmt == kind.get("pixels", "yuv420p")
    assert min(packet.pts for packet in packets if packet.pts is not None) == 0
    if kind.get("level"):
        assert context.level <= float(kind["level"]) * (10 if kind["codec"] == "h264" else 30)
    assert context.codec_tag == "hvc1" or kind["codec"] != "hevc"
    if not kind.get("b_frames", True):
        assert [packet.pts for packet in packets] == sorted(packet.pts for packet in packets if packet.pts is not None)
    if container != "avif":
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
    codec = {"mp4": "aac", "webm": "opus", "mov": "pcm_s24le"}.get(container)
    assert sounds == ([] if stated.get("sound") == "none" else [(codec, 48_000)])
    if container in ("mp4", "mov"):
        raw = written.file.read_bytes()
        assert b"elst" not in raw[: raw.index(b"mdat")]
        assert raw.index(b"moov") < raw.index(b"mdat"), "its index stands in front"


@pytest.mark.parametrize("container", ["gif", "webp", "avif"])
def test_a_loop_under_a_named_size_is_read_by_pillow(container: str, clip_file: Path, tmp_path: Path) -> None:
    whole = send(clip_file, small("product"), tmp_path / "whole", container=container).files[0].bytes
    made = send(clip_file, small("product"), tmp_path / "loop", container=container, under=whole // 2)
    assert made.files[0].bytes <= whole // 2
    assert all(check.is_met for check in made.checks), made.checks
    with Image.open(made.file) as picture:
        assert picture.format == container.upper()
        assert picture.n_frames >= 10  # type: ignore[attr-defined]
        picture.seek(picture.n_frames // 2)  # type: ignore[attr-defined]
        middle = np.asarray(picture.convert("RGB"))
    assert find_bar(middle, 240) in range(10, 15)


def test_a_loop_gets_as_small_as_it_may_before_it_is_given_up() -> None:
    """A GIF whose bytes go with its pixels: the last size tried is the least one, not one step before it."""
    made = plan("product", wish=DeliveryWish(container="gif", under=200_000), width=240, height=240)
    kind = next(one for one in small("product").files if one.container == "gif")
    tried: list[Aim] = []

    def weigh(aim: Aim) -> int:
        tried.append(aim)
        return round(960_000 * aim.shrink**2 / aim.every)

    with pytest.raises(Refusal, match="213 kB"):
        find_aim(weigh, made, kind, 0)
    assert min(240 * aim.shrink for aim in tried) == 160
    assert find_aim(weigh, made._replace(most_bytes=230_000), kind, 0).bytes <= 230_000


def test_a_size_that_nothing_meets_is_refused_and_nothing_is_left(clip_file: Path, tmp_path: Path) -> None:
    for container in ("gif", "mp4"):
        with pytest.raises(Refusal, match="can't be made smaller than"):
            send(clip_file, small("product"), tmp_path / "loop", container=container, under=300)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place_id", ["master-h264", "master-hevc", "prores", "cinema"])
def test_frame_0_is_the_first_that_every_reader_shows(place_id: str, clip_file: Path, tmp_path: Path) -> None:
    file = send(clip_file, small(place_id), tmp_path / "film", fit="pad").file
    with av.open(str(file)) as film:
        seen = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(seen) == 24
    reader = cv2.VideoCapture(str(file))
    done, first = reader.read()
    reader.release()
    assert done
    command = [
        ffmpeg.find_ffmpeg(),
        "-loglevel",
        "error",
        "-i",
        str(file),
        "-frames:v",
        "1",
        "-f",
        "image2pipe",
        "-c:v",
        "png",
        "-",
    ]
    still = cv2.imdecode(
        np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8), cv2.IMREAD_COLOR
    )
    assert still is not None
    for frame in (seen[0], first, still):
        inner = frame[:, (frame.shape[1] - 320) // 2 :][:, :320] if place_id == "cinema" else frame
        assert find_bar(inner) == 0
    last = seen[23][:, (seen[23].shape[1] - 320) // 2 :][:, :320] if place_id == "cinema" else seen[23]
    assert find_bar(last) == 23


def test_a_clip_that_is_cut_short_is_not_sent_as_if_it_were_whole(clip_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip_file.read_bytes()[: clip_file.stat().st_size // 2])
    with pytest.raises(Refusal, match=r"damaged: it holds 0\.\d+ s of 1\. Make it again"):
        send(cut, small("youtube"), tmp_path / "film")


def test_what_is_fit_already_keeps_every_byte_of_its_pictures(clip_file: Path, tmp_path: Path) -> None:
    once = send(clip_file, small("square"), tmp_path / "once")
    again = send(once.file, small("square"), tmp_path / "again")
    assert [choice.value for choice in again.choices if choice.what == "encoding"] == ["kept as it is"]

    def packets(file: Path) -> list[bytes]:
        with av.open(str(file)) as film:
            return [bytes(packet) for packet in film.demux(video=0) if packet.size]

    assert packets(again.file) == packets(once.file)
    assert all(check.is_met for check in again.checks)


def test_loudness_meets_its_place_and_a_silent_clip_gets_a_silent_track(clip_file: Path, tmp_path: Path) -> None:
    made = send(clip_file, small("reels"), tmp_path / "loud")
    found = {check.field: check for check in made.checks}
    assert found["loudness"].wanted == "-14 LUFS" and found["loudness"].is_met and found["true peak"].is_met
    assert any(choice.what == "loudness" and choice.value.startswith("+") for choice in made.choices)
    mute = send(send(clip_file, small("web"), tmp_path / "mute").file, small("reels"), tmp_path / "silent")
    checks = {check.field: check for check in mute.checks}
    assert checks["sound"].is_met and checks["loudness"].found == "silent"
    assert any(choice.value == "a silent AAC track" for choice in mute.choices)


def test_a_film_of_television_keeps_its_exact_rate(tmp_path: Path) -> None:
    source = tmp_path / "tv.mp4"
    made = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=30000/1001:duration=3.1", "-c:v", "libx264", "-y", str(source)]
    ffmpeg.run_ffmpeg(made, 60)
    sent = send(source, small("square"), tmp_path / "square")
    with av.open(str(sent.file)) as film:
        assert film.streams.video[0].average_rate == Fraction(30000, 1001)
    assert all(check.is_met for check in sent.checks), sent.checks


def test_a_film_under_a_named_size_is_encoded_in_two_passes(clip_file: Path, tmp_path: Path) -> None:
    whole = send(clip_file, small("telegram"), tmp_path / "whole").files[0].bytes
    made = send(clip_file, small("telegram"), tmp_path / "small", under=whole * 2 // 3)
    assert whole // 3 < made.files[0].bytes <= whole * 2 // 3
    assert all(check.is_met for check in made.checks), made.checks


def test_a_short_film_stays_below_its_bit_rate(tmp_path: Path) -> None:
    """One second that is hard to encode: what an encoder's buffer holds at first isn't paid for twice."""
    noise = (np.random.default_rng(index).integers(0, 255, (240, 240, 3), dtype=np.uint8) for index in range(16))
    source = encode(Frames(noise, 240, 240, 16, 16), tmp_path / "clip.mp4", LOOP, ignore).file
    for place in (small("telegram"), small("master-hevc")):
        place = replace(place, files=(replace(place.files[0], most_mbps=0.8),))
        (made,) = send(source, place, tmp_path / place.id).files
        assert [check for check in made.checks if check.field == "bit rate" and not check.is_met] == []
        assert made.bytes > 60_000, "it uses what it is given"


def test_a_webp_that_holds_frames_is_steady(tmp_path: Path) -> None:
    """Frames that are alike are one, longer: 24 frames a second last 41 or 42 ms, and 60 of them 2,500."""
    frames = [*paint(12), *[list(paint(12))[-1]] * 60]
    source = encode(Frames(iter(frames), 320, 240, 24, len(frames)), tmp_path / "clip.mp4", LOOP, ignore).file
    made = send(source, small("product"), tmp_path / "loop", container="webp")
    assert [check for check in made.checks if not check.is_met] == []


def test_a_master_keeps_every_byte_of_its_sound(clip_file: Path, tmp_path: Path) -> None:
    master = send(clip_file, small("master-h264"), tmp_path / "master").file
    sounds: list[list[bytes]] = []
    for file in (clip_file, master):
        with av.open(str(file)) as film:
            sounds.append([bytes(packet) for packet in film.demux(audio=0) if packet.size])
    assert sounds[0] == sounds[1] != []


@pytest.mark.parametrize("place_id", ["square", "master-hevc", "prores", "gif", "webp", "avif"])
def test_colours_stay_what_they_are(place_id: str, tmp_path: Path) -> None:
    """Four fields of strong colour, from the frames that were painted to what another reader sees in the file."""
    colours = [(200, 40, 40), (40, 170, 60), (50, 60, 190), (220, 200, 60)]
    frame = np.repeat(np.array(colours, np.uint8)[None], 240, axis=0).repeat(60, axis=1)
    frames = [frame.copy() for _ in range(12)]
    for index, each in enumerate(frames):
        each[220:, 20 * index : 20 * index + 20] = 255
    source = encode(Frames(iter(frames), 240, 240, 12, 12), tmp_path / "clip.mp4", LOOP, ignore).file
    loop = place_id in ("gif", "webp", "avif")
    file = send(source, small("product" if loop else place_id), tmp_path / "made", container=place_id if loop else "").file
    if loop:
        with Image.open(file) as picture:
            seen = np.asarray(picture.convert("RGB"))
    else:
        with av.open(str(file)) as film:
            seen = next(film.decode(video=0)).to_ndarray(format="rgb24")
    for index, colour in enumerate(colours):
        found = seen[60:180, 60 * index + 20 : 60 * index + 40].mean(axis=(0, 1))
        assert np.abs(found - colour).max() <= 9, (place_id, colour, found)


# What has to be done, without doing it --------------------------------------------------------------------------------


def facts_of(**changes: Any) -> FileFacts:
    """A studio's MP4 of 5 s, 1280x720 at 24 fps."""
    return FileFacts(
        "mp4", "h264", "High", "3.1", "yuv420p", 1280, 720, 120, (24, 1), True, 5.0, 0.0, 5.0, True, False, True, (1, 1, 1),
        False, True, 2_000_000, 3.0, "aac", 48_000, 2, 5.0,
    )._replace(**changes)  # fmt: skip


def plan(place_id: str, is_loop: bool = False, wish: DeliveryWish | None = None, **changes: Any) -> Any:
    place = presets.platform(place_id)
    assert place
    return plan_delivery(facts_of(**changes), place, place.files[0], wish or DeliveryWish(), is_loop)


@each_row(
    ("given", "exact"),
    [((60, 1), "60/1"), ((30000, 1001), "30000/1001"), ((2997, 100), "30000/1001"), ((24, 1), "24/1"), ((25, 1), "25/1"),
     ((59940, 1000), "60000/1001"), ((23976, 1000), "24000/1001")],
)  # fmt: skip
def test_a_rate_is_the_exact_one_that_is_meant(given: tuple[int, int], exact: str) -> None:
    assert find_rate(facts_of(rate=given)) == Fraction(exact)


@each_row(
    ("place", "rate", "made"),
    [("reels", (16, 1), 32), ("reels", (12, 1), 24), ("reels", (24, 1), 24), ("reels", (8, 1), 24), ("reels", (60, 1), 60),
     ("facebook", (24000, 1001), None), ("youtube", (16, 1), 16), ("linkedin", (6, 1), 12)],
)  # fmt: skip
def test_a_slow_clip_shows_each_frame_as_often_as_its_place_needs(place: str, rate: tuple[int, int], made: int | None) -> None:
    found = plan(place, rate=rate, num_frames=round(5 * rate[0] / rate[1])).rate
    assert found == (Fraction(48000, 1001) if made is None else made)


def test_frames_of_unequal_length_get_the_rate_of_their_place() -> None:
    uneven = plan("telegram", rate=(192, 11), steady=False, num_frames=87)
    assert (uneven.rate, uneven.num_frames) == (30, 150)
    assert "aren't equally long" in uneven.choices[0].reason
    assert plan("telegram", rate=(50, 3), num_frames=83).rate == Fraction(50, 3), "a GIF's rate, and steady"


@each_row(
    ("place", "centre", "box"),
    [("reels", (0.5, 0.5), (438, 0, 404, 720)), ("reels", (0.0, 0.5), (0, 0, 404, 720)),
     ("reels", (0.99, 0.2), (876, 0, 404, 720)), ("square", (0.25, 0.5), (0, 0, 720, 720)),
     ("youtube", (0.1, 0.1), (0, 0, 1280, 720)), ("prores", (0.1, 0.1), (0, 0, 1280, 720))],
)  # fmt: skip
def test_a_crop_keeps_its_centre_as_near_as_the_edges_allow(
    place: str, centre: tuple[float, float], box: tuple[int, ...]
) -> None:
    assert plan(place, wish=DeliveryWish(centre=centre)).box == box


def test_a_place_that_takes_any_shape_crops_nothing() -> None:
    for place, made in (("x", (720, 1280)), ("telegram", (1080, 1920)), ("linkedin", (1080, 1920)), ("reels", (1080, 1920))):
        found = plan(place, width=720, height=1280)
        assert (found.box, (found.width, found.height)) == ((0, 0, 720, 1280), made), place
    for place, made in (("x", (720, 1280)), ("whatsapp", (720, 1280)), ("linkedin", (1080, 1920)), ("prores", (240, 426))):
        found = plan(place, width=240, height=426)
        assert (found.box, (found.width, found.height)) == ((0, 0, 240, 426), made), "9:16 but for its pixels' evenness"
    assert plan("pinterest", width=2520, height=1080).box[2:] == (608, 1080), "wider than 1.91:1: cropped to 9:16"


def test_a_small_clip_is_enlarged_and_that_is_said() -> None:
    soft = plan("reels", width=240, height=426)
    assert (soft.width, soft.height) == (1080, 1920)
    assert "it will look soft" in next(choice.reason for choice in soft.choices if choice.what == "size")
    whole = plan("master-h264", width=240, height=426)
    assert (whole.width, whole.height, whole.enlarged) == (240, 426, 1.0)


def test_a_length_that_a_place_does_not_take_is_refused_and_a_loop_is_repeated() -> None:
    with pytest.raises(Refusal, match=r"needs at least 3 s; this clip is 1 s\. Make it 3 s long, or a loop"):
        plan("reels", seconds=1.0, num_frames=24)
    assert plan("reels", is_loop=True, seconds=1.0, num_frames=24).num_frames == 72
    with pytest.raises(Refusal, match="at most 60 s"):
        plan("stories", seconds=61.0, num_frames=61 * 24)
    with pytest.raises(Refusal, match="takes no MOV"):
        from studio.delivery.delivery_plan import choose_file

        choose_file(small("product"), DeliveryWish(container="mov"))


def test_an_encoder_that_is_missing_is_named_with_the_remedy() -> None:
    kind = small("master-hevc").files[0]
    with pytest.raises(Refusal, match=r"can't write HEVC: it was built without libx265\. Run: pip install"):
        require_encoder(kind, frozenset({"libx264"}))
    require_encoder(kind)


def test_another_file_than_a_place_takes_is_found_out_field_by_field(clip_file: Path) -> None:
    unmet = {check.field for check in check_file(clip_file, small("reels")) if not check.is_met}
    assert {"shape", "length", "loudness"} <= unmet
    assert unmet & {"codec", "container", "edit list", "index", "first frame", "sound"} == set()
    unfit = {check.field for check in check_file(clip_file, small("prores")) if not check.is_met}
    assert {"container", "codec", "profile", "pixels", "B frames", "sound"} <= unfit


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    for name, text in (
        ("a.mp4", b"\0\0\0\x18ftypisom" + b"\xff" * 4000),
        ("b.webp", b"RIFF\0\0\0\0WEBPVP8 "),
        ("c.txt", b"hello"),
    ):
        file = tmp_path / name
        file.write_bytes(text)
        with pytest.raises(NotReadable):
            probe_file(file)


# Nothing half written -------------------------------------------------------------------------------------------------


def test_a_stopped_delivery_leaves_nothing(clip_file: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        deliver(clip_file, wrap(clip_file), small("reels"), tmp_path / "film", stop)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_and_says_so(clip_file: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(Refusal, match=r"disk"):
            send(clip_file, small("prores"), tmp_path / "film")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
