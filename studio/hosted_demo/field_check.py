"""The imitation's own look at a request: the fields a card declares, its limits and rules, and the film they ask for.

It is written apart from what makes requests, so that a mistake there is found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from studio.hosted_cards import Field, Rule, Slot, Value, Way
from studio.hosted_demo.demo_film import FilmShape, read_seconds, read_size

Fetch = Callable[[str], bytes]
"""Reads what a field's address or data URI holds. Raises `OSError` for one that isn't known here."""

SHORT_SIDE, SECONDS, FPS = 720, 5.0, 24
"""What a film has where neither the request nor the card says."""


class Complaint(NamedTuple):
    """A field, and what is wrong with it."""

    field: str
    says: str


class Checked(NamedTuple):
    """What is wrong with a request, the photo it holds, and the film it asks for."""

    complaints: tuple[Complaint, ...]
    photo: bytes
    shape: FilmShape


def check_request(way: Way, places: dict[str, str], inputs: dict[str, Any], fetch: Fetch) -> Checked:
    """A request of a model. `places`: values of fields that are part of `ref`."""
    wrong: list[Complaint] = []
    fields = {one.name: one for one in way.fields if not one.in_ref}
    slots = {slot.field: slot for slot in way.slots.values()}
    wrong += [
        Complaint(one, "is not a field of this model") for one in inputs if one not in {*fields, *slots, *way.fixed}
    ]
    wrong += [
        Complaint(name, "is required") for name, one in (fields | slots).items() if one.required and name not in inputs
    ]
    wrong += [Complaint(name, f"must be {value!r}") for name, value in way.fixed.items() if inputs.get(name) != value]
    wrong += [
        Complaint(name, f"does not take {inputs[name]!r:.80}")
        for name, one in fields.items() if name in inputs and not _takes(one, inputs[name])
    ]  # fmt: skip
    files: dict[str, bytes] = {}
    lengths: dict[str, float] = {}
    for kind, slot in way.slots.items():
        if slot.field in inputs:
            try:
                files[slot.field] = fetch(inputs[slot.field]) if isinstance(inputs[slot.field], str) else b""
                said, lengths[slot.field] = _judge_file(kind, slot, files[slot.field])
            except OSError:
                said = "is not a file that can be read"
            wrong += [Complaint(slot.field, said)] if said else []
    values = {one.name: inputs.get(one.name, one.default) for one in way.fields} | places
    wrong += [one for rule in way.rules if (one := _break_rule(rule, way, values, inputs, lengths))]
    photo = files.get(way.slots["first_frame"].field, b"")
    return Checked(
        tuple(wrong),
        photo,
        _shape_film(way, values, inputs, photo, lengths) if photo and not wrong else FilmShape(0, 0, 0, 1),
    )


def _takes(field: Field, value: Any) -> bool:
    return isinstance(value, str | int | float) and field.takes(value)


def _judge_file(kind: str, slot: Slot, content: bytes) -> tuple[str, float]:
    """What is wrong with a file, and how long it lasts, 0.0 for a picture. Raises `OSError` for what can't be read."""
    if slot.most_bytes and len(content) > slot.most_bytes:
        return f"is larger than {slot.most_bytes} bytes", 0.0
    if kind in ("audio", "motion_video"):
        seconds = read_seconds(content)
        fits = not slot.seconds[1] or slot.seconds[0] - 0.1 <= seconds <= slot.seconds[1] + 0.1
        return "" if fits else f"lasts {seconds:.1f} s", seconds
    short, long = sorted(read_size(content))
    fits = short >= slot.least_side and long <= (slot.most_side or long) and long <= (slot.ratio or long) * short
    return "" if fits else f"has sides of {short} and {long} pixels", 0.0


def _break_rule(
    rule: Rule, way: Way, values: dict[str, Any], inputs: dict[str, Any], lengths: dict[str, float]
) -> Complaint | None:
    def holds(name: str, value: Value) -> bool:
        slot = next((one for key, one in way.slots.items() if name in (key, one.field)), None)
        return (slot.field in inputs) is bool(value) if slot else values.get(name) == value

    if not all(holds(name, value) for name, value in rule.when.items()):
        return None
    if rule.field and values.get(rule.field) not in (*rule.values, None):
        return Complaint(rule.field, rule.says)
    slot = way.slots.get(rule.slot) if rule.slot else None
    if slot and lengths.get(slot.field, 0.0) > rule.most_seconds + 0.1:
        return Complaint(slot.field, rule.says)
    return None


def _shape_film(
    way: Way, values: dict[str, Any], inputs: dict[str, Any], photo: bytes, lengths: dict[str, float]
) -> FilmShape:
    """The film that a request asks for."""
    by_role = {one.role: values.get(one.name) for one in way.fields if one.role}
    sizes = [one.sizes.get(str(values.get(one.name)), 0) for one in way.fields]
    short = max(sizes, default=0) or SHORT_SIDE
    asked = re.fullmatch(r"(\d+):(\d+)", str(by_role.get("aspect", "")))
    aspect = next((one for one in way.fields if one.role == "aspect"), None)
    wide, high = (int(asked[1]), int(asked[2])) if asked and aspect and aspect.name in inputs else read_size(photo)
    scale = short / min(wide, high)
    fps = round(_read_number(by_role.get("fps")) or way.made_fps or FPS)
    seconds = _read_number(by_role.get("seconds")) or way.made_seconds or SECONDS
    if frames := _read_number(by_role.get("frames")):
        seconds = frames / fps
    follows = way.slots.get(way.follows) if way.follows else None
    if follows and lengths.get(follows.field):
        seconds = lengths[follows.field]
    heard = by_role.get("sound") is True or (way.slots.get("audio") is not None and way.slots["audio"].field in inputs)
    return FilmShape(
        round(wide * scale / 2) * 2, round(high * scale / 2) * 2, seconds, fps, heard or "speech" in way.tags
    )


def _read_number(value: Any) -> float:
    """A number above zero, also one in words ("4s"); 0.0 for anything else."""
    found = re.match(r"\d+(\.\d+)?", str(value))
    return float(found[0]) if found and not isinstance(value, bool) else 0.0
