"""What every noun is made with: the frozen base, its copy with changes, and `Refusal`, the one error that users read.

The nouns themselves are in nouns.py, those of finishing a clip in finish_nouns.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec

Aspect = Literal["photo", "16:9", "9:16", "1:1", "4:5", "3:4", "21:9"]
N = TypeVar("N", bound="Noun")
Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
"""What something is known by: a clip, a job, a model, a photo, a place."""

Short = Annotated[str, msgspec.Meta(max_length=255)]
"""A name, or a few words."""

FilePath = Annotated[str, msgspec.Meta(max_length=4096)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Stars = Annotated[int, msgspec.Meta(ge=0, le=5)]
Search = Annotated[str, msgspec.Meta(max_length=400)]
"""Words that are looked for; the page's own boxes take 200 characters."""

PressId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{0,64}$", max_length=64)]
"""A press of a button by an id of its own, so that the same one sent twice begins nothing twice; "" for none."""


class Refusal(Exception):
    """Something the studio won't do: `reason` says what is wrong, `remedy` what to do next, both in the user's words.

    `about` is what of a shot has to change: "photo", "camera", "effects", "words", "ending", or "" for how the clip is
    made. `offer` is what can be done by one press instead: "open_damaged", or "" for nothing.
    """

    def __init__(self, reason: str, remedy: str, about: str = "", offer: str = "") -> None:
        super().__init__(f"{reason} {remedy}".strip())
        self.reason = reason
        self.remedy = remedy
        self.about = about
        self.offer = offer


class Noun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen value. An unknown key or a value out of range is an error, never a silent default. What browsers and
    programs send is made of nouns whose texts and lists all have a longest (tests/ui/test_bounds.py)."""


class Attachment(Noun, frozen=True):
    """A sound, a film or an image that goes with a shot, kept by content in the home folder: `id` is the sha256 of its
    bytes, `name` what the user calls it, `seconds` how long it lasts, 0 for an image.
    """

    id: Hash
    name: Short
    kind: Literal["audio", "video", "image"]
    seconds: Annotated[float, msgspec.Meta(ge=0.0, le=3600.0)]
    bytes: Annotated[int, msgspec.Meta(ge=1, le=200_000_000)]


def replace(noun: N, **changes: Any) -> N:
    """A copy of a noun with some fields changed, checked like new. Raises `Refusal` when a value is out of range."""
    try:
        return msgspec.convert(msgspec.to_builtins(msgspec.structs.replace(noun, **changes)), type(noun))
    except msgspec.ValidationError as error:
        raise Refusal(f"That value can't be used ({error}).", "Choose one within the range shown.") from None
