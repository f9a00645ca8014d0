"""What is promised on the desk: the file's size, length and rate, the time it takes here, and what a place won't take of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import WAIT, App
from tests.ui.steps import animate, made_for, quick, sample

pytestmark = pytest.mark.ui


def promised(page: Page, words: str) -> None:
    expect(page.locator("#plan")).to_have_text(re.compile(words), timeout=WAIT)


def test_a_place_means_its_size_and_the_time_is_named(app: App, page: Page) -> None:
    sample(page, "dogs.jpg")
    promised(page, r"^1080 × 1622, 120 frames, 5 s at 24 fps, about \d+ s here$")
    expect(page.locator("#plan-why")).to_be_hidden()
    made_for(page, "reels")
    promised(page, r"^1080 × 1920, 150 frames, 5 s at 30 fps, about \d+ s here$")
    expect(page.locator("#size")).to_have_value("auto")
    expect(page.locator("#misfits")).to_be_hidden()


def say_why_smaller(page: Page) -> None:
    """A crop without the pixels says why it is smaller."""
    made_for(page, "reels")
    promised(page, r"^720 × 1280, ")
    expect(page.locator("#plan-why")).to_contain_text("Instagram Reels asks for 1080p; 720p is the nearest to the crop's 60")


def put_right(page: Page) -> None:
    """What a place does not take is said beside the button, and put right with a press."""
    promised(page, "30 fps")
    quick(page, 1)
    lines = page.locator("#misfits li")
    expect(lines).to_have_count(2, timeout=WAIT)
    expect(lines.nth(0)).to_contain_text("Instagram Reels needs at least 3 s; this is 1 s.")
    expect(lines.nth(1)).to_contain_text("Instagram Reels needs at least 23 fps; this is 16 fps.")
    box, button = page.locator("#misfits").bounding_box(), page.locator("#animate").bounding_box()
    assert box and button and 0 <= button["y"] - box["y"] - box["height"] < 40
    expect(page.locator("#misfits")).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Make it 3 s").click()
    expect(lines).to_have_count(1, timeout=WAIT)
    expect(page.get_by_role("button", name="Make it 30 fps")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#misfits")).to_be_hidden(timeout=WAIT)
    expect(page.locator("#animate")).to_be_focused()
    promised(page, r"90 frames, 3 s at 30 fps")
    page.locator("#format").select_option("gif")
    expect(lines).to_have_text(re.compile("Instagram Reels takes MP4, not GIF"), timeout=WAIT)
    page.get_by_role("button", name="Make it MP4").click()
    expect(page.locator("#misfits")).to_be_hidden(timeout=WAIT)
    expect(page.locator("#format")).to_have_value("mp4")


def make_for_place(app: App, page: Page) -> None:
    """A clip knows what it was made for."""
    promised(page, "30 fps")
    quick(page, 1)
    animate(page)
    (clip,) = app.studio.library.find()
    assert clip.shot.platform == "reels"
    assert app.studio.library.find("instagram") == (clip,)
    made_for(page, "")
    expect(page.locator("#misfits")).to_be_hidden(timeout=WAIT)


def test_what_a_place_asks_for_is_said_put_right_and_known_by_the_clip(app: App, page: Page) -> None:
    sample(page, "dandelion.jpg")
    say_why_smaller(page)
    put_right(page)
    make_for_place(app, page)


def test_what_is_promised_of_a_looping_picture_is_what_comes(app: App, page: Page) -> None:
    """And one in which nothing moves is promised as a still."""
    sample(page)
    page.locator("#format").select_option("gif")
    promised(page, "20 fps")
    page.locator("[data-family='static']").click()
    promised(page, r"^640 × 360, a still picture, about")
    page.locator("#format").select_option("mp4")
    promised(page, r"^1920 × 1080, 120 frames, 5 s at 24 fps")
    page.locator("[data-family='dolly_in']").click()
    quick(page, 1)
    for made, kind in enumerate(("gif", "webp"), 1):
        page.locator("#format").select_option(kind)
        promised(page, r"^640 × 360, 10 frames, 1 s at 10 fps, about \d+ s here$")
        page.locator("#animate").click()
        expect(page.locator(".shelf .clip-tile")).to_have_count(made, timeout=60_000)
        expect(page.locator(".facts").first).to_contain_text("640 × 360 · 1 s · 10 fps", timeout=60_000)
        clip = app.studio.library.find()[0]
        assert clip.shot.format == kind
        assert (clip.width, clip.height, clip.num_frames, clip.fps, clip.seconds) == (640, 360, 10, 10.0, 1.0)
