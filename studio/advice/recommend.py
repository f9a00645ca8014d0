"""Model recommendation: two or three picks for what is asked, each with its reason and what is given up; the fastest
draft.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from studio.advice.model_scoring import (
    FEW_CALLS,
    MANY_CALLS,
    calls,
    describe_price,
    is_barred,
    pace,
    spell,
    terms,
    unmet,
    weigh_price,
)
from studio.advice.wishes import About, Asked, Pick, Stands, Term, Wishes
from studio.cards import ModelCard, ModelState
from studio.engines.hosted.price import Price
from studio.motion.ambient_effects import needs_brush
from studio.motion.camera_moves import goes
from studio.motion.clauses import read_clauses
from studio.motion.generative_only import find_generative
from studio.nouns import Kind, Motion, Shot
from studio.photo.crop import SHORT_SIDES

MOST = 3
"""Picks at most: more is a list, not advice."""

SAME_FAMILY = 1.5
"""What a model of a family that is picked already loses, so that the picks differ in more than their size."""

DRAFT_SHARE = 1 / 3
"""A draft on a model that denoises has to take under this share of the time the chosen model takes: else it isn't worth
it.
"""

SLOW = 180.0
"""Seconds from which a clip's time is told as something that is given up."""

SAID = 3
"""Reasons in a pick's sentence."""

LEAST = 480
"""The short side, in pixels, that a clip should have where none is asked: less looks soft wherever it is posted."""

HD = 700
"""A short side from which a clip passes as 720p, in pixels: grids of 32 make it 704."""


NO_PRICES: Mapping[str, Price] = MappingProxyType({})


class Weighed(NamedTuple):
    """A model with everything that was found of it."""

    card: ModelCard
    state: ModelState
    stands: Stands
    unmet: tuple[str, ...]
    terms: tuple[Term, ...]
    price: Price | None = None

    @property
    def score(self) -> float:
        """The sum of its terms."""
        return sum(term.weight for term in self.terms)


def describe_request(shot: Shot, wishes: Wishes, kind: Kind | None, faces: bool) -> Asked:
    """What a model is weighed against. `kind` is what the photo is of and `faces` whether any were found in it."""
    camera = shot.motion.camera
    return Asked(
        kind=kind, use=wishes.use, seconds=shot.seconds, short=LEAST if shot.size == "auto" else SHORT_SIDES[shot.size],
        words=spoken(shot.motion), loop=camera.loop, faces=faces or wishes.faces,
        camera=goes(camera),
        end_frame=wishes.end_frame or _ends_elsewhere(shot), sound=wishes.sound, priority=wishes.priority,
        commercial=wishes.commercial, offline=wishes.offline, hosted=wishes.hosted,
        voice=shot.audio is not None, film=shot.motion_video is not None,
    )  # fmt: skip


def _ends_elsewhere(shot: Shot) -> bool:
    """Whether the clip is to end on another photo."""
    return shot.end is not None and shot.end.photo.id != shot.photo.id


def spoken(motion: Motion) -> str:
    """The first thing in a motion that only a model that reads words can do: "the person turns her head"; "" for
    nothing.

    What an effect stands for isn't, unless nobody knows where it happens.
    """
    pressed = {effect.name for effect in motion.effects}
    acting = f"{motion.subject} {motion.action}".strip() if motion.action else ""
    for said in (acting, motion.environment, motion.light, motion.prompt):
        for clause in read_clauses(said):
            for one in find_generative(clause):
                return said[one.start : one.end]
            if clause.effects and not any(not needs_brush(one) or one.name in pressed for one in clause.effects):
                return clause.text
    return ""


# The picks ------------------------------------------------------------------------------------------------------------


def recommend(
    wanted: Asked, cards: Sequence[ModelCard], states: Iterable[ModelState], prices: Mapping[str, Price] = NO_PRICES
) -> tuple[Pick, ...]:
    """Two or three picks (fewer where no more is on offer), the best first, the same for the same question.

    The first can run here and now wherever any can, and meets every wish wherever one such does. The licence and
    "offline" are never given up; then come unmet wishes, then the score, then the cards' order. What this machine can't
    run is shown only where nothing else would be left to compare with. Hosted models come after those of this machine;
    unasked, only such as meet every wish where none here does. `prices` are theirs, by the card's id.
    """
    known = {state.id: state for state in states}
    every = [_weigh(wanted, card, known[card.id], prices.get(card.id)) for card in cards if card.id in known]
    left = [one for one in every if not is_barred(wanted, one.card, one.state)]
    here = [one for one in left if not one.card.hosted]
    if not wanted.hosted:
        met = any(not one.unmet for one in here if one.stands != "beyond")
        left = here if met else [*here, *(one for one in left if one.card.hosted and not one.unmet)]
    if not left:
        return ()
    first = min(left, key=lambda one: (_order(one.stands), *_rank(one)))
    picked = [first]
    for pool in _list_pools([one for one in left if one is not first], len(first.unmet)):
        while pool and len(picked) < MOST:
            families = {_get_family(one.card) for one in picked}
            best = min(pool, key=lambda one: _rank(one, SAME_FAMILY if _get_family(one.card) in families else 0.0))
            pool.remove(best)
            picked.append(best)
        if len(picked) > 1:
            break
    return tuple(_pick(one) for one in picked)


def _list_pools(rest: list[Weighed], missed: int) -> list[list[Weighed]]:
    """Where the second and third pick come from: what meets every wish; then what is beyond this machine; then the
    others.
    """
    able = [one for one in rest if one.stands != "beyond"]
    beyond = sorted((one for one in rest if one.stands == "beyond" and len(one.unmet) <= missed), key=_rank)
    return [[one for one in able if not one.unmet], beyond[:1], able]


def _weigh(wanted: Asked, card: ModelCard, state: ModelState, price: Price | None) -> Weighed:
    found = (*terms(wanted, card, state), *([weigh_price(price)] if price else []))
    return Weighed(card, state, find_standing(state), unmet(wanted, card), found, price)


def find_standing(state: ModelState) -> Stands:
    """Whether a model can run here now, after a download, elsewhere with a token, or not at all."""
    if state.disk == "elsewhere":
        return "hosted" if state.fits != "no" else "token" if state.lacks == "token" else "beyond"
    if state.fits == "no":
        return "beyond"
    return "ready" if state.disk in ("built in", "here") else "download"


def _order(stands: Stands) -> int:
    return ("ready", "download", "hosted", "token", "beyond").index(stands)


def _rank(one: Weighed, less: float = 0.0) -> tuple[int, bool, float]:
    return len(one.unmet), one.stands == "token", less - one.score


def _get_family(card: ModelCard) -> str:
    return card.checkpoint.family if card.checkpoint else card.engine


# In words -------------------------------------------------------------------------------------------------------------


def _pick(one: Weighed) -> Pick:
    return Pick(
        one.card.id,
        _compose_reason(one),
        " ".join(_list_drawbacks(one)[:2]),
        one.stands,
        round(one.score, 2),
        one.terms,
    )


def _compose_reason(one: Weighed) -> str:
    """Why, in one sentence: what weighs most, and how long a clip takes where that is known."""
    seconds = pace(one.card, one.state) if one.stands != "beyond" else None
    told = "" if seconds is None else f"; a clip takes {spell(seconds)} here"
    unsaid = {"price"} if seconds is None else {"price", "pace"}
    if one.price:
        told = f"; {describe_price(one.price)}"
    good = [term.says for term in one.terms if term.weight > 0 and term.about not in unsaid]
    good = (["runs here now", *good] if one.stands == "ready" and one.unmet else good)[:SAID] or ["is what there is"]
    line = ", ".join(good[:-1]) + (" and " if len(good) > 1 else "") + good[-1]
    return _capitalise(line + told)


def _list_drawbacks(one: Weighed) -> list[str]:
    """What is given up, the worst first; never nothing."""
    beyond = one.stands == "beyond"
    silent = {"here", "price"} if one.card.hosted else {"here"} if beyond else set()
    against = [term for term in one.terms if term.weight < 0 and term.about not in silent]
    told = {term.about for term in against}
    found = [_capitalise(one.state.reason)] if beyond else []
    if one.card.hosted:
        token = " and needs your own token" if one.stands == "token" else ""
        found.append(f"It runs elsewhere{token}: your photo goes to the service and to {one.card.hosted.maker}.")
    found += [*one.unmet, *(_capitalise(f"it {term.says}") for term in against)]
    found += [
        says
        for about, says in _list_costs(one.card, None if beyond else pace(one.card, one.state))
        if about not in told
    ]
    return found or ["What moves is imagined: small detail and lettering may change."]


def _list_costs(card: ModelCard, seconds: float | None) -> list[tuple[About, str]]:
    """What a model costs whatever is asked of it, the worst first."""
    if card.checkpoint is None and card.hosted:
        return [("licence", f"Its licence has limits: {card.licence_limits or card.licence}.")]
    if card.checkpoint is None:
        return [("words", "Nothing in the photo acts by itself: only the camera moves, and the air.")]
    tall = max(min(pair) for pair in card.checkpoint.sizes.native)
    slow = seconds >= SLOW if seconds is not None else calls(card) >= MANY_CALLS
    took = "It takes many steps and is slow." if seconds is None else f"A clip takes {spell(seconds)} here."
    found: list[tuple[bool, About, str]] = [
        (slow, "pace", took),
        (tall < HD, "size", f"It makes {tall}p at most."),
        (card.commercial != "yes", "licence", f"Its licence has limits: {card.licence_limits or card.licence}."),
        (calls(card) <= FEW_CALLS, "quality", "With few steps it moves more calmly than undistilled models."),
    ]
    return [(about, says) for so, about, says in found if so]


def _capitalise(words: str) -> str:
    line = words.strip()
    return line[:1].upper() + line[1:] + ("" if line.endswith(".") else ".") if line else ""


# Trying it out --------------------------------------------------------------------------------------------------------


def find_fastest(
    wanted: Asked, chosen: ModelCard, cards: Sequence[ModelCard], states: Iterable[ModelState]
) -> tuple[ModelCard, str]:
    """The card a shot for `chosen` is tried out on, and why: what draws it at once, unless only words make it move.

    Then the fastest that is ready, reads words, and takes under a third of the chosen model's time; both times have to
    be known.
    """
    known = {state.id: state for state in states}
    drawn = next((card for card in cards if card.is_built_in), chosen)
    if chosen.is_built_in:
        return chosen, f"{chosen.title} is as quick as any draft."
    if not wanted.words:
        return drawn, f"The camera and what moves by itself are all that moves, and {drawn.title} draws that at once."
    limit = pace(chosen, known[chosen.id]) if chosen.id in known else None
    able = [
        (seconds, card)
        for card in cards
        if card.id in known
        and find_standing(known[card.id]) == "ready"
        and "prompt" in card.supports
        and card.id != chosen.id
        if (seconds := pace(card, known[card.id])) is not None and limit is not None and seconds < limit * DRAFT_SHARE
    ]
    if able:
        seconds, card = min(able, key=lambda pair: (pair[0], calls(pair[1])))
        return (
            card,
            f"{card.title} reads words too and takes {spell(seconds)} where {chosen.title} takes {spell(limit or 0)}.",
        )
    wait = f"“{wanted.words}” waits for {chosen.title}: nothing that reads words is known to be much faster here"
    return drawn, f"{drawn.title} draws the camera at once; {wait}."
