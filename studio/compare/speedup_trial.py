"""The trial of a model's speed-ups on one shot: a short plain clip and one with each of them, held against it."""

from __future__ import annotations

from collections.abc import Mapping

from studio.cards import ModelCard
from studio.comparison import Axis, Cell, Comparison, Standing
from studio.nouns import Clip, Refusal, Shot, SpeedUp, replace

SECONDS = 2.0
"""Length of the clips, where the model makes such short ones."""

SAVES_MEMORY: tuple[SpeedUp, ...] = ("vae_tiling",)
"""What is listed among the speed-ups and saves memory instead of time."""


def plan_trial(shot: Shot, card: ModelCard) -> tuple[Shot, Axis]:
    """The shot as it is tried, short and without any speed-up, and the axis along which the clips differ.

    Raises `Refusal` for a model that has no speed-up.
    """
    known = card.checkpoint.speedups if card.checkpoint else ()
    tried = [one for one in known if one not in SAVES_MEMORY]
    if not tried:
        raise Refusal(f"{card.title} has no speed-ups to try.", "Choose a model that has some.", "model")
    short = min(shot.seconds, max(SECONDS, card.seconds[0]))
    return replace(shot, speedups=(), seconds=short, draft=""), Axis("speedup", ("none", *tried))


def pair_with_plain(one: Comparison, standings: Mapping[str, Standing]) -> dict[str, tuple[Clip, Clip]]:
    """Each finished clip with a speed-up and the plain clip of the same shot, by the cell's id."""
    made = {cell.id: (cell.shot, clip) for cell in one.cells if cell.shot and (clip := _find_clip(cell, standings))}
    plain = {shot: clip for shot, clip in made.values() if not shot.speedups}
    pairs = {
        name: (clip, plain.get(replace(shot, speedups=()))) for name, (shot, clip) in made.items() if shot.speedups
    }
    return {name: (clip, other) for name, (clip, other) in pairs.items() if other}


def _find_clip(cell: Cell, standings: Mapping[str, Standing]) -> Clip | None:
    standing = standings[cell.id]
    return standing.clip if standing.state == "done" and not standing.draft else None
