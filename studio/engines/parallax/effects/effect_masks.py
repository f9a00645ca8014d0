"""Masks of effects: where in the picture each one happens, found in the scene or painted by hand."""

from __future__ import annotations

from typing import Literal

import numpy as np

from studio.engines.base import Places, Unplaced
from studio.engines.parallax.scene import Areas, Floats, Scene
from studio.motion.ambient_effects import EFFECTS, region_of
from studio.motion.camera_moves import goes
from studio.nouns import Choice, Effect, Refusal, Region, Shot
from studio.photo import brush_mask as masks

LEAST = 0.002
"""A region smaller than this share of the picture is as good as none."""

_COARSE = (160, 160)
"""Pixels at which it is measured how much of a crop was painted."""

_ABSENT: dict[Region, str] = {
    "sky": "there is no sky in this crop", "foliage": "no leaves or grass were found in this crop",
    "subject": "nothing stands out from its background", "background": "nothing lies behind the subject",
}  # fmt: skip
_VAGUE = "what stands out has too soft an edge to part it from its background"


def read_brush(effect: Effect, shot: Shot, size: tuple[int, int]) -> Floats:
    """The brush of an effect over the crop, (h, w) 0..1 at `size` (w, h). Raises `Refusal` when it isn't a picture."""
    mask = masks.decode_brush(effect.brush)
    if mask is None:
        raise Refusal(f"The painted region of {EFFECTS[effect.name].title!r} can't be read.", "Paint it again.")
    return masks.lay_over_crop(mask, shot.crop, size)


def places(shot: Shot, areas: Areas) -> Places:
    """Where the effects of a shot would happen. Raises `Refusal` for a brush that isn't a picture."""
    lost = tuple(found for effect in shot.motion.effects if (found := explain_unplaced(effect, shot, areas)))
    missing = {one.effect for one in lost}
    placed = tuple(effect.name for effect in shot.motion.effects if effect.amount > 0 and effect.name not in missing)
    return Places(placed, lost, goes(shot.motion.camera) or shot.end is not None)


def explain_unplaced(effect: Effect, shot: Shot, areas: Areas) -> Unplaced | None:
    """Why an effect has no place, None where it has one. Raises `Refusal` for a brush that isn't a picture."""
    region = region_of(effect)
    if effect.amount <= 0 or region == "everywhere":
        return None
    if region == "brush":
        if not effect.brush:
            water = effect.name in ("ripple", "flow")
            return _explain(
                effect, "unpainted", "paint where the water is" if water else "paint where it should happen"
            )
        outside = float(read_brush(effect, shot, _COARSE).mean()) < LEAST
        return _explain(effect, "outside", "what was painted lies outside the crop") if outside else None
    if areas.shares[region] >= LEAST:
        return None
    vague = region == "subject" and areas.standing == "vague"
    return _explain(effect, "vague", _VAGUE) if vague else _explain(effect, "absent", _ABSENT[region])


def _explain(effect: Effect, why: Literal["unpainted", "outside", "absent", "vague"], because: str) -> Unplaced:
    yet = " yet" if why == "unpainted" else ""
    says = f"No place for {EFFECTS[effect.name].title.lower()}{yet}: {because}."
    return Unplaced(effect.name, region_of(effect), why, because, says)


def find(effect: Effect, scene: Scene, shot: Shot) -> tuple[Floats, Choice]:
    """Where an effect that has a place happens, (h, w) 0..1 like the scene's disparity, and a word about it."""
    rows, columns = scene.disparity.shape
    title, region = EFFECTS[effect.name].title, region_of(effect)
    if region == "everywhere":
        return np.ones((rows, columns), np.float32), Choice(title, "everywhere", "it is meant for the whole picture")
    mask = read_brush(effect, shot, (columns, rows)) if region == "brush" else scene.masks[region]
    how = "painted by hand" if region == "brush" else "found in the photo"
    return mask.astype(np.float32), Choice(title, region, f"{how}: {float(mask.mean()):.0%} of the picture")


def sheets(effect: Effect, scene: Scene, mask: Floats | None = None) -> frozenset[str]:
    """Which of a scene's layers an effect touches: a region that is behind the subject never moves the subject itself.

    Hair and cloth are the subject's, whatever of it was painted: what is behind them stands still.
    What stands in water that was painted (`mask`, (h, w) 0..1) stands still, unless it is itself what was painted.
    A subject that is a plant belongs to the foliage and bends with it.
    """
    names, region = frozenset(layer.name for layer in scene.layers), region_of(effect)
    if (region == "subject" or effect.name == "hair") and "subject" in names:
        return frozenset({"subject"})
    if region == "brush" and effect.name in ("ripple", "flow") and mask is not None:
        return names if float((mask * scene.masks["subject"]).sum()) > 0.5 * float(mask.sum()) else names - {"subject"}
    if region == "foliage" and _is_plant(scene):
        return names
    if region in ("sky", "foliage", "background"):
        return names - {"subject"}
    return names


def _is_plant(scene: Scene) -> bool:
    """Whether the subject is part of the foliage."""
    subject = scene.masks["subject"] > 0.5
    return bool(subject.any()) and float(scene.masks["foliage"][subject].mean()) > 0.5
