"""Models recommended for this photo and the user's wishes, and the guide to which photo suits which model."""

from __future__ import annotations

from typing import Any

import msgspec

from studio.advice.models_by_kind import list_models_by_kind
from studio.advice.wishes import Wishes
from studio.nouns import Refusal
from studio.studio import Studio
from studio.ui.html_part import QUIET, Part, catch_faults, make_part
from studio.ui.shot_form import build_shot, place_refusal


class RecommendPanel:
    """A part that carries `Wishes` and is answered with picks, for the sheet of models; and the guide."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the silent part: the picker shows what it carries."""
        self.picks = make_part("recommend_panel", elem_id="picks", events=["ask"])

    def render_guide(self) -> None:
        """Draw which photo suits which model, made from the cards alone: it stands beside the models themselves."""
        rows = list_models_by_kind(self.studio.models.cards)
        make_part("model_guide", elem_id="guide", rows=msgspec.to_builtins(rows))

    def listen(self, desk: dict[str, Part]) -> None:
        """Picks are made for what stands on the desk when they are asked for."""
        asked = {**desk, "wishes": self.picks}
        self.picks.ask(
            catch_faults(self.make, place_refusal),
            inputs_kwargs=asked,
            outputs=self.picks,
            trigger_mode="always_last",
            **QUIET,
        )

    def make(self, wishes: Any = None, **desk: Any) -> dict[str, Any]:
        """The picks, the best first, each with its reason and what is given up."""
        try:
            wished = msgspec.convert(wishes or {}, Wishes)
        except msgspec.ValidationError:
            wished = Wishes()
        try:
            picks = self.studio.advice.recommend(build_shot(self.studio, **desk), wished)
        except Refusal as refusal:
            return place_refusal(refusal)
        return {"kind": "picks", "picks": msgspec.to_builtins(picks)}
