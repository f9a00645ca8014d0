"""Attention kernels: tried against the plain sum, kept, and set on exactly the model that runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.cards import Gauge, ModelCard
from studio.config import Settings
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.run import attention, attention_probe
from studio.engines.diffusion.run.attention_probe import Candidate, ProbedKernel
from tests.fakes import tiny_runs
from tests.fakes.tiny import BUILDERS
from tests.rows import each_row

Pipeline = Callable[[str], tuple[Any, ModelCard]]
FEW = (Candidate("native", "PyTorch's own choice"), Candidate("_native_flash", "PyTorch flash"))


@dataclass(frozen=True)
class Here:
    """This machine as far as attention wants to know it."""

    device: str = "cpu"
    name: str = "Test processor"


@pytest.fixture(scope="module")
def table() -> dict[str, ProbedKernel]:
    """All candidates, really tried on this processor."""
    return {row.name: row for row in attention_probe.probe_kernels("cpu")}


def a_table(**milliseconds: float) -> list[ProbedKernel]:
    """A table as a GPU might give it: kernels that agree, with and without masks."""
    unmasked = ("_native_flash", "flash", "sage")
    return [
        ProbedKernel(name, name.strip("_"), True, 0.003, each, "agrees", name not in unmasked, name != "sage")
        for name, each in milliseconds.items()
    ]


# ------------------------------------------------------------------------------------------------ trying
def test_pytorchs_own_kernels_agree_with_the_plain_sum(table: dict[str, ProbedKernel]) -> None:
    for name in ("native", "_native_flash"):
        assert table[name].ok
        assert 0 < table[name].error < attention_probe.FLOAT32
        assert table[name].milliseconds > 0
    assert table["native"].masks
    assert not table["_native_flash"].masks
    assert "masks" in table["_native_flash"].why


def test_what_cannot_run_here_says_why(table: dict[str, ProbedKernel]) -> None:
    assert "no operator for this device" in table["_native_cudnn"].why
    assert "needs the package flash-attn" in table["flash"].why
    assert "needs the package sageattention" in table["sage"].why
    for name in ("_native_cudnn", "flash", "_flash_3", "sage", "xformers"):
        assert not table[name].ok
        assert (table[name].error, table[name].milliseconds) == (0.0, 0.0)


def test_the_reference_is_in_the_table_and_never_chosen_alone(table: dict[str, ProbedKernel]) -> None:
    assert table[attention_probe.REFERENCE].ok
    assert table[attention_probe.REFERENCE].error == 0.0
    assert not table[attention_probe.REFERENCE].automatic


@pytest.mark.parametrize(
    ("off", "quantised", "ok"), [(0.0, False, True), (0.02, False, False), (0.02, True, True), (0.2, True, False)]
)
def test_a_kernel_that_differs_too_much_is_off(off: float, quantised: bool, ok: bool) -> None:
    def shifted(query: Any, key: Any, value: Any, mask: Any, name: str) -> Any:
        return attention_probe.attend(query, key, value, mask, "native") * (1 + off)

    (row,) = attention_probe.probe_kernels("cpu", (Candidate("native", "Shifted", quantised=quantised),), shifted)
    assert row.ok is ok
    assert row.error == pytest.approx(off, abs=1e-4)
    assert ok or "differs" in row.why


def test_a_kernel_that_gives_no_numbers_is_off() -> None:
    def broken(query: Any, key: Any, value: Any, mask: Any, name: str) -> Any:
        return query * math.nan

    (row,) = attention_probe.probe_kernels("cpu", FEW[:1], broken)
    assert not row.ok
    assert math.isfinite(row.error)


def test_a_kernel_that_takes_a_truth_for_a_number_takes_no_masks() -> None:
    """As xFormers does with masks of truths: no complaint, another result."""

    def mistaken(query: Any, key: Any, value: Any, mask: Any, name: str) -> Any:
        return attention_probe.attend(query, key, value, None if mask is None else mask.to(query.dtype), "native")

    (row,) = attention_probe.probe_kernels("cpu", FEW[:1], mistaken)
    assert row.ok
    assert not row.masks


def test_a_full_device_is_no_verdict(tmp_path: Path) -> None:
    import torch

    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        attention_probe.probe_kernels("cpu", FEW, full)


# ------------------------------------------------------------------------------------------------ keeping
def test_the_table_is_kept_and_not_tried_again(tmp_path: Path) -> None:
    first = attention.load_or_probe(Here(), Settings(tmp_path), candidates=FEW)
    assert attention.read_table(Here(), Settings(tmp_path)) == first
    assert attention.load_or_probe(Here(), Settings(tmp_path), candidates=()) == first
    assert attention.load_or_probe(Here(), Settings(tmp_path), again=True, candidates=FEW[:1]) != first


def test_another_device_or_version_is_tried_anew(tmp_path: Path) -> None:
    attention.load_or_probe(Here(), Settings(tmp_path), candidates=FEW[:1])
    assert attention.read_table(Here(name="Another processor"), Settings(tmp_path)) == ()
    (file,) = (tmp_path / "models").iterdir()
    assert file.name.startswith("attention-")
    file.write_text(file.read_text().replace('"torch": "', '"torch": "0.'))
    assert attention.read_table(Here(), Settings(tmp_path)) == ()


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"basis": {}, "kernels": [{"name": 1}]}', b"\xff\xfe"])
def test_a_broken_table_is_tried_anew(broken: bytes, tmp_path: Path) -> None:
    attention.load_or_probe(Here(), Settings(tmp_path), candidates=FEW[:1])
    (file,) = (tmp_path / "models").iterdir()
    file.write_bytes(broken)
    assert attention.read_table(Here(), Settings(tmp_path)) == ()
    assert [row.name for row in attention.load_or_probe(Here(), Settings(tmp_path), candidates=FEW[:1])] == ["native"]
    assert attention.read_table(Here(), Settings(tmp_path))


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    assert attention.load_or_probe(Here(), Settings(tmp_path), candidates=FEW[:1])


def test_the_table_reads_without_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    from studio.config import ROOT

    code = (
        "import sys; from pathlib import Path; from types import SimpleNamespace as N;"
        "from studio.config import Settings; from studio.engines.diffusion.run import attention;"
        f"attention.read_table(N(device='cpu', name='x'), Settings(Path({str(tmp_path)!r})));"
        "print(sorted({'torch', 'diffusers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_in_words(table: dict[str, ProbedKernel]) -> None:
    told = {row.what: row for row in Gauge(kernels=attention.list_kernels(list(table.values()))).rows}
    assert told["PyTorch's own choice"].value.endswith(" ms")
    assert told["FlashAttention 2"].value == "off"


# ------------------------------------------------------------------------------------------------ choosing
def test_the_fastest_that_takes_the_masks_is_chosen() -> None:
    rows = a_table(native=2.0, _native_cudnn=1.5, _native_flash=1.0)
    found = attention.choose_fastest(rows, "cuda:0", masks=True), attention.choose_fastest(rows, "cuda:0", masks=False)
    assert [row.name for row in found if row] == ["_native_cudnn", "_native_flash"]


def test_noise_is_no_reason_to_leave_pytorch() -> None:
    assert attention.choose_fastest(a_table(native=2.0, _native_cudnn=1.95), "cuda:0") is None


def test_eight_bits_only_by_name() -> None:
    assert attention.choose_fastest(a_table(native=2.0, sage=0.5), "cuda:0", masks=False) is None


def test_on_a_processor_pytorch_chooses() -> None:
    assert attention.choose_fastest(a_table(native=2.0, _native_flash=0.5), "cpu", masks=False) is None


# ------------------------------------------------------------------------------------------------ setting
def backends(model: Any) -> set[Any]:
    return {
        module.processor._attention_backend
        for module in model.modules()
        if hasattr(getattr(module, "processor", None), "_attention_backend")
    }


def wan(head: int = 128) -> Any:
    """A denoiser with heads of a real size."""
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(
        num_attention_heads=1, attention_head_dim=head, in_channels=16, out_channels=16, text_dim=8, freq_dim=8, ffn_dim=8,
        num_layers=1, rope_max_seq_len=32,
    )  # fmt: skip


class Holder:
    """A pipeline as far as its parts go."""

    def __init__(self, **components: Any) -> None:
        self.components = components


def test_the_fastest_kernel_is_set_on_a_model_without_masks() -> None:
    denoiser = wan()
    rows = a_table(native=2.0, _native_flash=1.0)
    choice = attention.set_kernel(Holder(transformer=denoiser), [denoiser], rows, "auto", "cuda:0")
    assert backends(denoiser) == {"_native_flash"}
    assert choice.value == "native_flash"
    assert "1.00 ms" in choice.reason


def test_a_model_with_other_heads_keeps_pytorchs_choice() -> None:
    denoiser = wan(head=12)
    rows = a_table(native=2.0, _native_flash=1.0)
    choice = attention.set_kernel(Holder(), [denoiser], rows, "auto", "cuda:0")
    assert backends(denoiser) == {"native"}
    assert "12 numbers" in choice.reason


def test_a_model_never_changes_another(pipeline: Pipeline) -> None:
    """diffusers' own way of setting a kernel sets it for the whole process."""
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    first, second = wan(), wan()
    rows = a_table(native=2.0, _native_flash=1.0)
    first.set_attention_backend("_native_math")  # somebody else's leak
    attention.set_kernel(Holder(), [first], rows, "auto", "cuda:0")
    assert _AttentionBackendRegistry.get_active_backend()[0] == "native"
    assert backends(second) == {None}
    attention.set_kernel(Holder(), [second], rows, "native", "cuda:0")
    assert (backends(first), backends(second)) == ({"_native_flash"}, {"native"})


def test_the_rest_of_a_pipeline_keeps_pytorchs_choice(pipeline: Pipeline) -> None:
    """LTX-2's connectors go through the same dispatch, with masks that flash refuses."""
    pipe, _ = pipeline("ltx2_i2v")
    rows = a_table(native=2.0, _native_cudnn=1.0)
    attention.set_kernel(pipe, [pipe.transformer], rows, "_native_cudnn", "cuda:0")
    try:
        assert backends(pipe.transformer) == {"_native_cudnn"}
        assert backends(pipe.connectors) == {"native"}
    finally:
        attention.set_kernel(pipe, [pipe.transformer], rows, "native")


def test_a_chosen_kernel_is_used_or_said_to_be_unusable() -> None:
    denoiser = wan()
    rows = [
        *a_table(native=2.0, sage=1.0),
        ProbedKernel("flash", "FlashAttention 2", False, 0.0, 0.0, "needs the package flash-attn"),
    ]
    assert "chosen in Settings; agrees" in attention.set_kernel(Holder(), [denoiser], rows, "sage", "cuda:0").reason
    assert backends(denoiser) == {"sage"}
    choice = attention.set_kernel(Holder(), [denoiser], rows, "flash", "cuda:0")
    assert "needs the package flash-attn" in choice.reason
    assert backends(denoiser) == {"native"}
    assert "hasn't been tried" in attention.set_kernel(Holder(), [denoiser], rows, "_flash_3", "cuda:0").reason


def test_a_chosen_kernel_without_masks_is_not_given_to_a_model_with_them(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx_i2v")
    choice = attention.set_kernel(pipe, [pipe.transformer], a_table(native=2.0, _native_flash=1.0), "_native_flash")
    assert "masks" in choice.reason
    assert backends(pipe.transformer) == {"native"}
    assert np.isfinite(tiny_runs.run(pipe, card, tiny_runs.request(card)).frames).all()


@pytest.mark.parametrize("name", ["wan21_i2v", "wan22_a14b", "skyreels_v2", "helios"])
def test_models_said_to_pass_no_masks_pass_none(name: str, pipeline: Pipeline) -> None:
    """PyTorch's flash kernel raises on a mask."""
    pipe, card = pipeline(name)
    assert card.checkpoint is not None
    denoisers = [getattr(pipe, each) for each in card.checkpoint.denoisers]
    assert {type(each).__name__ for each in denoisers} <= attention.MASKLESS
    rows = a_table(native=2.0, _native_flash=1.0)
    attention.set_kernel(pipe, denoisers, rows, "_native_flash")
    try:
        assert all(backends(each) == {"_native_flash"} for each in denoisers)
        assert np.isfinite(tiny_runs.run(pipe, card, tiny_runs.request(card)).frames).all()
    finally:
        attention.set_kernel(pipe, denoisers, rows, "native")


def test_the_oldest_versions_are_those_that_diffusers_takes() -> None:
    from diffusers.models import attention_dispatch as theirs

    least = {one.name: one.least for one in attention_probe.CANDIDATES if one.least}
    assert least == {
        "flash": theirs._REQUIRED_FLASH_VERSION, "sage": theirs._REQUIRED_SAGE_VERSION,
        "xformers": theirs._REQUIRED_XFORMERS_VERSION,
    }  # fmt: skip


def test_a_package_that_is_too_old_says_so() -> None:
    """pytest stands in for a kernel's package of another version."""
    found = metadata.version("pytest")
    old, new = (Candidate("sage", "Sage", "pytest", least) for least in ("1000.0", found))
    said = [attention_probe.probe_kernels("cpu", (each,))[0].why for each in (old, new)]
    assert said[0] == f"the package pytest is too old: {found} is here, 1000.0 or newer is needed"
    assert said[1].startswith("failed here")  # diffusers looks for its own packages, and has none of this name


def test_a_trial_that_has_to_wait_keeps_nothing(tmp_path: Path) -> None:
    calls: list[int] = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        attention.load_or_probe(Here(), Settings(tmp_path), candidates=FEW, may_go_on=stop)
    assert attention.read_table(Here(), Settings(tmp_path)) == ()


@pytest.mark.parametrize(
    ("name", "wanted", "reason"),
    [
        ("cogvideox_i2v", "auto", "can't be changed"),
        *[(name, "auto", "no other kernel was faster") for name in ("svd", "i2vgen_xl")],
        ("cogvideox_i2v", "_native_cudnn", "can't be changed"),
        *[
            (name, "_native_cudnn", "native_cudnn was chosen in Settings, but isn't for this kind")
            for name in ("svd", "i2vgen_xl")
        ],
        *[(name, "xformers", "xformers was chosen in Settings, but hasn't been tried") for name in ("svd", "i2vgen_xl")],
    ],
)
def test_a_model_that_takes_no_kernel_says_so(name: str, wanted: str, reason: str, pipeline: Pipeline) -> None:
    pipe, card = pipeline(name)
    assert card.checkpoint is not None
    denoisers = [getattr(pipe, each) for each in card.checkpoint.denoisers]
    choice = attention.set_kernel(pipe, denoisers, a_table(native=2.0, _native_cudnn=1.0), wanted, "cuda:0")
    assert choice.value == "PyTorch's own choice"
    assert reason in choice.reason


def test_xformers_goes_to_unets_by_their_own_method_and_may_fail_there(pipeline: Pipeline) -> None:
    """Without CUDA their method refuses: the model is left as it was, and it is said."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("here it would work")
    pipe, _ = pipeline("svd")
    rows = a_table(native=2.0, xformers=1.0)
    choice = attention.set_kernel(pipe, [pipe.unet], rows, "auto", "cuda:0")
    assert "xFormers was tried on this model and failed" in choice.reason
    assert not any("XFormers" in type(each).__name__ for each in pipe.unet.attn_processors.values())


@each_row("name", sorted(BUILDERS))
def test_the_kernel_said_before_a_run_is_the_one_that_is_set(
    name: str, pipeline: Callable[[str], tuple[Any, ModelCard]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every family, by its card and files alone: masks, U-Nets, the sizes of heads, attention that can't be changed."""
    pipe, card = pipeline(name)
    assert card.checkpoint is not None
    denoisers = [part for one in card.checkpoint.denoisers if (part := getattr(pipe, one, None)) is not None]
    use = attention.describe_files(card, Folders(Path(card.checkpoint.repo)))
    assert use == attention.describe_modules(denoisers)
    rows = a_table(native=2.0, _native_flash=1.0, _native_cudnn=1.5, sage=0.5)
    for heads in ((64, 128), tuple(range(1, 200))):
        monkeypatch.setattr(attention, "HEADS", heads)
        for wanted in ("auto", "native", "sage", "_native_flash", "flash"):
            said = attention.foresee_kernel(use, rows, wanted, "cuda:0")
            assert said == attention.set_kernel(pipe, denoisers, rows, wanted, "cuda:0"), wanted
    attention.set_kernel(pipe, denoisers, rows, "native")
