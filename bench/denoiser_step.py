"""Seconds a step of full-size video denoisers on this GPU, with random weights: speed doesn't depend on what they hold.

python -m bench gpu --stage kernels: Wan2.1 I2V 14B and Wan2.2 TI2V 5B as published, at 480p and 720p, with every attention
kernel that proved itself, compiled, with fp8 storage and with the first-block cache; beside what others have published, and what
the device can do at most. And the frames a second that the built-in engine paints. Nothing is downloaded. Needs CUDA; about 20
minutes on an H100. A step is two passes of the denoiser (with and without the prompt).
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from bench.clips import table
from studio.engines.diffusion.run import attention, attention_probe, step_caches

PASSES = 2
ROUNDS = 3


@dataclass(frozen=True)
class Model:
    """A denoiser's published configuration, and how its VAE shrinks a clip (pixels to a latent, frames to a latent)."""

    title: str
    config: dict[str, Any]
    spatial: int
    looks: bool = False
    own_times: bool = False


@dataclass(frozen=True)
class Size:
    """A clip: its name, width and height in pixels, and its frames."""

    title: str
    width: int
    height: int
    num_frames: int


COMMON = {
    "patch_size": (1, 2, 2), "attention_head_dim": 128, "text_dim": 4096, "freq_dim": 256, "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads", "eps": 1e-6, "rope_max_seq_len": 1024,
}  # fmt: skip
WAN21 = Model(
    "Wan2.1 I2V 14B",
    {**COMMON, "num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824, "in_channels": 36, "out_channels": 16,
     "image_dim": 1280, "added_kv_proj_dim": 5120},
    spatial=8, looks=True,
)  # fmt: skip
WAN22 = Model(
    "Wan2.2 TI2V 5B",
    {**COMMON, "num_attention_heads": 24, "num_layers": 30, "ffn_dim": 14336, "in_channels": 48, "out_channels": 48},
    spatial=16, own_times=True,
)  # fmt: skip
"""transformer/config.json of Wan-AI/Wan2.1-I2V-14B-480P-Diffusers and of Wan-AI/Wan2.2-TI2V-5B-Diffusers."""

RUNS = (
    (WAN21, Size("480p", 832, 480, 81)),
    (WAN21, Size("720p", 1280, 720, 81)),
    (WAN22, Size("480p", 832, 480, 81)),
    (WAN22, Size("720p", 1280, 704, 121)),
)
PUBLISHED = (
    ("Wan2.1 I2V 14B, 480p, 81 frames, 40 steps", "one H100", "diffusers", 9.77, "LightX2V README, 2025-12"),
    ("the same", "one H100", "FastVideo", 7.35, "LightX2V README, 2025-12"),
    ("the same", "one H100", "LightX2V", 5.18, "LightX2V README, 2025-12"),
    ("the same", "one RTX 4090D", "diffusers", 30.5, "LightX2V README, 2025-12"),
    ("Wan2.1 I2V 14B, 720p, 81 frames, 40 steps", "one H100", "Wan's own code", 1491.6 / 40, "Wan2.1 README, clip / 40"),
    ("Wan2.2 TI2V 5B, 720p, 121 frames, 50 steps", "one RTX 4090", "Wan's own code", 524.8 / 50, "Wan2.2 README, clip / 50"),
)


def small(model: Model, size: Size) -> tuple[Model, Size]:
    """The same shapes with two layers of one head and an eighth of the pixels: for a test of this bench on a processor."""
    looks = {"image_dim": 32, "added_kv_proj_dim": 128} if model.looks else {}
    config = {**model.config, "num_attention_heads": 1, "num_layers": 2, "ffn_dim": 64, "text_dim": 32, "freq_dim": 32, **looks}
    side = size.width // 8 // 32 * 32, size.height // 8 // 32 * 32
    return replace(model, config=config), replace(size, width=max(32, side[0]), height=max(32, side[1]), num_frames=5)


def latents(model: Model, size: Size) -> tuple[int, int, int]:
    """Frames, height and width of a clip's latents: the first frame has one of its own, then every four share one."""
    return (size.num_frames - 1) // 4 + 1, size.height // model.spatial, size.width // model.spatial


def tokens(model: Model, size: Size) -> int:
    """What the denoiser's attention runs over: patches of 2 x 2 latents."""
    frames, height, width = latents(model, size)
    return frames * (height // 2) * (width // 2)


def work(model: Model, size: Size) -> float:
    """Floating-point operations of one step: two for every weight of a block and token, and four for every pair of tokens."""
    config, count = model.config, tokens(model, size)
    wide = config["num_attention_heads"] * config["attention_head_dim"]
    # Self-attention, feed-forward, cross-attention's query.
    own = 4 * wide * wide + 2 * wide * config["ffn_dim"] + 2 * wide * wide
    return PASSES * config["num_layers"] * (2 * own * count + 4 * count * count * wide)


def given(model: Model, size: Size, device: str, dtype: Any) -> dict[str, Any]:
    """The arguments of one pass, random."""
    import torch

    frames, height, width = latents(model, size)
    made: dict[str, Any] = {
        "hidden_states": torch.randn(1, model.config["in_channels"], frames, height, width, device=device, dtype=dtype),
        "encoder_hidden_states": torch.randn(1, 512, model.config["text_dim"], device=device, dtype=dtype),
        "timestep": torch.full((1, tokens(model, size)) if model.own_times else (1,), 500.0, device=device),
        "return_dict": False,
    }
    if model.looks:
        made["encoder_hidden_states_image"] = torch.randn(1, 257, model.config["image_dim"], device=device, dtype=dtype)
    return made


def built(model: Model, device: str, dtype: Any) -> Any:
    """The denoiser with random weights, made where it will run."""
    import torch
    from diffusers import WanTransformer3DModel

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return WanTransformer3DModel(**model.config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)


def step_seconds(denoiser: Any, arguments: dict[str, Any], device: str, rounds: int = ROUNDS) -> float:
    """Median seconds of a step, after one that warms up."""
    import torch

    times: list[float] = []
    with torch.inference_mode():
        for number in range(rounds + 1):
            attention_probe.synchronize(device)
            began = time.perf_counter()
            for name in ("cond", "uncond")[:PASSES]:
                with denoiser.cache_context(name):
                    denoiser(**arguments)
            attention_probe.synchronize(device)
            if number:
                times.append(time.perf_counter() - began)
    return statistics.median(times)


class Bench:
    """One model at one size on one device: rows of what was tried and the seconds a step took."""

    def __init__(self, model: Model, size: Size, device: str, kernels: tuple[attention_probe.ProbedKernel, ...]) -> None:
        import torch

        self.model, self.size, self.device = model, size, device
        self.dtype = torch.float32 if device == "cpu" else torch.bfloat16
        self.kernels = [
            row for row in kernels if row.ok and row.name != attention_probe.REFERENCE
        ]  # the reference would need 100s of GB
        self.denoiser = built(model, device, self.dtype)
        self.arguments = given(model, size, device, self.dtype)
        self.rows: list[tuple[str, float | None, float]] = []

    def run(self, backend: str = "inductor") -> list[tuple[str, float | None, float]]:
        """Every row: (what, seconds a step or None where it failed, peak GB). `backend` is torch.compile's."""
        for kernel in self.kernels:
            self._row(f"attention: {kernel.title}", lambda kernel=kernel: self._kernel(kernel.name))
        best = attention.choose_fastest(self.kernels, self.device, masks=False)
        self._kernel(best.name if best else attention.NATIVE)
        with self._cache():
            self._row("first-block cache, every pass skipped", lambda: None)
        self._row("compiled blocks", lambda: self.denoiser.compile_repeated_blocks(backend=backend))
        for module in self.denoiser.modules():
            module._compiled_call_impl = None
        self._row("fp8 storage (layerwise casting)", self._fp8)
        return self.rows

    def _row(self, title: str, prepare: Callable[[], object]) -> None:
        import torch

        if self.device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        try:
            prepare()
            seconds = step_seconds(self.denoiser, self.arguments, self.device)
        except Exception as fault:  # one row that fails shouldn't cost the table
            print(f"{title}: {type(fault).__name__}: {str(fault)[:200]}", file=sys.stderr)
            seconds = None
        peak = torch.cuda.max_memory_allocated() / 1e9 if self.device != "cpu" else 0.0
        self.rows.append((title, seconds, peak))
        print(".", end="", file=sys.stderr, flush=True)

    def _kernel(self, name: str) -> None:
        attention.set_kernel(self, [self.denoiser], self.kernels, name, self.device)

    @contextmanager
    def _cache(self) -> Generator[None]:
        """Random weights say nothing of how often a cache skips, so all are let pass: that is what a skipped one costs."""
        from diffusers.hooks.first_block_cache import FirstBlockCacheConfig

        step_caches.attach("first_block_cache", self.denoiser, FirstBlockCacheConfig(threshold=1e9))
        try:
            yield
        finally:
            step_caches.detach(self.denoiser)

    def _fp8(self) -> None:
        import torch

        self.denoiser.enable_layerwise_casting(torch.float8_e4m3fn, self.dtype)


def ceilings(device: str, side: int = 8192, megabytes: int = 1024) -> list[tuple[str, str]]:
    """What the device does at most: a large matrix product, a copy on it, and a copy to it from pinned memory."""
    import torch

    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    product = _best(lambda: left @ right, device)
    there = torch.empty(megabytes * 2**20, dtype=torch.uint8, device=device)
    other = torch.empty_like(there)
    copied = _best(lambda: other.copy_(there), device)
    rows = [
        (
            f"product of two {side} x {side} matrices, {str(dtype).removeprefix('torch.')}",
            f"{2 * side**3 / product / 1e12:.3g} TFLOP/s",
        ),
        ("copy within its memory (read and write)", f"{2 * there.numel() / copied / 1e9:.3g} GB/s"),
    ]
    if device != "cpu":
        host = torch.empty(megabytes * 2**20, dtype=torch.uint8, pin_memory=True)
        sent = _best(lambda: there.copy_(host, non_blocking=True), device)
        rows.append(("copy to it from pinned memory", f"{there.numel() / sent / 1e9:.3g} GB/s"))
    return rows


def _best(work: Callable[[], object], device: str) -> float:
    times: list[float] = []
    for _ in range(6):
        attention_probe.synchronize(device)
        began = time.perf_counter()
        work()
        attention_probe.synchronize(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def report(model: Model, size: Size, rows: list[tuple[str, float | None, float]]) -> None:
    """Print one model's table."""
    first = next((seconds for _, seconds, _ in rows if seconds), None)
    lines: list[tuple[str, ...]] = []
    for title, seconds, peak in rows:
        if seconds is None or first is None:
            lines.append((title, "failed", "", "", ""))
            continue
        # A skipped pass does none of the work, so it has no rate.
        rate = "" if "skipped" in title else f"{work(model, size) / seconds / 1e12:.0f}"
        lines.append((title, f"{seconds:.2f} s", f"{first / seconds:.2f}", rate, f"{peak:.1f}"))
    frames, height, width = latents(model, size)
    title = f"{model.title}, {size.title}: {size.width}x{size.height}, {size.num_frames} frames"
    title += f" = {frames}x{height}x{width} latents, {tokens(model, size)} tokens"
    table(title, ("what", "a step", "times the first row's speed", "TFLOP/s", "peak GB"), lines)


def painting(device: str, size: Literal["240p", "2160p"], frames: int = 48) -> None:
    """Frames a second that the built-in engine paints on the processor and on this GPU, and how alike they are."""
    from bench import clips
    from studio.engines import registry
    from studio.engines.parallax import shot_setting
    from studio.engines.parallax.render import Renderer
    from studio.engines.parallax.render_torch import TorchRenderer, likeness
    from studio.presets import card

    shot, image = clips.shot_of(clips.PHOTO, size, frames / 24, 24)
    scene = registry.engine(card("parallax"), clips.settings()).read(image, shot)
    setting, full = shot_setting.place(scene, shot, {}, still=True), (scene.width, scene.height)
    slow = Renderer(setting.sheets, full, setting.framing)
    fast = TorchRenderer(setting.sheets, full, setting.framing, device)
    like = min(likeness(fast.paint(pose, 0), slow.paint(pose, 0)) for pose in setting.poses[:: frames // 4])
    rates = [
        len(setting.poses) / clips.seconds(lambda painter=painter: [painter.paint(pose, 0) for pose in setting.poses])
        for painter in (slow, fast)
    ]
    rows = [
        ("the processor", f"{rates[0]:.1f}", "1", ""),
        ("this GPU", f"{rates[1]:.1f}", f"{rates[1] / rates[0]:.1f} (5 asked for)", f"{like:.0f} dB (40 asked for)"),
    ]
    head = ("painted by", "frames/s", "times the processor's", "likeness, least")
    table(f"The built-in engine's painting at {full[0]}x{full[1]}, {len(setting.sheets)} layers", head, rows)


def run(device: str, shrink: bool = False, runs: tuple[tuple[Model, Size], ...] = RUNS) -> None:
    """Print every table. `shrink` is for a test on a processor."""
    import torch

    print("\n## Full-size denoisers on this GPU")
    name = torch.cuda.get_device_name(device) if device != "cpu" else "the processor"
    print(f"\nOn {name}, torch {torch.__version__}, random weights, {PASSES} passes a step.")
    table("What it can do at most", ("what", "rate"), ceilings(device, *((64, 1) if shrink else ())))
    kernels = attention_probe.probe_kernels(device)
    table("Attention kernels", ("kernel", "error", "time", "verdict"), [
        (row.title, f"{row.error:.2g}", f"{row.milliseconds:.2f} ms" if row.ok else "", row.why) for row in kernels
    ])  # fmt: skip
    painting(device, "240p" if shrink else "2160p", 8 if shrink else 48)
    for model, size in runs:
        model, size = small(model, size) if shrink else (model, size)
        try:
            report(model, size, Bench(model, size, device, kernels).run("eager" if shrink else "inductor"))
        except torch.OutOfMemoryError:
            print(f"\n{model.title} at {size.title} doesn't fit into this device's memory.")
        gc.collect()
        if device != "cpu":
            torch.cuda.empty_cache()
    head = ("what", "device", "by", "a step", "source")
    table("Published", head, [(what, on, by, f"{seconds:.2f} s", source) for what, on, by, seconds, source in PUBLISHED])
