"""The hosted part of a model card: the services a model is reached through, the fields it takes there, and its prices.

A service is somebody else's machines (Replicate, fal); a maker is whom the model belongs to. Sizes are in pixels, times
in seconds, files in bytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from studio.nouns import Noun

Text = Annotated[str, msgspec.Meta(min_length=1)]
Value = str | int | float | bool
ServiceName = Literal["replicate", "fal"]
SlotName = Literal["first_frame", "last_frame", "audio", "motion_video"]
Role = Literal[
    "", "prompt", "negative_prompt", "seed", "seconds", "frames", "fps", "size", "aspect", "sound", "camera", "mode"
]
"""What of a shot a field says. "mode" is a choice of the user's that decides the size; "" is any other choice."""

_PLACES = re.compile(r"\{(\w+)\}")


class Slot(Noun, frozen=True):
    """A field that takes a file, and the service's limits on it; 0 where none was found.

    `ratio`: the long side is at most so many times the short one. `seconds`: shortest and longest.
    """

    field: Text
    required: bool = False
    most_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    least_side: Annotated[int, msgspec.Meta(ge=0)] = 0
    most_side: Annotated[int, msgspec.Meta(ge=0)] = 0
    ratio: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    seconds: tuple[float, float] = (0.0, 0.0)
    types: tuple[str, ...] = ()


class Field(Noun, frozen=True):
    """A field of a model's input that takes a value: one of `values`, or between `least` and `most` (of a text: so many
    characters at most).

    `title` is what a person calls it: a field that has one is offered as a choice of the model's own (`Shot.options`,
    by `option`, so that a choice is called the same in every service); one without follows the shot's other controls.
    `names` are the values' own names where they differ from what is sent: {"std" = "standard"}. `sizes` is the short
    side in pixels that each value means, `pixels` the whole size that an aspect does. `in_ref`: its value is put in the
    way's `ref` and isn't sent.
    """

    name: Text
    kind: Literal["text", "choice", "whole", "number", "switch"]
    role: Role = ""
    title: str = ""
    help: str = ""
    values: tuple[str | int, ...] = ()
    names: dict[str, str] = msgspec.field(default_factory=dict)
    sizes: dict[str, int] = msgspec.field(default_factory=dict)
    pixels: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    least: float | None = None
    most: float | None = None
    default: Value | None = None
    required: bool = False
    in_ref: bool = False

    @property
    def option(self) -> str:
        """What the choice is called in `Shot.options`."""
        return self.role or self.name

    @property
    def choices(self) -> tuple[str, ...]:
        """Its values under their own names, as `Shot.options` has them."""
        return tuple(self.names.get(str(one), str(one)) for one in self.values)

    def takes(self, value: Value) -> bool:
        """Whether the service takes this value as it is."""
        if self.kind == "switch":
            return isinstance(value, bool)
        if self.kind == "choice":
            return value in self.values and not isinstance(value, bool)
        if self.kind == "text":
            return isinstance(value, str) and (self.most is None or len(value) <= self.most)
        if isinstance(value, str | bool) or (self.kind == "whole" and value != int(value)):
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __post_init__(self) -> None:
        if (self.kind == "choice") != bool(self.values):
            raise ValueError(f'`values` of the field {self.name!r} go with the kind "choice"')
        if self.default is not None and not self.takes(self.default):
            raise ValueError(f"the field {self.name!r} doesn't take its own default {self.default!r}")
        if unknown := {*self.names, *self.sizes, *self.pixels} - {str(one) for one in self.values}:
            raise ValueError(f"the field {self.name!r} has no value {', '.join(sorted(unknown))}")


class Rule(Noun, frozen=True):
    """What holds between fields: when all of `when` does (a field's value, or true for a slot that is filled), `field`
    takes only `values`, or the file in `slot` lasts at most `most_seconds`.

    `says` is why, as one sentence for people.
    """

    when: Annotated[dict[str, Value], msgspec.Meta(min_length=1)]
    says: Text
    field: str = ""
    values: tuple[Value, ...] = ()
    slot: SlotName | Literal[""] = ""
    most_seconds: float = 0.0

    def __post_init__(self) -> None:
        if (
            bool(self.field) != bool(self.values)
            or bool(self.slot) != bool(self.most_seconds)
            or not (self.field or self.slot)
        ):
            raise ValueError("a rule has a `field` and `values`, or a `slot` and `most_seconds`")


class PriceRule(Noun, frozen=True):
    """What a clip costs when all of `when` holds: an amount for each second of it, or for a clip, as read on a day.

    `verified`: the service's or the maker's own page says so; else somebody's list does.
    """

    amount: Annotated[float, msgspec.Meta(ge=0.0, le=1e4)]
    per: Literal["second", "clip"]
    read_on: Annotated[str, msgspec.Meta(pattern=r"^20\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")]
    source: Text
    verified: bool = True
    when: dict[str, Value] = msgspec.field(default_factory=dict)
    currency: Literal["USD"] = "USD"


class Way(Noun, frozen=True):
    """One way in to a model: a service, what the model is called there (`ref`, with {field} where a choice is part of
    it), and what it takes.

    `id` is what a shot names it by, the service's own name where it is "". `near`: what is reached is not this model
    but one near it, which is called so. `fixed` are fields that are always sent so. `tags` wrap a wish of the user's in
    the prompt ("speech": "<S>{}<E>"). `follows`: a filled slot whose file decides the clip's length. `made_seconds`,
    `made_fps` and `made_side`: the length, rate and short side of a model that has no field for them; None where that
    isn't known. `seconds`: how
    long a clip typically takes there, None where nobody says. The first of `price` that holds counts; without one the
    price is unknown.
    """

    service: ServiceName
    ref: Text
    slots: dict[SlotName, Slot]
    fields: tuple[Field, ...]
    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9.-]{0,40}$")] = ""
    version: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    near: str = ""
    fixed: dict[str, Value] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    price: tuple[PriceRule, ...] = ()
    follows: SlotName | Literal[""] = ""
    made_seconds: float | None = None
    made_fps: float | None = None
    made_side: int | None = None
    seconds: float | None = None
    unsure: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What a shot names it by."""
        return self.id or self.service

    @property
    def page(self) -> str:
        """Where the service describes it."""
        chosen = {one.name: str(one.default) for one in self.fields if one.in_ref}
        home = {"replicate": "https://replicate.com/", "fal": "https://fal.ai/models/"}[self.service]
        return home + self.ref.format(**chosen)

    def find_field(self, role: Role) -> Field | None:
        """The field of this role; None where the model has none."""
        return next((one for one in self.fields if one.role == role), None)

    def __post_init__(self) -> None:
        known = {one.name for one in self.fields} | {one.field for one in self.slots.values()} | set(self.slots)
        used = {name for rule in self.rules for name in (*rule.when, rule.field, rule.slot) if name}
        used |= {name for price in self.price for name in price.when} | ({self.follows} if self.follows else set())
        if unknown := used - known:
            raise ValueError(f"rules and prices speak of {', '.join(sorted(unknown))}, which {self.ref} doesn't have")
        if set(_PLACES.findall(self.ref)) != {one.name for one in self.fields if one.in_ref}:
            raise ValueError(f"the places in {self.ref} have to be the fields with `in_ref`")
        if "first_frame" not in self.slots:
            raise ValueError(f"{self.ref} has no slot for the photo")


class Hosted(Noun, frozen=True):
    """Who makes a hosted model, on what terms, and the ways in to it, the one Stir knows best first.

    `unsure`: what could not be learned of it, each as a sentence for people.
    """

    maker: Text
    makers_terms: str
    ways: Annotated[tuple[Way, ...], msgspec.Meta(min_length=1)]
    unsure: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [way.name for way in self.ways]
        if len(names) != len(set(names)):
            raise ValueError(f"two ways in have the same id: {', '.join(names)}")
