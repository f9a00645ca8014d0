"""When the clips of a reel are shown: in their order, without a gap, dissolved, or cut where the beat is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from studio.clip.sound import RATE
from studio.finish.reel_cuts import Part, lay_out_reel
from studio.finish.soundtrack.beats import Beats, find_beats
from studio.frames import Sound
from studio.nouns import Join
from tests.fakes.sounds import drums


def beats(tempo: float, first: float = 0.2, seconds: float = 60.0) -> Beats:
    """Beats of which every fourth, the first one among them, begins a bar."""
    times = np.arange(first, seconds, 60 / tempo)
    return Beats(times, np.where(np.arange(len(times)) % 4 == 0, 3.0, 2.0), tempo, 0.9)


def follow(parts: tuple[Part, ...]) -> bool:
    """Whether each part begins where the one before it ends, or dissolves."""
    return all(one.end - one.blend == other.start for one, other in itertools.pairwise(parts)) and not parts[-1].blend


def test_clips_follow_each_other_whole() -> None:
    parts, (said,) = lay_out_reel([2.0, 3.0, 1.0], Join("cut"), 24, None)
    assert parts == (Part(0, 0, 48), Part(1, 48, 120), Part(2, 120, 144))
    assert said.value == "cut"


def test_a_dissolve_takes_at_most_half_of_a_clip() -> None:
    parts, (said,) = lay_out_reel([2.0, 0.5, 3.0], Join("dissolve", 1.0), 24, None)
    assert [part.blend for part in parts] == [6, 6, 0]
    assert follow(parts)
    assert parts[-1].end == 48 + 12 + 72 - 12
    assert said.value == "dissolved over 1 s"


@pytest.mark.parametrize(("tempo", "seconds"), [(120, 3.0), (90, 2.0), (171, 4.0), (60, 5.5)])
def test_every_cut_is_on_a_beat(tempo: float, seconds: float) -> None:
    music = beats(tempo)
    parts, (said,) = lay_out_reel([seconds] * 8, Join("beat"), 30, music)
    cuts = np.array([part.end for part in parts]) / 30
    assert follow(parts)
    assert np.abs(cuts[:, None] - music.times).min(axis=1).max() <= 0.5 / 30 + 1e-6, "to the nearest frame"
    shown = np.diff([part.start for part in parts] + [parts[-1].end]) / 30
    assert shown.max() <= seconds + 0.02, "no clip is shown longer than it lasts"
    assert said.value == "on the beat of the music"
    assert np.ptp(shown[1:]) <= 1 / 30 + 1e-6, "and all for as many beats"


def test_long_clips_change_where_a_bar_begins() -> None:
    music = beats(120)
    parts, _ = lay_out_reel([2.9] * 6, Join("beat"), 24, music)
    bars = music.times[::4]
    assert [float(np.abs(bars - part.end / 24).min()) < 0.03 for part in parts] == [True] * 6


def test_a_clip_too_short_for_the_beat_is_cut_at_its_end_and_the_next_finds_it_again() -> None:
    parts, (said,) = lay_out_reel([3.0, 0.5, 3.0, 3.0], Join("beat"), 24, beats(60))
    assert parts[1].end - parts[1].start == 12
    assert "1 clip ends before the next beat" in said.reason
    assert abs((parts[2].end / 24 - 0.2) % 1.0) < 0.03


def test_without_a_beat_clips_are_cut_at_their_ends_and_it_is_said() -> None:
    still = find_beats(Sound(np.zeros((2, 8 * RATE), np.float32), RATE))
    for music, why in ((None, "there is no music"), (still, "no clear beat")):
        parts, (said,) = lay_out_reel([1.0, 1.0], Join("beat"), 24, music)
        assert parts == (Part(0, 0, 24), Part(1, 24, 48))
        assert why in said.reason


def test_music_s_own_beats_lead_the_cuts() -> None:
    times = np.arange(0.15, 15.9, 0.5)
    found = find_beats(Sound(drums(times.tolist(), 16.0), RATE))
    parts, _ = lay_out_reel([2.2] * 6, Join("beat"), 24, found)
    assert all(np.abs(times - part.end / 24).min() < 0.03 for part in parts)
