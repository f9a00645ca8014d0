"""What of a motion a model cannot obey, each in one sentence.

Knows cards and motions. Refuses to know remedies: `advice` picks another model, `lint` another sentence.
"""

from __future__ import annotations

from studio.cards import ModelCard
from studio.motion.beyond import beyond
from studio.motion.camera import describe
from studio.motion.effects import EFFECTS
from studio.motion.sentences import moving
from studio.motion.sort import clauses
from studio.nouns import Motion


def notes(motion: Motion, card: ModelCard) -> tuple[str, ...]:
    """One sentence for each wish that `card` has no way of hearing: the words, then the camera, the effects and the rest."""
    reads = "prompt" in card.supports
    found: list[str] = []
    if not reads:
        draws = "effects" in card.supports
        says = "won't show {!r}" if draws else "can't be told what moves: {!r} is left to chance"
        found += [f"{card.title} {says.format(one)}." for one in _lost(motion, draws)]
        if (
            moving(motion.camera)
            and "camera" not in card.supports
            and not any(move.name in card.cameras for move in motion.camera.moves)
        ):
            found.append(f"{card.title} has no camera control: {describe(motion.camera)!r} can't be asked of it.")
        if "effects" not in card.supports:
            names = dict.fromkeys(EFFECTS[effect.name].title for effect in motion.effects if effect.amount > 0)
            found += [f"{card.title} has no ambient effects: {name!r} can't be asked of it." for name in names]
    elif any(effect.brush and effect.amount > 0 for effect in motion.effects) and "effects" not in card.supports:
        found.append(f"{card.title} is told in words what moves, not where: what is painted isn't seen.")
    if motion.negative_prompt.strip() and "negative_prompt" not in card.supports:
        found.append(f"{card.title} reads no negative prompt: {' '.join(motion.negative_prompt.split())!r} is not passed on.")
    if motion.camera.loop and "loop" not in card.supports:
        found.append(f"{card.title} can't be asked to end where it began: the clip will not loop without a seam.")
    return tuple(found)


def _lost(motion: Motion, effects: bool) -> list[str]:
    """What the words ask for that isn't done: all that happens, or where effects are drawn, what goes beyond them."""
    said = (motion.prompt, f"{motion.subject} {motion.action}" if motion.action.strip() else "", motion.environment, motion.light)
    found: list[str] = []
    for words in said:
        for clause in clauses(words):
            if effects:
                found += [" ".join(words[one.start : one.end].split()) for one in beyond(clause)]
            elif clause.kind in ("action", "environment"):
                found.append(" ".join(clause.text.split()))
    return found
