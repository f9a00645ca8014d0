"""The clip panel: a draft of the camera path, how far the job is, and the clip when it is done."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from studio.nouns import Refusal
from studio.studio import Studio
from studio.ui.clip_actions import One, clip_calls
from studio.ui.html_part import QUIET, Part, call, heard, part
from studio.ui.model_status import plan
from studio.ui.shot_form import compose, misplaced


class ClipPanel:
    """Three parts: the player, and two silent ones, so that nothing waits: they carry drafts, and what finds no place."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the parts."""
        studio = self.studio
        calls = [
            *clip_calls(studio),
            call("cancel_job", One, lambda ask: studio.cancel(ask.id)),
            call("retry_job", One, lambda ask: {"job": studio.retry(ask.id).id}),
        ]
        self.part = part("clip_panel", None, calls=calls)
        self.draft = part("clip_draft", elem_id="draft", events=["draft"])
        self.places = part("unplaced_effects", elem_id="places", events=["places"])

    def listen(self, desk: dict[str, Part]) -> None:
        """A new draft whenever the desk has settled; only the last one asked for counts."""
        self.draft.draft(
            heard(self.preview, misplaced), inputs_kwargs=desk, outputs=self.draft, trigger_mode="always_last", **QUIET
        )

        self.places.places(
            heard(self.place, misplaced), inputs_kwargs=desk, outputs=self.places, trigger_mode="always_last", **QUIET
        )

    def place(self, **desk: Any) -> dict[str, Any]:
        """Which effects of the shot on the desk have no place in the photo, pressed or asked for in words."""
        try:
            found = self.studio.places(compose(self.studio, **desk))
        except Refusal as refusal:
            return misplaced(refusal)
        return {"kind": "places", "unplaced": msgspec.to_builtins(found.unplaced), "moves": found.moves, "at": time.time()}

    def preview(self, **desk: Any) -> dict[str, Any]:
        """A tiny clip of the shot on the desk, with the size the real one will have."""
        try:
            shot = compose(self.studio, **desk)
            size = plan(self.studio, shot)
            path = self.studio.preview(shot)
        except Refusal as refusal:
            return misplaced(refusal)
        about: dict[str, Any] = {"photo": shot.photo.id, "crop": msgspec.to_builtins(shot.crop)}
        about |= {name: size[name] for name in ("width", "height", "upscale")}
        return {"kind": "draft", "path": str(path), **about, "at": time.time()}
