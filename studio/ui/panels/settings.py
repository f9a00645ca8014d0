"""The settings tab: where things live, what this machine can do and why, and what leaves it."""

from __future__ import annotations

from typing import Any

import msgspec

from studio.studio import Studio
from studio.ui.panels.photo import depth_calls
from studio.ui.parts.part import call, part


class SettingsPanel:
    """Its part asks once, when it is first opened."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        self.part = part(
            "settings", None, calls=[call("ask_facts", dict[str, str], lambda _: self.facts()), *depth_calls(self.studio)]
        )

    def facts(self) -> dict[str, Any]:
        """Places and the machine's choices."""
        settings = self.studio.settings
        places = [
            ("Clips and recipes", str(settings.clips)),
            ("Original photos", str(settings.photos)),
            ("Depth maps", str(settings.depths)),
            ("Database", str(settings.database)),
            ("Cache, safe to delete", str(settings.cache)),
        ]
        return {
            "places": [[name, place] for name, place in places],
            "machine": msgspec.to_builtins(self.studio.machine()),
        }
