"""What trades likeness for time: attached where it says, of an effect that can be counted, and gone without a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from studio.cards import ModelCard
from studio.engines.diffusion.run import speedups, step_caches
from studio.nouns import Choice, SpeedUp
from tests.fakes import tiny_runs

STEPS = 9
Pipeline = Callable[[str], tuple[Any, ModelCard]]
CACHES: tuple[SpeedUp, ...] = ("first_block_cache", "mag_cache", "taylorseer")


def denoisers(pipe: Any, card: ModelCard) -> list[Any]:
    assert card.checkpoint is not None
    return [getattr(pipe, name) for name in card.checkpoint.denoisers]


def made(pipe: Any, card: ModelCard, steps: int = STEPS) -> NDArray[np.float32]:
    """A run of the shortest clip of five frames or more that the card makes."""
    assert card.checkpoint is not None
    asked = tiny_runs.request(card, steps=steps, own_steps=False, num_frames=max(5, card.checkpoint.lengths.least))
    return tiny_runs.run(pipe, card, asked).frames


def sped_up(
    pipe: Any, card: ModelCard, *names: SpeedUp, steps: int = STEPS, **more: Any
) -> tuple[NDArray[np.float32], list[Choice], int]:
    """Frames, what was said, and how many attention layers ran."""
    attention = [
        layer for each in denoisers(pipe, card) for name, layer in each.named_modules() if name.endswith(("attn1", "attn"))
    ]
    assert card.checkpoint is not None
    with (
        tiny_runs.counted(*attention) as calls,
        speedups.apply_speedups(pipe, denoisers(pipe, card), names, card.checkpoint, steps, **more) as choices,
    ):
        frames = made(pipe, card, steps)
    return frames, choices, calls[0]


def untouched(pipe: Any, card: ModelCard) -> bool:
    """Whether nothing of a speed-up is left on a pipeline's denoisers."""
    modules = [module for each in denoisers(pipe, card) for module in each.modules()]
    hooks = sum(step_caches.count_hooks(name, each) for name in CACHES for each in denoisers(pipe, card))
    return not hooks and not any(module._compiled_call_impl or module._forward_pre_hooks for module in modules)


@pytest.fixture(scope="module")
def plain(pipeline: Pipeline) -> Callable[[str], tuple[NDArray[np.float32], int]]:
    """A model's frames without any speed-up, and how many attention layers ran for them."""
    known: dict[str, tuple[NDArray[np.float32], int]] = {}

    def get(name: str) -> tuple[NDArray[np.float32], int]:
        if name not in known:
            frames, _, calls = sped_up(*pipeline(name))
            known[name] = frames, calls
        return known[name]

    return get


Plain = Callable[[str], tuple[NDArray[np.float32], int]]
CASES: list[tuple[str, SpeedUp]] = [
    *[(name, cache) for name in ("wan21_i2v", "ltx_i2v") for cache in CACHES],
    ("hunyuan15_i2v", "taylorseer"), ("ltx2_i2v", "taylorseer"), ("cogvideox_i2v", "mag_cache"),
    ("cogvideox_i2v", "taylorseer"), ("wan22_a14b", "taylorseer"), ("skyreels_v2", "mag_cache"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cache"), CASES)
def test_a_cache_skips_passes_and_leaves_no_trace(name: str, cache: SpeedUp, pipeline: Pipeline, plain: Plain) -> None:
    pipe, card = pipeline(name)
    card = tiny_runs.with_point(card, mag_ratios=(1.0, 1.0, 0.99, 0.98))
    usual, all_calls = plain(name)
    frames, choices, calls = sped_up(pipe, card, cache)
    assert [choice.value for choice in choices] == [speedups.ON], choices
    assert "skipped" in choices[0].reason
    assert calls < all_calls
    assert not np.array_equal(frames, usual)
    assert np.isfinite(frames).all()
    assert untouched(pipe, card)
    assert np.array_equal(made(pipe, card), usual)


def test_a_cache_that_found_nothing_to_skip_says_so(pipeline: Pipeline, plain: Plain) -> None:
    """The tiny CogVideoX's blocks change more from step to step than the first-block cache allows."""
    pipe, card = pipeline("cogvideox_i2v")
    frames, choices, _ = sped_up(pipe, card, "first_block_cache")
    assert choices[0].value == speedups.NOTHING
    assert "found nothing to skip" in choices[0].reason
    assert np.array_equal(frames, plain("cogvideox_i2v")[0])


@pytest.mark.parametrize("name", ["cogvideox_i2v", "hunyuan15_i2v"])
def test_a_cache_that_found_nothing_was_attached_all_the_same(name: str, pipeline: Pipeline, plain: Plain) -> None:
    """With a threshold that lets everything pass, these skip too."""
    from diffusers.hooks.first_block_cache import FirstBlockCacheConfig

    pipe, card = pipeline(name)
    assert step_caches.attach("first_block_cache", pipe.transformer, FirstBlockCacheConfig(threshold=10.0)) == 2
    frames = made(pipe, card)
    step_caches.detach(pipe.transformer)
    assert not np.array_equal(frames, plain(name)[0])
    assert np.array_equal(made(pipe, card), plain(name)[0])


def test_both_denoisers_of_a_pair_carry_the_cache(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan22_a14b")
    assert card.checkpoint is not None
    with speedups.apply_speedups(pipe, denoisers(pipe, card), ("first_block_cache",), card.checkpoint, STEPS):
        assert [step_caches.count_hooks("first_block_cache", each) for each in denoisers(pipe, card)] == [2, 2]


def test_the_steps_of_a_pair_are_shared_out_as_the_pipeline_does(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan22_a14b")
    first, second = denoisers(pipe, card)
    with tiny_runs.counted(first) as high, tiny_runs.counted(second) as low:
        made(pipe, card)
    passes = 2  # with and without the prompt
    assert step_caches.split_steps(pipe, STEPS, 2) == [high[0] // passes, low[0] // passes]


def test_a_unet_has_nothing_to_attach_to(pipeline: Pipeline) -> None:
    pipe, card = pipeline("svd")
    assert card.checkpoint is not None
    usual = made(pipe, card)
    for cache in CACHES:
        assert "no blocks" in step_caches.find_obstacle(pipe, denoisers(pipe, card), card.checkpoint, STEPS)
        with speedups.apply_speedups(pipe, denoisers(pipe, card), (cache,), card.checkpoint, STEPS) as choices:
            assert [choice.value for choice in choices] == [speedups.OFF]
    frames, choices, _ = sped_up(pipe, card, "first_block_cache", "compile")
    assert [choice.value for choice in choices] == [speedups.OFF, speedups.NOTHING]
    assert np.array_equal(frames, usual)


def test_a_model_it_does_not_fit_is_left_alone(pipeline: Pipeline) -> None:
    """LTX-2's blocks aren't known to diffusers' caches: enabling fails in the middle."""
    pipe, card = pipeline("ltx2_i2v")
    usual = made(pipe, card)
    frames, choices, _ = sped_up(pipe, card, "first_block_cache")
    assert choices[0].value == speedups.NOTHING
    assert "doesn't fit" in choices[0].reason
    assert untouched(pipe, card)
    assert np.array_equal(frames, usual)


def test_sections_carry_nothing_over(pipeline: Pipeline) -> None:
    pipe, card = pipeline("framepack")
    assert card.checkpoint is not None
    assert "sections" in step_caches.find_obstacle(pipe, denoisers(pipe, card), card.checkpoint, STEPS)


def test_a_pipeline_that_names_its_passes_is_told_from_one_that_does_not(pipeline: Pipeline) -> None:
    assert step_caches.has_cache_context(pipeline("wan21_i2v")[0])
    assert not step_caches.has_cache_context(pipeline("framepack")[0])
    assert not step_caches.has_cache_context(pipeline("svd")[0])


def test_few_steps_are_all_computed(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan21_i2v")
    frames, choices, _ = sped_up(pipe, card, "first_block_cache", steps=8)
    assert choices[0].value == speedups.OFF
    assert "8 steps" in choices[0].reason
    assert np.array_equal(frames, made(pipe, card, 8))


def test_only_one_cache_at_a_time(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx_i2v")
    _, choices, _ = sped_up(pipe, card, "taylorseer", "first_block_cache")
    assert [choice.value for choice in choices] == [speedups.ON, speedups.OFF]
    assert "TaylorSeer was first" in choices[1].reason


def test_a_run_that_is_stopped_leaves_nothing(pipeline: Pipeline, plain: Plain) -> None:
    pipe, card = pipeline("ltx_i2v")
    assert card.checkpoint is not None
    with (
        pytest.raises(KeyboardInterrupt),
        speedups.apply_speedups(pipe, denoisers(pipe, card), ("taylorseer",), card.checkpoint, STEPS),
    ):
        made(pipe, card, 5)
        raise KeyboardInterrupt
    assert untouched(pipe, card)
    assert np.array_equal(made(pipe, card), plain("ltx_i2v")[0])


def test_guessing_never_skips_blocks_whose_outcome_is_computed(pipeline: Pipeline) -> None:
    """A denoiser whose last layer is called otherwise would turn its pictures to nothing."""
    pipe, card = pipeline("wan21_i2v")
    config = step_caches.configure_taylorseer(pipe.transformer, STEPS)
    config.cache_identifiers = [r"last"]
    with pytest.raises(ValueError, match="isn't guessed"):
        step_caches.attach("taylorseer", pipe.transformer, config)
    assert untouched(pipe, card)


# ------------------------------------------------------------------------------------------------ MagCache's ratios
def test_mag_cache_without_ratios_is_off_where_it_may_not_measure(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx_i2v")
    assert sped_up(pipe, card, "mag_cache")[1][0].value == speedups.OFF


@pytest.mark.parametrize("name", ["ltx_i2v", "wan22_a14b"])
def test_mag_cache_measures_once_and_skips_from_then_on(
    name: str, pipeline: Pipeline, plain: Plain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe, card = pipeline(name)
    usual, all_calls = plain(name)
    frames, choices, calls = sped_up(pipe, card, "mag_cache", folder=tmp_path)
    assert choices[0].value == speedups.MEASURING
    assert calls == all_calls
    assert np.array_equal(frames, usual)
    assert card.checkpoint is not None
    each = step_caches.split_steps(pipe, STEPS, len(denoisers(pipe, card)))
    ratios = step_caches.find_ratios(card.checkpoint, each, tmp_path)
    assert [len(found) for found in ratios] == each
    assert all(found[0] == 1.0 and min(found) > 0 for found in ratios)
    assert sped_up(pipe, card, "mag_cache", folder=tmp_path)[1][0].value in (speedups.ON, speedups.NOTHING)
    assert capsys.readouterr().out == ""  # diffusers prints what it measured


def test_broken_ratios_are_measured_again(pipeline: Pipeline, tmp_path: Path) -> None:
    pipe, card = pipeline("ltx_i2v")
    sped_up(pipe, card, "mag_cache", folder=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text("[[1.0,")
    assert sped_up(pipe, card, "mag_cache", folder=tmp_path)[1][0].value == speedups.MEASURING


def test_a_stopped_run_measures_nothing(pipeline: Pipeline, tmp_path: Path) -> None:
    pipe, card = pipeline("ltx_i2v")
    assert card.checkpoint is not None
    given = (pipe, denoisers(pipe, card), ("mag_cache",), card.checkpoint, STEPS)
    with pytest.raises(KeyboardInterrupt), speedups.apply_speedups(*given, folder=tmp_path):
        made(pipe, card)
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_the_cards_ratios_are_stretched_over_all_steps_and_cut_between_a_pair(tiny: Callable[[str], ModelCard]) -> None:
    card = tiny_runs.with_point(tiny("wan22_a14b"), mag_ratios=(1.0, 0.9, 0.8, 0.7))
    assert card.checkpoint is not None
    assert step_caches.find_ratios(card.checkpoint, [3, 4], None) == [[1.0, 1.0, 0.9], [0.8, 0.8, 0.8, 0.7]]


# ------------------------------------------------------------------------------------------------ compiled blocks
def test_blocks_are_compiled_within_and_as_they_were_after(pipeline: Pipeline, plain: Plain) -> None:
    """By dynamo with the plain kernels: what a machine's compiler makes of them is its own affair, and slow."""
    import torch

    pipe, card = pipeline("ltx_i2v")
    torch._dynamo.utils.counters.clear()
    frames, choices, _ = sped_up(pipe, card, "compile", backend="eager")
    assert choices[0].value == speedups.ON
    assert "2 blocks" in choices[0].reason
    assert torch._dynamo.utils.counters["stats"]["calls_captured"] > 0
    assert np.abs(frames - plain("ltx_i2v")[0]).max() < 1e-3
    assert untouched(pipe, card)
    assert np.array_equal(made(pipe, card), plain("ltx_i2v")[0])
    torch._dynamo.utils.counters.clear()
    sped_up(pipe, card, "compile", backend="eager")
    assert torch._dynamo.utils.counters["stats"]["calls_captured"] == 0, "what was compiled wasn't found again"


def test_a_cache_works_on_compiled_blocks(pipeline: Pipeline, plain: Plain) -> None:
    pipe, card = pipeline("ltx_i2v")
    all_calls = plain("ltx_i2v")[1]
    _, choices, calls = sped_up(pipe, card, "taylorseer", "compile", backend="eager")
    assert [choice.value for choice in choices] == [speedups.ON, speedups.ON]
    assert calls < all_calls
    assert untouched(pipe, card)


def test_mag_cache_keeps_the_compiler_out(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx_i2v")
    card = tiny_runs.with_point(card, mag_ratios=(1.0, 1.0))
    _, choices, _ = sped_up(pipe, card, "mag_cache", "compile", backend="eager")
    assert [choice.value for choice in choices] == [speedups.ON, speedups.NOTHING]


def test_without_a_compiler_blocks_stay_as_they_are(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, card = pipeline("ltx_i2v")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    _, choices, _ = sped_up(pipe, card, "compile")
    assert choices[0].value == speedups.OFF
    assert "compiler" in choices[0].reason
