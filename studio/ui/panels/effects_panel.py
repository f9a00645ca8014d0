"""Effects: each with its amount, the region of the photo it happens in, and where it counts a direction."""

from __future__ import annotations

from studio.motion.ambient_effects import EFFECTS
from studio.ui.html_part import make_part


class EffectsPanel:
    """One part, whose value is a list of `Effect`."""

    def render(self) -> None:
        """Draw the part."""
        fields = ("name", "title", "sees", "auto", "directed", "upright")
        effects = [{name: getattr(row, name) for name in fields} for row in EFFECTS.values()]
        self.part = make_part("effects_panel", [], effects=effects)
