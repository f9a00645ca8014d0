"""Axes: what values mean, how they are laid out, and what is said of those that mean nothing."""

from __future__ import annotations

import pytest

from studio import presets
from studio.compare.axis_values import HINTS, ORDER, TITLES, fit_model, parse_axis
from studio.compare.grid import expand
from studio.comparison import Axis, AxisName
from studio.nouns import Camera, Effect, Leg, Motion, Move, Photo, Refusal, Shot, replace

SHOT = Shot(Photo("4" * 64, 640, 480, "harbour.jpg"), motion=Motion("boats", camera=Camera((Move("dolly_in", 0.4),), loop=True)))


def along(name: AxisName, *values: str, shot: Shot = SHOT) -> list[Shot]:
    """The shot with each value of one axis."""
    return [value.change(shot) for value in parse_axis(Axis(name, values), presets.card)]


def test_each_axis_changes_what_it_says_and_nothing_else() -> None:
    moved = replace(
        SHOT,
        motion=replace(SHOT.motion, camera=replace(SHOT.motion.camera, moves=(Move("orbit_left", 0.4), Move("tilt_up", 0.4)))),
    )
    assert along("move", "orbit left + Tilt-Up") == [moved]
    (legs,) = along("move", "push in then orbit left")
    assert (legs.motion.camera.then, legs.motion.camera.loop) == ((Leg((Move("orbit_left", 0.4),)),), True)
    assert [one.motion.camera.moves[0].amount for one in along("amount", "0", ".5", "1")] == [0.0, 0.5, 1.0]
    still = replace(SHOT, motion=Motion(camera=Camera((Move("static"),)), effects=(Effect("rain"),)))
    assert along("amount", "0.9", shot=still)[0].motion.effects == (Effect("rain", 0.9),)
    assert [one.seed for one in along("seed", "7", "1-3", "2")] == [7, 1, 2, 3]
    assert [one.motion.effects for one in along("effect", "none", "fog + grain", "ripple:background")] == [
        (), (Effect("fog"), Effect("grain")), (Effect("ripple", region="background"),),
    ]  # fmt: skip
    assert [one.depth for one in along("depth", "builtin", "photo", "a" * 64)] == ["builtin", "photo", "a" * 64]
    assert along("size", "4k")[0].size == "2160p"
    assert along("speedup", "none", "mag_cache + vae tiling")[1].speedups == ("mag_cache", "vae_tiling")
    assert along("steps", "8-9") == [replace(SHOT, steps=8), replace(SHOT, steps=9)]
    assert along("guidance", "5") == [replace(SHOT, guidance=5.0)]
    assert along("strength", "1") == [replace(SHOT, strength=1.0)]
    said = along("prompt", "slow pan left, leaves rustle", "the boats rock")
    assert [move.name for one in said for move in one.motion.camera.moves] == ["pan_left", "dolly_in"]
    assert said[1].motion.camera == SHOT.motion.camera
    assert TITLES.keys() == HINTS.keys() == set(ORDER)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("model", "sora", "parallax"), ("seed", "-1", "4294967295"), ("seed", "9-1", "1-4"), ("amount", "2", "from 0 to 1"),
        ("move", "fly", "dolly in"), ("effect", "lava", "rain"), ("effect", "rain:moon", "sky"), ("depth", "lidar", "builtin"),
        ("steps", "many", "1 to 200"), ("size", "9000p", "720p"), ("speedup", "turbo", "mag_cache"), ("prompt", " ", "prompt="),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_the_allowed_ones(name: AxisName, value: str, remedy: str) -> None:
    with pytest.raises(Refusal) as refused:
        along(name, value)
    assert remedy in refused.value.remedy


def test_another_model_is_asked_what_it_can_be_asked() -> None:
    asked = replace(SHOT, steps=20, guidance=4.0, speedups=("mag_cache",), draft="parallax")
    built_in = fit_model(asked, presets.card("parallax"))
    assert (built_in.steps, built_in.guidance, built_in.speedups, built_in.draft) == (None, None, (), "")
    wan = fit_model(asked, presets.card("wan22-ti2v-5b"))
    assert (wan.model, wan.steps, wan.speedups) == ("wan22-ti2v-5b", 20, ("mag_cache",))


def test_axes_are_a_row_a_grid_or_pairs() -> None:
    amounts, moves = Axis("amount", ("0.3", "0.30", "0.6")), Axis("move", ("dolly in", "orbit left", "pan left"))
    row = expand(SHOT, [amounts], False, presets.card)
    assert row.axes == (Axis("amount", ("0.3", "0.6")),)
    assert [(cell.column, cell.row, cell.differs) for cell in row.cells] == [
        (0, 0, (("amount", "0.3"),)),
        (1, 0, (("amount", "0.6"),)),
    ]
    grid = expand(SHOT, [moves, amounts], False, presets.card)
    assert [(cell.column, cell.row) for cell in grid.cells] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    last = grid.cells[-1].shot
    assert last
    assert last.motion.camera.moves == (Move("pan_left", 0.6),), "how far is applied after the move, whichever axis comes first"
    pairs = expand(SHOT, [moves, amounts], True, presets.card)
    assert [[value for _, value in cell.differs] for cell in pairs.cells] == [
        ["dolly in", "0.3"], ["orbit left", "0.6"], ["pan left", "0.6"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ([], "one or two axes"), ([Axis("seed", ("1", "2"))] * 2, "twice"), ([Axis("seed", ("3",))], "alone"),
        ([Axis("seed", ("1-7",))], "too many for one row"),
        ([Axis("seed", ("1-8",)), Axis("amount", ("0.1", "0.2", "0.3", "0.4", "0.5"))], "too many for a grid"),
    ],
)  # fmt: skip
def test_axes_that_make_no_comparison_are_refused(axes: list[Axis], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        expand(SHOT, axes, False, presets.card)


def test_what_one_value_cannot_have_is_said_in_its_cell() -> None:
    painted = expand(SHOT, [Axis("effect", ("rain", "ripple"))], False, presets.card).cells
    assert [bool(cell.refusal) for cell in painted] == [False, True]
    assert "ripple:background" in str(painted[1].refusal)
    nothing = replace(SHOT, motion=Motion(camera=Camera((Move("static"),))))
    assert all(cell.refusal for cell in expand(nothing, [Axis("amount", ("0.3", "0.9"))], False, presets.card).cells)
    deaf = expand(SHOT, [Axis("strength", ("0.1", "0.9"))], False, presets.card).cells
    assert all(cell.refusal and "same clip" in cell.refusal[0] for cell in deaf)
