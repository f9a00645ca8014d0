"""The GPU bench: its arithmetic at full size, its budget, and every stage at a tiny size on this processor."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bench import denoiser_step, fp8_step, gpu, gpu_jobs, gpu_stages
from bench.gpu_rows import Place, Row, read_rows


@pytest.mark.parametrize(
    ("model", "size", "latents", "tokens"),
    [
        (*denoiser_step.RUNS[0], (21, 60, 104), 32_760),  # the sequence length Wan's own code names for 480p
        (*denoiser_step.RUNS[1], (21, 90, 160), 75_600),  # and for 720p
        (*denoiser_step.RUNS[3], (31, 44, 80), 27_280),
    ],
)
def test_latents_and_tokens(
    model: denoiser_step.Model, size: denoiser_step.Size, latents: tuple[int, int, int], tokens: int
) -> None:
    assert denoiser_step.latents(model, size) == latents
    assert denoiser_step.tokens(model, size) == tokens


@pytest.mark.parametrize(("model", "billions"), [(denoiser_step.WAN21, 16.39), (denoiser_step.WAN22, 5.00)])
def test_the_denoisers_are_as_large_as_the_published_ones(model: denoiser_step.Model, billions: float) -> None:
    import torch

    denoiser = denoiser_step.built(model, "meta", torch.bfloat16)
    assert sum(each.numel() for each in denoiser.parameters()) / 1e9 == pytest.approx(billions, abs=0.01)
    assert next(denoiser.parameters()).dtype == torch.bfloat16
    assert torch.get_default_dtype() == torch.float32


def test_the_published_step_is_a_rate_an_h100_can_reach() -> None:
    """9.77 s a step on a device of 989 TFLOP/s: were passes or tokens miscounted, the rate would be out of reach, or a crawl."""
    assert 200 < denoiser_step.work(*denoiser_step.RUNS[0]) / 9.77 / 1e12 < 989


def test_without_cuda_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    gpu.run()
    assert "no CUDA device" in capsys.readouterr().out


def test_every_kernel_s_table_at_a_tiny_size(capsys: pytest.CaptureFixture[str]) -> None:
    denoiser_step.run("cpu", shrink=True, runs=(denoiser_step.RUNS[0], denoiser_step.RUNS[3]))
    told = capsys.readouterr()
    assert told.err.count("Error") == 0, told.err
    assert told.out.count("attention: PyTorch's own choice") == 2
    for row in ("compiled blocks", "fp8 storage", "first-block cache, every pass skipped", "9.77 s", "TFLOP/s", "this GPU"):
        assert row in told.out
    assert "failed |" not in told.out


def test_fp8_products_are_measured_beside_the_plain_step(tmp_path: Path) -> None:
    model, size = denoiser_step.small(*denoiser_step.RUNS[0])
    row = fp8_step.measure_step(model, size, "cpu", tmp_path, backend="eager")
    assert row.layers == 24 and row.plain > 0 and row.fast > 0
    assert 0.001 < row.apart < 0.08, "one product is 0.037 off"


def say(words: str, then: str) -> list[str]:
    """A process that writes one row and then does something else."""
    code = f"import sys; from bench.gpu_rows import Place; from pathlib import Path; Place('x', 'cpu', Path('.'), Path(sys.argv[1])).add({words!r}, '1 s'); {then}"  # noqa: E501
    return [sys.executable, "-c", code]


def test_a_stage_that_fails_or_hangs_is_a_row_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ways = {"hangs": "import time; time.sleep(60)", "fails": "raise OSError('the bus is on fire')", "ends": "print('a table')"}

    def command(place: Place) -> list[str]:
        return [*say(f"found by one that {place.stage}", ways[place.stage]), str(place.rows)]

    stages = [gpu.Stage("hangs", 6, 0), gpu.Stage("fails", 30, 0), gpu.Stage("ends", 30, 0), gpu.Stage("late", 900, 500)]
    began = time.monotonic()
    rows = gpu.run_stages(stages, "cpu", tmp_path, tmp_path / "rows.jsonl", 100, command=command)
    assert time.monotonic() - began < 50
    assert [row.what for row in rows if row.what != "this stage"] == [f"found by one that {name}" for name in ways]
    ends = {row.stage: row.measured for row in rows if row.what == "this stage"}
    assert "at its limit" in ends["hangs"] and "the bus is on fire" in ends["fails"] and "no time was left" in ends["late"]
    assert "ends" not in ends
    out = capsys.readouterr().out
    assert "a table" in out and "| found by one that hangs | 1 s |" in out


def test_stages_go_by_name_and_fit_into_nine_minutes() -> None:
    assert [one.name for one in gpu.choose_stages(["small", "kernels"])][-2:] == ["small wan21-i2v-480p", "kernels"]
    assert gpu.choose_stages([]) == list(gpu.STAGES)
    with pytest.raises(SystemExit, match="no stage 'speed'"):
        gpu.choose_stages(["speed"])
    for one in (*gpu.STAGES, *gpu.BY_NAME):
        assert one.least <= one.limit
        assert one.name.split(" ")[0] in (*gpu_stages.STAGES, "small")
        assert one.checkpoint == one.name.partition(" ")[2] or not one.name.startswith("small")


def run_tiny(stage: str, folder: Path, **more: object) -> dict[str, Row]:
    place = Place(stage, "cpu", folder, folder / "rows.jsonl", tiny=True, end=time.time() + 500)
    if more:
        getattr(gpu_stages, f"measure_{stage}")(place, **more)
    else:
        gpu_stages.run_stage(place)
    rows = read_rows(place.rows)
    place.rows.unlink()
    assert not [row for row in rows if "fail" in row.measured], rows
    return {row.what: row for row in rows}


def test_every_stage_at_a_tiny_size(tmp_path: Path) -> None:
    rows = run_tiny("device", tmp_path)
    assert rows["trial of attention kernels"].met is not None and "attention: PyTorch's own choice" in rows
    rows = run_tiny("step", tmp_path)
    assert 0.001 < rows["how far an fp8 pass is from the plain one"].numbers["apart"] < 0.08
    rows = run_tiny("moves", tmp_path)
    assert rows["it leaves"].met and rows["a model comes back"].ceiling
    (load,) = run_tiny("load", tmp_path).values()
    assert load.numbers["seconds"] > 0 and "to read them alone" in load.ceiling
    rows = run_tiny("studio", tmp_path)
    assert rows["the same frames"].met and rows["decode beside encode"].numbers["ratio"] > 0
    rows = run_tiny("seeds", tmp_path, names=("helios", "wan21_i2v"))
    assert all(row.met for row in rows.values()) and len(rows) == 2
    rows = run_tiny("small", tmp_path, name="wan21-i2v-480p", sizes=(60.0,))
    whole, fp8, streamed = (row for row in rows.values() if "host memory" in row.measured)
    assert "resident, published" in whole.measured and "fp8" in fp8.measured and "grouped, published" in streamed.measured
    assert fp8.met and streamed.met and "left before the decode" in streamed.measured


def test_a_gpu_is_made_smaller_in_what_the_studio_knows_of_it() -> None:
    machine = gpu_jobs.shrink_gpu("cpu", 60.0)
    assert machine.cuda and machine.vram == machine.free_vram() == 2_060_000_000
