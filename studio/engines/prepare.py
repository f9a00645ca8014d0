"""A shot prepared for the model that makes it, with the plan of its run: made once and handed on to whatever runs it.

What size, length, rate and steps a plan has is decided in plan.py; which size "auto" is on this machine in
advice/render_time.py.
"""

from __future__ import annotations

from studio.cards import ModelCard, Plan
from studio.clip import formats
from studio.engines.hosted.hosted_plan import plan_hosted
from studio.engines.plan import plan
from studio.motion.read_prompt import add_worded_motion
from studio.nouns import Noun, Shot, Size, Still, replace
from studio.photo import crop
from studio.photo.mend import settle_mends

DRAFT_SIZE: Size = "720p"
"""The largest size that "auto" takes for a draft, which is there to be quick."""


class Prepared(Noun, frozen=True):
    """A shot ready for its model.

    `shot` is what the engine is given: its photo is the mended one, its effects are those its words ask for as well
    where the model reads no words, and a draft is within the model's reach. `plan` is what its run will be, `card` that
    of its maker. `recipe` is the shot as it was asked for: it is queued and kept in the clip, and names the photo with
    the mends to be done.
    """

    shot: Shot
    card: ModelCard
    plan: Plan
    recipe: Shot


def prepare(shot: Shot, card: ModelCard) -> Prepared:
    """A shot prepared for `card`, the card of `shot.maker`. Arithmetic alone, and quick; what is prepared already stays
    as it is.

    Raises `Refusal` for steps, guidance or a choice of a hosted model's own that the card doesn't allow.
    """
    recipe = shot
    if shot.draft:
        shot = adapt(shot, card)
    if "effects" in card.supports and "prompt" not in card.supports:
        shot = replace(shot, motion=add_worded_motion(shot.motion))
    if card.is_built_in and shot.format in formats.TICKS:
        shot = replace(shot, fps=formats.choose_loop_rate(shot.fps))
    shot = settle_mends(shot)
    return Prepared(shot, card, plan_hosted(shot, card) if card.hosted else plan(shot, card), recipe)


def adapt(shot: Shot, card: ModelCard) -> Shot:
    """The shot as `card` tries it out: what it can't be asked is left out, length and rate are brought within its
    reach.
    """
    low, high = card.fps
    short, long = card.seconds
    trained = not card.is_built_in
    known = card.checkpoint.speedups if card.checkpoint else ()
    wants_size = shot.size == "auto" and not trained
    return replace(
        shot, model=card.id, draft="", quality="draft" if trained else "good", steps=None, guidance=None,
        strength=shot.strength if "motion_strength" in card.supports else 0.5,
        end=_end(shot, card), sound=shot.sound or not trained,
        speedups=tuple(one for one in shot.speedups if one in known), may_shrink=shot.may_shrink and trained,
        fps=min(max(shot.fps, low), high) or shot.fps, seconds=min(max(shot.seconds, short), long),
        size=crop.choose_size(crop.count_pixels(settle_mends(shot)), DRAFT_SIZE) if wants_size else shot.size,
    )  # fmt: skip


def _end(shot: Shot, card: ModelCard) -> Still | None:
    """Where the clip ends, as far as `card` can be told: on any photo, or on a second box of the same one."""
    if "end_frame" in card.supports or (
        shot.end and shot.end.photo.id == shot.photo.id and "end_crop" in card.supports
    ):
        return shot.end
    return None
