"""The assistant: real classes with random weights write nonsense, which is read and checked like anything else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.config import Settings
from studio.engines.assistant import LARGEST, LONGEST, Assistant, clean_answer
from studio.hung_threads import count_hung
from studio.motion.prompt_check import check_prompt
from studio.motion.read_prompt import read_motion
from studio.nouns import Refusal, replace
from studio.studio import Studio
from tests.fakes.tiny_assistant import WORDS, seer, writer
from tests.fakes.waiting import until

PHOTO = np.full((90, 120, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def writes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return writer(tmp_path_factory.mktemp("writer"))


@pytest.fixture(scope="module")
def sees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seer(tmp_path_factory.mktemp("seer"))


def going() -> None:
    """Nobody stops it."""


def test_a_language_model_rewrites_a_prompt(writes: Path) -> None:
    assistant = Assistant(writes)
    said = assistant.rewrite("the camera slowly pushes in", going)
    assert not assistant.sees
    assert said
    assert set(said.split()) <= set(WORDS)
    assert said == assistant.rewrite("the camera slowly pushes in", going)  # no dice are thrown
    assert read_motion(said) is not None
    assert all(0 <= one.start <= one.end <= len(said) for one in check_prompt(said))


def test_a_model_that_hangs_is_given_up_and_closing_does_not_wait(
    writes: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engines.assistant.CLOSE_SECONDS", 0.1)
    studio = Studio(settings)
    studio.models.alter(lambda now: replace(now, assistant=str(writes)))
    studio.assist._seconds = 0.5
    asking = studio.assist._open()._asking
    turn = asking.take()  # as one that is at its answer for ever
    assert turn
    for _ in range(2):
        with pytest.raises(Refusal, match="no sign of life"):
            studio.assist.rewrite("she turns")
    studio.close()
    asking.give_back(turn)
    until(lambda: count_hung() == 0)


def test_a_vision_model_proposes_a_motion_for_a_photo(sees: Path) -> None:
    assistant = Assistant(sees)
    assert assistant.sees
    assert assistant.propose(PHOTO, going)


def test_a_language_model_says_that_it_sees_nothing(writes: Path) -> None:
    with pytest.raises(Refusal, match="can't see"):
        Assistant(writes).propose(PHOTO, going)


def test_it_stops_in_the_middle_of_an_answer(writes: Path) -> None:
    asked: list[int] = []

    def stop() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Refusal("Enough.", "")

    with pytest.raises(Refusal, match="Enough"):
        Assistant(writes).rewrite("she turns", stop)
    assert len(asked) == 3
    assert Assistant(writes).rewrite("she turns", going)


@pytest.mark.parametrize("written", [None, "no json", "[]", json.dumps({"model_type": "nonsense"})])
def test_what_is_no_model_is_refused(tmp_path: Path, written: str | None) -> None:
    if written is not None:
        (tmp_path / "config.json").write_text(written)
        (tmp_path / "model.safetensors").write_bytes(b"12345678")
    with pytest.raises(Refusal):
        Assistant(tmp_path)


def test_weights_that_could_run_code_are_refused(writes: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((writes / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(Refusal, match="safetensors"):
        Assistant(tmp_path)


def test_a_model_too_large_to_help_is_refused(writes: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((writes / "config.json").read_bytes())
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(int(LARGEST) + 1)
    with pytest.raises(Refusal, match="too large"):
        Assistant(tmp_path)


def test_a_damaged_model_says_so(writes: Path, tmp_path: Path) -> None:
    for file in writes.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Refusal, match="can't be loaded"):
        Assistant(tmp_path).rewrite("she turns", going)


def test_an_answer_is_cleaned() -> None:
    assert clean_answer('Sure, here it is: "**The camera** pushes in."\n\nI hope this helps!') == "The camera pushes in."
    assert clean_answer("<think>x</think>  Assistant: She turns.\x07") == "x Assistant: She turns."
    assert len(clean_answer("word " * 400)) <= LONGEST
    assert clean_answer(" \n ") == ""


def test_it_is_off_until_a_folder_is_named(settings: Settings, writes: Path, tmp_path: Path) -> None:
    import msgspec

    studio = Studio(settings)
    assert studio.assist.state().value == "off"
    with pytest.raises(Refusal, match="no assistant"):
        studio.assist.rewrite("she turns")
    studio.models.alter(lambda now: msgspec.structs.replace(now, assistant=str(writes)))
    assert studio.assist.state().value == "writes"
    assert studio.assist.rewrite("she turns")
    studio.models.alter(lambda now: msgspec.structs.replace(now, assistant=str(tmp_path)))
    assert studio.assist.state().value == "off"
    assert "config.json" in studio.assist.state().reason
    studio.close()
