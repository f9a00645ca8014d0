"""All effects of one shot, as the renderer asks for them: textures, displacements and overlays at a time.

All of it repeats after the clip's length when the shot loops.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from studio.engines.base import Image, require_motion
from studio.engines.parallax.effects import drift, effect_masks, rain_snow, sway
from studio.engines.parallax.effects.cloud_shadow import Shadow
from studio.engines.parallax.effects.compositing import Air, Airborne
from studio.engines.parallax.effects.drift import Drift
from studio.engines.parallax.effects.dust_embers import Dust, Embers
from studio.engines.parallax.effects.focus import Focus
from studio.engines.parallax.effects.fog import Fog
from studio.engines.parallax.effects.glitter import Glitter
from studio.engines.parallax.effects.grain import Grain
from studio.engines.parallax.effects.overlay import Light, Veil
from studio.engines.parallax.effects.particles import View
from studio.engines.parallax.effects.steam import Steam
from studio.engines.parallax.effects.sway import Sway
from studio.engines.parallax.projection import Displacement, Field
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.sheets import Sheet
from studio.motion.ambient_effects import EFFECTS
from studio.nouns import Choice, Effect, EffectName, Shot

_WAVES = {"wind": sway.wind, "hair": sway.hair, "ripple": sway.ripple}
_VEILS: dict[EffectName, type[Light]] = {"light": Light}
_AIRBORNE = {
    "ripple": Glitter, "fog": Fog, "shadow": Shadow, "steam": Steam, "dust": Dust,
    "rain": rain_snow.rain, "snow": rain_snow.snow, "embers": Embers, "grain": Grain,
}  # fmt: skip
"""What is drawn by the pose of the camera, in the order in which it is: light first, what shines over it, grain over
all.
"""

_ORDER = {name: place for place, name in enumerate(_AIRBORNE)}
_COARSE = 4  # grid cells to one of the grid on which veils are laid


class Ambient:
    """The ambient motion of one shot in one scene."""

    def __init__(self, scene: Scene, shot: Shot) -> None:
        """An effect that has no place is left out, and its choice says why.

        Raises `Refusal` when nothing at all would move for want of one, and for a brush that isn't a picture.
        """
        self._size = (scene.disparity.shape[1], scene.disparity.shape[0])
        self._names = tuple(layer.name for layer in scene.layers)
        self._sways: list[Sway] = []
        self._drifts: list[Drift] = []
        self._veils: list[Veil] = []
        self._airborne: list[Airborne] = []
        self._focus: list[Focus] = []
        found = effect_masks.places(shot, scene.measured)
        require_motion(found)
        choices = [Choice(EFFECTS[one.effect].title, "left out", one.says) for one in found.unplaced]
        for index, effect in sorted(enumerate(shot.motion.effects), key=lambda one: _ORDER.get(one[1].name, 0)):
            if effect.amount > 0 and effect.name in found.placed:
                mask, choice = effect_masks.find(effect, scene, shot)
                choices.append(choice)
                self._add(effect, mask, scene, shot, np.random.default_rng((shot.seed, index)))
        self.choices = tuple(choices)

    def _add(self, effect: Effect, mask: Floats, scene: Scene, shot: Shot, rng: np.random.Generator) -> None:
        touched, seconds = effect_masks.sheets(effect, scene, mask), shot.seconds
        if effect.name in _WAVES:
            self._sways.append(Sway(_WAVES[effect.name](mask, scene, effect, seconds, rng), touched))
        if effect.name == "flow":
            self._drifts.append(drift.flow(mask, scene, effect, seconds, rng, touched))
        elif effect.name == "clouds":
            loop = shot.motion.camera.loop
            self._drifts.append(drift.clouds(mask, scene, effect, seconds, rng, names=touched, loop=loop))
        elif effect.name == "focus":
            self._focus.append(Focus(mask, scene, effect, seconds, touched))
        elif effect.name in _AIRBORNE:
            self._airborne.append(_AIRBORNE[effect.name](mask, scene, effect, seconds, rng))
        elif effect.name in _VEILS:
            self._veils.append(_VEILS[effect.name](mask, scene, effect, seconds, rng))

    def __bool__(self) -> bool:
        return bool(self._sways or self._drifts or self._veils or self._focus or self._airborne)

    @property
    def reaches(self) -> dict[str, tuple[float, float]]:
        """How far each layer's border may be carried, in fractions of the frame's width and height."""
        return {name: _add_reaches(part.reach for part in self._list_displacements(name)) for name in self._names}

    def _list_displacements(self, name: str) -> list[Sway | Drift]:
        return [part for part in (*self._sways, *self._drifts) if name in part.sheets]

    def sheet(self, sheet: Sheet, t: float) -> Sheet:
        """The sheet with its texture as it is at time t."""
        for focus in self._focus:
            if sheet.name in focus.sheets:
                sheet = focus.sheet(sheet, t)
        return sheet

    def displace(self, sheet: Sheet, at: Field, t: float) -> Displacement:
        """Where to look for what has moved to `at`; the strongest flow decides where flows overlap."""
        size = (sheet.disparity.shape[1], sheet.disparity.shape[0])
        for one in self._sways:
            if sheet.name in one.sheets:
                at = one.displace(at, size, t)
        drifts = [one for one in self._drifts if sheet.name in one.sheets]
        if not drifts:
            return Displacement(at)
        found = drifts[0].displace(at, size, t)
        for one in drifts[1:]:
            found = _join(at, found, one.displace(at, size, t))
        return found

    def hides(self) -> bool:
        """Whether anything hangs behind the subject."""
        return bool(self._airborne) or any(not one.front for one in self._veils)

    def veil(self, at: Field, t: float, frame: Image, subject: Image | None, view: View) -> None:
        """Lay what hangs in the air over the frame."""
        if not self._veils and not self._airborne:
            return
        size = (-(-at.x.shape[1] // _COARSE), -(-at.x.shape[0] // _COARSE))
        coarse = Field(*(cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in at))
        for one in self._veils:
            one.lay(coarse, self._size, t, frame, None if one.front else subject)
        for thing in self._airborne:
            thing.draw(Air(view, coarse, self._size, t, frame, subject))


def _add_reaches(reaches: Iterable[tuple[float, float]]) -> tuple[float, float]:
    every = list(reaches)
    return sum(x for x, _ in every), sum(y for _, y in every)


def _join(at: Field, one: Displacement, two: Displacement) -> Displacement:
    """Two flows over the same sheet: their ways add up, and the share is that of the one that moves most there."""
    first = Field(one.at.x + two.at.x - at.x, one.at.y + two.at.y - at.y)
    if one.share is None or one.other is None:
        return two._replace(at=first) if two.share is None else _shift(two, at, one.at)
    if two.share is None or two.other is None:
        return _shift(one, at, two.at)
    other = Field(one.other.x + two.other.x - at.x, one.other.y + two.other.y - at.y)
    here = np.hypot(one.at.x - one.other.x, one.at.y - one.other.y) >= np.hypot(
        two.at.x - two.other.x, two.at.y - two.other.y
    )
    return Displacement(first, other, np.where(here, one.share, two.share).astype(np.float32))


def _shift(flowing: Displacement, at: Field, carried: Field) -> Displacement:
    assert flowing.other is not None
    dx, dy = carried.x - at.x, carried.y - at.y
    first = Field(flowing.at.x + dx, flowing.at.y + dy)
    return Displacement(first, Field(flowing.other.x + dx, flowing.other.y + dy), flowing.share)
