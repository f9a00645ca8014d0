"""Ambience: spectra as they are published, stereo, no loop to be heard in it, no seam where it begins again."""

from __future__ import annotations

import numpy as np
import pytest

from studio.clip.sound import RATE
from studio.finish.soundtrack.ambient_sound import LOUDEST, QUIETEST, synthesise
from studio.nouns import Ambience
from tests.fakes.sounds import Samples, hear

KINDS = ("water", "wind", "rain", "fire", "room")
SECONDS = 8.0


@pytest.fixture(scope="module")
def sounds() -> dict[str, Samples]:
    return {kind: synthesise(Ambience(kind), SECONDS, 7) for kind in KINDS}


def spectrum(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Hz, and the median power density of the left side: what goes on, without single events."""
    size = 8192
    blocks = np.lib.stride_tricks.sliding_window_view(samples[0], size)[:: size // 2]
    return np.fft.rfftfreq(size, 1 / RATE), np.median(np.abs(np.fft.rfft(blocks * np.hanning(size))) ** 2, axis=0)


def slope(samples: Samples, low: float, high: float) -> float:
    """By how many dB an octave the power density changes between two frequencies."""
    hertz, power = spectrum(samples)
    inside = (hertz >= low) & (hertz <= high)
    return float(np.polyfit(np.log2(hertz[inside]), 10 * np.log10(power[inside]), 1)[0])


def test_spectra_are_the_published_ones(sounds: dict[str, Samples]) -> None:
    """An octave band is twice as wide as the one below: 5 dB an octave of bands are 8 of density, f^-2 of bands is f^-3."""
    assert slope(sounds["room"], 60, 6000) == pytest.approx(-8.0, abs=0.5), "RC curves, ANSI/ASA S12.2"
    assert slope(sounds["fire"], 100, 2000) == pytest.approx(-7.5, abs=0.8), "f^-2.5, Chadwick and James 2011"
    assert slope(sounds["wind"], 55, 140) == pytest.approx(-9.0, abs=1.5), "f^-3, Boersma 1997"
    assert slope(sounds["rain"], 1000, 10000) == pytest.approx(0.0, abs=1.2), "white impacts, Nystuen 1986"
    hertz, power = spectrum(sounds["water"])
    assert 214 < hertz[power.argmax()] < 1500, "Minnaert: bubbles of 2 to 14 mm ring at 3/r"


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_stereo_seamless_and_never_the_same_twice(sounds: dict[str, Samples], kind: str) -> None:
    samples = sounds[kind]
    assert samples.shape == (2, round(SECONDS * RATE)) and samples.dtype == np.float32
    assert hear(samples)[0] == pytest.approx((LOUDEST + QUIETEST) / 2, abs=0.3)
    assert abs(np.corrcoef(np.diff(samples))[0, 1]) < 0.85, "the sides differ"
    twice = np.abs(np.diff(np.tile(samples, 2), n=2, axis=1))[:, samples.shape[1] - 3 : samples.shape[1] + 2]
    assert twice.max() <= np.abs(np.diff(samples, n=2, axis=1)).max(), "no click where it begins again"
    size = 1 << 20
    power = np.abs(np.fft.rfft(np.diff(samples[0]), size)) ** 2
    alike = np.fft.irfft(power, size)[: RATE * 7]
    assert np.abs(alike[RATE // 10 :]).max() < 0.15 * alike[0], "nothing in it repeats"
    again = synthesise(Ambience(kind), 1.0, 7)
    assert np.array_equal(again, synthesise(Ambience(kind), 1.0, 7))
    assert not np.allclose(again, synthesise(Ambience(kind), 1.0, 8))


def test_a_long_one_is_joined_without_a_seam() -> None:
    samples = synthesise(Ambience("room"), 130.0, 1)
    level = np.sqrt((samples.mean(axis=0).reshape(-1, RATE) ** 2).mean(axis=1))
    assert samples.shape[1] == 130 * RATE
    assert level.max() / level.min() < 1.6, "no dip and no bump where two parts meet"
    assert abs(np.corrcoef(samples[0, : 50 * RATE], samples[0, 60 * RATE : 110 * RATE])[0, 1]) < 0.05
