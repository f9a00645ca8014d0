"""Which moments of a clip are shown: trim, reverse, speed ramps, rate, loop, hold; exact lengths, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from studio.finish.clip_frames import Facts
from studio.finish.time_map import Timeline, close_loop, find_rate, lay_out
from studio.nouns import Finish, Refusal, SpeedPoint, Trim

CLIP = Facts(320, 180, 120, 24.0)
RAMP = (SpeedPoint(0.0, 1.0), SpeedPoint(1.0, 0.25))


def show(finish: Finish, facts: Facts = CLIP, wraps: bool = False) -> Timeline:
    """The timeline of a finish."""
    return close_loop(lay_out(finish, facts, wraps), finish)


def test_without_a_finish_every_frame_is_shown_once() -> None:
    line = show(Finish())
    assert line.at.tolist() == list(range(120))
    assert (line.fps, line.between, line.is_forward) == (24, 0, True)


def test_trim_and_reverse_are_exact() -> None:
    assert show(Finish(trim=Trim(1.0, 3.0))).at.tolist() == list(range(24, 72))
    assert show(Finish(trim=Trim(4.0))).at.tolist() == list(range(96, 120))
    line = show(Finish(trim=Trim(1.0, 3.0), reverse=True))
    assert line.at.tolist() == list(range(71, 23, -1))
    assert not line.is_forward


def test_a_ramp_has_the_length_of_its_integral_and_never_goes_back() -> None:
    line = show(Finish(speed=RAMP))
    whole = 5.0 * math.log(4) / 0.75  # the integral of du / (1 - 0.75 u), times 5 s
    assert len(line.at) == round(whole * 24)
    assert (np.diff(line.at) >= 0).all()
    steps = np.diff(line.at[:-8])
    assert steps[0] == pytest.approx(1.0, abs=0.06)
    assert steps[-1] == pytest.approx(0.25, abs=0.06)
    # at the share u of the time the clip has gone by as the inverse of that integral says
    middle = 120 * (1 - math.exp(-0.75 * (whole / 2 / 5))) / 0.75
    assert line.at[len(line.at) // 2] == pytest.approx(middle, abs=0.6)


def test_a_jump_in_speed_is_two_points_at_one_place() -> None:
    line = show(Finish(speed=(SpeedPoint(0.5, 1.0), SpeedPoint(0.5, 4.0))))
    assert len(line.at) == round((2.5 + 2.5 / 4) * 24)
    assert np.diff(line.at)[:50].tolist() == [1.0] * 50
    assert np.diff(line.at)[-10:].tolist() == [4.0] * 10


def test_a_higher_rate_lies_between_frames_and_says_how_many() -> None:
    line = show(Finish(fps=60))
    assert len(line.at) == 300
    assert line.at[:5].tolist() == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6])
    assert line.between == int((line.at % 1 > 0).sum()) == 238
    assert line.at[-1] == 119  # nothing comes after the last frame
    assert show(Finish(fps=60), wraps=True).at[-1] == pytest.approx(119.6)  # but in a loop the first one does


def test_loops_and_hold() -> None:
    back = show(Finish(loop="ping_pong"))
    assert back.at.tolist() == [*range(120), *range(118, 0, -1)]
    line = show(Finish(loop="dissolve", blend=0.5))
    assert len(line.at) == 108
    assert line.at[0] == 12
    assert line.to[-12:].tolist() == list(range(12))  # the end becomes what came before the beginning
    assert (np.diff(line.share[-12:]) > 0).all()
    assert line.share[:-12].max() == 0
    held = show(Finish(hold=2.0))
    assert held.at[-48:].tolist() == [119.0] * 48


@pytest.mark.parametrize(
    ("finish", "says"),
    [
        (Finish(trim=Trim(5.0, 6.0)), "nothing at 5 s"),
        (Finish(trim=Trim(1.0, 5.5)), "nothing at 5.5 s"),
        (Finish(trim=Trim(2.0, 1.0)), "not even two frames"),
        (Finish(trim=Trim(1.0, 1.04)), "not even two frames"),
        (Finish(loop="cut", hold=1.0), "no last frame"),
        (Finish(trim=Trim(0.0, 0.1), speed=(SpeedPoint(0.0, 8.0),)), "not even two frames"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_remedy(finish: Finish, says: str) -> None:
    with pytest.raises(Refusal, match=says) as refused:
        show(finish)
    assert refused.value.remedy


def test_nothing_lasts_over_a_minute() -> None:
    long = Facts(320, 180, 24 * 20, 24.0)
    with pytest.raises(Refusal, match=r"200\.0 s"):
        show(Finish(speed=(SpeedPoint(0.0, 0.1),)), long)
    with pytest.raises(Refusal, match=r"69\.9 s"):
        show(Finish(loop="ping_pong"), Facts(320, 180, 24 * 35, 24.0))


@pytest.mark.parametrize(("rate", "whole"), [(24.0, 24), (12.5, 25), (23.976, 24), (29.97, 30), (16.667, 50), (60.0, 60)])
def test_rates_become_whole(rate: float, whole: int) -> None:
    assert find_rate(rate) == whole
