"""Sounds from elsewhere: every kind is decoded to 48 kHz stereo, exactly from its in-point on; what is damaged isn't taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.clip import ffmpeg
from studio.clip.sound import RATE
from studio.clip.sound_reader import NoSound, read_sound
from tests.fakes.sounds import Samples, write_sound

KINDS = {
    "a.wav": ("-ar", "11025", "-ac", "6"), "b.mp3": ("-b:a", "128k"), "c.m4a": ("-c:a", "aac", "-ar", "44100"),
    "d.flac": ("-ar", "96000", "-ac", "1"), "e.ogg": ("-c:a", "libopus"),
}  # fmt: skip


@pytest.fixture(scope="module")
def knocks() -> Samples:
    """Six seconds with a short tone at the beginning of each."""
    knock = 0.5 * np.hanning(480) * np.sin(2 * np.pi * 1000 * np.arange(480) / RATE)
    second = np.concatenate([knock, np.zeros(RATE - 480)])
    return np.tile(second, (2, 6)).astype(np.float32)


@pytest.mark.parametrize("name", KINDS)
def test_a_sound_begins_at_its_in_point(tmp_path: Path, knocks: Samples, name: str) -> None:
    file = write_sound(tmp_path / name, knocks, *KINDS[name])
    sound = read_sound(file, 2.5, 2.0)
    assert (sound.rate, sound.samples.shape, sound.samples.dtype) == (RATE, (2, 2 * RATE), np.float32)
    loud = np.abs(sound.samples[0]) > 0.1
    assert np.flatnonzero(loud)[[0, -1]] / RATE == pytest.approx([0.501, 1.509], abs=0.003)
    assert read_sound(file, 5.5, 60.0).samples.shape[1] / RATE == pytest.approx(0.5, abs=0.03)
    assert read_sound(file, 9.0, 1.0).samples.shape == (2, 0)


def test_a_voice_of_one_channel_is_as_loud_from_both_sides(tmp_path: Path, knocks: Samples) -> None:
    sound = read_sound(write_sound(tmp_path / "mono.wav", knocks[:1]), 0.0, 1.0)
    assert np.abs(sound.samples).max(axis=1) == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("name", ["c.m4a", "d.flac"])
def test_a_damaged_sound_is_not_taken(tmp_path: Path, knocks: Samples, name: str) -> None:
    file = write_sound(tmp_path / name, knocks, *KINDS[name])
    whole = file.read_bytes()
    noise = np.random.default_rng(0).bytes(len(whole))
    for damaged in (whole[: len(whole) // 2], whole[:2000] + noise[2000:], noise, b""):
        file.write_bytes(damaged)
        with pytest.raises(NoSound):
            read_sound(file, 0.0, 60.0)


def test_a_sound_that_ends_before_its_film_is_read(tmp_path: Path) -> None:
    film = ["-f", "lavfi", "-i", "color=s=64x64:r=8:d=3", "-f", "lavfi", "-i", "sine=f=500:r=48000:d=0.6"]
    ffmpeg.run_ffmpeg([*film, "-c:v", "libx264", "-c:a", "aac", "-y", str(tmp_path / "film.mp4")], 60)
    assert read_sound(tmp_path / "film.mp4", 0.0, 3.0).samples.shape[1] / RATE == pytest.approx(0.6, abs=0.03)
