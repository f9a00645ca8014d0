"""The motions that ship: enough for every kind of photo and every use, well said, and each with a picture and its credit."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

import cv2

from bench.stills import VIEWS
from studio import presets
from studio.advice.adviser import fits, order_motions
from studio.advice.recommend import spoken
from studio.config import ASSETS, PRESETS
from studio.motion.ambient_effects import needs_brush
from studio.motion.camera_moves import MOVES
from studio.motion.compose import compose, plain
from studio.motion.prompt_check import check_prompt
from studio.motion.read_prompt import read_changes, read_motion
from studio.nouns import Kind, Use
from studio.presets import MotionPreset
from tests.rows import each_row

MOTIONS = presets.motions()
EACH = each_row("preset", MOTIONS)
BRUSH = "Paint the water first."
READERS = "For models that read words."


def test_there_are_enough_for_every_kind_and_every_use() -> None:
    kinds = Counter(kind for preset in MOTIONS for kind in preset.kinds)
    uses = Counter(use for preset in MOTIONS for use in preset.uses)
    assert len(MOTIONS) >= 36
    assert all(kinds[kind] >= 7 for kind in get_args(Kind)), kinds
    assert all(uses[use] >= 6 for use in get_args(Use)), uses


def test_no_two_are_the_same() -> None:
    for field in ("id", "title", "summary", "still"):
        assert len({getattr(preset, field) for preset in MOTIONS}) == len(MOTIONS), field
    assert len({preset.motion for preset in MOTIONS}) == len(MOTIONS)


def test_file_names_put_them_in_order() -> None:
    names = [file.stem for file in sorted((PRESETS / "motions").glob("*.toml"))]
    assert [name[3:] for name in names] == [preset.id for preset in MOTIONS]
    assert [preset.kinds[0] for preset in MOTIONS] == [preset.id.split("-")[0] for preset in MOTIONS]
    assert [name[:2] for name in names] == sorted({name[:2] for name in names}), "one number each"


def test_most_work_at_once_on_the_built_in_engine() -> None:
    at_once = [preset for preset in MOTIONS if preset.models[0] == "parallax" and not waits(preset)]
    assert len(at_once) >= len(MOTIONS) * 0.6


def waits(preset: MotionPreset) -> bool:
    """Whether something has to be painted first."""
    return any(needs_brush(effect) for effect in preset.motion.effects)


# Each of them -------------------------------------------------------------------------------------------------------------


@EACH
def test_the_prompt_check_has_nothing_against_it(preset: MotionPreset) -> None:
    """Not even a hint: each says its camera and what stays still. Only the brush may be missing."""
    known = [None, *(presets.card(model) for model in preset.models)]
    found = {finding.code for card in known for finding in check_prompt(preset.motion, seconds=preset.seconds, card=card)}
    assert found == ({"no_region"} if waits(preset) else set())


@EACH
def test_its_sentence_means_what_it_is(preset: MotionPreset) -> None:
    said = plain(preset.motion)
    assert read_changes(preset.motion, said) == preset.motion
    heard = read_motion(said)
    assert heard.camera.loop == preset.motion.camera.loop
    assert [move.name for move in heard.camera.moves] == [move.name for move in preset.motion.camera.moves]
    assert heard.still.lower() == preset.motion.still
    assert heard.prompt == "", "no word of it is left over"


@EACH
def test_every_model_is_told_it(preset: MotionPreset) -> None:
    for card in presets.cards():
        written = compose(preset.motion, card)
        assert bool(written.prompt) == ("prompt" in card.supports)
        if "prompt" in card.supports and preset.motion.action:
            assert preset.motion.action in written.prompt


@EACH
def test_its_models_can_make_it(preset: MotionPreset) -> None:
    assert preset.models
    for model in preset.models:
        card = presets.card(model)
        assert card.seconds[0] <= preset.seconds <= card.seconds[1], model
    only_words = spoken(preset.motion) != ""
    assert ("parallax" in preset.models) == (not only_words), "Parallax wherever it can do it, and nowhere else"
    assert any("prompt" in presets.card(model).supports for model in preset.models)


@EACH
def test_its_summary_says_what_it_waits_for(preset: MotionPreset) -> None:
    assert (BRUSH in preset.summary) == waits(preset)
    assert (READERS in preset.summary) == ("parallax" not in preset.models)
    assert preset.summary.endswith(".")
    assert "\n" not in preset.summary


@EACH
def test_its_camera_is_said_outright(preset: MotionPreset) -> None:
    """A preset leaves nothing of the camera to chance; a loop comes back, so it never travels in or out."""
    assert preset.motion.camera.moves
    assert all(move.name in MOVES for move in preset.motion.camera.moves)
    if preset.motion.camera.loop:
        assert {move.name.split("_")[0] for move in preset.motion.camera.moves} <= {"static", "truck", "orbit"}


@EACH
def test_its_still_is_there_and_small(preset: MotionPreset) -> None:
    file = ASSETS / "motions" / preset.still
    assert file.stat().st_size <= 12_000
    image = cv2.imread(str(file))
    assert image is not None
    assert image.shape == (200, 320, 3)
    assert image.std() > 20, "a picture, not a blank"


def test_every_still_belongs_to_a_motion_and_is_credited() -> None:
    files = {file.name for file in (ASSETS / "motions").glob("*.jpg")}
    assert files == {preset.still for preset in MOTIONS}
    assert set(VIEWS) == {preset.id for preset in MOTIONS}
    rows = (ASSETS / "motions" / "CREDITS.md").read_text("utf-8").splitlines()
    credited = {row.split("|")[1].strip(): row for row in rows if ".jpg |" in row}
    assert set(credited) == files
    assert all(row.count("|") == 4 and row.split("|")[3].strip() for row in credited.values())


# Which come first ---------------------------------------------------------------------------------------------------------


READY = frozenset({"parallax"})


@each_row("kind", get_args(Kind))
def test_those_for_the_photo_come_first(kind: Kind) -> None:
    offered = order_motions(MOTIONS, kind, READY, people=True)
    assert Counter(offered) == Counter(MOTIONS), "all of them, once"
    fit = [kind in preset.kinds for preset in offered]
    assert fit == sorted(fit, reverse=True)
    assert offered[0].kinds[0] == kind
    assert not waits(offered[0])
    assert "parallax" in offered[0].models, "something that can be made here"


def test_a_model_that_is_here_brings_its_motions_forward() -> None:
    without, having = (
        [preset.id for preset in order_motions(MOTIONS, "water", ready)] for ready in (READY, READY | {"wan22-i2v-a14b"})
    )
    assert having.index("water-tide-comes-in") == 0 < without.index("water-tide-comes-in")


def test_a_photo_of_no_clear_kind_gets_what_does_for_any() -> None:
    offered = order_motions(MOTIONS, None, READY)
    assert Counter(offered) == Counter(MOTIONS)
    anyone = [preset.any for preset in offered]
    assert anyone == sorted(anyone, reverse=True)


# What fits a photo ----------------------------------------------------------------------------------------------------------

LIVING = frozenset({"person", "people", "woman", "man", "child", "face", "head", "hair", "smile", "blinks", "dog", "cat", "fur"})
NAMED = frozenset(
    {"sky", "clouds", "water", "waves", "lake", "grass", "leaves", "mountains", "buildings", "house", "table", "cup"}
)


def named(words: frozenset[str], preset: MotionPreset) -> list[str]:
    """Which of some words a motion says, of what may not be in a photo."""
    said = re.findall("[a-z]+", " ".join((preset.title, preset.summary, plain(preset.motion))).lower())
    return sorted(words & set(said))


def test_what_does_for_any_photo_names_nothing_that_may_not_be_there() -> None:
    anyone = [preset for preset in MOTIONS if preset.any]
    assert len(anyone) >= 8, "the first row is full of them"
    assert {preset.id: found for preset in anyone if (found := named(LIVING | NAMED, preset))} == {}
    assert not any(waits(preset) or preset.models[0] != "parallax" for preset in anyone)


def test_what_is_about_people_says_so() -> None:
    assert {preset.id for preset in MOTIONS if named(LIVING, preset)} <= {preset.id for preset in MOTIONS if preset.people}


@each_row("kind", [None, *get_args(Kind)])
def test_people_are_offered_only_where_they_are(kind: Kind | None) -> None:
    order = order_motions(MOTIONS, kind, frozenset({"parallax"}))
    persons = [preset.people for preset in order]
    assert persons == sorted(persons), "they come last where there are none"
    assert not any(fits(preset, kind, people=False) for preset in order if preset.people)
    first = order[:8]
    assert all(preset.any or kind in preset.kinds for preset in first)
    with_people = order_motions(MOTIONS, kind, frozenset({"parallax"}), people=True)
    if kind == "portrait":
        assert with_people[0].people and fits(with_people[0], kind, people=True)
