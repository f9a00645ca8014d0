"""A clip's own sound after its frames were moved in time: as long as they are, lower where slowed, silent where held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.clip.sound import RATE
from studio.finish.clip_frames import Facts
from studio.finish.own_sound import blend_sounds, follow_frames, read_sound
from studio.finish.time_map import close_loop, lay_out
from studio.frames import Sound
from studio.nouns import Finish, SpeedPoint, Trim
from tests.fakes.sounds import sine, write_sound

CLIP = Facts(320, 180, 48, 24.0)


def follow(finish: Finish, sound: Sound) -> np.ndarray:
    """The left channel of a two-second clip's sound after a finish."""
    line = close_loop(lay_out(finish, CLIP), finish)
    made = follow_frames(sound, line.at, CLIP.rate, line.fps)
    assert made.samples.shape == (2, round(line.seconds * RATE))
    return made.samples[0]


def pitch(samples: np.ndarray) -> float:
    """The strongest frequency in hertz."""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * RATE / len(samples))


def test_sound_follows_trim_reverse_speed_and_hold() -> None:
    tone = Sound(sine(-6, 2, 1000), RATE)
    ramp = Sound(np.stack([np.linspace(0, 1, 2 * RATE, dtype=np.float32)] * 2), RATE)
    assert np.abs(follow(Finish(), tone) - tone.samples[0])[500:-500].max() < 1e-3
    assert pitch(follow(Finish(speed=(SpeedPoint(0.0, 0.5),)), tone)[RATE : 3 * RATE]) == pytest.approx(500, abs=2)
    assert pitch(follow(Finish(speed=(SpeedPoint(0.0, 2.0),)), tone)[4800:-4800]) == pytest.approx(2000, abs=4)
    assert follow(Finish(trim=Trim(1.0, 2.0)), ramp)[4800] == pytest.approx(0.55, abs=0.01)
    back = follow(Finish(reverse=True), ramp)
    assert (back[9600], back[-9600]) == (pytest.approx(0.88, abs=0.02), pytest.approx(0.08, abs=0.03))
    held = follow(Finish(hold=1.0), tone)
    assert np.abs(held[-40_000:]).max() == 0
    assert np.abs(held[: 2 * RATE - 9600]).max() > 0.4


def test_a_loop_s_sound_crosses_over_and_files_are_read_as_stereo(tmp_path: Path) -> None:
    one, two = (Sound(np.full((2, RATE), level, np.float32), RATE) for level in (0.4, 0.0))
    made = blend_sounds(one, two, np.concatenate([np.zeros(12), np.linspace(0, 1, 12)]), 24).samples[0]
    assert made[1000] == pytest.approx(0.4)
    assert made[-1] == pytest.approx(0.0, abs=0.01)
    assert (np.diff(made) <= 1e-6).all()
    read = read_sound(write_sound(tmp_path / "tone.m4a", sine(-6, 1, 440)))
    assert read is not None
    assert read.samples.shape[0] == 2
    assert pitch(read.samples[0][4800:43_200]) == pytest.approx(440, abs=2)
    assert read_sound(write_sound(tmp_path / "silence.wav", sine(-6, 1) * 0)) is None
