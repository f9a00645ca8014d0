"""No connection leaves this machine while hosted models are switched off, nor while there is no token: a whole studio in
a process of its own, watched by Python's audit events; and the watch sees one as soon as there is a token.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.config import ROOT

TOKENS = {"REPLICATE_API_TOKEN": "r8_MARKED0123456789abcdefTOKEN", "FAL_KEY": "MARKED0123456789abcdefTOKEN"}


def watch(home: Path, page: str, **more: str) -> dict[str, Any]:
    """What a watched studio told."""
    home.mkdir()
    plain = {name: value for name, value in os.environ.items() if name not in (*TOKENS, "STIR_NO_HOSTED")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakes.watched_studio", str(home), page],
        cwd=ROOT, env=plain | more, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("more", [{"STIR_NO_HOSTED": "1", **TOKENS}, {}], ids=["switched off", "no token"])
def test_nothing_leaves_this_machine(tmp_path: Path, more: dict[str, str]) -> None:
    told = watch(tmp_path / "home", "page", **more)
    assert told["outside"] == []
    assert told["services"] == ([] if more else ["replicate", "fal"])
    assert not more or (told["presses"], told["said"]) == ([], []), "nothing hosted is on the page"
    assert more or {"Kling", "Replicate"} <= set(told["said"])
    assert "queued" not in told["presses"]


def test_the_watch_sees_a_connection_once_there_is_a_token(tmp_path: Path) -> None:
    told = watch(tmp_path / "home", "none", **TOKENS)
    assert told["outside"] == ["api.replicate.com", "queue.fal.run"]
