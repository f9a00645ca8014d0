"""Calls that no page sends, a bounded run by a seed that a failure names; the long one is bench/event_fuzz.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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


ADDRESSES = ("http://stir.invalid/a.jpg", "HTTPS://stir.invalid/a.jpg", "http://127.0.0.1:9/a.jpg", "//stir.invalid/a.jpg")
LOOKS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto")
_looked: list[str] | None = None


def _note(event: str, given: tuple[object, ...]) -> None:
    if _looked is not None and event in LOOKS:
        _looked.append(f"{event} {given[:2]}")


sys.addaudithook(_note)  # Python's own report of what any thread looks up and connects to; it can't be taken back


@contextmanager
def list_looks(own: str) -> Iterator[list[str]]:
    """What is looked up meanwhile, but for the `own` address."""
    global _looked
    _looked = found = []
    yield found
    _looked = None
    found[:] = [one for one in found if own not in one]


def test_no_address_in_a_call_is_looked_up(app: App) -> None:
    calls = OddCalls(app.url, list_questions(app.page), SEED)
    files = [{"path": one, "url": one, "orig_name": "a.jpg", "meta": {"_type": "gradio.FileData"}} for one in ADDRESSES]
    local = [{**one, "path": "/tmp/a.jpg"} for one in files]
    with list_looks(app.url.split(":")[2].strip("/")) as looked:
        for event in app.page.config["dependencies"]:
            count = len(event["inputs"])
            for given in (*ADDRESSES[:1], *files, local[0]):
                about = {"fn_index": event["id"], "session_hash": "look", "event_data": given}
                calls.post("run", "run/predict", {"data": [given] * count, **about})
            session = {"fn_index": event["id"], "session_hash": f"look{event['id']}"}
            if b"event_id" in calls.post("queue/join", "queue/join", {"data": [[files[0]]] * count, **session}):
                calls.ask("queue/data", "GET", f"/gradio_api/queue/data?session_hash={session['session_hash']}")
        for given in (ADDRESSES[0], files[0]):
            calls.post("component_server", "component_server", {"data": given, "fn_name": "receive_file", "component_id": 1})
    assert not calls.faults
    assert looked == []
