"""A tile of the gallery plays its motion on the user's own photo, while the pointer or the keyboard rests on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from studio.engines import registry
from tests.ui.conftest import App, Open
from tests.ui.steps import LONG, opened, sample

pytestmark = pytest.mark.ui


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page on the engine that ships, so that what plays is what the motion looks like."""
    app = App(tmp_path_factory.mktemp("tiles") / "home", cards=(), find=registry.make)
    yield app
    app.close()


def test_a_tile_plays_on_the_photo_and_rests_when_left(page: Page) -> None:
    sample(page, "fig.jpg")
    opened(page)
    tile = page.locator(".preset-strip .preset").first
    film = tile.locator("video.foretaste")
    expect(film).to_have_count(0)
    tile.hover()
    expect(film).to_be_visible(timeout=LONG)
    page.wait_for_function(
        "(v => v && v.readyState >= 2 && v.currentTime > 0.1)(document.querySelector('.foretaste'))", timeout=LONG
    )
    page.mouse.move(5, 5)
    expect(film).to_have_count(0)
    page.locator("#all-motions").focus()
    page.keyboard.press("Tab")
    expect(film).to_be_visible(timeout=LONG)
    page.keyboard.press("Tab")
    expect(film).to_have_count(0)


def test_what_only_a_reader_can_do_says_so_and_people_are_not_offered(page: Page) -> None:
    sample(page, "dandelion.jpg")
    opened(page)
    page.wait_for_function("Boolean(Stir.now('photo-words'))", timeout=LONG)
    offered = page.locator(".preset-strip .preset").evaluate_all("all => all.map(one => one.dataset.preset)")
    assert offered and not any(one.startswith("portrait") for one in offered)
    page.locator("#slot-subject").click()
    words = page.locator("[data-suggests='subject']").all_inner_texts()
    assert words and not {"the person", "the woman", "the dog", "the cat"} & set(words)
    page.locator("#all-motions").click()
    tile = page.locator(".presets-sheet [data-preset='portrait-half-a-smile']")
    tile.scroll_into_view_if_needed()
    tile.hover()
    expect(tile.locator(".foretaste-says")).to_have_text("Needs a model that reads words.", timeout=LONG)
    expect(tile.locator("video")).to_have_count(0)


def test_who_wants_less_motion_keeps_the_still(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "play_motion" in (one.post_data or "") else None)
    sample(page, "fig.jpg")
    opened(page)
    page.locator(".preset-strip .preset").first.hover()
    page.evaluate("new Promise(done => setTimeout(done, 600))")
    assert asked == []
    expect(page.locator(".foretaste")).to_have_count(0)
