"""Animate: the shot on the desk, or one of each photo on the strip with the same motion, put into the queue by one press.

Knows what of the desk belongs to every photo and what to one: crop, mends, depth and what was painted are the photo's own.
Refuses to lose the rest when one photo can't be used: it is named, and the others go.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Annotated, Any

import msgspec

from studio.motion.effects import EFFECTS
from studio.nouns import Brush, Effect, EffectName, Noun, Refusal, Shot, replace
from studio.studio import Studio
from studio.ui.model_status import drafted
from studio.ui.shot_form import Frame, Misplaced, Output, checked, compose

MOST = 200
"""Photos that one press may animate."""


class Framed(Frame, frozen=True):
    """A photo of the strip as it is sent: its frame, and what was painted on it for effects."""

    brushes: dict[EffectName, Brush] = msgspec.field(default_factory=dict)


class Press(Noun, frozen=True):
    """One press of Animate: its own id, the values of the desk's parts, and the strip's photos where all are meant."""

    press: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{0,64}$")] = ""
    desk: dict[str, Any] = msgspec.field(default_factory=dict)
    film: tuple[Framed, ...] = ()


def misplaced(refusal: Refusal) -> dict[str, Any]:
    """A refusal of the desk as the page shows it, at its place."""
    where = refusal.where if isinstance(refusal, Misplaced) else refusal.about or "output"
    return {"kind": "refusal", "where": where, "reason": refusal.reason, "remedy": refusal.remedy, "at": time.time()}


def animate(studio: Studio, press: Press, desk: dict[str, Any]) -> dict[str, Any]:
    """Queue what was pressed; the worker does the rest. The same press once more queues nothing and answers alike."""
    try:
        if press.film:
            return _all(studio, press, desk)
        job = studio.submit(_tried(studio, compose(studio, **desk), desk), press.press)
    except Refusal as refusal:
        return misplaced(refusal)
    return {"kind": "submitted", "jobs": [job.id], "refused": [], "notes": [], "at": time.time()}


def _tried(studio: Studio, shot: Shot, desk: dict[str, Any]) -> Shot:
    """The shot, as a draft first where that is wanted and another model draws it sooner."""
    draft = drafted(studio, shot) if checked(desk.get("output") or {}, Output, "output").draft else None
    return replace(shot, draft=draft["id"]) if draft else shot


def _all(studio: Studio, press: Press, desk: dict[str, Any]) -> dict[str, Any]:
    """One group of jobs. Raises `Misplaced` when not one photo can be used and all for one reason."""
    if len(press.film) > MOST:
        raise Misplaced("output", f"{len(press.film)} photos are more than {MOST} at once.", "Take some off the strip.")
    effects = checked(desk.get("effects") or [], tuple[Effect, ...], "effects")
    own = [placed(effects, frame) for frame in press.film]
    shots: dict[int, Shot] = {}
    refused: dict[int, Refusal] = {}
    for at, frame in enumerate(press.film):
        plain = Frame(**{name: getattr(frame, name) for name in Frame.__struct_fields__})
        try:
            shot = compose(studio, **{**desk, "frame": plain, "effects": own[at]})
            shots[at] = _tried(studio, shot, desk)
        except Refusal as refusal:
            refused[at] = refusal
    numbers = list(shots)
    jobs, unready = studio.submit_each(tuple(shots.values()), press.press)
    refused |= {numbers[at]: refusal for at, refusal in unready.items()}
    reasons = {(refusal.reason, refusal.remedy) for refusal in refused.values()}
    if not jobs and len(reasons) == 1:
        raise next(iter(refused.values()))
    return {
        "kind": "submitted", "jobs": [job.id for job in jobs], "at": time.time(),
        "refused": [
            {"photo": press.film[at].photo, "reason": refused[at].reason, "remedy": refused[at].remedy} for at in sorted(refused)
        ],
        "notes": unpainted(effects, [own[at] for at in numbers]),
    }  # fmt: skip


def placed(effects: tuple[Effect, ...], frame: Framed) -> list[dict[str, Any]]:
    """The effects as one photo has them: with what was painted on it. One that was painted on another photo only finds its own
    place here, or is left out where it needs the brush."""
    found: list[Effect] = []
    for effect in effects:
        auto = EFFECTS[effect.name].auto
        if (auto if effect.region == "auto" else effect.region) != "brush":
            found.append(effect)
        elif frame.brushes.get(effect.name):
            found.append(replace(effect, brush=frame.brushes[effect.name]))
        elif auto != "brush":
            found.append(replace(effect, region="auto", brush=""))
    return [msgspec.to_builtins(effect) for effect in found]


def unpainted(effects: tuple[Effect, ...], own: list[list[dict[str, Any]]]) -> list[str]:
    """In words, on how many photos an effect that was painted finds its own place or is left out."""
    left = Counter(effect.name for effect in effects for each in own if effect.name not in {one["name"] for one in each})
    found = Counter(
        effect.name
        for effect in effects
        for each in own
        if effect.region == "brush" and any(one["name"] == effect.name and one["region"] == "auto" for one in each)
    )
    words = [f"{EFFECTS[name].title} is left out of {_photos(count)} it isn't painted on." for name, count in left.items()]
    return words + [
        f"{EFFECTS[name].title} finds its own place on {_photos(count)} it isn't painted on." for name, count in found.items()
    ]


def _photos(count: int) -> str:
    return "the photo" if count == 1 else f"the {count} photos"
