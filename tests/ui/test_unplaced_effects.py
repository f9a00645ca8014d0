"""An effect that finds no place is said before anything is made, wherever it was asked for, with the brush one press away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from studio.engines import registry
from tests.ui.conftest import App
from tests.ui.steps import LONG, heard, sample, say

pytestmark = pytest.mark.ui


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page on the engine that ships: it is the one that looks for places."""
    app = App(tmp_path_factory.mktemp("places") / "home", cards=(), find=registry.make)
    yield app
    app.close()


def hold_still(page: Page) -> None:
    """Take the camera's moves off."""
    camera = "{ moves: [{ name: 'static', amount: 0.6 }], ease: 'smooth', loop: false, speed: 'normal' }"
    page.evaluate(f"Stir.emit('motion', {{ ...Stir.snapshot().motion, camera: {camera} }})")
    heard(page)


def test_a_chip_says_where_it_finds_no_place_and_leads_to_the_brush(page: Page, app: App) -> None:
    sample(page, "fig.jpg")
    page.locator(".chip[data-effect='clouds']").click()
    said = page.locator(".effect[data-effect='clouds'] .no-place")
    expect(said).to_contain_text("No place for drifting clouds: there is no sky in this crop.", timeout=LONG)
    hold_still(page)
    page.locator("#animate").click()
    expect(page.get_by_text("Nothing would move.").first).to_be_visible(timeout=LONG)
    expect(page.locator(".dock .note-way")).to_have_text("Go to what moves")
    assert app.studio.jobs() == ()
    said.get_by_role("button", name="Paint it").click()
    canvas = page.locator(".brush-canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(said).to_have_count(0, timeout=LONG)


def test_a_sentence_and_a_motion_to_start_from_say_it_alike(page: Page) -> None:
    sample(page, "fig.jpg")
    say(page, "slow push in, clouds drift across the sky")
    said = page.locator("#promise [data-promise='yet']")
    expect(said).to_contain_text("clouds drift across the sky: there is no sky in this crop", timeout=LONG)
    expect(page.locator("#check-state")).not_to_contain_text("Reads well")
    said.get_by_role("button", name="Paint it").click()
    expect(page.locator(".brush-canvas")).to_be_visible()
    expect(page.locator(".chip[data-effect='clouds']")).to_have_attribute("aria-pressed", "true")
    page.locator("#all-motions").click()
    page.locator(".presets-sheet [data-preset='landscape-clouds-cross']").click()
    expect(page.locator(".effect[data-effect='clouds'] .no-place")).to_contain_text("no sky", timeout=LONG)


def test_what_has_a_place_is_not_spoken_of(page: Page) -> None:
    sample(page, "mountains.jpg")
    page.locator(".chip[data-effect='clouds']").click()
    page.wait_for_function("Stir.now('nowhere')?.at !== undefined")
    expect(page.locator(".no-place")).to_have_count(0)
