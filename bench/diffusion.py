"""What the studio adds to a bare diffusers call, and what its speed-ups do: on checkpoints with random weights, on the processor.

Ratios are of times taken in the same run. PSNR says how far a run is from the plain one at the same seed. On random weights that
says nothing of how a clip would look: there the ratio shows that a speed-up does its work, and "the same" that nothing else has
changed. For full-size denoisers on a GPU see `python -m bench gpu`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import grown
from bench.clips import PHOTO, ignore, middle, seconds, settings, table, verdict
from studio.cards import ModelCard
from studio.engines.base import Stopped
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.run import speedups
from studio.engines.diffusion.run.generation import Generation
from studio.engines.diffusion.run.vae_decode import find_spatial_scale
from studio.engines.prepare import prepare
from studio.nouns import Motion, Progress, Shot, replace
from studio.photo import crop, photo_store

BARE = ("wan21_i2v", "ltx_i2v", "cogvideox_i2v", "svd")
"""Checkpoints the studio's own overhead is measured on."""

RUNS = 15
STEPS_BARE, STEPS_SPED = 10, 20
MOST_SHARE, MOST_MS, LEAST_SWITCH = 0.03, 20.0, 10.0
SIDE = {"wan21_i2v": 128, "ltx_i2v": 192}
Frames = NDArray[np.uint8]


@cache
def engine() -> DiffusionEngine:
    """One engine for all, as the studio has."""
    return DiffusionEngine(settings(), cards=tuple)


@cache
def photo() -> tuple[Any, Any]:
    """The photo and its pixels."""
    return photo_store.read_photo(PHOTO)


def shot(prompt: str, steps: int, **more: Any) -> Shot:
    """A square shot of the photo. 1 second at the least: the shortest clip a card makes."""
    about = photo()[0]
    return Shot(about, crop.find_largest(about, "1:1"), Motion(prompt), seconds=1.0, fps=8, seed=3, steps=steps, **more)


def made(card: ModelCard, asked: Shot) -> tuple[Frames, tuple[Any, ...]]:
    """A shot's frames by the studio, all of them read, and what it says of them."""
    found = engine().animate(prepare(asked, card), photo()[1], None, ignore)
    return np.stack(list(found.images)), found.choices


# ------------------------------------------------------------------------------------------------ overhead
def bare(card: ModelCard, asked: Shot) -> Callable[[], object]:
    """The same run as a plain call of a pipeline that diffusers has loaded: same photo, words, size, steps and seed."""
    import diffusers
    import torch

    checkpoint = card.checkpoint
    assert checkpoint is not None
    pipe = _plain_pipe(getattr(diffusers, checkpoint.pipeline), checkpoint.repo)
    kind = get_family(checkpoint.family)
    request = Generation(engine()._tools, prepare(asked, card), photo()[1], None, ignore).build_request()
    arguments = kind.arguments(pipe, request, checkpoint)
    words = {"prompt": request.prompt, "negative_prompt": request.negative} if kind.words_arguments else {}
    if words and checkpoint.text_tokens:
        words["max_sequence_length"] = checkpoint.text_tokens
    generator: Any = torch.Generator().manual_seed(request.seed)
    return lambda: pipe(**{**arguments, **words, "generator": generator})


@cache
def _plain_pipe(kind: Any, folder: str) -> Any:
    pipe = kind.from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def overhead() -> None:
    """(a): by turns, every run with words of its own so that both read them each time."""
    rows: list[tuple[str, ...]] = []
    for name in BARE:
        card = grown.small(name)
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(RUNS + 1):
            asked = shot(f"the waves roll in, take {number}", STEPS_BARE)
            call = bare(card, asked)
            turns = [(ours, lambda asked=asked, card=card: made(card, asked)), (theirs, call)]
            for times, work in turns if number % 2 else reversed(turns):
                took = seconds(work)
                if number:  # the first loads and warms
                    times.append(took)
            print(".", end="", file=sys.stderr, flush=True)
        mine, plain = middle(ours), middle(theirs)
        over = middle([one - other for one, other in zip(ours, theirs, strict=True)]) * 1000  # of each pair, run side by side
        most = MOST_SHARE * plain * 1000 + MOST_MS
        more = f"{over / plain / 10:.1f} %"
        rows.append((card.title, f"{plain * 1000:.0f} ms", f"{mine * 1000:.0f} ms", more, verdict(over, round(most, 1))))
    head = ("checkpoint", "bare diffusers", "Stir", "more", f"ms more, of 3 % + {MOST_MS:g} ms")
    table(f"The same clip of {STEPS_BARE} steps by a bare call and by the studio, medians of {RUNS}", head, rows)


# ------------------------------------------------------------------------------------------------ switching
def ready(card: ModelCard) -> float:
    """Seconds until a card that a job asks for may run."""
    began = time.perf_counter()
    with engine().manager.use(card, ignore):
        return time.perf_counter() - began


def first_step(card: ModelCard) -> float:
    """Seconds from a job's start to its first step, which is then stopped: reading the photo is part of it."""
    began = time.perf_counter()
    arrived: list[float] = []

    def tick(progress: Progress) -> None:
        if progress.stage == "denoise":
            arrived.append(time.perf_counter() - began)
            raise Stopped

    with suppress(Stopped):
        engine().animate(prepare(shot("the waves roll in", 4), card), photo()[1], None, tick)
    return arrived[0]


def switching() -> None:
    """(b): two heavy cards by turns, both in memory; and the same with the memory let go of before each."""
    cards = [grown.grown(name, changes, "heavy", 64) for name, changes in grown.HEAVIER.items()]
    times: dict[tuple[str, str], list[float]] = {}
    for measured in (ready, first_step):
        for card in cards:
            measured(card)  # both are in memory, and their files in the system's
        for kind in ("back", "again"):
            for _ in range(3):
                for card in cards:
                    if kind == "again":
                        engine().unload(card)
                    times.setdefault((card.id, f"{measured.__name__} {kind}"), []).append(measured(card))
            print(".", end="", file=sys.stderr, flush=True)
    rows: list[tuple[str, ...]] = []
    for card in cards:
        took = {key[1]: middle(each) for key, each in times.items() if key[0] == card.id}
        ratio = took["ready again"] / took["ready back"]
        judged = "within" if ratio >= LEAST_SWITCH else "short of"
        rows.append((
            card.title, f"{grown.megabytes(card):.0f} MB", f"{took['ready again']:.2f} s", f"{took['ready back'] * 1000:.1f} ms",
            f"{ratio:.0f} ({judged} {LEAST_SWITCH:g})", f"{took['first_step again']:.2f} s", f"{took['first_step back']:.2f} s",
        ))  # fmt: skip
        engine().unload(card)
    head = (
        "checkpoint",
        "weights",
        "loaded again",
        "back, still in memory",
        "times as fast",
        "to the first step: loaded",
        "back",
    )
    table("A model asked for again after another, files in the system's cache, on the processor", head, rows)


# ------------------------------------------------------------------------------------------------ words
def words() -> None:
    """(c): how often the text encoder runs."""
    card = grown.small("wan21_i2v")
    rows: list[tuple[str, ...]] = []
    with engine().manager.use(card, ignore) as loaded:
        encoder = loaded.pipe.text_encoder
    calls = [0]

    def count(*_: Any) -> None:
        calls[0] += 1

    hook = encoder.register_forward_pre_hook(count)
    for title, asked in (
        ("a new prompt", shot("a heron lands", 4)),
        ("the same prompt, another seed", replace(shot("a heron lands", 4), seed=99)),
        ("the same prompt, more steps", shot("a heron lands", 8)),
        ("another prompt", shot("a heron takes off", 4)),
    ):
        before = calls[0]
        made(card, asked)
        rows.append((title, str(calls[0] - before)))
    hook.remove()
    table("Calls of the text encoder", ("run", "calls"), rows)


# ------------------------------------------------------------------------------------------------ speed-ups
def psnr(frames: Frames, plain: Frames) -> float:
    """Peak signal-to-noise ratio of uint8 frames in dB; infinite where they are the same."""
    apart = float(np.mean((frames.astype(np.float64) - plain) ** 2))
    return 10 * np.log10(255.0**2 / apart) if apart else float("inf")


def _decibels(found: float) -> str:
    return "the same" if found == float("inf") else f"{found:.1f} dB"


def sped_up(name: str) -> None:
    """(d): every speed-up on one checkpoint, each by turns with the plain run."""
    card = grown.grown(name, grown.LARGER[name], "large", SIDE[name])
    plain_shot = shot("the waves roll in", STEPS_SPED)
    plain, _ = made(card, plain_shot)
    rows: list[tuple[str, ...]] = []

    def row(title: str, work: Callable[[], tuple[str, str]], usual: Callable[[], Any]) -> None:
        work()  # measures (MagCache) or compiles
        times: tuple[list[float], list[float]] = [], []
        for _ in range(2):
            times[0].append(seconds(usual))
            began = time.perf_counter()
            beside, said = work()
            times[1].append(time.perf_counter() - began)
        rows.append((title, f"{sum(times[0]) / sum(times[1]):.2f}", beside, said))
        print(".", end="", file=sys.stderr, flush=True)

    def by_studio(asked: Shot, what: str = "") -> tuple[str, str]:
        frames, choices = made(card, asked)
        said = next((f"{choice.value}: {choice.reason}" for choice in choices if choice.what == what), "")
        return _decibels(psnr(frames, plain)), said

    def usual() -> object:
        return made(card, plain_shot)

    for speedup, title in speedups.TITLES.items():
        asked = replace(plain_shot, speedups=(speedup,))
        row(title, lambda asked=asked, title=title: by_studio(asked, title), usual)
    few = replace(shot("the waves roll in", 4), guidance=1.0)
    row("what a step-distilled LoRA saves: 4 steps without guidance", lambda: by_studio(few), usual)
    for switch in ("tiling", "slicing"):
        row(f"VAE {switch}, of decoding alone", *_decoding(card, name, switch))
    row("none of them, afterwards", lambda: by_studio(plain_shot), usual)
    head = ("speed-up", "times as fast", "beside the plain run", "what the studio says")
    title = f"{card.title}, larger ({grown.megabytes(card):.0f} MB), {SIDE[name]} pixels, {STEPS_SPED} steps"
    table(title, head, rows)


def _decoding(card: ModelCard, name: str, switch: str) -> tuple[Callable[[], tuple[str, str]], Callable[[], Any]]:
    """Decoding with a switch of the VAE on (and how far from whole that is), and off."""
    import torch

    with engine().manager.use(card, ignore) as loaded:
        vae = loaded.pipe.vae
    side = SIDE[name] // find_spatial_scale(vae)
    channels = vae.config.get("z_dim") or vae.config.get("latent_channels")
    latents = torch.randn((1, channels, 3, side, side), generator=torch.Generator().manual_seed(0))
    tile = {
        f"tile_sample_{which}_{way}": 96 if which == "min" else 64 for which in ("min", "stride") for way in ("height", "width")
    }

    def decode() -> Any:
        with torch.inference_mode():
            return vae.decode(latents).sample

    whole = decode()

    def switched() -> tuple[str, str]:
        vae.enable_tiling(**tile) if switch == "tiling" else vae.enable_slicing()
        try:
            out = decode()
        finally:
            vae.disable_tiling() if switch == "tiling" else vae.disable_slicing()
        apart = float((out - whole).square().mean())
        said = "tiles of 96 pixels, 32 of them shared: less memory at once" if switch == "tiling" else "a clip is a batch of one"
        return _decibels(10 * np.log10(2.0**2 / apart) if apart else float("inf")), said

    return switched, decode


def run() -> None:
    """Print every table of this bench."""
    print("\n## Diffusion, on random weights")
    settings().models.mkdir(parents=True, exist_ok=True)
    try:
        with grown.one_thread():
            overhead()
            switching()
            words()
            for name in grown.LARGER:
                sped_up(name)
    finally:
        engine().close()
