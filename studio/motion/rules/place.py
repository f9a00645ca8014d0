"""What words can't say of a place: an effect that has to be painted and isn't; and that nothing is said to stay still.

Knows which effects find their place by themselves. Refuses to know the photo.
"""

from __future__ import annotations

from collections.abc import Iterator

from studio.motion.effects import EFFECTS
from studio.motion.rules.base import Asked, Fault
from studio.motion.rules.edits import add
from studio.motion.rules.emptiness import REST_STILL
from studio.nouns import Effect

ELSE_STILL = "Everything else stays still."


def place(asked: Asked) -> Iterator[Fault]:
    """no_region and no_still."""
    lost = [effect for effect in _acted(asked) if needs_brush(effect)]
    if lost:
        titles = " and ".join(dict.fromkeys(EFFECTS[effect.name].title.lower() for effect in lost))
        start, end = _where(asked, lost[0])
        reason = f"Nobody can tell from the words where it happens ({titles}): paint the place on the photo."
        yield Fault("no_region", "hurts", start, end, reason, "Paint where")
    acts = [clause for clause in asked.parsed.clauses if clause.kind == "action"]
    kept = any(clause.kind == "still" or clause.still for clause in asked.parsed.clauses)
    holds = any(move.name == "static" for clause in asked.parsed.clauses for move in clause.moves)
    if acts and not kept and not holds:
        around = any(clause.kind in ("environment", "effect", "light") for clause in asked.parsed.clauses)
        reason = "Nothing is said to stay still: models then let everything move a little."
        yield Fault(
            "no_still", "hint", 0, 0, reason, "Keep the rest still", add(asked.text, ELSE_STILL if around else REST_STILL)
        )


def needs_brush(effect: Effect) -> bool:
    """Whether an effect has no place to happen: it wants painting, and nothing is painted."""
    region = EFFECTS[effect.name].auto if effect.region == "auto" else effect.region
    return effect.amount > 0 and region == "brush" and not effect.brush


def _acted(asked: Asked) -> tuple[Effect, ...]:
    """Effects that want a place: those set beside the words, and the words' own for a card that reads none."""
    card = asked.card
    if card is None:
        return asked.effects
    if "effects" not in card.supports:
        return ()
    return asked.effects if "prompt" in card.supports else (*asked.effects, *_told(asked))


def _told(asked: Asked) -> tuple[Effect, ...]:
    told = {effect.name for effect in asked.effects}
    return tuple(effect for clause in asked.parsed.clauses for effect in clause.effects if effect.name not in told)


def _where(asked: Asked, effect: Effect) -> tuple[int, int]:
    for clause in asked.parsed.clauses:
        if any(one.name == effect.name for one in clause.effects):
            return clause.start, clause.end
    return 0, 0
