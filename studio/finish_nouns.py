"""The values that finishing a clip is made of: what is cut, slowed, drawn upon and mixed, in the order it is done.

`Finish` is part of the `Shot`, so that a finished clip carries all that was done to it. How each step is done, and what
can't be done with the clips at hand: the folder studio/finish.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.noun_base import Aspect, Attachment, Fraction, Noun

ClipId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+\Z")]
Loop = Literal["", "cut", "dissolve", "flow", "ping_pong"]
Spot = Literal[
    "top_left", "top", "top_right", "left", "middle", "right", "bottom_left", "bottom", "bottom_right",
]  # fmt: skip
Font = Literal["sans", "bold", "serif", "serif_italic", "condensed", "mono"]
TitleKind = Literal["title", "caption", "date", "place"]
AmbienceKind = Literal["water", "wind", "rain", "fire", "room"]
Hex = Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$", max_length=7)]
InPoint = Annotated[float, msgspec.Meta(ge=0.0, le=3600.0)]
Fade = Annotated[float, msgspec.Meta(ge=0.0, le=10.0)]


class Trim(Noun, frozen=True):
    """The part of a clip that is used: from `start` to `end`, seconds of the clip as it was made; `end` 0 is its
    end."""

    start: InPoint = 0.0
    end: InPoint = 0.0


class SpeedPoint(Noun, frozen=True):
    """How fast the clip runs at one of its moments: `at` 0..1 of what is left after the trim, `factor` 0.1..8, 1 as it
    was made, 0.5 half as fast. Between two points the factor changes evenly; before the first and after the last it
    stays."""

    at: Fraction = 0.0
    factor: Annotated[float, msgspec.Meta(ge=0.1, le=8.0)] = 1.0


class Title(Noun, frozen=True):
    """Words drawn upon the picture.

    `text`: as it is written, with line breaks; lines that don't fit are wrapped. `place`: where, within what the
    platform leaves uncovered; "" where its `kind` usually stands (title: middle, caption: bottom, date and place:
    bottom left). `font`: one that ships; signs it hasn't are looked for in the system's fonts. `size`: the letters'
    height as a share of the frame's shorter side; 0 by its kind. `colour`: #rrggbb. `start`, `end`: seconds of the
    finished clip, `end` 0 is its end. `fade`: seconds to appear, and to go. `ground`: what makes it legible on any
    picture.
    """

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    place: Spot | Literal[""] = ""
    font: Font = "sans"
    size: Annotated[float, msgspec.Meta(ge=0.0, le=0.3)] = 0.0
    colour: Hex = "#ffffff"
    start: InPoint = 0.0
    end: InPoint = 0.0
    kind: TitleKind = "title"
    fade: Annotated[float, msgspec.Meta(ge=0.0, le=3.0)] = 0.4
    ground: Literal["shadow", "plate", "none"] = "shadow"


class Logo(Noun, frozen=True):
    """An image laid upon the picture, its transparency kept. `size`: its longer side as a share of the frame's shorter
    one; `opacity` 0..1."""

    attachment: Attachment
    place: Spot = "top_right"
    size: Annotated[float, msgspec.Meta(ge=0.02, le=1.0)] = 0.16
    opacity: Fraction = 1.0


class Join(Noun, frozen=True):
    """How several clips follow each other: cut, dissolved into each other over `seconds`, or cut on the beat of the
    music; `aspect` is what all are cropped to, "photo" the first one's own."""

    how: Literal["cut", "dissolve", "beat"] = "dissolve"
    seconds: Annotated[float, msgspec.Meta(ge=0.0, le=3.0)] = 0.5
    aspect: Aspect = "photo"


class Track(Noun, frozen=True):
    """A sound that is added: from `start`, its in-point in seconds; `fade_in` and `fade_out` in seconds, `gain` in dB;
    `loop`: music that is at its end begins again at the in-point, until the clip's end; a voice is heard once."""

    attachment: Attachment
    start: InPoint = 0.0
    fade_in: Fade = 0.0
    fade_out: Fade = 1.0
    gain: Annotated[float, msgspec.Meta(ge=-40.0, le=20.0)] = 0.0
    loop: bool = True


class Ambience(Noun, frozen=True):
    """A sound that is synthesised, of no recording and so free of rights; `amount` 0..1 is how loud beside others."""

    kind: AmbienceKind
    amount: Fraction = 0.5


class Mix(Noun, frozen=True):
    """What a finished clip sounds like.

    `keep`: the sound that the clip has already stays. `duck` 0..1: how far all else steps back while the voice speaks,
    by 20 dB at most; `duck_own`: how far music and ambience do while the clip's own sound is heard. `loudness`: brought
    to the loudness that the shot's platform plays at.
    """

    keep: bool = True
    music: Track | None = None
    voice: Track | None = None
    duck: Fraction = 0.5
    duck_own: Fraction = 0.0
    ambience: Annotated[tuple[Ambience, ...], msgspec.Meta(max_length=5)] = ()
    loudness: bool = True


class Finish(Noun, frozen=True):
    """What is done to a clip once it is made.

    `clips`: ids of the library's clips it is made of, in their order; () is what the shot's own model makes, one is
    that clip, several are joined (`join`). `trim`, then `reverse`, then `speed`, a ramp through its points; `loop`
    makes the end run into the beginning, dissolved over `blend` seconds; `hold` keeps the last frame for so many
    seconds more. `fps`: frames a second that are made by motion interpolation, None leaves the clip's own. `deflicker`,
    `keep_colour`, `grain` 0..1: how much. `titles` and `logo` are drawn last. `cover`: which second stands for the
    clip, "sharpest" the sharpest one, None the clip's own.
    """

    clips: Annotated[tuple[ClipId, ...], msgspec.Meta(max_length=60)] = ()
    trim: Trim | None = None
    reverse: bool = False
    speed: Annotated[tuple[SpeedPoint, ...], msgspec.Meta(max_length=12)] = ()
    loop: Loop = ""
    blend: Annotated[float, msgspec.Meta(ge=0.1, le=3.0)] = 0.5
    hold: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.0
    fps: Annotated[int, msgspec.Meta(ge=8, le=60)] | None = None
    deflicker: Fraction = 0.0
    keep_colour: Fraction = 0.0
    grain: Fraction = 0.0
    titles: Annotated[tuple[Title, ...], msgspec.Meta(max_length=12)] = ()
    logo: Logo | None = None
    cover: InPoint | Literal["sharpest"] | None = None
    join: Join = Join()
    mix: Mix = Mix()
