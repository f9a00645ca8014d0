"""The diffusion engine from a photo to frames, for every family there is, and the shelf its models stand on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from studio import preferences
from studio.cards import Lengths, ModelCard
from studio.config import ROOT, Settings
from studio.engines import plan as planning
from studio.engines.base import Shelf
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.run.generation import fit_photo
from studio.engines.prepare import prepare
from studio.nouns import Camera, Crop, Motion, Photo, Progress, Refusal, Shot, Still
from studio.preferences import Preferences
from tests.fakes import faults, tiny

Tiny = Callable[[str], ModelCard]
NAMES = sorted(tiny.BUILDERS)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    """One engine for all families: they are loaded beside each other and share what they can."""
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    made = DiffusionEngine(settings, faults.machine())
    yield made
    made.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_becomes_a_clip_as_planned(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card, image = tiny(name), faults.photo()
    shot = faults.shot(image, card, crop=Crop(0.1, 0.2, 0.8, 0.5, "16:9"))
    seen: list[Progress] = []
    frames = engine.animate(prepare(shot, card), image, None, seen.append)
    planned = planning.plan(shot, card)
    one = faults.pixels(frames)
    assert one.dtype == np.uint8
    assert one.shape == (frames.num_frames, frames.height, frames.width, 3)
    assert (frames.num_frames, frames.width, frames.height) == (planned.num_frames, planned.width, planned.height)
    assert (frames.fps, frames.pixels) == (planned.fps, "rgb24")
    assert (frames.sound is not None) == ("sound" in card.supports)
    if frames.sound is not None:
        assert frames.sound.samples.ndim == 2
        assert len(frames.sound.samples[0]) / frames.sound.rate == pytest.approx(planned.seconds, abs=0.25)
    steps = [progress for progress in seen if progress.stage == "denoise"]
    assert {progress.total for progress in steps} == {steps[-1].done}, "every step was announced, and every one came"
    assert [progress.done for progress in steps] == sorted(progress.done for progress in steps)
    assert seen[-1].stage == "decode"

    again = faults.pixels(engine.animate(prepare(shot, card), image, None, seen.append))
    assert np.array_equal(again, one), "the same seed makes the same frames"
    other = faults.pixels(engine.animate(prepare(msgspec.structs.replace(shot, seed=6), card), image, None, seen.append))
    assert not np.array_equal(other, one), "another seed makes others"


def test_two_models_are_kept_and_switched(engine: DiffusionEngine, tiny: Tiny) -> None:
    one, other = tiny("wan21_i2v"), tiny("ltx_i2v")
    first = faults.pixels(faults.made(engine, one))
    faults.made(engine, other)
    loads = engine.manager.loads
    assert np.array_equal(faults.pixels(faults.made(engine, one)), first)
    assert engine.manager.loads == loads, "nothing was loaded again"
    assert [engine.state(card).memory for card in (one, other)] == ["ram", "ram"]


@pytest.mark.parametrize("name", ["wan22_a14b", "hunyuan15_i2v", "framepack", "i2vgen_xl"])
def test_a_prompt_is_read_once(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card = tiny(name)
    assert card.checkpoint
    pipe = faults.pipe_of(engine, card)
    words = Motion(prompt="a sentence that no other test says")
    with faults.counted(*(getattr(pipe, encoder) for encoder in card.checkpoint.encoders)) as calls:
        first = faults.made(engine, card, motion=words)
        assert calls
        calls.clear()
        again = faults.made(engine, card, motion=words, seed=99)
        assert not calls, "another seed needs no encoder"
        assert any("wasn't needed" in choice.reason for choice in again.choices)
        assert not any("wasn't needed" in choice.reason for choice in first.choices)
        assert np.array_equal(faults.pixels(faults.made(engine, card, motion=words)), faults.pixels(first))
        faults.made(engine, card, motion=Motion(prompt="another sentence"))
        assert calls, "another prompt does"


def test_what_is_avoided_belongs_to_the_prompt_only_with_guidance(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    words = [Motion(prompt="a boat", negative_prompt=avoid) for avoid in ("blurry", "dark")]
    guided = [faults.pixels(faults.made(engine, card, motion=motion, guidance=5.0)) for motion in words]
    assert not np.array_equal(*guided)
    plain = [faults.pixels(faults.made(engine, card, motion=motion, guidance=1.0)) for motion in words]
    assert np.array_equal(*plain)


def test_the_camera_is_said_in_words(engine: DiffusionEngine, tiny: Tiny) -> None:
    frames = faults.made(engine, tiny("wan21_i2v"), motion=Motion(prompt="a boat", camera=Camera()))
    prompt = next(choice for choice in frames.choices if choice.what == "prompt")
    assert prompt.value.startswith("A boat.") and "camera" in prompt.value


def test_an_end_photo_changes_the_clip(engine: DiffusionEngine, tiny: Tiny) -> None:
    card, image, last = tiny("wan21_flf2v"), faults.photo(), faults.photo("sunset")
    still = Still(Photo("1" * 64, last.shape[1], last.shape[0]), Crop(0.1, 0.1, 0.8, 0.8))
    shot = faults.shot(image, card)
    told = msgspec.structs.replace(shot, end=still)
    without = faults.pixels(engine.animate(prepare(shot, card), image, None, lambda progress: None))
    with_end = faults.pixels(engine.animate(prepare(told, card), image, last, lambda progress: None))
    assert with_end.shape == without.shape
    assert not np.array_equal(with_end, without)


@pytest.mark.parametrize("box", [(0.0, 0.0, 1.0, 1.0), (0.1, 0.3, 0.83, 0.41), (0.4, 0.05, 0.17, 0.9)])
def test_nothing_is_stretched(tiny: Tiny, box: tuple[float, float, float, float]) -> None:
    card, image = tiny("wan21_i2v"), faults.photo()
    shot = Shot(Photo("0" * 64, image.shape[1], image.shape[0]), Crop(*box), model=card.id)
    planned = planning.plan(shot, card)
    height, width, _ = planning.cut(image, planned).shape
    assert width / height == pytest.approx(planned.width / planned.height, abs=1.0 / min(width, height))
    still = planning.cut_end(image, Still(shot.photo, Crop(0.2, 0.1, 0.3, 0.8)), planned)
    assert still.shape[1] / still.shape[0] == pytest.approx(planned.width / planned.height, abs=1.5 / min(still.shape[:2]))


def test_a_round_thing_stays_round() -> None:
    y, x = np.mgrid[0:900, 0:1200]
    disc = np.where((x - 600) ** 2 + (y - 450) ** 2 < 300**2, 255, 0).astype(np.uint8)
    small = np.asarray(fit_photo(np.repeat(disc[..., None], 3, 2), (96, 72)))[..., 0] > 127
    across, down = small.any(axis=0).sum(), small.any(axis=1).sum()
    assert small.shape == (72, 96)
    assert abs(int(across) - int(down)) <= 1
    assert abs(int(across) - 48) <= 1


def test_a_clip_of_another_length_is_never_handed_over(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("ltx_i2v")
    assert card.checkpoint
    lies = Lengths(step=1, first=0, least=2, most=20, default=8)
    checkpoint = msgspec.structs.replace(card.checkpoint, lengths=lies)
    wrong = msgspec.structs.replace(card, id="tiny-wrong-lengths", checkpoint=checkpoint, seconds=(1.0, 2.5))
    with pytest.raises(Refusal, match=r"made 1 frames .* instead of 8"):
        faults.made(engine, wrong)


def test_progress_tells_pace_and_what_is_left(engine: DiffusionEngine, tiny: Tiny) -> None:
    seen: list[Progress] = []
    faults.made(engine, tiny("wan21_i2v"), seen.append, steps=4)
    assert [progress.note for progress in seen if progress.stage == "read"] == ["Reading the prompt", "Reading the photo"]
    later = [progress for progress in seen if progress.stage == "denoise" and progress.done > 0]
    assert all(progress.note.endswith("s a step") for progress in later)
    left = [progress.remaining for progress in later]
    assert all(one is not None and one > 0 for one in left), "the decode is still to come even after the last step"
    assert later[-1].elapsed > later[0].elapsed
    stages = [progress.stage for progress in seen]
    assert stages.index("read") < stages.index("denoise") < stages.index("decode")


def test_a_long_clips_sections_are_counted(engine: DiffusionEngine, tiny: Tiny) -> None:
    seen: list[Progress] = []
    faults.made(engine, tiny("framepack"), seen.append, steps=3)
    steps = [progress for progress in seen if progress.stage == "denoise"]
    assert (steps[0].total, steps[-1].done) == (6, 6), "two sections of three steps"
    assert all(progress.stage != "decode" for progress in seen[: seen.index(steps[-1])]), "a section's decode isn't the end"


def test_everything_automatic_is_told(engine: DiffusionEngine, tiny: Tiny) -> None:
    choices = faults.made(engine, tiny("wan21_i2v"), speedups=("first_block_cache", "mag_cache")).choices
    told = {choice.what for choice in choices}
    assert {"size", "length", "steps", "device", "placement", "weights", "prompt", "attention", "pace"} <= told
    assert {"first-block cache", "MagCache"} <= told
    assert all(choice.value and choice.reason for choice in choices)


def test_what_a_family_decides_by_itself_is_told(engine: DiffusionEngine, tiny: Tiny) -> None:
    told = {choice.what: choice.value for choice in faults.made(engine, tiny("wan21_flf2v")).choices}
    assert told["end"] == "the photo itself"


@pytest.mark.parametrize("name", ["svd", "wan21_i2v"])
def test_every_load_is_timed_once(tiny: Tiny, settings: Settings, name: str) -> None:
    card, engine = tiny(name), DiffusionEngine(settings, faults.machine())
    for seed in (1, 2):
        faults.made(engine, card, seed=seed)
    assert engine.history.find_load_time(engine.machine.name, card)
    known = msgspec.json.decode((settings.models / "history.json").read_bytes())
    assert [len(one["loads"]) for one in known.values()] == [1]
    engine.close()


def test_speedups_a_model_does_not_take_are_said_and_left_out(engine: DiffusionEngine, tiny: Tiny) -> None:
    plain = faults.made(engine, tiny("svd"))
    asked = faults.made(engine, tiny("svd"), speedups=("first_block_cache",))
    assert ("first-block cache", "off") in {(choice.what, choice.value) for choice in asked.choices}
    assert np.array_equal(faults.pixels(plain), faults.pixels(asked))


def test_the_kernel_is_set_anew_before_every_run(engine: DiffusionEngine, tiny: Tiny) -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName  # pyright: ignore

    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    expected = faults.pixels(faults.made(engine, card))
    pipe.transformer.set_attention_backend("_native_math")  # what another program part may have left behind
    assert np.array_equal(faults.pixels(faults.made(engine, card)), expected)
    processors = [module.processor for module in pipe.transformer.modules() if hasattr(module, "processor")]
    assert {processor._attention_backend for processor in processors} == {AttentionBackendName.NATIVE}


# The shelf -------------------------------------------------------------------------------------------------------------


def settled(check: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.02)
    return check()


def test_a_model_is_loaded_learned_and_let_go(tiny: Tiny, settings: Settings) -> None:
    card, engine = tiny("wan22_ti2v_5b"), DiffusionEngine(settings, faults.machine())
    assert isinstance(engine, Shelf)
    before = engine.state(card)
    assert (before.disk, before.memory, before.fits, before.expected) == ("here", "out", "slowly", None)
    engine.load(card)
    assert settled(lambda: engine.state(card).memory == "ram")
    assert engine.state(card).held > 100_000
    faults.made(engine, card)
    after = engine.state(card)
    assert after.expected is not None and after.expected > 0
    assert after.basis == "from a clip made here"
    engine.unload(card)
    assert settled(lambda: (engine.state(card).memory, engine.state(card).held) == ("out", 0))
    engine.close()
    engine.close()
    again = DiffusionEngine(settings, faults.machine())
    assert again.state(card).expected == pytest.approx(after.expected), "what was learned outlives the process"
    again.close()


def test_a_model_at_work_is_not_let_go(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    refused: list[str] = []

    def tick(progress: Progress) -> None:
        if progress.stage == "denoise" and not refused:
            with pytest.raises(Refusal) as told:
                engine.unload(card)
            refused.append(told.value.reason)

    frames = faults.made(engine, card, tick)
    assert refused and frames.num_frames == 9


def test_a_folder_is_adopted_and_never_deleted(tiny: Tiny, settings: Settings) -> None:
    engine = DiffusionEngine(settings, faults.machine())
    here = tiny("ltx_i2v")
    assert here.checkpoint
    folder = Path(here.checkpoint.repo)
    away = msgspec.structs.replace(here, checkpoint=msgspec.structs.replace(here.checkpoint, repo="someone/else"))
    assert engine.state(away).disk == "missing"
    with pytest.raises(Refusal, match="not on this disk"):
        faults.made(engine, away)
    with pytest.raises(Refusal, match="not on this disk"):
        engine.load(away)
    with pytest.raises(Refusal):
        engine.adopt(away, folder.parent)
    engine.adopt(away, folder)
    assert preferences.preferences(settings).folders == {away.id: str(folder)}
    assert engine.state(away).disk == "here"
    assert faults.made(engine, away).num_frames == 9
    with pytest.raises(Refusal):
        engine.delete(away)
    assert (folder / "model_index.json").exists()
    engine.close()


def test_what_a_run_would_lead_to_is_told_without_loading(engine: DiffusionEngine, tiny: Tiny) -> None:
    card, image = tiny("kandinsky5_i2v"), faults.photo()
    loads = engine.manager.loads
    told = {choice.what: choice for choice in engine.choices(prepare(faults.shot(image, card), card))}
    assert {"device", "placement", "weights", "attention", "prompt"} <= set(told)
    assert told["prompt"].value.startswith("The dogs run.")
    assert engine.manager.loads == loads
    assert {choice.what for choice in engine.gauge().choices} >= {"device", "memory cap"}


def test_a_chosen_kernel_is_used_or_said_why_not(tiny: Tiny, settings: Settings) -> None:
    engine = DiffusionEngine(settings, faults.machine(), preferences=lambda: Preferences(attention="sage", preview=False))
    frames = faults.made(engine, tiny("ltx_i2v"))
    kernel = next(choice for choice in frames.choices if choice.what == "attention")
    assert "sage" in kernel.reason.lower(), kernel
    engine.close()


def test_the_shelf_needs_no_torch() -> None:
    """A machine without a GPU shows its Models tab without waiting for torch."""
    code = (
        "import sys, pathlib; from studio import presets; from studio.config import Settings;"
        "from studio.engines.diffusion.diffusion_engine import DiffusionEngine;"
        "from studio.engines.diffusion.run import speed_history;"
        "from studio.engines.diffusion.memory.machine import Machine;"
        "engine = DiffusionEngine(Settings(pathlib.Path(sys.argv[1])), Machine('cpu', 'x', 0, 8_000_000_000));"
        "states = [engine.state(card) for card in presets.cards() if card.checkpoint];"
        "engine.gauge(); engine.close();"
        "print(len(states) > 10, sorted({'torch','diffusers','transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, "/nowhere"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "True []"


def test_frames_are_whole_pictures(engine: DiffusionEngine, tiny: Tiny) -> None:
    frames = faults.made(engine, tiny("svd"))
    first = next(frames.images)
    assert Image.fromarray(first).size == (frames.width, frames.height)
