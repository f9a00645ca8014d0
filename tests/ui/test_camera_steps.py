"""Moves in sequence in the builder: steps that are added, edited and taken off, in words and back, and kept by a recipe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from studio.motion.compose import plain
from studio.nouns import Camera, Leg, Motion, Move
from tests.ui.conftest import App
from tests.ui.steps import animate, heard, quick, sample, say

pytestmark = pytest.mark.ui
BOTH = Motion(camera=Camera((Move("dolly_in"),), speed="fast", then=(Leg((Move("orbit_left"),)),)))


def pressed(page: Page) -> list[str]:
    return page.locator(".tile[aria-pressed='true']").evaluate_all("all => all.map(one => one.dataset.family)")


def test_words_become_steps_and_steps_become_words(page: Page) -> None:
    say(page, "dolly in fast, then orbit left")
    steps = page.locator(".step .chip")
    expect(steps).to_have_text(["1 Dolly in", "2 Orbit left"])
    assert pressed(page) == ["dolly_in"]
    expect(page.locator(".paces [data-value='fast']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-promise='seen']")).to_have_text("You’ll see: fast push in, then circle left.")
    steps.nth(1).click()
    assert pressed(page) == ["orbit_left"]
    page.locator(".paces [data-value='slow']").click()
    camera = Camera((Move("dolly_in"),), speed="fast", then=(Leg((Move("orbit_left"),), "slow"),))
    expect(page.locator("#prompt")).to_have_value(plain(Motion(camera=camera)))


def test_a_step_is_added_changed_and_taken_off_by_keys(page: Page) -> None:
    heard(page)
    page.locator("#then").focus()
    page.keyboard.press("Enter")
    steps = page.locator(".step .chip")
    expect(steps).to_have_text(["1 Dolly in", "2 Orbit left"])
    expect(steps.nth(1)).to_have_attribute("aria-pressed", "true")
    page.locator(".tile[data-family='tilt_up']").press("Enter")
    expect(page.locator("#prompt")).to_have_value("First the camera pushes in, then it tilts up.")
    for count in (3, 4, 4):
        page.locator("#then").press("Enter")
        expect(steps).to_have_count(count)
    expect(page.locator("#then")).to_have_attribute("aria-disabled", "true")
    for step in (4, 3, 2):
        page.get_by_role("button", name=f"Take step {step} off").press("Enter")
    expect(steps).to_have_count(0)
    expect(page.locator("#then")).to_be_focused()
    expect(page.locator("#prompt")).to_have_value("The camera pushes in.")


def test_the_sequence_is_in_the_clip_and_comes_back_with_its_settings(page: Page, app: App) -> None:
    sample(page)
    quick(page)
    say(page, "dolly in fast, then orbit left")
    animate(page)
    (clip, *_) = app.studio.library.find()
    assert clip.shot.motion.camera == BOTH.camera
    page.locator(".step .ghost").last.click()
    expect(page.locator(".step")).to_have_count(0)
    page.locator("#clip .panel-head [data-value='clip']").click()
    page.locator(".clip-actions").get_by_role("button", name="Use settings").click()
    expect(page.locator(".step .chip")).to_have_text(["1 Dolly in", "2 Orbit left"])


def test_a_lit_tile_says_what_another_press_does_and_does_it(page: Page) -> None:
    tile = page.locator(".tile[data-family='orbit_left']")
    expect(tile).to_have_text("Orbit")
    tile.click()
    expect(tile).to_have_text("Orbit left")
    expect(tile).to_have_accessible_name("Orbit left, press again for orbit right")
    expect(page.locator(".sees")).to_contain_text("press again for orbit right")
    tile.click()
    expect(tile).to_have_text("Orbit right")
    expect(page.locator(".sees")).to_contain_text("press again for orbit left")
    expect(page.get_by_text("Orbit right.", exact=True)).to_have_count(1)  # it is announced
    held = page.locator(".tile[data-family='handheld']")
    held.click()
    expect(held).to_have_accessible_name("Handheld, press again to take it off")
    held.click()
    assert pressed(page) == []
