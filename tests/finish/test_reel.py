"""A reel from the library's clips to the kept file: laid out, cut on the beat, of one shape and one loudness; and refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from studio.clip.encode import encode
from studio.clip.sound import RATE
from studio.config import Settings
from studio.finish.reel import Reel
from studio.frames import Frames, Sound
from studio.nouns import Attachment, Clip, Done, Finish, Join, Mix, Photo, Refusal, Shot, Track, replace
from studio.presets import platform
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.sounds import drums, hear, sine, speech, write_sound
from tests.fakes.waiting import ended

SHOT = Shot(Photo("0" * 64, 640, 480, "plain.jpg"))
BEATS = np.arange(0.25, 12.0, 0.5)


def write_clip(
    file: Path, colour: tuple[int, int, int], size: tuple[int, int], seconds: float, fps: int, loud: float = 0.0
) -> Path:
    """A clip of one colour that grows lighter; loud: how loud a voice speaks in it."""
    count = round(seconds * fps)
    images = (np.full((size[1], size[0], 3), colour, np.uint8) + np.uint8(index) for index in range(count))
    made = Frames(images, *size, fps, count, sound=Sound(speech(seconds) * loud, RATE) if loud else None)
    return encode(made, file, SHOT, lambda _: None).file


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Red, green and blue: upright with a loud voice, wide, and upright at another rate with a soft voice."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        write_clip(folder / "red.mp4", (180, 20, 20), (144, 256), 2.0, 24, 1.0),
        write_clip(folder / "green.mp4", (20, 160, 20), (256, 144), 2.0, 24),
        write_clip(folder / "blue.mp4", (20, 20, 180), (144, 256), 2.0, 12, 0.1),
    ]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = drums(BEATS.tolist(), 12.0) * 0.5 + sine(-20, 12.0, 220) + sine(-20, 12.0, 330)
    return write_sound(tmp_path_factory.mktemp("music") / "drums.mp3", samples, "-b:a", "160k")


def ask(join: Join, mix: Mix | None = None, place: str = "") -> Shot:
    return replace(SHOT, finish=Finish(clips=("a", "b", "c"), join=join, mix=mix or Mix()), platform=place)


def no_file(one: Attachment) -> Path:
    raise AssertionError(f"{one.name} isn't asked for")


def mean(frame: np.ndarray) -> np.ndarray:
    """The colour of a frame's middle, RGB."""
    height = frame.shape[0] * 2 // 3
    picture = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_YUV2RGB_I420)
    return picture[height // 2 - 8 : height // 2 + 8].mean(axis=(0, 1))


def test_clips_of_several_shapes_and_rates_become_one(clips: list[Path]) -> None:
    reel = Reel(clips, ask(Join("cut")), no_file)
    assert reel.facts == (144, 256, 144, 24.0)
    reader = reel.open()
    leading = [int(np.argmax(mean(reader.read(index)))) for index in (0, 47, 48, 95, 96, 143)]
    assert leading == [0, 0, 1, 1, 2, 2], "red, green, blue, cut on the very frame"
    wide = reader.read(60)[:256].astype(float)
    assert wide[10].mean() < wide[128].mean() - 10, "the wide clip stands on its own darkened ground"
    backwards = [mean(reader.read(index)) for index in (100, 50, 2)]
    assert [int(np.argmax(one)) for one in backwards] == [2, 1, 0]
    reader.close()


def test_a_dissolve_goes_evenly_from_one_to_the_next_in_picture_and_sound(clips: list[Path]) -> None:
    reel = Reel(clips, ask(Join("dissolve", 1.0)), no_file)
    assert reel.facts.num_frames == 144 - 2 * 24
    reader = reel.open()
    red = np.array([mean(reader.read(index))[0] for index in range(20, 52)])
    assert (np.diff(red[4:27]) < 1).all() and red[0] > 150 and red[-1] < 90
    reader.close()
    sound = reel.sound
    assert sound is not None and sound.samples.shape == (2, 4 * RATE)
    first, last = (np.sqrt((part**2).mean()) for part in (sound.samples[:, : RATE // 2], sound.samples[:, -RATE // 2 :]))
    assert first / last < 5, "10 times softer before: brought nearer"


def test_every_cut_is_on_the_beat_of_the_music_s_file(clips: list[Path], music: Path) -> None:
    given = Track(Attachment("0" * 64, "drums.mp3", "audio", 12.0, 1000))
    reel = Reel(clips, ask(Join("beat"), Mix(music=given)), lambda _: music)
    cuts = [part.end / reel.facts.rate for part in reel.layout.parts]
    assert [float(np.abs(BEATS - cut).min()) < 0.03 for cut in cuts] == [True] * 3
    assert reel.choices[0].value == "on the beat of the music"


def test_one_shape_is_the_one_asked_for_the_platform_s_or_the_first_clip_s(clips: list[Path]) -> None:
    def size(shot: Shot) -> tuple[int, int]:
        return Reel(clips, shot, no_file).facts[:2]

    assert size(ask(Join("cut", aspect="1:1"))) == (144, 144)
    assert size(ask(Join("cut"), place="reels")) == (144, 256)
    assert size(ask(Join("cut"), place="youtube")) == (256, 144)
    assert size(replace(ask(Join("cut")), size="240p"))[0] == 240


def test_a_reel_is_made_in_the_queue_at_one_loudness(tmp_path: Path, music: Path) -> None:
    with closing(Studio(Settings(tmp_path / "home"), (CARD,), finder(Gradient()))) as studio:
        studio.start()
        photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
        shot = Shot(photo, model="gradient", seconds=1.5, fps=24, size="240p")
        made = [make(studio, replace(shot, seed=seed)) for seed in (1, 90, 200)]
        track = Track(studio.attachments.take_in(music, "drums.mp3", "audio"), fade_out=0.5)
        cut = write_sound(tmp_path / "cut.flac", sine(-9, 6.0, 220) + speech(6.0))
        cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
        with pytest.raises(Refusal, match="damaged: its sound can't be decoded to its end"):
            studio.attachments.take_in(cut, "cut.flac", "audio")
        finish = Finish(clips=tuple(one.id for one in made), join=Join("beat"), mix=Mix(music=track))
        asked = replace(shot, finish=finish, platform="reels", size="auto", format="mp4")
        planned = studio.finishes.plan(asked)
        reel = make(studio, asked)
        assert (reel.num_frames, reel.width, reel.height) == (planned.num_frames, planned.width, planned.height)
        place = platform("reels")
        assert place is not None and place.loudness is not None
        integrated, peak = hear(studio.library.file(reel))
        assert integrated == pytest.approx(place.loudness, abs=0.3)
        assert peak <= place.true_peak
        said = {choice.what: choice for choice in reel.choices}
        assert said["cuts"].value == "on the beat of the music"
        assert f"{integrated:.0f}" in said["loudness"].value
        with av.open(str(studio.library.file(reel))) as film:
            assert film.streams.audio[0].rate == RATE
            assert film.duration / 1e6 == pytest.approx(reel.seconds, abs=0.05)
        studio.library.trash([made[1].id])
        studio.library.empty_trash()
        with pytest.raises(Refusal, match="no longer in the library"):
            studio.submit(reel.shot)


def test_what_is_too_long_is_refused(clips: list[Path]) -> None:
    many = Reel(clips * 160, ask(Join("cut")), no_file)
    with pytest.raises(Refusal, match="16 minutes together"):
        assert many.facts


def make(studio: Studio, shot: Shot) -> Clip:
    """The clip that a shot becomes."""
    job = studio.submit(shot)
    state = ended(studio, job.id).state
    assert state == Done(job.id), state
    return studio.library.get(job.id)
