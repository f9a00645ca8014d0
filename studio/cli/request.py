"""What was asked for: words and flags into shots.

Knows how a flag, a place's preset and a default give way to each other: the flag wins, then the place, then the default.
Refuses to know how shots are made into clips.
"""

from __future__ import annotations

import argparse
import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from studio.cli.report import complain
from studio.motion import camera, effects
from studio.nouns import (
    Aspect,
    Camera,
    Crop,
    Ease,
    Effect,
    Format,
    Motion,
    Photo,
    Platform,
    Refusal,
    Region,
    Shot,
    Size,
    SpeedUp,
    Still,
    replace,
)
from studio.photo import crop

if TYPE_CHECKING:
    from studio.studio import Studio

_BRUSH_SIDE = 256  # pixels, the most an Effect holds
_BRUSH_BYTES = 40 << 20


class Asked(NamedTuple):
    """Everything that is the same for every photo of one command; `wishes` are fields of a Shot for models that denoise."""

    motion: Motion
    aspect: Aspect
    size: Size
    seconds: float
    fps: int
    seed: int
    model: str
    wishes: dict[str, Any]


def read(flags: argparse.Namespace) -> Asked:
    """The flags of `animate`, checked as far as they can be without a photo. Raises `Refusal`."""
    place = _place(flags.place) if flags.place else None
    aspect = crop.parse_aspect(flags.aspect) if flags.aspect else place.aspect if place else "photo"
    size = crop.parse_size(flags.size) if flags.size else place.size if place else "auto"
    fps = flags.fps or (place.fps if place else 24)
    seconds = flags.seconds or (min(5.0, place.max_seconds) if place else 5.0)
    if place and seconds > place.max_seconds:
        complain(f"Note: {place.title} takes at most {place.max_seconds:g} seconds.")
    return Asked(_motion(flags), aspect, size, seconds, fps, flags.seed, flags.model, _wishes(flags))


def _wishes(flags: argparse.Namespace) -> dict[str, Any]:
    known: dict[str, SpeedUp] = {name: name for name in get_args(SpeedUp)}
    speedups = tuple(dict.fromkeys(camera.plain(words).replace(" ", "_") for words in flags.speedup or ()))
    for name in speedups:
        if name not in known:
            raise Refusal(f"There is no speed-up called {name!r}.", f"Choose from: {', '.join(known)}.")
    return {
        "quality": flags.quality, "steps": flags.steps, "guidance": flags.guidance, "strength": flags.strength,
        "sound": not flags.no_sound, "speedups": speedups, "may_shrink": flags.may_shrink,
    }  # fmt: skip


def shot(asked: Asked, photo: Photo, depth_id: str, kind: Format, studio: Studio, end: Photo | None = None) -> Shot:
    """The shot of one photo, cropped around what matters in it; `end` is cropped to the same aspect. Raises `Refusal`."""
    return Shot(
        photo, _crop(photo, asked.aspect, studio), asked.motion, asked.model, asked.size, asked.seconds, asked.fps, asked.seed,
        depth_id, kind, end=Still(end, _crop(end, asked.aspect, studio)) if end else None, **asked.wishes,
    )  # fmt: skip


def _crop(photo: Photo, aspect: Aspect, studio: Studio) -> Crop:
    return Crop() if aspect == "photo" else studio.suggest_crop(photo, aspect).crop


def depth(words: str | None, studio: Studio) -> str:
    """The depth source that --depth names: a word, or a file that is taken in. Raises `Refusal`."""
    if words is None or words in ("auto", "builtin", "anything"):
        return words or "auto"
    file = Path(words).expanduser()
    if not file.is_file():
        raise Refusal(f"There is no depth map {words!r}.", "Give a picture file, or one of: auto, builtin, anything.")
    return studio.adopt_depth(file)


def _place(words: str) -> Platform:
    from studio.presets import platforms

    asked = camera.plain(words)
    for one in platforms():
        if asked in (camera.plain(one.id), camera.plain(one.title)):
            return one
    known = ", ".join(one.id for one in platforms())
    raise Refusal(f"There is no place called {words!r}.", f"Choose from: {known}.")


def _motion(flags: argparse.Namespace) -> Motion:
    name = camera.plain(flags.ease).replace(" ", "_")
    eases: dict[str, Ease] = {ease: ease for ease in get_args(Ease)}
    if name not in eases:
        raise Refusal(f"There is no easing called {flags.ease!r}.", f"Choose from: {', '.join(eases)}.")
    moves = camera.moves(flags.move or ["dolly in"], flags.amount)
    brush = _brush(flags.brush) if flags.brush else ""
    if brush and not flags.effect:
        raise Refusal("--brush says where effects happen, and there is none.", "Add one, such as --effect ripple.")
    moving = tuple(_effect(words, brush) for words in flags.effect or ())
    return replace(Motion(flags.prompt, flags.avoid, Camera(moves, eases[name], flags.loop), moving))  # checks it


def _effect(words: str, brush: str) -> Effect:
    """An effect from NAME or NAME:REGION. What needs painting and has none happens behind the subject, and says so."""
    named, _, where = words.partition(":")
    name = effects.parse(named)
    regions: dict[str, Region] = {region: region for region in get_args(Region)}
    where = camera.plain(where) if where else "brush" if brush else "auto"
    if where not in regions:
        raise Refusal(f"There is no region called {where!r}.", f"Choose from: {', '.join(regions)}.")
    if where == "brush" and not brush:
        raise Refusal(f"Nothing is painted for {name}.", "Add --brush FILE, a picture that is white where it happens.")
    if where == "auto" and effects.EFFECTS[name].auto == "brush":
        complain(f"Note: {name} moves everything behind the subject; --brush FILE, white on black, says where the water is.")
        where = "background"
    return Effect(name, region=regions[where], brush=brush if where == "brush" else "")


def _brush(file: Path) -> str:
    from PIL import Image

    try:
        if file.stat().st_size > _BRUSH_BYTES:
            raise Refusal(f"{file.name} is over {_BRUSH_BYTES >> 20} MB.", "Save it as a small grey PNG.")
        with Image.open(file, formats=("PNG", "JPEG", "WEBP")) as picture:
            picture.draft("L", (_BRUSH_SIDE, _BRUSH_SIDE))
            picture.thumbnail((_BRUSH_SIDE, _BRUSH_SIDE))
            kept = io.BytesIO()
            picture.convert("L").save(kept, "PNG", optimize=True)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise Refusal(f"{file.name} can't be used as a brush.", "Save it as a PNG, white where things move.") from None
    brush = base64.b64encode(kept.getvalue()).decode()
    if len(brush) > 65_536:
        raise Refusal(f"{file.name} has too much detail for a brush.", "Paint plain white on plain black.")
    return brush
