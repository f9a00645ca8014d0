"""What tells the clips of a comparison apart, in words, and what may be said of them while it is blind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from studio.clip.formats import TITLES
from studio.comparison import Axis, AxisName, Cell, Comparison
from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import describe_camera
from studio.nouns import Shot

NAMED = 2
"""Differences that a cell is called by."""

SPEAKING = ("Model", "Camera", "Effects", "Prompt", "Photo")
"""What needs no label to be understood."""

LABELS: dict[AxisName, str] = {
    "model": "Model", "seed": "Seed", "amount": "How far", "move": "Camera", "effect": "Effects", "prompt": "Prompt",
    "depth": "Depth", "steps": "Steps", "guidance": "Guidance", "strength": "How much moves", "size": "Size",
    "speedup": "Speed-ups",
}  # fmt: skip
"""What a difference along each axis is called."""

Rows = list[tuple[str, str]]


def is_hidden(one: Comparison) -> bool:
    """Whether names are hidden now: in blind mode, until somebody has won."""
    return one.blind and not one.winner


def shuffle_cells(one: Comparison) -> tuple[Cell, ...]:
    """The cells in an order that tells nothing, and in which a new one changes no other's place before it."""
    return tuple(sorted(one.cells, key=lambda cell: hashlib.sha256(f"{one.id}{cell.id}".encode()).digest()))


def name_by_letter(cells: Sequence[Cell]) -> dict[str, str]:
    """What cells are called whose names are hidden, by their ids, in this order: A, B … Z, A1. The photo is itself."""
    clips = [cell.id for cell in cells if not cell.photo]
    return {cell_id: chr(ord("A") + at % 26) + (str(at // 26) if at >= 26 else "") for at, cell_id in enumerate(clips)}


def find_differences(
    shots: Sequence[Shot], name_model: Callable[[str], str], axes: Sequence[Axis] = ()
) -> dict[Shot, Rows]:
    """What of each shot isn't the same in all of them, as (what, value); of prompts only the words that differ.

    What differs along the `axes` comes first: a prompt may bring an effect with it.
    """
    every = {shot: _list_settings(shot, name_model) for shot in shots}
    if not every:
        return {}
    asked = [LABELS[axis.name] for axis in axes]
    names = dict.fromkeys((*asked, *next(iter(every.values()))))
    differs = [name for name in names if len({settings[name] for settings in every.values()}) > 1]
    words = _trim([settings["Prompt"] for settings in every.values()])
    for settings, prompt in zip(every.values(), words, strict=True):
        settings["Prompt"] = prompt
    return {shot: [(name, settings[name] or "none") for name in differs] for shot, settings in every.items()}


def name_cell(rows: Rows) -> str:
    """What a cell is called: the first two things that tell it from the others."""
    words = [value if label in SPEAKING else f"{label} {value}" for label, value in rows[:NAMED]]
    title = " · ".join([*words[:1], *(word[:1].lower() + word[1:] for word in words[1:])])
    return title[:1].upper() + title[1:]


def _list_settings(shot: Shot, name_model: Callable[[str], str]) -> dict[str, str]:
    """All that a shot asks for, in words, the most telling first."""
    motion = shot.motion
    legs = [motion.camera.moves, *(leg.moves for leg in motion.camera.then)]
    said = (motion.prompt, motion.subject, motion.action, motion.environment, motion.light, motion.still)
    effects = [f"{EFFECTS[one.name].title.lower()} {one.amount:g}, {one.region}" for one in motion.effects]
    return {
        "Model": name_model(shot.maker), "Photo": Path(shot.photo.name).stem or "Photo",
        "Camera": describe_camera(motion.camera),
        "How far": ", ".join(f"{move.amount:g}" for leg in legs for move in leg), "Effects": " + ".join(effects),
        "Prompt": " ".join(" ".join(said).split()), "Avoid": motion.negative_prompt, "Seed": str(shot.seed),
        "Depth": shot.depth[:8], "Size": shot.size, "Length": f"{shot.seconds:g} s", "Rate": f"{shot.fps} fps",
        "Quality": shot.quality, "Steps": "" if shot.steps is None else str(shot.steps),
        "Guidance": "" if shot.guidance is None else f"{shot.guidance:g}", "How much moves": f"{shot.strength:g}",
        "Speed-ups": ", ".join(name.replace("_", " ") for name in shot.speedups), "Format": TITLES[shot.format],
        "Crop": shot.crop.aspect, "Pace": motion.camera.speed,
        "Ease": motion.camera.ease.replace("_", " "),
    }  # fmt: skip


def _trim(prompts: Sequence[str]) -> list[str]:
    """Prompts without the words that all of them begin or end with; "…" stands for those."""
    split = [prompt.split() for prompt in prompts]
    least = min(map(len, split))
    first = next((at for at in range(least) if len({words[at] for words in split}) > 1), least)
    room = least - first
    last = next((at for at in range(room) if len({words[-1 - at] for words in split}) > 1), room)
    return [
        " ".join(["…"] * (first > 0) + words[first : len(words) - last] + ["…"] * (last > 0)) if words else ""
        for words in split
    ]
