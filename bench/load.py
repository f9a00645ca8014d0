"""What a load reads, holds and takes: python -m bench load [--base BUILD].

A checkpoint of real classes with random weights: a Wan denoiser and VAE in float32, as published, an UMT5 encoder in
bfloat16. It is loaded in the dtypes that a GPU would run it in (bfloat16, the VAE float32), into system memory, from the
system's file cache; each time in a process of its own that has loaded a small one before. Bytes read are those of read
calls and of tensors that a library takes from a mapped file; the peak is the process's high-water mark above what it held
before, mapped pages included. The time is mostly of page faults, which a virtual machine makes dear: compare it with the
older build's beside it, in turns. Linux.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.clips import middle, python_path, scratch, table, verdict, write_noun
from studio.cards import ModelCard
from studio.config import ROOT

ROUNDS = 5
MOST_READ, MOST_HELD = 1.05, 1.1
SHARDS = {"one file each": "9GB", "shards": "80MB"}
DENOISER = {"num_attention_heads": 8, "attention_head_dim": 128, "ffn_dim": 4096, "num_layers": 6, "text_dim": 512}
ENCODER = {"d_model": 512, "d_ff": 2048, "num_layers": 6, "num_heads": 8, "d_kv": 64, "vocab_size": 64_000}


class Reading(NamedTuple):
    """A load: seconds, bytes of its files and of its weights in memory, and the seconds that reading the files alone takes."""

    seconds: float
    read: int
    weights: int
    ceiling: float


def read_pipeline(card: ModelCard, repo: Path, device: str = "cpu") -> tuple[Any, Reading]:
    """A card's pipeline loaded from its folder as for a GPU, and how that went; with a `device`, moved there within the time.

    For bench/gpu.py's row "cold load": its weights have to be in the system's file cache, which the ceiling's reading sees to.
    """
    from studio.engines.diffusion.files.components import find_components
    from studio.engines.diffusion.files.local_files import Folders
    from studio.engines.diffusion.memory import loader
    from studio.engines.diffusion.memory.placement import Fit
    from studio.engines.diffusion.memory.shared_components import SharedComponents

    folders, fit = Folders(repo), Fit("yes", "", "", "resident", "published")
    files = [file for part in find_components(card, folders) for file in part.weights]
    read_files(files)
    ceiling = read_files(files)
    began = time.perf_counter()
    pipe = loader.load(card, folders, fit, lambda progress: None, SharedComponents(), False)
    modules = [one for one in pipe.components.values() if hasattr(one, "state_dict")]
    if device != "cpu":
        for module in modules:
            module.to(device)
    took = time.perf_counter() - began
    weights = sum({one.data_ptr(): one.nbytes for module in modules for one in module.state_dict().values()}.values())
    return pipe, Reading(took, sum(file.stat().st_size for file in files), weights, ceiling)


def read_files(files: list[Path]) -> float:
    """Seconds to read whole files, by as many threads as a load has, each into a buffer of its own: what no load can beat."""
    from concurrent.futures import ThreadPoolExecutor

    from studio.engines.diffusion.memory.weight_reader import PIECE, count_threads

    def read(work: tuple[Path, int]) -> None:
        file, start = work
        with file.open("rb", buffering=0) as handle:
            handle.seek(start)
            handle.readinto(bytearray(PIECE))

    pieces = [(file, start) for file in files for start in range(0, file.stat().st_size, PIECE)]
    began = time.perf_counter()
    with ThreadPoolExecutor(count_threads()) as pool:
        list(pool.map(read, pieces))
    return time.perf_counter() - began


def build_checkpoint(place: Path, shard: str) -> ModelCard:
    """The checkpoint, in a folder of its own, and its card."""
    import torch

    from tests.fakes import tiny, tiny_cards

    if not place.exists():
        torch.manual_seed(0)
        tiny.build("wan22_ti2v_5b", place.parent / "base")
        pipe = tiny.BUILDERS["wan22_ti2v_5b"]()
        known = {key: value for key, value in pipe.transformer.config.items() if not key.startswith("_")}
        pipe.transformer = type(pipe.transformer)(**{**known, **DENOISER})
        config = type(pipe.text_encoder.config)(**{**pipe.text_encoder.config.to_dict(), **ENCODER})
        pipe.text_encoder = type(pipe.text_encoder)(config).to(torch.bfloat16)
        pipe.save_pretrained(place, safe_serialization=True, max_shard_size=shard)
    card = tiny_cards.card("wan22_ti2v_5b", place)
    assert card.checkpoint is not None
    checkpoint = msgspec.structs.replace(card.checkpoint, dtype="bfloat16", dtypes={"vae": "float32"})
    return msgspec.structs.replace(card, checkpoint=checkpoint)


def load_once(build: Path, card: Path, warm: Path) -> dict[str, float]:
    """One load by a build, in a process of its own."""
    command = [sys.executable, "-P", str(ROOT / "bench/builds/load_once.py"), str(card), str(warm)]
    place = os.environ | {"PYTHONPATH": python_path(build)}
    done = subprocess.run(command, cwd=build, env=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def run(rounds: int = ROUNDS) -> None:
    """Print the table: this build, and the older one beside it where `--base` gives one, in turns."""
    base = os.environ.get("STIR_BENCH_BASE")
    builds = {"this build": ROOT, **({"the older build": Path(base)} if base else {})}
    rows: list[tuple[str, ...]] = []
    for layout, shard in SHARDS.items():
        place = scratch("load") / layout.replace(" ", "-")
        cards = [place.with_suffix(".json"), place.with_suffix(".warm.json")]
        card = build_checkpoint(place, shard)
        small = build_checkpoint(place.parent / "base" / "wan22_ti2v_5b", shard)
        for file, one in zip(cards, (card, small), strict=True):
            file.write_text(write_noun(one), "utf-8")
        stored = sum(file.stat().st_size for file in place.rglob("*.safetensors"))
        found: dict[str, list[dict[str, float]]] = {name: [] for name in builds}
        for _ in range(rounds):
            for name, build in builds.items():
                found[name].append(load_once(build, *cards))
                print(".", end="", file=sys.stderr, flush=True)
        times = {name: middle([one["seconds"] for one in loads]) for name, loads in found.items()}
        for name, loads in found.items():
            one = loads[-1]
            rows.append((
                layout, name, f"{stored / 1e6:.0f} MB", f"{one['weights'] / 1e6:.0f} MB",
                verdict((one["read"] + one["mapped"]) / stored, MOST_READ),
                verdict(max(one["peak"] for one in loads) / one["weights"], MOST_HELD), f"{times[name]:.2f} s",
                f"{times[name] / times['the older build']:.2f}" if base and name == "this build" else "",
            ))  # fmt: skip
    head = (
        "files",
        "build",
        "stored",
        "in memory",
        "bytes read, of stored",
        "peak, of in memory",
        "time",
        "of the older build's",
    )
    table(f"Loading, from the system's file cache into memory, medians of {rounds} in turns", head, rows)
