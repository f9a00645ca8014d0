"""The desk: what the page holds, put together into a Shot.

Knows the values of the parts and where on the page each belongs. Nothing that comes from a browser is trusted: every
value is checked here, and what is wrong is refused at the place where it can be put right.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from studio.motion.effects import EFFECTS
from studio.nouns import Camera, Crop, Effect, Format, Motion, Noun, Refusal, Shot, Size
from studio.photo.crop import settle
from studio.studio import Studio

T = TypeVar("T")
Place = Literal["photo", "camera", "effects", "output"]


class Misplaced(Refusal):
    """A refusal that knows its place on the page."""

    def __init__(self, where: Place, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.where = where


class Frame(Noun, frozen=True):
    """The photo part's value: which photo, the crop in fractions, and where its depth comes from."""

    photo: str = ""
    crop: Crop = Crop()
    depth: str = "auto"


class Words(Noun, frozen=True):
    """The words part's value: what should move, in the user's own words."""

    prompt: str = ""


class Output(Noun, frozen=True):
    """The output part's value: the model, and what the clip is like."""

    model: str = "parallax"
    size: Size = "auto"
    seconds: float = 5.0
    fps: int = 24
    seed: int = 0
    format: Format = "mp4"


def checked(value: Any, kind: type[T], where: Place) -> T:
    """A browser's value as a noun. Raises `Misplaced` when it isn't one."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Misplaced(where, f"This can't be used ({error}).", "Set it again, or reload the page.") from None


def compose(studio: Studio, frame: Any, camera: Any, effects: Any, words: Any, output: Any, whole: bool = True) -> Shot:
    """The Shot on the desk. Raises `Misplaced` for whatever can't be used and, when it has to be `whole`, is still missing."""
    framed = checked(frame or {}, Frame, "photo")
    wanted = checked(output or {}, Output, "output")
    if not framed.photo:
        raise Misplaced("photo", "There is no photo yet.", "Drop one here, or start from a sample.")
    try:
        photo = studio.photo(framed.photo)
    except Refusal as refusal:
        raise Misplaced("photo", refusal.reason, refusal.remedy) from None
    moving = checked(effects or [], tuple[Effect, ...], "effects")
    for effect in moving if whole else ():
        _painted(effect)
    motion = Motion(
        prompt=checked(words or {}, Words, "effects").prompt, camera=checked(camera or {}, Camera, "camera"), effects=moving
    )
    shot = Shot(
        photo, settle(photo, framed.crop), motion, wanted.model, wanted.size, wanted.seconds, wanted.fps, wanted.seed,
        framed.depth, wanted.format,
    )  # fmt: skip
    return checked(msgspec.to_builtins(shot), Shot, "output")


def _painted(effect: Effect) -> None:
    info = EFFECTS[effect.name]
    region = info.auto if effect.region == "auto" else effect.region
    if region == "brush" and not effect.brush:
        raise Misplaced("effects", f"{info.title} has no place yet.", "Paint where it happens, or choose another region.")
