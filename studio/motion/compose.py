"""The motion in words, for models that read them: what the user wrote, then the camera and what moves, in plain sentences.

Knows sentences only. Refuses to know tokens and models, but for whether a card reads words at all.
"""

from __future__ import annotations

from typing import NamedTuple

from studio.cards import ModelCard
from studio.nouns import Camera, Choice, Effect, EffectName, Motion, Move, MoveName

MOVES: dict[MoveName, str] = {
    "static": "holds still", "dolly_in": "pushes in", "dolly_out": "pulls back", "truck_left": "slides left",
    "truck_right": "slides right", "crane_up": "rises", "crane_down": "sinks", "pan_left": "pans left", "pan_right": "pans right",
    "tilt_up": "tilts up", "tilt_down": "tilts down", "orbit_left": "circles left around the subject",
    "orbit_right": "circles right around the subject", "zoom_in": "zooms in", "zoom_out": "zooms out", "roll_left": "rolls left",
    "roll_right": "rolls right", "dolly_zoom_in": "pushes in while zooming out, a dolly zoom",
    "dolly_zoom_out": "pulls back while zooming in, a dolly zoom", "handheld": "sways gently, handheld",
    "push_orbit_left": "pushes in while circling left", "push_orbit_right": "pushes in while circling right",
}  # fmt: skip
"""What the camera does, after "The camera", for every move."""

EFFECTS: dict[EffectName, str] = {
    "ripple": "Small waves ripple across the water.", "flow": "The water flows.", "wind": "Leaves and grass sway in the wind.",
    "hair": "Hair and fabric stir in a light breeze.", "clouds": "Clouds drift across the sky.", "fog": "Thin fog drifts by.",
    "steam": "Steam rises.", "light": "The light shifts slowly.", "focus": "Focus breathes behind the subject.",
}  # fmt: skip
"""What moves by itself, as a sentence, for every effect."""

PACES = ((0.34, "very slowly "), (0.67, "slowly "), (1.0, ""))
"""How a camera's amount is said: up to that amount, before the verb."""


class Written(NamedTuple):
    """The words a model is given, and why they are those."""

    prompt: str
    negative: str
    choice: Choice


def compose(motion: Motion, card: ModelCard) -> Written:
    """The prompt and the negative prompt of a motion for a card; both are "" for a card that reads none."""
    if "prompt" not in card.supports:
        reason = "this model reads no words; how much moves is all it can be told"
        return Written("", "", Choice("prompt", "not read", reason))
    said = [sentence(motion.prompt), _camera(motion.camera), *_effects(motion.effects)]
    prompt = " ".join(part for part in said if part)
    negative = motion.negative_prompt.strip() if "negative_prompt" in card.supports else ""
    reason = "your words, then the camera and what moves" if motion.prompt.strip() else "the camera and what moves, in words"
    return Written(prompt, negative, Choice("prompt", prompt, reason))


def sentence(words: str) -> str:
    """Words on one line that end as a sentence does; "" stays ""."""
    line = " ".join(words.split())
    return line if not line or line[-1] in ".!?…\"'”" else f"{line}."


def _camera(camera: Camera) -> str:
    moving = [move for move in camera.moves if move.name != "static" and move.amount > 0]
    if not moving:
        return "The camera holds still."
    return f"The camera {' and '.join(_move(move) for move in moving)}."


def _move(move: Move) -> str:
    pace = next(words for limit, words in PACES if move.amount <= limit)
    return MOVES[move.name] if move.name == "handheld" else pace + MOVES[move.name]


def _effects(effects: tuple[Effect, ...]) -> list[str]:
    """One sentence for each kind of effect, in their order; the same one in two places is said once."""
    return list(dict.fromkeys(EFFECTS[effect.name] for effect in effects if effect.amount > 0))
