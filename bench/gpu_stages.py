"""The stages of `python -m bench gpu`, each run in a process of its own.

python -m bench.gpu_stages STAGE DEVICE FOLDER ROWS END [tiny]

A row is written the moment it is known: what a stage has found stays found when it fails or is ended.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench import gpu_jobs
from bench.gpu_rows import Place, read_rows
from studio.preferences import Placement, Weights

LEAST_MOVE, MOST_FAST, MOST_ENCODE, MOST_LOAD, MOST_SECOND, MOST_TRIAL = 0.75, 0.72, 1.1, 8.0, 5.0, 4.0
MOST_SWITCH = 0.1
"""Seconds a gigabyte."""

SAME = 40.0
"""dB from which two clips are called the same: beyond it differences are below a level of 255."""

CARDS = (12.0, 24.0, 8.0, 16.0)
"""GiB of the GPUs that are played, in the order in which they are tried."""

SETTINGS: dict[str, tuple[tuple[Weights, Placement], ...]] = {
    "wan21-i2v-480p": (("fp8", "auto"), ("published", "grouped")),
}
"""Of a card that is shown with other weights and places than those the studio chooses."""

FAMILIES = (
    "helios", "ltx2_i2v", "i2vgen_xl", "wan22_ti2v_5b", "ltx_condition", "cogvideox15_i2v", "hunyuan15_i2v", "svd", "sana_i2v",
    "framepack", "kandinsky5_i2v", "wan21_i2v", "skyreels_v2", "helios_pyramid",
)  # fmt: skip
BEFORE_SMALL = {("wan22-ti2v-5b", gib): f"not in {seconds} s" for gib, seconds in ((12.0, 80), (16.0, 56), (24.0, 70))}
BEFORE_SEEDS = {"helios": "0.5 dB", "ltx2_i2v": "23 to 25 dB", "i2vgen_xl": "36 dB"}


def measure_device(place: Place) -> None:
    """What the device does at most, and the trial of attention kernels."""
    from bench import denoiser_step, moves
    from studio.engines.diffusion.run import attention_probe

    before = {"product": "786 TFLOP/s", "copy within": "2.94 TB/s", "copy to it": "54.7 GB/s"}
    for what, rate in denoiser_step.ceilings(place.device, *((64, 1) if place.tiny else ())):
        place.add(what, rate, before=next((said for key, said in before.items() if what.startswith(key)), ""))
    plain = moves.measure_ceilings(place.device, 1 << 20 if place.tiny else 1 << 30).plain
    place.add("copy to it from plain memory", f"{plain:.1f} GB/s", before="8.5 GB/s")
    began = time.perf_counter()
    kernels = attention_probe.probe_kernels(place.device)
    took = time.perf_counter() - began
    place.add("trial of attention kernels", f"{took:.1f} s", goal=f"at most {MOST_TRIAL:g} s, in the background",
              met=took <= MOST_TRIAL, before="12.0 s", seconds=took)  # fmt: skip
    for kernel in kernels:
        timed = f", {kernel.milliseconds:.2f} ms" if kernel.ok else ""
        place.add(
            f"attention: {kernel.title}", f"{'agrees' if kernel.ok else 'off'}{timed}{': ' if kernel.why else ''}{kernel.why}"
        )


def measure_steps(place: Place) -> None:
    """A step of Wan 2.1 14B: plain, fp8 products in compiled blocks, fp8 storage."""
    import torch

    from bench import denoiser_step, fp8_step

    model, size = denoiser_step.RUNS[0]
    if place.tiny:
        model, size = denoiser_step.small(model, size)
    ceiling = denoiser_step.ceilings(place.device, *((64, 1) if place.tiny else ()))[0][1]
    published = min(seconds for what, _, _, seconds, _ in denoiser_step.PUBLISHED[:3])
    work = denoiser_step.work(model, size) / 1e12

    def tell(plain: float) -> None:
        place.add(f"a step of {model.title}, {size.width}x{size.height}, {size.num_frames} frames, plain",
                  f"{plain:.2f} s, {work / plain:.0f} TFLOP/s", ceiling=ceiling, before=f"6.76 s; published best {published} s",
                  seconds=plain)  # fmt: skip

    step = fp8_step.measure_step(
        model, size, place.device, place.folder / "home-step", backend="eager" if place.tiny else "inductor", tell=tell
    )
    ratio = step.fast / step.plain
    place.add(f"the same, {step.layers} layers in fp8, compiled", f"{step.fast:.2f} s, {ratio:.3f} of the plain step",
              goal=f"at most {MOST_FAST:g} of it", met=ratio <= MOST_FAST, before="4.84 s (0.716), by hand",
              seconds=step.fast, ratio=ratio)  # fmt: skip
    place.add("how far an fp8 pass is from the plain one", f"{step.apart:.3f}", before="0.041", apart=step.apart)
    gc.collect()
    if place.is_gpu:
        torch.cuda.empty_cache()
    dtype = torch.bfloat16 if place.is_gpu else torch.float32
    denoiser, arguments = denoiser_step.built(model, place.device, dtype), denoiser_step.given(model, size, place.device, dtype)
    denoiser.enable_layerwise_casting(torch.float8_e4m3fn, dtype)
    stored = denoiser_step.step_seconds(denoiser, arguments, place.device, 2)
    place.add("the same, fp8 storage", f"{stored:.2f} s", before="6.84 s", seconds=stored)


def measure_compiling(place: Place) -> None:
    """Compiling in a first process and in a second one, which finds what the first has kept."""
    from bench import fp8_step

    found = fp8_step.measure_compiling(0, place.tiny, place.device, place.folder / "home-compile")
    place.add("compiling, a first process", f"{found.first:.1f} s", before="19.5 s, by hand", seconds=found.first)
    place.add("compiling, a second process", f"{found.second:.1f} s", goal=f"at most {MOST_SECOND:g} s",
              met=found.second <= MOST_SECOND, seconds=found.second)  # fmt: skip


def measure_moves(place: Place) -> None:
    """Weights on their way to the GPU and off it, beside what the bus gives."""
    from bench import moves

    device, size = (place.device, 10_000_000_000) if place.is_gpu else ("cpu:0", 4_000_000)
    most = moves.measure_ceilings(device, 1 << 20 if place.tiny else 1 << 30)
    for one in moves.measure_moves(device, size, 1 << 16 if place.tiny else moves.BLOCK):
        measured = f"{(one.to_device + one.from_device) / 1e9:.2f} GB in {one.seconds:.3f} s"
        measured += f", {one.rate:.1f} GB/s" if one.rate else ""
        compared, first = one.what.startswith("for comparison"), "plain memory" in one.what
        goal, met = "", None
        if one.to_device and not first:
            switches = one.what.startswith(("one model", "and the other"))
            share = one.rate / most.pinned
            goal = f"{LEAST_MOVE:g} of the ceiling" + (f", {MOST_SWITCH:g} s a GB" if switches else "")
            met = share >= LEAST_MOVE and (not switches or one.seconds <= MOST_SWITCH * one.to_device / 1e9)
        elif one.what == "it leaves":
            goal, met = "nothing copied", one.from_device == 0
        ceiling = f"{most.plain if first else most.pinned:.1f} GB/s" if one.rate and not compared else ""
        place.add(one.what, measured, ceiling=ceiling, goal=goal, met=met, before="1.2 GB/s back" if compared else "",
                  seconds=one.seconds, rate=one.rate)  # fmt: skip


def measure_load(place: Place) -> None:
    """A cold load of Wan 2.2 5B from files that are in the system's cache, to the GPU; an older build's where one is named.

    A tiny one is loaded first, so that no library is imported and no device begun in the time.
    """
    from bench import load
    from tests.fakes import tiny, tiny_cards

    warm = tiny.build("wan22_ti2v_5b", place.folder / "warm")
    load.read_pipeline(tiny_cards.card("wan22_ti2v_5b", warm), warm, place.device)
    card, folder = gpu_jobs.choose_card("wan22-ti2v-5b", place)
    pipe, found = load.read_pipeline(card, folder, place.device)
    del pipe
    place.add(f"cold load of {card.title}, {found.read / 1e9:.1f} GB of files in the system's cache",
              f"{found.seconds:.1f} s, {found.weights / 1e9:.1f} GB on the device",
              ceiling=f"{found.ceiling:.1f} s to read them alone", goal=f"at most {MOST_LOAD:g} s",
              met=found.seconds <= MOST_LOAD, before="32.1 s", seconds=found.seconds)  # fmt: skip
    if base := os.environ.get("STIR_BENCH_BASE"):
        now, before = _load_apart(place, load.ROOT, folder, warm), _load_apart(place, Path(base), folder, warm)
        place.add("into memory alone, this build and the older", f"{now:.1f} s and {before:.1f} s: {now / before:.2f} of it",
                  goal="a quarter", met=now <= before / 4, seconds=now, older=before)  # fmt: skip


def _load_apart(place: Place, build: Path, folder: Path, warm: Path) -> float:
    """Seconds that a build takes to load the checkpoint into memory, in a process of its own."""
    from bench import load
    from bench.clips import write_noun
    from tests.fakes import tiny_cards

    card = gpu_jobs.choose_card("wan22-ti2v-5b", place)[0]
    assert card.checkpoint is not None
    card = msgspec.structs.replace(card, checkpoint=msgspec.structs.replace(card.checkpoint, repo=str(folder)))
    files = [place.folder / name for name in ("load.json", "warm.json")]
    for file, one in zip(files, (card, tiny_cards.card("wan22_ti2v_5b", warm)), strict=True):
        file.write_text(write_noun(one), "utf-8")
    return load.load_once(build, *files)["seconds"]


def measure_studio(place: Place) -> None:
    """Wan 2.2 5B through the engine: a first job, a decode alone, a decode beside its encode, and what is kept afterwards."""
    name = "wan22-ti2v-5b"
    with gpu_jobs.open_engine(place, name, _choose_machine(place)) as (engine, card):
        cold = gpu_jobs.do_job(engine, card, place.device)
        place.add("a first job, to its first step", f"{cold.began['denoise']:.1f} s: loaded, the words and the photo read",
                  before="35 s", seconds=cold.began["denoise"])  # fmt: skip
        alone = gpu_jobs.do_job(engine, card, place.device)
        assert alone.plan is not None
        place.add(f"a step, {alone.plan.width}x{alone.plan.height}, {alone.plan.num_frames} frames", f"{alone.step:.2f} s",
                  before="2.49 s", seconds=alone.step)  # fmt: skip
        place.add("to the first step of a job whose model is there", f"{alone.began['denoise']:.2f} s", before="0.24 s")
        _add_decode(place, name, card, alone)
        both = gpu_jobs.do_job(engine, card, place.device, place.folder / "clip.mp4")
        ratio = both.decode / alone.decode if alone.decode else 0.0
        place.add("decode beside encode", f"{both.decode:.1f} s, {ratio:.2f} of the decode alone ({alone.decode:.1f} s)",
                  ceiling=f"{alone.decode:.1f} s, the decode alone", goal=f"at most {MOST_ENCODE:g}", met=ratio <= MOST_ENCODE,
                  before="11.7 + 5.5 s (1.47)", seconds=both.decode, ratio=ratio)  # fmt: skip
        place.add("the same frames", "bit for bit" if both.digest == alone.digest == cold.digest else "not bit for bit",
                  goal="bit for bit", met=both.digest == alone.digest == cold.digest)  # fmt: skip
        used, reserved = both.kept
        unused = reserved - used
        place.add("kept from other programs after a job", f"{reserved:.1f} GB reserved for {used:.1f} in use",
                  goal="a tenth of the GPU unused, at most", met=unused <= 0.1 * engine.machine.vram / 1e9,
                  before="59 GB for 30", reserved=reserved, used=used)  # fmt: skip


def _choose_machine(place: Place, gib: float = 0.0) -> Any:
    return gpu_jobs.shrink_gpu(place.device, gib)


def _add_decode(place: Place, name: str, card: Any, job: gpu_jobs.Watched) -> None:
    """The memory that a decode took, beside what the studio had said."""
    took = job.peaks.get("decode", (0.0, 0.0))[0] - job.before_decode
    if place.tiny or job.plan is None:
        place.add("memory of a decode", f"{took:.1f} GB above what denoising held", gigabytes=took)
        return
    said = gpu_jobs.estimate_decode(name, card, job.plan)
    place.add(f"memory of a decode, {card.title}", f"{took:.1f} GB above what denoising held, estimated {said:.1f}",
              goal="within 15 %", met=abs(said - took) <= 0.15 * took if took > 0 else None,
              before="17.1, estimated 22.1" if name == "wan22-ti2v-5b" else "21.9, estimated 30.8" if name == "svd-xt" else "",
              gigabytes=took, estimate=said)  # fmt: skip


def measure_small(place: Place, name: str, sizes: tuple[float, ...] = CARDS) -> None:
    """A card's default clip in two steps on this GPU as it is, and then on smaller ones: it ends, within the memory there is."""
    earlier = [row for row in read_rows(place.rows) if row.stage == "studio" and row.what.startswith("a step, ")]
    if earlier and name == "wan22-ti2v-5b":
        resident = earlier[0].numbers["seconds"]
    else:
        resident = _try_size(place, name, 0.0, "auto", "auto", 0.0)
    for gib in sizes:
        for weights, placement in SETTINGS.get(name, (("auto", "auto"),)):
            _try_size(place, name, gib, weights, placement, resident)


def _try_size(place: Place, name: str, gib: float, weights: Weights, placement: Placement, resident: float) -> float:
    """One job on a GPU of a size; returns the seconds a step took, 0 where it failed."""
    machine = _choose_machine(place, gib)
    how = "" if weights == "auto" else f", {weights.replace('_', ' ')} weights" + (", streamed" if placement == "grouped" else "")
    where = f"{gib:g} GB" if gib else "the whole GPU"
    title = f"{name} on {where}{how}"
    try:
        with gpu_jobs.open_engine(place, name, machine, weights, placement) as (engine, card):
            state = engine.state(card)
            if state.fits == "no":
                place.add(title, f"not tried: {state.reason}", goal="ends" if gib else "")
                return 0.0
            job = gpu_jobs.do_job(engine, card, place.device)
            if not gib:
                _add_decode(place, name, card, job)
    except Exception as fault:
        seen = getattr(fault, "watched", gpu_jobs.Watched())
        at = f" after {', '.join(f'{stage} at {when:.0f} s' for stage, when in seen.began.items())}" if seen.began else ""
        words = " ".join(str(fault).split())[:200]
        place.add(title, f"failed{at}, peak {seen.peak:.1f} GB: {type(fault).__name__}: {words}", goal="ends", met=False)
        return 0.0
    limit = machine.vram / 1e9 - gpu_jobs.CONTEXT / 1e9
    beside = f" ({job.step / resident:.2f} of resident)" if resident and gib else ""
    chosen = ", ".join(job.choices[what] for what in ("placement", "weights", "decode", "memory") if what in job.choices)
    left = not any("Transformer" in one or "UNet" in one for one in job.here)
    assert job.plan is not None
    place.add(
        title,
        f"{job.plan.width}x{job.plan.height}, {job.frames} frames, 2 steps in {job.ended:.0f} s: first step at "
        f"{job.began.get('denoise', 0.0):.1f} s, {job.step:.2f} s a step{beside}, decode {job.decode:.1f} s; "
        f"peak {job.peak:.1f} GB; host memory {job.host:.1f} GB; {chosen}; "
        f"the denoiser {'left before the decode' if left else 'stayed'}",
        ceiling=f"{limit:.1f} GB" if place.is_gpu else "", goal="ends, within its memory" if gib else "",
        met=(job.frames == job.plan.num_frames and (not place.is_gpu or job.peak <= limit)) if gib else None,
        before=BEFORE_SMALL.get((name, gib), ""),
        seconds=job.ended, step=job.step, peak=job.peak, host=job.host,
    )  # fmt: skip
    return job.step


def measure_seeds(place: Place, names: tuple[str, ...] = FAMILIES) -> None:
    """The same seed on the processor and on this device, in float32, tiny checkpoints of each family."""
    import numpy as np

    from tests.fakes import tiny, tiny_cards, tiny_runs

    for name in names:
        if place.left < 8:
            return
        try:
            card = tiny_cards.card(name, tiny.build(name, place.folder / "seeds"))
            pipe = tiny_runs.load(card)
            slow = tiny_runs.run(pipe, card, tiny_runs.request(card)).frames
            pipe.to(place.device)
            fast = tiny_runs.run(pipe, card, tiny_runs.request(card)).frames
            apart = float(np.mean((slow.astype(np.float64) - fast) ** 2))
            near = 10 * np.log10(float(np.var(slow)) / apart) if apart else float("inf")
        except Exception as fault:
            place.add(f"the same seed, {name}", f"failed: {type(fault).__name__}: {' '.join(str(fault).split())[:160]}")
            continue
        place.add(f"the same seed, {name}", f"{near:.0f} dB" if apart else "bit for bit", goal=f"{SAME:g} dB", met=near >= SAME,
                  before=BEFORE_SEEDS.get(name, "54 to 64 dB"), decibels=min(near, 999.0))  # fmt: skip


def measure_kernels(place: Place) -> None:
    """Every kernel on every denoiser, printed as tables: 20 minutes, and only when it is asked for by name."""
    from bench import denoiser_step

    denoiser_step.run(place.device, place.tiny)


STAGES: dict[str, Callable[[Place], None]] = {
    "device": measure_device, "step": measure_steps, "moves": measure_moves, "load": measure_load, "studio": measure_studio,
    "compiling": measure_compiling, "seeds": measure_seeds, "kernels": measure_kernels,
}  # fmt: skip


def run_stage(place: Place) -> None:
    """Run a stage by its name; "small CARD" is that card on smaller GPUs."""
    kind, _, name = place.stage.partition(" ")
    if kind == "small":
        measure_small(place, name)
    else:
        STAGES[place.stage](place)


def main(stage: str, device: str, folder: str, rows: str, end: str, *more: str) -> None:
    """Run one stage in this process."""
    run_stage(Place(stage, device, Path(folder), Path(rows), "tiny" in more, float(end)))


if __name__ == "__main__":
    main(*sys.argv[1:])
