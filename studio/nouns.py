"""The values a clip is made of: frozen, checked against their legal range, JSON in and out.

`Shot` is the one noun that carries a request: the page builds it, the queue stores it, an engine receives it, and it is
written into the clip, so that any clip can be made again.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.finish_nouns import Ambience as Ambience
from studio.finish_nouns import Finish as Finish
from studio.finish_nouns import Join as Join
from studio.finish_nouns import Logo as Logo
from studio.finish_nouns import Mix as Mix
from studio.finish_nouns import SpeedPoint as SpeedPoint
from studio.finish_nouns import Title as Title
from studio.finish_nouns import Track as Track
from studio.finish_nouns import Trim as Trim
from studio.noun_base import Aspect as Aspect
from studio.noun_base import Attachment as Attachment
from studio.noun_base import Count as Count
from studio.noun_base import FilePath as FilePath
from studio.noun_base import Fraction as Fraction
from studio.noun_base import Hash as Hash
from studio.noun_base import Id as Id
from studio.noun_base import Noun as Noun
from studio.noun_base import PressId as PressId
from studio.noun_base import Refusal as Refusal
from studio.noun_base import Search as Search
from studio.noun_base import Short as Short
from studio.noun_base import Stars as Stars
from studio.noun_base import replace as replace

Size = Literal["auto", "240p", "360p", "480p", "720p", "1080p", "1440p", "2160p"]
Ease = Literal["smooth", "linear", "ease_in", "ease_out"]
Format = Literal["mp4", "webm", "gif", "webp"]
MoveName = Literal[
    "static", "dolly_in", "dolly_out", "truck_left", "truck_right", "crane_up", "crane_down",
    "pan_left", "pan_right", "tilt_up", "tilt_down", "orbit_left", "orbit_right", "zoom_in", "zoom_out",
    "roll_left", "roll_right", "dolly_zoom_in", "dolly_zoom_out", "handheld", "push_orbit_left", "push_orbit_right",
]  # fmt: skip
EffectName = Literal[
    "ripple", "flow", "wind", "hair", "clouds", "fog", "steam", "light", "focus",
    "rain", "snow", "dust", "embers", "shadow", "grain",
]  # fmt: skip
Region = Literal["auto", "everywhere", "sky", "foliage", "subject", "background", "brush"]
Stage = Literal["wait", "load", "read", "denoise", "decode", "paint", "encode", "keep"]
Quality = Literal["draft", "good", "best"]
Speed = Literal["slow", "normal", "fast"]
Kind = Literal["portrait", "water", "landscape", "street", "product"]
"""What a photo is of, as far as it decides how it should move: the five shot types that motions are made for."""

Use = Literal["product", "travel", "music", "estate", "brand"]
"""What a clip is for: product for e-commerce, travel and lifestyle, music and art, real estate, personal brand."""

MendName = Literal["denoise", "deblock", "contrast", "upscale", "background"]
SpeedUp = Literal["first_block_cache", "mag_cache", "taylorseer", "compile", "vae_tiling"]

FINISH = "finish"
"""What makes a clip of other clips, where a shot names its model: no model does."""

LONG_SIDES: dict[Format, int] = {"mp4": 4096, "webm": 4096, "gif": 640, "webp": 640}
"""The longest side of a clip in pixels. Films: what hardware decodes, H.264 up to 4096 wide and high, AV1 at the level
of 4K (5.1, at most 8,912,896 pixels); so 21:9 at 2160p is 4096 wide. GIF and WebP: they grow quickly, and are looked at
in passing."""

MOST_MOVES, MOST_EFFECTS, MOST_MENDS = 24, 24, 8
"""Moves at a time, effects and mends of one shot: each that there is once, and a few."""

Side = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
MaybeHash = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$", max_length=64)]
Brush = Annotated[str, msgspec.Meta(max_length=65_536, pattern="^[A-Za-z0-9+/=]*$")]


class Photo(Noun, frozen=True):
    """A photograph the studio has taken in. `id` is the sha256 of its oriented sRGB pixels; width and height in pixels.

    `own_depth` is the sha256 id of the depth map that came inside its file, "" without one; `depth_doubted`: it is
    kept, but the picture speaks against it. `own_matte` and `matte_doubted` are the same of a portrait matte.
    """

    id: Hash
    width: Side
    height: Side
    name: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    notes: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=1000)], ...], msgspec.Meta(max_length=100)] = ()
    own_depth: MaybeHash = ""
    depth_doubted: bool = False
    own_matte: MaybeHash = ""
    matte_doubted: bool = False


class Crop(Noun, frozen=True):
    """The part of the photo that is used, in fractions of the oriented photo; `aspect` is what it is locked to."""

    x: Fraction = 0.0
    y: Fraction = 0.0
    w: Fraction = 1.0
    h: Fraction = 1.0
    aspect: Aspect = "photo"


class Move(Noun, frozen=True):
    """One camera move. `amount` 0..1: 0 is no movement at all, 0.7 a confident move, 1 the most the engine allows."""

    name: MoveName
    amount: Fraction = 0.6


Moves = Annotated[tuple[Move, ...], msgspec.Meta(max_length=MOST_MOVES)]


class Leg(Noun, frozen=True):
    """What the camera does next: moves that are added up, at one speed, begun where the moves before it have ended."""

    moves: Moves
    speed: Speed = "normal"


class Camera(Noun, frozen=True):
    """How the camera behaves: moves that are added up, one easing and one speed for all, and whether it ends where it
    began.

    `then` is what follows one after the other, at most three legs; moves and legs share the clip's time equally, and
    the camera is eased through each joint. No moves at all: nothing is said of the camera. An engine with a path holds
    still, a model that reads does as it likes.
    """

    moves: Moves = (Move("dolly_in"),)
    ease: Ease = "smooth"
    loop: bool = False
    speed: Speed = "normal"
    then: Annotated[tuple[Leg, ...], msgspec.Meta(max_length=3)] = ()


class Effect(Noun, frozen=True):
    """One ambient motion and where it happens; `brush` is what was painted of the photo: a grey base64 PNG of at most
    256 px.

    `direction` is in degrees clockwise from rightwards (0 right, 90 down) and counts for what goes somewhere
    (`directed` in studio/motion/words/ambient_effects.toml).
    """

    name: EffectName
    amount: Fraction = 0.5
    region: Region = "auto"
    direction: Annotated[float, msgspec.Meta(ge=0.0, lt=360.0)] = 0.0
    brush: Brush = ""


Words = Annotated[str, msgspec.Meta(max_length=4000)]
Effects = Annotated[tuple[Effect, ...], msgspec.Meta(max_length=MOST_EFFECTS)]


class Motion(Noun, frozen=True):
    """What should move, and what should not.

    In words, for models that read: `subject` ("the woman") and `action` ("turns her head"), `environment` (what moves
    around: "leaves rustle"), `light` ("light stays constant"), `still` (what stays still: "the house"), and `prompt`,
    whatever else was written. The camera and the ambient effects are for every engine; models that read get them in
    words as well.
    """

    prompt: Words = ""
    negative_prompt: Words = ""
    camera: Camera = Camera()
    effects: Effects = ()
    subject: Words = ""
    action: Words = ""
    environment: Words = ""
    light: Words = ""
    still: Words = ""


class Mend(Noun, frozen=True):
    """One remedy for a photo, applied to its pixels before anything else sees them; `amount` 0..1, 0 is no change at
    all.

    "denoise", "deblock" (JPEG blocks), "contrast" (levels stretched), "upscale" (twice the size; the amount is the
    share of the network's detail), "background" (blurred behind the subject). The original is never changed.
    """

    name: MendName
    amount: Fraction = 0.5


Mends = Annotated[tuple[Mend, ...], msgspec.Meta(max_length=MOST_MENDS)]
SpeedUps = Annotated[tuple[SpeedUp, ...], msgspec.Meta(max_length=8)]


class Still(Noun, frozen=True):
    """A photo and the part of it that is used: where a clip ends.

    Cards that support "end_frame" take any photo; those that support "end_crop" take a second box on the shot's own
    photo.
    """

    photo: Photo
    crop: Crop = Crop()


OptionName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Option = Annotated[str, msgspec.Meta(max_length=4000)] | int | float | bool
Options = Annotated[dict[OptionName, Option], msgspec.Meta(max_length=24)]


class Shot(Noun, frozen=True):
    """The whole recipe of a clip. `depth` is "auto", "builtin", "anything", "photo" for the photo's own, or the sha256
    id of an uploaded depth map.

    `mends` are applied to the photo in their order. `draft` names the model that tries the shot out before `model`
    makes it; "" is no draft. `subject` is a mask of the whole photo, painted like an effect's brush, of what the user
    says it is of; "" leaves that to the photo's own matte or the studio, "builtin" to the studio alone, and "photo"
    takes the photo's own though it is doubted. `platform` is the id of the place it is made for (presets/platforms);
    "" leaves that open. From `quality` to `may_shrink` it is for models that denoise: `steps` and `guidance` None leave
    it to card and `quality`; `strength` is how much moves; `speedups` trade likeness for time or memory; `may_shrink`
    consents to a smaller or shorter clip should memory run out.

    For hosted models: `service` is the way in (studio/hosted_cards.py), "" the cheapest with a token; `options` are the
    model's own choices, by the names its card gives them; `audio` is a voice or music, `motion_video` a film that the
    photo's subject moves like.

    `finish` is what is done once there are frames: to the library's clips it names, or, where it names none, to what
    the model makes of this shot.
    """

    photo: Photo
    crop: Crop = Crop()
    motion: Motion = Motion()
    model: Id = "parallax"
    size: Size = "auto"
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)] = 5.0
    fps: Annotated[int, msgspec.Meta(ge=1, le=60)] = 24
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    depth: Id = "auto"
    format: Format = "mp4"
    quality: Quality = "good"
    steps: Annotated[int, msgspec.Meta(ge=1, le=200)] | None = None
    guidance: Annotated[float, msgspec.Meta(ge=0.0, le=30.0)] | None = None
    strength: Fraction = 0.5
    end: Still | None = None
    sound: bool = True
    speedups: SpeedUps = ()
    may_shrink: bool = False
    mends: Mends = ()
    draft: Id = ""
    subject: Brush = ""
    platform: Id = ""
    service: Id = ""
    options: Options = msgspec.field(default_factory=dict)
    audio: Attachment | None = None
    motion_video: Attachment | None = None
    finish: Finish | None = None

    def __hash__(self) -> int:
        return hash(self.to_json())

    @property
    def maker(self) -> str:
        """The id of the model that makes the clip: `draft` where this is a draft, else `model`; FINISH for what is made
        of clips that are there already."""
        return FINISH if self.finish and self.finish.clips else self.draft or self.model

    @property
    def loops(self) -> bool:
        """Whether the clip ends where it began, without a seam."""
        done = self.finish
        if done is None:
            return self.motion.camera.loop
        cut = done.trim or done.hold or done.speed or len(done.clips) > 1
        return bool(done.loop) or (self.motion.camera.loop and not cut)

    @property
    def num_frames(self) -> int:
        """Frames in the clip: seconds times fps, rounded, at least two."""
        return max(2, round(self.seconds * self.fps))

    def to_json(self) -> str:
        """The recipe as one line of JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Shot:
        """The recipe back from JSON. Raises `Refusal` when it is not one that this version understands."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal(f"This recipe can't be read ({error}).", "Use one written by this version of Stir.") from None


class Choice(Noun, frozen=True):
    """An automatic choice and why it was made: what ("encoder"), value ("libx264"), reason ("no hardware encoder
    worked").
    """

    what: str
    value: str
    reason: str


class Progress(Noun, frozen=True):
    """How far a job is: `done` of `total` in a stage, seconds gone and left (None while unknown), and a `preview`: a
    small picture of what is being made, as a data URL, which is never written down."""

    stage: Stage = "wait"
    done: int = 0
    total: int = 0
    note: str = ""
    elapsed: float = 0.0
    remaining: float | None = None
    preview: str = ""


class Clip(Noun, frozen=True):
    """A finished clip: `file` and `poster` are names inside the clips folder; `took` and `seconds` in seconds.

    `memory` is the most memory its making took, in bytes: the GPU's where it was made on one, else the system's beyond
    what Stir took before its first clip; 0 where it wasn't measured. `loading` is how many seconds of `took` went into
    loading the photo and the model.
    """

    id: str
    shot: Shot
    file: str
    poster: str
    width: int
    height: int
    fps: float
    num_frames: int
    seconds: float
    bytes: int
    made_at: float
    took: float
    title: str = ""
    rating: Stars = 0
    trashed: bool = False
    choices: tuple[Choice, ...] = ()
    memory: Annotated[int, msgspec.Meta(ge=0)] = 0
    loading: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0


class Queued(Noun, frozen=True, tag="queued"):
    """Waiting its turn; `note` says why it is held back, "" while it isn't."""

    note: str = ""


class Running(Noun, frozen=True, tag="running"):
    """At work now."""

    progress: Progress = Progress()


class Done(Noun, frozen=True, tag="done"):
    """Finished; the clip is in the library."""

    clip: str


class Failed(Noun, frozen=True, tag="failed"):
    """Did not finish: what happened and what to do next."""

    reason: str
    remedy: str = ""


class Cancelled(Noun, frozen=True, tag="cancelled"):
    """Stopped by the user."""


class Interrupted(Noun, frozen=True, tag="interrupted"):
    """The studio ended while this ran; one click resumes it."""


State = Queued | Running | Done | Failed | Cancelled | Interrupted


class Job(Noun, frozen=True):
    """A shot on its way to a clip. `place` orders the queue: the lowest runs first.

    `group` is one id for all that were queued by one press, several photos with the same motion; "" for a job of its
    own.
    """

    id: str
    shot: Shot
    state: State
    place: float
    made_at: float
    group: str = ""


# What msgspec knows of a type is built when it is first read. Two threads that both do crash the process (msgspec 0.22,
# Python 3.11), so it is built here, where the import lets only one: 6 ms for all that a job or a clip holds.
msgspec.json.Decoder(tuple[Job, Clip])
