"""The motion in words: what the user wrote comes first, every move and effect has a sentence, and silence where none is read."""

from __future__ import annotations

from typing import get_args

from studio import presets
from studio.motion.compose import EFFECTS, MOVES, compose, sentence
from studio.nouns import Camera, Effect, EffectName, Motion, Move, MoveName

WAN, SVD, FAST = presets.card("wan22-ti2v-5b"), presets.card("svd-xt"), presets.card("wan22-i2v-a14b-fast")


def test_every_move_and_effect_can_be_said() -> None:
    assert set(MOVES) == set(get_args(MoveName))
    assert set(EFFECTS) == set(get_args(EffectName))


def test_words_camera_and_effects_in_that_order() -> None:
    motion = Motion("a red boat\ndrifts past", "blurry", Camera((Move("dolly_in", 0.5),)), (Effect("ripple"), Effect("clouds")))
    written = compose(motion, WAN)
    assert written.prompt == (
        "a red boat drifts past. The camera slowly pushes in. Small waves ripple across the water. Clouds drift across the sky."
    )
    assert written.negative == "blurry"
    assert written.choice.value == written.prompt


def test_how_far_the_camera_goes_is_said_as_its_pace() -> None:
    said = [compose(Motion(camera=Camera((Move("orbit_left", amount),))), WAN).prompt for amount in (0.2, 0.5, 0.9)]
    assert said == [f"The camera {pace}circles left around the subject." for pace in ("very slowly ", "slowly ", "")]


def test_a_camera_that_does_nothing_holds_still() -> None:
    for camera in (Camera((Move("static"),)), Camera((Move("pan_left", 0.0),)), Camera(())):
        assert compose(Motion("steam rises", camera=camera), WAN).prompt == "steam rises. The camera holds still."


def test_an_effect_of_no_amount_is_not_said_and_none_is_said_twice() -> None:
    effects = (Effect("fog", 0.0), Effect("wind", region="foliage"), Effect("wind", region="background"))
    assert compose(Motion(effects=effects), WAN).prompt.count("sway in the wind") == 1
    assert "fog" not in compose(Motion(effects=effects), WAN).prompt


def test_a_model_that_reads_no_words_is_given_none() -> None:
    written = compose(Motion("a red boat", "blurry"), SVD)
    assert (written.prompt, written.negative) == ("", "")
    assert "no words" in written.choice.reason


def test_a_model_without_guidance_gets_no_negative_prompt() -> None:
    assert compose(Motion("a red boat", "blurry"), FAST).negative == ""


def test_a_sentence_ends_once() -> None:
    assert [sentence(words) for words in ("", "  ", "It moves", "It moves.", "Does it?")] == [
        "",
        "",
        "It moves.",
        "It moves.",
        "Does it?",
    ]
