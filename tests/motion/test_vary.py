"""Variations differ along the axis they are named for, in the sentence too, and in nothing else."""

from __future__ import annotations

import pytest

from studio import presets
from studio.motion.compose import plain
from studio.motion.prompt_check import check_prompt
from studio.motion.read_prompt import read_motion
from studio.motion.variations import AXES, MOST, Axis, Variation, list_axes, vary
from studio.nouns import Camera, Effect, Motion, Move, Refusal, replace
from tests.rows import each_row

MOTIONS = {
    "push": Motion(),
    "words": read_motion("camera slowly pushes in, leaves rustle, light stays constant"),
    "several": Motion(
        subject="the woman", action="turns her head", camera=Camera((Move("pan_left", 0.95), Move("zoom_in", 0.3)), speed="fast"),
        effects=(Effect("hair", 0.4), Effect("fog")), still="the house", negative_prompt="blur",
    ),
    "static": Motion(camera=Camera((Move("static"),)), effects=(Effect("clouds", direction=180.0),)),
    "handheld": Motion(environment="waves roll in", camera=Camera((Move("handheld", 0.2),), loop=True)),
    "circle": Motion(camera=Camera((Move("orbit_left", 0.63),), ease="linear"), still="everything"),
}  # fmt: skip
ALONG = [(name, axis) for name, motion in MOTIONS.items() for axis in list_axes(motion)]


def off_axis(motion: Motion, axis: Axis) -> Motion:
    """The motion with everything that lies on an axis taken out."""
    camera = motion.camera
    if axis == "effect":
        return replace(motion, effects=())
    if axis == "pace":
        return replace(motion, camera=replace(camera, speed="normal"))
    if axis == "amount":
        return replace(motion, camera=replace(camera, moves=()))
    aimless = tuple(replace(effect, direction=0.0) for effect in motion.effects)
    return replace(motion, camera=replace(camera, moves=()), effects=aimless)


@each_row(("name", "axis"), ALONG)
@each_row("count", [2, 3, 4])
def test_variations_differ_along_their_axis_alone(name: str, axis: Axis, count: int) -> None:
    motion = MOTIONS[name]
    found = vary(motion, axis, count)
    assert 2 <= len(found) <= count
    assert found[0].motion == motion
    for what in (lambda one: plain(one.motion), lambda one: one.title, lambda one: one.differs):
        assert len({what(one) for one in found}) == len(found), [what(one) for one in found]
    for one in found:
        assert off_axis(one.motion, axis) == off_axis(motion, axis)
        assert one.differs[0].isupper() and one.differs.endswith(".") and one.title


@each_row(("name", "axis"), ALONG)
def test_no_variation_contradicts_itself(name: str, axis: Axis) -> None:
    def faults(motion: Motion) -> set[str]:
        return {finding.code for finding in check_prompt(motion) if finding.level == "hurts"}

    before = faults(MOTIONS[name])
    assert all(faults(one.motion) <= before for one in vary(MOTIONS[name], axis, MOST))


def test_the_same_question_gets_the_same_answer() -> None:
    for name, axis in ALONG:
        assert vary(MOTIONS[name], axis, 4) == vary(MOTIONS[name], axis, 4)
        assert vary(MOTIONS[name], axis, 2) == vary(MOTIONS[name], axis, 4)[:2]


def test_amounts_are_a_little_a_fair_way_and_a_long_way() -> None:
    found = vary(Motion(), "amount")
    assert [one.title for one in found] == ["Dolly in", "Dolly in far", "Dolly in slightly"]
    assert [one.motion.camera.moves[0].amount for one in found] == [0.6, 0.9, 0.3]


def test_several_moves_go_farther_together() -> None:
    near = vary(MOTIONS["several"], "amount")[1].motion.camera.moves
    assert near[0].amount == 0.3
    assert near[1].amount == pytest.approx(0.3 * 0.3 / 0.95, abs=0.001)


def test_directions_are_the_opposite_and_then_the_others() -> None:
    assert [one.motion.camera.moves[0].name for one in vary(Motion(), "direction", 4)] == [
        "dolly_in", "dolly_out", "truck_left", "truck_right",
    ]  # fmt: skip
    assert [one.title for one in vary(MOTIONS["circle"], "direction", 4)] == ["Orbit left", "Orbit right"]


def test_wind_turns_where_the_camera_stands() -> None:
    found = vary(MOTIONS["static"], "direction")
    assert [one.motion.effects[0].direction for one in found] == [180.0, 0.0]
    assert found[1].title == "Drifting clouds to the right"


def test_effects_one_by_one_and_none() -> None:
    found = vary(MOTIONS["several"], "effect", 4)
    assert [[effect.name for effect in one.motion.effects] for one in found] == [["hair", "fog"], ["hair"], ["fog"], []]
    assert found[1].motion.effects[0].amount == 0.4, "an effect keeps its strength"


def test_light_that_stays_is_not_made_to_wander() -> None:
    titles = [one.title for one in vary(MOTIONS["words"], "effect", 4)]
    assert "Light shift" not in titles


def test_an_axis_that_makes_no_sense_is_refused_with_one_that_does() -> None:
    assert list_axes(MOTIONS["static"]) == ("direction", "effect")
    with pytest.raises(Refusal, match="Vary another axis: direction, effect"):
        vary(MOTIONS["static"], "pace")
    assert list_axes(MOTIONS["handheld"]) == ("amount", "effect", "pace")
    assert list_axes(Motion(camera=Camera((Move("static"),)), still="everything")) == ()


def test_every_motion_that_ships_can_be_varied() -> None:
    for preset in presets.motions():
        for axis in list_axes(preset.motion):
            found: tuple[Variation, ...] = vary(preset.motion, axis, 3)
            assert len({plain(one.motion) for one in found}) == len(found) >= 2, preset.id
    assert {axis for preset in presets.motions() for axis in list_axes(preset.motion)} == set(AXES)
