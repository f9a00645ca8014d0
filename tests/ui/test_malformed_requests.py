"""Requests that no page sends: each is refused with a 4xx, leaves nothing behind, and the page answers as before.

Calls of values that no page sends: test_odd_calls.py. The guard is tried with harmless input only.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from tests.ui.conftest import App
from tests.ui.test_byte_ranges import ask

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


@pytest.fixture
def asker(app: App, capfd: pytest.CaptureFixture[str]) -> Iterator[Asker]:
    asking = Asker(app)
    yield asking
    assert not asking.faults, "\n".join(asking.faults)
    assert "Traceback" not in capfd.readouterr().err
    assert asking.ask("GET", "/config") == 200, "the page answers as before"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"data=1", "application/x-www-form-urlencoded"), (b'{"data": []}', "text/plain"), (b"\xff\xfe", "application/json"),
        (b'{"data": NaN}', "application/json"), (b"[" * 100_000, "application/json"), (b'{"data": 1e999}', "application/json"),
        (b'{"data": ' + b"9" * 5000 + b"}", "application/json"), (rb'{"data": "\ud800"}', "application/json"),
        (rb'{"data": "a\u0000b"}', "application/json"), (b'{"data": [' + b"0," * 60_000 + b"0]}", "application/json"),
        (b'["data"]', "application/json"),
    ],
    ids=["form", "text", "no text", "NaN", "deep", "infinite", "long number", "half a character", "NUL", "many values", "list"],
)  # fmt: skip
def test_a_body_is_json_or_is_refused(asker: Asker, body: bytes, kind: str) -> None:
    for path in ("run/predict", "queue/join", "component_server"):
        assert asker.ask("POST", f"/gradio_api/{path}", body, kind) == 400


FILE = PART + '; filename="a.png"'
TRICKS = {
    "a field": f"--B\r\n{PART}\r\n\r\nhello\r\n--B--\r\n",
    "an extended name": f"--B\r\n{PART}; filename*=UTF-8''a.png\r\n\r\nhello\r\n--B--\r\n",
    "no name": "--B\r\nContent-Disposition: form-data; filename=a.png\r\n\r\nhello\r\n--B--\r\n",
    "another name": f"--B\r\n{FILE.replace('files', 'others')}\r\n\r\nhello\r\n--B--\r\n",
    "a file and a field": f"--B\r\n{FILE}\r\n\r\nhello\r\n--B\r\n{PART}\r\n\r\nfield\r\n--B--\r\n",
    "no end": f"--B\r\n{FILE}\r\n\r\nhello",
    "no part": "--B--\r\n",
    "nothing": "",
    "another boundary": f"--C\r\n{FILE}\r\n\r\nhello\r\n--C--\r\n",
    "a long header": f"--B\r\nX: {'a' * 20_000}\r\n\r\nhello\r\n--B--\r\n",
    "hundreds of files": f"--B\r\n{FILE}\r\n\r\nhello\r\n" * 150 + "--B--\r\n",
    "a file and a half": f"--B\r\n{FILE}\r\n\r\nhello\r\n" * 2,
    "a file and another name": f"--B\r\n{FILE}\r\n\r\nhello\r\n--B\r\n{FILE.replace('files', 'more')}\r\n\r\nhello\r\n--B--\r\n",
    "thousands of fields": f"--B\r\n{PART}\r\n\r\nhello\r\n" * 1500 + "--B--\r\n",
}


def test_an_upload_that_is_none_leaves_nothing(asker: Asker, app: App) -> None:
    kind, folder = "multipart/form-data; boundary=B", app.studio.settings.uploads
    before = sorted(folder.rglob("*"))
    for name, body in TRICKS.items():
        assert asker.ask("POST", "/gradio_api/upload", body.encode(), kind) in (400, 413), name
    for wrong in ("B" * 3000, "", "B\u00e9", "C; boundary=B", "B; charset=utf-16"):
        assert (
            asker.ask("POST", "/gradio_api/upload", TRICKS["a field"].encode(), f"multipart/form-data; boundary={wrong}") == 400
        )
    assert (
        asker.ask("POST", "/gradio_api/upload", TRICKS["a field"].encode(), f"{kind.partition(';')[0]}; charset=x; boundary=B")
        == 400
    )
    assert sorted(folder.rglob("*")) == before, "nor an empty folder"


def test_a_text_in_an_upload_is_refused_before_it_is_read(app: App) -> None:
    """Its form says that 100 MB come; the answer is there before they are."""
    with socket.create_connection(("127.0.0.1", app.studio.settings.port), timeout=20) as line:
        kind = "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 100000000\r\n\r\n"
        line.sendall(f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}--B\r\n{PART}\r\n\r\nhello".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("headers", ["Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("asked", ["POST /gradio_api/queue/join", "POST /login", "DELETE /gradio_api/mcp/", "GET /config"])
def test_a_body_in_chunks_has_no_end_and_is_not_read(owned: App, asked: str, headers: str) -> None:
    with socket.create_connection(("127.0.0.1", owned.studio.settings.port), timeout=20) as line:
        line.sendall(f"{asked} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n5\r\nhello\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 411 ")


def test_what_fits_no_route_is_not_sent_back(app: App) -> None:
    words = "a text that somebody sent " * 20
    got = ask(app.url, "/gradio_api/run/predict", "POST", json.dumps({"data": words}), Content_Type="application/json")
    assert got.status == 422 and b"somebody" not in got.body
    lines = (app.studio.settings.home / "logs/stir.log").read_text("utf-8").splitlines()
    assert "'/gradio_api/run/predict': refused with 422" in lines[-1]


def test_what_the_page_does_not_use_is_closed(asker: Asker) -> None:
    for path in CLOSED:
        assert asker.ask("GET", path) in (403, 404), path
