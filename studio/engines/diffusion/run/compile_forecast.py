"""Whether compiling a model's blocks is worth it for a run, said before it: what it takes here, what a step saves."""

from __future__ import annotations

import math

from studio.engines.diffusion.memory.compile_cache import find_missing_compiler
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.run.speed_history import History
from studio.engines.prepare import Prepared
from studio.nouns import Choice, SpeedUp
from studio.preferences import Weights

WHAT = "compiled blocks"

ELSEWHERE = 19.5, 6.76, 4.84
"""Seconds to compile, and a step plain and with fp8 products and compiled blocks: Wan2.1 14B, 480p, 81 frames, one H100
80GB, torch 2.11 (bench/RESULTS.md)."""


def is_compiled(prepared: Prepared, weights: Weights) -> bool:
    """Whether a run would have its blocks compiled: asked for, or because they multiply in fp8."""
    checkpoint = prepared.card.checkpoint
    asked = checkpoint is not None and "compile" in checkpoint.speedups and "compile" in prepared.shot.speedups
    return asked or weights == "fp8_fast"


def foresee_compiling(history: History, machine: Machine, prepared: Prepared, weights: Weights) -> tuple[Choice, ...]:
    """From how many steps on compiling is worth it, by the runs made here; empty for a run without it."""
    card, plan = prepared.card, prepared.plan
    if card.checkpoint is None or not is_compiled(prepared, weights):
        return ()
    speedups: tuple[SpeedUp, ...] = tuple(one for one in prepared.shot.speedups if one in card.checkpoint.speedups)
    lacking = find_missing_compiler(machine.device)
    if lacking:
        return (Choice(WHAT, "off", lacking),)
    plain = history.find_pace(machine.name, card, plan, tuple(one for one in speedups if one != "compile"))
    compiled = history.find_pace(machine.name, card, plan, speedups, weights)
    took = history.find_compile_time(machine.name, card)
    if plain is None or compiled is None or took is None:
        return (_quote(weights, took),)
    saved = plain[0] - compiled[0]
    if saved <= 0:
        return (Choice(WHAT, "no gain here", f"a step takes {compiled[0]:.2f} s so, and {plain[0]:.2f} s without"),)
    least = math.ceil(took / saved)
    why = f"compiling takes {took:.1f} s here and a step is {saved:.2f} s shorter; this clip has {plan.steps} steps"
    return (Choice(WHAT, f"worth it from {_count_steps(least)} on", why),)


def _quote(weights: Weights, took: float | None) -> Choice:
    """What is known before a run with and one without were made here."""
    seconds, plain, fast = ELSEWHERE
    here = f"compiling took {took:.1f} s here" if took is not None else f"compiling took {seconds:g} s on an H100"
    if weights == "fp8_fast":
        least = math.ceil((took if took is not None else seconds) / (plain - fast))
        why = (
            f"{here}, and a step of Wan 2.1 14B was {plain - fast:.1f} s shorter on an H100; this machine's are learned"
        )
        return Choice(WHAT, f"worth it from about {_count_steps(least)} on", why)
    return Choice(
        WHAT, "worth it in long runs", f"{here}; from how many steps on is known after a run with and one without"
    )


def _count_steps(count: int) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"
