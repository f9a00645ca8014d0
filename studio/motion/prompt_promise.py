"""What a model will show of a prompt and what it won't, in the prompt's own words.

An effect that finds no place on the photo is for whoever has seen it (`unplaced`). Of models that read words it is only
known what they are told and what they have no control for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from studio.cards import ModelCard
from studio.motion import generative_only, sentences
from studio.motion.ambient_effects import EFFECTS, needs_brush
from studio.motion.camera_moves import STATIC, is_moving, is_shaken, name_move
from studio.motion.clauses import Clause, lower_first, read_clauses
from studio.motion.compose import plain
from studio.motion.read_prompt import add_worded_motion
from studio.motion.rules.empty_prompts import PUSH_IN
from studio.motion.rules.faults import cut
from studio.nouns import Camera, Effect, EffectName, Motion, Move, Noun, Speed

Why = Literal["acts", "look", "letters", "unread", "place", "control", "loop", "avoid", "boxes"]
"""Why something won't be seen. Besides `generative_only.Why`: an effect has no place yet; the model has no control for
it; it can't end where it began; it isn't told what to avoid; a start and an end box have set the move aside."""


class Unseen(Noun, frozen=True):
    """Something that is asked for and won't be seen: its words, their place in the sentence (equal: it isn't in it),
    and why.

    `effect` is the effect that waits for a place.
    """

    words: str
    start: int = 0
    end: int = 0
    why: Why = "acts"
    effect: EffectName | None = None


class Promise(Noun, frozen=True):
    """What a model makes of a sentence: `seen` and `unseen`, and `kept`: what is described and stays as it is in the
    photo.

    `told`: the model reads words and is told all that is said; then `seen` is empty. `without` is the sentence with
    what won't be seen taken out of it, "" where nothing of that is in it.
    """

    seen: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    kept: tuple[str, ...] = ()
    told: bool = False
    without: str = ""


BETWEEN = "from the start box to the end box"
PACES: dict[Speed, str] = {"slow": "slow ", "normal": "", "fast": "fast "}


def promise(
    motion: Motion, card: ModelCard, text: str | None = None, unplaced: tuple[EffectName, ...] = (), boxed: bool = False
) -> Promise:
    """What `card` shows of a motion whose sentence reads `text` (the builder's own where it isn't given).

    `unplaced` names effects that find no place on the photo; those that wait for a brush are known here. `boxed`: the
    clip goes from one box on the photo to another, where the card can do that, and no other move is made.
    """
    text = plain(motion) if text is None else text
    if "prompt" in card.supports:
        return _promise_reader(motion, card, text)
    if "effects" not in card.supports:
        return _promise_uncontrolled(motion, card, text)
    acted = add_worded_motion(motion)
    found = read_clauses(text)
    drawn = {effect.name for effect in acted.effects if effect.amount > 0 and not needs_brush(effect)} - set(unplaced)
    boxed = boxed and "end_crop" in card.supports
    unseen = tuple(_find_unseen(found, drawn, motion, boxed))
    loop = ("back to where it began",) if acted.camera.loop else ()
    camera, happening = (
        BETWEEN if boxed else _name_camera(acted.camera),
        tuple(_describe_effects(found, acted.effects, drawn, unseen)),
    )
    seen = (camera, *happening, *loop) if camera else (*happening, "the camera holds still")
    kept = tuple(
        lower_first(clause.text)
        for at, clause in enumerate(found)
        if generative_only.is_description(clause)
        and not clause.effects
        and not generative_only.find_generative(clause, found[at - 1] if at else None)
    )
    return Promise(seen, unseen, kept, without=_leave_out(text, unseen))


def name_moves(moves: tuple[Move, ...], speed: Speed) -> str:
    """Moves made together, in few words: "slow push in and circle left"; "" for a camera that holds still."""
    moving = [name_move(move.name) for move in moves if is_moving(move)]
    return PACES[speed] + " and ".join(moving) if moving else ""


def _name_camera(camera: Camera) -> str:
    """What the camera does, in few words: "push in, then circle left"; "" for one that holds still throughout."""
    legs = [name_moves(camera.moves, camera.speed), *(name_moves(leg.moves, leg.speed) for leg in camera.then)]
    return ", then ".join(leg or "hold still" for leg in legs) if any(legs) else ""


def _find_unseen(found: tuple[Clause, ...], drawn: set[EffectName], motion: Motion, boxed: bool) -> Iterator[Unseen]:
    """What of the clauses isn't done, in the order of the sentence; then effects set beside the words that have no
    place.
    """
    waiting: set[EffectName] = set()
    for at, clause in enumerate(found):
        if (
            boxed
            and clause.kind == "camera"
            and any(is_moving(move) and not is_shaken(move.name) for move in clause.moves)
        ):
            yield Unseen(_shorten(clause), clause.start, clause.end, "boxes")
            continue
        lost = [effect.name for effect in clause.effects if effect.name not in drawn and not _is_off(effect, motion)]
        if lost and len(lost) == len(clause.effects):
            waiting.update(lost)
            yield Unseen(_shorten(clause), clause.start, clause.end, "place", lost[0])
            continue
        for one in generative_only.find_generative(clause, found[at - 1] if at else None):
            yield Unseen(_quote_words(clause, one), one.start, one.end, one.why)
    for effect in motion.effects:
        if effect.amount > 0 and effect.name not in drawn | waiting:
            yield Unseen(EFFECTS[effect.name].title.lower(), why="place", effect=effect.name)


def _is_off(effect: Effect, motion: Motion) -> bool:
    """Whether an effect that the words ask for has been turned down to nothing beside them."""
    return any(one.name == effect.name and one.amount == 0 for one in motion.effects)


def _describe_effects(
    found: tuple[Clause, ...], effects: tuple[Effect, ...], drawn: set[EffectName], unseen: tuple[Unseen, ...]
) -> Iterator[str]:
    """What the effects show: in the words that ask for it, else in a few of ours."""
    told: set[EffectName] = set()
    for clause in found:
        if any(effect.name in drawn for effect in clause.effects):
            end = min((one.start for one in unseen if clause.start < one.start < clause.end), default=clause.end)
            whole = any(one.start <= clause.start and one.end >= clause.end for one in unseen)
            told.update(effect.name for effect in clause.effects)
            if not whole:
                yield _shorten(clause, end)
    for effect in effects:
        if effect.name in drawn - told:
            yield EFFECTS[effect.name].happens


def _shorten(clause: Clause, end: int | None = None) -> str:
    """A clause's words without what joins it to others."""
    text = clause.text[: end - clause.start] if end is not None else clause.text
    return lower_first(
        re.sub(r"^(?:and|but|while|whilst|then|with|as|plus|also)\s+", "", text.strip(), flags=re.I).rstrip(" ,;.")
    )


def _quote_words(clause: Clause, one: generative_only.GenerativeOnly) -> str:
    return _shorten(clause._replace(text=clause.text[one.start - clause.start : one.end - clause.start]))


def _leave_out(text: str, unseen: tuple[Unseen, ...]) -> str:
    """The sentence without what won't be seen; a slow push in where nothing else is said."""
    gone = [one for one in unseen if one.end > one.start and one.why != "place"]
    left = text
    for one in sorted(gone, key=lambda each: -each.start):
        left = cut(left, one.start, one.end)
    if not gone or (all(one.why == "boxes" for one in gone) and not left.strip(" .,;!")):
        return ""
    return left if left.strip(" .,;!") else PUSH_IN


def _promise_reader(motion: Motion, card: ModelCard, text: str) -> Promise:
    """For a model that reads words: it is told everything, and what it can't obey is named."""
    found = read_clauses(text)
    unseen: list[Unseen] = []
    if "negative_prompt" not in card.supports:
        unseen += [Unseen(_shorten(one), one.start, one.end, "avoid") for one in found if one.kind == "negative"]
    if motion.camera.loop and "loop" not in card.supports:
        at = next((one for one in found if one.kind == "loop"), None)
        unseen.append(Unseen("a loop without a seam", at.start if at else 0, at.end if at else 0, "loop"))
    return Promise((), tuple(unseen), told=True, without=_leave_out(text, tuple(unseen)))


def _promise_uncontrolled(motion: Motion, card: ModelCard, text: str) -> Promise:
    """For a model that is only told how much moves: nothing that is asked of it is sure."""
    unseen = [
        Unseen(_shorten(one), one.start, one.end, "control")
        for one in read_clauses(text)
        if one.kind in ("action", "environment", "effect", "camera", "light", "loop") and _needs_control(one, card)
    ]
    cameras = tuple(name_move(move.name) for move in sentences.pick_moving(motion.camera) if move.name in card.cameras)
    return Promise(cameras, tuple(unseen), without="")


def _needs_control(clause: Clause, card: ModelCard) -> bool:
    """Whether a clause asks for something to move that this model has no control for."""
    if clause.kind == "camera":
        return any(move.name != STATIC and move.name not in card.cameras for move in clause.moves)
    if clause.kind == "loop":
        return "loop" not in card.supports
    return clause.kind != "light" or bool(clause.effects)
