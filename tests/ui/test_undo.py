"""One undo for the desk: every kind of change is taken back and done again, by keys and by the buttons."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import App
from tests.ui.steps import asks, drop, flawed, heard, mend, sample, say, take_flawed
from tests.ui.test_photo_panel import picture

pytestmark = pytest.mark.ui

HEAR = """() => {
  const live = document.getElementById("stir-live");
  live.textContent = "";  // what was announced before, and is announced again, counts too
  window.heard = [];
  const hear = new MutationObserver(() => window.heard.push(live.textContent));
  hear.observe(live, { childList: true, characterData: true, subtree: true });
}"""
"""Keeps everything that is announced from now on."""


def desk(page: Page) -> dict[str, Any]:
    """What the parts have told, and the sentence."""
    heard(page)
    return page.evaluate("""() => ({ ...Object.fromEntries(['frame', 'film', 'camera', 'effects', 'slots', 'output', 'ending']
        .map((topic) => [topic, structuredClone(Stir.now(topic) ?? null)])), words: document.querySelector('#prompt').value })""")


def steps(page: Page) -> int:
    return page.evaluate("Stir.history.count()")


def ready(page: Page) -> None:
    sample(page)
    heard(page)


def paint(page: Page) -> None:
    """One stroke over the middle of the photo."""
    box = page.locator(".brush-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=4)
    page.mouse.up()


def aspect(page: Page) -> None:
    """Its answer, the studio's own crop, is waited for: it belongs to the same step."""
    with page.expect_response(lambda answer: asks(answer.request, "suggest_crop")):
        page.locator(".aspects [data-value='9:16']").click()
    page.wait_for_function("Stir.now('frame').crop.aspect === '9:16'")
    page.evaluate("new Promise((done) => setTimeout(done, 0))")


def drag(page: Page) -> None:
    """Pull a corner of the crop frame."""
    box = page.locator(".crop-box").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3, steps=6)
    page.mouse.up()


def slide(page: Page) -> None:
    """Pull a slider over many notches: one step."""
    box = page.locator("#seconds").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2, steps=12)
    page.mouse.up()


CHANGES: dict[str, tuple[Callable[[Page], Any], str]] = {
    "tile": (lambda page: page.locator("[data-family='pan_left']").click(), "camera"),
    "speed": (lambda page: page.locator(".paces [data-value='fast']").click(), "camera"),
    "effect": (lambda page: page.locator(".chip[data-effect='fog']").click(), "what moves"),
    "words": (lambda page: say(page, "Slow pan left, fog drifts."), "words"),
    "slot": (lambda page: page.locator("#slot-light").fill("the light warms"), "words"),
    "aspect": (aspect, "crop"),
    "crop": (drag, "crop"),
    "length": (slide, "length"),
    "size": (lambda page: page.locator("#size").select_option("360p"), "size"),
    "format": (lambda page: page.locator("#format").select_option("gif"), "format"),
    "motion": (lambda page: page.locator(".preset").nth(3).click(), "motion"),
}


def go_back_and_forth(page: Page, change: Callable[[Page], Any], words: str) -> None:
    """A change is one step, which is named, taken back and done again; then the desk is left as it was."""
    page.evaluate("document.activeElement.blur()")
    before = desk(page)
    count = steps(page)
    change(page)
    after = desk(page)
    assert after != before
    assert steps(page) == count + 1
    expect(page.locator("#undo")).to_have_attribute("title", re.compile(f"Undo: {words} "))
    page.evaluate(HEAR)  # a report that comes late may speak right after
    page.locator("#undo").click()
    page.wait_for_function("words => window.heard.includes(words)", arg=f"Undone: {words}.")
    assert desk(page) == before
    page.locator("#redo").click()
    assert desk(page) == after
    expect(page.locator("#redo")).to_have_attribute("aria-disabled", "true")
    page.locator("#undo").click()
    assert desk(page) == before


def test_every_kind_of_change_is_taken_back_and_done_again(page: Page) -> None:
    ready(page)
    for change, words in CHANGES.values():
        go_back_and_forth(page, change, words)


def type_letters(page: Page) -> None:
    """Letters are one step, and the caret stays in the sentence."""
    before = desk(page)
    prompt = page.locator("#prompt")
    prompt.click()
    page.keyboard.press("End")
    count = steps(page)
    page.keyboard.type(" Fog drifts.")
    heard(page)
    assert steps(page) == count + 1
    page.keyboard.press("Control+z")
    expect(prompt).to_have_value(before["words"])
    expect(prompt).to_be_focused()
    assert prompt.evaluate("one => [one.selectionStart, one.selectionEnd]") == [len(before["words"])] * 2
    assert desk(page) == before
    page.keyboard.press("Control+Shift+z")
    expect(prompt).to_have_value(before["words"] + " Fog drifts.")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    expect(prompt).to_have_value(before["words"] + " Fog drifts.")
    expect(page.locator(".chip[data-effect='fog']")).to_have_attribute("aria-pressed", "true")


def take_strokes_back(page: Page) -> None:
    """The brush is taken back stroke by stroke while it paints."""
    page.locator(".chip[data-effect='ripple']").click()
    expect(page.locator(".brush-canvas")).to_be_visible()
    masks = []
    for _ in range(2):
        count = steps(page)
        paint(page)
        page.wait_for_function(f"Stir.history.count() > {count}")
        masks.append(page.evaluate("Stir.now('effects')[0].brush"))
        page.locator(".brush-bar [data-value='erase']").click()
        page.locator(".brush-canvas").focus()
    assert masks[0] and masks[0] != masks[1]
    page.keyboard.press("Control+z")
    assert page.evaluate("Stir.now('effects')[0].brush") == masks[0]
    expect(page.locator(".brush-canvas")).to_be_visible()
    inked = "one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((value) => value)"
    page.wait_for_function(f"({inked})(document.querySelector('.brush-canvas'))")
    page.keyboard.press("Control+z")
    assert page.evaluate("Stir.now('effects')[0].brush") == ""
    page.wait_for_function(f"!({inked})(document.querySelector('.brush-canvas'))")
    page.keyboard.press("Control+z")
    expect(page.locator(".brush-canvas")).to_be_hidden()
    assert page.evaluate("Stir.now('effects')") == []


def test_photos_come_and_go_by_undo(page: Page, tmp_path: Path) -> None:
    files = [str(picture(tmp_path / f"{name}.png", seed=seed)) for seed, name in enumerate(("one", "two"))]
    for file in files:
        drop(page, file)
        expect(page.locator(".photo-name")).to_contain_text(Path(file).name)
    heard(page)
    both = desk(page)
    page.locator(".film-away").nth(1).click(force=True)
    expect(page.locator(".photo-name")).to_contain_text("one.png")
    expect(page.locator("#undo")).to_have_attribute("title", re.compile("Undo: photo taken off"))
    page.keyboard.press("Control+z")
    expect(page.locator(".photo-name")).to_contain_text("two.png")
    assert desk(page) == both
    page.keyboard.press("Control+z")
    expect(page.locator(".photo-name")).to_contain_text("one.png")
    page.keyboard.press("Control+z")
    expect(page.locator(".dropzone")).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".photo-name")).to_contain_text("one.png")


def test_a_photo_that_is_gone_from_the_home_does_not_come_back(page: Page, app: App, tmp_path: Path) -> None:
    ready(page)
    drop(page, str(picture(tmp_path / "lost.png")))
    expect(page.locator(".photo-name")).to_contain_text("lost.png")
    lost = page.evaluate("Stir.now('frame').photo")
    page.wait_for_function(
        "[...document.images].every((one) => !one.src || (one.complete && one.naturalWidth))"
    )  # or it is asked for
    page.locator(".film-away").nth(1).click(force=True)
    for file in app.studio.settings.home.rglob(f"{lost}*"):
        file.unlink()
    page.keyboard.press("Control+z")
    expect(page.locator(".part-photo > .note")).to_be_visible()
    page.wait_for_function("Stir.now('film').length === 1")


def test_a_mend_is_taken_back(page: Page, tmp_path: Path) -> None:
    flaw = take_flawed(page, flawed(tmp_path, "flat"), "flat")
    mend(page, flaw)
    page.wait_for_function("Stir.now('frame').mends.length > 0")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+z")
    page.wait_for_function("Stir.now('frame').mends.length === 0")
    expect(page.locator(".mend")).to_have_count(0)


def keep_fifty(page: Page) -> None:
    """Fifty steps are kept, and a reload forgets them."""
    tiles = page.locator("[data-family='pan_left'], [data-family='tilt_up']")
    for index in range(55):
        tiles.nth(index % 2).click()
    assert steps(page) == 50
    for _ in range(50):
        page.keyboard.press("Control+z")
    assert steps(page) == 0
    page.keyboard.press("Control+z")
    expect(page.locator("#stir-live")).to_have_text("There is nothing to undo.")
    expect(page.locator("#undo")).to_have_attribute("aria-disabled", "true")
    for _ in range(3):
        page.keyboard.press("Control+Shift+z")
    assert steps(page) == 3
    page.reload()
    expect(page.locator(".part-photo.ready")).to_be_visible()
    heard(page)
    assert steps(page) == 0


def change_anew(page: Page) -> None:
    """A new change leaves nothing to redo, and other boxes keep their own undo."""
    page.locator("[data-family='pan_left']").click()
    page.keyboard.press("Control+z")
    expect(page.locator("#redo")).to_have_attribute("aria-disabled", "false")
    page.locator("[data-family='tilt_up']").click()
    expect(page.locator("#redo")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("[data-family='tilt_up']")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-family='pan_left']").click()
    page.get_by_role("tab", name="Library").click()
    search = page.locator("#library-search")
    search.click()
    page.keyboard.type("bird")
    page.keyboard.press("Control+z")
    expect(search).not_to_have_value("bird")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+z")
    page.get_by_role("tab", name="Create").click()
    expect(page.locator("[data-family='pan_left']")).to_have_attribute("aria-pressed", "true")


def test_strokes_letters_and_steps_are_counted_taken_back_and_forgotten(page: Page) -> None:
    ready(page)
    take_strokes_back(page)
    type_letters(page)
    change_anew(page)
    keep_fifty(page)
