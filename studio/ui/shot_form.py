"""The form behind the page: the values of its parts, checked and put together into a Shot.

Nothing that comes from a browser is trusted: every value is checked here, and what is wrong is refused at the place on
the page where it can be put right.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from studio import nouns, presets
from studio.nouns import (
    Aspect,
    Attachment,
    Brush,
    Camera,
    Crop,
    Effects,
    Format,
    Id,
    Mends,
    Motion,
    Noun,
    Options,
    Photo,
    Quality,
    Refusal,
    Shot,
    Size,
    SpeedUps,
    Still,
    replace,
)  # fmt: skip
from studio.photo.crop import settle_crop
from studio.studio import Studio

T = TypeVar("T")
PARTS = {
    "frame": "photo_panel", "ending": "ending", "camera": "camera_panel", "effects": "effects_panel",
    "words": "words_panel", "output": "output_panel",
}  # fmt: skip
"""The parts whose values make up a Shot, by the arguments of `compose` they are given as."""

Desk = Annotated[dict[nouns.Id, Any], msgspec.Meta(max_length=16)]
"""The values of the desk's parts as a browser sends them: checked part by part, by `check_value`."""

Place = Literal["photo", "camera", "effects", "words", "output", "ending", "inputs"]


class Misplaced(Refusal):
    """A refusal that knows its place on the page."""

    def __init__(self, where: Place, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.where = where


def place_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal of the desk as the page shows it, at its place."""
    where = refusal.where if isinstance(refusal, Misplaced) else refusal.about or "output"
    return {"kind": "refusal", "where": where, "reason": refusal.reason, "remedy": refusal.remedy, "at": time.time()}


class Frame(Noun, frozen=True):
    """The photo part's value: the photo, crop and end box in fractions, its depth's source, what is mended, what it is
    of.
    """

    photo: Id = ""
    crop: Crop = Crop()
    depth: Id = "auto"
    mends: Mends = ()
    subject: Brush = ""
    end: Crop | None = None


class Words(Noun, frozen=True):
    """The words part's value: what should move and what should not, in the user's own words, as in `Motion`."""

    prompt: nouns.Words = ""
    subject: nouns.Words = ""
    action: nouns.Words = ""
    environment: nouns.Words = ""
    light: nouns.Words = ""
    still: nouns.Words = ""


class Ending(Noun, frozen=True):
    """The ending part's value: the photo a clip ends on, and its crop; no photo, no ending."""

    photo: Id = ""
    crop: Crop = Crop()


class Output(Noun, frozen=True):
    """The output part's value: the model, what the clip is like, and the id of the place it is made for ("" where that
    is open).

    From `quality` to `may_shrink` it is for models that denoise. `service`, `options`, `audio` and `motion_video` are
    for hosted ones; of an attachment only the id counts.
    """

    model: Id = "parallax"
    size: Size = "auto"
    seconds: float = 5.0
    fps: int = 24
    seed: int = 0
    format: Format = "mp4"
    quality: Quality = "good"
    steps: int | None = None
    guidance: float | None = None
    strength: float = 0.5
    sound: bool = True
    speedups: SpeedUps = ()
    may_shrink: bool = False
    negative_prompt: nouns.Words = ""
    draft: bool = True
    platform: Id = ""
    service: Id = ""
    options: Options = msgspec.field(default_factory=dict)
    audio: Attachment | None = None
    motion_video: Attachment | None = None


def check_value(value: Any, kind: type[T], where: Place) -> T:
    """A browser's value as a noun. Raises `Misplaced` when it isn't one."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Misplaced(where, f"This can't be used ({error}).", "Set it again, or reload the page.") from None


def build_shot(
    studio: Studio, *, frame: Any, camera: Any, effects: Any, words: Any, output: Any, ending: Any = None
) -> Shot:
    """The Shot on the desk. Raises `Misplaced` for whatever can't be used."""
    framed = check_value(frame or {}, Frame, "photo")
    wanted = check_value(output or {}, Output, "output")
    if not framed.photo:
        raise Misplaced("photo", "There is no photo yet.", "Drop one here, or start from a sample.")
    photo = _find_photo(studio, framed.photo, "photo")
    moving = check_value(effects or [], Effects, "effects")
    said = check_value(words or {}, Words, "words")
    motion = Motion(
        said.prompt, wanted.negative_prompt, check_value(camera or {}, Camera, "camera"), moving,
        said.subject, said.action, said.environment, said.light, said.still,
    )  # fmt: skip
    shot = Shot(
        photo, settle_crop(photo, framed.crop), motion, wanted.model, wanted.size, wanted.seconds, wanted.fps,
        wanted.seed, framed.depth, wanted.format, wanted.quality, wanted.steps, wanted.guidance, wanted.strength,
        _find_end(studio, ending, framed, wanted.model), wanted.sound, wanted.speedups, wanted.may_shrink, framed.mends,
        platform=_choose_platform(wanted.platform, framed.crop.aspect), subject=framed.subject,
        service=wanted.service, options=wanted.options, audio=_find_attachment(studio, wanted.audio),
        motion_video=_find_attachment(studio, wanted.motion_video),
    )  # fmt: skip
    return check_value(msgspec.to_builtins(shot), Shot, "output")


def _find_photo(studio: Studio, photo_id: str, where: Place) -> Photo:
    try:
        return studio.photos.get(photo_id)
    except Refusal as refusal:
        raise Misplaced(where, refusal.reason, refusal.remedy) from None


def _find_attachment(studio: Studio, wanted: Attachment | None) -> Attachment | None:
    """A voice or a film as it was taken in: what the browser says of its length is not believed."""
    if wanted is None:
        return None
    try:
        return replace(studio.attachments.get(wanted.id), name=wanted.name)
    except Refusal as refusal:
        raise Misplaced("inputs", refusal.reason, refusal.remedy) from None


def _choose_platform(place: str, aspect: Aspect) -> str:
    """The place a clip is made for; none for a photo whose shape is an exception."""
    known = presets.platform(place)
    return place if known is None or known.aspect == aspect else ""


def _find_end(studio: Studio, ending: Any, framed: Frame, model: str) -> Still | None:
    """Where the clip ends, on another photo or on a second box of the same one.

    A model that can't be told isn't: the page keeps the wish for the next one that can.
    """
    wanted, supports = check_value(ending or {}, Ending, "ending"), studio.models.card(model).supports
    if framed.end and "end_crop" in supports:
        photo = _find_photo(studio, framed.photo, "photo")
        return Still(photo, settle_crop(photo, nouns.replace(framed.end, aspect=framed.crop.aspect)))
    if not wanted.photo or "end_frame" not in supports:
        return None
    photo = _find_photo(studio, wanted.photo, "ending")
    return Still(photo, settle_crop(photo, wanted.crop))
