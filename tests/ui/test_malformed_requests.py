"""Requests that no page sends: each is refused with a 4xx, leaves nothing behind, and the page answers as before.

Values are drawn by a seed that a failure names; the guard is tried with harmless input only.
"""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ui.conftest import App

SEED = 4711
VALUES: list[Any] = [
    None, True, -1, 2**31, 2**63, 10**30, 1e308, float("inf"), float("nan"), "", "\x00", "a" * 5000, "../../etc/hosts",
    "\ud800", [], [None] * 50, {}, {"a": {"b": [1, 2]}}, {"id": -1}, "0" * 64,
    {"path": "/etc/hosts", "meta": {"_type": "gradio.FileData"}},
]  # fmt: skip
FIELDS = ["data", "fn_index", "session_hash", "event_id", "fn_name", "component_id", "trigger_id", "event_data", "api_name"]
POSTS = ["run/predict", "api/predict", "queue/join", "component_server", "reset", "cancel", "call/animate", "upload"]
CLOSED = ["/pwa_icon/64", "/monitoring", "/gradio_api/vibe-code", "/gradio_api/dev/reload", "/gradio_api/deep_link",
          "/gradio_api/proxy=http://127.0.0.1/", "/static/" + "a" * 300, "/theme.css%00"]  # fmt: skip
PART = 'Content-Disposition: form-data; name="files"'


class Asker:
    """Asks one app, and keeps what it must not answer."""

    def __init__(self, app: App) -> None:
        self.address = app.url.split("/")[2]
        self.faults: list[str] = []

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> int:
        line = http.client.HTTPConnection(self.address, timeout=20)
        try:
            line.request(method, path, body or None, {"Content-Type": kind} if body else {})
            answer = line.getresponse()
            if answer.status >= 500 or b"Traceback" in answer.read(20_000):
                self.faults.append(f"{answer.status} {method} {path} {body[:300]!r}")
            return answer.status
        finally:
            line.close()

    def post(self, path: str, value: Any) -> int:
        return self.ask("POST", f"/gradio_api/{path}", json.dumps(value).encode())


@pytest.fixture
def asker(app: App, capfd: pytest.CaptureFixture[str]) -> Iterator[Asker]:
    asking = Asker(app)
    yield asking
    assert not asking.faults, f"seed {SEED}: " + "\n".join(asking.faults)
    assert "Traceback" not in capfd.readouterr().err, f"seed {SEED}"
    assert asking.ask("GET", "/config") == 200, "the page answers as before"


def test_no_value_of_an_event_or_a_question_is_a_fault(asker: Asker, app: App) -> None:
    chance = random.Random(SEED)
    for event in app.page.config["dependencies"]:
        for count in (len(event["inputs"]), len(event["inputs"]) + 1, 0):
            data = [chance.choice(VALUES) for _ in range(count)]
            asker.post("run/predict", {"data": data, "fn_index": event["id"], "session_hash": "abc"})
    for part in app.page.config["components"]:
        for name in part["props"].get("server_fns") or ():
            asked = {"fn_name": name, "component_id": part["id"], "session_hash": "abc"}
            for value in chance.sample(VALUES, 2):
                asker.post("component_server", {"data": value, **asked})
    for path in POSTS * 6:
        fields = chance.sample(FIELDS, chance.randint(0, 5))
        asker.post(path, {field: chance.choice(VALUES) for field in fields} if fields else chance.choice(VALUES))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"data=1", "application/x-www-form-urlencoded"), (b'{"data": []}', "text/plain"), (b"\xff\xfe", "application/json"),
        (b'{"data": NaN}', "application/json"), (b"[" * 100_000, "application/json"), (b'{"data": 1e999}', "application/json"),
        (b'{"data": ' + b"9" * 5000 + b"}", "application/json"), (rb'{"data": "\ud800"}', "application/json"),
        (rb'{"data": "a\u0000b"}', "application/json"), (b'{"data": [' + b"0," * 250_000 + b"0]}", "application/json"),
    ],
    ids=["form", "text", "no text", "NaN", "deep", "infinite", "long number", "half a character", "NUL", "many values"],
)  # fmt: skip
def test_a_body_is_json_or_is_refused(asker: Asker, body: bytes, kind: str) -> None:
    for path in ("run/predict", "queue/join", "component_server"):
        assert asker.ask("POST", f"/gradio_api/{path}", body, kind) == 400


def test_an_upload_that_is_none_leaves_nothing(asker: Asker, app: App) -> None:
    kind, folder = "multipart/form-data; boundary=B", app.studio.settings.uploads
    for head in (PART, PART + "; filename*=UTF-8''a.png", "Content-Disposition: form-data; filename=a.png"):
        assert asker.ask("POST", "/gradio_api/upload", f"--B\r\n{head}\r\n\r\nhello\r\n--B--\r\n".encode(), kind) == 400
    two = f'--B\r\n{PART}; filename="a.png"\r\n\r\nhello\r\n--B\r\n{PART}\r\n\r\nfield\r\n--B--\r\n'.encode()
    assert asker.ask("POST", "/gradio_api/upload", two, kind) == 400
    assert asker.ask("POST", "/gradio_api/upload", two, f"multipart/form-data; boundary={'B' * 3000}") == 400
    assert not [left for left in folder.rglob("*") if left.is_file()]


def test_what_the_page_does_not_use_is_closed(asker: Asker) -> None:
    for path in CLOSED:
        assert asker.ask("GET", path) in (403, 404), path
