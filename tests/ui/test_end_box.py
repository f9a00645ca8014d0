"""A start box and an end box on the photo: drawn, kept, undone, previewed, and met by the clip's first and last frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bench import frame_measures
from studio.cards import ModelCard
from studio.config import ASSETS, Settings
from studio.engines.base import Engine
from studio.nouns import Shot
from studio.photo.crop import find_pixel_box
from tests.fakes import shelf
from tests.ui.conftest import App, Open
from tests.ui.steps import LONG, WAIT, animate, choose, crop_box, draft, quick, sample

pytestmark = pytest.mark.ui


def end_box(page: Page) -> tuple[float, float, float, float]:
    """The end box in fractions of the photo, as it is drawn."""
    return tuple(
        page.evaluate("""() => {
        const box = document.querySelector('.end-box').getBoundingClientRect();
        const all = document.querySelector('.easel').getBoundingClientRect();
        return [(box.x - all.x) / all.width, (box.y - all.y) / all.height, box.width / all.width, box.height / all.height];
    }""")
    )


def drag(page: Page, where: str, by: tuple[float, float], corner: bool = False) -> None:
    """Move a box, or pull its lower right corner, by pixels."""
    bounds = page.locator(where).bounding_box()
    assert bounds
    at = (bounds["x"] + bounds["width"] - 6, bounds["y"] + bounds["height"] - 6)
    if not corner:
        at = (bounds["x"] + bounds["width"] / 2, bounds["y"] + bounds["height"] / 2)
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + by[0], at[1] + by[1], steps=4)
    page.mouse.up()


def test_a_second_box_has_the_crop_s_ratio_and_is_moved_like_it(page: Page) -> None:
    sample(page)
    expect(page.locator(".end-box")).to_be_hidden()
    page.locator("#end-box").click()
    expect(page.locator(".end-box")).to_be_focused()
    expect(page.locator(".end-box .box-tag")).to_have_text("End")
    expect(page.locator(".crop-box .box-tag")).to_have_text("Start")
    expect(page.locator(".end-hint")).to_contain_text("from Start exactly to End")
    expect(page.locator(".sees")).to_contain_text("these moves are set aside")
    expect(page.locator("[data-promise=seen]")).to_contain_text("from the start box to the end box")
    expect(page.locator("[data-promise=wont]")).to_contain_text("the camera pushes in")
    first = end_box(page)
    drag(page, ".end-box", (40, 20))
    moved = end_box(page)
    assert moved[0] > first[0] + 0.03 and moved[1] > first[1] + 0.03
    assert moved[2:] == pytest.approx(first[2:], abs=0.005)
    drag(page, ".end-box", (-60, -40), corner=True)
    small = end_box(page)
    assert small[2] < moved[2] - 0.03
    start = crop_box(page)
    assert small[2] / small[3] == pytest.approx(start[2] / start[3], rel=0.02)
    page.locator(".end-box").focus()
    page.keyboard.press("ArrowLeft")
    assert end_box(page)[0] == pytest.approx(small[0] - 0.01, abs=0.003)
    # Another aspect is another for both.
    page.locator(".aspects [data-value='1:1']").click()
    page.wait_for_function("Stir.now('frame').crop.aspect === '1:1' && !Stir.now('frame').placing")
    start, end = crop_box(page), end_box(page)
    assert end[2] / end[3] == pytest.approx(start[2] / start[3], rel=0.02)
    page.locator(".end-box").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".end-box")).to_be_hidden()
    expect(page.locator("#end-box")).to_be_focused()
    assert page.evaluate("Stir.now('frame').end") is None
    page.keyboard.press("Control+z")
    expect(page.locator(".end-box")).to_be_visible()


def test_it_stays_after_a_reload_and_waits_for_a_model_that_can(page: Page, app: App) -> None:
    sample(page)
    draft(page)
    plain = page.locator(".draft").get_attribute("data-path")
    page.locator("#end-box").click()
    page.wait_for_function(f"document.querySelector('.draft').dataset.path !== {json.dumps(plain)}", timeout=LONG)
    drag(page, ".end-box", (30, -15))
    before = end_box(page)
    page.reload()
    expect(page.locator(".end-box")).to_be_visible(timeout=WAIT)
    assert end_box(page) == pytest.approx(before, abs=0.003)
    choose(page, next(card.id for card in shelf.CARDS if "end_crop" not in card.supports))
    expect(page.locator(".end-box")).to_be_hidden()
    expect(page.locator("#end-box")).to_be_hidden()
    choose(page, "parallax")
    expect(page.locator(".end-box")).to_be_visible()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page whose built-in model is the real one."""
    from studio.engines.parallax.parallax_engine import ParallaxEngine

    def find(card: ModelCard, settings: Settings) -> Engine:
        return shelf.ShelfEngine(pace=0.02) if card.checkpoint else ParallaxEngine(settings)

    app = App(tmp_path_factory.mktemp("boxes") / "home", find=find)
    yield app
    app.close()


class TestForReal:
    """With the engine that ships."""

    @pytest.fixture
    def app(self, real: App) -> App:
        real.clear()
        return real

    def test_the_clip_begins_on_the_start_box_and_ends_on_the_end_box(self, app: App, open_page: Open) -> None:
        page = open_page()
        sample(page, "dogs.jpg")
        page.locator(".aspects [data-value='16:9']").click()
        page.wait_for_function("Stir.now('frame').crop.aspect === '16:9' && !Stir.now('frame').placing")
        drag(page, ".crop-box", (-80, -40), corner=True)
        page.locator("#end-box").click()
        drag(page, ".end-box", (-60, -40), corner=True)
        drag(page, ".end-box", (50, 30))
        drawn = crop_box(page), end_box(page)
        quick(page)
        animate(page)
        (clip,) = app.studio.library.find()
        shot = clip.shot
        assert shot.end is not None
        for crop, seen in zip((shot.crop, shot.end.crop), drawn, strict=True):
            assert (crop.x, crop.y, crop.w, crop.h) == pytest.approx(seen, abs=0.006)
        first, last = ends(app.studio.library.file(clip))
        for frame, crop in ((first, shot.crop), (last, shot.end.crop)):
            assert frame_measures.psnr(frame, plain(shot, crop, frame.shape[1], frame.shape[0])) > 30
        assert frame_measures.psnr(first, last) < 20
        # And the recipe brings both boxes back.
        page.locator(".end-box").focus()
        page.keyboard.press("Delete")
        page.locator("#clip .panel-head [data-value='clip']").click()
        page.get_by_role("button", name="Use settings").click()
        expect(page.locator(".end-box")).to_be_visible(timeout=WAIT)
        assert end_box(page) == pytest.approx(drawn[1], abs=0.006)


def ends(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last frame of a film, RGB."""
    film = cv2.VideoCapture(str(file))
    frames: list[np.ndarray] = []
    while True:
        there, frame = film.read()
        if not there:
            return frames[0], frames[-1]
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def plain(shot: Shot, crop: object, width: int, height: int) -> np.ndarray:
    image = cv2.cvtColor(cv2.imread(str(ASSETS / "samples" / "dogs.jpg")), cv2.COLOR_BGR2RGB)
    left, top, right, bottom = find_pixel_box(shot.photo, crop)  # pyright: ignore
    return cv2.resize(image[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA)
