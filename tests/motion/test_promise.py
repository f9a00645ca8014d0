"""What will be seen of a sentence and what won't: as labelled by hand, and nothing that is said is passed over."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from studio import presets
from studio.motion.ambient_effects import EFFECTS
from studio.motion.clauses import read_clauses
from studio.motion.compose import plain
from studio.motion.prompt_promise import promise
from studio.motion.read_prompt import add_worded_motion, read_motion
from studio.motion.rules.empty_prompts import PUSH_IN
from studio.motion.vocabulary import FUNCTION, MOODS, PURE_STYLE
from studio.nouns import Camera, Effect, Leg, Motion, Move, replace
from tests.rows import each_row

ROWS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "prompts_shown.toml").read_text("utf-8"))["prompt"]
READ: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "prompts_read.toml").read_text("utf-8"))["prompt"]
SAYS_NOTHING = MOODS | FUNCTION | PURE_STYLE
PARALLAX, WAN, SVD, FAST = (presets.card(model) for model in ("parallax", "wan22-ti2v-5b", "svd-xt", "wan22-i2v-a14b-fast"))
FEW = {"and", "as", "while", "then", "the", "a"}


def bare(words: str) -> str:
    """Words without those that join or name nothing."""
    return " ".join(one for one in words.lower().split() if one not in FEW)


def wrong(row: dict[str, Any]) -> dict[str, object]:
    """Where a sentence is judged otherwise than it is labelled."""
    told = promise(read_motion(row["text"]), PARALLAX, row["text"])
    found: dict[str, object] = {}
    if [bare(one.words) for one in told.unseen] != [bare(one) for one in row.get("wont", [])]:
        found["wont"] = [(one.words, one.why) for one in told.unseen]
    if list(told.kept) != row.get("kept", []):
        found["kept"] = told.kept
    missing = [one for one in row.get("seen", []) if not any(bare(one) in bare(seen) for seen in told.seen)]
    return {**found, "missing": missing, "seen": told.seen} if missing else found


@each_row("held", [False, True])
def test_what_is_shown_is_as_labelled(held: bool) -> None:
    rows = [row for row in ROWS if row.get("held", False) == held]
    mistakes = {row["text"]: found for row in rows if (found := wrong(row))}
    assert len(mistakes) <= (0.1 if held else 0.02) * len(rows), mistakes


def test_the_labelled_set_is_broad_enough() -> None:
    labelled = [words for row in ROWS for words in (*row.get("wont", ()), *row.get("kept", ()), *row.get("seen", ()))]
    assert len(labelled) >= 120
    assert len({row["text"] for row in ROWS}) == len(ROWS)


@each_row("text", [row["text"] for row in (*ROWS, *READ)])
def test_no_clause_vanishes(text: str) -> None:
    """Each is shown, named as not shown, kept as it is in the photo, says what stays or is avoided, or is a mere mood."""
    told = promise(read_motion(text), PARALLAX, text)
    found = read_clauses(text)
    for at, clause in enumerate(found):
        named = any(one.start < clause.end and clause.start < one.end for one in told.unseen)
        shown = bool(clause.effects) or bool(clause.moves) or clause.kind in ("still", "negative", "loop")
        described = any(one.lower() in clause.text.lower() for one in told.kept)
        words = {one for one in re.findall(r"[a-z0-9']+", clause.text.lower()) if not one.isdigit()}
        filmed = clause.kind == "camera" or (at > 0 and found[at - 1].kind == "camera")
        assert named or shown or described or filmed or words <= SAYS_NOTHING, clause


def test_what_has_no_place_yet_waits_for_a_brush() -> None:
    text = "camera pushes in, waves roll in"
    told = promise(read_motion(text), PARALLAX, text)
    assert [(one.words, one.why, one.effect) for one in told.unseen] == [("waves roll in", "place", "ripple")]
    assert (text[told.unseen[0].start : told.unseen[0].end], told.without) == ("waves roll in", "")
    pressed = promise(Motion(effects=(Effect("ripple"),)), PARALLAX)
    assert [(one.why, one.effect) for one in pressed.unseen] == [("place", "ripple")]
    painted = replace(read_motion(text), effects=(Effect("ripple", brush="abcd"),))
    assert promise(painted, PARALLAX, text).unseen == ()


def test_an_effect_that_finds_no_place_on_the_photo_is_named_however_it_was_asked_for() -> None:
    said = promise(read_motion("leaves rustle"), PARALLAX, "leaves rustle", unplaced=("wind",))
    assert [(one.words, one.why) for one in said.unseen] == [("leaves rustle", "place")]
    pressed = promise(Motion(effects=(Effect("hair"),)), PARALLAX, "The camera pushes in.", unplaced=("hair",))
    assert [(one.words, one.effect) for one in pressed.unseen] == [("hair and fabric", "hair")]
    assert pressed.seen == ("push in",)


def test_what_is_pressed_and_not_said_is_promised_too() -> None:
    told = promise(Motion(effects=(Effect("fog"),)), PARALLAX, "The camera pushes in.")
    assert told.seen == ("push in", EFFECTS["fog"].happens)


def test_what_is_left_after_striking_fully_happens() -> None:
    for row in ROWS:
        left = promise(read_motion(row["text"]), PARALLAX, row["text"]).without
        if left:
            assert [one for one in promise(read_motion(left), PARALLAX, left).unseen if one.why != "place"] == [], (
                row["text"],
                left,
            )
    assert promise(read_motion("the baby yawns"), PARALLAX, "the baby yawns").without == PUSH_IN


def test_moves_in_sequence_are_promised_in_sequence() -> None:
    camera = Camera((Move("dolly_in"),), speed="fast", then=(Leg((Move("orbit_left"),)), Leg((Move("static"),))))
    assert promise(Motion(camera=camera), PARALLAX).seen[0] == "fast push in, then circle left, then hold still"


def test_a_model_that_reads_is_told_all_and_what_it_cannot_obey_is_named() -> None:
    text = "the woman smiles, no text, seamless loop"
    told = promise(read_motion(text), FAST, text)
    assert told.told and told.seen == ()
    assert {one.why for one in told.unseen} == {"avoid", "loop"}
    assert promise(read_motion("the woman smiles"), WAN, "the woman smiles").unseen == ()


def test_a_model_that_is_told_nothing_promises_nothing() -> None:
    text = "the woman smiles, leaves rustle, camera pushes in, the house stays still"
    assert [one.words for one in promise(read_motion(text), SVD, text).unseen] == [
        "the woman smiles",
        "leaves rustle",
        "camera pushes in",
    ]


def test_the_builder_s_own_sentences_fully_happen_where_they_have_a_place() -> None:
    for name in EFFECTS:
        motion = Motion(effects=(Effect(name, region="everywhere"),))
        assert promise(motion, PARALLAX).unseen == (), plain(motion)


@each_row("text", ["Leaves rustle at sunset.", "The background slightly defocusing at sunrise.", "Fog at dawn."])
def test_an_hour_that_ends_other_words_is_seen_as_light(text: str) -> None:
    said = {effect.name for effect in add_worded_motion(read_motion(text)).effects}
    assert "light" in said and len(said) == 2


def test_a_move_that_two_boxes_have_set_aside_is_named() -> None:
    text = "The camera pushes in. Fog drifts by."
    told = promise(read_motion(text), PARALLAX, text, boxed=True)
    assert told.seen[0] == "from the start box to the end box" and "fog drifts by" in told.seen
    assert [(one.words, one.why) for one in told.unseen] == [("the camera pushes in", "boxes")]
    assert told.without == "Fog drifts by."
    alone = promise(read_motion("The camera pushes in."), PARALLAX, "The camera pushes in.", boxed=True)
    assert alone.unseen and not alone.without, "there is nothing to put in its place"
    assert promise(read_motion(text), WAN, text, boxed=True) == promise(read_motion(text), WAN, text), (
        "another model can't do boxes"
    )
