"""What a batch's words call a photo's subject, light and place: by its kind, its brightness and colour, its folder.

No network here knows things by name, so the subject is named as generally as is sure; each row's words can be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Kind

if TYPE_CHECKING:
    from studio.photo.photo_kind import Marks

SUBJECTS: dict[Kind | None, str] = {
    "portrait": "the person", "water": "the water", "landscape": "the landscape", "street": "the street",
    "product": "the object", None: "the subject",
}  # fmt: skip
PLACES: dict[Kind | None, str] = {
    "portrait": "where they are", "water": "by the water", "landscape": "in open country", "street": "in the street",
    "product": "on its backdrop", None: "where it is",
}  # fmt: skip

DARK, DIM, BRIGHT = 0.16, 0.3, 0.6
"""Mean brightness, 0..1 of encoded luma, under which a photo is of the night, under which its light is low, and over
which it is bright."""

WARM, COOL = 1.25, 0.9
"""Mean red over mean blue from which light is warm, and under which it is cool. Sunsets reach 1.4 to 2.5, an overcast
street 0.95 to 1.1, dusk 0.6 to 0.85."""

UNTOLD = frozenset(
    {
        "dcim",
        "photos",
        "pictures",
        "images",
        "downloads",
        "desktop",
        "camera",
        "export",
        "exports",
        "new",
        "work",
        "tmp",
    }
)
"""Folders whose name says nothing of a place."""


class PhotoWords(NamedTuple):
    """A photo's words for {subject}, {light} and {place}."""

    subject: str
    light: str
    place: str


def name_photo(kind: Kind | None, marks: Marks, image: NDArray[np.uint8], folder: str) -> PhotoWords:
    """The words of a photo. image: (H, W, 3) uint8 RGB; `folder` is the one it lay in, "" for none."""
    subject = SUBJECTS["portrait"] if marks.people and kind in (None, "portrait") else SUBJECTS[kind]
    return PhotoWords(subject, name_light(image), _name_place(kind, folder))


def name_light(image: NDArray[np.uint8]) -> str:
    """The light of a photo by the means of its colours: "warm low light", "soft daylight", "bright daylight"."""
    step = max(1, min(image.shape[:2]) // 128)
    red, green, blue = (float(mean) for mean in image[::step, ::step].reshape(-1, 3).mean(axis=0))
    level = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
    warmth = red / max(blue, 1.0)
    if level < DARK:
        return "night light"
    tone = "warm " if warmth > WARM else "cool " if warmth < COOL else ""
    if level < DIM:
        return f"{tone}low light"
    return f"{tone}bright daylight" if level > BRIGHT else f"{tone or 'soft '}daylight"


def _name_place(kind: Kind | None, folder: str) -> str:
    """The folder's name where it may be that of a place, which is written large, else what the kind of photo says."""
    words = " ".join(folder.replace("_", " ").replace("-", " ").split())
    letters = "".join(one for one in words if one.isalpha())
    tells = len(letters) >= 3 and words[:1].isupper() and words.casefold() not in UNTOLD
    return f"in {words}" if tells else PLACES[kind]
