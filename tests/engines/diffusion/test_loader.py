"""Loading tiny checkpoints of the real classes from their folders: what is taken, what is shared, and what is said of damage."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio import nouns
from studio.cards import ModelCard
from studio.engines.base import Stopped
from studio.engines.diffusion.files.components import find_components
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.memory import loader
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents, identify
from studio.nouns import Progress, Refusal

Tiny = Callable[[str], ModelCard]
PUBLISHED = Fit("slowly", "", "", "resident", "published")
FP8 = Fit("slowly", "", "", "resident", "fp8")


def nothing(progress: Progress) -> None:
    pass


def folders(card: ModelCard, *companions: Path | None) -> Folders:
    assert card.checkpoint is not None
    return Folders(Path(card.checkpoint.repo), companions)


def load(
    card: ModelCard, shared: SharedComponents | None = None, fit: Fit = PUBLISHED, tick: Any = nothing, where: Any = None
) -> Any:
    return loader.load(card, where or folders(card), fit, tick, shared or SharedComponents())


def named(card: ModelCard, name: str) -> ModelCard:
    return nouns.replace(card, id=name)


def changed(card: ModelCard, **changes: Any) -> ModelCard:
    return nouns.replace(card, checkpoint=nouns.replace(card.checkpoint, **changes))


@pytest.fixture
def copied(tiny: Tiny, tmp_path: Path) -> Callable[[str], ModelCard]:
    """A tiny checkpoint in a folder of its own, to be damaged."""

    def copy(name: str) -> ModelCard:
        card = tiny(name)
        assert card.checkpoint is not None
        place = tmp_path / name
        shutil.copytree(card.checkpoint.repo, place)
        return changed(card, repo=str(place))

    return copy


@pytest.mark.parametrize("name", ["wan21_i2v", "wan22_a14b", "wan22_ti2v_5b", "ltx2_i2v", "svd", "hunyuan15_i2v", "framepack"])
def test_the_cards_own_class_with_every_component_it_has(tiny: Tiny, name: str) -> None:
    import diffusers
    import torch

    card, said = tiny(name), list[Progress]()
    assert card.checkpoint is not None
    pipe = load(card, tick=said.append)
    assert type(pipe) is getattr(diffusers, card.checkpoint.pipeline)
    index = json.loads((Path(card.checkpoint.repo) / "model_index.json").read_text())
    for key, value in index.items():
        if isinstance(value, list) and value[0] is not None and not key.startswith("_"):
            component = getattr(pipe, key)
            assert type(component).__name__.startswith(value[1]), key
            if isinstance(component, torch.nn.Module):
                assert not component.training and not any(one.is_meta for one in component.parameters())
        elif not isinstance(value, list) and not key.startswith("_"):
            assert pipe.config[key] == value, key
    assert [one.done for one in said] == sorted(one.done for one in said)
    assert all(one.stage == "load" and 0 <= one.done <= one.total for one in said)
    assert "Loading the denoiser" in {one.note for one in said}


def test_what_it_will_take_is_known_before(tiny: Tiny) -> None:
    for name in ("wan22_a14b", "svd"):
        card = tiny(name)
        sizes = loader.estimate_sizes(card, folders(card), PUBLISHED, cpu=True)
        pipe = load(card)
        real = sum(one.numel() * one.element_size() for module in pipe.components.values()
                   if hasattr(module, "parameters") for one in module.parameters())  # fmt: skip
        assert sum(sizes.values()) == pytest.approx(real, rel=0.1)


def test_a_component_from_elsewhere_is_the_one_that_runs(tiny: Tiny, copied: Callable[[str], ModelCard]) -> None:
    """diffusers' own `DiffusionPipeline.from_pretrained` ignores an image encoder and denoiser passed for Wan."""
    import torch

    main, other = tiny("wan21_i2v"), copied("wan21_i2v")
    assert other.checkpoint is not None
    for name in ("image_encoder", "transformer"):
        card = changed(main, companions=[{"kind": "component", "repo": "else/where", "target": name, "subfolder": name}])
        there = folders(card, Path(other.checkpoint.repo))
        source = next(part for part in find_components(card, there) if part.name == name)
        assert source.folder == Path(other.checkpoint.repo) / name
        module = loader.find_class(source).from_pretrained(source.folder)
        with torch.no_grad():
            next(module.parameters()).fill_(0.125)
        module.save_pretrained(source.folder)
        pipe = load(card, where=there)
        assert torch.all(next(getattr(pipe, name).parameters()) == 0.125)
        assert not torch.all(next(getattr(load(main), name).parameters()) == 0.125)


def test_a_component_of_another_class_replaces_the_main_ones(tiny: Tiny, copied: Callable[[str], ModelCard]) -> None:
    """As FramePack: HunyuanVideo's repository, with a denoiser, an image encoder and its processor from two others."""
    from diffusers import HunyuanVideoFramepackTransformer3DModel

    card, parted = copied("framepack"), tiny("framepack")
    assert card.checkpoint is not None and parted.checkpoint is not None
    main, other = Path(card.checkpoint.repo), Path(parted.checkpoint.repo)
    for name in ("transformer", "image_encoder", "feature_extractor"):
        shutil.rmtree(main / name)
    index = json.loads((main / "model_index.json").read_text())
    index["_class_name"] = "HunyuanVideoPipeline"
    index["transformer"] = ["diffusers", "HunyuanVideoTransformer3DModel"]
    del index["image_encoder"], index["feature_extractor"]
    (main / "model_index.json").write_text(json.dumps(index))
    card = changed(card, companions=[
        {"kind": "component", "repo": "a/b", "target": "transformer", "subfolder": "transformer",
         "kind_of": "HunyuanVideoFramepackTransformer3DModel"},
        {"kind": "component", "repo": "c/d", "target": "image_encoder", "subfolder": "image_encoder",
         "kind_of": "SiglipVisionModel"},
        {"kind": "component", "repo": "c/d", "target": "feature_extractor", "subfolder": "feature_extractor",
         "kind_of": "SiglipImageProcessor"},
    ])  # fmt: skip
    pipe = load(card, where=folders(card, other, other, other))
    assert type(pipe.transformer) is HunyuanVideoFramepackTransformer3DModel
    assert type(pipe.image_encoder).__name__ == "SiglipVisionModel" and pipe.feature_extractor is not None


def test_what_two_cards_have_in_common_is_loaded_once_and_goes_with_the_last(tiny: Tiny) -> None:
    shared = SharedComponents()
    first, second = tiny("wan21_i2v"), tiny("wan22_a14b")
    a, b = load(first, shared), load(second, shared)
    assert b.text_encoder is a.text_encoder and b.vae is a.vae
    assert b.transformer is not a.transformer and b.scheduler is not a.scheduler
    assert set(shared.list_reused(second.id)) == {"text_encoder", "vae"} and shared.list_reused(first.id) == ()
    encoder = weakref.ref(a.text_encoder)
    del a
    shared.leave(first.id)
    gc.collect()
    assert encoder() is b.text_encoder
    del b
    shared.leave(second.id)
    gc.collect()
    assert encoder() is None


def test_identity_is_of_content_and_not_of_place(tiny: Tiny, copied: Callable[[str], ModelCard]) -> None:
    here, there = tiny("wan21_i2v"), copied("wan21_i2v")

    def who(card: ModelCard, name: str, dtype: str = "float32") -> str:
        return identify(next(part for part in find_components(card, folders(card)) if part.name == name), dtype)

    assert who(here, "text_encoder") == who(there, "text_encoder")
    assert who(here, "text_encoder") != who(here, "text_encoder", "bfloat16")
    assert who(here, "text_encoder") != who(tiny("ltx_i2v"), "text_encoder"), "UMT5 and T5"
    assert there.checkpoint is not None
    folder = Path(there.checkpoint.repo) / "text_encoder"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_version": "0.0", "_name_or_path": "x"}))
    assert who(here, "text_encoder") == who(there, "text_encoder"), "who wrote a config doesn't matter"
    (folder / "config.json").write_text(json.dumps({**config, "layer_norm_epsilon": 0.5}))
    assert who(here, "text_encoder") != who(there, "text_encoder")
    (folder / "config.json").write_text(json.dumps(config))
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    assert who(here, "text_encoder") != who(there, "text_encoder")


def test_a_link_into_the_hubs_cache_is_known_by_its_blob(tiny: Tiny, copied: Callable[[str], ModelCard], tmp_path: Path) -> None:
    card = copied("wan21_i2v")
    assert card.checkpoint is not None
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    file = Path(card.checkpoint.repo) / "vae" / "diffusion_pytorch_model.safetensors"
    shutil.move(file, blobs / "abc123")
    file.symlink_to(blobs / "abc123")
    first = {part.name: identify(part, "") for part in find_components(card, folders(card)) if part.weights}
    shutil.move(blobs / "abc123", blobs / "def456")
    file.unlink()
    file.symlink_to(blobs / "def456")
    second = {part.name: identify(part, "") for part in find_components(card, folders(card)) if part.weights}
    assert first["vae"] != second["vae"] and first["text_encoder"] == second["text_encoder"]
    load(card)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def unfinished(file: Path) -> None:
    shutil.move(file, file.with_name(file.name + ".incomplete"))


def other_weights(file: Path) -> None:
    from safetensors.numpy import load_file, save_file

    save_file({f"else.{name}": tensor for name, tensor in load_file(file).items()}, file)


DIT, VAE = "transformer/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors"
DAMAGE: list[tuple[str, Callable[[Path], Any], str]] = [
    (DIT, Path.unlink, "denoiser"),
    (DIT, cut, "cut short"),
    (DIT, unfinished, "not finished"),
    (DIT, lambda file: file.write_bytes(b""), "empty"),
    (DIT, lambda file: file.write_bytes(b"\x00" * 5000), "damaged"),
    (DIT, other_weights, "another model"),
    (VAE, lambda file: shutil.rmtree(file.parent), "vae is missing"),
    ("vae/config.json", lambda file: file.write_bytes(b""), "config.json is empty"),
    ("vae/config.json", lambda file: file.write_text("{"), "config.json is damaged"),
    ("vae/config.json", lambda file: file.write_text("{}"), "VAE"),
    ("text_encoder/config.json", Path.unlink, "config.json is missing"),
    ("model_index.json", Path.unlink, "model_index.json is missing"),
    ("model_index.json", lambda file: file.write_bytes(b""), "model_index.json is empty"),
    ("model_index.json", lambda file: file.write_text(file.read_text().replace("AutoencoderKLWan", "NoSuchVae")), "NoSuchVae"),
    ("", shutil.rmtree, "not on this disk"),
]


@pytest.mark.parametrize(("file", "damage", "said"), DAMAGE)
def test_damage_is_told_in_the_users_words(
    copied: Callable[[str], ModelCard], file: str, damage: Callable[[Path], Any], said: str
) -> None:
    card, shared = copied("wan22_a14b"), SharedComponents()
    assert card.checkpoint is not None
    damage(Path(card.checkpoint.repo) / file)
    with pytest.raises(Refusal) as refused:
        load(card, shared)
    assert said in refused.value.reason, refused.value.reason
    assert "Models tab" in refused.value.remedy
    assert shared.list_users("") == frozenset() and not shared._components, "nothing that was loaded before the damage stays"


def test_missing_shards_are_counted(copied: Callable[[str], ModelCard]) -> None:
    from diffusers import WanTransformer3DModel

    card = copied("wan22_a14b")
    assert card.checkpoint is not None
    folder = Path(card.checkpoint.repo) / "transformer"
    model = WanTransformer3DModel.from_pretrained(folder)
    shutil.rmtree(folder)
    model.save_pretrained(folder, max_shard_size="40KB")
    load(card)
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 2
    shards[1].unlink()
    with pytest.raises(Refusal, match=f"1 of its {len(shards)} files are missing"):
        load(card)


def test_a_variant_is_taken_where_there_is_one(copied: Callable[[str], ModelCard]) -> None:
    card = copied("svd")
    assert card.checkpoint is not None
    folder = Path(card.checkpoint.repo)
    for name in ("unet", "image_encoder"):
        for file in (folder / name).glob("*.safetensors"):
            file.rename(file.with_suffix(".fp16.safetensors"))
    card = changed(card, variant="fp16")
    assert {part.name for part in find_components(card, folders(card)) if part.variant} == {"unet", "image_encoder"}
    assert type(load(card).unet).__name__ == "UNetSpatioTemporalConditionModel"


def test_a_stop_between_components_leaves_nothing(tiny: Tiny) -> None:
    card, shared, seen = tiny("wan21_i2v"), SharedComponents(), list[str]()

    def tick(progress: Progress) -> None:
        seen.append(progress.note)
        if progress.note == "Loading the denoiser":
            raise Stopped

    with pytest.raises(Stopped):
        load(card, shared, tick=tick)
    assert "Loading the text encoder" in seen
    assert not shared._components and shared.list_reused(card.id) == ()


def test_fp8_narrows_the_denoisers_alone_and_still_runs(tiny: Tiny) -> None:
    import torch

    card = tiny("wan22_a14b")
    plain, narrow = load(card), load(card, fit=FP8)
    sizes = [sum(one.numel() * one.element_size() for one in pipe.transformer_2.parameters()) for pipe in (plain, narrow)]
    assert sizes[1] < 0.75 * sizes[0], "norms and embeddings stay whole, and are much of so small a model"
    assert all(one.dtype == torch.float32 for one in narrow.text_encoder.parameters())
    given = {
        "hidden_states": torch.zeros(1, 36, 3, 8, 8), "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": torch.ones(1, 8, 32), "return_dict": False,
    }  # fmt: skip
    with torch.no_grad():
        a, b = plain.transformer(**given)[0], narrow.transformer(**given)[0]
    assert a.dtype == b.dtype == torch.float32
    assert 0 < (a - b).abs().max() < 0.2 * a.abs().max()


@pytest.fixture
def lora(tmp_path: Path) -> Callable[[str, float], Path]:
    """A tiny LoRA file for the tiny Wan denoiser, in diffusers' own form: one layer of each block, all of one value."""

    def make(name: str, value: float) -> Path:
        import torch
        from safetensors.torch import save_file

        tensors = {}
        for block in range(2):
            key = f"transformer.blocks.{block}.attn1.to_q"
            tensors[f"{key}.lora_A.weight"] = torch.full((4, 24), value)
            tensors[f"{key}.lora_B.weight"] = torch.full((24, 4), value)
        (tmp_path / "loras").mkdir(exist_ok=True)
        save_file(tensors, tmp_path / "loras" / name)
        return tmp_path / "loras"

    return make


@pytest.mark.parametrize("fit", [PUBLISHED, FP8])
def test_a_pair_of_loras_goes_into_its_two_denoisers(tiny: Tiny, lora: Callable[[str, float], Path], fit: Fit) -> None:
    import torch

    place = lora("high.safetensors", 0.5)
    lora("low.safetensors", 0.25)
    card = changed(tiny("wan22_a14b"), companions=[
        {"kind": "lora", "repo": "a/loras", "file": "high.safetensors", "target": "transformer"},
        {"kind": "lora", "repo": "a/loras", "file": "low.safetensors", "target": "transformer_2", "scale": 0.5},
    ])  # fmt: skip
    pipe = load(card, fit=fit, where=folders(card, place, place))
    for denoiser, value, scale in ((pipe.transformer, 0.5, 1.0), (pipe.transformer_2, 0.25, 0.5)):
        layer = denoiser.blocks[0].attn1.to_q
        (adapter,) = layer.lora_A
        assert torch.all(layer.lora_A[adapter].weight == value)
        assert layer.scaling[adapter] == scale and layer.active_adapters == [adapter]
    given = {
        "hidden_states": torch.linspace(-1, 1, 36 * 3 * 64).reshape(1, 36, 3, 8, 8).sin(), "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": torch.ones(1, 8, 32), "return_dict": False,
    }  # fmt: skip
    with torch.no_grad():
        assert not torch.allclose(pipe.transformer(**given)[0], load(tiny("wan22_a14b"), fit=fit).transformer(**given)[0])


def test_a_missing_and_a_foreign_lora_are_told(tiny: Tiny, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    card = changed(tiny("wan22_a14b"), companions=[{"kind": "lora", "repo": "a/b", "file": "x.safetensors"}])
    with pytest.raises(Refusal, match=r"x\.safetensors"):
        load(card, where=folders(card, tmp_path))
    with pytest.raises(Refusal, match="not on this disk"):
        load(card, where=folders(card, None))
    save_file({"transformer.nothing.lora_A.weight": torch.ones(2, 2)}, tmp_path / "x.safetensors")
    with pytest.raises(Refusal, match="LoRA"):
        load(card, where=folders(card, tmp_path))


def difference(one: Any, other: Any) -> float:
    """The largest difference between two denoisers' answers to the same noise."""
    import torch

    given = {
        "hidden_states": torch.randn(1, 36, 3, 8, 8, generator=torch.Generator().manual_seed(0)),
        "timestep": torch.tensor([500]),
        "encoder_hidden_states": torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(1)),
    }
    with torch.inference_mode():
        return float((one(**given).sample.float() - other(**given).sample.float()).abs().max())


def test_int8_weights_are_smaller_and_answer_almost_the_same(tiny: Tiny) -> None:
    card = tiny("wan22_a14b")
    whole, small = load(card), load(card, fit=Fit("slowly", "", "", "managed", "int8"))
    kinds = {type(one.weight).__name__ for one in small.transformer.modules() if hasattr(one, "weight")}
    assert "Int8Tensor" in kinds, "nothing was rounded"
    assert 0 < difference(whole.transformer, small.transformer) < 0.1
    assert not any("Int8" in type(one).__name__ for one in small.text_encoder.parameters())


def test_a_gguf_file_takes_the_denoiser_s_place(tiny: Tiny, tmp_path: Path) -> None:
    import gguf

    card = changed(tiny("wan22_a14b"), companions=[{"kind": "gguf", "repo": "a/b", "file": "high.gguf", "target": "transformer"}])
    whole = load(tiny("wan22_a14b"))
    writer = gguf.GGUFWriter(tmp_path / "high.gguf", "wan")
    for name, tensor in whole.transformer.state_dict().items():
        writer.add_tensor(name, (tensor * 1.5 if name.startswith("proj_out") else tensor).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    taken = load(card, fit=Fit("slowly", "", "", "managed", "gguf"), where=folders(card, tmp_path))
    assert difference(whole.transformer, taken.transformer) > 1e-3, "the published weights were taken"
    assert difference(whole.transformer_2, taken.transformer_2) == 0
    again = load(card, where=folders(card, None))
    assert difference(whole.transformer, again.transformer) == 0


def test_dtypes_go_by_component_and_a_processor_takes_float32(tiny: Tiny) -> None:
    import torch

    card = changed(tiny("wan22_ti2v_5b"), dtype="bfloat16", dtypes={"vae": "float32"})
    on_gpu = loader.load(card, folders(card), PUBLISHED, nothing, SharedComponents(), cpu=False)
    assert on_gpu.transformer.dtype == torch.bfloat16 and on_gpu.text_encoder.dtype == torch.bfloat16
    assert on_gpu.vae.dtype == torch.float32
    assert load(card).transformer.dtype == torch.float32


def test_an_unknown_pipeline_is_told(tiny: Tiny) -> None:
    with pytest.raises(Refusal, match="NoSuchPipeline"):
        load(changed(tiny("ltx_i2v"), pipeline="NoSuchPipeline"))


def test_a_modular_pipeline_takes_its_components_too(tiny: Tiny) -> None:
    """Some models have no other kind; it is filled after it is made, and never by its own index, which may name the hub."""
    pipe = load(changed(tiny("ltx_i2v"), pipeline="LTXModularPipeline"))
    assert type(pipe).__name__ == "LTXModularPipeline"
    assert all(pipe.components[name] is not None for name in ("transformer", "vae", "text_encoder", "tokenizer", "scheduler"))
