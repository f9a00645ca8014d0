"""What a shot becomes for the model that makes it: mended, its words acted on where nobody reads them, and tried out as a draft.

Knows which wishes a card has no use for, and which rates a GIF or WebP keeps. Refuses to choose the model and to touch pixels.
"""

from __future__ import annotations

from studio.cards import ModelCard
from studio.clip import formats
from studio.motion.read_prompt import enacted
from studio.nouns import Shot, Size, Still, replace
from studio.photo import crop
from studio.photo.mend import settled

DRAFT_SIZE: Size = "720p"
"""The largest size that "auto" takes for a draft, which is there to be quick."""


def asked(shot: Shot, card: ModelCard) -> Shot:
    """The shot as its maker is given it: `card` is that of `shot.maker`. What the clip's recipe keeps is the shot as it was."""
    if shot.draft:
        shot = drawn(shot, card)
    if "effects" in card.supports and "prompt" not in card.supports:
        shot = replace(shot, motion=enacted(shot.motion))
    if card.checkpoint is None and shot.format in formats.TICKS:
        shot = replace(shot, fps=formats.loop_rate(shot.fps))
    return settled(shot)


def drawn(shot: Shot, card: ModelCard) -> Shot:
    """The shot as `card` tries it out: what it can't be asked is left out, length and rate are brought within its reach."""
    low, high = card.fps
    short, long = card.seconds
    trained = card.checkpoint is not None
    known = card.checkpoint.speedups if card.checkpoint else ()
    return replace(
        shot, model=card.id, draft="", quality="draft" if trained else "good", steps=None, guidance=None,
        strength=shot.strength if "motion_strength" in card.supports else 0.5,
        end=_end(shot, card), sound=shot.sound or not trained,
        speedups=tuple(one for one in shot.speedups if one in known), may_shrink=shot.may_shrink and trained,
        fps=min(max(shot.fps, low), high), seconds=min(max(shot.seconds, short), long),
        size=crop.automatic(crop.pixels(settled(shot)), DRAFT_SIZE) if shot.size == "auto" and not trained else shot.size,
    )  # fmt: skip


def _end(shot: Shot, card: ModelCard) -> Still | None:
    """Where the clip ends, as far as `card` can be told: on any photo, or on a second box of the same one."""
    if "end_frame" in card.supports or (shot.end and shot.end.photo.id == shot.photo.id and "end_crop" in card.supports):
        return shot.end
    return None
