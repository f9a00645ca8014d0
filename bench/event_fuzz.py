"""Calls that no page sends, by every way into running apps: python -m bench event_fuzz [--seed N] [--calls N].

Two real processes, one with --mcp and one with --shared. Every question of the page, every event, endpoint and tool is asked
with legal values that have one thing wrong somewhere, and with values of any kind (tests/ui/odd_calls.py). A fault is an answer
with a 5xx, one whose words say that something went wrong inside, a stream without an end, or none at all.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.clips import table, verdict
from studio.config import ROOT, Settings
from tests.ui.odd_calls import OddCalls, list_questions

CALLS = 5000
VISITORS_CALLS = 500
SLOWEST = 10.0
"""Seconds that an answer may take on a machine that does nothing else."""


class Running(NamedTuple):
    """An app's process: its address, its home, and what it has written to the terminal."""

    url: str
    home: Path
    terminal: Path


@contextmanager
def run_app(*flags: str, **settings: str) -> Iterator[Running]:
    """An app in a process and a home of its own."""
    folder = Path(tempfile.mkdtemp(prefix="stir-events-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    terminal = folder / "terminal.txt"
    command = [sys.executable, "app.py", "--port", str(port), *flags]
    known = {**os.environ, "STIR_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1", **settings}
    with terminal.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=known, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield Running(f"http://127.0.0.1:{port}/", folder / "home", terminal)
    finally:
        process.terminate()
        process.wait(120)
        shutil.rmtree(folder, ignore_errors=True)


def run(asked: Sequence[str] = ()) -> None:
    """Print what every way was answered. `asked`: --seed N, --calls N."""
    from studio.studio import Studio
    from studio.ui.page import build

    seed = int(_read(asked, "--seed", str(random.SystemRandom().randrange(10**6))))
    count = int(_read(asked, "--calls", str(CALLS)))
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Settings(Path(folder) / "home"))
        questions = list_questions(build(studio))
        studio.close()
    rows: list[tuple[str, ...]] = []
    faults: list[str] = []
    for name, flags, settings, share in (
        ("one user, --mcp", ["--mcp"], {}, count),
        ("visitors, --shared", ["--shared"], {"STIR_PASSWORD": "bench", "STIR_USER": ""}, count * VISITORS_CALLS // CALLS),
    ):
        with run_app(*flags, **settings) as app:
            calls = OddCalls(app.url, questions, seed, _sign_in(app.url) if "--shared" in flags else "")
            calls.prepare()
            said, began = app.terminal.stat().st_size, time.monotonic()
            calls.call(share)
            for _ in range(share // 10 if "--mcp" in flags else 0):
                calls.tool()
            seconds = time.monotonic() - began
            lines = app.terminal.read_bytes()[said:].splitlines()
            faults += [*calls.faults, *(f"terminal: {line!r}" for line in lines)]
            rows.append(_describe(name, calls, app, lines, seconds))
    head = ("app", "calls", "2xx", "4xx", "faults", "lines on the terminal", "faults in the log", "files left", "slowest")
    table(f"Calls that no page sends (seed {seed})", head, rows)
    print("\n".join(["", *faults[:20]]))


def _describe(name: str, calls: OddCalls, app: Running, lines: list[bytes], seconds: float) -> tuple[str, ...]:
    total = calls.answers.total()
    by_kind = [sum(n for (_, status), n in calls.answers.items() if status // 100 == kind) for kind in (2, 4)]
    log = "\n".join(file.read_text() for file in app.home.rglob("stir.log"))
    left = _find_left(app.home)
    for _ in range(600):  # clips that were asked for may still be written
        if not left:
            break
        time.sleep(0.1)
        left = _find_left(app.home)
    return (
        name, f"{total} in {seconds:.0f} s", str(by_kind[0]), str(by_kind[1]), verdict(len(calls.faults), 0),
        verdict(len(lines), 0), verdict(log.count("ERROR"), 0), " ".join([verdict(len(left), 0), *left[:5]]),
        verdict(calls.slowest[0], SLOWEST) + f" s: {calls.slowest[1]}",
    )  # fmt: skip


def _find_left(home: Path) -> list[str]:
    """Uploads that nothing took in, and half-written files, by their names."""
    files = [file for file in home.rglob("*") if file.is_file()]
    return [file.name for file in files if "uploads" in file.parts or file.suffix == ".part"]


def _sign_in(url: str) -> str:
    """A visitor's cookie."""
    line = http.client.HTTPConnection(url.split("/")[2], timeout=30)
    body = "username=bench&password=bench"
    line.request("POST", "/sign-in", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = line.getresponse()
    answer.read()
    return (answer.getheader("set-cookie") or "").partition(";")[0]


def _read(asked: Sequence[str], flag: str, otherwise: str) -> str:
    return asked[asked.index(flag) + 1] if flag in asked[:-1] else otherwise
