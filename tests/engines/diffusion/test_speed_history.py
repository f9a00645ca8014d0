"""What a machine learns of its own speed, and what it says before it knows any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from studio.cards import ModelCard, Plan, Published
from studio.engines.diffusion.diffusion_engine import plan_usual_clip
from studio.engines.diffusion.memory.compile_cache import find_missing_compiler
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.run.compile_forecast import foresee_compiling
from studio.engines.diffusion.run.speed_history import KEPT, History, Run
from studio.engines.prepare import Prepared
from studio.nouns import Crop, Photo, Shot, SpeedUp, replace
from studio.preferences import Weights

Tiny = Callable[[str], ModelCard]


def plan(width: int = 64, height: int = 64, frames: int = 9, steps: int = 2) -> Plan:
    return Plan((0, 0, width, height), width, height, frames, 16, steps=steps)


def test_times_carry_over_by_pixels_and_frames(tmp_path: Path, tiny: Tiny) -> None:
    card, history = tiny("wan21_i2v"), History(tmp_path / "models")
    for step in (2.0, 4.0, 3.0):
        history.add_run("RTX 4090", card, Run(64, 64, 9, 20, step, 6.0))
    assert history.estimate("RTX 4090", card, plan(steps=20)) == (pytest.approx(3.0 * 20 + 6.0), "from 3 clips made here")
    assert history.estimate("RTX 4090", card, plan(128, 64, steps=10))[0] == pytest.approx(2 * (3.0 * 10 + 6.0))
    assert history.estimate("RTX 4090", card, plan(frames=18, steps=10))[0] == pytest.approx(2 * (3.0 * 10 + 6.0))
    assert history.estimate("another GPU", card, plan())[0] is None, "other machines differ"
    assert history.estimate("RTX 4090", tiny("ltx_i2v"), plan())[0] is None
    again = History(tmp_path / "models")
    assert again.estimate("RTX 4090", card, plan(steps=20)) == history.estimate("RTX 4090", card, plan(steps=20))


def test_the_nearest_sizes_count_and_speedups_are_kept_apart(tmp_path: Path, tiny: Tiny) -> None:
    card, history = tiny("wan21_i2v"), History(tmp_path)
    for _ in range(6):
        history.add_run("x", card, Run(640, 640, 9, 10, 500.0, 0.0))
    for _ in range(5):
        history.add_run("x", card, Run(64, 64, 9, 10, 1.0, 0.0))
    history.add_run("x", card, Run(64, 64, 9, 10, 0.5, 0.0, ("first_block_cache",)))
    assert history.find_pace("x", card, plan()) == (pytest.approx(1.0), 0.0)
    assert history.find_pace("x", card, plan(), ("first_block_cache",)) == (pytest.approx(0.5), 0.0)
    assert history.find_pace("x", card, plan(), ("compile",)) is None


def test_before_the_first_clip_others_are_quoted(tmp_path: Path, tiny: Tiny) -> None:
    card, history = tiny("wan21_i2v"), History(tmp_path)
    assert history.estimate("x", card, plan_usual_clip(card)) == (None, "not known before the first clip")
    assert card.checkpoint
    for device, words in (("RTX 4090", "an RTX 4090"), ("single H100", "a single H100"), ("H100", "an H100")):
        told = Published(what="720p, 121 frames", device=device, seconds=524.8, source="its README")
        quoted = msgspec.structs.replace(card, checkpoint=msgspec.structs.replace(card.checkpoint, published=(told,)))
        seconds, basis = history.estimate("x", quoted, plan_usual_clip(quoted))
        assert seconds is None
        assert basis == f"published for {words}: 9 min for 720p, 121 frames; other machines differ"


def test_loads_are_learned_and_old_runs_give_way(tmp_path: Path, tiny: Tiny) -> None:
    card, history = tiny("wan21_i2v"), History(tmp_path)
    assert history.find_load_time("x", card) is None
    for seconds in (9.0, 3.0, 4.0):
        history.add_load("x", card, seconds)
    assert history.find_load_time("x", card) == 4.0
    for step in range(40):
        history.add_run("x", card, Run(64, 64, 9, 10, float(step), 0.0))
    assert (tmp_path / "history.json").read_text().count('"num_frames"') == KEPT
    assert history.find_pace("x", card, plan()) == (pytest.approx(37.0), 0.0), "the newest five"
    assert history.find_load_time("x", card) == 4.0


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x|y": {"runs": 3}}', '{"x|y": {"unknown": 3}}', "\xff"])
def test_a_damaged_file_teaches_nothing_and_stops_nothing(tmp_path: Path, tiny: Tiny, damage: str) -> None:
    card, history = tiny("wan21_i2v"), History(tmp_path)
    (tmp_path / "history.json").write_text(damage, "latin-1")
    assert history.estimate("x", card, plan())[0] is None
    history.add_run("x", card, Run(64, 64, 9, 10, 1.0, 0.0))
    assert history.find_pace("x", card, plan()) == (1.0, 0.0)


def test_a_place_that_cannot_be_written_costs_the_estimate_only(tmp_path: Path, tiny: Tiny) -> None:
    blocked = tmp_path / "models"
    blocked.write_text("not a folder")
    history = History(blocked)
    history.add_run("x", tiny("wan21_i2v"), Run(64, 64, 9, 10, 1.0, 0.0))
    assert history.find_pace("x", tiny("wan21_i2v"), plan()) is None
    assert list(tmp_path.iterdir()) == [blocked]


def test_whether_compiling_is_worth_it_is_said_before_a_run(tmp_path: Path, tiny: Tiny) -> None:
    card, history = tiny("wan21_i2v"), History(tmp_path)
    shot = Shot(Photo("0" * 64, 64, 64), Crop(0, 0, 1, 1), model=card.id, speedups=("compile",))
    here = Machine("cpu", "x", 0, 1)

    def say(speedups: tuple[SpeedUp, ...] = ("compile",), weights: Weights = "published") -> list[str]:
        asked = Prepared(replace(shot, speedups=speedups), card, plan(steps=20), shot)
        return [f"{one.value}: {one.reason}" for one in foresee_compiling(history, here, asked, weights)]

    if lacking := find_missing_compiler("cpu"):
        assert say() == [f"off: {lacking}"]
        return
    assert say(()) == [], "nothing is said of what isn't asked for"
    assert "worth it in long runs" in say()[0] and "19.5 s on an H100" in say()[0]
    assert "from about 11 steps on" in say((), "fp8_fast")[0], "blocks that multiply in fp8 are compiled unasked"
    history.add_run("x", card, Run(64, 64, 9, 20, 2.0, 1.0))
    history.add_run("x", card, Run(64, 64, 9, 20, 1.6, 1.0, ("compile",), compiling=3.0))
    history.add_run("x", card, Run(64, 64, 9, 20, 1.6, 1.0, ("compile",), compiling=0.1))
    assert say() == ["worth it from 8 steps on: compiling takes 3.0 s here and a step is 0.40 s shorter; this clip has 20 steps"]
    history.add_run("x", card, Run(64, 64, 9, 20, 1.0, 1.0, (), "fp8_fast", 3.0))
    assert history.find_pace("x", card, plan()) == (2.0, 1.0), "other weights have a pace of their own"
    assert "from 3 steps on" in say((), "fp8_fast")[0]
    for _ in range(5):
        history.add_run("x", card, Run(64, 64, 9, 20, 2.5, 1.0, ("compile",)))
    assert "no gain here" in say()[0]
