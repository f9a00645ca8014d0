"""Configurations of full size: as large as what is published, and taken by the studio's own loader."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench import full_checkpoints, gpu_jobs
from bench.gpu_rows import Place
from studio import presets
from studio.config import Settings
from studio.engines.diffusion.files.components import find_components
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.safetensors_header import list_tensors
from studio.engines.diffusion.files.store import Store
from studio.preferences import Preferences

DATA = full_checkpoints.read_data()
PUBLISHED = msgspec.toml.decode((Path(__file__).parents[1] / "published_files.toml").read_bytes())
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@pytest.mark.parametrize("name", sorted(DATA.checkpoints))
def test_a_configuration_is_as_large_as_what_is_published(name: str) -> None:
    checkpoint = full_checkpoints.require_card(name)
    dtypes = full_checkpoints.choose_dtypes(name, published=True)
    sizes = {
        component: full_checkpoints.count_numbers(DATA.parts[part].kind, DATA.parts[part].config) * BYTES[dtypes[component]]
        for component, part in DATA.checkpoints[name].parts.items()
    }
    assert checkpoint.stored is not None and set(sizes) == set(checkpoint.stored.parts) - {"lora"}
    for component, part in checkpoint.stored.parts.items():
        assert sizes[component] / 1e9 == pytest.approx(part.gb, rel=0.01, abs=0.02), component
    files = PUBLISHED.get(checkpoint.repo, {})
    for component, count in files.items():
        if component == "all":
            assert sum(sizes.values()) == pytest.approx(count, rel=0.01)
        elif component != "commit":
            assert sizes[component] == pytest.approx(count, rel=0.01), component
    if not checkpoint.stored.derived:
        assert files, "held against a list of published files"


@pytest.mark.parametrize("name", sorted(DATA.checkpoints))
def test_the_studio_takes_a_checkpoint_of_full_size(name: str, tmp_path: Path) -> None:
    """Its files have their headers and lengths, and no numbers: nothing is stored of 90 GB."""
    from studio.engines.diffusion.memory import loader
    from studio.engines.diffusion.memory.empty_modules import build_empty

    folder = full_checkpoints.build(name, tmp_path, published=True, holes=True)
    settings = Settings(tmp_path / "home")
    settings.prepare()
    card = presets.card(name)
    store = Store(settings, lambda: Preferences(folders={name: str(folder)}))
    assert store.check(card).state == "here", store.check(card).problem
    for part in find_components(card, Folders(folder)):
        if part.weights and part.numbers < 2e9:  # the larger ones take seconds each, and are of the same classes
            stored = {tensor: one for file in part.weights for tensor, one in list_tensors(file).items()}
            made = build_empty(loader.find_class(part), part.folder, stored, loader.DTYPES["bfloat16"])
            assert not made.missing and len(made.fills) == len(stored), part.name


@pytest.mark.parametrize("name", sorted(DATA.checkpoints))
def test_a_job_is_the_card_s_default_clip_in_two_steps(name: str) -> None:
    card, folder = gpu_jobs.choose_card(name, Place("small", "cuda:0", Path("there"), Path("rows")))
    prepared, pixels = gpu_jobs.make_shot(card)
    checkpoint, plan = full_checkpoints.require_card(name), prepared.plan
    assert (plan.num_frames, plan.steps) == (checkpoint.lengths.default, 2)
    width, height = checkpoint.sizes.native[0]
    assert plan.width * plan.height == pytest.approx(width * height, rel=0.02)
    assert folder == Path("there") / name and pixels.shape[2] == 3
    assert 1 < gpu_jobs.estimate_decode(name, card, plan) < 100
