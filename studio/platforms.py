"""Places a clip goes (presets/platforms/*.toml) as values: what each takes, what it covers, who states it."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec

from studio.nouns import Aspect, Format, Fraction, Noun, Size

Container = Literal["mp4", "mov", "webm", "gif", "webp", "avif"]
Codec = Literal["h264", "hevc", "prores", "vp9", "av1", "gif", "webp"]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Limit = Annotated[float, msgspec.Meta(ge=0.0)]


class FileKind(Noun, frozen=True):
    """A file that a place takes, and how the studio writes it.

    profile: as ffprobe names it ("High", "Main", "HQ"), "" any. level: the most, as the standard writes it ("4.2"), ""
    any. pixels: ffmpeg's name of the pixel format. most_mbps: the most megabits a second of the picture, on average; 0
    where nothing limits it. quality: what the encoder is asked for, in its own measure (H.264, HEVC, AV1 in WebM: crf,
    smaller is better; GIF, WebP, AVIF: 0 to 100). b_frames: pictures may be predicted from later ones; editors read
    files without them most simply. key_seconds: the most seconds from one key frame to the next, 0 any.
    """

    container: Container
    codec: Codec
    profile: str = ""
    level: Annotated[str, msgspec.Meta(pattern=r"^(\d\.\d)?$")] = ""
    pixels: str = "yuv420p"
    most_mbps: Limit = 0.0
    quality: Annotated[int, msgspec.Meta(ge=0, le=100)] = 18
    b_frames: bool = True
    key_seconds: Limit = 0.0


class Cover(Noun, frozen=True):
    """A part of the frame that a service draws over, in fractions of the frame, and `what` it draws there."""

    what: str
    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction


class Platform(Noun, frozen=True):
    """A place a clip goes: the crop, size and rate it asks for, what it takes, who states it and when that was read.

    kind: "post" for a service, "file" for a file of one's own. It takes clips of `min_seconds` to `max_seconds` at
    `min_fps` to `max_fps`, with at least `min_short` pixels on their short side and at most `max_long` on their long
    one, in these `formats` of a shot; where nothing is stated the least is the studio's own: 1 second, 1 frame a
    second, 0 pixels. `label` is its short name, for a narrow button.

    `files` are what an export writes: all of them, or with `pick` the one the user chooses, the first where nothing is
    said. aspect "photo" keeps a clip's own shape; `shapes` are the least and the most of width over height between
    which a clip of another shape is taken as it is. enlarge: a smaller clip is scaled up to `size`, so that the service
    encodes what it shows; masters keep their own pixels. poster: a still of the first frame goes with it. most_bytes:
    the largest file, 0 where nothing limits it. loudness in LUFS, None leaves the sound as loud as it is; true_peak in
    dBTP. sound: "needed", "kept" where there is any, or "none": it is played mute. `silent_track` is why a clip that
    isn't heard gets a silent track for it, in words: what it makes of a file without one; "" where it takes such a file
    as it is. `covers` are what it draws over the frame: the rest is the safe zone.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
    title: str
    label: Annotated[str, msgspec.Meta(max_length=12)]
    kind: Literal["post", "file"]
    aspect: Aspect
    size: Size
    fps: Annotated[int, msgspec.Meta(ge=1, le=60)]
    min_seconds: Positive
    max_seconds: Positive
    min_fps: int
    max_fps: int
    min_short: int
    formats: Annotated[tuple[Format, ...], msgspec.Meta(min_length=1)]
    files: Annotated[tuple[FileKind, ...], msgspec.Meta(min_length=1)]
    source: str
    read_on: datetime.date
    shapes: tuple[Positive, Positive] | None = None
    max_long: int = 4096
    pick: bool = False
    enlarge: bool = True
    poster: bool = False
    most_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    sound: Literal["needed", "kept", "none"] = "kept"
    silent_track: str = ""
    loudness: Annotated[float, msgspec.Meta(ge=-40.0, le=0.0)] | None = None
    true_peak: Annotated[float, msgspec.Meta(ge=-12.0, le=0.0)] = -1.0
    covers: tuple[Cover, ...] = ()


def is_own_shape(place: Platform, ratio: float) -> bool:
    """Whether a place takes a picture of this width over height as it is, whatever shape it asks for."""
    return place.aspect == "photo" or (place.shapes is not None and place.shapes[0] <= ratio <= place.shapes[1])


class FieldCheck(Noun, frozen=True):
    """One field of a file against its place: what was wanted, what was found, in words, and whether it is met."""

    field: str
    wanted: str
    found: str
    is_met: bool


class DeliveryWish(Noun, frozen=True):
    """How a clip is made fit for a place.

    fit: a clip of another shape is cropped, or shown whole: padded with black, or over a blurred copy of itself.
    centre: what a crop keeps in its middle, as near as the edges allow, in fractions of the clip; None is where its
    subject stands. under: the most bytes of a file, where less than the place takes; 0 leaves it to the place.
    container: which file is written, of a place that takes one of several; "" its first.
    """

    fit: Literal["crop", "pad", "blur"] = "crop"
    centre: tuple[Fraction, Fraction] | None = None
    under: Annotated[int, msgspec.Meta(ge=0)] = 0
    container: Container | Literal[""] = ""
