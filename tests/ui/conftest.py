"""One app and one browser for all tests; a context is used again, emptied of all that a page has stored in it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, ViewportSize, expect

from studio import presets
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Engine
from studio.preferences import Preferences
from studio.studio import Studio
from tests.fakes import shelf
from tests.fakes.zoom import Zoom

FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required", "--process-per-site",
    "--js-flags=--single-threaded", "--disable-gpu-compositing", "--in-process-gpu",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
"""With few processors and no GPU, V8's helper threads, the GPU's compositor and its process cost more than they bring; the
microphone is Chromium's own, which beeps."""
LEAN, WHOLE = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")
"""Debian's Chromium without windows takes an eighth less of the processor than with them; it plays H.264 as well."""
CHROMIUM = os.environ.get("STIR_CHROMIUM", str(LEAN if LEAN.exists() else WHOLE))
WAIT = 20_000
PACE = 0.05
HELD = 0.3
"""Seconds a frame of a shot whose prompt says "slow"; held is what has to be at work until it has been looked at, and may
then go on with no pace at all."""
STILL_TILES = """{
    const still = new CSSStyleSheet();
    still.replaceSync(".tile :is(.far, .near, .world) { animation-play-state: paused !important; }");
    document.adoptedStyleSheets.push(still);
}"""
"""The pictures on the tiles of the camera stand still: painted sixty times a second without a GPU, they take as much of the
processor as the rest of a page that waits, and no test looks at their movement."""
WINDOW: ViewportSize = {"width": 1440, "height": 900}
Find = Callable[[ModelCard, Settings], Engine]
Look = Literal["light", "dark"] | None
Calm = Literal["reduce"] | None


class App:
    """A studio with a page at `url`: a very small engine for the built-in model, and one that pretends to keep all the others."""

    def __init__(self, home: Path, cards: tuple[ModelCard, ...] = shelf.CARDS, find: Find | None = None, **more: Any) -> None:
        from studio.ui.page import build, launch_options

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.zoom, self.shelf = Zoom(PACE), shelf.ShelfEngine(pace=0.02)
        self.studio = Studio(Settings(home, port=port, **more), (*presets.cards(), *cards), find or self.engine)
        self.studio.start(score=False)  # tests/test_scores.py scores
        self.page = build(self.studio)
        self.page.launch(prevent_thread_lock=True, **launch_options(self.studio))
        self.url = f"http://127.0.0.1:{port}/"

    def engine(self, card: ModelCard, settings: Settings) -> Engine:
        if card.hosted:
            return registry.make(card, settings)
        return self.shelf if card.checkpoint else self.zoom

    def close(self) -> None:
        self.page.close(verbose=False)
        self.studio.close()

    def clear(self) -> None:
        """An empty queue and an empty library."""
        for batch in self.studio.batches.find():
            self.studio.batches.forget(batch.id)
        for job in self.studio.jobs():
            self.studio.cancel(job.id)
        self.settle()
        self.studio.queue.clear_ended()
        for clip in self.studio.library.find(limit=1000):
            self.studio.library.trash(clip.id)
        self.studio.library.empty_trash()
        for comparison in self.studio.comparisons.find():
            self.studio.comparisons.trash(comparison.id)
        self.shelf.close()  # what it was fetching, and what it holds
        self.shelf.fails.clear()
        self.zoom.breaks.clear()
        self.zoom.pace = PACE
        for card in (shelf.AWAY, shelf.GATED):
            self.shelf.delete(card)
        self.studio.models.prefer(Preferences())

    def settle(self) -> None:
        """Wait until nothing runs or waits."""
        gone = threading.Event()
        for _ in range(600):
            if not any(type(job.state).__name__ in ("Queued", "Running") for job in self.studio.jobs()):
                return
            gone.wait(0.05)
        raise AssertionError("the queue did not settle")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("stir") / "home")
    yield app
    app.close()


@pytest.fixture(scope="session")
def owned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page that asks for Anna's name and password, as with --listen."""
    app = App(tmp_path_factory.mktemp("owned") / "home", (), user="anna", password="a long secret")
    yield app
    app.close()


@pytest.fixture
def app(served: App) -> App:
    served.clear()
    return served


class Watch:
    """What a page may not do: log an error, throw, or ask anyone but us."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.faults: list[str] = []

    def follow(self, page: Page) -> None:
        page.on("console", lambda line: line.type == "error" and self.faults.append(f"console: {line.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"thrown: {error}"))
        page.on("request", lambda request: self.asked(request.url))

    def asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"asked: {url}")


class Contexts:
    """Browser contexts by what they are made with, each used by one test after another and emptied in between.

    In each a page stays open that runs nothing: the tests' pages start in its process, which has read and compiled Gradio's
    scripts already. That takes a third of the processor's time that a fresh context takes.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.free: dict[tuple[tuple[str, object], ...], tuple[BrowserContext, Page]] = {}
        self.out: list[tuple[BrowserContext, Page, dict[str, object]]] = []

    def take(self, app: App, **options: object) -> BrowserContext:
        """An empty context: the one that was used before, or a new one if a test wants a second of its kind."""
        context, idle = self.free.pop(tuple(sorted(options.items())), None) or self._make(app, options)
        self.out.append((context, idle, options))
        return context

    def _make(self, app: App, options: dict[str, object]) -> tuple[BrowserContext, Page]:
        context = self.browser.new_context(viewport=WINDOW, **options)  # pyright: ignore
        context.set_default_timeout(WAIT)
        context.add_init_script(STILL_TILES)
        idle = context.new_page()
        idle.goto(f"{app.url}theme.css")
        return context, idle

    def give_back(self, app: App) -> None:
        """Close the pages of all that were taken and forget what they have stored; one of each kind is kept."""
        while self.out:
            context, idle, options = self.out.pop()
            for page in context.pages:
                if page is not idle:
                    page.close()
            key = tuple(sorted(options.items()))
            if key in self.free or not self._empty(app, context, idle):
                context.close()
            else:
                self.free[key] = context, idle

    @staticmethod
    def _empty(app: App, context: BrowserContext, idle: Page) -> bool:
        """Whether all that the app's pages have stored is gone; a context whose process has crashed can't tell."""
        try:
            browser = context.new_cdp_session(idle)
            browser.send("Storage.clearDataForOrigin", {"origin": app.url.rstrip("/"), "storageTypes": "all"})
            browser.detach()
            context.clear_cookies()
            idle.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")  # what its process still holds
        except Error:
            return False
        return True


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    return Contexts(browser)


Open = Callable[..., Page]


@pytest.fixture
def open_page(app: App, contexts: Contexts) -> Iterator[Open]:
    """Open the page in a context that holds nothing; at the end no page may have misbehaved."""
    watch = Watch(app.url)

    def open_one(
        viewport: ViewportSize = WINDOW, color_scheme: Look = None, reduced_motion: Calm = None, **options: object
    ) -> Page:
        page = contexts.take(app, **options).new_page()
        watch.follow(page)
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        page.goto(app.url)
        expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
        return page

    yield open_one
    contexts.give_back(app)
    assert watch.faults == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()
