"""The camera: every move as a tile, its amount and speed, and moves that follow one another."""

from __future__ import annotations

from typing import Any

import msgspec

from studio.motion.camera_moves import MOVES, STATIC, CameraMove, has_circle, is_shaken
from studio.nouns import Camera
from studio.ui.html_part import make_part


class CameraPanel:
    """One part, whose value is a `Camera`."""

    def render(self) -> None:
        """Draw the part."""
        moves = [_to_props(row) for row in sorted(MOVES.values(), key=lambda row: row.place)]
        self.part = make_part("camera_panel", msgspec.to_builtins(Camera()), moves=moves)


def _to_props(row: CameraMove) -> dict[str, Any]:
    """What the page is told of a move: its tile, and what its little scene shows."""
    shown = {name: getattr(row, name) for name in ("name", "title", "sees", "tile", "way", "scene", "mark")}
    return {**shown, "stands": row.name == STATIC, "circles": has_circle(row.name), "shaken": is_shaken(row.name)}
