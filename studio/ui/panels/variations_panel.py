"""Variations: two to four shots that differ along one axis, previewed side by side before any is made."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from studio.motion.variations import Axis, list_axes, vary
from studio.nouns import Noun, PressId, Refusal, Shot, replace
from studio.photo.crop import find_ratio
from studio.spending import Confirmation
from studio.studio import Studio
from studio.ui.html_part import QUIET, Part, catch_faults, make_call, make_part
from studio.ui.model_status import pick_draft
from studio.ui.price_words import Paid, make_paid_call
from studio.ui.shot_form import build_shot, place_refusal


class VariationsQuestion(Noun, frozen=True):
    """What the part asks for: along which axis, and how many."""

    axis: Axis = "amount"
    count: Annotated[int, msgspec.Meta(ge=2, le=4)] = 3


class Variation(Noun, frozen=True):
    """One of the variations, to be seen."""

    shot: Shot


class ChosenVariations(Noun, frozen=True):
    """Those that are to be made: each as a draft first where `draft`, and for real where `real`."""

    shots: Annotated[tuple[Shot, ...], msgspec.Meta(min_length=1, max_length=4)]
    draft: bool = True
    real: bool = False
    press: PressId = ""
    paid: Paid | None = None


class VariationsPanel:
    """One part: its value is asked with `Wanted` and answered with the variations of the shot on the desk."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("see_variation", Variation, self.see),
            make_paid_call(self.studio, "queue_variations", ChosenVariations, self.queue, "Make them"),
        ]
        self.part = make_part("variations_panel", elem_id="vary", events=["ask"], calls=calls)

    def listen(self, desk: dict[str, Part]) -> None:
        """Variations are made of what stands on the desk when they are asked for."""
        asked = {**desk, "wanted": self.part}
        self.part.ask(
            catch_faults(self.make, place_refusal),
            inputs_kwargs=asked,
            outputs=self.part,
            trigger_mode="always_last",
            **QUIET,
        )

    def make(self, wanted: Any = None, **desk: Any) -> dict[str, Any]:
        """The variations along an axis: their shots, and in words what differs."""
        try:
            asked = msgspec.convert(wanted or {}, VariationsQuestion)
        except msgspec.ValidationError:
            asked = VariationsQuestion()
        try:
            shot = build_shot(self.studio, **desk)
        except Refusal as refusal:
            return place_refusal(refusal)
        sensible = list_axes(shot.motion)
        axis = asked.axis if asked.axis in sensible or not sensible else sensible[0]
        made = vary(shot.motion, axis, asked.count) if sensible else ()
        shots = [
            {"title": one.title, "differs": one.differs, "shot": msgspec.to_builtins(replace(shot, motion=one.motion))}
            for one in made
        ]
        draft, shape = pick_draft(self.studio, shot), find_ratio(shot.photo, shot.crop.aspect)
        return {
            "kind": "variations",
            "axes": sensible,
            "axis": axis,
            "count": asked.count,
            "made": shots,
            "draft": draft,
            "shape": shape,
        }

    def see(self, ask: Variation) -> dict[str, str]:
        """The tiny preview of one variation."""
        return {"path": str(self.studio.preview(ask.shot))}

    def queue(self, ask: ChosenVariations, paid: Confirmation | None) -> dict[str, Any]:
        """Queue the variations together, drafts before what they draft. Raises `Refusal` before any is queued."""
        shots: list[Shot] = []
        for shot in ask.shots:
            plain = replace(shot, draft="")
            draft = pick_draft(self.studio, plain)
            if draft and ask.draft:
                shots.append(replace(plain, draft=draft["id"]))
            if ask.real or not draft or not ask.draft:
                shots.append(plain)
        return {"jobs": [job.id for job in self.studio.submit_all(tuple(shots), ask.press, paid)]}
