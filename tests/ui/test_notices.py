"""Where the eyes are: refusals and results beside the button, nothing covered, and a phone that shows what it does."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.ui.conftest import HELD, App, Open
from tests.ui.steps import WAIT, draft, heard, plays, quick, sample, slow

pytestmark = pytest.mark.ui

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WINDOWS: list[ViewportSize] = [{"width": 1440, "height": 900}, {"width": 1920, "height": 1080}]
SCREENS: dict[str, tuple[dict[str, Any], list[ViewportSize]]] = {
    "computer": ({}, WINDOWS),
    "phone": (PHONE, [{"width": 390, "height": 844}]),
}
"""What the page is opened with, and the windows it is looked at in, one after the other."""


def box(one: Locator) -> tuple[float, float, float, float]:
    """Left, top, right, bottom on the screen."""
    got = one.bounding_box()
    assert got is not None
    return got["x"], got["y"], got["x"] + got["width"], got["y"] + got["height"]


def in_sight(page: Page, one: Locator) -> None:
    """All of it is inside the window, and nothing lies over its middle."""

    expect(one).to_be_visible()
    expect(one).to_be_in_viewport(ratio=0.99)
    assert (
        one.evaluate("""one => {
        const r = one.getBoundingClientRect();
        const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
        return top === one || one.contains(top) || top?.contains(one) || `under ${top?.outerHTML.slice(0, 80)}`;
    }""")
        is True
    )


def refused(page: Page) -> Locator:
    return page.locator(".dock .note:visible")


def no_photo(page: Page) -> None:
    pass


def bad_effect(page: Page) -> None:
    """An effect stronger than there is."""
    effect = "{ name: 'fog', amount: 5, region: 'auto', direction: 0 }"
    page.evaluate(f"Stir.emit('motion', {{ ...Stir.snapshot().motion, effects: [{effect}] }})")


def bad_range(page: Page) -> None:
    """What only a page of yesterday, or another program, can ask for."""
    page.evaluate("Stir.emit('motion', { ...Stir.snapshot().motion, effects: [] })")
    page.evaluate("Stir.emit('avoid', 'x'.repeat(5000))")


WRONG = {
    "photo": (no_photo, "There is no photo yet"),
    "effects": (bad_effect, "can't be used"),
    "output": (bad_range, "can't be used"),
}


def refuse(page: Page, where: str) -> None:
    """Animate is refused beside its button, and the refusal leads to its place."""
    wrong, words = WRONG[where]
    wrong(page)
    page.evaluate("scrollTo(0, document.body.scrollHeight / 3)")
    page.locator("#animate").click()
    expect(refused(page)).to_contain_text(words, timeout=60_000)
    in_sight(page, refused(page))
    in_sight(page, page.locator("#animate"))
    note, button = box(refused(page)), box(page.locator("#animate"))
    assert 0 <= button[1] - note[3] <= 80
    page.locator(".note-way").click()
    page.wait_for_function(f"document.activeElement.closest('#{where}')")
    expect(page.locator(f"#{where} :focus")).to_be_in_viewport()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_refusal_stands_beside_the_button_and_leads_to_its_place_as_does_a_failure(open_page: Open, screen: str) -> None:
    options, windows = SCREENS[screen]
    page, sizes = open_page(**options), itertools.cycle(("360p", "480p"))
    for where in WRONG:
        for window in windows:
            page.set_viewport_size(window)
            refuse(page, where)
            page.evaluate(f"Stir.emit('use-size', '{next(sizes)}')")
            if where != "photo":
                expect(refused(page)).to_have_count(0)
        if where == "photo":
            sample(page)
            expect(refused(page)).to_have_count(0)
    page.evaluate("Stir.emit('avoid', '')")
    quick(page)
    page.locator("#prompt").fill("refuse")
    page.locator("#animate").click()
    expect(refused(page)).to_contain_text("The engine ran out of memory.", timeout=WAIT)
    in_sight(page, refused(page))


def begin(page: Page, app: App) -> None:
    """A job of 64 frames that waits to be looked at."""
    app.zoom.pace = HELD
    page.locator("#animate").click()
    expect(page.locator(".progress")).to_be_visible(timeout=WAIT)  # the words may be the last job's until then
    expect(page.locator(".stage-words")).to_contain_text("of 64", timeout=WAIT)


def follow(page: Page, app: App) -> None:
    """From wherever Animate is pressed, progress and clip are in sight."""
    page.evaluate("document.querySelector('#camera').scrollIntoView()")
    begin(page, app)
    for one in (".progress", "#stop", "#animate", "#clip .stage"):
        in_sight(page, page.locator(one))
    app.zoom.pace = 0.0
    plays(page)
    in_sight(page, page.locator("#clip .stage"))


def come_back(page: Page, app: App) -> None:
    """On a phone, the bar leads to a clip that was made out of sight."""
    bar = page.locator(".dock")
    begin(page, app)
    assert box(bar)[3] == 844
    page.evaluate("scrollTo(0, 0)")
    in_sight(page, page.locator("#stop"))
    app.zoom.pace = 0.0
    expect(page.locator("#see-clip")).to_be_visible(timeout=WAIT)
    page.locator("#see-clip").click()
    expect(page.locator("#clip .stage")).to_be_in_viewport(ratio=1)
    plays(page)
    expect(page.locator("#see-clip")).to_be_hidden()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".recent .clip-tile").first).to_be_in_viewport(ratio=1)
    assert box(page.locator(".recent .clip-tile").first)[3] <= box(bar)[1]
    page.get_by_role("tab", name="Library").click()
    expect(bar).to_be_hidden()
    expect(page.locator("#peek")).to_be_hidden()


@pytest.mark.parametrize("screen", SCREENS)
def test_after_animate_progress_and_clip_are_in_sight(open_page: Open, app: App, screen: str) -> None:
    options, windows = SCREENS[screen]
    page = open_page(**options)
    sample(page)
    quick(page, 4)
    slow(page)
    heard(page)
    for window in windows:
        page.set_viewport_size(window)
        follow(page, app)
        expect(page.locator(".progress")).to_be_hidden(timeout=WAIT)
    if screen == "phone":
        come_back(page, app)


# A phone --------------------------------------------------------------------------------------------------------------


def test_the_draft_stays_at_the_top_of_a_phone_while_the_motion_is_chosen(open_page: Open) -> None:
    page = open_page(**PHONE)
    peek = page.locator("#peek")
    expect(peek).to_be_hidden()  # there is nothing to see yet
    sample(page)
    draft(page)
    page.wait_for_function("document.querySelector('.peek-film').videoWidth > 0")
    for aspect in ("16:9", "9:16", "1:1", "21:9"):
        page.locator(f".aspects [data-value='{aspect}']").click()
        page.wait_for_function(f"Stir.now('frame').crop.aspect === '{aspect}'")
        page.locator("#camera .tile").last.evaluate("one => one.scrollIntoView({ block: 'end' })")
        left, top, right, bottom = box(peek)
        assert (left, right) == (0, 390) and abs(top) < 1 and bottom <= 0.3 * 844
        wide, tall = (
            page.locator(".peek-stage").evaluate(f"one => one.getBoundingClientRect().{side}") for side in ("width", "height")
        )
        w, h = map(int, aspect.split(":"))
        assert wide / tall == pytest.approx(w / h, rel=0.02)
    page.locator("#slot-light").focus()
    assert box(page.locator("#slot-light"))[1] >= box(peek)[3]
    page.locator("[data-family='dolly_in']").focus()
    assert box(page.locator("[data-family='dolly_in']"))[1] >= box(peek)[3]
    page.locator(".peek-fold").click()
    assert box(peek)[3] - box(peek)[1] <= 48
    page.reload()
    expect(page.locator("#peek.folded")).to_be_visible(timeout=WAIT)


def test_what_has_the_keyboard_is_never_under_the_bar_of_a_phone(open_page: Open) -> None:
    """Also with the keyboard of the phone open, which leaves half the height."""
    for height in (844, 480):
        page = open_page(**{**PHONE, "viewport": {"width": 390, "height": height}})
        sample(page)
        page.locator("#look").focus()
        for _ in range(70):
            page.keyboard.press("Tab")
            # What arrives above it may push it down for a moment; it doesn't stay there.
            page.wait_for_function(
                """() => {
                const one = document.activeElement;
                if (one === document.body || one.closest('.dock, #peek') || one.classList.contains('unseen')) return true;
                const [r, bar] = [one, document.querySelector('.dock')].map((each) => each.getBoundingClientRect());
                return !(r.height && r.height < 150 && r.bottom > bar.top + 1);
            }""",
                timeout=WAIT,
            )


def test_tablets_keep_stage_and_button_in_sight(open_page: Open) -> None:
    page = open_page(viewport={"width": 768, "height": 1024})
    sample(page)
    for width in (768, 1024):
        page.set_viewport_size({"width": width, "height": 1024})
        page.evaluate("document.querySelector('#effects').scrollIntoView()")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#animate").click()
        in_sight(page, page.locator("#animate"))
        in_sight(page, page.locator("#clip .stage"))


# The player -----------------------------------------------------------------------------------------------------------

SHAPES = ["9:16", "1:1", "21:9"]
PIECES = [
    "#clip .panel-head", "#clip .stage", ".dock",
    ".clip-actions .facts", "#download", ".clip-actions .tools", ".models", ".fields",
    "#plan", "#advanced", "#why",
]  # fmt: skip
SHOWN = """(names) => names.map((name) => [name, document.querySelector(name)])
    .filter(([, one]) => one && (one.offsetParent || getComputedStyle(one).position === 'fixed'))
    .map(([name, one]) => [name, one.getBoundingClientRect()]).map(([name, r]) => [name, r.x, r.y, r.right, r.bottom])"""


def make(page: Page, aspect: str) -> None:
    """A clip of this shape, which the player shows."""
    page.locator(f".aspects [data-value='{aspect}']").click()
    page.wait_for_function(f"Stir.now('frame').crop.aspect === '{aspect}'")
    page.locator("#animate").click()
    w, h = map(int, aspect.split(":"))
    page.wait_for_function(
        """shape => {
        const film = document.querySelector('.player video');
        return film?.checkVisibility() && film.readyState >= 2
            && Math.abs(film.videoWidth / film.videoHeight / shape - 1) < 0.02;
        }""",
        arg=w / h,
        timeout=WAIT,
    )


def lie_apart(page: Page, pieces: list[str]) -> None:
    """None of what is shown of these covers another; stage, button and what is scrolled to lie free."""
    shown = page.evaluate(SHOWN, pieces)
    for index, (name, x, y, right, bottom) in enumerate(shown):
        for other, x2, y2, right2, bottom2 in shown[index + 1 :]:
            apart = min(right, right2) - max(x, x2) <= 0.5 or min(bottom, bottom2) - max(y, y2) <= 0.5
            assert apart, f"{name} and {other} overlap in {shown}"
    in_sight(page, page.locator("#clip .stage"))
    in_sight(page, page.locator("#animate"))
    for name in ("#download", "#seconds", "#why summary"):  # each can be reached, and lies free then
        page.locator(name).scroll_into_view_if_needed()
        in_sight(page, page.locator(name))


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_covers_anything_after_a_clip_of_any_shape(open_page: Open, screen: str) -> None:
    options, windows = SCREENS[screen]
    page = open_page(**options)
    sample(page)
    quick(page)
    # The bar of a phone is fixed: what can be scrolled under it is looked at by itself.
    pieces = [one for one in PIECES if screen != "phone" or one != ".dock"]
    for aspect in SHAPES:
        for window in windows:
            page.set_viewport_size(window)
            page.evaluate("scrollTo(0, 0); document.querySelector('#output').scrollTop = 0")
            make(page, aspect)
            expect(page.locator(".progress")).to_be_hidden()
            lie_apart(page, pieces)


@pytest.mark.parametrize("scale", [1, 2])
def test_no_hairline_stands_beside_a_clip_of_any_shape(open_page: Open, scale: int, tmp_path: Path) -> None:
    """A white photo on a light ground: no pixel around the player's edge is darker than what is on both sides of it."""
    white = tmp_path / "white.png"
    Image.fromarray(np.full((900, 1400, 3), 255, np.uint8)).save(white)
    page = open_page(device_scale_factor=scale, color_scheme="light", reduced_motion="reduce")
    page.locator("#photo-input").set_input_files(str(white))
    expect(page.locator(".photo-name")).to_contain_text("white.png", timeout=WAIT)
    quick(page)
    for aspect in SHAPES:
        make(page, aspect)
        page.locator(".player video").evaluate("one => { one.controls = false; }")
        left, top, right, bottom = box(page.locator("#clip .stage"))
        clip = {"x": left - 6, "y": top - 6, "width": right - left + 12, "height": bottom - top + 12}
        shot = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L")).astype(int)  # pyright: ignore
        middle = shot[shot.shape[0] // 2], shot[:, shot.shape[1] // 2]
        ground = 245  # lightbox: #f6f5f2
        for line in middle:
            for edge in (line[: 10 * scale], line[-10 * scale :]):
                assert edge.min() >= ground - 4, edge.tolist()


# Escape ---------------------------------------------------------------------------------------------------------------


def test_escape_in_a_box_a_slider_or_a_menu_leaves_the_job_alone(page: Page, app: App) -> None:
    sample(page)
    quick(page, 10)
    app.zoom.pace = HELD
    slow(page)
    page.locator("#animate").click()
    expect(page.locator(".stage-words")).to_contain_text("of 160", timeout=WAIT)
    for own in ("#prompt", "#slot-light", "#seconds", "#size", "#loop input", ".crop-box"):
        page.locator(own).focus()
        expect(page.locator("#stop kbd")).to_be_hidden()
        page.keyboard.press("Escape")
    page.locator("#all-motions").click()
    page.keyboard.press("Escape")
    expect(page.locator(".presets-sheet")).to_be_hidden()
    (job,) = app.studio.jobs()
    assert type(job.state).__name__ == "Running"
    page.locator("#stop").focus()
    expect(page.locator("#stop kbd")).to_be_visible()
    expect(page.locator("#stop")).to_have_attribute("title", re.compile("unless a box, a slider or a menu"))
    page.keyboard.press("Escape")
    expect(page.locator(".progress")).to_be_hidden(timeout=WAIT)
    assert app.studio.library.count() == 0
