"""The motion panel: motions to start from, the sentence and its check, the camera, what moves, and what the clip is like."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from studio.motion.camera import MOVES
from studio.motion.effects import EFFECTS
from studio.nouns import Camera, Refusal
from studio.studio import Studio
from studio.ui.animate_button import Press, animate, misplaced
from studio.ui.html_part import QUIET, Part, call, heard, part
from studio.ui.model_facts import facts
from studio.ui.model_status import plan
from studio.ui.motion_builder import ANY, KINDS, USES, Ask, Fit, Played, direct, fitting, gallery, played
from studio.ui.panels.assist_panel import AssistPanel
from studio.ui.shot_form import Output, compose


def unexplained(refusal: Refusal) -> dict[str, Any]:
    """No choices, and why there are none."""
    return {"choices": [], "refusal": misplaced(refusal), "at": time.time()}


DESK = {
    "frame": "photo", "ending": "ending", "camera": "camera", "effects": "effects", "words": "words", "output": "output",
}  # fmt: skip
"""The parts whose values make up the Shot, by the names `compose` knows them."""


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
        play = call("play_motion", Played, lambda ask: played(studio, ask))
        part("peek")
        part("presets", calls=[fit, play], motions=gallery(studio), kinds=KINDS, uses=USES)
        self.words = part("words", calls=[call("direct", Ask, lambda ask: direct(studio, ask))])
        AssistPanel(studio).render()
        self.camera = part("camera", msgspec.to_builtins(Camera()), moves=moves)
        part("slots", suggestions=ANY)
        self.effects = part("effects", [], effects=effects)

    def render_output(self) -> None:
        """Draw what the clip is like, and the one primary action; on the page it stands under the draft."""
        cards = [facts(card) for card in self.studio.cards()]
        press = call("animate", Press, self.animate)
        self.output = part("output", msgspec.to_builtins(Output()), events=["why", "plan"], calls=[press], cards=cards, desk=DESK)
        self.reasons = part("reasons")
        self.planned = part("planned")

    def desk(self, frame: Part, ending: Part) -> dict[str, Part]:
        """The parts that make up the Shot, by the names `compose` knows them."""
        parts = {one.elem_id: one for one in (frame, ending, self.camera, self.effects, self.words, self.output)}
        return {name: parts[part_id] for name, part_id in DESK.items()}

    def listen(self, desk: dict[str, Part]) -> None:
        """The plan is asked for at every change; "Why these?" wants every choice."""
        quiet: dict[str, Any] = {**QUIET, "inputs_kwargs": desk}
        self.output.why(heard(self.why, unexplained), outputs=self.reasons, trigger_mode="always_last", **quiet)
        self.output.plan(heard(self.plan, misplaced), outputs=self.planned, trigger_mode="always_last", **quiet)

    def animate(self, press: Press) -> dict[str, Any]:
        """Queue the shot on the desk, or one of each photo on the strip."""
        return animate(self.studio, press, {name: press.desk.get(name) for name in DESK})

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
            return {"kind": "plan", **plan(self.studio, compose(self.studio, **desk)), "at": time.time()}
        except Refusal as refusal:
            return misplaced(refusal)
