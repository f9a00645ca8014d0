"""The bench of loads at tiny size: what its row for a GPU is made of."""

from __future__ import annotations

from pathlib import Path

from bench import load
from tests.fakes import tiny


def test_a_load_is_measured_beside_reading_its_files_alone(tmp_path: Path) -> None:
    import torch

    place = tiny.build("wan22_ti2v_5b", tmp_path)
    card = load.build_checkpoint(place, "9GB")
    pipe, found = load.read_pipeline(card, place)
    assert pipe.transformer.dtype == torch.bfloat16 and pipe.vae.dtype == torch.float32
    assert found.read == sum(file.stat().st_size for file in place.rglob("*.safetensors"))
    assert 0 < found.weights < found.read and found.seconds > 0 and found.ceiling > 0
