"""A prompt read into a Motion, and an edited sentence read back into the motion it was written from.

Nothing is lost: every word with a content of its own ends up in a slot, in `prompt` or `negative_prompt`, or means a
camera move, a pace, an amount, an effect or the loop.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.motion import sentences
from studio.motion.ambient_effects import needs_brush
from studio.motion.camera_moves import MOST, STATIC, goes, has_circle
from studio.motion.clauses import Clause, read_clauses
from studio.motion.compose import LOOP, conjugate_stay, list_sentences, plain
from studio.motion.vocabulary import CONJUNCTIONS, PRONOUNS
from studio.nouns import Camera, Effect, EffectName, Leg, Motion, Move, MoveName, Speed, replace


class ParsedPrompt(NamedTuple):
    """A text as it was understood: the motion, and the clauses it was read from, in their order."""

    motion: Motion
    clauses: tuple[Clause, ...]


def parse_prompt(text: str) -> ParsedPrompt:
    """What a text says, as a motion and clause by clause."""
    found = read_clauses(text)
    return ParsedPrompt(_motion(text, found), found)


def read_motion(text: str) -> Motion:
    """What a text says. Nothing said of the camera: no moves at all."""
    return parse_prompt(text).motion


class _Slot:
    """Words on their way into a slot: what follows at once keeps what joined it, anything else comes after a comma."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._said: list[str] = []
        self._end = -1
        self.words = ""

    def add(self, words: str, clause: Clause) -> None:
        """One more thing, unless it is there already."""
        if not words or words in self._said:
            return
        begins = clause.start + max(0, clause.text.lower().find(words.lower()))
        between = self._text[self._end : begins] if 0 <= self._end < begins else ""
        joint = " ".join(between.split())
        joint = f" {joint} " if joint and joint[0].isalpha() else f"{joint} "
        soft = (
            all(one in CONJUNCTIONS for one in joint.replace(",", " ").lower().split())
            and bool(joint.strip())
            and not set(joint) & set(".;!?:()[]|/•>→-–—")
            and clause.text.lower().endswith(words.lower())
        )
        self.words = self.words + (joint if soft else ", ") + words if self.words else words
        self._said.append(words)
        self._end = clause.end


_SLOTS = {
    "negative": "negative_prompt",
    "environment": "environment",
    "light": "light",
    "description": "prompt",
    "other": "prompt",
}
"""Which slot the words of a clause go into, by its kind; those of the others are taken apart first."""

_ORDER = {"environment": 1, "effect": 2, "light": 3, "still": 4}
"""In which order the builder's sentence says what moves by itself."""


def _motion(text: str, found: tuple[Clause, ...]) -> Motion:
    slots = {name: _Slot(text) for name in ("prompt", "negative_prompt", "action", "environment", "light")}
    subject = _find_subject(found)
    for clause in found:
        if clause.kind in _SLOTS and clause.words != subject:
            slots[_SLOTS[clause.kind]].add(clause.words, clause)
        if clause.action:
            first = not slots["action"].words and (
                clause.subject in ("", subject) or (_is_pronoun(clause.subject) and subject != "")
            )
            slots["action"].add(clause.action if first else f"{clause.subject} {clause.action}".strip(), clause)
        elif clause.subject != subject:
            slots["prompt"].add(clause.subject, clause)
        for words in (clause.target, *clause.rest):
            if words != subject:
                slots["prompt"].add(_find_target(clause) if words == clause.target else words, clause)
    effects: dict[EffectName, Effect] = {}
    for clause in sorted(found, key=lambda one: _ORDER.get(one.kind, 0)):
        for effect in clause.effects:
            effects.setdefault(effect.name, effect)
    said = {name: slot.words for name, slot in slots.items()}
    return Motion(
        camera=_join_camera(found), effects=tuple(effects.values()), subject=subject, still=_find_still(found), **said
    )


def _find_target(clause: Clause) -> str:
    """What the camera is on about with the word that led to it: "around the table", where somebody else is subject."""
    led = re.search(
        rf"\b(?:around|round|towards?|to|into|onto|on|over|at|past) +{re.escape(clause.target)}", clause.text, re.I
    )
    if led or not clause.target:
        return led.group() if clause.target and led else ""
    return f"{'around' if any(has_circle(move.name) for move in clause.moves) else 'on'} {clause.target}"


def _find_still(found: tuple[Clause, ...]) -> str:
    """What stays still: things, or, where something else is said of one of them, sentences."""
    still = list(
        dict.fromkeys(
            (clause.still, clause.words if clause.kind == "still" else "") for clause in found if clause.still
        )
    )
    if not any(words for _, words in still):
        return " and ".join(thing for thing, _ in still)
    return ", ".join(thing if words else f"{thing} {conjugate_stay(thing)}" for thing, words in still)


def _is_pronoun(subject: str) -> bool:
    return subject.lower() in PRONOUNS


def _find_subject(found: tuple[Clause, ...]) -> str:
    """Who or what acts first; a pronoun stands for what the camera is on about."""
    first = next((at for at, clause in enumerate(found) if clause.action), -1)
    acting = found[first].subject if first >= 0 else ""
    if first > 0 and not acting:
        acting = _name_actor(found[:first], found[first])
    if acting and not _is_pronoun(acting):
        return acting
    known = found[: first + 1] if acting else found
    target = next(
        (clause.target for clause in known if clause.target and not (acting and clause.target.startswith(_OWN))), ""
    )
    return target or acting or next((clause.subject for clause in found if clause.subject and not clause.action), "")


def _name_actor(before: tuple[Clause, ...], acting: Clause) -> str:
    """Who acts, where said earlier in the same sentence: "the old fisherman, weathered face, lifts his hat"."""
    for clause in before:
        if (
            clause.kind == "description"
            and clause.sentence == acting.sentence
            and clause.words.split(" ", 1)[0] in _SOMEBODY
        ):
            return clause.words
    return ""


_OWN = ("her ", "his ", "its ", "their ")
_SOMEBODY = ("a", "an", "the", "two", "three", "my", "his", "her", "our", "their", "this")


def _join_camera(found: tuple[Clause, ...]) -> Camera:
    """All moves of all clauses, leg by leg: in each every move once and the first pace that is said."""
    turns: list[list[Leg]] = []
    for clause in found:
        for at, leg in enumerate(clause.legs):
            if not turns or ((at > 0 or clause.anew) and len(turns) < MOST):
                turns.append([])
            turns[-1].append(leg)
    first, *then = [_join_legs(legs) for legs in turns] or [Leg(())]
    return Camera(first.moves, loop=any(clause.kind == "loop" for clause in found), speed=first.speed, then=tuple(then))


def _join_legs(legs: list[Leg]) -> Leg:
    """What is said of one stretch of the way, as one leg. A camera that moves and holds still moves."""
    moves: dict[MoveName, Move] = {}
    for leg in legs:
        for move in leg.moves:
            moves.setdefault(move.name, move)
    if len(moves) > 1:
        moves.pop(STATIC, None)
    speeds: list[Speed] = [leg.speed for leg in legs if leg.speed != "normal"]
    return Leg(tuple(moves.values()), speeds[0] if speeds and tuple(moves) != (STATIC,) else "normal")


def read_changes(motion: Motion, text: str) -> Motion:
    """The motion changed only where the sentence says otherwise than `plain(motion)` does.

    A sentence that is still there word for word stays what it was; the rest is read anew. An exact amount or direction
    stays where the words say the same of it, and so do easing, regions, brushes and all that isn't said in words.
    """
    line = " ".join(text.split())
    if line == " ".join(plain(motion).split()):
        return motion
    there: set[str] = set()
    for said in sorted({part.text for part in list_sentences(motion)} | {LOOP}, key=len, reverse=True):
        at = f" {line} ".find(f" {said} ")
        if at >= 0:
            there.add(said)
            line = f"{line[:at]} {line[at + len(said) :]}"
    new, found = parse_prompt(line)
    anew = next((clause.anew for clause in found if clause.legs), False)
    kept = {part.slot: part.text in there for part in list_sentences(motion) if part.slot != "effects"}
    kept.setdefault("prompt", kept.get("camera", False))  # where all that is extra is said with the camera
    loop = new.camera.loop or (motion.camera.loop and LOOP in there)
    changes = _merge_words(motion, new, kept)
    camera = replace(_update_camera(motion, new, kept, anew), loop=loop)
    return replace(motion, camera=camera, effects=_update_effects(motion, new, there), **changes)


def join_negatives(*lists: str) -> str:
    """What negative prompts ask to avoid, each thing once: "blurry, text" and "text" are "blurry, text"."""
    return ", ".join(dict.fromkeys(one.strip() for words in lists for one in words.split(",") if one.strip()))


def _merge_words(motion: Motion, new: Motion, kept: dict[str, bool]) -> dict[str, str]:
    """The slots of words: what is still there, then what is new."""
    found = {name: _join_words(getattr(motion, name) if kept.get(name) else "", getattr(new, name)) for name in _FREE}
    found["negative_prompt"] = join_negatives(motion.negative_prompt, new.negative_prompt)
    here = kept.get("subject") or (not motion.action and kept.get("camera"))
    if not here:
        return {**found, "subject": new.subject, "action": new.action}
    if new.action:
        action = _join_words(motion.action, f"{new.subject} {new.action}".strip() if motion.action else new.action)
        return {**found, "subject": motion.subject or new.subject, "action": action}
    if new.subject and motion.subject and new.subject != motion.subject:
        found["prompt"] = _join_words(found["prompt"], new.subject)
    return {**found, "subject": motion.subject or new.subject, "action": motion.action}


_FREE = ("prompt", "environment", "light", "still")


def _join_words(one: str, other: str) -> str:
    return f"{one}, {other}" if one and other else one or other


def _update_camera(motion: Motion, new: Motion, kept: dict[str, bool], anew: bool) -> Camera:
    """The camera: its moves as they were where the words say the same of them. `anew`: what is new follows what was
    there.
    """
    old, said = motion.camera, new.camera
    speed: Speed = said.speed if said.speed != "normal" else old.speed
    if kept.get("camera") and anew:
        more = (*([Leg(said.moves, said.speed)] if said.moves else []), *said.then)
        return replace(old, then=(*old.then, *more)[: MOST - 1])
    if kept.get("camera"):
        names = {move.name for move in old.moves}
        more = tuple(move for move in said.moves if move.name not in names and move.name != STATIC)
        then = (*old.then, *said.then)[: MOST - 1]
        return replace(old, moves=(*old.moves, *more), speed=speed if more or not old.then else old.speed, then=then)
    if not said.moves:
        return replace(old, moves=(), then=()) if "camera" in kept else old
    if not goes(said) and old.moves and not goes(old) and not said.then:
        return old
    legs = [_keep_amounts(leg, at, old) for at, leg in enumerate((Leg(said.moves, said.speed), *said.then))]
    speed = said.speed if goes(said) else old.speed
    return replace(old, moves=legs[0].moves, speed=speed, then=tuple(legs[1:]))


def _keep_amounts(leg: Leg, at: int, old: Camera) -> Leg:
    """A leg with the moves as exactly as they were, where the words say the same of them: of this leg, or else of
    another.
    """
    before = [old.moves, *(one.moves for one in old.then)]
    exact = {
        (move.name, sentences.bucket(move.amount)): move
        for moves in (*before, *before[at : at + 1])
        for move in moves
    }  # fmt: skip
    return Leg(tuple(exact.get((move.name, sentences.bucket(move.amount)), move) for move in leg.moves), leg.speed)


def _update_effects(motion: Motion, new: Motion, there: set[str]) -> tuple[Effect, ...]:
    """The effects: those that are still said, as exactly as before, then new ones."""
    worded = {
        effect.name: (effect, part.text)
        for part in list_sentences(motion)
        if part.slot != "effects"
        for effect in _find_worded(part.text)
    }
    fresh = {effect.name: effect for effect in new.effects}
    found: list[Effect] = []
    for effect in motion.effects:
        before, sentence = worded.get(effect.name, (effect, sentences.say_effect(effect)))
        if effect.amount == 0 or sentence in there:
            found.append(effect)
        elif effect.name in fresh:
            found.append(_update_effect(effect, before, fresh[effect.name]))
    names = {effect.name for effect in motion.effects}
    return (*found, *(effect for effect in new.effects if effect.name not in names))


def _update_effect(effect: Effect, before: Effect, after: Effect) -> Effect:
    """An effect after other words about it: what they say differently from those before."""
    amount = effect.amount if sentences.bucket(before.amount) == sentences.bucket(after.amount) else after.amount
    turned = sentences.octant(before.direction) != sentences.octant(after.direction)
    return replace(effect, amount=amount, direction=after.direction if turned else effect.direction)


def _find_worded(text: str) -> tuple[Effect, ...]:
    return tuple(effect for clause in read_clauses(text) for effect in clause.effects)


def add_worded_motion(motion: Motion) -> Motion:
    """The motion with the effects its words ask for added, and the camera where it has no moves: for engines that read
    no words.

    What would have to be painted and isn't is left out, if it is the words that ask for it: they can't be refused for
    it.
    """
    said = _write_words(motion)
    wanted = _find_effects(said)
    known = {effect.name for effect in motion.effects}
    kept = tuple(effect for effect in motion.effects if effect.name not in wanted or not needs_brush(effect))
    more = tuple(effect for name, effect in wanted.items() if name not in known and not needs_brush(effect))
    camera = motion.camera
    if not camera.moves:
        asked = read_motion(said).camera
        camera = replace(camera, moves=asked.moves, speed=asked.speed if asked.moves else camera.speed, then=asked.then)
    return replace(motion, camera=camera, effects=(*kept, *more))


def list_effects(motion: Motion) -> tuple[Effect, ...]:
    """Every effect of a motion: those pressed, then those its words ask for, whether or not it is known where they
    happen.
    """
    known = {effect.name for effect in motion.effects}
    return (
        *motion.effects,
        *(effect for name, effect in _find_effects(_write_words(motion)).items() if name not in known),
    )


def _write_words(motion: Motion) -> str:
    """Its words, without what is written from its camera and its effects."""
    return " ".join(part.text for part in list_sentences(replace(motion, camera=Camera(()), effects=())))


def _find_effects(said: str) -> dict[EffectName, Effect]:
    """The effects that words ask for, the first of a name."""
    wanted: dict[EffectName, Effect] = {}
    for effect in _find_worded(said):
        wanted.setdefault(effect.name, effect)
    return wanted
