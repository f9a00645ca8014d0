"""The crop frame, by pointer and by keys, locked to its aspect; and the brush."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.conftest import App
from tests.ui.steps import animate, crop_box, made_for, quick, sample

pytestmark = pytest.mark.ui
SHAPE = 1920 / 1080  # of the dandelion


def aspect(page: Page) -> float:
    _, _, w, h = crop_box(page)
    return w / h * SHAPE


def settled(page: Page, name: str) -> None:
    """Choose an aspect and wait for the studio's own crop of it."""
    with page.expect_response(
        lambda answer: "component_server" in answer.url and "suggest_crop" in (answer.request.post_data or "")
    ):
        page.locator(f".aspects [data-value='{name}']").click()
    page.locator("#photo details", has_text="Why this crop?").evaluate("one => one.open = true")
    expect(page.locator("#photo .why").first).not_to_have_text("It is where you put it.")


def walk_aspects(page: Page) -> None:
    for name, wanted in {"1:1": 1, "4:5": 0.8, "3:4": 0.75, "21:9": 21 / 9, "9:16": 9 / 16}.items():
        settled(page, name)
        x, y, w, h = crop_box(page)
        assert aspect(page) == pytest.approx(wanted, rel=0.01)
        assert x >= -0.001 and y >= -0.001 and x + w <= 1.001 and y + h <= 1.001


def drag_and_press(page: Page) -> None:
    """By the handle, by keys, and back by a double click."""
    settled(page, "1:1")
    suggested = crop_box(page)
    box = page.locator(".crop-box")
    bounds = box.bounding_box()
    assert bounds
    middle = bounds["x"] + bounds["width"] / 2, bounds["y"] + bounds["height"] / 2
    # By a corner: smaller, and still square.
    page.mouse.move(bounds["x"] + bounds["width"] - 6, bounds["y"] + bounds["height"] - 6)
    page.mouse.down()
    page.mouse.move(middle[0] + 20, middle[1] + 20, steps=4)
    page.mouse.up()
    small = crop_box(page)
    assert small[2] < suggested[2] * 0.8
    assert aspect(page) == pytest.approx(1, rel=0.01)
    assert small[:2] == pytest.approx(suggested[:2], abs=0.01)
    # Far outside: it stops at the edge.
    bounds = box.bounding_box()
    assert bounds
    page.mouse.move(bounds["x"] + bounds["width"] / 2, bounds["y"] + bounds["height"] / 2)
    page.mouse.down()
    page.mouse.move(3000, 3000, steps=4)
    page.mouse.up()
    x, y, w, h = crop_box(page)
    assert (x + w, y + h) == pytest.approx((1, 1), abs=0.005)
    # Keys: a hundredth to the left, then larger.
    box.focus()
    page.keyboard.press("ArrowLeft")
    assert crop_box(page)[0] == pytest.approx(x - 0.01, abs=0.003)
    page.keyboard.press("Shift+ArrowRight")
    assert crop_box(page)[2] > w
    assert "from the left" in (box.get_attribute("aria-valuetext") or "")
    # Back to what the studio suggested.
    box.dblclick()
    expect(box).to_have_attribute("aria-valuenow", str(round(suggested[0] * 100)))


def choose_place(page: Page) -> None:
    made_for(page, "reels")
    expect(page.locator(".aspects [data-value='9:16']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#fps")).to_have_value("30")


def test_the_crop_is_dragged_and_the_clip_has_the_crop_that_was_drawn(page: Page, app: App) -> None:
    sample(page)
    drag_and_press(page)
    drawn = crop_box(page)
    quick(page)
    animate(page)
    clip = app.studio.library.find()[0]
    assert (clip.width, clip.height) == (360, 360)
    crop = clip.shot.crop
    assert (crop.x, crop.y, crop.w, crop.h) == pytest.approx(drawn, abs=0.004)


def test_an_aspect_counts_at_once(page: Page, app: App) -> None:
    """Animate pressed before the studio has answered with its own crop: the aspect is already the chosen one."""
    sample(page)
    quick(page)
    page.evaluate("""() => {
        document.querySelector(".aspects [data-value='9:16']").click();
        document.querySelector('#animate').click();
    }""")
    expect(page.locator(".player video")).to_be_visible(timeout=20_000)
    clip = app.studio.library.find()[0]
    assert clip.shot.crop.aspect == "9:16"
    assert (clip.width, clip.height) == (360, 640)


def fill_frame(page: Page) -> None:
    """The draft fills its frame and says what the clip will be."""
    label = page.locator(".stage-label")
    expect(label).to_contain_text("the clip will be", timeout=20_000)
    expect(label).not_to_contain_text("enlarged")
    page.locator("#size").select_option("2160p")
    expect(label).to_contain_text("2160, enlarged")
    settled(page, "9:16")
    wide = page.evaluate("document.querySelector('.still').offsetWidth / document.querySelector('.stage').offsetWidth")
    assert wide == pytest.approx(1 / crop_box(page)[2], rel=0.02)


def test_every_aspect_is_exact_and_inside_and_the_draft_fills_it(page: Page) -> None:
    sample(page)
    fill_frame(page)
    page.locator("#size").select_option("auto")
    walk_aspects(page)
    choose_place(page)


def test_the_brush_paints_a_small_grey_mask(page: Page, app: App) -> None:
    sample(page)
    quick(page)
    page.locator("[data-effect='ripple']").click()
    canvas = page.locator(".brush-canvas")
    expect(canvas).to_be_visible()
    bounds = canvas.bounding_box()
    assert bounds
    page.mouse.move(bounds["x"] + 20, bounds["y"] + bounds["height"] * 0.8)
    page.mouse.down()
    page.mouse.move(bounds["x"] + bounds["width"] - 20, bounds["y"] + bounds["height"] * 0.8, steps=5)
    page.mouse.up()
    expect(page.locator("[data-paint='ripple']")).to_contain_text("Painted")
    page.keyboard.press("Escape")
    expect(canvas).to_be_hidden()
    page.reload()
    expect(page.locator("[data-paint='ripple']")).to_contain_text("Painted")
    animate(page)
    (effect,) = app.studio.library.find()[0].shot.motion.effects
    mask = Image.open(io.BytesIO(base64.b64decode(effect.brush))).convert("L")
    assert max(mask.size) == 256
    assert mask.getpixel((mask.width // 2, int(mask.height * 0.8))) > 250
    assert mask.getpixel((mask.width // 2, 5)) == 0
