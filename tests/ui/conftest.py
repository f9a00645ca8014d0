"""One app and one browser for all; every test has a context, and so a memory, of its own."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from studio import presets
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Engine
from studio.preferences import Preferences
from studio.studio import Studio
from tests.fakes import shelf
from tests.fakes.zoom import Zoom

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
CHROMIUM = os.environ.get("STIR_CHROMIUM", "/usr/bin/chromium")
WAIT = 20_000
Find = Callable[[ModelCard, Settings], Engine]


class App:
    """A studio with a page at `url`: a very small engine for the built-in model, and one that pretends to keep all the others."""

    def __init__(self, home: Path, cards: tuple[ModelCard, ...] = shelf.CARDS, find: Find | None = None) -> None:
        from studio.ui.page import build, launch_options

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.zoom, self.shelf = Zoom(), shelf.ShelfEngine(pace=0.02)
        self.studio = Studio(Settings(home, port=port), (*presets.cards(), *cards), find or self.engine)
        self.studio.start()
        self.page = build(self.studio)
        self.page.launch(prevent_thread_lock=True, **launch_options(self.studio))
        self.url = f"http://127.0.0.1:{port}/"

    def engine(self, card: ModelCard, settings: Settings) -> Engine:
        return self.shelf if card.checkpoint else self.zoom

    def close(self) -> None:
        self.page.close(verbose=False)
        self.studio.close()

    def clear(self) -> None:
        """An empty queue and an empty library."""
        for job in self.studio.jobs():
            self.studio.cancel(job.id)
        self.settle()
        self.studio.queue.clear_ended()
        for clip in self.studio.library.find(limit=1000):
            self.studio.library.trash(clip.id)
        self.studio.library.empty_trash()
        self.shelf.close()  # what it was fetching, and what it holds
        self.shelf.fails.clear()
        self.zoom.breaks.clear()
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


@pytest.fixture
def app(served: App) -> App:
    served.clear()
    return served


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; name one with STIR_CHROMIUM")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


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


Open = Callable[..., Page]


@pytest.fixture
def open_page(app: App, browser: Browser) -> Iterator[Open]:
    """Open the page in a context of its own (or in `context`); at the end no page may have misbehaved."""
    watch = Watch(app.url)
    contexts: list[BrowserContext] = []

    def open_one(context: BrowserContext | None = None, **options: object) -> Page:
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})  # pyright: ignore
            context.set_default_timeout(WAIT)
            contexts.append(context)
        page = context.new_page()
        watch.follow(page)
        page.goto(app.url)
        expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert watch.faults == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()
