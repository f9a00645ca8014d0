"""A motion in words: the builder's sentence, and prompt and negative prompt in a model's dialect and token limit.

Sources of the dialects, as published by the makers (read where public copies of them are kept):
wan     Alibaba Cloud Model Studio, "Wan video generation prompts recipe" (alibabacloud.com/blog, 602777) and its
        image-to-video formula "Motion description + camera movement": the picture already holds subject, scene and
        style; adverbs say speed and extent; a camera that should not move is asked for by name ("static shot",
        "fixed camera").
ltx     Lightricks, LTX-Video and LTX-2 READMEs, "Prompting": one flowing paragraph, literal and chronological, that
        starts with the main action; then gestures, appearance, background, camera and light, within 200 words.
kling   Kuaishou, "KLING AI Guide (Video)": subject + its movement + scene + (camera language + light + atmosphere);
        for a photo subject + movement, background + movement; simple words, short sentences.
plain   everything else: short sentences of what moves, then the camera. FramePack's README asks for just that
        (concise, motion first: subject, motion, the rest); of HunyuanVideo, CogVideoX, Kandinsky and SANA no rule for
        photos is known to us.

Tokens are counted from above and without a tokenizer: none is here before a model is. A word of English takes one token
for about every four letters with the vocabularies that the cards' text encoders have (CLIP 49k, T5 32k, UMT5 256k,
Llama and Qwen 128k to 150k entries): a rule of thumb of their makers, general knowledge and not measured here. Rare
words take more. So it is one for every three letters begun, one for the commonest words, one for every mark and digit,
and three for every character outside Latin script (bytes, at worst). Two more are kept for the marks at the ends.
"""

from __future__ import annotations

import re
from bisect import bisect
from typing import Literal, NamedTuple

from studio.cards import ModelCard
from studio.motion import sentences
from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import describe_camera, goes
from studio.motion.clause_split import split_words
from studio.motion.clauses import read_clauses
from studio.motion.generative_only import find_generative
from studio.motion.sentences import pick_moving
from studio.motion.syntax import find_verb, is_plural
from studio.motion.vocabulary import FUNCTION, GOING, PREPOSITIONS
from studio.nouns import Choice, EffectName, Motion

_WAYS = (PREPOSITIONS | frozenset({"down", "up"})) - {"with", "without", "like", "of"}
LOOP = "The clip loops seamlessly."


class MotionSentence(NamedTuple):
    """One sentence of a motion, and the slot of the motion that it says."""

    slot: Slot
    text: str


class ModelPrompt(NamedTuple):
    """The words a model is given, and why they are those; what of the motion it can't obey, and its camera control's
    value.
    """

    prompt: str
    negative: str
    choice: Choice
    notes: tuple[str, ...] = ()
    control: str = ""


def plain(motion: Motion) -> str:
    """The builder's sentence: everything the motion says, for no model in particular. `read` reads it back."""
    said = [part.text for part in list_sentences(motion)]
    return " ".join([*said, LOOP] if motion.camera.loop else said)


def list_sentences(motion: Motion) -> tuple[MotionSentence, ...]:
    """The sentences of a motion, extra words first and the camera last; effects only where the words don't say them
    already.
    """
    worded = [
        MotionSentence("prompt", make_sentence(motion.prompt)),
        MotionSentence("subject", _say_action(motion)),
        MotionSentence("environment", make_sentence(motion.environment)),
        MotionSentence("light", make_sentence(motion.light)),
        MotionSentence("still", _say_still(motion.still)),
    ]
    words = [part for part in worded if part.text]
    known = find_worded_effects(" ".join(part.text for part in words))
    effects = dict.fromkeys(
        sentences.say_effect(one) for one in motion.effects if one.amount > 0 and one.name not in known
    )
    camera = sentences.say_camera(motion.camera, _find_target(motion))
    if whole := _add_way(camera, motion):
        camera, words = whole, [part for part in words if part.slot != "prompt"]
    last = (
        [MotionSentence("effects", one) for one in effects],
        [part for part in words if part.slot in ("light", "still")],
    )
    first = [part for part in words if part.slot not in ("light", "still")]
    return (*first, *last[0], *last[1], *([MotionSentence("camera", camera)] if camera else []))


def _add_way(camera: str, motion: Motion) -> str:
    """The camera's sentence with where it goes, if the extra words say just that: "tilts up", "from her shoes to her
    face".

    "" where it would not be understood so.
    """
    way = " ".join(motion.prompt.split()).rstrip(".")
    if not camera or not goes(motion.camera) or way.split(" ", 1)[0].lower() not in _WAYS:
        return ""
    around = f" around {sentences.SUBJECT}"
    said = f"{(camera.replace(around, '') if way.startswith(('around ', 'round ')) else camera)[:-1]} {way}."
    before, after = read_clauses(camera), read_clauses(said)
    if [clause.legs for clause in before] != [clause.legs for clause in after] or len(before) != 1 + len(
        motion.camera.then
    ):
        return ""
    last, then = before[-1], after[-1]
    if then.target == last.target and then.rest == (*last.rest, way):
        return said
    acts = motion.action.strip() and motion.subject.strip()
    whole = way.split(" ", 1)[1:] == [then.target]
    return said if acts and whole and not last.target and not then.rest else ""


def find_worded_effects(text: str) -> frozenset[EffectName]:
    """The effects that words ask for by themselves."""
    return frozenset(effect.name for clause in read_clauses(text) for effect in clause.effects)


def make_sentence(words: str) -> str:
    """Words on one line that begin and end as a sentence does; "" stays ""."""
    line = " ".join(words.split())
    if not line:
        return ""
    line = line[0].upper() + line[1:] if not any(c.isupper() for c in line.split(" ", 1)[0]) else line
    return line if line[-1] in ".!?…\"'”" else f"{line}."


def _find_target(motion: Motion) -> str:
    """Whom the camera is on about: a subject that does nothing is said there, if the camera is spoken of."""
    return " ".join(motion.subject.split()) if motion.camera.moves and not motion.action.strip() else ""


def _say_action(motion: Motion) -> str:
    if motion.subject.strip() and not motion.action.strip() and motion.camera.moves:
        return ""
    return make_sentence(f"{motion.subject} {motion.action}")


def _say_still(still: str) -> str:
    """What stays still, as a sentence: "The house stays still."; words that say so themselves are left alone."""
    line = " ".join(still.split())
    if not line or any(clause.still or clause.kind == "light" for clause in read_clauses(line)):
        return make_sentence(line)
    line = line.replace(", and ", " and ").replace(", ", " and ")
    return make_sentence(f"{line} {conjugate_stay(line)}")


def conjugate_stay(thing: str) -> str:
    """ "stays still" or "stay still", as a thing that is named is one or more."""
    low = thing.lower().split()
    noun = low[next((at for at in range(1, len(low)) if low[at] in PREPOSITIONS), len(low)) - 1]
    return "stay still" if "and" in low or is_plural(noun) else "stays still"


def compose(motion: Motion, card: ModelCard) -> ModelPrompt:
    """The prompt and the negative prompt of a motion for a card; both are "" for a card that reads none.

    They are in the card's dialect and within its `text_tokens`: what has to go is said in the notes.
    """
    said = list_unsupported(motion, card)
    control = next((card.cameras[move.name] for move in motion.camera.moves if move.name in card.cameras), "")
    if "prompt" not in card.supports:
        draws = "camera" in card.supports
        drawn = "the camera and the effects are drawn as set" if draws else "it is told how much moves and no more"
        return ModelPrompt("", "", Choice("prompt", "not passed on", drawn), said, control)
    speech = choose_dialect(card)
    limit = card.checkpoint.text_tokens if card.checkpoint else 0
    kept, left = _fit_tokens(list_sentences(motion), speech, motion, limit)
    prompt = _join_sentences(kept, speech, motion)
    negative = _fit_negative(motion.negative_prompt, limit) if "negative_prompt" in card.supports else ""
    reason = f"in {speech.title}"
    if left:
        reason += f"; shortened to fit its {limit} tokens"
        said = (*said, f"{card.title} reads about {limit} tokens, so this was left out: {', '.join(left)}.")
    return ModelPrompt(prompt, negative, Choice("prompt", prompt, reason), said, control)


def _join_sentences(said: tuple[MotionSentence, ...], speech: Dialect, motion: Motion) -> str:
    """Sentences in a dialect's order, some of them joined."""
    tail = speech.tail and any(part.slot == "subject" for part in said)
    order: tuple[Slot, ...] = (*speech.order, "prompt") if tail else ("prompt", *speech.order)
    lines: list[str] = []
    joined: list[str] = []
    for slot in order:
        for part in said:
            if part.slot != slot or not part.text:
                continue
            text = (
                speech.static
                if slot == "camera" and not goes(motion.camera) and not _find_target(motion)
                else part.text
            )
            if slot in speech.joined and text[-1] == "." and "." not in text[:-1] and _is_whole(text):
                joined.append(text[:-1])
            else:
                lines.append(text)
    if joined:
        whole = speech.joint.join(
            [joined[0], *(one[0].lower() + one[1:] if one[1:2].islower() else one for one in joined[1:])]
        )
        at = 1 if order[0] == "prompt" and any(part.slot == "prompt" and part.text for part in said) else 0
        lines.insert(at, f"{whole}.")
    return " ".join(lines)


def _is_whole(text: str) -> bool:
    """Whether words can be joined to others: "hair moving in the wind" can't be what happens "while" something else
    does.
    """
    lows = [word.low for word in split_words(text)]
    return bool(lows) and lows[find_verb(lows)] not in GOING


def _fit_tokens(
    said: tuple[MotionSentence, ...], speech: Dialect, motion: Motion, limit: int
) -> tuple[tuple[MotionSentence, ...], list[str]]:
    """What of the sentences fits `limit` tokens (0: all), and what had to go: whole clauses, least important first."""
    kept, left = list(said), list[str]()

    def fits(at: int, part: MotionSentence) -> bool:
        return count_tokens(_join_sentences((*kept[:at], part, *kept[at + 1 :]), speech, motion)) <= limit

    slots = (*FEWEST_FIRST, "subject")
    for at in sorted(
        (at for at, part in enumerate(said) if part.slot in slots), key=lambda at: (slots.index(said[at].slot), -at)
    ):
        part = said[at]
        if not limit or fits(at, part):
            break
        found = read_clauses(part.text)
        least = 1 if part.slot == "subject" else 0
        shorter = [
            MotionSentence(part.slot, make_sentence(part.text[: found[number - 1].end]) if number else "")
            for number in range(len(found))
        ]
        number = max(least, bisect(range(len(found)), 0, key=lambda number: not fits(at, shorter[number])) - 1)
        if number < len(found):
            kept[at] = shorter[number]
            left.append(_quote(part.text[found[number].start :]))
    return tuple(part for part in kept if part.text), left


def _quote(text: str) -> str:
    """The beginning of a text in quotation marks, up to 60 characters."""
    line = text.rstrip(".")
    return repr(line if len(line) <= 60 else f"{line[:60].rsplit(' ', 1)[0]} …")


def _fit_negative(words: str, limit: int) -> str:
    """The negative prompt within `limit` tokens: its last wishes go first."""
    listed = [one.strip() for one in " ".join(words.split()).split(",")]
    while limit and len(listed) > 1 and count_tokens(", ".join(listed)) > limit:
        listed.pop()
    return ", ".join(listed)


Slot = Literal["prompt", "subject", "environment", "effects", "light", "still", "camera"]
Name = Literal["plain", "wan", "ltx", "kling"]


class Dialect(NamedTuple):
    """The order of what is said, the slots that are joined into one sentence and by what, and a camera that holds
    still.

    `tail`: extra words come last where somebody acts; where nobody does they come first in every dialect.
    """

    title: str
    order: tuple[Slot, ...]
    joined: tuple[Slot, ...] = ()
    joint: str = ", "
    static: str = "The camera stays still."
    tail: bool = True


DIALECTS: dict[Name, Dialect] = {
    "plain": Dialect("plain sentences", ("subject", "environment", "effects", "light", "still", "camera"), tail=False),
    "wan": Dialect(
        "Wan's order: what moves, then the camera",
        ("subject", "environment", "effects", "light", "still", "camera"),
        static="Static shot, the camera stays still.",
    ),
    "ltx": Dialect(
        "LTX's one paragraph, the action first",
        ("subject", "environment", "effects", "camera", "light", "still"),
        ("subject", "environment"), " while ", "The camera stays still throughout.",
    ),
    "kling": Dialect(
        "Kling's formula: subject and its movement, background and its movement, camera",
        ("subject", "environment", "effects", "camera", "light", "still"),
        ("subject", "environment", "effects"), ", ", "Fixed camera.",
    ),
}  # fmt: skip

FAMILIES: dict[str, Name] = {"wan": "wan", "skyreels": "wan", "helios": "wan", "ltx": "ltx", "ltx2": "ltx"}
"""Which family speaks which; SkyReels V2 and Helios are built on Wan and trained on such captions. The others speak
plainly.
"""

FEWEST_FIRST: tuple[Slot, ...] = ("prompt", "environment", "light", "effects", "still")
"""What is left out first when words have to be: the subject and the camera never are."""


def choose_dialect(card: ModelCard) -> Dialect:
    """The dialect of a card: its own, or its family's."""
    if card.dialect != "auto":
        return DIALECTS[card.dialect]
    return DIALECTS[FAMILIES.get(card.checkpoint.family if card.checkpoint else "", "plain")]


_PART = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]")
ENDS = 2


def count_tokens(text: str) -> int:
    """Tokens, more rather than fewer, the two at the ends included."""
    return ENDS + sum(_count_word(part) for part in _PART.findall(text))


def _count_word(part: str) -> int:
    if part.isascii():
        return 1 if part.lower() in FUNCTION or not part.isalpha() else -(-len(part) // 3)
    return 3 if ord(part) > 0x24F else 2


def list_unsupported(motion: Motion, card: ModelCard) -> tuple[str, ...]:
    """One sentence for each wish that `card` has no way of hearing: the words, then the camera, the effects and the
    rest.
    """
    reads = "prompt" in card.supports
    found: list[str] = []
    if not reads:
        draws = "effects" in card.supports
        says = "won't show {!r}" if draws else "can't be told what moves: {!r} is left to chance"
        found += [f"{card.title} {says.format(one)}." for one in _list_lost(motion, draws)]
        if (
            pick_moving(motion.camera)
            and "camera" not in card.supports
            and not any(move.name in card.cameras for move in motion.camera.moves)
        ):
            found.append(
                f"{card.title} has no camera control: {describe_camera(motion.camera)!r} can't be asked of it."
            )
        if "effects" not in card.supports:
            names = dict.fromkeys(EFFECTS[effect.name].title for effect in motion.effects if effect.amount > 0)
            found += [f"{card.title} has no ambient effects: {name!r} can't be asked of it." for name in names]
    elif any(effect.brush and effect.amount > 0 for effect in motion.effects) and "effects" not in card.supports:
        found.append(f"{card.title} is told in words what moves, not where: what is painted isn't seen.")
    if motion.negative_prompt.strip() and "negative_prompt" not in card.supports:
        found.append(
            f"{card.title} reads no negative prompt: {' '.join(motion.negative_prompt.split())!r} is not passed on."
        )
    if motion.camera.loop and "loop" not in card.supports:
        found.append(f"{card.title} can't be asked to end where it began: the clip will not loop without a seam.")
    return tuple(found)


def _list_lost(motion: Motion, effects: bool) -> list[str]:
    """What the words ask for that isn't done: all that happens, or where effects are drawn, what goes beyond them."""
    said = (
        motion.prompt,
        f"{motion.subject} {motion.action}" if motion.action.strip() else "",
        motion.environment,
        motion.light,
    )
    found: list[str] = []
    for words in said:
        for clause in read_clauses(words):
            if effects:
                found += [" ".join(words[one.start : one.end].split()) for one in find_generative(clause)]
            elif clause.kind in ("action", "environment"):
                found.append(" ".join(clause.text.split()))
    return found
