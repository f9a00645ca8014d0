"""The drive of the home folder fills up, is taken out, can only be read: at every stage a person is told what to do, nothing
half made is left, and the next try works once it is over, without a restart.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes import drive


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every fault at every stage, tried once for all tests."""
    said = drive.run("tests.fakes.drive_faults", tmp_path_factory.mktemp("drive"))
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("full", ("full", "filled up", "enough room", "has 0 kB left")),
        ("fills up", ("full", "filled up")),
        ("taken out", ("isn't there any more",)),
        ("read-only", ("can only be read",)),
    ],
)
def test_a_faulty_drive_is_told_and_nothing_is_lost(rows: list[dict[str, Any]], fault: str, words: tuple[str, ...]) -> None:
    tried = [row for row in rows if row["fault"] == fault]
    assert len(tried) > 4
    wrong = [row for row in tried if row["left"] or row["again"] or not any(word in row["told"] for word in words)]
    assert not wrong, "\n".join(map(str, wrong))
