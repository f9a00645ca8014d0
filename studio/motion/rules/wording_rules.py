"""Prompt check of wording and amount: negations, changing lettering, too many actions, too many tokens, no region."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from studio.motion.ambient_effects import EFFECTS, needs_brush
from studio.motion.camera_moves import STATIC
from studio.motion.clause_split import lower_words, split_words
from studio.motion.compose import count_tokens, plain
from studio.motion.read_prompt import Clause
from studio.motion.rules.empty_prompts import PUSH_IN, REST_STILL
from studio.motion.rules.faults import CheckedPrompt, Fault, add, cut, swap
from studio.motion.syntax import begins_action, has_action
from studio.nouns import Effect

_FREEZE = r"change|changes|changing|move|let|deform|alter|touch|distort|warp|morph|modify|shift|bend|melt|blur"
_NEGATION = re.compile(
    r"(?P<lead>(?:please\s+|there\s+(?:should|must)\s+be\s+|and\s+|but\s+|with\s+)*)"
    r"(?P<word>\b(?:no|not|without(?:\s+any)?|avoid(?:ing)?|never|don[’']?t|do\s+not|doesn[’']?t|does\s+not|"
    r"(?:should|must)(?:\s+not|n[’']?t)|free\s+of|zero)\b)"
    r"\s+(?P<rest>[^,.;:!?\n]+)"
)
_MEANT = re.compile(  # what sounds like a negation and says something that can be shown
    r"no\.?\s*\d|no\s+one\b|(?:no|without)\s+(?:any\s+)?(?:(?:camera|body|other|head)\s+)?(?:move(?:ment)?s?|motion)\b|"
    r"no\s+(?:wind|breeze)\b|not\s+(?:a\s+breath|only|yet|far|quite|too|just|moving|moved?)\b|without\s+(?:\w+ing)\b|"
    r"(?:(?:does|must|should)(?:\s+not|n[’']?t))\s+(?:move|stir|budge|change)\b|(?:do\s+not|don[’']?t|never)\s+(?:move|moves|stir|stirs|budge|change|changes)\b\s*(?:$|[,.;:!?]|at\s+all)|"
    r"(?:do\s+not|don[’']?t|never)\s+move\s+(?:the\s+)?camera|never\s+(?:stop|leav|los|ceas)"
)
_ADDED = re.compile(r"^(?:add|show|include|put|draw|generate|insert)\s+(?:(?:any|more|extra|an?|the)\s+)*(?=\w)", re.I)
_END = re.compile(r"\s+(?:while|as|and\s+the\s+camera|then|camera)\b")

_TEXT = (
    r"(?:text|letters|lettering|words|logo|label|signs?|caption|subtitles?|title(?:\s+text)?|slogan|headline|price(?:\s+tag)?|numbers|"
    r"typography|brand\s+name|inscription|billboard|writing|tagline|watermark)"
)
_TURNS = (
    r"(?:changes?|changing|morphs?|morphing|appears?|appearing|disappears?|vanish(?:es)?|turns?\s+into|turning\s+into|becomes?|becoming|"
    r"transforms?|switch(?:es)?|writes?|spells?|rearranges?|rearranging|forms?|fades?\s+(?:in|out)|fading\s+(?:in|out)|dissolves?|"
    r"counts?\s+(?:down|up)|rewrites?|animates?|scrambles?|scrolls?|types?|updates?|flips?\s+to|swaps?|scales?|bounces?|"
    r"spins?|rotates?|falls?\s+(?:off|apart|down)|flies|fly|melts?|burns?|explodes?|assembles?|reads?\s+something)"
)
_HEAD = re.compile(rf"\b(?:(?:the|a|an|its|our|her|his|their|neon|shop|street)\s+)*\b(?P<noun>{_TEXT})\b(?!-)")
_OF = re.compile(
    r"\b(?:with|of|near|beside|under|behind|past|on|at|from|through|towards?|around|by|in|onto|into|above|over|to|reading)\s+$"
)
_TURN = re.compile(rf"\b{_TURNS}\b")
_MADE = re.compile(
    rf"\b(?:change|changes|add|adds|adding|write|writes|spell|spells|form|forms|forming|turn|turns|become|becomes|morph|morphs|"
    rf"replace|replaces|animate|rewrite|rewrites|insert|generate|type|types)\b[^,.;:!?\n]{{0,40}}?\b{_TEXT}\b"
)
_NOT = re.compile(r"\b(?:not?|never|without|avoid)\b|n[’']t\b")
_CLAUSE = re.compile(r"[^,.;:!?\n]*")


def check_negations(asked: CheckedPrompt) -> Iterator[Fault]:
    """negative_words: a model that reads "no blur" has read "blur"; what shall not be belongs into the negative prompt.

    The guides of models that take a negative prompt say so (Wan, LTX and Kling keep it in a field of its own).
    """
    spans = list(_find_negations(asked.low))
    for group in _group_negations(asked.low, spans):
        start, end = group[0][0], group[-1][1]
        yield _fault_negation(asked, start, end, [asked.text[first:last].strip() for _, _, first, last in group])


def _find_negations(low: str) -> Iterator[tuple[int, int, int, int]]:
    """Each negation: its span with what leads up to it, and the span of what it denies."""
    place = 0
    while found := _NEGATION.search(low, place):
        if _MEANT.match(low, found.start("word")):
            place = found.end("word")
            continue
        shorter = _END.search(low, found.start("rest"), found.end("rest"))
        end = shorter.start() if shorter else found.end("rest")
        yield found.start("lead") if found["lead"] else found.start("word"), end, found.start("rest"), end
        place = end


def _group_negations(low: str, spans: list[tuple[int, int, int, int]]) -> Iterator[list[tuple[int, int, int, int]]]:
    """Negations with nothing but a comma between them, together."""
    group: list[tuple[int, int, int, int]] = []
    for span in spans:
        if group and low[group[-1][1] : span[0]].strip(" ,;.&"):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _fault_negation(asked: CheckedPrompt, start: int, end: int, things: list[str]) -> Fault:
    word = asked.low[start:end].split()[0]
    wanted = re.match(r"(?:do\s+not|don[’']?t)\s+want\s+(.+?)\s+to\s+(?:move|change|stir)\b", asked.low[start:end])
    if wanted:
        things = [f"move {asked.text[start + wanted.start(1) : start + wanted.end(1)]}"]
    if wanted or re.match(r"does|must|should", asked.low[start:end]):
        start = next((clause.start for clause in asked.parsed.clauses if clause.start <= start < clause.end), start)
    frozen = re.match(rf"(?:ever\s+)?(?:{_FREEZE})\s+(.+)$", things[0], re.I) if len(things) == 1 else None
    if frozen and not re.match(r"no\b|without\b|free\b|zero\b", asked.low[start:end]):
        thing = re.sub(
            r"\s+(?:move|open|change|close|blink|deform|warp|morph|be\s+\w+)$", "", frozen[1].strip(), flags=re.I
        )
        words = f"{thing} stays still" if asked.low[start:end].find("move") >= 0 else f"{thing} stays as it is"
        reason = f"Models tend to overlook “{word}”: say what stays instead."
        return Fault(
            "negative_words", "hurts", start, end, reason, f"Say “{words}”", swap(asked.text, start, end, words)
        )
    things = [_ADDED.sub("", thing) for thing in things]
    denied = " and ".join(f"“{thing}”" for thing in things)
    reads = asked.card is None or "negative_prompt" in asked.card.supports
    where = (
        "the negative prompt is the place for it"
        if reads or not asked.card
        else f"{asked.card.title} reads no negative prompt either"
    )
    reason = f"A model that is told what not to show reads {denied} all the same: {where}."
    label = "Move to the negative prompt" if reads else "Leave it out"
    fixed = cut(asked.text, start, end) or PUSH_IN
    return Fault("negative_words", "hurts", start, end, reason, label, fixed, ", ".join(things) if reads else "")


def check_lettering(asked: CheckedPrompt) -> Iterator[Fault]:
    """text_changes: no image-to-video model writes letters; those it makes are garbled, and those it moves warp."""
    for clause in _CLAUSE.finditer(asked.low):
        if _NOT.search(clause.group()):
            continue
        span = _find_lettering(asked.low, clause.start(), clause.end())
        if span:
            yield _fault_lettering(asked, span, clause.end())
            return


def _find_lettering(low: str, start: int, end: int) -> tuple[int, int] | None:
    for head in _HEAD.finditer(low, start, end):
        turn = _TURN.search(low, head.end(), end)
        if turn and not _OF.search(low[start : head.start()]):
            return head.start(), turn.end()
    made = _MADE.search(low, start, end)
    return made.span() if made else None


def _fault_lettering(asked: CheckedPrompt, span: tuple[int, int], end: int) -> Fault:
    reason = (
        "Letters that a model draws come out garbled: "
        "leave lettering as it is and put words on top of the finished clip."
    )
    fixed = cut(asked.text, span[0], end) or PUSH_IN
    return Fault("text_changes", "hurts", *span, reason, "Leave the lettering as it is", fixed)


SECONDS_PER_ACTION = 2.0
"""The least an action takes. Prompt guides for clips of 5 s ask for one main action, two at most, and give each 2 to 3
s (those for Runway, Kling and Seedance among them); this is the short end, so that only what can't fit is found."""

_THEN = re.compile(r"\s*,?\s*\b(?:and\s+then|and|then|before|after\s+which|finally)\b\s*")
_DROPPED = (("description", "other"), ("environment",), ("light",), ("effect",), ("still",), ("action",), ("still",))
"""What is left out first when words have to be; the order is that of `compose.FEWEST_FIRST`."""


def check_load(asked: CheckedPrompt) -> Iterator[Fault]:
    """too_many_actions and too_long."""
    yield from _find_too_many(asked)
    yield from _find_too_long(asked)


def list_actions(asked: CheckedPrompt) -> list[tuple[int, int]]:
    """Where each action is said, in order: what subjects do one after another, and the camera's moves after the first
    where they go together; what follows one another has a rule of its own too (`short_legs`).

    What moves by itself (water, leaves, clouds) goes on all the time and doesn't count.
    """
    found: list[tuple[int, int]] = []
    before: Clause | None = None
    for clause in asked.parsed.clauses:
        if clause.kind == "action" or (clause.kind == "description" and _is_another_action(clause, before)):
            found += _find_actions(asked.text, clause)
        before = clause
    moves = [
        (clause.start, clause.end)
        for clause in asked.parsed.clauses
        if any(move.name != STATIC for move in clause.moves)
    ]
    return sorted(found + moves[1:])


def _is_another_action(clause: Clause, before: Clause | None) -> bool:
    """Whether words that the reader took for a description are one more action of a list: "…, locks it, buys a paper,
    …".
    """
    return begins_action(
        lower_words(clause.text), listed=before is not None and before.kind in ("action", "description")
    )


def _find_actions(text: str, clause: Clause) -> Iterator[tuple[int, int]]:
    """The actions of a clause: "jumps and falls to her knees" is two."""
    start, low = clause.start, text.lower()
    joints = [found.span() for found in _THEN.finditer(low, clause.start, clause.end) if found.start() > clause.start]
    for stop, after in joints:
        following = lower_words(text[after : clause.end])
        if begins_action(following, listed=True) and has_action(lower_words(text[start:stop])):
            yield start, stop
            start = after
    yield start, clause.end


def _find_too_many(asked: CheckedPrompt) -> Iterator[Fault]:
    found, fit = list_actions(asked), max(1, math.ceil(asked.seconds / SECONDS_PER_ACTION))
    if len(found) <= fit:
        return
    fixed = asked.text
    for start, end in reversed(found[fit:]):
        fixed = cut(fixed, start, end)
    fits = "one fits" if fit == 1 else f"{fit} fit"
    reason = f"{len(found)} things happen in {asked.seconds:g} s; about {fits}, at two to three seconds each."
    label = "Keep the first" if fit == 1 else f"Keep the first {fit}"
    yield Fault("too_many_actions", "hurts", found[fit][0], found[-1][1], reason, label, fixed)


def _find_too_long(asked: CheckedPrompt) -> Iterator[Fault]:
    limit = (
        asked.card.checkpoint.text_tokens
        if asked.card and asked.card.checkpoint and "prompt" in asked.card.supports
        else 0
    )
    if not limit or count_tokens(asked.text) * 2 < limit:
        return
    spoken = count_tokens(plain(asked.parsed.motion))
    if spoken > limit and asked.card:
        reason = f"{asked.card.title} reads about {limit} tokens and this takes about {spoken}: the end is not read."
        kept, left = _shorten(asked, limit - (spoken - count_tokens(asked.text)))
        label = f"Leave out {left} parts" if left > 1 else "Leave out one part"
        yield Fault(
            "too_long",
            "hurts",
            _find_token_limit(asked.text, limit),
            len(asked.text.rstrip(" .\n")),
            reason,
            label,
            kept,
        )


def _find_token_limit(text: str, limit: int) -> int:
    """Where in the text the tokens run out."""
    return next((word.start for word in split_words(text) if count_tokens(text[: word.end]) > limit), len(text))


def _shorten(asked: CheckedPrompt, limit: int) -> tuple[str, int]:
    """The text without its least important clauses, so that it takes `limit` tokens, and how many went; "" when it
    can't be.

    The first of what stays still and the first action are kept.
    """
    text, left = asked.text, 0
    gone: list[Clause] = []
    for round_, kinds in enumerate(_DROPPED):
        own = [clause for clause in asked.parsed.clauses if clause.kind in kinds]
        last = round_ == len(_DROPPED) - 1
        for clause in reversed(own[1:] if kinds[0] in ("still", "action") and not last else own):
            if clause in gone:
                continue
            gone.append(clause)
            text, left = asked.text, len(gone)
            for one in sorted(gone, key=lambda each: -each.start):
                text = cut(text, one.start, one.end)
            if count_tokens(text) <= limit:
                return text, left
    return "", left


ELSE_STILL = "Everything else stays still."


def check_place(asked: CheckedPrompt) -> Iterator[Fault]:
    """no_region and no_still."""
    lost = [effect for effect in _list_unplaced(asked) if effect.amount > 0 and needs_brush(effect)]
    if lost:
        titles = " and ".join(dict.fromkeys(EFFECTS[effect.name].title.lower() for effect in lost))
        start, end = _find_words(asked, lost[0])
        reason = f"Nobody can tell from the words where it happens ({titles}): paint the place on the photo."
        yield Fault("no_region", "hurts", start, end, reason, "Paint where")
    acts = [clause for clause in asked.parsed.clauses if clause.kind == "action"]
    kept = any(clause.kind == "still" or clause.still for clause in asked.parsed.clauses)
    holds = any(move.name == STATIC for clause in asked.parsed.clauses for move in clause.moves)
    if acts and not kept and not holds:
        around = any(clause.kind in ("environment", "effect", "light") for clause in asked.parsed.clauses)
        reason = "Nothing is said to stay still: models then let everything move a little."
        yield Fault(
            "no_still",
            "hint",
            0,
            0,
            reason,
            "Keep the rest still",
            add(asked.text, ELSE_STILL if around else REST_STILL),
        )


def _list_unplaced(asked: CheckedPrompt) -> tuple[Effect, ...]:
    """Effects that want a place: those set beside the words, and the words' own for a card that reads none."""
    card = asked.card
    if card is None:
        return asked.effects
    if "effects" not in card.supports:
        return ()
    return asked.effects if "prompt" in card.supports else (*asked.effects, *_find_worded(asked))


def _find_worded(asked: CheckedPrompt) -> tuple[Effect, ...]:
    told = {effect.name for effect in asked.effects}
    return tuple(effect for clause in asked.parsed.clauses for effect in clause.effects if effect.name not in told)


def _find_words(asked: CheckedPrompt, effect: Effect) -> tuple[int, int]:
    for clause in asked.parsed.clauses:
        if any(one.name == effect.name for one in clause.effects):
            return clause.start, clause.end
    return 0, 0
