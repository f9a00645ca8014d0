"""The line under the sentence: what will be seen and what won't, its presses, and a tick only for what fully happens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.shelf import READY
from tests.ui.steps import heard, sample, say

pytestmark = pytest.mark.ui
BOTH = "camera slowly pushes in, cars moving, leaves rustle"


def name_what_is_seen(page: Page) -> None:
    """What will be seen and what will not is named, and there is no tick."""
    say(page, BOTH)
    expect(page.locator("[data-promise='seen']")).to_have_text("You\u2019ll see: slow push in, leaves rustle.")
    expect(page.locator("[data-promise='wont']")).to_contain_text("You won\u2019t: cars moving")
    expect(page.locator("#check-state")).to_have_attribute("data-well", "false")
    expect(page.locator("#check-state svg")).to_have_count(0)
    assert page.locator(".sentence mark.unshown").all_inner_texts() == ["cars moving"]
    say(page, "camera slowly pushes in, leaves rustle")
    expect(page.locator("#check-state[data-well='true']")).to_have_text("Reads well")
    expect(page.locator("[data-promise='wont']")).to_have_count(0)


def strike(page: Page) -> None:
    """One press strikes what will not be seen."""
    say(page, BOTH)
    page.locator("[data-promise-press='strike']").click()
    expect(page.locator("#prompt")).to_have_value("camera slowly pushes in, leaves rustle")
    heard(page)
    expect(page.locator("#check-state[data-well='true']")).to_have_text("Reads well")
    page.keyboard.press("Control+z")
    expect(page.locator("#prompt")).to_have_value(BOTH)


def take_model(page: Page) -> None:
    """One press takes a model that can."""
    say(page, BOTH)
    use = page.locator("[data-promise-press='model']")
    expect(use).to_have_text(f"Use {READY.title}")
    use.click()
    expect(page.locator("[data-promise='seen']")).to_have_text(f"{READY.title} is told all of it.")
    expect(page.locator("[data-promise='wont']")).to_have_count(0)
    expect(page.locator("#prompt")).to_have_value(BOTH)


def paint(page: Page) -> None:
    """What waits for a place is painted with one press."""
    sample(page)
    say(page, "camera pushes in, waves roll in")
    expect(page.locator("[data-promise='yet']")).to_contain_text("Not yet: waves roll in")
    page.locator("[data-promise-press='paint']").click()
    expect(page.locator(".brush-canvas")).to_be_visible()


def keep_described(page: Page) -> None:
    """What is described stays as it is, and says so."""
    say(page, "a red car on a road, camera pushes in")
    expect(page.locator("[data-promise='kept']")).to_have_text("As in the photo: a red car on a road.")
    expect(page.locator("#check-state")).to_have_attribute("data-well", "true")


def test_what_will_be_seen_is_named_and_what_will_not_is_struck_painted_or_given_to_a_model(page: Page) -> None:
    name_what_is_seen(page)
    keep_described(page)
    strike(page)
    paint(page)
    page.keyboard.press("Escape")
    take_model(page)
