"""Wide screens: every tab uses the room or stands in the middle of it, and no line of text is too long to read."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import App, Open
from tests.ui.steps import WAIT, draft, models, sample
from tests.ui.test_library_panel import fill

pytestmark = pytest.mark.ui

LONGEST = 95  # characters: books have 60 to 80, and a figure in a line is narrow


def long_lines(page: Page) -> list[object]:
    """Texts whose lines hold more characters than one reads with ease: their words, and how many to a line."""
    return page.evaluate(
        r"""(longest) => [...document.querySelectorAll('.part :is(p, dd, li, span, h2, h3)')]
        .filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .map((one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.bottom / 8))).size;
            return [one.textContent.slice(0, 60), one.textContent.length / Math.max(1, lines)];
        }).filter(([, count]) => count > longest)""",
        LONGEST,
    )


def beside(page: Page, parts: str) -> tuple[float, float]:
    """The empty room left of the leftmost of these and right of the rightmost."""
    boxes = [box for one in page.locator(parts).all() if (box := one.bounding_box())]
    wide = page.evaluate("document.documentElement.clientWidth")
    return min(box["x"] for box in boxes), wide - max(box["x"] + box["width"] for box in boxes)


def test_every_tab_has_its_room(open_page: Open, app: App) -> None:
    fill(app, 40)
    page = open_page()
    sample(page)
    draft(page)
    for width in (1440, 1920, 2560):
        page.set_viewport_size({"width": width, "height": 1080})
        page.get_by_role("tab", name="Create").click()
        use_room(page)


def use_room(page: Page) -> None:
    """Every tab, one after the other, in the window as it is."""
    left, right = beside(page, "#desk")
    assert (left, right) == (24, 24)
    assert long_lines(page) == []
    page.get_by_role("tab", name="Library").click()
    expect(page.locator(".card")).to_have_count(40)
    left, right = beside(page, ".card")
    assert left == 24 and abs(right - 24) < 2
    assert long_lines(page) == []
    models(page)
    page.locator("#beyond").first.evaluate("one => one.open || one.querySelector('summary').click()")
    left, right = beside(page, ".shelf-row, .guide-kind")
    assert abs(left - right) < 4
    assert long_lines(page) == []
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#settings .reasons dt").first).to_be_visible(timeout=WAIT)
    left, right = beside(page, "#settings section")
    assert abs(left - right) < 4
    assert long_lines(page) == []


def test_the_head_of_the_page_is_one_line(open_page: Open) -> None:
    """The brand, the tabs, what works and the look: nothing over anything else."""
    page = open_page()
    expect(page.locator("#gauge")).not_to_be_empty()
    for width in (390, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        stand_in_line(page, width)


def stand_in_line(page: Page, width: int) -> None:
    parts = [page.locator(".brand"), *page.get_by_role("tab").all(), page.locator("#gauge"), page.locator("#look")]
    boxes = [box for one in parts if one.is_visible() and (box := one.bounding_box())]
    assert len(boxes) >= 6
    for one, other in itertools.pairwise(boxes):
        assert one["x"] + one["width"] <= other["x"] + 0.5
    assert boxes[-1]["x"] + boxes[-1]["width"] <= width
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 57 for box in boxes)
