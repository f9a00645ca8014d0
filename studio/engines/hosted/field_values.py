"""What a shot says to each field of a hosted model: the user's own choice, else what the shot's controls mean there,
else the card's default; then the rules between fields.

Everything here is arithmetic on cards; nothing is sent. Values are as the service takes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from studio.cards import ModelCard
from studio.hosted_cards import Field, Rule, SlotName, Value, Way
from studio.motion.compose import ModelPrompt, compose
from studio.nouns import Attachment, Refusal, Shot
from studio.photo import crop

MOST_SEED = 2**31 - 1
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class FieldValues(NamedTuple):
    """The value of each field that is sent or put in the way's ref, by the field's name; what the rules changed and
    why, by the field's name too; and the words that the model is given.
    """

    values: dict[str, Value]
    changed: dict[str, str]
    words: ModelPrompt


def find_values(shot: Shot, card: ModelCard, way: Way) -> FieldValues:
    """The values of a shot's fields on one way in.

    What a way doesn't declare is left out; lengths, sizes and rates are brought to the nearest it takes. Raises
    `Refusal` for a choice of the model's own that it doesn't have, or that stands against a rule.
    """
    words = compose(shot.motion, card)
    values: dict[str, Value] = dict(way.fixed)
    chosen: set[str] = set()
    for field in way.fields:
        if field.title and field.option in shot.options:
            values[field.name] = read_option(field, shot.options[field.option], card)
            chosen.add(field.name)
        elif (value := _FROM_SHOT.get(field.role, _take_default)(field, shot, words)) is not None:
            values[field.name] = value
    _fit_frames(shot, way, values, chosen)
    return FieldValues(values, _apply_rules(shot, way, values, chosen), words)


def read_option(field: Field, value: Value, card: ModelCard) -> Value:
    """A choice of the user's as the service takes it: by a value's own name or the value. Raises `Refusal`."""
    for sent, name in zip(field.values, field.choices, strict=True):
        if str(value).lower() in (name.lower(), str(sent).lower()):
            return sent
    if field.kind == "whole" and isinstance(value, float) and value == int(value):
        value = int(value)
    if field.kind != "choice" and field.takes(value):
        return value
    name = (field.title or field.option).lower()
    raise Refusal(f"{card.title} doesn't take {value!r} for {name}.", f"Choose {describe_range(field)}.")


def describe_range(field: Field) -> str:
    """What a field takes, for people: "standard or pro", "2 to 15", "at most 2500 characters"."""
    if field.kind == "switch":
        return "true or false"
    if field.values:
        *rest, last = field.choices
        return f"{', '.join(rest)} or {last}" if rest else last
    if field.kind == "text":
        return "words" if field.most is None else f"at most {field.most:g} characters"
    if field.most is None:
        return "a number" if field.least is None else f"{field.least:g} or more"
    return f"{field.least or 0:g} to {field.most:g}"


def read_number(value: Value) -> float | None:
    """The number in a value such as 5, "10" or "4s"; None where it has none."""
    found = _NUMBER.match(str(value)) if not isinstance(value, bool) else None
    return float(found.group()) if found else None


def list_slots(shot: Shot, way: Way) -> tuple[SlotName, ...]:
    """The slots of a way that a shot fills."""
    given: dict[SlotName, bool] = {
        "first_frame": True, "last_frame": shot.end is not None, "audio": shot.audio is not None,
        "motion_video": shot.motion_video is not None,
    }  # fmt: skip
    return tuple(name for name in way.slots if given[name])


def find_attachment(shot: Shot, slot: SlotName | str) -> Attachment | None:
    """The file of a shot that goes into a slot; None for none, and for photos."""
    return {"audio": shot.audio, "motion_video": shot.motion_video}.get(slot)


def holds(when: dict[str, Value], values: dict[str, Value], filled: tuple[SlotName, ...]) -> bool:
    """Whether a condition holds: each field has that value, and each slot is filled or not as it says."""
    known: dict[str, Value] = {"first_frame": True, "last_frame": False, "audio": False, "motion_video": False}
    known |= dict.fromkeys(filled, True)
    known |= values
    return all(
        known.get(name) == value or (read_number(known.get(name, "")) == read_number(value) is not None)
        for name, value in when.items()
    )


def find_short_side(way: Way, values: dict[str, Value]) -> int | None:
    """The short side in pixels of what is made; None where nobody says it."""
    for field in way.fields:
        if field.sizes and field.name in values:
            return field.sizes.get(str(values[field.name]), way.made_side)
    return way.made_side


def find_rate(way: Way, values: dict[str, Value]) -> float | None:
    """Frames a second; None where nobody says it."""
    field = way.find_field("fps")
    return (read_number(values.get(field.name, "")) if field else None) or way.made_fps


def find_seconds(way: Way, values: dict[str, Value]) -> float | None:
    """The seconds that a way in is asked for; None where the model decides."""
    if field := way.find_field("seconds"):
        return read_number(values.get(field.name, ""))
    if frames := way.find_field("frames"):
        count, fps = read_number(values.get(frames.name, "")), find_rate(way, values)
        return count / fps if count and fps else None
    return way.made_seconds


# From the shot's own controls -----------------------------------------------------------------------------------------


def _take_default(field: Field, shot: Shot, words: ModelPrompt) -> Value | None:
    return field.default


def _snap_seconds(field: Field, shot: Shot, words: ModelPrompt) -> Value:
    if field.kind == "choice":
        return min(field.values, key=lambda value: abs((read_number(value) or 0.0) - shot.seconds))
    low, high = field.least or 1, field.most or 60
    return min(max(round(shot.seconds), int(low)), int(high))


def _snap_size(field: Field, shot: Shot, words: ModelPrompt) -> Value | None:
    """The value nearest to the size asked for, the model's default for "auto": a dearer one is never taken unasked."""
    if shot.size == "auto" or not field.sizes:
        return field.default
    side = crop.SHORT_SIDES[shot.size]
    return min(field.values, key=lambda value: abs(field.sizes.get(str(value), 0) - side))


def _snap_aspect(field: Field, shot: Shot, words: ModelPrompt) -> Value:
    ratio = crop.find_ratio(shot.photo, shot.crop.aspect)
    if shot.crop.aspect == "photo":
        left, top, right, bottom = crop.find_pixel_box(shot.photo, shot.crop)
        ratio = (right - left) / (bottom - top)

    def loss(value: Value) -> float:
        shape = find_shape(value) or ratio
        return 1 - min(shape, ratio) / max(shape, ratio)

    return min(field.values, key=loss)


def find_shape(value: Value) -> float | None:
    """Width over height of an aspect such as "16:9"; None for one without numbers."""
    wide, _, high = str(value).partition(":")
    return int(wide) / int(high) if wide.isdigit() and high.isdigit() and int(high) else None


def _snap_fps(field: Field, shot: Shot, words: ModelPrompt) -> Value | None:
    if field.kind != "choice":
        return field.default
    return min(field.values, key=lambda value: abs((read_number(value) or 0.0) - shot.fps))


def _take_camera(field: Field, shot: Shot, words: ModelPrompt) -> Value | None:
    return words.control if words.control in field.values else field.default


_FROM_SHOT: dict[str, Callable[[Field, Shot, ModelPrompt], Value | None]] = {
    "prompt": lambda field, shot, words: None,  # request.py puts the words together
    "negative_prompt": lambda field, shot, words: " ".join(shot.motion.negative_prompt.split()) or None,
    "seed": lambda field, shot, words: shot.seed & MOST_SEED,
    "seconds": _snap_seconds, "size": _snap_size, "aspect": _snap_aspect, "fps": _snap_fps, "camera": _take_camera,
    "sound": lambda field, shot, words: shot.sound,
}  # fmt: skip


def _fit_frames(shot: Shot, way: Way, values: dict[str, Value], chosen: set[str]) -> None:
    """The number of frames that lasts as long as was asked, at the rate that is sent."""
    field, rate = way.find_field("frames"), way.find_field("fps")
    if field is None or field.name in chosen:
        return
    fps = read_number(values[rate.name]) if rate and rate.name in values else None
    wanted = round(shot.seconds * (fps or 16)) + 1
    values[field.name] = min(max(wanted, int(field.least or 1)), int(field.most or wanted))


# Rules between fields -------------------------------------------------------------------------------------------------


def _apply_rules(shot: Shot, way: Way, values: dict[str, Value], chosen: set[str]) -> dict[str, str]:
    """Bring what the user didn't choose in line with the rules, and say why. Raises `Refusal` for what they chose."""
    changed: dict[str, str] = {}
    filled = list_slots(shot, way)
    for rule in way.rules:
        if not holds(rule.when, values, filled):
            continue
        _check_length(rule, shot)
        if not rule.field or values.get(rule.field) in rule.values:
            continue
        field = next(one for one in way.fields if one.name == rule.field)
        if field.name in chosen:
            names = " or ".join(field.names.get(str(one), str(one)) for one in rule.values)
            raise Refusal(rule.says, f"Choose {names} for {(field.title or field.option).lower()}, or leave it open.")
        values[rule.field] = rule.values[0]
        changed[rule.field] = rule.says
    return changed


def _check_length(rule: Rule, shot: Shot) -> None:
    given = find_attachment(shot, rule.slot)
    if given and rule.most_seconds and given.seconds > rule.most_seconds + 0.05:
        raise Refusal(f"{rule.says} This one lasts {given.seconds:.1f} s.", "Choose the other, or give a shorter one.")
