"""How soon a comparison of six 720p clips shows itself: the first frame of all of them against single players, in one browser.

A click on a comparison in the list, until every cell shows the first frame of its clip (the small still that stands in a player
before its film has begun, or the film), and until every film has painted; against a click on a clip in the library, until the
one player there has painted, for each of the six, of which the slowest counts. Every round has a browser context of its own.
"""

from __future__ import annotations

import os
import socket
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from bench.clips import PHOTO, table, verdict
from bench.side_by_side import AMOUNTS, MOVES, wait
from studio.comparison import Axis
from studio.config import Settings
from studio.nouns import Shot
from studio.presets import card
from studio.studio import Studio

ROUNDS, MOST = 5, 1.5
CHROMIUM = os.environ.get("STIR_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
TIME = """([press, look]) => new Promise((go) => {
  const begun = performance.now();
  document.querySelector(press).click();
  const seen = () => (eval(look) ? go(performance.now() - begun) : requestAnimationFrame(seen));
  requestAnimationFrame(seen);
})"""
"""Milliseconds from a press until something is so."""

SEEN = """[...document.querySelectorAll('.cell-face')].filter((face) => {
  const first = face.querySelector('.cell-poster');
  return face.classList.contains('open') || (first.complete && first.naturalWidth);
}).length === 6"""
ALL = "document.querySelectorAll('.cell-face.open').length === 6"
ONE = """(() => {
  const film = document.querySelector('.sheet[open] video');
  if (film && !film.watched) (film.watched = true), film.requestVideoFrameCallback(() => (film.painted = true));
  return film?.painted;
})()"""


def open_all(page: Page, look: str) -> float:
    """Seconds until all six are there, as `look` says."""
    page.get_by_role("tab", name="Compare").click()
    page.locator(".comparison-card").hover()  # as a person does who is about to press
    return page.evaluate(TIME, [".comparison-card button", look]) / 1000


def open_each(page: Page) -> float:
    """Seconds until the first frame of the slowest of the six, each in a player of its own."""
    page.get_by_role("tab", name="Library").click()
    page.locator("#library .clip-tile").nth(5).wait_for()
    found = []
    for number in range(6):
        tile = f"#library .card:nth-child({number + 1}) .clip-tile"
        page.locator(tile).hover()  # as a person does who is about to press
        found.append(page.evaluate(TIME, [tile, ONE]) / 1000)
        page.keyboard.press("Escape")
        page.locator(".sheet[open]").wait_for(state="detached")
    return max(found)


OPENS: dict[str, Callable[[Page], float]] = {
    "the slowest of six single players": open_each,
    "the first frame of all six of a comparison": lambda page: open_all(page, SEEN),
    "all six films have begun": lambda page: open_all(page, ALL),
}


def measure(url: str) -> dict[str, list[float]]:
    """The seconds of each way to open, round by round."""
    found: dict[str, list[float]] = {name: [] for name in OPENS}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        for _ in range(ROUNDS):
            for name, opens in OPENS.items():
                page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
                page.goto(url)
                page.locator(".part-photo.ready").wait_for()
                found[name].append(opens(page))
                page.close()
        browser.close()
    return found


def run() -> None:
    """Make six clips, serve them, and print both times."""
    from studio.ui.page import build, launch_options

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with TemporaryDirectory() as folder:
        studio = Studio(Settings(Path(folder) / "home", port=port), (card("parallax"),))
        studio.start()
        shot = Shot(studio.photos.take_in(PHOTO, PHOTO.name), size="720p", seconds=5.0)
        wait(studio, studio.comparisons.start(shot, [Axis("amount", AMOUNTS), Axis("move", MOVES)]))
        page = build(studio)
        page.launch(prevent_thread_lock=True, **launch_options(studio))
        found = measure(f"http://127.0.0.1:{port}/")
        page.close(verbose=False)
        studio.close()
    single, first, _ = found.values()
    share = statistics.median(a / b for a, b in zip(first, single, strict=True))
    said = ("", verdict(share, MOST), "")
    rows = [(name, f"{statistics.median(each):.2f} s", words) for (name, each), words in zip(found.items(), said, strict=True)]
    table("Opening six 720p clips, until the first frame", ("what", "median", f"share, at most {MOST}"), rows)
