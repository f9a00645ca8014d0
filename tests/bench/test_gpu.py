"""The GPU bench's arithmetic at full size, and its walk at a tiny one on this processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import fp8_step, gpu


@pytest.mark.parametrize(
    ("model", "size", "latents", "tokens"),
    [
        (*gpu.RUNS[0], (21, 60, 104), 32_760),  # the sequence length Wan's own code names for 480p
        (*gpu.RUNS[1], (21, 90, 160), 75_600),  # and for 720p
        (*gpu.RUNS[3], (31, 44, 80), 27_280),
    ],
)
def test_latents_and_tokens(model: gpu.Model, size: gpu.Size, latents: tuple[int, int, int], tokens: int) -> None:
    assert gpu.latents(model, size) == latents
    assert gpu.tokens(model, size) == tokens


@pytest.mark.parametrize(("model", "billions"), [(gpu.WAN21, 16.39), (gpu.WAN22, 5.00)])
def test_the_denoisers_are_as_large_as_the_published_ones(model: gpu.Model, billions: float) -> None:
    import torch

    denoiser = gpu.built(model, "meta", torch.bfloat16)
    assert sum(each.numel() for each in denoiser.parameters()) / 1e9 == pytest.approx(billions, abs=0.01)
    assert next(denoiser.parameters()).dtype == torch.bfloat16
    assert torch.get_default_dtype() == torch.float32


def test_the_published_step_is_a_rate_an_h100_can_reach() -> None:
    """9.77 s a step on a device of 989 TFLOP/s: were passes or tokens miscounted, the rate would be out of reach, or a crawl."""
    assert 200 < gpu.work(*gpu.RUNS[0]) / 9.77 / 1e12 < 989


def test_without_cuda_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    gpu.run()
    assert "no CUDA device" in capsys.readouterr().out


def test_every_table_at_a_tiny_size(capsys: pytest.CaptureFixture[str]) -> None:
    gpu.run("cpu", shrink=True, runs=(gpu.RUNS[0], gpu.RUNS[3]))
    told = capsys.readouterr()
    assert told.err.count("Error") == 0, told.err
    assert told.out.count("attention: PyTorch's own choice") == 2
    for row in ("compiled blocks", "fp8 storage", "first-block cache, every pass skipped", "9.77 s", "TFLOP/s", "this GPU"):
        assert row in told.out
    assert "failed |" not in told.out


def test_fp8_products_are_measured_beside_the_plain_step(tmp_path: Path) -> None:
    model, size = gpu.small(*gpu.RUNS[0])
    row = fp8_step.measure_step(model, size, "cpu", tmp_path, backend="eager")
    assert row.layers == 24 and row.plain > 0 and row.fast > 0
    assert 0.001 < row.apart < 0.08, "one product is 0.037 off"
