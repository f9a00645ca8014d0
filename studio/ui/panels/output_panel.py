"""What the clip is like: model, size, length and rate; the plan of the run; and Animate, for one photo or all on the
strip.

Of what the page holds, crop, mends, depth and what was painted belong to one photo each; all the rest belongs to every
photo. Where one photo can't be used it is named, and the others are queued.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Annotated, Any

import msgspec

from studio.cards import ModelCard
from studio.config import MAX_UPLOAD_BYTES
from studio.motion.ambient_effects import EFFECTS, needs_brush, region_of
from studio.nouns import (
    MOST_EFFECTS,
    Brush,
    Effect,
    EffectName,
    Noun,
    PressId,
    Refusal,
    Shot,
    replace,
)
from studio.spending import Confirmation, Unconfirmed
from studio.studio import Studio
from studio.ui.hosted_facts import describe_ways
from studio.ui.html_part import QUIET, Part, catch_faults, make_part
from studio.ui.model_facts import describe_card
from studio.ui.model_status import pick_draft, show_plan
from studio.ui.price_words import Paid, make_paid_call, show_price
from studio.ui.shot_form import (
    PARTS,
    Desk,
    Frame,
    Misplaced,
    Output,
    build_shot,
    check_value,
    place_refusal,
)
from studio.ui.uploads import make_attachment_calls

MOST = 200
"""Photos that one press may animate."""

MOST_SENT = 5 * MOST
"""Photos of a press that is answered with how many are too many."""

Brushes = Annotated[dict[EffectName, Brush], msgspec.Meta(max_length=MOST_EFFECTS)]


class StripPhoto(Frame, frozen=True):
    """A photo of the strip as it is sent: its frame, and what was painted on it for effects."""

    brushes: Annotated[dict[EffectName, Brush], msgspec.Meta(max_length=MOST_EFFECTS)] = msgspec.field(
        default_factory=dict
    )


class Press(Noun, frozen=True):
    """One press of Animate: its own id, the values of the desk's parts, and the strip's photos where all are meant."""

    press: PressId = ""
    desk: Desk = msgspec.field(default_factory=dict)
    film: Annotated[tuple[StripPhoto, ...], msgspec.Meta(max_length=MOST_SENT)] = ()
    paid: Paid | None = None


def queue_press(studio: Studio, press: Press, desk: dict[str, Any], paid: Confirmation | None = None) -> dict[str, Any]:
    """Queue what was pressed; the worker does the rest. The same press once more queues nothing and answers alike.
    Raises `Unconfirmed` for what costs more than was `paid`.
    """
    try:
        if press.film:
            return _queue_strip(studio, press, desk, paid)
        job = studio.submit(_draft_first(studio, build_shot(studio, **desk), desk), press.press, paid)
    except Unconfirmed:
        raise
    except Refusal as refusal:
        return place_refusal(refusal)
    return {"kind": "submitted", "jobs": [job.id], "refused": [], "notes": [], "at": time.time()}


def _draft_first(studio: Studio, shot: Shot, desk: dict[str, Any]) -> Shot:
    """The shot, as a draft first where that is wanted and another model draws it sooner."""
    draft = pick_draft(studio, shot) if check_value(desk.get("output") or {}, Output, "output").draft else None
    return replace(shot, draft=draft["id"]) if draft else shot


def _queue_strip(studio: Studio, press: Press, desk: dict[str, Any], paid: Confirmation | None) -> dict[str, Any]:
    """One group of jobs. Raises `Misplaced` when not one photo can be used and all for one reason."""
    if len(press.film) > MOST:
        raise Misplaced("output", f"{len(press.film)} photos are more than {MOST} at once.", "Take some off the strip.")
    effects = check_value(desk.get("effects") or [], tuple[Effect, ...], "effects")
    own = [place_effects(effects, frame) for frame in press.film]
    shots: dict[int, Shot] = {}
    refused: dict[int, Refusal] = {}
    for at, frame in enumerate(press.film):
        plain = Frame(**{name: getattr(frame, name) for name in Frame.__struct_fields__})
        try:
            shot = build_shot(studio, **{**desk, "frame": plain, "effects": own[at]})
            shots[at] = _draft_first(studio, shot, desk)
        except Refusal as refusal:
            refused[at] = refusal
    numbers = list(shots)
    jobs, unready = studio.submit_each(tuple(shots.values()), press.press, paid)
    refused |= {numbers[at]: refusal for at, refusal in unready.items()}
    reasons = {(refusal.reason, refusal.remedy) for refusal in refused.values()}
    if not jobs and len(reasons) == 1:
        raise next(iter(refused.values()))
    return {
        "kind": "submitted", "jobs": [job.id for job in jobs], "at": time.time(),
        "refused": [
            {"photo": press.film[at].photo, "reason": refused[at].reason, "remedy": refused[at].remedy}
            for at in sorted(refused)
        ],
        "notes": describe_unpainted(effects, [own[at] for at in numbers]),
    }  # fmt: skip


def place_effects(effects: tuple[Effect, ...], frame: StripPhoto) -> list[dict[str, Any]]:
    """The effects as one photo has them: with what was painted on it. One that was painted on another photo only finds
    its own place here, or is left out where it needs the brush."""
    found: list[Effect] = []
    for effect in effects:
        own = replace(effect, region="auto", brush="")
        if region_of(effect) != "brush":
            found.append(effect)
        elif frame.brushes.get(effect.name):
            found.append(replace(effect, brush=frame.brushes[effect.name]))
        elif not needs_brush(own):
            found.append(own)
    return [msgspec.to_builtins(effect) for effect in found]


def describe_unpainted(effects: tuple[Effect, ...], own: list[list[dict[str, Any]]]) -> list[str]:
    """In words, on how many photos an effect that was painted finds its own place or is left out."""
    left = Counter(
        effect.name for effect in effects for each in own if effect.name not in {one["name"] for one in each}
    )
    found = Counter(
        effect.name
        for effect in effects
        for each in own
        if effect.region == "brush" and any(one["name"] == effect.name and one["region"] == "auto" for one in each)
    )
    words = [
        f"{EFFECTS[name].title} is left out of {_count_photos(count)} it isn't painted on."
        for name, count in left.items()
    ]
    return words + [
        f"{EFFECTS[name].title} finds its own place on {_count_photos(count)} it isn't painted on."
        for name, count in found.items()
    ]


def _count_photos(count: int) -> str:
    return "the photo" if count == 1 else f"the {count} photos"


def explain_refusal(refusal: Refusal) -> dict[str, Any]:
    """No choices, and why there are none."""
    return {"choices": [], "refusal": place_refusal(refusal), "at": time.time()}


def _show_card(card: ModelCard) -> dict[str, Any]:
    """A card for the picker and the desk; a hosted one's controls are those of its way in."""
    ways = describe_ways(card)
    return {**describe_card(card), "ways": ways, **({"controls": ways[0]["controls"]} if ways else {})}


class OutputPanel:
    """A part whose value is an `Output`, and two silent ones that carry answers: the plan of a run, and why."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the parts."""
        cards = [_show_card(card) for card in self.studio.models.cards]
        press = make_paid_call(self.studio, "animate", Press, self.animate)
        self.part = make_part(
            "output_panel",
            msgspec.to_builtins(Output()),
            events=["why", "plan"],
            calls=[press, *make_attachment_calls(self.studio)],
            cards=cards,
            limit=MAX_UPLOAD_BYTES,
            desk=PARTS,
        )
        self.reasons = make_part("output_reasons", elem_id="reasons")
        self.planned = make_part("output_plan", elem_id="planned")

    def listen(self, desk: dict[str, Part]) -> None:
        """The plan is asked for at every change; "Why these?" wants every choice."""
        quiet: dict[str, Any] = {**QUIET, "inputs_kwargs": desk}
        self.part.why(
            catch_faults(self.why, explain_refusal), outputs=self.reasons, trigger_mode="always_last", **quiet
        )
        self.part.plan(
            catch_faults(self.plan, place_refusal), outputs=self.planned, trigger_mode="always_last", **quiet
        )

    def animate(self, press: Press, paid: Confirmation | None) -> dict[str, Any]:
        """Queue the shot on the desk, or one of each photo on the strip."""
        return queue_press(self.studio, press, {name: press.desk.get(name) for name in PARTS}, paid)

    def why(self, **desk: Any) -> dict[str, Any]:
        """Every automatic choice of the shot on the desk, with its reason."""
        try:
            shot = build_shot(self.studio, **desk)
            return {"choices": msgspec.to_builtins(self.studio.choices(shot)), "at": time.time()}
        except Refusal as refusal:
            return explain_refusal(refusal)

    def plan(self, **desk: Any) -> dict[str, Any]:
        """What a run of the shot on the desk will really be, in one line."""
        try:
            shot = build_shot(self.studio, **desk)
            price = show_price(self.studio, (shot,))
            return {"kind": "plan", **show_plan(self.studio, shot), "price": price, "at": time.time()}
        except Refusal as refusal:
            return place_refusal(refusal)
