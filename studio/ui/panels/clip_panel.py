"""The clip: a draft of the camera path, the job's progress, and the player when it is done."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from studio.nouns import Refusal
from studio.studio import Studio
from studio.ui.clip_actions import ById, PaidById, make_clip_calls
from studio.ui.html_part import QUIET, Part, catch_faults, make_call, make_part
from studio.ui.model_status import show_plan
from studio.ui.price_words import make_paid_call
from studio.ui.shot_form import build_shot, place_refusal


class ClipPanel:
    """Three parts: the player and two silent ones, so that nothing waits: they carry drafts and what finds no place."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the parts."""
        studio = self.studio
        calls = [
            *make_clip_calls(studio),
            make_call("cancel_job", ById, lambda ask: studio.cancel(ask.id)),
            make_paid_call(studio, "retry_job", PaidById, lambda ask, paid: {"job": studio.retry(ask.id, paid).id}),
        ]
        self.part = make_part("clip_panel", None, calls=calls)
        self.draft = make_part("clip_draft", elem_id="draft", events=["draft"])
        self.places = make_part("unplaced_effects", elem_id="places", events=["places"])

    def listen(self, desk: dict[str, Part]) -> None:
        """A new draft whenever the desk has settled; only the last one asked for counts."""
        self.draft.draft(
            catch_faults(self.preview, place_refusal),
            inputs_kwargs=desk,
            outputs=self.draft,
            trigger_mode="always_last",
            **QUIET,
        )

        self.places.places(
            catch_faults(self.place, place_refusal),
            inputs_kwargs=desk,
            outputs=self.places,
            trigger_mode="always_last",
            **QUIET,
        )

    def place(self, **desk: Any) -> dict[str, Any]:
        """Which effects of the shot on the desk have no place in the photo, pressed or asked for in words."""
        try:
            found = self.studio.places(build_shot(self.studio, **desk))
        except Refusal as refusal:
            return place_refusal(refusal)
        return {
            "kind": "places",
            "unplaced": msgspec.to_builtins(found.unplaced),
            "moves": found.moves,
            "at": time.time(),
        }

    def preview(self, **desk: Any) -> dict[str, Any]:
        """A tiny clip of the shot on the desk, with the size the real one will have."""
        try:
            shot = build_shot(self.studio, **desk)
            size = show_plan(self.studio, shot)
            path = self.studio.preview(shot)
        except Refusal as refusal:
            return place_refusal(refusal)
        about: dict[str, Any] = {"photo": shot.photo.id, "crop": msgspec.to_builtins(shot.crop)}
        about |= {name: size[name] for name in ("width", "height", "upscale")}
        return {"kind": "draft", "path": str(path), **about, "at": time.time()}
