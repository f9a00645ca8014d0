"""A camera move is one row: what names it, says it, shows it and films it comes from there, and nothing else names a move."""

from __future__ import annotations

import re
import subprocess
from typing import get_args

from studio.config import ROOT
from studio.motion.camera_moves import MOVES, STATIC, compile_patterns
from studio.nouns import MoveName
from tests.rows import each_row

PERMITTED = {"studio/nouns.py", "studio/motion/words/camera_moves.toml", "studio/engines/parallax/camera_path.py"}
"""The `MoveName` literal, the row, and the parallax engine's axes where a move goes along a new one."""


def product() -> list[str]:
    """Every file of the product that could name a move; a preset that uses one is no copy of the table."""
    listing = ["git", "ls-files", "studio", "assets", "app.py"]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in found.stdout.splitlines() if name.endswith((".py", ".toml", ".js", ".css", ".html"))]


@each_row("move", get_args(MoveName))
def test_a_move_is_named_in_at_most_three_files(move: MoveName) -> None:
    named = re.compile(rf"(?<!\\w){move}(?!\\w)" if "_" in move else rf"[\"'`]{move}[\"'`]")
    found = {name for name in product() if named.search((ROOT / name).read_text("utf-8"))}
    assert found <= PERMITTED
    assert "studio/motion/words/camera_moves.toml" in found


def test_every_move_has_a_row_and_goes_somewhere_but_the_still_camera() -> None:
    assert set(MOVES) == set(get_args(MoveName))
    assert [name for name, row in MOVES.items() if not row.curve] == [STATIC]


def test_opposites_are_each_other_s_and_go_the_other_way() -> None:
    for name, row in MOVES.items():
        if row.opposite:
            other = MOVES[row.opposite]
            assert other.opposite == name and other.tile == row.tile and other.place == row.place
            assert other.curve.keys() == row.curve.keys() and other.curve != row.curve


def test_a_tile_holds_a_move_or_a_pair_that_its_switch_tells_apart() -> None:
    for tile in {row.tile for row in MOVES.values()}:
        ways = [row.way for row in MOVES.values() if row.tile == tile]
        assert len(ways) == len(set(ways)) <= 2 and (len(ways) == 1 or all(ways))


def test_every_phrase_has_a_turn_of_its_own_and_every_moving_row_has_phrases() -> None:
    for weak in (False, True):
        ranks = [rank for row in MOVES.values() for rank, _ in (row.spoken if weak else row.phrases)]
        assert len(ranks) == len(set(ranks)) == len(compile_patterns(weak))
    assert all(row.phrases or row.spoken for name, row in MOVES.items() if name != STATIC)
