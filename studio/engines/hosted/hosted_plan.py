"""The plan of a hosted run: the size, length and rate that a service is asked for, and which of them the model decides.

What a card doesn't know is planned with a likely figure, and named in `Plan.unsure`.
"""

from __future__ import annotations

from typing import Literal

from studio.cards import ModelCard, Plan
from studio.engines.hosted.field_values import (
    FieldValues,
    find_attachment,
    find_rate,
    find_seconds,
    find_shape,
    find_short_side,
    find_values,
)
from studio.engines.hosted.ways import choose_way
from studio.engines.plan import cut_to_ratio
from studio.hosted_cards import Way
from studio.nouns import Choice, Shot
from studio.photo import crop

LIKELY_SIDE = 720
"""The short side in pixels that is planned with where nobody says it."""

LIKELY_FPS = 24
"""Frames a second, likewise."""

OPEN = "decided by the model"

Unsure = Literal["size", "length", "rate"]
Box = tuple[int, int, int, int]


def plan_hosted(shot: Shot, card: ModelCard) -> Plan:
    """What a hosted run of a shot will be, as far as its card says. Raises `Refusal` for a choice it doesn't take."""
    way = choose_way(shot, card)
    found = find_values(shot, card, way)
    box, ratio, cut = _cut_box(shot, way, found)
    short = find_short_side(way, found.values)
    width, height = _find_pixels(way, found) or crop.fit_sides(short or LIKELY_SIDE, ratio)
    rate = find_rate(way, found.values)
    fps = round(rate or LIKELY_FPS)
    seconds, length = _find_length(shot, card, way, found)
    size, exact = _describe_size(shot, (width, height), way, found, cut)
    unsure: list[Unsure] = [] if exact else ["size"]
    unsure += [] if seconds else ["length"]
    unsure += [] if rate else ["rate"]
    return Plan(
        box, width, height, max(2, round((seconds or card.seconds[0]) * fps)), fps, width / (box[2] - box[0]),
        size=size, length=length, unsure=tuple(unsure),
    )  # fmt: skip


def _cut_box(shot: Shot, way: Way, found: FieldValues) -> tuple[Box, float, float]:
    """The part of the photo that is sent, its ratio, and the share of the crop that falls away."""
    left, top, right, bottom = crop.find_pixel_box(shot.photo, shot.crop)
    ratio = wanted = (right - left) / (bottom - top)
    aspect = way.find_field("aspect")
    if aspect and (shape := find_shape(found.values.get(aspect.name, ""))):
        wanted = shape
    if most := way.slots["first_frame"].ratio:
        wanted = min(max(wanted, 1 / most), most)
    if abs(wanted / ratio - 1) < 0.002:
        return (left, top, right, bottom), ratio, 0.0
    box, lost = cut_to_ratio((left, top, right, bottom), wanted)
    return box, wanted, lost


def _find_pixels(way: Way, found: FieldValues) -> tuple[int, int] | None:
    """The size that the chosen aspect means, to the pixel; None where nobody says it."""
    field = way.find_field("aspect")
    return field.pixels.get(str(found.values.get(field.name, ""))) if field else None


def _describe_size(shot: Shot, pair: tuple[int, int], way: Way, found: FieldValues, cut: float) -> tuple[Choice, bool]:
    """The size for people, and whether it is known to the pixel: where the model takes the shape as a choice."""
    less = f"; {cut:.0%} of the crop falls away, nothing is stretched" if cut >= 0.005 else ""
    short = find_short_side(way, found.values)
    if short is None and not _find_pixels(way, found):
        return Choice("size", OPEN, f"nobody says which sizes it makes{less}"), False
    why = _explain_size(shot, way, found, short)
    if way.find_field("aspect"):
        return Choice("size", f"{pair[0]}x{pair[1]}", why + less), True
    return Choice("size", f"about {pair[0]}x{pair[1]}", f"{why}; the model decides the exact size{less}"), False


def _explain_size(shot: Shot, way: Way, found: FieldValues, short: int | None) -> str:
    field = next((one for one in way.fields if one.sizes and one.name in found.values), None)
    if field is None:
        return "the size this model makes"
    if why := found.changed.get(field.name, ""):
        return why.rstrip(".")
    value = str(found.values[field.name])
    name = field.names.get(value, value)
    if field.title:
        return f"{field.title.lower()} {name}"
    if shot.size == "auto":
        return f"{name}, the model's default"
    asked = crop.SHORT_SIDES[shot.size] == short
    return f"{name}, as asked" if asked else f"{name}, the nearest this model makes to {shot.size}"


def _find_length(shot: Shot, card: ModelCard, way: Way, found: FieldValues) -> tuple[float | None, Choice]:
    """Seconds, None where the model decides them, and why."""
    what = {"audio": "sound", "motion_video": "film"}.get(way.follows, "")
    if given := find_attachment(shot, way.follows):
        return given.seconds, Choice("length", f"{given.seconds:.1f} s", f"as long as the {what} you gave")
    if way.follows and way.slots[way.follows].required:
        return None, Choice("length", f"as long as the {what} you give", "the model follows it")
    seconds = find_seconds(way, found.values)
    if seconds is None:
        return None, Choice("length", OPEN, "nobody says how long its clips are")
    field = way.find_field("seconds") or way.find_field("frames")
    why = found.changed.get(field.name, "").rstrip(".") if field else "the only length this model makes"
    near = "as asked" if abs(seconds - shot.seconds) < 0.1 else f"the nearest this model makes to {shot.seconds:g} s"
    return seconds, Choice("length", f"{seconds:.3g} s", why or near)
