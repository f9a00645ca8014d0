"""A library of ten thousand clips beside one of a hundred: python -m bench large_library [--base BUILD].

Both are served by processes of their own and looked at in one browser, in turns: the page, the library, a search, a sort, the
stars, a scroll, two clips picked and compared; and by the command line and the endpoint of programs. A search includes the fifth
of a second that the page waits for further letters; a scroll ends when cards stand where one looks. STIR_BENCH_CLIPS and
STIR_BENCH_ROUNDS change the numbers. Linux.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.batch import count
from bench.clips import middle, python_path, table, verdict
from bench.open_compare import CHROMIUM, FLAGS
from studio.config import ROOT

FEW, MOST = 100, 1.5

UNTIL = """([act, look]) => new Promise((go) => {
  const begun = performance.now();
  eval(act);
  const seen = () => (eval(look) ? go(performance.now() - begun) : requestAnimationFrame(seen));
  requestAnimationFrame(seen);
})"""
"""Milliseconds from an act until something is so."""

SEARCH = """window.before = document.querySelector('.count').textContent;
const box = document.querySelector('#library-search'); box.value = %r; box.dispatchEvent(new Event('input'));"""
CHANGED = "document.querySelector('.count').textContent !== window.before"
SORT = """window.before = document.querySelector('.card').dataset.card;
const box = document.querySelector(%r); box.value = %r; box.dispatchEvent(new Event('change'));"""
OTHERS = "document.querySelector('.card').dataset.card !== window.before"
GO = "window.scrollTo(0, %s * (document.documentElement.scrollHeight - innerHeight))"
DOWN = "window.scrollBy(0, 3 * innerHeight)"
SHOWN = """[450, 750].every((y) => [0, 40].some((gap) => document.elementFromPoint(400, y + gap)?.closest('.card')))"""
"""Cards in the middle and below; 40 pixels further there is one where there was a gap."""
PICTURES = SHOWN.replace("closest('.card')", "closest('.card')?.querySelector('img').naturalWidth")


@contextmanager
def serve(build: Path, home: Path) -> Generator[str]:
    """The address of a build's page over a home."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, str(build / "app.py"), "--home", str(home), "--port", str(port)]
    with subprocess.Popen(command, cwd=build, stdout=subprocess.DEVNULL) as page:
        for _ in range(600):
            try:
                urllib.request.urlopen(url).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
        page.terminate()


def ask_endpoint(url: str) -> float:
    """Seconds of one call of the endpoint of programs: the newest clips with a word."""
    began = time.perf_counter()
    ask = urllib.request.Request(
        f"{url}gradio_api/call/library",
        json.dumps({"data": ["harbour", 10, 0, 0]}).encode(),  # as many as there are among a hundred
        {"Content-Type": "application/json"},
    )
    event = json.load(urllib.request.urlopen(ask))["event_id"]
    told = urllib.request.urlopen(f"{url}gradio_api/call/library/{event}").read()
    if b"event: complete" not in told:
        raise RuntimeError(told.decode()[:300])
    return time.perf_counter() - began


def list_clips(build: Path, home: Path) -> float:
    """Seconds of one process that lists the newest clips."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "studio", "library", "--home", str(home), "--json"]
    subprocess.run(command, cwd=build, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": python_path(build)})
    return time.perf_counter() - began


def compare_two(page: Page) -> float:
    """Seconds from the press of Compare until the two clips stand side by side."""
    for number in (1, 2):
        page.locator(f".card:nth-child({number}) input").evaluate("one => one.click()")
    look = "document.querySelectorAll('.cell-face').length === 2 && document.querySelector('.cell-face').offsetParent"
    return page.evaluate(UNTIL, ["document.querySelector('#compare-marked').click()", look]) / 1000


def look_around(browser: Browser, url: str) -> dict[str, float]:
    """Seconds of each thing that is done on the page."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    began = time.perf_counter()
    page.goto(url)
    page.locator(".part-photo.ready").wait_for()
    page.locator(".shelf .clip-tile").first.wait_for()
    found = {"the page, with its recent clips": time.perf_counter() - began}

    def take(name: str, act: str, look: str) -> None:
        found[name] = page.evaluate(UNTIL, [act, look]) / 1000
        page.wait_for_timeout(150)

    tab = "[...document.querySelectorAll('#tabs button[role=tab]')].find((one) => one.textContent.trim() === 'Library').click()"
    take("the library opens", tab, "document.querySelector('.card img')?.complete")
    take("a search that finds a tenth", SEARCH % "harbour", CHANGED)
    take("a search that finds a few", SEARCH % "harbour 7 dolly", CHANGED)
    take("all again", SEARCH % "", CHANGED)
    take("sorted by name", SORT % ("#library-sort", "name"), OTHERS)
    take("sorted by rating", SORT % ("#library-sort", "best"), OTHERS)
    take("newest first", SORT % ("#library-sort", "newest"), OTHERS)
    take("four stars or more", SORT % ("#library-stars", "4"), OTHERS)
    take("any stars", SORT % ("#library-stars", "0"), OTHERS)
    take("three screens down", DOWN, SHOWN)
    take("to the end, pictures and all", GO % 1, PICTURES)
    take("to the top again", GO % 0, SHOWN)
    found["two clips picked and compared"] = compare_two(page)
    page.close()
    return found


def measure(build: Path, few: int, many: int, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """The seconds of each thing, from the few and from the many."""
    times: dict[str, tuple[list[float], list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="stir-bench-") as folder, sync_playwright() as play:
        homes = [Path(folder) / "few", Path(folder) / "many"]
        for home, some in zip(homes, (few, many), strict=True):
            script = [sys.executable, "-P", str(ROOT / "bench/builds/fill_library.py"), str(home), str(some)]
            subprocess.run(script, cwd=build, check=True, env=os.environ | {"PYTHONPATH": python_path(build)})
        with serve(build, homes[0]) as one, serve(build, homes[1]) as other:
            browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            for _ in range(rounds):
                for side, (url, home) in enumerate(zip((one, other), homes, strict=True)):
                    ways: dict[str, Callable[[], float]] = {
                        "the endpoint of programs, with a word": lambda url=url: ask_endpoint(url),
                        "library on the command line": lambda home=home: list_clips(build, home),
                    }
                    found = look_around(browser, url) | {name: does() for name, does in ways.items()}
                    for name, took in found.items():
                        times.setdefault(name, ([], []))[side].append(took)
                    print(".", end="", file=sys.stderr, flush=True)
            browser.close()
    return times


def run() -> None:
    """Print the table of this build, and of the older one where `--base` gives one."""
    base = os.environ.get("STIR_BENCH_BASE")
    many, rounds = count("CLIPS", 10_000), count("ROUNDS", 5)
    for name, build in {"this build": ROOT, **({"the older build": Path(base)} if base else {})}.items():
        rows: list[tuple[str, ...]] = []
        times = measure(build, FEW, many, rounds)
        for what, (few, all_of_them) in times.items():
            one, other = middle(few), middle(all_of_them)
            rows.append((what, f"{one * 1000:.0f} ms", f"{other * 1000:.0f} ms", verdict(other / one, MOST)))
        table(
            f"{many} clips beside {FEW}, {name}, medians of {rounds} in turns",
            ("", f"{FEW} clips", f"{many} clips", "of it"),
            rows,
        )
