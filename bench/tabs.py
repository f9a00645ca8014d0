"""How much tabs that lie open slow the jobs down: 30 clips beside one tab and beside 20: python -m bench tabs [--base BUILD].

A tab is what its script does: a look at the studio every half second with the mark of what it has seen. Tabs here are drawn
by nobody, so that two processors show what the studio itself spends on them: one thread each in a process of their own, over
a connection that stays open. STIR_BENCH_TABS, STIR_BENCH_JOBS and STIR_BENCH_ROUNDS change the numbers. Linux.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import psutil

from bench.batch import count
from bench.clips import middle, python_path, table, verdict
from studio.config import ROOT

MOST = 1.1
TICK = 0.5
SEEN = re.compile(rb'"seen":(\{[^}]*\})')


def find_part(url: str) -> int:
    """The number of the part that watches the studio, as the page's own description says."""
    with urllib.request.urlopen(url + "config") as answer:
        described = json.load(answer)
    return next(one["id"] for one in described["components"] if one["props"].get("elem_id") == "strip")


def keep_looking(port: int, part: int, number: int, until: threading.Event, looks: list[float]) -> None:
    """What the script of one tab does: look, wait half a second after the answer, look again."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    head = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
    seen = b"{}"
    until.wait(TICK * number / 20)  # no two at the same moment
    while not until.is_set():
        ask = b'{"data":%b,"component_id":%d,"fn_name":"watch","session_hash":"tab%d"}' % (seen, part, number)
        began = time.perf_counter()
        line.request("POST", "/gradio_api/component_server", ask, head)
        answer = line.getresponse()
        body = answer.read()
        looks.append(time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"the page answered {answer.status}: {body[:200]!r}")
        if found := SEEN.search(body):
            seen = found.group(1)
        until.wait(TICK)
    line.close()


def watch_page(port: int, tabs: int) -> None:
    """Be so many tabs until a line comes, and print how long their looks took."""
    part, until, looks = find_part(f"http://127.0.0.1:{port}/"), threading.Event(), []
    for number in range(tabs):
        threading.Thread(target=keep_looking, args=(port, part, number, until, looks), daemon=True).start()
    sys.stdin.readline()
    until.set()
    spent = psutil.Process().cpu_times()
    print(json.dumps({"looks": len(looks), "look": middle(looks), "cpu": spent.user + spent.system}), flush=True)


def run_once(build: Path, tabs: int, jobs: int) -> dict[str, float]:
    """The jobs of a build, beside so many tabs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="stir-bench-") as home:
        script = [sys.executable, "-P", str(ROOT / "bench/builds/serve_queue.py"), f"{home}/home", str(port), str(jobs)]
        place = os.environ | {"PYTHONPATH": python_path(build)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(script, cwd=build, env=place, **pipes) as page:  # pyright: ignore
            assert page.stdin and page.stdout
            if page.stdout.readline() != "ready\n":
                raise RuntimeError("the page did not start")
            watcher = [sys.executable, "-c", f"from bench.tabs import watch_page; watch_page({port}, {tabs})"]
            with subprocess.Popen(watcher, cwd=ROOT, **pipes) as watch:  # pyright: ignore
                page.stdin.write("go\n")
                page.stdin.flush()
                found = json.loads(page.stdout.readline())
                looks = json.loads(watch.communicate("stop\n")[0])
    if found["failed"]:
        raise RuntimeError(f"{found['failed']:g} clips were not made")
    return found | {"looks": looks["looks"], "look": looks["look"]}


def run() -> None:
    """Print the table: one tab and many beside the same jobs, this build and the older one, in turns."""
    base = os.environ.get("STIR_BENCH_BASE")
    builds = {"this build": ROOT, **({"the older build": Path(base)} if base else {})}
    tabs, jobs, rounds = count("TABS", 20), count("JOBS", 30), count("ROUNDS", 3)
    found: dict[tuple[str, int], list[dict[str, float]]] = {(name, some): [] for name in builds for some in (1, tabs)}
    for _ in range(rounds):
        for name, some in found:
            found[name, some].append(run_once(builds[name], some, jobs))
            print(".", end="", file=sys.stderr, flush=True)
    rows: list[tuple[str, ...]] = []
    for (name, some), runs in found.items():
        one = found[name, 1]
        seconds, cpu = (middle([run[what] for run in runs]) for what in ("seconds", "cpu"))
        alone, spent = (middle([run[what] for run in one]) for what in ("seconds", "cpu"))
        rows.append((
            name, str(some), f"{seconds:.1f} s", f"{cpu:.1f} s", f"{middle([run['look'] for run in runs]) * 1000:.0f} ms",
            "" if some == 1 else verdict(seconds / alone, MOST), "" if some == 1 else f"{cpu / spent:.2f}",
        ))  # fmt: skip
    head = ("build", "tabs", "time", "processor", "a look", "time, of one tab's", "processor, of one tab's")
    table(f"{jobs} clips of 480p beside tabs, medians of {rounds} in turns", head, rows)
