"""Loudness: EBU's own signals, ffmpeg's ebur128 as a second opinion, short sounds, and targets met with the peak held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.clip.sound import CODECS, RATE
from studio.clip.sound_reader import NoSound
from studio.finish.soundtrack.coded_level import level_for_codec
from studio.finish.soundtrack.loudness import level_sound, measure_file, measure_loudness
from studio.frames import Sound
from studio.nouns import Format
from tests.fakes.sounds import Samples, drums, hear, noise, sine, speech, write_sound
from tests.rows import each_row

LOUD_DRUMS = drums(np.arange(0.1, 6, 0.25).tolist(), 6) * 1.8

# EBU Tech 3341, table 1, tests 1 to 5 (of 1 kHz in stereo): levels in dBFS, seconds, the loudness that must be read
EBU = [
    ([(-23, 20)], -23.0),
    ([(-33, 20)], -33.0),
    ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
    ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
    ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
]


@each_row("case", EBU)
def test_signals_of_the_ebu_are_read_as_it_says(case: tuple[list[tuple[float, float]], float]) -> None:
    parts, wanted = case
    samples = np.concatenate([sine(level, seconds) for level, seconds in parts], axis=1)
    assert measure_loudness(Sound(samples, RATE)).integrated == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("samples", [noise(-20, 5), speech(5), LOUD_DRUMS], ids=["noise", "speech", "drums"])
def test_ffmpeg_measures_the_same(samples: Samples) -> None:
    found = measure_loudness(Sound(samples, RATE))
    assert hear(samples) == pytest.approx((found.integrated, found.true_peak), abs=0.15)


def test_a_peak_between_samples_is_found() -> None:
    """EBU Tech 3341, test 16: a tone at a quarter of the rate whose samples all miss the peak by 3 dB."""
    tone = 0.5 * np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4)
    found = measure_loudness(Sound(np.stack([tone, tone]).astype(np.float32), RATE))
    assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(-9, abs=0.1)
    assert found.true_peak == pytest.approx(-6.0, abs=0.2)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.9])
def test_a_short_sound_is_measured_as_it_repeats(seconds: float) -> None:
    samples = noise(-26, seconds)
    found = measure_loudness(Sound(samples, RATE))
    assert found.repeated
    assert hear(np.tile(samples, 40))[0] == pytest.approx(found.integrated, abs=0.15)
    level = level_sound(Sound(samples, RATE), -14, -1).sound.samples
    assert hear(np.tile(level, 40))[0] == pytest.approx(-14, abs=0.15)


@pytest.mark.parametrize("target", [-14.0, -23.0])
@pytest.mark.parametrize("samples", [noise(-30, 4), speech(4) * 0.3, LOUD_DRUMS], ids=["noise", "speech", "drums"])
def test_a_target_is_met_and_the_peak_held(samples: Samples, target: float) -> None:
    made = level_sound(Sound(samples, RATE), target, -1.0)
    integrated, peak = hear(made.sound.samples)
    assert made.sound.samples.shape == samples.shape
    assert integrated == pytest.approx(target, abs=0.2)
    assert integrated == pytest.approx(made.after.integrated, abs=0.15)
    assert peak <= -1.0 + 0.05
    if not made.limited:  # one gain for all of it
        assert np.allclose(made.sound.samples, samples * 10 ** (made.gain / 20), atol=1e-6)


def test_the_limiter_works_only_where_it_is_needed() -> None:
    gentle = noise(-30, 5)
    gentle[:, 3 * RATE : 3 * RATE + 480] *= 30
    made = level_sound(Sound(gentle, RATE), -14, -1.0)
    assert made.limited > 3
    ratio = made.sound.samples[0] / np.where(gentle[0] == 0, 1, gentle[0])
    assert np.ptp(ratio[: 2 * RATE]) < 1e-3 * ratio[0], "far from the peak nothing but the gain is done"


def test_silence_stays_silent_and_a_whisper_is_not_torn_open() -> None:
    quiet = np.zeros((2, RATE), np.float32)
    assert measure_loudness(Sound(quiet, RATE)).is_silent
    assert not level_sound(Sound(quiet, RATE), -14, -1).sound.samples.any()
    assert measure_loudness(Sound(quiet[:, :0], RATE)).is_silent
    assert level_sound(Sound(noise(-64, 4), RATE), -14, -1).gain == 24.0


@pytest.mark.parametrize(("kind", "ending"), [("mp4", "m4a"), ("webm", "webm")])
@pytest.mark.parametrize("samples", [noise(-18, 4), speech(4), LOUD_DRUMS], ids=["noise", "speech", "drums"])
def test_target_and_peak_hold_through_the_codec(tmp_path: Path, samples: Samples, kind: Format, ending: str) -> None:
    made = level_for_codec(Sound(samples, RATE), -14.0, -1.0, kind)
    file = write_sound(tmp_path / f"coded.{ending}", made.sound.samples, *CODECS[kind][1])
    integrated, peak = hear(file)
    assert peak <= -1.0
    assert (integrated, peak) == pytest.approx((made.after.integrated, made.after.true_peak), abs=0.2)
    assert integrated == pytest.approx(-14.0, abs=0.3) or made.limited > 8.5


def test_a_file_without_sound_says_so(tmp_path: Path) -> None:
    file = tmp_path / "none.wav"
    file.write_bytes(b"RIFF")
    with pytest.raises(NoSound):
        measure_file(file)
