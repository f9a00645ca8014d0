"""A prompt split into words and clauses, each with its place in the text; typos in camera words are put right."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from studio.motion.camera_moves import is_bound
from studio.motion.effect_words import is_time_of_day
from studio.motion.syntax import (
    LEADING,
    find_verb,
    has_own_subject,
    has_verb,
    is_about_camera,
    is_complete,
    is_manner,
    lead,
    skip,
    starts_camera,
)
from studio.motion.vocabulary import (
    BARE,
    BASE,
    CONJUNCTIONS,
    DETERMINERS,
    FINITE,
    GOING,
    LIGHT,
    MODIFIERS,
    NATURE,
    NEGATIONS,
    PREPOSITIONS,
    PRONOUNS,
    read_lists,
)

_LISTS = read_lists("clause_split")

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*[°%]?")
_HARD = re.compile(r"[.;!?\n:()\[\]{}|•>→]|[-–—]{2,}|\s[-–—]|[–—]")
_JOINS = _LISTS["joins"]
_WAYS = _LISTS["ways"]
_FILMING = _LISTS["filming"]
_ONWARD = _LISTS["onward"]
_WRAPPED = (_WAYS - _LISTS["wrapped"]) | _LISTS["leads_on"]
"""What goes on with the line before it when it is the first word of a line: "the camera pans" and, wrapped, "left"."""
_LABELS = _LISTS["labels"]
_HEADINGS = _LISTS["headings"]
_ORDERS = _LISTS["orders"]


class Word(NamedTuple):
    """A word as it is compared, and where it stands in the text: start, end."""

    low: str
    start: int
    end: int


class Piece(NamedTuple):
    """A run of words that says one thing. `gap` is what stands before it: "" (a conjunction or nothing), "," or "."."""

    words: tuple[Word, ...]
    gap: str

    @property
    def lows(self) -> list[str]:
        """Its words as they are compared."""
        return [word.low for word in self.words]

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return self.words[-1].end


def split_words(text: str) -> list[Word]:
    """The words of a text, slips of the keyboard read as what was meant; a hyphen parts words."""
    return [
        Word(correct_typo(found.group().lower().replace("’", "'")), found.start(), found.end())
        for found in _WORD.finditer(text)
    ]


@lru_cache(maxsize=2048)
def lower_words(text: str) -> list[str]:
    """The words of a clause as they are compared. Remembered: most clauses are the same at the next letter typed."""
    return [word.low for word in split_words(text)]


def split_clauses(text: str) -> list[Piece]:
    """The text as clauses, in order; nothing but punctuation and spaces lies between them."""
    found: list[Piece] = []
    for run, gap in _split_runs(text):
        for part in _split_run(run):
            found.append(Piece(tuple(part), gap))
            gap = ""
    return _join_pieces(found)


def _split_runs(text: str) -> list[tuple[list[Word], str]]:
    """Words between punctuation marks, and the mark before them."""
    found: list[tuple[list[Word], str]] = []
    last = 0
    for word in split_words(text):
        between = text[last : word.start]
        decimal = between in (".", ":", "/") and text[last - 1 : last].isdigit() and text[word.start].isdigit()
        wrapped = not between.strip() and word.low in _WRAPPED
        gap = "" if decimal or wrapped else "." if _HARD.search(between) else "," if "," in between else ""
        headed = bool(found) and between.strip() in (":", "]") and len(found[-1][0]) == 1
        if headed and found[-1][0][0].low in _HEADINGS:  # "background: traffic moves" is said of the background
            gap = ""
        if gap or not found:
            found.append(([], gap or "."))
        if headed and len(found) > 1 and found[-2][0][0].low in _LABELS:
            found.pop(-2)
        found[-1][0].append(word)
        last = word.end
    return found


def _split_run(run: list[Word]) -> list[list[Word]]:
    """A run parted where a conjunction begins a clause of its own; the conjunction goes with what follows."""
    lows = [word.low for word in run]
    cuts = [0]
    for at in range(1, len(lows) - 1):
        if at > cuts[-1] and _begins_clause(lows, cuts[-1], at):
            cuts.append(at)
    return [run[start:end] for start, end in zip(cuts, [*cuts[1:], len(run)], strict=True)]


def _begins_clause(lows: list[str], start: int, at: int) -> bool:
    """Whether the word at `at` joins a new clause to that which began at `start`."""
    low, after = lows[at], lows[at + 1 :]
    after = after[
        : next((one for one in range(1, len(after)) if after[one] in _JOINS or after[one] == "as"), len(after))
    ]
    if low in _JOINS or low == "except":
        return _joins(low, lows[start : start + 2], after)
    if low == "as":
        return _is_meanwhile(lows[at - 1], after)
    if low in ("and", "&", "plus"):
        begins = (
            starts_camera(after)
            or has_own_subject(after)
            or after[0] in NEGATIONS
            or after[0] in _ORDERS
            or "camera" in after[:3]
        )
        return begins and is_complete(lows[start:at])
    if low == "with" and is_bound(lows[at - 1]):
        return False
    if low == "with":
        moving = has_own_subject(after) and (
            is_complete(lows[start:at]) or bool(NATURE & set(after[:2]) and not NATURE & set(lows[start:at]))
        )
        return moving or starts_camera(after) or after[0] == "no"
    if low in ("without", "no"):
        return lows[at - 1] not in CONJUNCTIONS and lows[at - 1] not in ("there", "is", "with")
    return False


def _joins(low: str, first: list[str], after: list[str]) -> bool:
    """Whether a conjunction begins a clause: not "pushes in while circling", "nothing moves but the river", "left then
    right".
    """
    if low in ("while", "whilst"):
        return after[min(skip(after, LEADING), len(after) - 1)] not in _FILMING
    if low in ("but", "except") and {"nothing", "everything", "all"} & set(first):
        return False
    if low == "then":
        return not all(one in _WAYS for one in after)
    return low != "except" and (low not in ("before", "until") or has_verb(after))


def _is_meanwhile(before: str, after: list[str]) -> bool:
    """Whether "as" begins a clause: "as she turns", not "as if", "such as", "as they are"."""
    if after[0] in ("if", "well", "though") or (after[0] in ("a", "soft", "in") and not has_verb(after[1:])):
        return False
    if before in ("such", "same", "just", "exactly") or (len(after) == 2 and after[1] in ("is", "are")):
        return False
    return starts_camera(after) or has_verb(after)


def _join_pieces(found: list[Piece]) -> list[Piece]:
    """Pieces that only together say something: "a slow, gentle push in", "trees, grass and flowers sway"."""
    done: list[Piece] = []
    for index, piece in enumerate(found):
        after = found[index + 1] if index + 1 < len(found) else None
        if done and (
            _is_trailing(done[-1], piece, after) or (piece.gap in (",", "") and _belongs_to_last(done[-1], piece))
        ):
            done[-1] = Piece((*done[-1].words, *piece.words), done[-1].gap)
        else:
            done.append(piece)
    return done


def _is_trailing(before: Piece, piece: Piece, after: Piece | None) -> bool:
    """Whether a piece only says how what came before is done: "orbit left, slow, clouds drift"."""
    if piece.gap != "," or not is_manner(piece.lows):
        return False
    return after is None or after.gap == "." or (is_about_camera(before.lows) and not starts_camera(after.lows))


def _belongs_to_last(before: Piece, piece: Piece) -> bool:
    """Whether a piece goes on with the one before it."""
    lows, after = before.lows, piece.lows
    on = after[lead(after, _ONWARD) :]
    if is_time_of_day(after) and piece.gap == ",":
        return False
    if on[0] in PREPOSITIONS - {"with", "without", "like"} and piece.gap == "," and find_verb(after) < 0:
        return not is_manner(lows)
    if piece.gap != ",":
        return False
    if is_manner(lows):
        return lows[0] not in PRONOUNS
    bare = [low for low in lows if low not in DETERMINERS and low not in MODIFIERS and low not in CONJUNCTIONS]
    things = 0 < len(bare) <= 4 and all((low in NATURE or low in LIGHT) and low not in BARE for low in bare)
    return things and has_own_subject(after) and after[0] not in ("the", "a", "camera")


_MEANT = _LISTS["meant"]
_OFTEN = dict(pair.split(":") for pair in _LISTS["often"])
_OWN = _LISTS["own"]
_LONG = 6
"""Letters from which a word may lack one and still be known."""


def correct_typo(low: str) -> str:
    """The word that was meant, the word itself where it is no known slip."""
    return low if len(low) < 3 or low in BASE or low in FINITE or low in GOING else _list_slips().get(low, low)


@cache
def _list_slips() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in _MEANT:
        for at in range(len(word) - 1):
            found.setdefault(word[:at] + word[at + 1] + word[at] + word[at + 2 :], word)
        for at in range(len(word)):
            found.setdefault(word[:at] + word[at] + word[at:], word)
            if len(word) >= _LONG or (at and word[at] == word[at - 1] and len(word) > 4):
                found.setdefault(word[:at] + word[at + 1 :], word)
    found.update(_OFTEN)
    return {slip: word for slip, word in found.items() if slip not in _OWN and slip not in _MEANT and slip != word}
