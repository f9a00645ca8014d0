"""Beats are found where they were put: clicks of 60 to 180 a minute, drums that wander, swing; and none where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from studio.clip.sound import RATE
from studio.finish.soundtrack.ambient_sound import synthesise
from studio.finish.soundtrack.beats import find_beats
from studio.frames import Sound
from studio.nouns import Ambience
from tests.fakes.sounds import Samples, drums, noise
from tests.rows import each_row

SECONDS = 16.0


def clicks(times: np.ndarray) -> Samples:
    click = np.exp(-np.arange(960) / 150) * np.sin(2 * np.pi * 1500 * np.arange(960) / RATE)
    made = np.zeros(round(SECONDS * RATE) + RATE)
    for time in times:
        made[round(time * RATE) :][:960] += click
    return np.stack([made, made])[:, : round(SECONDS * RATE)].astype(np.float32)


def misses(samples: Samples, beats: np.ndarray) -> tuple[float, float]:
    """How far the found beats are from the nearest true one, at most, in ms, and the tempo that was found."""
    found = find_beats(Sound(samples, RATE))
    assert found.is_clear
    assert found.times[0] < 2.0 and found.times[-1] > SECONDS - 3.0, "from end to end"
    return float(np.abs(found.times[:, None] - beats).min(axis=1).max() * 1000), found.tempo


@each_row("tempo", [60, 66, 75, 90, 100, 120, 128, 140, 150, 165, 180])
def test_clicks_are_found(tempo: float) -> None:
    beats = np.arange(0.3, SECONDS - 0.05, 60 / tempo)
    late, found = misses(clicks(beats), beats)
    assert late < 10
    assert found == pytest.approx(tempo, rel=0.005) or found == pytest.approx(tempo / 2, rel=0.005)


@each_row("tempo", [72, 96, 124, 172])
def test_drums_whose_tempo_wanders_are_followed(tempo: float) -> None:
    """By 3 % either way, with noise."""
    steps = 60 / tempo * (1 + 0.03 * np.sin(np.arange(200) / 6))
    beats = np.cumsum(steps) + 0.1
    beats = beats[beats < SECONDS - 0.1]
    assert misses(drums(beats.tolist(), SECONDS) + noise(-40, SECONDS), beats)[0] < 25


@pytest.mark.parametrize("human", [0.0, 0.01], ids=["exact", "played"])
@each_row("tempo", [80, 110, 140])
def test_swing_is_cut_on_the_beat_and_not_beside_it(tempo: float, human: float) -> None:
    """Cymbals on the beat and two thirds on, the latter weaker, and a bass on the beat; played: each is off by 10 ms or so."""
    rng = np.random.default_rng(5)
    beats = np.arange(0.2, SECONDS - 0.1, 60 / tempo)
    made = np.zeros(round(SECONDS * RATE) + RATE)
    for number, beat in enumerate(beats):
        for late, loud in ((0.0, 1.0), (2 / 3, 0.5)):
            start = round((beat + late * 60 / tempo + rng.normal(0, human)) * RATE)
            made[start : start + 9600] += rng.standard_normal(9600) * np.exp(-np.arange(9600) / 2500) * 0.15 * loud
        at = np.arange(14400) / RATE
        bass = np.sin(2 * np.pi * (80 + 20 * (number % 4)) * at) * np.exp(-at * 8) * np.minimum(1, at * 200)
        made[round(beat * RATE) :][:14400] += 0.3 * bass
    samples = np.stack([made, made])[:, : round(SECONDS * RATE)].astype(np.float32)
    assert misses(samples, beats)[0] < 40


@pytest.mark.parametrize("pickup", [0, 1, 2, 3])
def test_a_bar_begins_where_the_harmony_changes(pickup: int) -> None:
    """Though the drums are loudest elsewhere: chords change every four beats, the first time after a pickup."""
    beats = np.arange(0.2, SECONDS - 0.1, 0.5)
    made = drums(beats.tolist(), SECONDS)
    at = np.arange(made.shape[1]) / RATE
    bar = np.floor((at - 0.2 - pickup * 0.5) / 2).astype(int) % 4
    for number, chord in enumerate(((220, 262, 330), (175, 220, 262), (196, 247, 294), (165, 208, 247))):
        made += sum(0.04 * np.sin(2 * np.pi * hertz * at) for hertz in chord) * (bar == number)
    found = find_beats(Sound(made.astype(np.float32), RATE))
    step = round(found.tempo / 60 * 2)
    change = [found.change[phase::step].mean() for phase in range(step)]
    first = found.times[int(np.argmax(change))]
    assert abs((first - 0.2 - pickup * 0.5 + 1) % 2 - 1) < 0.03


def test_without_a_beat_none_is_claimed() -> None:
    at = np.arange(round(SECONDS * RATE)) / RATE
    chord = sum(
        0.1 * np.sin(2 * np.pi * hertz * at + np.sin(at * hertz / 100)) * (1 + 0.3 * np.sin(0.4 * at)) for hertz in (220, 277)
    )
    rain, wind = (synthesise(Ambience(kind), SECONDS, 3) for kind in ("rain", "wind"))
    for samples in (noise(-20, SECONDS), rain, wind, np.stack([chord, chord]).astype(np.float32)):
        assert not find_beats(Sound(samples, RATE)).is_clear
    assert not find_beats(Sound(np.zeros((2, RATE), np.float32), RATE)).is_clear
