"""A comparison as the page shows it: its cells with their states, their clips, and what tells one from another.

While it is blind and nobody has won, nothing that says which cell is what leaves the studio: no model, no setting, no
place in the grid, and the cells come in an order of their own that stays the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from studio.clip_score import Score
from studio.compare.axis_values import TITLES
from studio.compare.differences import (
    NAMED,
    Rows,
    find_differences,
    is_hidden,
    name_by_letter,
    name_cell,
    shuffle_cells,
)
from studio.comparison import Cell, Comparison, Standing
from studio.nouns import Clip, Refusal, Shot
from studio.score.explain import explain
from studio.studio import Studio
from studio.ui.model_facts import shorten_licence
from studio.ui.model_status import name_model
from studio.ui.queue_snapshot import PATIENCE, name_photo, show_clip, show_progress
from studio.ui.thumbnails import make_clip_thumb, make_first_frame

POSTERS = 4
"""Small pictures on the card of a comparison."""


def show_comparison(studio: Studio, one: Comparison) -> dict[str, Any]:
    """A comparison with all of its cells."""
    standings = studio.comparisons.stand(one)
    hidden = is_hidden(one)
    cells = shuffle_cells(one) if hidden else one.cells
    shots = [cell.shot for cell in cells if cell.shot and not cell.photo]
    rows = find_differences(shots, studio.models.name, one.axes)
    scores = studio.scores.get_all([one.clip.id for one in standings.values() if one.clip])
    until = time.monotonic() + PATIENCE
    shown = [_show_cell(studio, cell, standings[cell.id], rows, scores, until) for cell in cells]
    if hidden:
        letters = name_by_letter(cells)
        shown = [_hide(cell, at, letters.get(cell["id"], cell["title"])) for at, cell in enumerate(shown)]
    axes = [{"name": axis.name, "title": TITLES[axis.name], "values": axis.values} for axis in one.axes]
    return {
        "id": one.id, "name": one.name, "blind": hidden, "winner": one.winner, "paired": one.paired,
        "axes": [] if hidden else axes, "made_at": one.made_at, "losers": len(one.losers), "trashed": one.trashed,
        "cells": shown, "photo": _show_photo(studio, one),
    }  # fmt: skip


def show_card(studio: Studio, one: Comparison) -> dict[str, Any]:
    """A comparison in the list: its name, how many cells it has and how many are made, and a few small pictures."""
    standings = studio.comparisons.stand(one)
    cells = [standings[cell.id] for cell in (shuffle_cells(one) if is_hidden(one) else one.cells) if not cell.photo]
    clips = [standing.clip for standing in cells if standing.clip]
    return {
        "id": one.id, "name": one.name, "made_at": one.made_at, "trashed": one.trashed, "count": len(cells),
        "done": sum(standing.state == "done" for standing in cells), "blind": is_hidden(one), "won": bool(one.winner),
        "going": any(standing.state in ("waiting", "running") for standing in cells),
        "thumbs": [str(make_clip_thumb(studio, clip)) for clip in clips[:POSTERS]],
    }  # fmt: skip


def _show_cell(
    studio: Studio, cell: Cell, standing: Standing, differences: dict[Shot, Rows], scores: Mapping[str, Score],
    until: float,
) -> dict[str, Any]:  # fmt: skip
    shot, clip = cell.shot, standing.clip
    rows = differences.get(shot, []) if shot and not cell.photo else []
    title = name_cell(rows) or (name_photo(shot) if shot else "")
    return {
        "id": cell.id, "column": cell.column, "row": cell.row, "state": standing.state, "draft": standing.draft,
        "title": "The photo" if cell.photo else title, "named": [label for label, _ in rows[:NAMED]], "differs": rows,
        "baseline": cell.baseline,
        "reason": standing.reason, "remedy": standing.remedy, "progress": _show_progress(studio, shot, standing),
        "clip": _show_film(studio, clip, time.monotonic() < until) if clip and not clip.trashed else None,
        "trashed": bool(clip and clip.trashed),
        "facts": _list_facts(studio, shot, clip, scores) if shot and not cell.photo else {},
    }  # fmt: skip


def _show_film(studio: Studio, clip: Clip, may_make: bool) -> dict[str, Any]:
    """A clip with its first frame, "" where there is none yet."""
    return {**show_clip(studio, clip), "first": str(make_first_frame(studio, clip, may_make) or "")}


def _show_progress(studio: Studio, shot: Shot | None, standing: Standing) -> dict[str, Any] | None:
    if standing.state != "running" or shot is None:
        return None
    progress = standing.progress
    return {**msgspec.to_builtins(progress), **show_progress(studio, shot, progress)}


def _list_facts(studio: Studio, shot: Shot, clip: Clip | None, scores: Mapping[str, Score]) -> dict[str, Any]:
    """What stands under a clip and what it is sorted by; None for what isn't known."""
    facts: dict[str, Any] = {
        "model": name_model(studio, shot.maker), "seed": shot.seed, "licence": _name_licence(studio, shot),
        "took": None, "memory": None, "bytes": None, "score": None, "why": "", "broken": False,
    }  # fmt: skip
    if clip:
        facts |= {
            "took": clip.took - clip.loading,
            "loading": clip.loading,
            "bytes": clip.bytes,
            "memory": clip.memory or None,
        }
        if score := scores.get(clip.id):
            why = explain(score, [other for name, other in scores.items() if name != clip.id])
            facts |= {"score": score.total, "broken": score.broken, "why": why[:1].upper() + why[1:]}
    return facts


def _name_licence(studio: Studio, shot: Shot) -> str:
    try:
        return shorten_licence(studio.models.card(shot.maker))
    except Refusal:
        return ""


def _hide(cell: dict[str, Any], at: int, name: str) -> dict[str, Any]:
    """The cell without anything that says what it is: it is called by a letter."""
    progress, clip = cell["progress"], cell["clip"]
    reason = "This clip isn't there." if cell["reason"] else ""
    return {
        **cell, "title": name, "column": at, "row": 0, "named": [], "differs": [], "facts": {}, "baseline": False,
        "reason": reason, "remedy": "Why is said once there is a winner." if reason else "",
        "progress": progress and {key: progress[key] for key in ("done", "total", "preview")},
        "clip": clip and {**clip, "title": name, "motion": "", "model": "", "took": 0, "bytes": 0},
    }  # fmt: skip


def _show_photo(studio: Studio, one: Comparison) -> dict[str, Any] | None:
    """The photo that the clips begin with, as the first of them crops it; None where it isn't here any more."""
    shot = next((cell.shot for cell in one.cells if cell.shot), None)
    try:
        photo = studio.photos.get(shot.photo.id) if shot else None
        if shot is None or photo is None:
            return None
        view = str(studio.photos.view(photo))
    except Refusal:
        return None
    return {"view": view, "width": photo.width, "height": photo.height, "crop": msgspec.to_builtins(shot.crop)}
