"""Checkpoints of full size with random weights, built from published configurations (full_checkpoints.toml) as fast as a disk.

python -m bench.full_checkpoints FOLDER CARD [published]   builds one in FOLDER/CARD

Weights are one block of noise repeated, scaled so that a layer keeps the size of what it is given; norms are one, biases nothing.
Parts that several models share are written once, in FOLDER/parts, and linked. In a dtype a part is published in or run in, by the
model's card. What a model makes with them is noise; its speed and its memory are those of the published one.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from studio import presets
from studio.cards import Checkpoint

SHARD = 5_000_000_000
"""Bytes of weights to a file, at most, as diffusers and the hub have it."""

NOISE = 2**24 - 3
"""Numbers of the block that is repeated: no multiple of a layer's width, so that no two rows are the same."""

WRITERS = 4
NAMES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}


class Part(msgspec.Struct, rename={"kind": "class"}, frozen=True, forbid_unknown_fields=True):
    """A component's class ("library.Name"), the numbers of its configuration, and where they are published."""

    kind: str
    source: str
    config: dict[str, Any]


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint: the tiny one it is based on, its parts by component, and what changes in other files."""

    base: str
    parts: dict[str, str]
    patches: dict[str, dict[str, Any]] = {}


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """full_checkpoints.toml; checkpoints by the id of their card."""

    parts: dict[str, Part]
    checkpoints: dict[str, Layout]


@dataclass(frozen=True)
class Tensor:
    """A tensor to be written: its name, shape, and what its numbers are: noise of a scale (0: all are `value`)."""

    name: str
    shape: tuple[int, ...]
    scale: float
    value: float = 0.0

    @property
    def count(self) -> int:
        """How many numbers it has."""
        count = 1
        for side in self.shape:
            count *= side
        return count


@cache
def read_data() -> Data:
    """The configurations."""
    return msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes(), type=Data)


def make_empty(kind: str, config: dict[str, Any]) -> Any:
    """A module of a class, without memory for its weights."""
    import torch

    library, name = kind.split(".")
    made: Any = getattr(importlib.import_module(library), name)
    with torch.device("meta"):
        return made(made.config_class(**config)) if library == "transformers" else made(**config)


def list_tensors(module: Any) -> list[Tensor]:
    """What a module's weight files hold: each parameter once, by the first of its names, and buffers that are saved."""
    saved = set(module.state_dict())
    found: list[Tensor] = []
    for name, weights in module.named_parameters():
        shape = tuple(weights.shape)
        one = "norm" in name or "gamma" in name or (weights.ndim < 2 and name.endswith("weight"))
        if one or weights.ndim < 2:
            found.append(Tensor(name, shape, 0.0, 1.0 if one and not name.endswith("bias") else 0.0))
        else:
            found.append(Tensor(name, shape, weights[0].numel() ** -0.5))
    for name, buffer in module.named_buffers():
        if name in saved:
            found.append(Tensor(name, tuple(buffer.shape), 0.0, 1.0 if "std" in name else 0.0))
    return found


def count_numbers(kind: str, config: dict[str, Any]) -> int:
    """How many numbers a class has in this configuration."""
    return sum(one.count for one in list_tensors(make_empty(kind, config)))


def write_component(folder: Path, module: Any, dtype: str, variant: str = "", holes: bool = False) -> int:
    """Write a module's configuration and weights as its library would; returns the bytes of weights.

    With `holes` the files have their headers and lengths, and nothing is stored of the numbers, which read as zeros.
    """
    folder.mkdir(parents=True)
    transformers = hasattr(module, "config") and hasattr(module.config, "to_json_file")
    if transformers:
        module.config.architectures = [type(module).__name__]
        module.config.save_pretrained(folder)
    else:
        module.save_config(folder)
    size = 4 if dtype == "float32" else 2
    shards: list[list[Tensor]] = [[]]
    held = 0
    for one in list_tensors(module):
        if held and held + one.count * size > SHARD:
            shards.append([])
            held = 0
        shards[-1].append(one)
        held += one.count * size
    stem = "model" if transformers else "diffusion_pytorch_model"
    middle = f".{variant}" if variant else ""
    names = [f"{stem}{middle}.safetensors"]
    if len(shards) > 1:
        names = [f"{stem}{middle}-{number + 1:05d}-of-{len(shards):05d}.safetensors" for number in range(len(shards))]
        index = {one.name: name for name, shard in zip(names, shards, strict=True) for one in shard}
        total = sum(one.count for shard in shards for one in shard) * size
        about = {"metadata": {"total_size": total}, "weight_map": index}
        (folder / f"{stem}.safetensors.index{middle}.json").write_text(json.dumps(about), "utf-8")
    with ThreadPoolExecutor(WRITERS) as pool:
        files = [folder / name for name in names]
        return sum(pool.map(lambda pair: _write_file(pair[0], pair[1], dtype, holes), zip(files, shards, strict=True)))


def _write_file(file: Path, tensors: list[Tensor], dtype: str, holes: bool) -> int:
    """A safetensors file of these tensors; returns the bytes of its numbers."""
    size, start = 4 if dtype == "float32" else 2, 0
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    for one in tensors:
        end = start + one.count * size
        header[one.name] = {"dtype": NAMES[dtype], "shape": list(one.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        if holes:
            out.truncate(8 + len(text) + start)
        else:
            for one in tensors:
                _write_numbers(out, one, dtype)
    return start


def _write_numbers(out: BinaryIO, one: Tensor, dtype: str) -> None:
    block = _make_block(one.scale, one.value, dtype, min(NOISE, one.count))
    left = one.count * (4 if dtype == "float32" else 2)
    while left:
        left -= out.write(block[:left])


@cache
def _noise() -> Any:
    import torch

    return torch.randn(NOISE, generator=torch.Generator().manual_seed(0))


def _make_block(scale: float, value: float, dtype: str, count: int) -> memoryview:
    """The numbers that are repeated, as they are stored."""
    import torch

    kind = getattr(torch, dtype)
    block = (_noise()[:count] * scale).to(kind) if scale else torch.full((count,), value, dtype=kind)
    return memoryview(block.view(torch.uint8).numpy())


def require_card(name: str) -> Checkpoint:
    """The checkpoint of a shipped card."""
    checkpoint = presets.card(name).checkpoint
    assert checkpoint is not None
    return checkpoint


def choose_dtypes(name: str, published: bool) -> dict[str, str]:
    """In which dtype each part of a card's model is written: as its files are published, or as it is run."""
    checkpoint = require_card(name)
    assert checkpoint.stored is not None
    parts = read_data().checkpoints[name].parts
    return {one: checkpoint.stored.parts[one].dtype if published else checkpoint.choose_dtype(one) for one in parts}


def estimate_bytes(name: str, place: Path, published: bool = False) -> int:
    """Bytes that building a checkpoint takes, besides the parts that are there already."""
    layout, dtypes = read_data().checkpoints[name], choose_dtypes(name, published)
    total = 0
    for component, part in layout.parts.items():
        if not _find_part(place, part, dtypes[component], require_card(name).variant).exists():
            data = read_data().parts[part]
            total += count_numbers(data.kind, data.config) * (4 if dtypes[component] == "float32" else 2)
    return total


def _find_part(place: Path, part: str, dtype: str, variant: str) -> Path:
    return place / "parts" / "-".join(filter(None, (part, dtype, variant)))


def build(name: str, place: Path, published: bool = False, holes: bool = False) -> Path:
    """Build the checkpoint of a shipped card in `place`/`name`, where it isn't yet. Its file `.whole` says it is whole.

    Raises OSError where the disk has too little room for it.
    """
    from tests.fakes import tiny

    folder, layout = place / name, read_data().checkpoints[name]
    if (folder / ".whole").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    needed, free = (0 if holes else estimate_bytes(name, place, published)), shutil.disk_usage(place).free
    if needed + 1e9 > free:
        raise OSError(f"{name} takes {needed / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free in {place}")
    tiny.build(layout.base, place / "tiny")
    shutil.move(place / "tiny" / layout.base, folder)
    variant = require_card(name).variant
    for component, dtype in choose_dtypes(name, published).items():
        kept = _find_part(place, layout.parts[component], dtype, variant)
        if not kept.exists():
            part, unfinished = read_data().parts[layout.parts[component]], kept.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            write_component(unfinished, make_empty(part.kind, part.config), dtype, variant, holes)
            unfinished.rename(kept)
        shutil.rmtree(folder / component)
        shutil.copytree(kept, folder / component, copy_function=os.link)
    patch_files(folder, layout)
    (folder / ".whole").write_text("", "utf-8")
    return folder


def patch_files(folder: Path, layout: Layout) -> None:
    """Change what the layout changes in JSON files of the tiny checkpoint."""
    for file, changes in layout.patches.items():
        about = json.loads((folder / file).read_text("utf-8"))
        (folder / file).write_text(json.dumps({**about, **changes}), "utf-8")


def rebuild_tiny(name: str, place: Path) -> Path:
    """A card's tiny checkpoint with its weights written as those of full size are, of the tiny modules' own configurations."""
    from tests.fakes import tiny

    layout = read_data().checkpoints[name]
    folder = tiny.build(layout.base, place)
    for component, part in layout.parts.items():
        kind = read_data().parts[part].kind
        library, class_name = kind.split(".")
        made: Any = getattr(importlib.import_module(library), class_name)
        where = str(folder / component)
        if library == "transformers":
            module = make_empty(kind, made.config_class.from_pretrained(where, local_files_only=True).to_dict())
        else:
            config = made.load_config(where, local_files_only=True)
            module = make_empty(kind, {key: value for key, value in config.items() if not key.startswith("_")})
        shutil.rmtree(folder / component)
        write_component(folder / component, module, "float32")
    return folder


def delete(name: str, place: Path, later: set[str]) -> None:
    """Delete a checkpoint, and the parts that none of the `later` ones has."""
    data = read_data()
    shutil.rmtree(place / name, ignore_errors=True)
    wanted = {part for one in later for part in data.checkpoints[one].parts.values()}
    for part in set(data.checkpoints[name].parts.values()) - wanted:
        for folder in (place / "parts").glob(f"{part}-*float*"):
            if folder.name.split(f"{part}-")[-1].split("-")[0] in NAMES:
                shutil.rmtree(folder, ignore_errors=True)


def main(place: str, name: str, published: bool) -> None:
    """Build one, and say what it weighs."""
    Path(place).mkdir(parents=True, exist_ok=True)
    folder = build(name, Path(place), published)
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    print(f"{name}: {size / 1e9:.2f} GB in {folder}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "published" in sys.argv[3:])
