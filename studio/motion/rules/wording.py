"""Words that a model misreads: what shall not be, which names it all the same, and lettering that is asked to change.

Knows negators and words for lettering. Refuses to know the negative prompt's whole text: it says what to add to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.motion.rules.base import Asked, Fault
from studio.motion.rules.edits import cut, swap
from studio.motion.rules.emptiness import PUSH_IN

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


def negations(asked: Asked) -> Iterator[Fault]:
    """negative_words: a model that reads "no blur" has read "blur"; what shall not be belongs into the negative prompt.

    The guides of models that take a negative prompt say so (Wan, LTX and Kling keep it in a field of its own).
    """
    spans = list(_negated(asked.low))
    for group in _joined(asked.low, spans):
        start, end = group[0][0], group[-1][1]
        yield _denied(asked, start, end, [asked.text[first:last].strip() for _, _, first, last in group])


def _negated(low: str) -> Iterator[tuple[int, int, int, int]]:
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


def _joined(low: str, spans: list[tuple[int, int, int, int]]) -> Iterator[list[tuple[int, int, int, int]]]:
    """Negations with nothing but a comma between them, together."""
    group: list[tuple[int, int, int, int]] = []
    for span in spans:
        if group and low[group[-1][1] : span[0]].strip(" ,;.&"):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _denied(asked: Asked, start: int, end: int, things: list[str]) -> Fault:
    word = asked.low[start:end].split()[0]
    wanted = re.match(r"(?:do\s+not|don[’']?t)\s+want\s+(.+?)\s+to\s+(?:move|change|stir)\b", asked.low[start:end])
    if wanted:
        things = [f"move {asked.text[start + wanted.start(1) : start + wanted.end(1)]}"]
    if wanted or re.match(r"does|must|should", asked.low[start:end]):
        start = next((clause.start for clause in asked.parsed.clauses if clause.start <= start < clause.end), start)
    frozen = re.match(rf"(?:ever\s+)?(?:{_FREEZE})\s+(.+)$", things[0], re.I) if len(things) == 1 else None
    if frozen and not re.match(r"no\b|without\b|free\b|zero\b", asked.low[start:end]):
        thing = re.sub(r"\s+(?:move|open|change|close|blink|deform|warp|morph|be\s+\w+)$", "", frozen[1].strip(), flags=re.I)
        words = f"{thing} stays still" if asked.low[start:end].find("move") >= 0 else f"{thing} stays as it is"
        reason = f"Models tend to overlook “{word}”: say what stays instead."
        return Fault("negative_words", "hurts", start, end, reason, f"Say “{words}”", swap(asked.text, start, end, words))
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


def lettering(asked: Asked) -> Iterator[Fault]:
    """text_changes: no image-to-video model writes letters; those it makes are garbled, and those it moves warp."""
    for clause in _CLAUSE.finditer(asked.low):
        if _NOT.search(clause.group()):
            continue
        span = _asked_of_text(asked.low, clause.start(), clause.end())
        if span:
            yield _relettered(asked, span, clause.end())
            return


def _asked_of_text(low: str, start: int, end: int) -> tuple[int, int] | None:
    for head in _HEAD.finditer(low, start, end):
        turn = _TURN.search(low, head.end(), end)
        if turn and not _OF.search(low[start : head.start()]):
            return head.start(), turn.end()
    made = _MADE.search(low, start, end)
    return made.span() if made else None


def _relettered(asked: Asked, span: tuple[int, int], end: int) -> Fault:
    reason = "Letters that a model draws come out garbled: leave lettering as it is and put words on top of the finished clip."
    fixed = cut(asked.text, span[0], end) or PUSH_IN
    return Fault("text_changes", "hurts", *span, reason, "Leave the lettering as it is", fixed)
