"""The camera: every move as a tile, its amount and speed, and moves that follow one another."""

from __future__ import annotations

import msgspec

from studio.motion.camera_moves import MOVES
from studio.nouns import Camera
from studio.ui.html_part import make_part


class CameraPanel:
    """One part, whose value is a `Camera`."""

    def render(self) -> None:
        """Draw the part."""
        moves = [{"name": name, "title": info.title, "sees": info.sees} for name, info in MOVES.items()]
        self.part = make_part("camera_panel", msgspec.to_builtins(Camera()), moves=moves)
