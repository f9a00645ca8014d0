"""The motion panel: motions to start from, the sentence and its check, the camera, what moves, and what the clip is like."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from studio.motion.camera import MOVES
from studio.motion.effects import EFFECTS
from studio.nouns import Camera, Refusal, replace
from studio.studio import Studio
from studio.ui.desk import Misplaced, Output, checked, compose
from studio.ui.direct import ANY, KINDS, USES, Ask, Fit, direct, fitting, gallery
from studio.ui.facts import facts
from studio.ui.models import drafted, plan
from studio.ui.panels.assist import AssistPanel
from studio.ui.parts.part import QUIET, Part, call, heard, part


def misplaced(refusal: Refusal) -> dict[str, Any]:
    """A refusal of the desk as the page shows it, at its place."""
    where = refusal.where if isinstance(refusal, Misplaced) else "output"
    return {"kind": "refusal", "where": where, "reason": refusal.reason, "remedy": refusal.remedy, "at": time.time()}


def unexplained(refusal: Refusal) -> dict[str, Any]:
    """No choices, and why there are none."""
    return {"choices": [], "refusal": misplaced(refusal), "at": time.time()}


class MotionPanel:
    """Parts that hold a value: the `Words`, a `Camera`, a list of `Effect` and an `Output`. Two without one fill them: motions to
    start from, and the builder's slots. Two silent ones carry answers."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the builder: from a motion that is there to the sentence, and from the sentence to its pieces."""
        studio = self.studio
        moves = [{"name": name, "title": info.title, "sees": info.sees} for name, info in MOVES.items()]
        effects = [{"name": name, "title": info.title, "sees": info.sees, "auto": info.auto} for name, info in EFFECTS.items()]
        fit = call("fit_motions", Fit, lambda ask: fitting(studio, ask.photo))
        part("presets", calls=[fit], motions=gallery(studio), kinds=KINDS, uses=USES)
        self.words = part("words", calls=[call("direct", Ask, lambda ask: direct(studio, ask))])
        AssistPanel(studio).render()
        self.camera = part("camera", msgspec.to_builtins(Camera()), moves=moves)
        part("slots", suggestions=ANY)
        self.effects = part("effects", [], effects=effects)

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
        quiet: dict[str, Any] = {**QUIET, "inputs_kwargs": desk}
        self.output.animate(heard(self.animate, misplaced), outputs=clip, trigger_mode="multiple", **quiet)
        self.output.why(heard(self.why, unexplained), outputs=self.reasons, trigger_mode="always_last", **quiet)
        self.output.plan(heard(self.plan, misplaced), outputs=self.planned, trigger_mode="always_last", **quiet)

    def animate(self, **desk: Any) -> dict[str, Any]:
        """Queue the shot; the worker does the rest."""
        try:
            shot = compose(self.studio, **desk)
            first = checked(desk.get("output") or {}, Output, "output").draft
            draft = drafted(self.studio, shot) if first else None
            job = self.studio.submit(replace(shot, draft=draft["id"]) if draft else shot)
        except Refusal as refusal:
            return misplaced(refusal)
        return {"kind": "submitted", "job": job.id, "at": time.time()}

    def why(self, **desk: Any) -> dict[str, Any]:
        """Every automatic choice of the shot on the desk, with its reason."""
        try:
            shot = compose(self.studio, **desk)
            return {"choices": msgspec.to_builtins(self.studio.choices(shot)), "at": time.time()}
        except Refusal as refusal:
            return unexplained(refusal)

    def plan(self, **desk: Any) -> dict[str, Any]:
        """What a run of the shot on the desk will really be, in one line."""
        try:
            return {"kind": "plan", **plan(self.studio, compose(self.studio, **desk, whole=False)), "at": time.time()}
        except Refusal as refusal:
            return misplaced(refusal)
