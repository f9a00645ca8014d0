"""Weights read once, straight into modules: the same numbers as the libraries' own way, whatever the class, dtype and files."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cards import ModelCard
from studio.engines.base import Stopped
from studio.engines.diffusion.files.components import LocalComponent, find_components
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.safetensors_header import DamagedFile, list_tensors
from studio.engines.diffusion.library_setup import import_libraries
from studio.engines.diffusion.memory import loader
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.nouns import Progress, Refusal
from tests.fakes.tiny import BUILDERS

Tiny = Callable[[str], ModelCard]
PUBLISHED = Fit("slowly", "", "", "resident", "published")


def parts(card: ModelCard) -> list[LocalComponent]:
    """A card's components that have weights."""
    assert card.checkpoint is not None
    return [part for part in find_components(card, Folders(Path(card.checkpoint.repo))) if part.weights]


def by_library(part: LocalComponent, dtype: Any) -> Any:
    kind = loader.find_class(part)
    return kind.from_pretrained(str(part.folder), dtype=dtype, local_files_only=True).eval()


def directly(part: LocalComponent, dtype: Any) -> Any:
    from studio.engines.diffusion.memory.weight_reader import WeightReader

    made = loader._build(part, "published", dtype)
    assert made is not None and not made.missing, f"{part.class_name} is read by its library"
    with WeightReader([made.fills]) as reader:
        reader.wait(0, lambda: None)
        assert reader.done == sum(fill.source.size for fill in made.fills)
    return made.module


def assert_same(one: Any, other: Any, what: str) -> None:
    """Parameters and buffers bit for bit, how they lie in memory, which are one and the same, and the configuration."""
    import torch

    ours, theirs = ({**dict(each.named_parameters(remove_duplicate=False)), **dict(each.named_buffers(remove_duplicate=False))}
                    for each in (one, other))  # fmt: skip
    assert ours.keys() == theirs.keys(), what
    for name, mine in ours.items():
        its = theirs[name]
        assert (mine.dtype, mine.stride(), mine.requires_grad) == (its.dtype, its.stride(), its.requires_grad), f"{what} {name}"
        raw = [each.detach().contiguous().view(-1).view(torch.uint8) for each in (mine, its)]
        assert torch.equal(*raw), f"{what} {name}"
    same = [{name: [other for other in each if each[other] is each[name]] for name in each} for each in (ours, theirs)]
    assert same[0] == same[1], f"{what}: tied otherwise"
    assert one.config.to_json_string() == other.config.to_json_string() if hasattr(one.config, "to_json_string") else True
    assert str(getattr(one, "generation_config", "")) == str(getattr(other, "generation_config", "")), what


@pytest.mark.parametrize("name", [name for name in BUILDERS if name not in ("framepack_f1", "helios_pyramid", "cogvideox15_i2v")])
def test_every_family_s_weights_are_those_its_library_reads(tiny: Tiny, name: str) -> None:
    import torch

    import_libraries(tiny(name).checkpoint.pipeline)  # type: ignore[union-attr]
    for part in parts(tiny(name)):
        dtype = torch.bfloat16 if part.name != "vae" else torch.float32
        assert_same(directly(part, dtype), by_library(part, dtype), f"{name} {part.name}")


@pytest.fixture
def encoder(tiny: Tiny, tmp_path: Path) -> LocalComponent:
    """A text encoder in a folder of its own."""
    part = next(part for part in parts(tiny("wan21_i2v")) if part.name == "text_encoder")
    shutil.copytree(part.folder, tmp_path / "text_encoder")
    file = tmp_path / "text_encoder" / part.weights[0].name
    return LocalComponent(part.name, part.library, part.class_name, file.parent, (file,))


@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_a_tied_tensor_that_is_stored_twice_is_tied_only_where_both_are_the_same(encoder: LocalComponent, apart: float) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    (file,) = encoder.weights
    stored = load_file(file)
    assert "shared.weight" in stored and "encoder.embed_tokens.weight" not in stored
    stored["encoder.embed_tokens.weight"] = stored["shared.weight"] + apart
    save_file(stored, file, {"format": "pt"})
    made = directly(encoder, torch.bfloat16)
    assert_same(made, by_library(encoder, torch.bfloat16), "tied")
    assert (made.shared.weight is made.encoder.embed_tokens.weight) == (apart == 0.0)


def test_shards_are_those_of_the_index_and_old_names_of_layers_are_known(tiny: Tiny, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    part = next(part for part in parts(tiny("wan22_a14b")) if part.name == "transformer")
    folder = tmp_path / "transformer"
    by_library(part, torch.float32).save_pretrained(folder, max_shard_size="40KB")
    shutil.copy(part.weights[0], folder / "diffusion_pytorch_model-00001-of-00002.safetensors")  # of another time
    files = tuple(sorted(folder.glob("*.safetensors")))
    shards = LocalComponent(part.name, part.library, part.class_name, folder, files)
    assert set(json.loads((folder / "diffusion_pytorch_model.safetensors.index.json").read_text())["weight_map"].values()) < {
        file.name for file in files
    }
    assert_same(directly(shards, torch.bfloat16), by_library(shards, torch.bfloat16), "shards")
    vae = next(part for part in parts(tiny("i2vgen_xl")) if part.name == "vae")
    shutil.copytree(vae.folder, tmp_path / "vae")
    file = tmp_path / "vae" / vae.weights[0].name
    olden = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    stored = load_file(file)
    for name in [name for name in stored if "mid_block.attentions" in name]:
        new = next((name.replace(f".{now}.", f".{then}.") for now, then in olden.items() if f".{now}." in name), name)
        stored[new] = stored.pop(name)
    save_file(stored, file, {"format": "pt"})
    old = LocalComponent("vae", vae.library, vae.class_name, file.parent, (file,))
    assert any(".proj_attn." in name for name in list_tensors(file))
    assert_same(directly(old, torch.float32), by_library(old, torch.float32), "old names")


def test_what_can_t_be_read_directly_is_read_by_its_library_and_the_log_says_so(
    encoder: LocalComponent, tiny: Tiny, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    caplog.set_level(logging.INFO)
    (file,) = encoder.weights
    torch.save(by_library(encoder, torch.float32).state_dict(), file.with_name("pytorch_model.bin"))
    pickled = LocalComponent(
        encoder.name, encoder.library, encoder.class_name, encoder.folder, (file.with_name("pytorch_model.bin"),)
    )
    assert loader._build(pickled, "published", torch.float32) is None
    denoiser = next(part for part in parts(tiny("wan21_i2v")) if part.name == "transformer")
    assert loader._build(denoiser, "int8", torch.float32) is None
    config = json.loads((encoder.folder / "config.json").read_text())
    (encoder.folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "torchao"}}))
    assert loader._build(encoder, "published", torch.float32) is None
    assert [words in caplog.text for words in ("PyTorch's own format", "int8", "quantised")] == [True, True, True]


def test_damage_met_while_reading_names_the_file(encoder: LocalComponent) -> None:
    """Files are judged before by their headers: what is met here has happened since, or no header tells."""
    import torch
    from safetensors.torch import load_file, save_file

    from studio.engines.diffusion.memory.weight_reader import WeightReader

    (file,) = encoder.weights
    made = loader._build(encoder, "published", torch.bfloat16)
    assert made is not None
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFile, match=r"model\.safetensors is cut short"), WeightReader([made.fills]) as reader:
        reader.wait(0, lambda: None)
    assert not [one for one in threading.enumerate() if one.name == "weights"]
    for damaged in (b"", whole[:4], b"\xff" * 200, whole[:8] + b"[" + whole[9:]):
        file.write_bytes(damaged)
        with pytest.raises(DamagedFile, match=r"model\.safetensors"):
            list_tensors(file)
    file.write_bytes(whole.replace(b'"shape":[', b'"shape":[9', 1))
    with pytest.raises(DamagedFile, match=r"model\.safetensors"):
        list_tensors(file)
    file.write_bytes(whole)
    stored = load_file(file)
    stored["shared.weight"] = stored["shared.weight"][:-1]
    save_file(stored, file, {"format": "pt"})
    with pytest.raises(ValueError, match=r"shared\.weight is .* is expected"):
        loader._build(encoder, "published", torch.bfloat16)


def test_a_stop_in_the_midst_of_a_component_leaves_nothing(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.engines.diffusion.memory import weight_reader

    real = weight_reader._Files.fill

    def fill_slowly(self: Any, *piece: Any) -> None:
        time.sleep(0.004)
        real(self, *piece)

    monkeypatch.setattr(weight_reader, "PIECE", 16_384)
    monkeypatch.setattr(weight_reader._Files, "fill", fill_slowly)
    card, shared, seen = tiny("svd"), SharedComponents(), list[Progress]()
    assert card.checkpoint is not None

    def tick(progress: Progress) -> None:
        seen.append(progress)
        if progress.note.startswith("Loading") and progress.done:
            raise Stopped

    with pytest.raises(Stopped):
        loader.load(card, Folders(Path(card.checkpoint.repo)), PUBLISHED, tick, shared)
    assert 0 < seen[-1].done < seen[-1].total, "it had not read a part"
    assert not shared._components and not [one for one in threading.enumerate() if one.name == "weights"]


def test_a_tensor_of_another_shape_is_named_with_the_remedy(tiny: Tiny, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from studio.nouns import replace

    card = tiny("wan22_ti2v_5b")
    assert card.checkpoint is not None
    shutil.copytree(card.checkpoint.repo, tmp_path / "wan")
    file = tmp_path / "wan" / "transformer" / "diffusion_pytorch_model.safetensors"
    stored = load_file(file)
    stored["patch_embedding.weight"] = stored["patch_embedding.weight"][:, :-1].contiguous()
    save_file(stored, file, {"format": "pt"})
    card = replace(card, checkpoint=replace(card.checkpoint, repo=str(tmp_path / "wan")))
    with pytest.raises(Refusal, match=r"denoiser .*patch_embedding\.weight is \[.*is expected") as refused:
        loader.load(card, Folders(tmp_path / "wan"), PUBLISHED, lambda progress: None, SharedComponents())
    assert "Models tab" in refused.value.remedy
