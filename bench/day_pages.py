"""The browser of the day's run: page loads, and reloads while a job is at work, in a real Chromium."""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.sync_api import Error, Page, expect, sync_playwright

from tests.ui.conftest import CHROMIUM, FLAGS, STILL_TILES

WAIT = 90_000
NETWORK = re.compile(r"net::|Failed to fetch|Failed to load resource|NetworkError|Could not (fetch|connect)")
"""What a page says of a studio that is away."""


class Browser:
    """One browser profile at one studio. `faults` is what its pages logged as errors or threw while the studio was there."""

    def __init__(self, url: str) -> None:
        self.url, self.faults, self.away = url, list[str](), False
        self._play = sync_playwright().start()
        self._chromium = self._play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        self._context = self._chromium.new_context(viewport={"width": 1440, "height": 900})
        self._context.set_default_timeout(WAIT)
        self._context.add_init_script(STILL_TILES)
        self._desk: Page | None = None

    def _open(self) -> Page:
        page = self._context.new_page()
        page.on("console", lambda line: line.type == "error" and self._note(f"console: {line.text[:300]}"))
        page.on("pageerror", lambda error: self._note(f"thrown: {str(error)[:300]}"))
        page.goto(self.url)
        expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
        return page

    def _note(self, fault: str) -> None:
        if not (self.away and NETWORK.search(fault)):
            self.faults.append(fault)

    def load(self) -> float:
        """Open the page in a new tab, look at it and close it. Seconds until it is ready."""
        began = time.perf_counter()
        page = self._open()
        took = time.perf_counter() - began
        page.close()
        return took

    def lay_out(self, photo: Path) -> None:
        """Open the desk's own tab, with a photo on it."""
        self._desk = self._open()
        self._desk.locator("#photo-input").set_input_files(str(photo))
        expect(self._desk.locator(".photo-image")).to_have_attribute("src", re.compile("views"), timeout=WAIT)

    def reload(self, job: str) -> bool:
        """Reload the desk. Whether it shows its photo, and this job or its clip, as before."""
        assert self._desk
        self._desk.reload()
        expect(self._desk.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
        try:
            expect(self._desk.locator(".photo-image")).to_have_attribute("src", re.compile("views"))
            shown = self._desk.locator(f"[data-job='{job}'], [data-clip='{job}']").first
            expect(shown).to_be_attached(timeout=20_000)
        except AssertionError:
            return False
        return True

    def come_back(self) -> None:
        """The studio was away and is there again."""
        assert self._desk
        for _ in range(5):
            try:
                self._desk.goto(self.url)
                break
            except Error:
                self._desk.wait_for_timeout(500)
        expect(self._desk.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
        self.away = False

    def close(self) -> None:
        """End it."""
        self._chromium.close()
        self._play.stop()
