"""The prompt check: what will make a poor clip, each finding with the words it is about and a remedy.

The rules are in `rules`; here is their order, and that a remedy may not bring in a new fault. Nothing is loaded and no
model is asked: a check is a few milliseconds of reading.

Levels: "hurts" is what makes a worse clip by itself; "hint" is what is left to chance and can be told (`no_camera`,
`no_still`) or goes by too quickly (`short_legs`). A prompt with hints alone is a good prompt.
"""

from __future__ import annotations

from studio.cards import ModelCard
from studio.motion.compose import plain
from studio.motion.read_prompt import parse_prompt
from studio.motion.rules.camera_rules import check_camera
from studio.motion.rules.contradictions import check_contradictions
from studio.motion.rules.empty_prompts import EMPTY, check_empty
from studio.motion.rules.faults import CheckedPrompt, Fault, Level, Rule
from studio.motion.rules.wording_rules import check_lettering, check_load, check_negations, check_place
from studio.nouns import Effect, Motion, Noun

CODES = (
    "nothing_moves", "vague", "describes", "camera_conflict", "forces_conflict", "still_camera_moves",
    "too_many_actions", "too_long", "negative_words", "text_changes", "no_camera", "no_still", "no_region",
    "short_legs",
)  # fmt: skip
HINTS = ("no_camera", "no_still", "short_legs")
RULES: tuple[Rule, ...] = (
    check_empty,
    check_camera,
    check_contradictions,
    check_load,
    check_negations,
    check_lettering,
    check_place,
)
ACTED_ON = (*EMPTY, "camera_conflict", "forces_conflict", "still_camera_moves", "no_region", "short_legs")
"""What counts for a model that reads no words and is told what to do by them all the same
(`read_prompt.add_worded_motion`).
"""

ROUNDS = 4
"""How often a remedy is mended in its turn: a sentence that loses its only motion needs another, which may need a
camera.
"""


OFFERED = 6
"""How many findings have their fix worked out at once, each a check of its own: in a long text the next come later."""


class Finding(Noun, frozen=True):
    """Something about a prompt. `start` and `end` mark its words in the sentence that was checked; equal: it is about
    the whole.

    `reason` is one sentence. `label` is the button's words and `fix` the whole sentence once it is pressed; "" where
    only the user can mend it. `negative` is to be added to the negative prompt along with the fix.
    """

    code: str
    start: int = 0
    end: int = 0
    reason: str = ""
    label: str = ""
    fix: str = ""
    level: Level = "hurts"
    negative: str = ""


def check_prompt(motion: Motion | str, *, seconds: float = 5.0, card: ModelCard | None = None) -> tuple[Finding, ...]:
    """What is wrong with a prompt for a clip of `seconds`, what hurts first and in the order of the sentence.

    A text is read. A motion is checked as the sentence it makes (`compose.plain`), with what words can't say: effects
    that lack a place. `card` is the model that will read it: its limits count, and only what it can make something of
    is said.
    """
    text = motion if isinstance(motion, str) else plain(motion)
    effects = () if isinstance(motion, str) else motion.effects
    found = _find_faults(text, effects, seconds, card)
    found.sort(key=lambda fault: (fault.level == "hint", fault.start))
    return tuple(
        _make_finding(fault, place < OFFERED, found, effects, seconds, card) for place, fault in enumerate(found)
    )


def _find_faults(text: str, effects: tuple[Effect, ...], seconds: float, card: ModelCard | None) -> list[Fault]:
    """What the rules find. Where nothing moves at all, that is said and no more about what is missing."""
    asked = CheckedPrompt(text, _lower(text), parse_prompt(text), effects, seconds, card)
    found = [fault for rule in RULES for fault in rule(asked)]
    codes = {fault.code for fault in found}
    silent = EMPTY if "text_changes" in codes else HINTS if codes & set(EMPTY) else ()
    return [fault for fault in found if fault.code not in silent and fault.code in _list_codes(card)]


def _list_codes(card: ModelCard | None) -> tuple[str, ...]:
    """The codes that mean something to a model: none where words do nothing, which `compose` says in its notes."""
    if card is None or "prompt" in card.supports:
        return CODES
    return ACTED_ON if "effects" in card.supports else ()


def _lower(text: str) -> str:
    """In lower case, every letter at its place: the few that grow when made small stay as they are."""
    if len(low := text.lower()) == len(text):
        return low
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


def _make_finding(
    fault: Fault, offered: bool, found: list[Fault], effects: tuple[Effect, ...], seconds: float, card: ModelCard | None
) -> Finding:
    fix, negative = _find_fix(fault, found, effects, seconds, card) if offered else ("", "")
    return Finding(
        fault.code, fault.start, fault.end, fault.reason, fault.label, fix, fault.level, negative if fix else ""
    )


def _find_fix(
    fault: Fault, found: list[Fault], effects: tuple[Effect, ...], seconds: float, card: ModelCard | None
) -> tuple[str, str]:
    """The sentence after a fault's remedy and the remedies of what that brought in, and what goes into the negative
    prompt.

    "" when the fault stays, or something new does, after a few rounds: then nothing is offered.
    """
    text, negative = fault.fixed, fault.negative
    before = [one.code for one in found]
    for _ in range(ROUNDS if text else 0):
        after = _find_faults(text, effects, seconds, card)
        left = [one for one in after if one.code not in before or _is_worse(one.code, after, before, fault.code)]
        if not left:
            return text, negative
        text, negative = left[0].fixed, ", ".join(part for part in (negative, left[0].negative) if part)
        if not text:
            break
    return "", ""


def _is_worse(code: str, after: list[Fault], before: list[str], mended: str) -> bool:
    """Whether there is as much of a code as before though it was mended, or more of it though it wasn't."""
    count = sum(one.code == code for one in after)
    return count >= before.count(code) if code == mended else count > before.count(code)
