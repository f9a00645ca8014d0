"""A new comparison of the shot on the desk: what differs, with which values, and what that takes before it starts."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from studio.compare import estimate
from studio.compare.axis_values import TITLES
from studio.compare.differences import LABELS
from studio.compare.grid import MOST_IN_ROW
from studio.comparison import Axis, AxisName, Cell
from studio.motion.ambient_effects import EFFECTS
from studio.motion.compose import plain
from studio.nouns import Noun, PressId, Shot, SpeedUp
from studio.spending import Confirmation
from studio.studio import Studio
from studio.ui.html_part import make_call, make_part
from studio.ui.model_facts import SPEEDUPS
from studio.ui.price_words import Paid, make_paid_call, show_total
from studio.ui.shot_form import PARTS, Desk, build_shot

SAID: dict[AxisName, str] = {"strength": "Moves", "speedup": "Speed-up", "move": "Camera", "effect": "Effect"}
"""What the chip of an axis says, where that is shorter than what the difference is called."""


NUMBERS: tuple[AxisName, ...] = ("seed", "amount", "steps", "guidance", "strength")
"""Axes whose values say nothing by themselves."""


class DeskValues(Noun, frozen=True):
    """The values of the desk's parts, by their names in `PARTS`."""

    desk: Desk = msgspec.field(default_factory=dict)


class WantedComparison(DeskValues, frozen=True):
    """What is to differ of the shot on the desk; `paired`: two axes go together, first with first.

    `drafts`: every cell whose model takes its time is tried out first.
    """

    axes: Annotated[tuple[Axis, ...], msgspec.Meta(max_length=2)] = ()
    paired: bool = False
    baseline: bool = True
    drafts: bool = False


class PressedDesk(DeskValues, frozen=True):
    """One press that starts something with the shot on the desk."""

    press: PressId = ""


class PressedComparison(WantedComparison, frozen=True):
    """One press that starts it."""

    press: PressId = ""
    blind: bool = False
    paid: Paid | None = None


class NewComparisonPanel:
    """One part: a sheet that the desk's button opens."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("begin_comparison", DeskValues, self.begin),
            make_call("estimate_comparison", WantedComparison, self.estimate),
            make_call("try_speedups", PressedDesk, self.try_speedups),
            make_paid_call(self.studio, "start_comparison", PressedComparison, self.start, "Make them"),
        ]
        axes = [[name, SAID.get(name, LABELS[name])] for name in TITLES]
        make_part(
            "new_comparison_panel", elem_id="new-comparison", calls=calls, desk=PARTS, axes=axes, most=MOST_IN_ROW
        )

    def _build(self, ask: DeskValues) -> Shot:
        return build_shot(self.studio, **{name: ask.desk.get(name) for name in PARTS})

    def begin(self, ask: DeskValues) -> dict[str, Any]:
        """What the sheet begins with: the sentence on the desk, and where its photo's depth may come from."""
        shot = self._build(ask)
        network, _ = self.studio.depths.network()
        depths = ["builtin", *(["anything"] if network else []), *(["photo"] if shot.photo.own_depth else [])]
        return {"sentence": plain(shot.motion), "depths": depths}

    def estimate(self, ask: WantedComparison) -> dict[str, Any]:
        """What it would take, and each cell with what differs in it or why it can't be made. Raises `Refusal`."""
        shot, drafts = self._build(ask), self._find_drafter(ask)
        wanted: dict[str, Any] = {"paired": ask.paired, "baseline": ask.baseline, "drafts": drafts}
        told = self.studio.comparisons.estimate(shot, ask.axes, **wanted)
        total = self.studio.comparisons.quote(shot, ask.axes, **wanted)
        slow = any(self._is_slow(cell) for cell in told.cells)
        return {
            "line": estimate.describe(told), "clips": told.clips, "drafts": slow,
            "price": show_total(self.studio, total, "Make them") if total.lines else None,
            "cells": [self._show_cell(cell) for cell in told.cells],
        }  # fmt: skip

    def _is_slow(self, cell: Cell) -> bool:
        """Whether a draft of a cell is worth making: its model denoises."""
        return bool(cell.shot and not cell.refusal) and not self.studio.models.card(cell.shot.model).is_built_in

    def _show_cell(self, cell: Cell) -> dict[str, Any]:
        reason, remedy = cell.refusal or ("", "")
        words = [self._word(name, value) for name, value in cell.differs]
        return {
            "column": cell.column, "row": cell.row, "baseline": cell.baseline, "words": words,
            "reason": reason, "remedy": remedy,
        }  # fmt: skip

    def _word(self, axis: AxisName, value: str) -> str:
        """A value of an axis for people."""
        if axis == "model":
            return self.studio.models.name(value)
        names = value.split(" + ")
        if axis == "speedup" and value != "none":
            known: dict[str, SpeedUp] = {name: name for name in SPEEDUPS}
            return " + ".join(SPEEDUPS[known[name]][0] for name in names)
        if axis == "effect":
            titles = {name: row.title for name, row in EFFECTS.items()}
            return " + ".join(titles.get(name, name) for name in names)  # type: ignore[call-overload]
        return f"{LABELS[axis]} {value}" if axis in NUMBERS else value

    def _find_drafter(self, ask: WantedComparison) -> str:
        """The model that tries out what takes its time, "" where no drafts are asked for."""
        slow = next((card for card in self.studio.models.cards if not card.is_built_in), None) if ask.drafts else None
        return self.studio.models.draft(slow).id if slow else ""

    def start(self, ask: PressedComparison, paid: Confirmation | None) -> str:
        """Start it; answers with its id. Raises `Refusal`, and nothing is queued then."""
        shot = self._build(ask)
        drafts = self._find_drafter(ask)
        one = self.studio.comparisons.start(
            shot, ask.axes, paired=ask.paired, baseline=ask.baseline, blind=ask.blind, drafts=drafts, press=ask.press,
            confirmation=paid,
        )  # fmt: skip
        return one.id

    def try_speedups(self, ask: PressedDesk) -> str:
        """Start the trial of the model's speed-ups on the shot of the desk; answers with the comparison's id. Raises
        `Refusal`.
        """
        return self.studio.comparisons.try_speedups(self._build(ask), ask.press).id
