"""fp8 products on tiny denoisers of the real classes: which layers take part, how near a pass comes, LoRAs, and the refusals."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo import register_backend
from torch.multiprocessing.reductions import StorageWeakRef

from studio import nouns, presets
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.memory import compile_cache, fp8_products, fp8_trial, loader
from studio.engines.diffusion.memory.fp8_trial import ShapeTrial
from studio.engines.diffusion.memory.host_copies import HostCopies
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.model_cache import count_module_bytes
from studio.engines.diffusion.memory.model_manager import ModelManager
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.engines.diffusion.memory.streaming import attach_streaming, remove_streaming
from studio.engines.diffusion.run import speedups
from studio.nouns import Refusal, SpeedUp
from studio.preferences import Preferences, prefer, preferences
from tests.fakes import tiny_runs
from tests.rows import each_row

Tiny = Callable[[str], ModelCard]
PUBLISHED = Fit("yes", "", "", "resident", "published")
FAST = Fit("yes", "", "", "resident", "fp8_fast")
TINY = {
    "wan": "wan21_i2v", "ltx": "ltx_condition", "ltx2": "ltx2_condition", "hunyuan15": "hunyuan15_i2v", "framepack": "framepack",
    "cogvideox": "cogvideox15_i2v", "skyreels": "skyreels_v2", "kandinsky5": "kandinsky5_i2v", "helios": "helios",
}  # fmt: skip
LTX23: dict[str, Any] = {
    "gated_attn": True, "audio_gated_attn": True, "cross_attn_mod": True, "audio_cross_attn_mod": True,
    "use_prompt_embeddings": False,
}  # fmt: skip
"""What sets LTX-2.3's denoiser apart from LTX-2's, by the comments of its class."""

PASS = 0.08
"""Largest relative error of a pass of a tiny denoiser with random weights: one product is 0.037 off (two roundings to 3 bits)."""


def keep(family: str) -> tuple[str, ...]:
    """The layers that a shipped card of this family keeps."""
    found = (one.checkpoint for one in presets.cards() if one.checkpoint and one.checkpoint.family == family)
    return next(one.fp8_keep for one in found)


def carded(card: ModelCard, **changes: Any) -> ModelCard:
    """A tiny card that keeps what the shipped card of its family keeps."""
    assert card.checkpoint is not None
    changes = {"fp8_keep": keep(card.checkpoint.family), **changes}
    return nouns.replace(card, checkpoint=nouns.replace(card.checkpoint, **changes))


def folders(card: ModelCard, *companions: Path) -> Folders:
    assert card.checkpoint is not None
    return Folders(Path(card.checkpoint.repo), companions)


def load(card: ModelCard, *companions: Path, fit: Fit = FAST) -> Any:
    return loader.load(card, folders(card, *companions), fit, lambda _: None, SharedComponents())


CARDS = [one for one in presets.cards() if one.checkpoint and one.checkpoint.fp8_keep]


def build_empty(card: ModelCard, tiny: Tiny) -> Any:
    """The denoiser of a shipped card's class, as small as the tiny checkpoint's, without weights."""
    import diffusers
    from accelerate import init_empty_weights

    point, small = card.checkpoint, tiny(TINY[card.checkpoint.family]).checkpoint if card.checkpoint else None
    assert point is not None and small is not None
    kind = getattr(diffusers, next(one.class_name for one in point.components if one.name == point.denoisers[0]))
    config = {**kind.load_config(f"{small.repo}/transformer"), **(LTX23 if "ltx-23" in card.id else {})}
    with init_empty_weights():
        return kind.from_config(config)


@each_row("card", CARDS)
def test_a_card_names_exactly_the_layers_that_stay(tiny: Tiny, card: ModelCard) -> None:
    assert card.checkpoint is not None
    names, denoiser = card.checkpoint.fp8_keep, build_empty(card, tiny)
    blocks = fp8_products.find_blocks(denoiser)
    within = {id(layer) for block in blocks for layer in block.modules()}
    paths = {
        path: re.sub(r"\.\d+", "", path, count=1) if id(layer) in within else path
        for path, layer in denoiser.named_modules()
        if isinstance(layer, nn.Linear)
    }
    inner = {path for path, layer in denoiser.named_modules() if path in paths and id(layer) in within}
    named = {path for path in paths if fp8_products.is_named(paths[path], names)}
    taken = set(fp8_products.list_layers(denoiser, names))
    assert taken == inner - named, "every layer of the blocks that isn't named, and nothing else"
    assert set(paths) - inner <= named, "what lies outside of the blocks is named"
    unknown = [name for name in names if not any(fp8_products.is_named(path, (name,)) for path in paths.values())]
    assert not unknown, f"{type(denoiser).__name__} has no layers {unknown}"
    assert len(taken) >= 6 * len(blocks), "attention and feed-forward take part"


def test_cards_of_every_family_with_such_blocks_name_them() -> None:
    assert {one.checkpoint.family for one in CARDS if one.checkpoint} == set(TINY)
    without = {one.id for one in presets.cards() if one.checkpoint} - {one.id for one in CARDS}
    assert without == {"svd-xt", "i2vgen-xl", "sana-video"}, "U-Nets, and a denoiser that is mostly convolutions"


@contextmanager
def passes(denoiser: nn.Module) -> Generator[list[torch.Tensor]]:
    """What each pass of a denoiser returns."""
    out: list[torch.Tensor] = []
    hook = denoiser.register_forward_hook(lambda module, given, result: out.append(result[0].detach().clone()))
    try:
        yield out
    finally:
        hook.remove()


def run(pipe: Any, card: ModelCard, *names: SpeedUp, **more: Any) -> tuple[list[torch.Tensor], list[str]]:
    """Every pass of a short clip, and what was said of speed-ups."""
    assert card.checkpoint is not None
    asked, denoiser = tiny_runs.request(card, steps=4, own_steps=False), pipe.transformer
    with passes(denoiser) as out, speedups.apply_speedups(pipe, [denoiser], names, card.checkpoint, 4, **more) as choices:
        tiny_runs.run(pipe, card, asked)
    return out, [f"{one.what}: {one.value}: {one.reason}" for one in choices]


def apart(out: torch.Tensor, reference: torch.Tensor) -> float:
    return float((out.float() - reference.float()).norm() / reference.float().norm())


@each_row("name", ["ltx_condition", "cogvideox15_i2v"])
def test_a_pass_in_fp8_is_near_the_plain_one_and_weighs_less(tiny: Tiny, pipeline: Any, name: str) -> None:
    plain, card = pipeline(name)[0], carded(tiny(name))
    fast = load(card)
    first, said = run(fast, card, backend="eager")
    assert 1e-4 < apart(first[0], run(plain, card)[0][0]) < PASS
    assert fast.transformer.dtype == plain.transformer.dtype
    assert any(words.startswith("compiled blocks: on") for words in said), "compiled blocks go with it"
    shapes = fp8_trial.count_shapes(card, folders(card))
    layers = [one for one in fast.transformer.modules() if isinstance(one, fp8_products.Fp8Linear)]
    assert len(layers) == sum(shapes.values())
    assert shapes == Counter((one.in_features, one.out_features) for one in layers)
    saved = sum(3 * one.weight.numel() - 4 * one.out_features for one in layers)
    assert count_module_bytes(plain.transformer) - count_module_bytes(fast.transformer) == saved, "a byte for each number"


def test_one_denoiser_is_whole_at_a_time(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    card, gone, plain = carded(tiny("ltx_condition")), list[bool](), fp8_products.convert

    def watch(denoiser: nn.Module, names: tuple[str, ...]) -> int:
        layers: list[Any] = list(fp8_products.list_layers(denoiser, names).values())
        storages = [StorageWeakRef(layer.weight.untyped_storage()) for layer in layers]
        layers.clear()
        count = plain(denoiser, names)
        gone.extend(one.expired() for one in storages)
        return count

    monkeypatch.setattr(fp8_products, "convert", watch)
    load(card)
    assert gone and all(gone), "what was rounded is let go of at once"


def test_a_compiler_that_fails_costs_no_run(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "_faults", [])
    card = carded(tiny("ltx_condition"))
    pipe = load(card)
    out, said = run(pipe, card, backend="no such compiler")
    assert "compiled blocks: off: the compiler failed on this model's blocks" in said[-1] and "no such compiler" in said[-1]
    again, said = run(pipe, card, backend="no such compiler")
    assert torch.equal(out[-1], again[-1]) and "off: the compiler failed" in said[-1], "nor the next one"


def test_more_sizes_than_torch_s_own_limit_stay_compiled() -> None:
    import torch._dynamo as dynamo

    compile_cache.allow_sizes()
    graphs: list[int] = []
    layer = fp8_products.Fp8Linear(torch.ones(16, 16), None)

    def count(graph: Any, given: Any) -> Any:
        graphs.append(1)
        return graph.forward

    layer.compile(backend=count, dynamic=False)
    with torch.inference_mode():
        for tokens in range(2, 14):
            layer(torch.zeros(tokens, 16))
    assert len(graphs) == 12 > 8 and dynamo.config.recompile_limit >= 64


def test_the_preference_is_kept(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.prepare()
    prefer(settings, Preferences(weights={"wan21-i2v-480p": "fp8_fast"}))
    assert preferences(settings).weights == {"wan21-i2v-480p": "fp8_fast"}


# LoRAs, streaming, caches -----------------------------------------------------------------------------------------------


@pytest.fixture
def adapted(tiny: Tiny, tmp_path: Path) -> tuple[ModelCard, Path]:
    """A tiny card with a LoRA of three of its layers, one of which stays plain: an embedding's."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    card = tiny("ltx_condition")
    pipe, point = tiny_runs.load(card), card.checkpoint
    assert point is not None
    torch.manual_seed(3)
    layers = ["transformer_blocks.0.attn1.to_q", "transformer_blocks.1.ff.net.2", "proj_in"]
    pipe.transformer.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights=False, target_modules=layers))
    type(pipe).save_lora_weights(str(tmp_path), transformer_lora_layers=get_peft_model_state_dict(pipe.transformer))
    file = next(tmp_path.glob("*.safetensors"))
    lora = {"kind": "lora", "repo": "some/lora", "file": file.name, "target": "transformer", "scale": 0.5}
    return carded(card, companions=[lora]), tmp_path


def test_a_lora_is_merged_before_its_layer_is_rounded(adapted: tuple[ModelCard, Path]) -> None:
    card, place = adapted
    plain, fast = (load(card, place, fit=fit).transformer for fit in (PUBLISHED, FAST))
    for path in ("transformer_blocks.0.attn1.to_q", "transformer_blocks.1.ff.net.2"):
        before, after = plain.get_submodule(path), fast.get_submodule(path)
        (name,) = before.active_adapters
        delta = before.lora_B[name].weight.float() @ before.lora_A[name].weight.float() * before.scaling[name]
        assert before.scaling[name] == 0.5 and delta.abs().max() > 0
        values, scale = fp8_products.quantise_rows(before.base_layer.weight.float() + delta)
        assert isinstance(after, fp8_products.Fp8Linear)
        torch.testing.assert_close(after.scale, scale.t())
        away = (after.weight.float() * after.scale.t() - values.float() * scale).abs().max()
        assert away <= scale.max() * 32, "the merged weight, or beside a rounding's edge its neighbour"
        assert after.bias is not None and torch.equal(after.bias, before.base_layer.bias)
    kept = fast.get_submodule("proj_in")
    assert hasattr(kept, "base_layer") and kept.merged is False, "what stays plain keeps its LoRA beside it"
    merged = run(load(card, place), card, backend="eager")[0][0]
    assert apart(merged, run(load(card, place, fit=PUBLISHED), card)[0][0]) < PASS


def test_streamed_blocks_and_step_caches_go_with_fp8(tiny: Tiny) -> None:
    card = carded(tiny("ltx_condition"))
    pipe = load(card)
    whole = run(pipe, card, backend="eager")[0]
    attach_streaming(pipe.transformer, torch.device("cpu"), True)
    streamed, said = run(pipe, card)
    assert all(torch.equal(*pair) for pair in zip(streamed, whole, strict=True)), "the very same numbers"
    assert any("compiled blocks: off: blocks that are streamed" in words for words in said)
    remove_streaming(pipe.transformer)
    cached, said = run(pipe, card, "first_block_cache", backend="eager")
    assert len(cached) == len(whole) and any(words.startswith("first-block cache") for words in said)
    again = run(pipe, card, backend="eager")[0]
    assert all(torch.equal(*pair) for pair in zip(again, whole, strict=True)), "nothing of either is left"
    copies = HostCopies("cpu:0")
    copies.bring(pipe.transformer)
    moved = run(pipe, card, backend="eager")[0]
    copies.leave(pipe.transformer)
    assert all(torch.equal(*pair) for pair in zip(moved, whole, strict=True))
    assert copies.traffic.to_device == count_module_bytes(pipe.transformer) and not copies.traffic.from_device


# The trial ----------------------------------------------------------------------------------------------------------------


def told(columns: int, rows: int, error: float = 0.037, plain: float = 2.0, fast: float = 1.0, why: str = "") -> ShapeTrial:
    return ShapeTrial(columns, rows, error, plain, fast, why)


def too_slow(device: str, shape: tuple[int, int], backend: str) -> ShapeTrial:
    return told(*shape, fast=3.0)


def test_a_shape_is_tried_for_error_and_time() -> None:
    ticks = iter(range(1000))
    found = fp8_trial.try_shape("cpu", (64, 32), "", lambda: next(ticks) / 1000)
    assert (found.columns, found.rows, found.why) == (64, 32, "")
    assert 0.03 < found.error < fp8_trial.TOLERANCE and found.plain == found.fast == pytest.approx(1.0)
    assert "failed here" in fp8_trial.try_shape("cpu", (64, 32), "no such compiler").why


def test_every_shape_is_tried_compiled_also_the_ninth() -> None:
    """torch leaves a function uncompiled from its ninth size on; models have two to six shapes each."""
    compiled = 0

    def count(graph: Any, inputs: Any) -> Any:
        nonlocal compiled
        compiled += 1
        return graph.forward

    register_backend(count, name="counting")
    for number in range(10):
        assert not fp8_trial.try_shape("cpu", (96 + 16 * number, 32), "counting").why
    assert compiled == 10


def test_what_differs_or_is_no_faster_is_off_and_is_told_with_its_reason(tiny: Tiny, tmp_path: Path) -> None:
    card, here, settings = carded(tiny("ltx_condition")), Machine("cuda:0", "Imaginary GPU", 1, 1), Settings(tmp_path)
    shapes = fp8_trial.count_shapes(card, folders(card))
    asked: list[tuple[int, int]] = []

    def ask(answer: Callable[[int, int], ShapeTrial], machine: Machine = here) -> str:
        def by(device: str, shape: tuple[int, int], backend: str) -> ShapeTrial:
            asked.append(shape)
            return answer(*shape)

        try:
            fp8_trial.require_products(card, folders(card), machine, settings, lambda _: None, by)
        except Refusal as refusal:
            assert "automatic" in refusal.remedy
            return refusal.reason
        return ""

    assert ask(told) == "" and sorted(asked) == sorted(shapes)
    assert ask(told) == "" and len(asked) == len(shapes), "once on a device"
    rows = fp8_trial.list_products(here, settings)
    assert [(row.ok, row.ms, row.error) for row in rows] == [(True, 1.0, 0.037)] * len(shapes) and "2.00 ms" in rows[0].why
    others = [Machine("cuda:0", f"Imaginary GPU {number}", 1, 1) for number in range(3)]
    assert "differs by 20.0%" in ask(lambda columns, rows: told(columns, rows, error=0.2), others[0])
    assert "bfloat16 takes" in ask(lambda columns, rows: told(columns, rows, fast=1.99), others[1])
    assert "failed here" in ask(lambda columns, rows: told(columns, rows, why="failed here (RuntimeError: no kernel)"), others[2])
    assert not any(row.ok for other in others for row in fp8_trial.list_products(other, settings))


def test_a_model_manager_asks_before_it_reads_a_weight_and_lowers_it_without_reading_again(tiny: Tiny, tmp_path: Path) -> None:
    plenty = 80 * 10**9
    here = Machine("cpu:0", "a processor taken for a GPU", plenty, plenty, (9, 0), lambda: plenty, lambda: plenty)
    card = carded(tiny("ltx_condition"), dtype="bfloat16")

    def manage(name: str, by: Callable[[str, tuple[int, int], str], ShapeTrial]) -> ModelManager:
        settings = Settings(tmp_path / name)
        with suppress(Refusal):
            fp8_trial.require_products(card, folders(card), here, settings, lambda _: None, by)
        return ModelManager(settings, here, folders, lambda: Preferences(weights={card.id: "fp8_fast"}))

    slow = manage("slow", too_slow)
    with pytest.raises(Refusal, match="fp8 products are off"), slow.use(card, lambda _: None):
        pass
    slow.close()
    assert slow.loads == 0 and os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "slow" / "cache" / "compiled")
    manager, ways = manage("fast", lambda device, shape, backend: told(*shape)), list[str]()
    with manager.use(card, lambda _: None) as loaded:
        first = run(loaded.pipe, card, backend="eager")[0]
        while loaded is not None:
            assert loaded.fit.weights == "fp8_fast" and fp8_products.has_products(loaded.denoisers[0])
            assert all(torch.equal(*pair) for pair in zip(run(loaded.pipe, card, backend="eager")[0], first, strict=True))
            ways.append(loaded.fit.placement)
            loaded = manager.lower(loaded)
    manager.close()
    assert ways == ["resident", "managed", "grouped"] and manager.loads == 1


# What was compiled is kept ------------------------------------------------------------------------------------------------


def test_the_compiler_s_cache_is_in_the_home_folder_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    folder = compile_cache.keep_compiled(Settings(tmp_path))
    assert Path(cache_dir()) == folder == tmp_path / "cache" / "compiled"
    for number in range(4):
        file = folder / f"{number}" / "kernel.so"
        file.parent.mkdir()
        file.write_bytes(bytes(1000))
        os.utime(file, (1000 + number, 1000 + number))
    compile_cache.keep_compiled(Settings(tmp_path), 2500)
    assert sorted(file.parent.name for file in folder.rglob("*.so")) == ["2", "3"], "the oldest go first"
    other = compile_cache.keep_compiled(Settings(tmp_path / "other"))
    assert Path(cache_dir()) == other != folder, "another home has its own"
    monkeypatch.setenv(compile_cache.NAME, str(tmp_path / "theirs"))
    assert compile_cache.keep_compiled(Settings(tmp_path)) == tmp_path / "theirs", "the user's own word stands"


def test_what_a_machine_lacks_for_compiling_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "find_spec", dict[str, str]().get)
    assert "package triton" in compile_cache.find_missing_compiler("cuda:0")
    monkeypatch.setattr(sys, "platform", "win32")
    assert "triton-windows" in compile_cache.find_missing_compiler("cuda:0")
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    assert "Visual Studio" in compile_cache.find_missing_compiler("cpu")
    monkeypatch.setattr(compile_cache, "find_spec", str)
    assert compile_cache.find_missing_compiler("cuda:0") == ""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    assert "gcc or clang" in compile_cache.find_missing_compiler("cuda:1")
