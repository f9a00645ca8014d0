"""The values of a batch: its settings, its rows, the clips of a row and how each stands. Frozen, JSON in and out.

How they are kept is in batch_table.py, how a row is read in row_reader.py, and what a batch does in studio/batches.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.nouns import (
    Aspect,
    Clip,
    Crop,
    Finish,
    Format,
    Fraction,
    Id,
    Mends,
    Motion,
    Noun,
    Options,
    Photo,
    Progress,
    Quality,
    Short,
    Shot,
    Size,
    SpeedUps,
    Words,
)
from studio.photo.findings import Finding
from studio.spending import Total

MOST_PHOTOS = 2000
MOST_VARIATIONS = 8
PLACEHOLDERS = ("name", "subject", "light", "place")
"""What may stand in braces in the words of a batch; each row has its own."""

Choosing = Literal["same", "each", "prompts"]
"""Where a row's motion comes from: one for all; a preset that fits the photo's kind; the row's own words."""

Clock = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", max_length=10)]


class PostingPlan(Noun, frozen=True):
    """When the clips are posted: on these days of the week (0 is Monday), at these times of day in `zone` (an IANA
    name such as "Europe/Lisbon"), beginning on or after `start`. `platforms`: where to; () for all of the batch's.
    """

    days: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=6)], ...], msgspec.Meta(min_length=1, max_length=7)]
    start: Day
    times: Annotated[tuple[Clock, ...], msgspec.Meta(min_length=1, max_length=12)] = ("18:00",)
    zone: Id = "UTC"
    platforms: Annotated[tuple[Short, ...], msgspec.Meta(max_length=24)] = ()


class BatchSettings(Noun, frozen=True):
    """What is the same for every photo of a batch.

    `choose` says where motions come from; `motion` is that of all. `sentence` is added to it once {name}, {subject},
    {light} and {place} in it are filled in, and a row's own words in its place; they may stand in the motion's words as
    well. `preset` is the id of the motion it began with. Without
    `platforms` each photo makes one clip of `aspect`; with them one for each shape, size, rate and length among them,
    shared by those that agree. `fps` None is each platform's own rate. `draft` names a model that tries each clip out
    first. `variations` are clips of one photo with seeds that count up from `seed`. `mends` are done to every photo.
    `open_damaged`: what is left of a photo that was cut short will do. The other fields are those of `Shot`.
    """

    motion: Motion = Motion()
    sentence: Words = ""
    choose: Choosing = "same"
    preset: Short = ""
    platforms: Annotated[tuple[Short, ...], msgspec.Meta(max_length=24)] = ()
    aspect: Aspect = "photo"
    model: Id = "parallax"
    draft: Id = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    variations: Annotated[int, msgspec.Meta(ge=1, le=MOST_VARIATIONS)] = 1
    size: Size = "auto"
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)] = 5.0
    fps: Annotated[int, msgspec.Meta(ge=1, le=60)] | None = None
    format: Format = "mp4"
    quality: Quality = "good"
    steps: Annotated[int, msgspec.Meta(ge=1, le=200)] | None = None
    guidance: Annotated[float, msgspec.Meta(ge=0.0, le=30.0)] | None = None
    strength: Fraction = 0.5
    sound: bool = True
    speedups: SpeedUps = ()
    may_shrink: bool = False
    service: Id = ""
    options: Options = msgspec.field(default_factory=dict)
    mends: Mends = ()
    finish: Finish | None = None
    open_damaged: bool = False
    plan: PostingPlan | None = None


class RowRefusal(Noun, frozen=True):
    """Why a photo or a clip can't be used, and what to do; `offer` is what one press does, as in `Refusal`."""

    reason: str
    remedy: str = ""
    offer: str = ""


class WrittenFile(Noun, frozen=True):
    """A clip's file in the output folder for one platform ("" for none).

    `stem` is the path from that folder that is promised to it, without its ending, and `path` with it, once it is
    there, whole; `others` are what goes with it: another container, a poster. `unmet` are the fields of it that aren't
    as the platform wants them, in words, and `reason` is why it couldn't be made for it. The others are what it holds.
    """

    platform: str
    stem: str
    path: str = ""
    others: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    fps: float = 0.0
    seconds: float = 0.0
    bytes: int = 0
    unmet: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_written(self) -> bool:
        """Whether its file is there."""
        return bool(self.path)


class BatchClip(Noun, frozen=True):
    """One clip of a row and the platforms it serves; `key` tells it from the row's others ("9:16-1080p-30-5-0").

    `wish` is a digest of the shot as it was asked for, before it was settled. `job` is the id of its job, and so of its
    clip, "" before it is queued; `draft` that of the job that tries it out. `refusal` is why it can't be made.
    """

    key: str
    shot: Shot
    wish: str
    platforms: tuple[str, ...] = ()
    job: str = ""
    draft: str = ""
    refusal: RowRefusal | None = None
    files: tuple[WrittenFile, ...] = ()


class BatchRow(Noun, frozen=True):
    """One photo of a batch.

    `source` is the file it comes from and `member` its number inside that when it is a zip, -1 else; `name` is what the
    photo is called and `folder` the one it lay in. A row is read once: then it has a photo, or a `refusal`. `findings`
    are what will hurt its clips, and `aside` is that it is doubtful: it isn't queued until it is mended or taken
    anyway (`is_taken`). `motion` is its own, with `preset` where one was chosen for it and `prompt` where it has words
    of its own; `beside` are those of the text file that lay beside it. `subject`, `light` and `place` are its words
    for those in braces. `crops` are the parts that are used, one for each aspect, and `judged` a digest of what the
    findings were found in.
    """

    id: str
    name: Short
    source: str
    member: int = -1
    folder: Short = ""
    is_read: bool = False
    photo: Photo | None = None
    refusal: RowRefusal | None = None
    findings: tuple[Finding, ...] = ()
    aside: bool = False
    is_taken: bool = False
    open_damaged: bool = False
    motion: Motion | None = None
    preset: Short = ""
    prompt: Words = ""
    beside: Words = ""
    subject: Short = ""
    light: Short = ""
    place: Short = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)] | None = None
    size: Size | None = None
    mends: Mends = ()
    crops: tuple[Crop, ...] = ()
    judged: str = ""
    clips: tuple[BatchClip, ...] = ()


EDITABLE = (
    "name", "motion", "preset", "prompt", "subject", "light", "place", "seed", "seconds", "size", "mends", "crops",
    "is_taken", "open_damaged",
)  # fmt: skip
"""What of a row the user may change."""


class Batch(Noun, frozen=True):
    """A batch of photos. Its id is also the group of its jobs.

    `revision` counts the changes of its settings. `is_started`: rows are queued as soon as they are read; `is_paused`:
    what waits isn't begun; `is_stopped`: what wasn't made when it was stopped isn't. `folder` is where its files are
    written, "" before. `ignored` is how many files weren't photos.
    """

    id: str
    name: Annotated[str, msgspec.Meta(max_length=200)]
    settings: BatchSettings
    made_at: float
    revision: int = 0
    is_started: bool = False
    is_paused: bool = False
    is_stopped: bool = False
    folder: str = ""
    ignored: int = 0


RowState = Literal[
    "unread", "ready", "aside", "refused", "waiting", "paused", "running", "done", "failed", "cancelled", "interrupted",
    "gone",
]  # fmt: skip
"""How a row or a clip stands. unread: its photo isn't opened yet; ready: nothing is queued of it; aside: doubtful, and
left out; refused: it can't be made; gone: its clip was deleted."""


class ClipStanding(Noun, frozen=True):
    """How one clip of a row stands; `clip` is the finished one, of its draft until that is made (`is_draft`)."""

    key: str
    state: RowState
    clip: Clip | None = None
    is_draft: bool = False
    progress: Progress = Progress()
    reason: str = ""
    remedy: str = ""


class RowStanding(Noun, frozen=True):
    """How a row stands: by that of its clips which is furthest from done, and each clip by itself."""

    id: str
    state: RowState
    reason: str = ""
    remedy: str = ""
    offer: str = ""
    clips: tuple[ClipStanding, ...] = ()


class BatchEstimate(Noun, frozen=True):
    """What is left of a batch: `clips` to be made (drafts too) of `total`, seconds from now, bytes on the disk of which
    `free` are left, and what they cost. `unread` photos are counted as those that were read. `unknown` are models
    whose pace isn't known here. `measured`: by how many clips of this batch its time is told, 0 before the first.
    """

    clips: int
    total: int
    seconds: float
    bytes: int
    free: int
    cost: Total = Total()
    unread: int = 0
    unknown: tuple[str, ...] = ()
    measured: int = 0


# Built before two threads can read one: see the end of nouns.py.
msgspec.json.Decoder(tuple[Batch, BatchRow])
