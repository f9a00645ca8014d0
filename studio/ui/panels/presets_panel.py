"""Motions to start from: sorted for the photo, and each previewed on it."""

from __future__ import annotations

from typing import Any

import msgspec

from studio import presets
from studio.advice.adviser import choose_kind, fits
from studio.config import ASSETS
from studio.motion.camera_moves import goes
from studio.nouns import Id, Kind, Noun, Refusal, Shot, Use
from studio.photo.crop import settle_crop
from studio.presets import MotionPreset
from studio.studio import Studio
from studio.ui.html_part import make_call, make_part
from studio.ui.model_facts import make_sentence
from studio.ui.panels.words_panel import suggest_words
from studio.ui.shot_form import Frame

KINDS: dict[Kind, str] = {
    "portrait": "Portrait", "water": "Water", "landscape": "Landscape", "street": "Street",
    "product": "Food and product",
}  # fmt: skip
"""What a photo may be of, as the gallery's filter says it."""

USES: dict[Use, str] = {
    "product": "E-commerce", "travel": "Travel", "music": "Music and art", "estate": "Real estate",
    "brand": "Personal brand",
}  # fmt: skip
"""What a clip may be for, as the gallery's filter says it."""

CLOSE_UP = "A close-up: only the subject is in focus. What it is Stir can’t tell, so these motions name nothing."
"""Why no kind is named for a close-up."""


class ByPhoto(Noun, frozen=True):
    """A question for motions: which photo."""

    photo: Id


def sort_motions(studio: Studio, photo_id: str) -> dict[str, Any]:
    """The ids of all motions, those that fit a photo first, which of them do, what it is of and why, and words that
    suit it.

    Raises `Refusal`.
    """
    photo = studio.photos.get(photo_id)
    seen = studio.advice.see(photo)
    kind = choose_kind(seen)
    order = studio.advice.motions(photo)
    plain = CLOSE_UP if seen.marks.close else make_sentence(seen.reason)
    return {
        "order": [one.id for one in order],
        "fitting": [one.id for one in order if fits(one, kind, seen.marks.people)],
        "kind": kind,
        "reason": f"{KINDS[kind]}: {seen.reason}." if kind else plain,
        "words": suggest_words(seen.marks),
    }


class PreviewQuestion(Noun, frozen=True):
    """A question for a motion to start from: what it looks like on the photo on the desk."""

    frame: Frame
    motion: Id


WORDED = "Only the camera: what happens needs a model that reads words."
UNSEEN = "Needs a model that reads words."


def preview_motion(studio: Studio, ask: PreviewQuestion) -> dict[str, str]:
    """A tiny clip of a motion on a photo, "" where nothing would move, and what of it can't be seen there. Raises
    `Refusal`.
    """
    preset = next((one for one in presets.motions() if one.id == ask.motion), None)
    if preset is None:
        raise Refusal("There is no such motion.", "Reload the page.")
    frame, photo = ask.frame, studio.photos.get(ask.frame.photo)
    crop = settle_crop(photo, frame.crop)
    shot = Shot(photo, crop, preset.motion, depth=frame.depth, mends=frame.mends, subject=frame.subject)
    places = studio.places(shot)
    reads = "parallax" not in preset.models
    said = " ".join(one.says for one in places.unplaced)
    if not goes(preset.motion.camera) and not places.placed:
        return {"path": "", "says": UNSEEN if reads else said}
    return {"path": str(studio.preview(shot)), "says": WORDED if reads else said}


def list_motions(studio: Studio) -> list[dict[str, Any]]:
    """Every motion to start from, with where its still lies and what it goes well with."""
    titles = {card.id: card.title for card in studio.models.cards}
    return [_show_motion(one, titles) for one in presets.motions()]


def _show_motion(one: MotionPreset, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id, "title": one.title, "summary": one.summary, "kinds": list(one.kinds), "uses": list(one.uses),
        "motion": msgspec.to_builtins(one.motion), "seconds": one.seconds, "aspect": one.aspect,
        "models": [model for model in one.models if model in titles], "still": str(ASSETS / "motions" / one.still),
    }  # fmt: skip


class PresetsPanel:
    """Its part fills the builder; what else a motion goes well with is only offered."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        fit = make_call("fit_motions", ByPhoto, lambda ask: sort_motions(self.studio, ask.photo))
        play = make_call("play_motion", PreviewQuestion, lambda ask: preview_motion(self.studio, ask))
        make_part("presets_panel", calls=[fit, play], motions=list_motions(self.studio), kinds=KINDS, uses=USES)
