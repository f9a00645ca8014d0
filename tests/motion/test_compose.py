"""Each model is told the motion in its own way, within what it reads, and what it cannot obey is said."""

from __future__ import annotations

from typing import get_args

from studio import presets
from studio.cards import ModelCard
from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import MOVES
from studio.motion.compose import DIALECTS, FAMILIES, compose, count_tokens, list_sentences, make_sentence, plain
from studio.motion.read_prompt import read_changes, read_motion
from studio.nouns import Camera, Effect, EffectName, Motion, Move, MoveName, replace
from tests.rows import each_row

WAN, LTX, SVD, CLIP, PARALLAX = (presets.card(one) for one in ("wan22-ti2v-5b", "ltx-2", "svd-xt", "i2vgen-xl", "parallax"))
KLING = replace(WAN, dialect="kling", cameras={"pan_left": "left", "zoom_in": "forward"})
READERS = [card for card in presets.cards() if "prompt" in card.supports and not card.hosted]
WHOLE = Motion(
    "cinematic, 35mm film", "text, blur", Camera((Move("dolly_in", 0.3), Move("pan_left", 0.8)), speed="slow"),
    (Effect("clouds"), Effect("wind", 0.2)), "the woman", "turns and smiles", "rain falls", "light stays constant", "the house",
)  # fmt: skip
FILMED = "The camera slowly pushes in slightly and pans far left."


def test_every_move_effect_and_family_can_be_said() -> None:
    assert set(MOVES) == set(get_args(MoveName))
    assert set(EFFECTS) == set(get_args(EffectName))
    assert set(FAMILIES) <= {card.checkpoint.family for card in presets.cards() if card.checkpoint}


def test_the_builder_says_what_was_written_first_and_the_camera_last() -> None:
    assert plain(WHOLE) == (
        "Cinematic, 35mm film. The woman turns and smiles. Rain falls. Clouds drift across the sky."
        " Leaves and grass sway gently in the wind. Light stays constant. The house stays still. " + FILMED
    )


def test_a_loop_is_said_at_the_end() -> None:
    assert plain(Motion(camera=Camera((Move("static"),), loop=True))) == "The camera stays still. The clip loops seamlessly."


def test_wan_is_told_what_moves_then_the_camera_then_the_style() -> None:
    written = compose(WHOLE, WAN)
    assert written.prompt == (
        "The woman turns and smiles. Rain falls. Clouds drift across the sky. Leaves and grass sway gently in the wind."
        f" Light stays constant. The house stays still. {FILMED} Cinematic, 35mm film."
    )
    assert written.negative == "text, blur"
    assert (written.choice.what, written.choice.value) == ("prompt", written.prompt)
    assert written.notes == ()


def test_ltx_is_told_one_paragraph_that_begins_with_the_action() -> None:
    prompt = compose(WHOLE, LTX).prompt
    assert prompt.startswith("The woman turns and smiles while rain falls. Clouds drift across the sky.")
    assert prompt.index(FILMED) < prompt.index("Light stays constant.")
    assert "\n" not in prompt


def test_kling_is_told_subject_and_movement_background_and_movement_then_the_camera() -> None:
    written = compose(replace(WHOLE, prompt=""), KLING)
    assert written.prompt.startswith(
        "The woman turns and smiles, rain falls, clouds drift across the sky, leaves and grass sway gently in the wind."
    )
    assert written.control == "left"


def test_others_are_told_plainly() -> None:
    card = presets.card("kandinsky5")
    assert compose(WHOLE, card).prompt == plain(WHOLE)
    assert card.checkpoint is not None
    assert card.checkpoint.family not in FAMILIES


def test_words_without_anybody_who_acts_come_first_for_everyone() -> None:
    motion = Motion(
        "a red boat\ndrifts past", camera=Camera((Move("dolly_in", 0.5),)), effects=(Effect("ripple"), Effect("clouds"))
    )
    for card in (WAN, LTX, KLING):
        assert compose(motion, card).prompt.startswith("A red boat drifts past.")


@each_row("moves", [(), (Move("static"),), (Move("pan_left", 0.0),)])
def test_a_camera_that_holds_still_is_said_to_and_one_that_nothing_is_said_of_is_not(moves: tuple[Move, ...]) -> None:
    motion = Motion(camera=Camera(moves), environment="rain falls")
    said = {name: compose(motion, replace(WAN, dialect=name)).prompt for name in DIALECTS}
    if moves:
        assert said["plain"] == "Rain falls. The camera stays still."
        assert said["wan"] == "Rain falls. Static shot, the camera stays still."
        assert said["kling"] == "Rain falls. Fixed camera."
    else:
        assert set(said.values()) == {"Rain falls."}


def test_how_far_and_how_quickly_the_camera_goes_are_said_apart() -> None:
    said = [plain(Motion(camera=Camera((Move("truck_left", amount),), speed="fast"))) for amount in (0.34, 0.35, 0.68)]
    assert said == [f"The camera quickly slides{far} left." for far in (" slightly", "", " far")]


def test_a_subject_that_does_nothing_is_what_the_camera_is_on_about() -> None:
    motion = Motion(subject="the bottle", camera=Camera((Move("orbit_left"),)))
    assert plain(motion) == "The camera circles left around the bottle."
    assert plain(replace(motion, camera=Camera((Move("pan_left"),)))) == "The camera pans left on the bottle."
    assert plain(replace(motion, camera=Camera(()))) == "The bottle."


def test_an_effect_is_said_only_where_the_words_do_not_say_it_and_only_once() -> None:
    motion = Motion(
        camera=Camera(()), environment="leaves rustle", effects=(Effect("wind"), Effect("fog", 0.0), Effect("clouds"))
    )
    assert plain(motion) == "Leaves rustle. Clouds drift across the sky."
    twice = Motion(camera=Camera(()), effects=(Effect("wind", region="foliage"), Effect("wind", region="background")))
    assert plain(twice) == "Leaves and grass sway in the wind."


@each_row(
    ("still", "said"),
    [
        ("the house", "The house stays still."), ("the trees", "The trees stay still."), ("her face", "Her face stays still."),
        ("the people in the background", "The people in the background stay still."),
        ("cup, saucer", "Cup and saucer stay still."),
        ("label stays sharp", "Label stays sharp."), ("the glass", "The glass stays still."),
    ],
)  # fmt: skip
def test_what_stays_still_is_said_as_a_sentence(still: str, said: str) -> None:
    assert plain(Motion(camera=Camera(()), still=still)) == said


# Within what a model reads ----------------------------------------------------------------------------------------------

LONG = replace(
    WHOLE,
    prompt=", ".join(f"film grain of kind {n}" for n in range(140)),
    environment="rain falls, " + ", ".join(["mist drifts by"] * 220),
)


@each_row("card", READERS)
def test_no_prompt_is_longer_than_its_model_reads(card: ModelCard) -> None:
    assert card.checkpoint is not None
    limit = card.checkpoint.text_tokens
    for motion in (WHOLE, LONG, replace(LONG, negative_prompt=", ".join(["watermark"] * 350))):
        written = compose(motion, card)
        assert count_tokens(written.prompt) <= limit
        assert count_tokens(written.negative) <= limit
        assert "The woman turns and smiles" in written.prompt
        assert FILMED in written.prompt


def test_what_matters_least_is_left_out_first_and_that_is_said() -> None:
    written = compose(LONG, CLIP)
    assert "film grain of kind 9" not in written.prompt
    assert "The house stays still." in written.prompt
    assert "shortened" in written.choice.reason
    assert any("'Film grain of kind 0, film grain of kind 1" in note and "77 tokens" in note for note in written.notes)
    assert compose(WHOLE, LTX).notes == ()


def test_a_long_action_loses_its_last_clauses_and_never_half_of_one() -> None:
    deeds = [f"she picks up cup number {n}" for n in range(30)]
    prompt = compose(replace(WHOLE, action="turns and smiles, " + ", ".join(deeds)), CLIP).prompt
    said = prompt[: prompt.index(".")].split(", ")
    assert said == ["The woman turns and smiles", *deeds[: len(said) - 1]]
    assert 1 < len(said) < len(deeds)
    assert FILMED in prompt


def test_tokens_are_counted_from_above() -> None:
    """The counts of two published vocabularies, from their makers' own examples, are below ours."""
    assert count_tokens("a photo of a cat") >= 7  # CLIP: five words and two ends
    assert count_tokens("") == 2
    assert (
        count_tokens("ripple")
        <= count_tokens("rippling")
        <= count_tokens("rippling water")
        <= count_tokens("rippling water, 水") - 4
    )


# What a model can't obey ------------------------------------------------------------------------------------------------


def test_a_model_that_reads_no_words_is_given_none_and_what_it_misses_is_said() -> None:
    written = compose(WHOLE, SVD)
    assert (written.prompt, written.negative) == ("", "")
    assert "how much moves" in written.choice.reason
    assert f"{SVD.title} can't be told what moves: 'the woman turns and smiles' is left to chance." in written.notes
    assert any("no camera control" in note for note in written.notes)
    assert any("'Drifting clouds'" in note for note in written.notes)


def test_parallax_acts_on_the_words_that_are_effects_and_says_what_it_cannot_do() -> None:
    said = compose(replace(WHOLE, environment="leaves rustle"), PARALLAX).notes
    assert said[0] == "Parallax won't show 'the woman turns and smiles'."
    assert not any("leaves rustle" in note or "camera" in note for note in said)


def test_a_negative_prompt_is_passed_on_or_said_not_to_be() -> None:
    fast = presets.card("wan22-i2v-a14b-fast")
    written = compose(WHOLE, fast)
    assert written.negative == ""
    assert any("negative prompt" in note and "'text, blur'" in note for note in written.notes)


def test_a_loop_and_a_painted_region_that_words_cannot_say_are_noted() -> None:
    motion = Motion(camera=Camera(loop=True), effects=(Effect("ripple", brush="abcd"),))
    assert any("seam" in note for note in compose(motion, WAN).notes)
    assert any("painted" in note for note in compose(motion, WAN).notes)
    assert not any("seam" in note for note in compose(motion, PARALLAX).notes)


def test_the_clause_of_an_effect_says_its_direction() -> None:
    said = [plain(Motion(camera=Camera(()), effects=(Effect("clouds", direction=angle),))) for angle in (0.0, 20.0, 180.0, 300.0)]
    assert said == [f"Clouds drift{way} across the sky." for way in ("", "", " to the left", " up to the right")]


def test_parts_say_each_slot_and_a_sentence_ends_once() -> None:
    assert [part.slot for part in list_sentences(WHOLE)] == [
        "prompt",
        "subject",
        "environment",
        "effects",
        "effects",
        "light",
        "still",
        "camera",
    ]
    said = [make_sentence(words) for words in ("", "  ", "it moves", "It moves.", "does it?", "iPhone spins")]
    assert said == ["", "", "It moves.", "It moves.", "Does it?", "iPhone spins."]


@each_row(
    ("typed", "said"),
    [
        ("the dancer spins, camera tilts up from her shoes to her face", "The camera tilts up from her shoes to her face."),
        ("mist drifts, camera cranes up to reveal the valley", "The camera rises to reveal the valley."),
        ("wine swirls in the glass, slow arc around the table", "The camera slowly circles right around the table."),
        ("the dog barks, the camera pushes in towards the window", "The camera pushes in towards the window."),
        ("the dog runs, the camera circles the car", "The camera circles right around the car."),
        ("she turns, camera orbits around the table", "She turns. The camera circles right around the table."),
    ],
)
def test_where_the_camera_goes_is_said_with_it(typed: str, said: str) -> None:
    motion = read_motion(typed)
    assert plain(motion).endswith(said)
    assert read_motion(plain(motion)) == motion
    heard = read_changes(motion, f"{plain(motion)} Steam rises.")
    assert (heard.prompt, heard.camera) == (motion.prompt, motion.camera)


def test_only_what_can_stand_after_while_is_joined() -> None:
    still = Motion(subject="the woman", action="smiles", environment="hair moving in the wind")
    assert compose(still, LTX).prompt == "The woman smiles. Hair moving in the wind. The camera pushes in."
