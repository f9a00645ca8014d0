"""Which clips a photo of a batch makes: one for each shape, size, rate and length among the places it goes to, in as
many variations as asked; and the shot of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from studio.batch.batch_nouns import PLACEHOLDERS, BatchClip, BatchRow, BatchSettings, RowRefusal
from studio.motion.read_prompt import read_motion
from studio.nouns import Aspect, Crop, Mend, MendName, Motion, Refusal, Shot, Size, replace
from studio.photo.mend import join_mends
from studio.presets import Platform, platform, platforms

FPS = 24
"""Frames a second where neither the user nor a platform says."""

WORDED = ("prompt", "negative_prompt", "subject", "action", "environment", "light", "still")
_BRACES = re.compile(r"\{(\w*)\}")


class Shape(NamedTuple):
    """What a clip of a batch has to be, and the platforms it serves."""

    aspect: Aspect
    size: Size
    fps: int
    seconds: float
    platforms: tuple[str, ...]

    @property
    def key(self) -> str:
        """What tells it from the others of its photo: "9:16-1080p-30-5"."""
        return f"{self.aspect}-{self.size}-{self.fps}-{self.seconds:g}"


def list_shapes(settings: BatchSettings, row: BatchRow | None = None) -> tuple[Shape, ...]:
    """The shapes that a photo is made in; a `row` may have a length and a size of its own. Raises `Refusal` for a
    platform that isn't there.
    """
    seconds = row.seconds if row and row.seconds else settings.seconds
    size = row.size if row and row.size else settings.size
    if not settings.platforms:
        return (Shape(settings.aspect, size, settings.fps or FPS, seconds, ()),)
    found: dict[tuple[Aspect, Size, int, float], list[str]] = {}
    for place in map(find_place, settings.platforms):
        fps = min(max(settings.fps or place.fps, place.min_fps), place.max_fps)
        length = min(max(seconds, place.min_seconds), place.max_seconds, 60.0)
        own = place.size if size == "auto" else size
        found.setdefault((place.aspect, own, fps, length), []).append(place.id)
    return tuple(Shape(*key, tuple(dict.fromkeys(places))) for key, places in found.items())


def find_place(wanted: str) -> Platform:
    """The platform of this id. Raises `Refusal`."""
    found = platform(wanted)
    if found is None:
        raise Refusal(
            f"There is no place called {wanted!r}.", f"Choose from: {', '.join(one.id for one in platforms())}."
        )
    return found


def check_words(words: str) -> None:
    """Raises `Refusal` for a word in braces that isn't known."""
    for named in _BRACES.findall(words):
        if named not in PLACEHOLDERS:
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise Refusal(f"{{{named}}} stands for nothing here.", f"Write one of {known}.", "words")


def check_settings(settings: BatchSettings) -> None:
    """Raises `Refusal` for places that aren't there, and for words in braces that aren't known."""
    list_shapes(settings)
    check_words(settings.sentence)
    for name in WORDED:
        check_words(getattr(settings.motion, name))


def fill_words(words: str, row: BatchRow) -> str:
    """Words with those in braces replaced by the row's own."""
    own = {"name": tidy_stem(row.name), "subject": row.subject, "light": row.light, "place": row.place}
    return " ".join(_BRACES.sub(lambda found: own.get(found[1], found[0]), words).split())[:4000]


def tidy_stem(name: str) -> str:
    """What a file is about, by its name: "blue_harbour-02.jpg" is "blue harbour 02"."""
    stem = re.sub(r"\.[A-Za-z0-9]{2,5}$", "", name)
    return " ".join(re.sub(r"[_\-.]+", " ", stem).split())


def find_motion(settings: BatchSettings, row: BatchRow) -> Motion:
    """What moves in a row's clips: its own motion or the batch's, its own words added, those in braces filled in.
    Raises `Refusal` for a word in braces that isn't known.
    """
    motion = row.motion or settings.motion
    prompt = row.prompt or (row.beside if settings.choose == "prompts" else "") or settings.sentence
    check_words(prompt)
    if prompt:
        motion = _say(motion, fill_words(prompt, row))
    filled = {name: fill_words(getattr(motion, name), row) for name in WORDED}
    return replace(motion, **filled)


def _say(motion: Motion, prompt: str) -> Motion:
    """A motion with a prompt: where the words name a camera or effects, those come before the motion's own."""
    said = read_motion(prompt)
    names = {effect.name for effect in said.effects}
    words = {name: getattr(said, name) or getattr(motion, name) for name in WORDED}
    effects = (*(effect for effect in motion.effects if effect.name not in names), *said.effects)
    return replace(motion, camera=said.camera if said.camera.moves else motion.camera, effects=effects, **words)


def plan_clips(settings: BatchSettings, row: BatchRow) -> tuple[BatchClip, ...]:
    """Every clip of a row with its shot, as yet unchecked; none of a photo that couldn't be read."""
    if row.photo is None:
        return ()
    motion = find_motion(settings, row)
    crops = {crop.aspect: crop for crop in row.crops}
    found: list[BatchClip] = []
    for shape in list_shapes(settings, row):
        crop = crops.get(shape.aspect, Crop(aspect=shape.aspect))
        for number in range(settings.variations):
            shot = make_shot(settings, row, shape, motion, crop, number)
            found.append(BatchClip(f"{shape.key}-{number}", shot, digest(shot.to_json()), shape.platforms))
    return tuple(found)


def make_shot(
    settings: BatchSettings, row: BatchRow, shape: Shape, motion: Motion, crop: Crop, number: int = 0
) -> Shot:
    """The shot of one clip. Raises `Refusal` for values out of range."""
    if row.photo is None:
        raise Refusal("That photo isn't read yet.", "Wait until it is.")
    seed = settings.seed if row.seed is None else row.seed
    mends = tuple({mend.name: mend for mend in (*settings.mends, *row.mends)}.values())
    return replace(Shot(
        replace(row.photo, name=row.name), crop, motion, settings.model, shape.size, shape.seconds, shape.fps,
        (seed + number) % 2**32, format=_choose_format(settings, shape), quality=settings.quality,
        steps=settings.steps, guidance=settings.guidance, strength=settings.strength, sound=settings.sound,
        speedups=settings.speedups, may_shrink=settings.may_shrink, mends=mends, platform=_choose_platform(shape),
        service=settings.service, options=settings.options, finish=settings.finish,
    ))  # fmt: skip


def _choose_platform(shape: Shape) -> str:
    """The platform a shared clip is made for: one that wants a sound track, if any does, for the others take it too."""
    wanting = (one for one in shape.platforms if find_place(one).silent_track)
    return next(wanting, shape.platforms[0] if shape.platforms else "")


def _choose_format(settings: BatchSettings, shape: Shape) -> str:
    """The batch's format where the places take it, else the first one that they do."""
    taken = [find_place(one).formats for one in shape.platforms]
    return settings.format if all(settings.format in one for one in taken) else taken[0][0]


def carry_over(planned: Sequence[BatchClip], before: Sequence[BatchClip]) -> tuple[BatchClip, ...]:
    """Planned clips with the jobs and files of those before that were asked for alike; what changed begins anew."""
    known = {clip.key: clip for clip in before}
    found: list[BatchClip] = []
    for clip in planned:
        old = known.get(clip.key)
        same = old is not None and old.wish == clip.wish and (old.job or old.draft)
        found.append(replace(old, platforms=clip.platforms) if old and same else clip)
    return tuple(found)


def list_dropped(planned: Sequence[BatchClip], before: Sequence[BatchClip]) -> tuple[str, ...]:
    """The jobs of clips before that no planned clip takes over."""
    now = {job for clip in planned for job in (clip.job, clip.draft)}
    return tuple(job for clip in before for job in (clip.job, clip.draft) if job and job not in now)


def digest(words: str) -> str:
    """A short name for words of any length."""
    return hashlib.sha256(words.encode()).hexdigest()[:24]


def explain(refusal: Refusal) -> RowRefusal:
    """A refusal as a row keeps it."""
    return RowRefusal(refusal.reason, refusal.remedy, refusal.offer)


def mend_row(row: BatchRow) -> BatchRow:
    """A row with the first remedy of everything that was found in it: the strongest mend of a name, the last crop of a
    shape. It stands aside no longer.
    """
    firsts = [finding.remedies[0] for finding in row.findings if finding.remedies]
    strongest: dict[MendName, Mend] = {}
    for mend in sorted((mend for one in firsts for mend in one.mends), key=lambda mend: mend.amount):
        strongest[mend.name] = mend
    crops = {crop.aspect: crop for crop in row.crops}
    crops.update({one.crop.aspect: one.crop for one in firsts if one.crop})
    size = next((one.size for one in firsts if one.size), row.size)
    damaged = row.open_damaged or bool(row.refusal and row.refusal.offer == "open_damaged")
    return replace(
        row, mends=join_mends(row.mends, tuple(strongest.values())), crops=tuple(crops.values()), size=size,
        is_taken=True, open_damaged=damaged, refusal=None,
    )  # fmt: skip
