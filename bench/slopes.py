"""How the studio's memory grows over days: python -m bench slopes [--base BUILD], an older build's figures beside this one's.

The real app in a process of its own, asked over HTTP as its page asks: clips (240p, 16 frames) of one photo and of eleven in
turn, each with its draft, plan and places and looked at until it is done; and pages that are opened and left, as by a crawler
or a phone that sleeps: what a page asks when it opens, an event, and one call to the queue whose answer nobody fetches. MB is
resident memory of the app's process; the slope is that of a line through the readings after the first fifth, which loads
libraries. Builds take turns. STIR_BENCH_CLIPS and STIR_BENCH_LOADS shorten it.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.clips import scratch, table, unseen
from studio.config import ROOT

CLIPS, LOADS = 500, 2_000
MOST_CLIP, MOST_LOAD = 0.05, 0.02
"""The goal: MB a clip, MB a page load."""

SHORTEST = {"size": "240p", "seconds": 1.0, "fps": 16}
ALBUM = 11
READINGS = 50
WAIT, PATIENCE = 120, 3.0
"""Seconds an answer may take; and that a connection lies idle before it is opened anew."""


class App:
    """A build's app in a process of its own, with an empty home."""

    def __init__(self, build: Path, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        home.mkdir(parents=True)
        place = os.environ | {"STIR_HOME": str(home), "PYTHONPATH": str(build)}
        command = [sys.executable, str(build / "app.py"), "--port", str(self.port)]
        with (home / "terminal").open("wb") as terminal:
            self._process = subprocess.Popen(command, cwd=build, env=place, stdout=terminal, stderr=terminal)
        self._memory = psutil.Process(self._process.pid)
        until = time.monotonic() + WAIT
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                self._process.kill()
                raise RuntimeError((home / "terminal").read_text("utf-8"))
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=5).request("GET", "/config")
        except OSError:
            return False
        return True

    def measure(self) -> float:
        """Resident memory, MB."""
        return self._memory.memory_info().rss / 1e6

    def close(self) -> None:
        """Stop it as Ctrl+C does."""
        self._process.terminate()
        self._process.wait(WAIT)


class Page:
    """A page of the app with a session of its own, as far as the server sees it."""

    def __init__(self, port: int, config: dict[str, Any] | None = None) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
        self._session, self._used = uuid.uuid4().hex[:11], time.monotonic()
        self._send("/")
        self.config: dict[str, Any] = config or json.loads(self._send("/config"))
        parts = [one for one in self.config["components"] if one["type"] == "html"]
        self._parts = {one["props"]["elem_id"]: one["id"] for one in parts}
        self._names = {number: name for name, number in self._parts.items()}

    def close(self) -> None:
        """Go without a word."""
        self._line.close()

    def ask(self, part: str, name: str, data: Any) -> Any:
        """A question of a part's script."""
        asked = {"data": data, "component_id": self._parts[part], "fn_name": name, "session_hash": self._session}
        return json.loads(self._send("/gradio_api/component_server/", json.dumps(asked).encode()))

    def tell(self, part: str, event: str, desk: dict[str, Any]) -> Any:
        """An event of a part, with the desk's values; what its listener answers."""
        number, found = next(
            (at, one) for at, one in enumerate(self.config["dependencies"]) if [self._parts[part], event] in one["targets"]
        )
        data = [desk.get(self._names[one]) for one in found["inputs"]]
        sent = {"data": data, "fn_index": found.get("id", number), "session_hash": self._session}
        return json.loads(self._send("/gradio_api/run/predict", json.dumps(sent).encode()))["data"][0]

    def call(self, name: str, data: list[Any]) -> str:
        """A call to a public endpoint by the queue, whose answer isn't fetched: the id of its event."""
        number = next(one["id"] for one in self.config["dependencies"] if one["api_name"] == name)
        sent = {"data": data, "fn_index": number, "session_hash": self._session}
        return json.loads(self._send("/gradio_api/queue/join", json.dumps(sent).encode()))["event_id"]

    def upload(self, file: Path) -> str:
        """A file sent to the app: where it lies there."""
        head = f'--B\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'
        body = head.encode() + file.read_bytes() + b"\r\n--B--\r\n"
        return json.loads(self._send("/gradio_api/upload", body, "multipart/form-data; boundary=B"))[0]

    def _send(self, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """The answer to a POST, or to a GET where there is no body. The server hangs up after five idle seconds."""
        if time.monotonic() - self._used > PATIENCE:
            self._line.close()
        self._line.request("POST" if body else "GET", path, body, {"Content-Type": kind} if body else {})
        answer = self._line.getresponse()
        text = answer.read()
        self._used = time.monotonic()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {path}: {text[:300]!r}")
        return text


class Desk:
    """A page at whose desk clips are made, one after the other, of photos in turn."""

    def __init__(self, port: int, photos: int) -> None:
        self.page, self._made = Page(port), 0
        files = [unseen(number) for number in range(photos)]
        self._photos = [self._take(file) for file in files]
        self._output = self._find_value("output") | SHORTEST
        self._seen: dict[str, Any] = {}

    def _find_value(self, part: str) -> dict[str, Any]:
        components = self.page.config["components"]
        return next(one["props"]["value"] for one in components if one["props"].get("elem_id") == part)

    def _take(self, file: Path) -> str:
        path = self.page.upload(file)
        return self.page.ask("photo", "receive_file", {"path": path, "name": file.name})["photo"]["id"]

    def make_clip(self) -> None:
        """One clip as the page has it made: looked at as a draft, planned, queued, watched, played."""
        self._made += 1
        photo = self._photos[self._made % len(self._photos)]
        frame = {"photo": photo, "crop": {"x": 0, "y": 0, "w": 1, "h": 1, "aspect": "photo"}}
        output = self._output | {"seed": self._made}
        desk = {"photo": frame, "output": output, "camera": {"moves": [{"name": "dolly_in", "amount": 0.6}]}}
        for part, event in (("draft", "draft"), ("places", "places"), ("output", "plan"), ("output", "why")):
            self.page.tell(part, event, desk)
        named = {"frame": frame, "output": output, "camera": desk["camera"]}
        jobs = self.page.ask("output", "animate", {"press": uuid.uuid4().hex, "desk": named})
        if not jobs.get("jobs"):
            raise RuntimeError(f"the clip wasn't queued: {jobs}")
        while (self._watch(jobs["jobs"][0])) not in ("done", "failed"):
            time.sleep(0.1)

    def _watch(self, job: str) -> str:
        found = self.page.ask("strip", "watch", self._seen)
        if not found:
            return ""
        self._seen = found["seen"]
        return next((one["state"] for one in found["board"]["jobs"] if one["id"] == job), "done")


def open_and_leave(port: int, config: dict[str, Any]) -> None:
    """A page load whose visitor goes at once."""
    page = Page(port, config)
    page.ask("strip", "watch", {})
    page.tell("output", "plan", {})
    page.call("library", ["", 1, 0, 0])
    page.close()


def measure_slopes(builds: dict[str, Path], what: str, times: int) -> dict[str, tuple[float, float]]:
    """What each build's app grows by, MB each time something is done, after the first fifth; and what it holds at the end."""
    homes = {name: scratch(f"slopes-{what}-{name.replace(' ', '-')}") for name in builds}
    apps = {name: App(build, homes[name]) for name, build in builds.items()}
    every = max(times // READINGS, 1)
    readings: dict[str, list[tuple[int, float]]] = {name: [] for name in builds}
    try:
        works = {name: prepare_work(app.port, what) for name, app in apps.items()}
        for done in range(1, times + 1):
            for name, app in apps.items():
                works[name]()
                if done % every == 0 and done >= times / 5:
                    readings[name].append((done, app.measure()))
    finally:
        for app in apps.values():
            app.close()
    return {name: (float(np.polyfit(*np.array(found).T, 1)[0]), found[-1][1]) for name, found in readings.items()}


def prepare_work(port: int, what: str) -> Callable[[], None]:
    """What is done again and again with an app: a clip, or a page load."""
    if what == "loads":
        config = Page(port).config
        return lambda: open_and_leave(port, config)
    return Desk(port, ALBUM if what == "album" else 1).make_clip


def run() -> None:
    """Print the table: this build, and the older one beside it where `--base` gives one."""
    base = os.environ.get("STIR_BENCH_BASE")
    builds = {"this build": ROOT, **({"the older build": Path(base)} if base else {})}
    clips = int(os.environ.get("STIR_BENCH_CLIPS", CLIPS))
    loads = int(os.environ.get("STIR_BENCH_LOADS", LOADS))
    what = {
        "clips": (f"{clips} clips of one photo", clips, MOST_CLIP),
        "album": (f"{clips} clips of {ALBUM} photos", clips, MOST_CLIP),
        "loads": (f"{loads} page loads", loads, MOST_LOAD),
    }  # fmt: skip
    for kind in os.environ.get("STIR_BENCH_SLOPES", " ".join(what)).split():
        title, times, most = what[kind]
        rows: list[tuple[str, ...]] = []
        for name, (slope, held) in measure_slopes(builds, kind, times).items():
            within = f" ({'within' if slope <= most else 'over'} {most:g})" if name == "this build" else ""
            rows.append((name, f"{held:.0f} MB", f"{slope:.3f} MB{within}"))
        table(f"Memory over days: {title}", ("build", "held at the end", "grown by each"), rows)
