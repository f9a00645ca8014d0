"""The plan of a run: what size, length and rate a shot will really have on a card, before anything runs.

Knows the cards' rules for frames, grids and steps. Refuses to load anything: it is arithmetic, and quick.
"""

from __future__ import annotations

from studio.cards import ModelCard, Plan
from studio.nouns import Shot
from studio.photo import crop


def plan(shot: Shot, card: ModelCard) -> Plan:
    """What a run of `shot` on `card` will be, each decision with its reason. Raises `Refusal` when it can't be."""
    size = crop.output_size(shot)
    return Plan(
        crop.settle(shot.photo, shot.crop), size.width, size.height, shot.num_frames, shot.fps, size.upscale,
        choices=(size.choice,),
    )  # fmt: skip
