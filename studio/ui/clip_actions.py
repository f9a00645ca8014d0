"""What can be done with a finished clip: details, download, rating, title, and another run of its recipe."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from studio.clip.formats import TITLES
from studio.motion.compose import plain
from studio.nouns import Clip, Id, Noun, PressId, Short, Shot, Stars, replace
from studio.presets import platform
from studio.spending import Confirmation
from studio.studio import Studio
from studio.ui.finish_words import describe_finish
from studio.ui.html_part import Call, make_call
from studio.ui.model_facts import SPEEDUPS
from studio.ui.model_status import describe_length, name_model
from studio.ui.panels.report_panel import name_mend
from studio.ui.price_words import Paid, make_paid_call
from studio.ui.queue_snapshot import describe_motion, name_photo, show_clip
from studio.ui.uploads import show_shot


class ById(Noun, frozen=True):
    """A clip or a job by its id."""

    id: Id


class PaidById(ById, frozen=True):
    """The same, where it may cost money."""

    paid: Paid | None = None


class PressedById(PaidById, frozen=True):
    """The same, asked for by one press of a button: its id, so that a double click asks once."""

    press: PressId = ""


class Export(Noun, frozen=True):
    """A download: which clip, and whether its recipe stays inside."""

    id: Id
    recipe: bool = True


class Title(Noun, frozen=True):
    """A clip's own title; "" gives it back the photo's name."""

    id: Id
    title: Short


class Rating(Noun, frozen=True):
    """Stars for a clip."""

    id: Id
    stars: Stars


def describe_clip(studio: Studio, clip_id: str) -> dict[str, Any]:
    """Everything about a clip in words: its recipe and the choices that were made for it."""
    clip = studio.library.get(clip_id)
    shot = clip.shot
    place = platform(shot.platform)
    rows = [
        ("Photo", f"{name_photo(shot)}, {shot.photo.width} × {shot.photo.height}"),
        (
            "Crop",
            "The whole photo"
            if shot.crop.w == shot.crop.h == 1
            else f"{shot.crop.aspect}, {shot.crop.w:.0%} of its width",
        ),
        ("Motion", describe_motion(shot).capitalize()),
        ("Ease", shot.motion.camera.ease.replace("_", " ").capitalize()),
        ("Words", plain(shot.motion)),
        ("Mended", ", ".join(map(name_mend, shot.mends))),
        ("Model", name_model(studio, shot.model)),
        ("Draft", f"Made by {name_model(studio, shot.draft)}; the model has not made it yet" if shot.draft else ""),
        ("Ends on", _end(shot)),
        ("Finished", describe_finish(shot.finish).capitalize() if shot.finish else ""),
        *describe_denoising(studio, clip),
        ("Clip", ", ".join([f"{clip.width} × {clip.height}", *describe_length(clip), TITLES[shot.format]])),
        ("Made for", place.title if place else shot.platform),
        ("Seed", str(shot.seed)),
        ("Made", f"{datetime.fromtimestamp(clip.made_at):%d %B %Y, %H:%M} in {clip.took:.1f} s"),
    ]
    return {
        "clip": show_clip(studio, clip),
        "rows": [[name, words] for name, words in rows if words],
        "choices": msgspec.to_builtins(clip.choices),
    }


def _end(shot: Shot) -> str:
    """Where a clip ends, where that was said."""
    if not shot.end:
        return ""
    photo, box = shot.end.photo, shot.end.crop
    if photo.id != shot.photo.id:
        return f"{Path(photo.name).stem or 'Photo'}, {photo.width} × {photo.height}"
    return f"An end box of {round(box.w * photo.width)} × {round(box.h * photo.height)}"


def describe_denoising(studio: Studio, clip: Clip) -> list[tuple[str, str]]:
    """What a clip's recipe asked of a model that denoises; nothing for any other."""
    shot = clip.shot
    if not any(card.id == shot.model and card.checkpoint for card in studio.models.cards) and shot.model == "parallax":
        return []
    return [
        ("Avoid", shot.motion.negative_prompt),
        ("Quality", shot.quality.capitalize()),
        ("Steps", str(shot.steps) if shot.steps is not None else "As the quality says"),
        ("Guidance", f"{shot.guidance:g}" if shot.guidance is not None else "As the model's card says"),
        ("Speed-ups", ", ".join(SPEEDUPS[name][0] for name in shot.speedups)),
    ]


def make_clip_calls(studio: Studio) -> list[Call]:
    """Export, again, vary, rate, details and settings of a clip."""

    def export(ask: Export) -> dict[str, str]:
        file = studio.exports.export(ask.id, ask.recipe)
        return {"path": str(file), "name": file.name}

    def render(ask: PressedById, paid: Confirmation | None) -> dict[str, str]:
        return {"job": studio.submit(replace(studio.library.get(ask.id).shot, draft=""), ask.press, paid).id}

    def again(ask: PressedById, paid: Confirmation | None) -> dict[str, str]:
        return {"job": studio.again(ask.id, ask.press, paid).id}

    def vary(ask: PressedById, paid: Confirmation | None) -> dict[str, str]:
        return {"job": studio.vary(ask.id, ask.press, paid).id}

    return [
        make_call("export_clip", Export, export),
        make_paid_call(studio, "render_clip", PressedById, render, "Render"),
        make_paid_call(studio, "again_clip", PressedById, again, "Make it again"),
        make_paid_call(studio, "vary_clip", PressedById, vary, "Make another take"),
        make_call("rate_clip", Rating, lambda ask: studio.library.rate(ask.id, ask.stars)),
        make_call("title_clip", Title, lambda ask: studio.library.retitle(ask.id, ask.title)),
        make_call("detail_clip", ById, lambda ask: describe_clip(studio, ask.id)),
        make_call("shot_of_clip", ById, lambda ask: show_shot(studio, studio.library.get(ask.id).shot)),
    ]
