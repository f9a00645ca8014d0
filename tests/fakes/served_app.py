"""The program itself on a home folder, `python app.py`: begun, asked as its page asks, measured, killed and ended in order."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from studio.config import ROOT

PATIENCE = 120.0
"""Seconds until a start, an answer or an end has to be there; never a measure, only the end of hope."""

USUAL = ("Stir is at ", "Keyboard interruption in main thread... closing server.")
"""What a start and an end in order print."""

GONE = (OSError, http.client.HTTPException)
"""What a question raises whose answer never came: whether the studio has done it isn't known."""


class Refused(Exception):
    """The studio has refused something in its own words."""


class ServedApp:
    """One home folder and the process that serves it, one life after another. Any thread may ask.

    `said` is what all lives have printed on the terminal, besides the line that a start and an end print.
    """

    def __init__(self, home: Path, port: int = 0, command: tuple[str, ...] = (sys.executable, "app.py")) -> None:
        self.home, self.port = home, port or find_port()
        self._command = (*command, "--home", str(home), "--port", str(self.port))
        self._terminal = home.with_name(f"{home.name}.terminal.txt")
        self._process: subprocess.Popen[bytes] | None = None
        self._parts: dict[str, int] = {}

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def said(self) -> list[str]:
        """Lines on the terminal that no quiet run prints."""
        lines = self._terminal.read_text("utf-8", "replace").splitlines() if self._terminal.exists() else []
        return [line for line in lines if line.strip() and not line.startswith(USUAL)]

    def start(self) -> float:
        """Begin a life; seconds until its page's description is answered."""
        began = time.monotonic()
        with self._terminal.open("ab") as terminal:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=terminal, stderr=terminal, env=dict(os.environ))
        while True:
            assert self._process.poll() is None, f"it ended at its start: {self.said[-3:]}"
            assert time.monotonic() - began < PATIENCE, "it never served its page"
            try:
                status, config = self._request("GET", "/config")
            except GONE:
                time.sleep(0.05)
                continue
            if status == 200:
                break
        took = time.monotonic() - began
        parts = json.loads(config)["components"]
        self._parts = {name: one["id"] for one in parts for name in one["props"].get("server_fns") or ()}
        return took

    def kill(self) -> None:
        """kill -9."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End it in an orderly way. Its exit code."""
        assert self._process
        self._process.send_signal(how)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def measure_memory(self) -> float:
        """MB of memory that the process holds."""
        assert self._process
        return psutil.Process(self._process.pid).memory_info().rss / 2**20

    def ask(self, name: str, value: Any) -> Any:
        """What a script of the page asks. Raises `Refused`, and one of GONE when no answer came."""
        asked = {"data": value, "fn_name": name, "component_id": self._parts[name], "session_hash": "day"}
        return _read(*self._request("POST", "/gradio_api/component_server", json.dumps(asked).encode()))

    def call(self, endpoint: str, **values: Any) -> Any:
        """What an endpoint answers, over its event stream. Raises as `ask` does."""
        begun = _read(*self._request("POST", f"/gradio_api/call/v2/{endpoint}", json.dumps(values).encode()))
        _, stream = self._request("GET", f"/gradio_api/call/{endpoint}/{begun['event_id']}")
        events = [part.split("\ndata: ", 1) for part in stream.decode().replace("event: ", "").strip().split("\n\n")]
        if events[-1][0] != "complete":
            raise Refused(events[-1][-1]) if events[-1][0] == "error" else http.client.IncompleteRead(stream)
        return json.loads(events[-1][1])[0]

    def upload(self, data: bytes, name: str) -> str:
        """Upload a file as the page does. The path that the studio gives it."""
        bound = uuid.uuid4().hex
        head = f'--{bound}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{bound}--\r\n".encode()
        return _read(*self._request("POST", "/gradio_api/upload", body, f"multipart/form-data; boundary={bound}"))[0]

    def take_photo(self, data: bytes, name: str) -> str:
        """Upload a photo and have it taken in. Its id."""
        return self.ask("receive_file", {"path": self.upload(data, name), "name": name})["photo"]["id"]

    def break_upload(self, data: bytes) -> None:
        """Send half of a file and go away."""
        head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="half.jpg"\r\n\r\n'
        asked = f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Length: {len(data)}\r\n"
        asked += "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            line.sendall(asked.encode() + head + data[: len(data) // 2])

    def _request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            line.request(method, path, body or None, {"Content-Type": kind} if body else {})
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()


def _read(status: int, body: bytes) -> Any:
    answer = json.loads(body) if status == 200 else None
    refusal = answer.get("refusal") if isinstance(answer, dict) else None
    if status != 200 or refusal:
        raise Refused(f"{status}: {refusal or body[:300]!r}")
    return answer


def find_port() -> int:
    """A port of this computer that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
