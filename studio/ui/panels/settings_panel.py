"""The settings tab: folders, what this machine can do and why, attention kernels, and what the user prefers."""

from __future__ import annotations

from typing import Any

import msgspec

from studio import presets
from studio.photo.crop import SHORT_SIDES
from studio.studio import Studio
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.panels.models_panel import Wish, change_preferences
from studio.ui.panels.photo_panel import make_depth_calls

SIZES = [["auto", "Auto"], *([name, "4K" if name == "2160p" else name] for name in SHORT_SIDES)]
"""Sizes a desk may begin with, and what they are called."""

RATES = [8, 12, 16, 24, 25, 30, 50, 60]
"""Frames a second a desk may begin with."""


class SettingsPanel:
    """Its part asks once, when it is first opened."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("ask_facts", Nothing, lambda _: self.facts()),
            make_call("wish", Wish, lambda wanted: change_preferences(self.studio, wanted)),
            make_call("ask_assistant", Nothing, lambda _: self.studio.assist.state()),
            make_call("list_helpers", Nothing, lambda _: self.studio.assist.list_hosted()),
            *make_depth_calls(self.studio),
        ]
        places = [[one.id, one.title] for one in presets.platforms()]
        cluster = str(self.studio.farm.address) if self.studio.farm else ""
        begins = {"sizes": SIZES, "rates": RATES, "places": places}
        self.part = make_part(
            "settings_panel", None, calls=calls, local=self.studio.settings.is_local, cluster=cluster, **begins
        )

    def facts(self) -> dict[str, Any]:
        """Places, the machine's choices, and what the user prefers."""
        settings = self.studio.settings
        places = [
            ("Clips and recipes", settings.clips),
            ("Original photos", settings.photos),
            ("Depth maps", settings.depths),
            ("Portrait mattes", settings.mattes),
            ("Models", settings.models),
            ("Your model cards", settings.home / "cards"),
            ("Database", settings.database),
            ("Cache, safe to delete", settings.cache),
        ]
        return {
            "places": [[name, str(place)] for name, place in places],
            "machine": msgspec.to_builtins(self.studio.machine(kernels=False)),  # kernels have a table of their own
            "preferences": self.studio.models.preferences(),
        }
