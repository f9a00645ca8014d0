"""Directing from the command line: look, check, read, compose, recommend, motions, and what they mean for animate."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.cli import arguments
from studio.config import ASSETS
from studio.nouns import Move, Shot
from studio.presets import motions

PHOTO = ASSETS / "samples" / "stream.jpg"
SMALL = ("--size", "240p", "--seconds", "1", "--fps", "16")

Say = Callable[..., tuple[int, str, str]]


def told(stir: Say, *words: object) -> object:
    """What a command prints as JSON."""
    code, out, err = stir(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_look_finds_what_will_hurt_and_keeps_nothing(stir: Say, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    with Image.open(PHOTO) as photo:
        photo.resize((photo.width // 2, photo.height // 2)).save(bad, quality=6)
    good, hurt = told(stir, "look", PHOTO), told(stir, "look", bad, "--for", "9:16", "--size", "1080p")
    assert isinstance(good, dict)
    assert isinstance(hurt, dict)
    codes = {finding["code"] for finding in hurt["findings"] if finding["level"] == "mend"}
    assert {"blocks", "small"} <= codes
    assert "blocks" not in {finding["code"] for finding in good["findings"] if finding["level"] == "mend"}
    assert not list((tmp_path / "home").rglob("*.jpg"))
    code, out, _ = stir("look", bad, "--for", "reels")
    assert code == 0
    assert "!" in out


def test_a_photo_that_is_cut_short_opens_when_it_is_asked_for(stir: Say, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(PHOTO.read_bytes()[: PHOTO.stat().st_size * 6 // 10])
    code, _, err = stir("look", cut)
    assert code == 2 and "57% of it is there" in err and "(--open-damaged)" in err
    code, out, err = stir("look", cut, "--open-damaged")
    assert code == 0, err
    assert "1920x735" in out and "only 57% of the picture is there" in out


def test_check_names_words_reason_and_fix(stir: Say) -> None:
    prompt = "the camera pans left and pans right while she smiles"
    findings = told(stir, "check", prompt, "--seconds", "5", "--model", "wan22-ti2v-5b")
    assert isinstance(findings, list)
    (found,) = [one for one in findings if one["code"] == "camera_conflict"]
    assert "pan" in prompt[found["start"] : found["end"]]
    assert found["reason"]
    assert told(stir, "check", found["fix"]) != findings
    code, out, _ = stir("check", prompt)
    assert code == 0
    assert "camera_conflict" in out


def test_check_says_what_will_be_seen_and_what_will_not(stir: Say) -> None:
    _, out, _ = stir("check", "camera slowly pushes in, cars moving, a red car on a road")
    assert "You'll see: slow push in." in out
    assert "Parallax won't show: cars moving." in out
    assert "As in the photo: a red car on a road." in out
    assert "reads well" not in out
    assert stir("check", "camera slowly pushes in, leaves rustle")[1].startswith("This reads well.")
    assert "is told all of it" in stir("check", "cars moving, the camera stays still", "--model", "wan22-ti2v-5b")[1]


def test_moves_in_sequence_by_flags_and_in_words(stir: Say) -> None:
    words = told(stir, "read", "dolly in fast, then orbit left slowly")
    assert isinstance(words, dict)
    assert [(one["moves"][0]["name"], one["speed"]) for one in words["camera"]["then"]] == [("orbit_left", "slow")]
    assert "dolly_in 0.6, fast, then orbit_left 0.6, slow" in stir("read", "dolly in fast, then orbit left slowly")[1]
    flags = ("--move", "dolly in", "--speed", "fast", "--then", "slow orbit left and tilt up", "--then", "zoom out")
    said = stir("compose", *flags)[1]
    assert said.startswith("First the camera quickly pushes in, then it slowly circles left around the subject and tilts up")
    assert "then it zooms out." in said
    code, _, err = stir("compose", "--then", "orbit sideways")
    assert code and "orbit sideways" in err


def test_read_gives_the_motion(stir: Say) -> None:
    said = told(stir, "read", "camera slowly pushes in, leaves rustle, light stays constant")
    assert isinstance(said, dict)
    motion = Shot.from_json(json.dumps({"photo": {"id": "0" * 64, "width": 9, "height": 9}, "motion": said})).motion
    assert [move.name for move in motion.camera.moves] == ["dolly_in"]
    assert motion.camera.speed == "slow"
    assert [effect.name for effect in motion.effects] == ["wind"]
    assert "constant" in motion.light


def test_read_says_the_loop(stir: Say) -> None:
    assert stir("read", "The clip loops seamlessly.")[1].split() == ["camera", "loop"]


def test_compose_speaks_a_models_dialect_and_says_what_it_cannot_obey(stir: Say) -> None:
    flags = (
        "--subject",
        "the woman",
        "--action",
        "turns her head",
        "--move",
        "push in",
        "--speed",
        "slow",
        "--still",
        "the house",
    )
    plain, wan = told(stir, "compose", *flags), told(stir, "compose", *flags, "--model", "wan22-ti2v-5b")
    mute = told(stir, "compose", *flags, "--model", "parallax")
    words = "slow pan left, waves roll in"
    assert told(stir, "compose", words, *flags) == told(stir, "compose", "--prompt", words, *flags) != plain
    assert isinstance(plain, dict)
    assert isinstance(wan, dict)
    assert isinstance(mute, dict)
    for words in ("woman", "turns her head", "slowly", "house"):
        assert words in plain["prompt"]
        assert words in wan["prompt"]
    assert mute["prompt"] == ""
    assert any("turns her head" in note for note in mute["notes"])


def test_the_examples_of_check_read_and_compose_work_as_printed(stir: Say) -> None:
    lines = re.findall(r"python -m studio (.+)", "\n".join((arguments.CHECK_HELP, arguments.READ_HELP, arguments.COMPOSE_HELP)))
    assert len(lines) == 6
    for line in lines:
        code, out, err = stir(*shlex.split(line))
        assert (code, bool(out.strip())) == (0, True), f"{line}: {err}"


def test_recommend_gives_two_or_three_reasons(stir: Say) -> None:
    picks = told(stir, "recommend", PHOTO, "--use", "travel", "--offline")
    assert isinstance(picks, list)
    assert 1 <= len(picks) <= 3
    assert picks[0]["model"] == "parallax"  # nothing else is on this computer
    code, out, _ = stir("recommend", PHOTO, "--sound")
    assert code == 0
    assert out.startswith("1. ")


def test_motions_are_listed_and_fit_the_photo(stir: Say) -> None:
    every, fitting = told(stir, "motions"), told(stir, "motions", PHOTO)
    assert isinstance(every, list)
    assert isinstance(fitting, list)
    assert sorted(one["id"] for one in every) == sorted(one["id"] for one in fitting)
    assert "water" in fitting[0]["kinds"]


def test_animate_starts_from_a_motion_and_hears_words(stir: Say) -> None:
    start = next(one for one in motions() if not any(effect.region == "brush" for effect in one.motion.effects))
    made = told(stir, "animate", PHOTO, "--motion", start.id, "--mend", "contrast:0.4", *SMALL)
    assert isinstance(made, list)
    shot = Shot.from_json(json.dumps(made[0]["shot"]))
    assert shot.motion.camera == start.motion.camera
    assert [(mend.name, mend.amount) for mend in shot.mends] == [("contrast", 0.4)]
    words = "the camera slowly pans left, clouds drift to the left"
    made = told(stir, "animate", PHOTO, "--prompt", words, "--model", "wan22-ti2v-5b", "--draft", "parallax", *SMALL)
    assert isinstance(made, list)
    shot = Shot.from_json(json.dumps(made[0]["shot"]))
    assert shot.motion.camera.moves == (Move("pan_left", 0.6),)
    assert shot.motion.camera.speed == "slow"
    assert shot.motion.effects[0].name == "clouds"
    assert shot.motion.effects[0].direction == 180
    assert (shot.model, shot.draft) == ("wan22-ti2v-5b", "parallax")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("animate", PHOTO, "--motion", "nonsense"), "motions"),
        (("animate", PHOTO, "--mend", "sharpen"), "denoise"),
        (("animate", PHOTO, "--mend", "denoise:much"), "0 to 1"),
        (("animate", PHOTO, "--speed", "warp"), "slow"),
        (("check", "she turns", "--model", "nobody"), "Choose one of"),
        (("look", "nothing.jpg"), "Check its name"),
        (("recommend", PHOTO, "--use", "war"), "--help"),
    ],
)
def test_what_cannot_be_understood_names_the_remedy(stir: Say, words: tuple[object, ...], remedy: str) -> None:
    code, _, err = stir(*words)
    assert code == 2
    assert remedy in err
    assert err.count("\n") == 1
