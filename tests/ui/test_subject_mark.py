"""The user says what the photo is of: a click finds it, the brush adds and takes away, undo takes back, and the clip keeps it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.engines import registry
from tests.photo import phone_files
from tests.photo.phone_files import Extra
from tests.ui.conftest import App
from tests.ui.steps import LONG, animate, crop_box, drop, quick, sample

pytestmark = pytest.mark.ui


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page on the engine that ships: it is the one that cuts a subject out."""
    app = App(tmp_path_factory.mktemp("marks") / "home", cards=(), find=registry.make)
    yield app
    app.close()


def mask(page: Page) -> np.ndarray:
    """What is marked on the desk's photo, 0..255; empty where that is left to the studio."""
    png = page.evaluate("Stir.now('frame').subject")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L")) if png else np.zeros((1, 1), np.uint8)


def press(page: Page, x: float, y: float, to: tuple[float, float] | None = None) -> None:
    """Press at a place of the photo, in fractions; drawn on to another where one is given."""
    page.locator(".subject-canvas").scroll_into_view_if_needed()
    box = page.locator(".subject-canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.down()
    if to:
        page.mouse.move(box["x"] + to[0] * box["width"], box["y"] + to[1] * box["height"], steps=5)
    page.mouse.up()


def marked(page: Page) -> np.ndarray:
    page.wait_for_function("Stir.now('frame').subject !== ''", timeout=LONG)
    return mask(page)


def tool(page: Page, name: str) -> None:
    page.locator(".brush-bar").get_by_role("button", name=name, exact=True).click()


def test_a_click_marks_the_subject_and_the_clip_keeps_it(page: Page, app: App) -> None:
    sample(page, "fig.jpg")
    page.locator("#mark-subject").click()
    press(page, 0.55, 0.55)
    found = marked(page)
    assert 0.05 < (found > 127).mean() < 0.6 and found[int(0.55 * found.shape[0]), int(0.55 * found.shape[1])] > 200
    expect(page.locator("#mark-subject")).to_have_text("Subject: marked")
    tool(page, "Done")
    expect(page.locator(".subject-canvas")).to_have_count(0)
    page.reload()
    page.wait_for_function("window.Stir?.now('frame')?.subject", timeout=LONG)
    quick(page)
    animate(page)
    (clip,) = app.studio.library.find()
    assert np.array_equal(mask(page), np.asarray(Image.open(io.BytesIO(base64.b64decode(clip.shot.subject))).convert("L")))
    assert any(one.what == "layers" and "you marked" in one.reason for one in clip.choices)


def test_the_brush_adds_and_takes_away_with_undo(page: Page) -> None:
    sample(page, "mountains.jpg")
    page.locator("#mark-subject").click()
    tool(page, "Add")
    press(page, 0.3, 0.7, (0.5, 0.7))
    first = marked(page)
    press(page, 0.6, 0.3, (0.7, 0.3))
    page.wait_for_function("png => Stir.now('frame').subject !== png", arg=page.evaluate("Stir.now('frame').subject")) if (
        mask(page) == first
    ).all() else None
    more = mask(page)
    assert (more > 127).sum() > (first > 127).sum()
    tool(page, "Take away")
    press(page, 0.35, 0.7, (0.45, 0.7))
    page.wait_for_function("1")
    less = mask(page)
    assert (less > 127).sum() < (more > 127).sum()
    page.keyboard.press("Control+z")
    assert np.array_equal(mask(page), more)
    page.keyboard.press("Control+z")
    assert np.array_equal(mask(page), first)
    page.keyboard.press("Control+Shift+z")
    assert np.array_equal(mask(page), more)
    expect(page.locator(".subject-canvas")).to_be_visible()
    tool(page, "Automatic")
    assert page.evaluate("Stir.now('frame').subject") == ""
    page.keyboard.press("Escape")
    expect(page.locator(".subject-canvas")).to_have_count(0)
    expect(page.locator("#mark-subject")).to_have_text("Subject")


def test_the_crop_is_laid_around_what_is_marked(page: Page) -> None:
    sample(page, "mountains.jpg")
    page.get_by_role("group", name="Aspect").get_by_role("button", name="9:16").click()
    page.wait_for_function("Stir.now('frame').placing === false && Stir.now('frame').crop.aspect === '9:16'", timeout=LONG)
    before = crop_box(page)
    page.locator("#mark-subject").click()
    tool(page, "Add")
    press(page, 0.88, 0.6, (0.92, 0.6))
    page.wait_for_function("before => Stir.now('frame').crop.x > before + 0.1", arg=before[0], timeout=LONG)
    left, _, wide, _ = crop_box(page)
    assert left < 0.87 and left + wide > 0.92
    expect(page.locator(".report-room[data-read]")).to_be_visible(timeout=LONG)
    expect(page.locator(".report-room")).to_contain_text(re.compile("Report|subject"))


def test_a_phones_portrait_says_so_is_used_and_can_be_switched_off(page: Page, app: App, tmp_path: Path) -> None:
    file = tmp_path / "portrait.heic"
    depth, matte = (np.rint(values * 255).astype(np.uint8) for values in (phone_files.nearness(), phone_files.disc()))
    extras = [Extra(phone_files.DEPTH_URN, depth), Extra(phone_files.MATTE_URN, matte), Extra(phone_files.GAIN_URN, matte)]
    file.write_bytes(phone_files.phone_heif(phone_files.scene().repeat(3, 0).repeat(3, 1), extras))
    drop(page, str(file))
    expect(page.locator("#mark-subject")).to_have_text("Subject: the phone’s")
    notes = page.locator("#photo .notes")
    for words in ("depth map is used", "portrait matte is used", "HDR gain map is not used"):
        expect(notes).to_contain_text(words)
    quick(page)
    animate(page)
    page.locator("#mark-subject").click()
    expect(page.locator(".subject-hint")).to_contain_text("phone’s portrait matte")
    pixels = "document.querySelector('.subject-canvas').getContext('2d').getImageData(0, 0, 512, 341).data"
    seen = f"[...{pixels}].filter((value, at) => at % 4 === 3 && value > 127).length"
    page.wait_for_function(f"{seen} > 20000", timeout=LONG)
    page.locator("#subject-source").select_option("found")
    page.wait_for_function(f"{seen} === 0", timeout=LONG)
    expect(page.locator("#mark-subject")).to_have_text("Subject")
    tool(page, "Done")
    page.locator("#photo summary", has_text="Depth").click()
    expect(page.locator("#photo details", has=page.locator("#depth-source")).locator(".why").first).to_contain_text(
        "the photo's own"
    )
    page.locator("#depth-source").select_option("builtin")
    animate(page)
    app.settle()
    off, on = sorted(app.studio.library.find(), key=lambda clip: -clip.made_at)
    assert {"depth": "the photo's own"}.items() <= {one.what: one.value for one in on.choices}.items()
    assert any("phone's portrait matte" in one.reason for one in on.choices)
    assert (off.shot.subject, off.shot.depth) == ("builtin", "builtin")
    assert not any("phone" in one.reason for one in off.choices)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.locator("#mark-subject")).to_have_text("Subject: the phone’s")
