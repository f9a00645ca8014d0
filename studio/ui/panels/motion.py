"""The motion panel: the camera, what moves by itself, and what the clip is like."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from studio.motion.camera import MOVES
from studio.motion.effects import EFFECTS
from studio.nouns import Camera, Refusal
from studio.studio import Studio
from studio.ui.desk import Misplaced, Output, compose
from studio.ui.facts import facts
from studio.ui.models import plan
from studio.ui.parts.part import Part, part


def misplaced(refusal: Refusal) -> dict[str, Any]:
    """A refusal of the desk as the page shows it, at its place."""
    where = refusal.where if isinstance(refusal, Misplaced) else "output"
    return {"kind": "refusal", "where": where, "reason": refusal.reason, "remedy": refusal.remedy, "at": time.time()}


class MotionPanel:
    """Four parts: a `Camera`, a list of `Effect`, the `Words`, and an `Output`; and two silent ones that carry answers."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the camera and the effects."""
        moves = [{"name": name, "title": info.title, "sees": info.sees} for name, info in MOVES.items()]
        effects = [{"name": name, "title": info.title, "sees": info.sees, "auto": info.auto} for name, info in EFFECTS.items()]
        self.camera = part("camera", msgspec.to_builtins(Camera()), moves=moves)
        self.effects = part("effects", [], effects=effects)
        self.words = part("words")

    def render_output(self) -> None:
        """Draw what the clip is like, and the one primary action; on the page it stands under the draft."""
        cards = [facts(card) for card in self.studio.cards()]
        self.output = part("output", msgspec.to_builtins(Output()), events=["animate", "why", "plan"], cards=cards)
        self.reasons = part("reasons")
        self.planned = part("planned")

    def desk(self, frame: Part, ending: Part) -> dict[str, Part]:
        """The parts that make up the Shot, by the names `compose` knows them."""
        moving = {"camera": self.camera, "effects": self.effects, "words": self.words}
        return {"frame": frame, "ending": ending, **moving, "output": self.output}

    def listen(self, desk: dict[str, Part], clip: Part) -> None:
        """Animate queues the shot on the desk; the plan is asked for at every change; "Why these?" wants every choice."""
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private", "inputs_kwargs": desk}
        self.output.animate(self.animate, outputs=clip, trigger_mode="multiple", **quiet)
        self.output.why(self.why, outputs=self.reasons, trigger_mode="always_last", **quiet)
        self.output.plan(self.plan, outputs=self.planned, trigger_mode="always_last", **quiet)

    def animate(self, **desk: Any) -> dict[str, Any]:
        """Queue the shot; the worker does the rest."""
        try:
            job = self.studio.submit(compose(self.studio, **desk))
        except Refusal as refusal:
            return misplaced(refusal)
        return {"kind": "submitted", "job": job.id, "at": time.time()}

    def why(self, **desk: Any) -> dict[str, Any]:
        """Every automatic choice of the shot on the desk, with its reason."""
        try:
            shot = compose(self.studio, **desk)
            return {"choices": msgspec.to_builtins(self.studio.choices(shot)), "at": time.time()}
        except Refusal as refusal:
            return {"choices": [], "refusal": misplaced(refusal), "at": time.time()}

    def plan(self, **desk: Any) -> dict[str, Any]:
        """What a run of the shot on the desk will really be, in one line."""
        try:
            return {"kind": "plan", **plan(self.studio, compose(self.studio, **desk, whole=False)), "at": time.time()}
        except Refusal as refusal:
            return misplaced(refusal)
