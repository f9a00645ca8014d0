"""The photo: files taken in, the film strip, the crop, the subject, the depth, and the photo to end on."""

from __future__ import annotations

from typing import Any

import msgspec

from studio import presets
from studio.config import ASSETS, MAX_UPLOAD_BYTES
from studio.nouns import Aspect, Brush, Fraction, Id, Mends, Motion, Noun, Shot
from studio.photo.crop import RATIOS, settle_crop
from studio.photo.intake.file_signature import PHOTO_ENDINGS
from studio.photo.mend import UPSCALE, has_network
from studio.studio import Studio
from studio.ui.clip_actions import ById
from studio.ui.html_part import Call, Nothing, make_call, make_part
from studio.ui.panels.report_panel import list_mends, make_report_calls
from studio.ui.shot_form import Frame
from studio.ui.uploads import Upload, find_upload, receive_upload, show_photo, take_sample

_INTAKE: dict[str, Any] = {"limit": MAX_UPLOAD_BYTES, "endings": PHOTO_ENDINGS}
"""What the file choosers offer, and the most that they upload."""


def list_places() -> list[dict[str, Any]]:
    """The places a photo is cropped for, as the page's row shows them: a master keeps whatever shape there is."""
    names = ("id", "label", "title", "aspect", "size", "fps", "min_seconds", "max_seconds")
    shaped = (one for one in presets.platforms() if one.aspect != "photo")
    return [{name: getattr(one, name) for name in names} for one in shaped]


class CropQuestion(Noun, frozen=True):
    """A question for a crop: which photo, which aspect, and what was marked as its subject."""

    photo: Id
    aspect: Aspect
    subject: Brush = ""


class Click(Noun, frozen=True):
    """A click on a photo with its mends, in fractions of it."""

    photo: Id
    x: Fraction
    y: Fraction
    mends: Mends = ()


def make_depth_calls(studio: Studio) -> list[Call]:
    """Whether the optional depth network is here, and its download: only ever asked for by the user's own button, and
    not offered to visitors.
    """
    is_offered = not studio.settings.visitors

    def about(_: Nothing) -> dict[str, Any]:
        ready, choice = studio.depths.network()
        return {"ready": ready, "value": choice.value, "reason": choice.reason, "offered": is_offered}

    def download(nothing: Nothing) -> dict[str, Any]:
        studio.depths.download_network(lambda progress: None)
        return about(nothing)

    calls = [make_call("depth_model", Nothing, about)]
    return [*calls, make_call("download_depth", Nothing, download)] if is_offered else calls


class PhotoPanel:
    """Two parts: a `Frame` (the photo's id, crop, mends and source of depth), and the `Ending`, for models that can be
    told.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        studio = self.studio
        calls = [
            make_call("receive_file", Upload, lambda upload: receive_upload(studio, upload)),
            make_call("take_sample", ById, lambda ask: take_sample(studio, ask.id)),
            make_call("look_at", ById, lambda ask: show_photo(studio, studio.photos.get(ask.id))),
            make_call("suggest_crop", CropQuestion, self.suggest),
            make_call(
                "pick_subject",
                Click,
                lambda ask: {"subject": studio.advice.pick(studio.photos.get(ask.photo), ask.mends, ask.x, ask.y)},
            ),
            make_call(
                "own_subject", ById, lambda ask: {"subject": studio.advice.show_matte(studio.photos.get(ask.id))}
            ),
            make_call("depth_view", Frame, self.depth),
            make_call("take_depth", Upload, self.take_depth),
            *make_depth_calls(studio),
            *make_report_calls(studio),
        ]
        samples = [
            {**msgspec.to_builtins(one), "path": str(ASSETS / "samples" / one.file)} for one in presets.samples()
        ]
        self.part = make_part(
            "photo_panel",
            None,
            calls=calls,
            samples=samples,
            ratios=RATIOS,
            platforms=list_places(),
            **(_INTAKE | {"visitors": studio.settings.visitors}),
            mends=list_mends(has_network()),
            upscale=UPSCALE,
        )
        ending = [
            make_call("receive_file", Upload, lambda upload: receive_upload(studio, upload)),
            make_call("suggest_crop", CropQuestion, self.suggest),
        ]
        self.ending = make_part("ending", None, calls=ending, **_INTAKE)

    def suggest(self, fit: CropQuestion) -> dict[str, Any]:
        """The crop the studio would choose, and why."""
        suggestion = self.studio.advice.suggest_crop(self.studio.photos.get(fit.photo), fit.aspect, fit.subject)
        return {"crop": msgspec.to_builtins(suggestion.crop), "why": suggestion.choice.reason}

    def depth(self, frame: Frame) -> dict[str, Any]:
        """A picture of the crop's depth, and what is known about where it comes from."""
        photo = self.studio.photos.get(frame.photo)
        shot = Shot(
            photo, settle_crop(photo, frame.crop), Motion(), depth=frame.depth, mends=frame.mends, subject=frame.subject
        )
        view = self.studio.depth_view(shot)
        return {"path": str(view), "choices": msgspec.to_builtins(self.studio.depth_choices(shot))}

    def take_depth(self, upload: Upload) -> dict[str, str]:
        """Keep a depth map that the user drew or measured elsewhere."""
        file = find_upload(self.studio, upload)
        try:
            return {"depth": self.studio.depths.adopt(file)}
        finally:
            file.unlink(missing_ok=True)
