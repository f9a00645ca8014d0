"""Calls that no page sends, a bounded run by a seed that a failure names; the long one is bench/event_fuzz.py."""

from __future__ import annotations

import pytest

from tests.ui.conftest import App
from tests.ui.odd_calls import OddCalls, list_questions

SEED = 4711
CALLS = 120


def test_every_odd_call_is_answered_and_nothing_is_left(app: App, capfd: pytest.CaptureFixture[str]) -> None:
    home, logs = app.studio.settings.home, app.studio.settings.home / "logs" / "stir.log"
    known = logs.read_text().count("ERROR") if logs.is_file() else 0
    questions = list_questions(app.page)
    calls = OddCalls(app.url, questions, SEED)
    calls.prepare()
    capfd.readouterr()
    for name in questions:
        calls.question(name)
    for event in app.page.config["dependencies"]:
        calls.event(event)
    calls.call(CALLS)
    assert not calls.faults, f"seed {SEED}: " + "\n".join(calls.faults[:10])
    assert capfd.readouterr() == ("", ""), f"seed {SEED}"
    assert logs.read_text().count("ERROR") == known, f"seed {SEED}: " + logs.read_text()[-2000:]
    assert [str(left) for left in home.rglob("*") if left.is_file() and "uploads" in left.parts] == []
    ways = {way for way, _ in calls.answers}
    assert {"component_server", "run", "queue/join", "queue/data", "call", "call/v2", "odd body", "get"} <= ways
