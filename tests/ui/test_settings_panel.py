"""Settings: what a new desk begins with, and what is asked only where there is something to ask."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio import presets
from studio.config import Settings
from studio.engines.parallax import depth_anything
from studio.nouns import Refusal
from studio.preferences import Preferences, preferences
from studio.studio import Studio
from studio.ui.panels.models_panel import Wish, change_preferences
from tests.fakes import tiny_depth
from tests.fakes.zoom import Zoom
from tests.ui.conftest import App, Open
from tests.ui.steps import sample

pytestmark = pytest.mark.ui


def open_settings(page: Page) -> None:
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#default-size")).to_be_visible()


def kept(app: App, **wanted: object) -> bool:
    now = app.studio.models.preferences()
    return all(getattr(now, name) == value for name, value in wanted.items())


def test_a_new_desk_begins_with_the_defaults(page: Page, app: App, open_page: Open) -> None:
    open_settings(page)
    page.locator("#default-size").select_option("480p")
    page.locator("#default-fps").select_option("30")
    page.get_by_role("tab", name="Create").click()
    expect(page.locator("#size")).to_have_value("480p")  # nothing was changed on this desk: it follows
    expect(page.locator("#fps")).to_have_value("30")
    assert kept(app, size="480p", fps=30)
    new = open_page()
    expect(new.locator("#size")).to_have_value("480p")
    expect(new.locator("#fps")).to_have_value("30")


def test_what_is_changed_on_the_desk_holds_until_it_is_put_back(page: Page, app: App) -> None:
    page.locator("#size").select_option("360p")
    open_settings(page)
    page.locator("#default-size").select_option("480p")
    page.locator("#default-fps").select_option("30")
    page.get_by_role("tab", name="Create").click()
    expect(page.locator("#fps")).to_have_value("30")
    expect(page.locator("#size")).to_have_value("360p")
    page.reload()
    expect(page.locator("#size")).to_have_value("360p")
    open_settings(page)
    expect(page.locator("#default-size")).to_have_value("480p")
    page.locator("#use-defaults").click()
    page.get_by_role("tab", name="Create").click()
    expect(page.locator("#size")).to_have_value("480p")


def test_a_new_desk_is_made_for_the_place_that_settings_say(page: Page, app: App, open_page: Open) -> None:
    open_settings(page)
    page.locator("#default-place").select_option("reels")
    page.locator("#default-size").select_option("480p")
    new = open_page()
    sample(new)
    expect(new.locator("#size")).to_have_value("auto")  # the place brings its own size and rate
    expect(new.locator("#fps")).to_have_value("30")
    new.wait_for_function("(box => box.width < box.height)(document.querySelector('.crop-box').getBoundingClientRect())")
    new.locator("#size").select_option("720p")
    new.reload()
    expect(new.locator("#size")).to_have_value("720p")  # changed here, for this browser
    open_settings(new)
    new.locator("#use-defaults").click()
    new.get_by_role("tab", name="Create").click()
    expect(new.locator("#size")).to_have_value("auto")
    assert kept(app, place="reels", size="480p")


def test_the_look_of_settings_is_for_every_browser(page: Page, app: App, open_page: Open) -> None:
    open_settings(page)
    page.locator("#settings .segments [data-value='dark']").click()
    expect(page.locator("html")).to_have_attribute("data-look", "darkroom")
    new = open_page(color_scheme="light")
    expect(new.locator("html")).to_have_attribute("data-look", "darkroom")
    new.locator("#look").click()  # from darkroom to lightbox, for this browser
    expect(new.locator("html")).to_have_attribute("data-look", "lightbox")
    new.reload()
    expect(new.locator("html")).to_have_attribute("data-look", "lightbox")
    assert kept(app, look="dark")


def test_attention_kernels_are_asked_about_only_where_there_is_a_gpu(page: Page, browser, tmp_path: Path) -> None:
    open_settings(page)
    expect(page.locator("#kernels")).to_be_visible()  # the stand-in has a GPU
    bare = App(tmp_path / "home", cards=(), find=lambda card, settings: Zoom())
    try:
        context = browser.new_context()
        other = context.new_page()
        other.goto(bare.url)
        open_settings(other)
        places = other.locator("#settings .places dt")
        expect(places.first).to_be_visible()
        expect(other.locator("#kernels")).to_be_hidden()
        context.close()
    finally:
        bare.close()


def test_a_wish_that_means_nothing_is_refused(tmp_path: Path) -> None:
    studio = Studio(Settings(tmp_path / "home"))
    with pytest.raises(Refusal, match="no place called 'moon'") as refused:
        change_preferences(studio, Wish(place="moon"))
    assert presets.platforms()[0].id in refused.value.remedy
    with pytest.raises(Refusal):
        change_preferences(studio, Wish(fps=1000))
    assert change_preferences(studio, Wish(place="reels")).place == "reels"
    assert change_preferences(studio, Wish(place="")).place == ""
    studio.close()


def test_preferences_of_an_older_stir_are_read(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.preferences.write_text('{"idle_minutes": 5}')
    assert preferences(settings) == Preferences(idle_minutes=5)


def test_a_depth_network_that_is_here_can_be_downloaded_again(app: App, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files may be damaged. When that fails too, what is here is still said to be here."""
    file = depth_anything.folder(app.studio.settings) / depth_anything.PUBLISHED.file.path
    file.parent.mkdir(parents=True)
    file.write_bytes(tiny_depth.made())
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        page = open_page()
        open_settings(page)
        part = page.locator("#settings .depth-model")
        expect(part).to_contain_text("Depth Anything V2 is here")
        part.get_by_role("button", name="Download again, 27 MB").click()
        expect(page.get_by_text("can't be reached")).to_be_visible()
        expect(part).to_contain_text("Depth Anything V2 is here")
        expect(part.locator(".depth-download")).to_be_enabled()
    file.unlink()
    page.reload()
    open_settings(page)
    expect(part.get_by_role("button", name="Download, 27 MB")).to_be_visible()
