"""Sound: there where a format carries it, as long as the picture, true to what was given, and said where it is left out."""

from __future__ import annotations

import wave
from dataclasses import replace as change
from pathlib import Path

import av
import numpy as np
import pytest

from studio.clip import recipe, sound
from studio.clip.encode import encode
from studio.engines.base import Stopped
from studio.frames import Frames, Sound
from studio.nouns import Choice, Format, Progress, replace
from tests.fakes.gradients import SHOT, frames, tone


def quiet(_: Progress) -> None:
    """A watcher that doesn't mind."""


def heard(num_frames: int = 30, fps: int = 24, given: Sound | None = None) -> Frames:
    return change(frames(num_frames, fps=fps), sound=given or tone(num_frames / fps))


def samples(file: Path) -> tuple[np.ndarray, int]:
    """The decoded sound of a clip, (channels, samples), and its rate."""
    with av.open(str(file)) as clip:
        decoded = [frame.to_ndarray() for frame in clip.decode(audio=0)]
        return np.concatenate(decoded, axis=1), clip.streams.audio[0].rate


def said(choices: tuple[Choice, ...]) -> str:
    (choice,) = [choice for choice in choices if choice.what == "sound"]
    return f"{choice.value}: {choice.reason}"


@pytest.mark.parametrize(("num_frames", "fps"), [(25, 24), (81, 16), (17, 8)])
@pytest.mark.parametrize("given", [0.4, 1.0, 2.5], ids=["too short", "as long", "too long"])
@pytest.mark.parametrize(("kind", "codec", "rate"), [("mp4", "aac", 24_000), ("mp4", "aac", 44_100), ("webm", "opus", 24_000)])
def test_a_track_is_there_and_as_long_as_the_picture(
    tmp_path: Path, kind: Format, codec: str, rate: int, given: float, num_frames: int, fps: int
) -> None:
    seconds = num_frames / fps
    shown = heard(num_frames, fps, tone(seconds * given, rate))
    made = encode(shown, tmp_path / f"clip.{kind}", replace(SHOT, format=kind), quiet)
    with av.open(str(made.file)) as clip:
        (track,) = clip.streams.audio
        assert (track.codec_context.name.removeprefix("lib"), track.rate, track.channels) == (codec, 48_000, 2)
        assert clip.duration == pytest.approx(seconds * 1e6, abs=1e6 / fps)
        if kind == "mp4":
            assert float(track.duration * track.time_base) == pytest.approx(seconds, abs=1e-4)
        assert sum(1 for _ in clip.decode(video=0)) == num_frames
    assert {path.name for path in tmp_path.iterdir()} == {f"clip.{kind}", "clip.json", "clip.png"}


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_what_is_heard_is_what_was_given(tmp_path: Path, kind: Format) -> None:
    made = encode(heard(48), tmp_path / f"clip.{kind}", replace(SHOT, format=kind), quiet)
    decoded, rate = samples(made.file)
    middle = decoded[:, rate // 2 : rate]
    spectrum = np.abs(np.fft.rfft(middle[0]))
    assert np.fft.rfftfreq(middle.shape[1], 1 / rate)[spectrum.argmax()] == pytest.approx(440, abs=3)
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.4 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_a_knock_is_heard_when_it_was_given(tmp_path: Path, kind: Format, rate: int) -> None:
    knock = np.zeros((1, rate), np.float32)
    knock[:, rate // 2 :][:, : rate // 100] = 0.8
    made = encode(heard(given=Sound(knock, rate)), tmp_path / f"clip.{kind}", replace(SHOT, format=kind), quiet)
    for file in (made.file, recipe.strip_recipe(made.file, tmp_path / f"plain.{kind}")):
        decoded, per_second = samples(file)
        assert np.argmax(np.abs(decoded[0]) > 0.3) / per_second == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_sound_that_is_loud_at_once_begins_without_a_click(tmp_path: Path, kind: Format) -> None:
    low = 0.5 * np.cos(2 * np.pi * 110 * np.arange(48_000) / 48_000, dtype=np.float32)[None]
    low *= np.minimum(1, np.arange(48_000, dtype=np.float32) / 240)
    made = encode(heard(given=Sound(low, 48_000)), tmp_path / f"clip.{kind}", replace(SHOT, format=kind), quiet)
    decoded, per_second = samples(made.file)
    assert np.abs(np.diff(decoded[0][: per_second // 5])).max() < 0.03
    assert np.abs(decoded[0][: per_second // 20]).max() > 0.4, "and soon"


WHY = "it takes no film that has no track"


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "aac"), ("webm", "opus")])
def test_a_place_that_wants_a_track_gets_a_silent_one_as_long_as_the_picture(tmp_path: Path, kind: Format, codec: str) -> None:
    shot = replace(SHOT, format=kind)
    for given in (frames(25, fps=30), change(heard(25, 30), poster=1)):
        made = encode(given, tmp_path / f"clip.{kind}", replace(shot, sound=False), quiet, WHY)
        assert (recipe.read_recipe(made.file), made.outcome.num_frames) == (replace(shot, sound=False), 25)
        assert said(made.choices) == f"a silent {sound.CODECS[kind][0]} track: {WHY}"
        decoded, rate = samples(made.file)
        assert (rate, len(decoded), np.abs(decoded).max()) == (48_000, 2, 0)
        with av.open(str(made.file)) as clip:
            assert clip.streams.audio[0].codec_context.name.removeprefix("lib") == codec
            assert clip.duration == pytest.approx(25 / 30 * 1e6, abs=1500 if kind == "mp4" else 21_000)
    kept = encode(heard(), tmp_path / f"kept.{kind}", shot, quiet, WHY)
    assert "the model made it" in said(kept.choices) and np.abs(samples(kept.file)[0]).max() > 0.3


def test_a_gif_has_no_room_for_silence(tmp_path: Path) -> None:
    made = encode(frames(10), tmp_path / "clip.gif", replace(SHOT, format="gif"), quiet, WHY)
    assert not [one for one in made.choices if one.what == "sound"]


def test_the_recipe_stays_in_a_clip_with_sound_and_can_be_taken_out(tmp_path: Path) -> None:
    for kind in ("mp4", "webm"):
        shot = replace(SHOT, format=kind, seed=11)
        made = encode(heard(), tmp_path / f"clip.{kind}", shot, quiet)
        assert recipe.read_recipe(made.file) == shot
        plain = recipe.strip_recipe(made.file, tmp_path / f"plain.{kind}")
        assert np.array_equal(samples(plain)[0], samples(made.file)[0])


def test_a_short_sound_ends_in_silence_and_a_long_one_is_cut(tmp_path: Path) -> None:
    for given in (0.5, 3.0):
        sound.write_wav(tone(given, 8000, 1), 1.0, tmp_path / "sound.wav")
        with wave.open(str(tmp_path / "sound.wav")) as made:
            assert (made.getnchannels(), made.getsampwidth(), made.getframerate(), made.getnframes()) == (1, 2, 8000, 8000)
            heard = np.frombuffer(made.readframes(8000), "<i2")
        assert np.abs(heard[:4000]).max() == pytest.approx(0.4 * 32767, abs=40)
        assert (np.abs(heard[4000:]).max() == 0) == (given == 0.5)


def test_what_is_too_loud_is_clipped_and_what_is_no_number_is_silent(tmp_path: Path) -> None:
    strange = np.float32([[2.0, -3.0, np.nan, 0.5, np.inf, -np.inf]])
    sound.write_wav(Sound(strange, 6), 1.0, tmp_path / "sound.wav")
    with wave.open(str(tmp_path / "sound.wav")) as made:
        heard = np.frombuffer(made.readframes(6), "<i2")
    assert heard.tolist() == [32767, -32767, 0, 16384, 32767, -32767]


def test_one_channel_without_a_channel_axis_is_mono_and_more_than_two_are_the_first_two(tmp_path: Path) -> None:
    for samples, count in ((np.zeros(90, np.float32), 1), (np.zeros((6, 90), np.float32), 2)):
        sound.write_wav(Sound(samples, 90), 1.0, tmp_path / "sound.wav")
        with wave.open(str(tmp_path / "sound.wav")) as made:
            assert made.getnchannels() == count


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_silent_format_leaves_it_out_and_says_so(tmp_path: Path, kind: Format) -> None:
    made = encode(heard(), tmp_path / f"clip.{kind}", replace(SHOT, format=kind), quiet)
    assert said(made.choices).startswith("left out")
    assert "MP4" in said(made.choices)


def test_sound_that_was_not_wanted_is_left_out_and_no_sound_is_not_spoken_of(tmp_path: Path) -> None:
    made = encode(heard(), tmp_path / "clip.mp4", replace(SHOT, sound=False), quiet)
    assert said(made.choices).startswith("left out")
    with av.open(str(made.file)) as clip:
        assert not clip.streams.audio
    empty = change(frames(), sound=Sound(np.zeros((2, 0), np.float32), 24_000))
    for silent in (frames(), empty):
        assert not [one for one in encode(silent, tmp_path / "b.mp4", SHOT, quiet).choices if one.what == "sound"]


def test_what_became_of_it_is_said(tmp_path: Path) -> None:
    made = encode(heard(given=tone(2, 44_100, 1)), tmp_path / "clip.mp4", SHOT, quiet)
    assert "AAC, 48000 Hz mono" in said(made.choices)


def test_stopped_in_the_middle_nothing_of_the_sound_is_left(tmp_path: Path) -> None:
    def tick(progress: Progress) -> None:
        if progress.done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        encode(heard(), tmp_path / "clip.mp4", SHOT, tick)
    assert list(tmp_path.iterdir()) == []
