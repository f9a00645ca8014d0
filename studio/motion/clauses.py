"""The clauses of a prompt, each with its kind: camera, action, environment, light, still, negative, loop, description.

`read_prompt` makes a Motion of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from studio.motion import camera_clause, camera_moves, effect_words
from studio.motion.camera_moves import count_opener, is_before, is_later
from studio.motion.clause_kinds import ClauseWords, find_still
from studio.motion.clause_split import Piece, split_clauses
from studio.motion.effect_words import is_time_of_day
from studio.motion.sentences import SAID
from studio.motion.syntax import find_verb, is_plural, lead
from studio.motion.vocabulary import (
    ADVERBS,
    BASE,
    DETERMINERS,
    FAST,
    FUNCTION,
    LOOP,
    MODIFIERS,
    MOTION_NOUNS,
    NATURE,
    NEGATIVE,
    PREPOSITIONS,
    SLOW,
    read_lists,
    third_person,
)
from studio.nouns import Effect, Leg, Move, Speed

_LISTS = read_lists("clauses")

Kind = Literal[
    "camera", "effect", "action", "environment", "light", "still", "negative", "description", "loop", "other"
]
Cut = Callable[[int, int], str]
"""The person's own words, from one word of a clause to before another."""


class Clause(NamedTuple):
    """One thing that is said: where it stands in the text as typed (characters), what it is about, and what it means.

    `subject` and `action` part a clause in which somebody does something; `still` is what stays still; `target` is what
    a camera clause is on about, `rest` what else it says. `words` go into the slot of its kind. `legs` are a camera
    clause's moves as they follow one another, `anew` that they come after what was said before. `alone`: it is a
    sentence by itself, the `sentence`th. Kind "effect" is a sentence of the builder's own.
    """

    start: int
    end: int
    kind: Kind
    text: str
    words: str = ""
    moves: tuple[Move, ...] = ()
    speed: Speed = "normal"
    effects: tuple[Effect, ...] = ()
    subject: str = ""
    action: str = ""
    still: str = ""
    target: str = ""
    rest: tuple[str, ...] = ()
    alone: bool = False
    sentence: int = 0
    legs: tuple[Leg, ...] = ()
    anew: bool = False


REST = "everything else"
_LOOPING = LOOP | FUNCTION | _LISTS["looping"]  # fmt: skip
_ALTER = _LISTS["alter"]
_DONT = _LISTS["dont"]
_LEADS = _LISTS["leads"]
_ASKS = _LISTS["asks"]
_WANTS = _ASKS | _LISTS["wants"]
_NOW_THAT = _LISTS["now_that"]
_NEGATIVES = (["negative"], ["negatives"], ["negative", "prompt"], ["avoid"])
_ADDED = _LISTS["added"]
_OWN = _LISTS["own"]
_CONTRACTED = {"she's": ("she", "is"), "he's": ("he", "is"), "it's": ("it", "is"), "they're": ("they", "are")}
_MAKE = _LISTS["make"]
_WHO = {"her": "she", "him": "he", "them": "they"}
_BEFORE_VERB = _LISTS["before_verb"]


def lower_first(text: str) -> str:
    """Words as they stand inside a sentence: the first letter small, unless the word is written large throughout."""
    line = " ".join(text.split())
    first = line.split(" ", 1)[0]
    return (
        line
        if not line or first == "I" or first.startswith("I'") or any(c.isupper() for c in first[1:])
        else line[0].lower() + line[1:]
    )


@lru_cache(256)
def read_clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of a text, in order."""
    found: list[Clause] = []
    parts = split_clauses(text)
    listing = False
    said = number = 0
    for index, piece in enumerate(parts):
        if index < said:
            continue
        said, own_sentence = _match_builder(text, parts, index)
        if own_sentence is not None:
            found.append(own_sentence)
            continue
        if piece.lows in _NEGATIVES:
            listing = True
            continue
        listing = listing and (piece.gap != "." or parts[index - 1].lows in _NEGATIVES)
        ends = index + 1 == len(parts) or parts[index + 1].gap == "."
        number += piece.gap == "."
        clause = _read_clause(text, piece, found[-1] if found else None, listing, piece.gap == "." and ends)
        found.append(clause._replace(sentence=number))
    return tuple(found)


def _match_builder(text: str, parts: list[Piece], index: int) -> tuple[int, Clause | None]:
    """A sentence of the builder's own about an effect that begins with this piece, and which piece comes after it."""
    past = next((at for at in range(index + 1, len(parts)) if parts[at].gap == "."), len(parts))
    start, end = parts[index].start, parts[past - 1].end
    effect = SAID.get(" ".join(text[start:end].lower().split())) if parts[index].gap == "." else None
    return (past, Clause(start, end, "effect", text[start:end], effects=(effect,))) if effect else (index, None)


def _read_clause(text: str, piece: Piece, before: Clause | None, listing: bool, alone: bool) -> Clause:
    lows = piece.lows
    whole = Clause(piece.start, piece.end, "other", text[piece.start : piece.end], alone=alone)

    def cut(first: int, past: int) -> str:
        return lower_first(text[piece.words[first].start : piece.words[past - 1].end]) if past > first else ""

    if listing or _continues_negative(piece, before):
        return whole._replace(kind="negative", words=cut(lead(lows, frozenset({"and", "or", "no", "any"})), len(lows)))
    if LOOP & set(lows) and set(lows) <= _LOOPING:
        return whole._replace(kind="loop")
    return (
        _read_camera(whole, lows, before, piece.gap, cut)
        or _read_negative(whole, lows, cut)
        or _read_only(whole, lows, cut)
        or _read_other(whole, lows, 0, cut)
    )  # fmt: skip


def _continues_negative(piece: Piece, before: Clause | None) -> bool:
    """Whether a piece goes on with a list of what is unwanted: "no text, blur or watermark"."""
    if before is None or before.kind != "negative" or piece.gap == ".":
        return False
    return all(low in NEGATIVE or low in FUNCTION or low in MODIFIERS for low in piece.lows)


def _read_camera(whole: Clause, lows: list[str], before: Clause | None, gap: str, cut: Cut) -> Clause | None:
    """What is said of the camera, or that it should not be done."""
    it = "it" in lows[: 2 + count_opener(lows)]
    follows = before is not None and before.kind == "camera" and (gap != "." or it or is_later(" ".join(lows[:2])))
    follows = follows and not (it and before is not None and before.target != "")
    if before is not None and follows and before.moves and len(lows) <= 4:
        ways = [low for low in lows if low not in FUNCTION | SLOW | FAST]
        name = camera_moves.find_next_move(before.moves[-1].name, ways[0]) if len(ways) == 1 else None
        if name:
            move = Move(name, before.moves[-1].amount)
            anew = is_later(" ".join(lows))
            return whole._replace(kind="camera", moves=(move,), legs=(Leg((move,)),), anew=anew)
    seen = camera_clause.read_camera_clause(lows, follows, free=before is None or before.kind != "action" or gap == ".")
    if seen is None:
        return None
    if seen.unwanted:
        first = lead(lows, FUNCTION)
        if (
            lows[first] == "camera"
            and first + 1 < len(lows)
            and (lows[first + 1] in FUNCTION or lows[first + 1].endswith("n't"))
        ):
            first += 1 + lead(lows[first + 1 :], FUNCTION)
        return whole._replace(kind="negative", words=cut(first, len(lows)))
    target = cut(*seen.target) if seen.target else ""
    rest = tuple(cut(*run) for run in seen.rest)
    anew = seen.anew or (before is not None and before.kind == "camera" and _is_after(before))
    return whole._replace(
        kind="camera", moves=seen.moves, speed=seen.speed, target=target, rest=rest, legs=seen.legs, anew=anew
    )


def _is_after(before: Clause) -> bool:
    """Whether the clause before says what comes first: "after panning left, …", "After that, …"."""
    said = before.text.lower()
    return is_before(said) or (not before.legs and is_later(said))


def _read_negative(whole: Clause, lows: list[str], cut: Cut) -> Clause | None:
    """What should not be seen, or not be changed."""
    at = lead(lows, _NOW_THAT)
    first, rest = lows[at], lows[at + 1 :]
    if first in ("do", "does", "is", "are", "should") and rest[:1] == ["not"]:
        first, rest = "not", rest[1:]
    past = len(lows) - len(rest)
    if first in _DONT or first == "without":
        if rest and rest[0] in _ALTER and past + 1 < len(lows):
            return whole._replace(kind="still", still=cut(past + 1, len(lows)))
        past += lead(rest, _ADDED) if rest and rest[0] in _ADDED else 0
        return (
            whole._replace(kind="negative", words=cut(past, len(lows))) if rest and rest[0] not in DETERMINERS else None
        )
    if first not in ("no", "avoid", "exclude", "zero") or not rest:
        return None
    if rest[0] in MOTION_NOUNS and len(rest) > 2 and rest[1] in PREPOSITIONS:
        return whole._replace(kind="still", still=cut(past + 2, len(lows)))
    if rest[0] in ("other", "further", "additional") and set(rest) & MOTION_NOUNS:
        return whole._replace(kind="still", still=REST)
    return whole._replace(kind="negative", words=cut(past, len(lows)))


def _read_only(whole: Clause, lows: list[str], cut: Cut) -> Clause | None:
    """ "Only the water moves", "everything is still except the water": the rest stays still."""
    but = next((at for at, low in enumerate(lows) if low in ("but", "except", "besides") and at > 0), -1)
    if {"nothing", "everything", "all"} & set(lows[:2]) and 0 < but < len(lows) - 1:
        first = but + 1 + lead(lows[but + 1 :], frozenset({"for"}))
        said = f"{cut(first, len(lows))} {'move' if is_plural(lows[-1]) else 'moves'}"
        return whole._replace(
            kind="environment", words=said, effects=effect_words.find_effects([*lows[first:], "moves"]), still=REST
        )
    if lows[0] not in ("only", "just") or len(lows) < 2:
        return None
    clause = _read_other(whole, lows, 1, cut)
    return clause._replace(still=REST) if clause.kind in ("environment", "action", "light") else None


def _read_other(whole: Clause, lows: list[str], first: int, cut: Cut) -> Clause:
    """Anything that is not about the camera, from the word at `first` on; what only leads up to it is left out."""
    first += lead(lows[first:], _LEADS)
    if lows[first] in _ASKS and first + 2 < len(lows):
        first += lead(lows[first:], _WANTS)
    rest, end = lows[first:], len(lows)
    effects = effect_words.find_effects(rest)
    said = ClauseWords(rest, find_verb(rest), bool(effects))
    changing = said.verb > 0 and any(one.name == "light" for one in effects) and not NATURE & said.head
    if said.is_light() or changing or is_time_of_day(rest):
        return whole._replace(kind="light", words=cut(first, end), effects=effects)
    stays = find_still(rest)
    if stays is not None:
        thing = cut(first + stays.first, first + stays.past) or REST
        clause = cut(first, end)
        return whole._replace(
            kind="still", still=thing if stays.purely else clause, words="" if stays.purely else clause
        )
    if said.is_environment():
        return whole._replace(kind="environment", words=cut(first, end), effects=effects)
    if said.is_order():
        return whole._replace(kind="other", words=cut(first, end))
    if said.verb > 0 and not said.is_state() and not said.starts_with_verb():
        return _read_action(whole, rest, said.verb, first, cut)._replace(effects=effects)
    if said.is_action():
        return whole._replace(kind="action", action=cut(first, end), effects=effects)
    if whole.alone and rest[0] in _OWN and said.verb < 0 and len(rest) <= 6:
        return whole._replace(kind="description", subject=cut(first, end))
    if all(low in FUNCTION for low in rest):
        return whole
    return whole._replace(
        kind="description",
        words=cut(first, end),
        effects=tuple(one for one in effects if said.verb > 0 or one.name == "grain"),
    )


def _read_action(whole: Clause, rest: list[str], verb: int, first: int, cut: Cut) -> Clause:
    """Who does what, parted before the verb and the adverbs that go with it."""
    at, end = verb, first + len(rest)
    while at > 1 and (
        rest[at - 1] in _BEFORE_VERB or (rest[at - 1].endswith("ly") and rest[at - 2] not in DETERMINERS)
    ):
        at -= 1
    if rest[0] in _MAKE and at > 1 and rest[at] in BASE:
        who = cut(first + 1, first + at)
        return whole._replace(kind="action", subject=_WHO.get(who, who), action=_conjugate(cut(first + at, end), who))
    if at == 1 and rest[0] in _CONTRACTED:
        who, does = _CONTRACTED[rest[0]]
        return whole._replace(kind="action", subject=who, action=f"{does} {cut(first + at, end)}")
    if all(low in ADVERBS or low.endswith("ly") for low in rest[:at]):
        return whole._replace(kind="action", action=cut(first, end))
    return whole._replace(kind="action", subject=cut(first, first + at), action=cut(first + at, end))


def _conjugate(action: str, who: str) -> str:
    """What somebody is made to do, as done: "wink and smile", "winks and smiles"."""
    said = action.split()
    done = [
        third_person(one) if one in BASE and (at == 0 or said[at - 1] == "and") else one for at, one in enumerate(said)
    ]
    return action if is_plural(who.split()[-1]) else " ".join(done)
