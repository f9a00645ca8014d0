"""What will be seen of a sentence and what won't: as labelled by hand, and nothing that is said is passed over."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from studio import presets
from studio.motion.promise import promise
from studio.motion.read import read

ROWS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "prompts_shown.toml").read_text("utf-8"))["prompt"]
PARALLAX, WAN, SVD, FAST = (presets.card(model) for model in ("parallax", "wan22-ti2v-5b", "svd-xt", "wan22-i2v-a14b-fast"))
FEW = {"and", "as", "while", "then", "the", "a"}


def bare(words: str) -> str:
    """Words without those that join or name nothing."""
    return " ".join(one for one in words.lower().split() if one not in FEW)


def wrong(row: dict[str, Any]) -> dict[str, object]:
    """Where a sentence is judged otherwise than it is labelled."""
    told = promise(read(row["text"]), PARALLAX, row["text"])
    found: dict[str, object] = {}
    if [bare(one.words) for one in told.unseen] != [bare(one) for one in row.get("wont", [])]:
        found["wont"] = [(one.words, one.why) for one in told.unseen]
    if list(told.kept) != row.get("kept", []):
        found["kept"] = told.kept
    missing = [one for one in row.get("seen", []) if not any(bare(one) in bare(seen) for seen in told.seen)]
    return {**found, "missing": missing, "seen": told.seen} if missing else found


@pytest.mark.parametrize("held", [False, True], ids=["tuned", "held"])
def test_what_is_shown_is_as_labelled(held: bool) -> None:
    rows = [row for row in ROWS if row.get("held", False) == held]
    mistakes = {row["text"]: found for row in rows if (found := wrong(row))}
    assert len(mistakes) <= (0.1 if held else 0.02) * len(rows), mistakes


def test_the_labelled_set_is_broad_enough() -> None:
    labelled = [words for row in ROWS for words in (*row.get("wont", ()), *row.get("kept", ()), *row.get("seen", ()))]
    assert len(labelled) >= 120
    assert len({row["text"] for row in ROWS}) == len(ROWS)
