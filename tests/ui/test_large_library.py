"""A library that is larger than the page: cards in sight stay where they are, whatever comes, goes or is loaded again."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import msgspec
from PIL import Image
from playwright.sync_api import Page, expect

from studio.library import database
from studio.library.clips import Clips
from studio.nouns import Clip, Photo, Shot
from studio.studio import Studio
from tests.ui.conftest import App
from tests.ui.steps import WAIT

COUNT = 500
MOST = 120
"""Cards on the page at once, of however many: those of some screens."""

SEEN = """() => {
  const card = [...document.querySelectorAll('.card')].find((one) => one.getBoundingClientRect().top > 200);
  const box = card?.getBoundingClientRect();
  return card && [card.dataset.card, Math.round(box.left), Math.round(box.top)];
}"""
IN_SIGHT = """() => [...document.querySelectorAll('.card')].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
}).map((one) => parseInt(one.dataset.card, 16))"""
FILLED = """() => [100, innerHeight / 2, innerHeight - 100].every((y) => [0, 40].some((gap) =>
  document.elementFromPoint(400, y + gap)?.closest('.card')))"""
"""Whether the screen shows cards from above to below."""


TOP = "document.querySelectorAll('.card')[at].getBoundingClientRect().top"


def put(studio: Studio, numbers: range, folder: Path) -> None:
    """Keep clips; the larger its number, the newer. Every second one is of the beach."""
    film, poster = folder / "film.mp4", folder / "poster.png"
    if not film.exists():
        film.write_bytes(b"clip")
        Image.new("RGB", (96, 64), (60, 90, 120)).save(poster)
    studio.settings.thumbs.mkdir(parents=True, exist_ok=True)
    with closing(database.open(studio.settings.database)) as rows, rows.write():
        shelf = Clips(rows, studio.settings.clips)
        for number in numbers:
            name = f"{number:032x}"
            shot = Shot(Photo("a" * 64, 96, 64, f"{'beach' if number % 2 else 'sea'} {number}.jpg"), seed=number)
            clip = Clip(name, shot, name + ".mp4", name + ".png", 96, 64, 24.0, 24, 1.0, 4, float(number), 1.0)
            os.link(film, studio.settings.clips / clip.file)
            os.link(poster, studio.settings.clips / clip.poster)
            (studio.settings.thumbs / f"{name}.jpg").unlink(missing_ok=True)  # of another test's clip of that name
            os.link(poster, studio.settings.thumbs / f"{name}.jpg")
            (studio.settings.clips / f"{name}.json").write_bytes(msgspec.json.encode(clip))
            shelf._insert(clip)


def open_library(page: Page, app: App, folder: Path) -> None:
    put(app.studio, range(1, COUNT + 1), folder)
    page.get_by_role("tab", name="Library").click()
    expect(page.locator(".count")).to_have_text(f"{COUNT} clips", timeout=WAIT)


def go_to(page: Page, share: float) -> list[object]:
    """Scroll to a share of the whole height; which card is there, once the page has noted where it is."""
    page.evaluate(f"window.scrollTo(0, {share} * (document.documentElement.scrollHeight - innerHeight))")
    page.wait_for_function(FILLED)
    page.wait_for_timeout(300)
    return page.evaluate(SEEN)


def list_numbers(page: Page) -> list[int]:
    """The clips on the page, in its order."""
    return page.locator(".card").evaluate_all("all => all.map((one) => parseInt(one.dataset.card, 16))")


def stays(page: Page, seen: list[object]) -> None:
    """The same card is where it was, and goes on being there."""
    page.wait_for_function(f"(seen) => JSON.stringify(({SEEN})()) === seen", arg=msgspec.json.encode(seen).decode())


def test_cards_in_sight_stay_where_they_are(page: Page, app: App, tmp_path: Path) -> None:
    open_library(page, app, tmp_path)
    library, count = page.get_by_role("tab", name="Library"), page.locator(".count")
    seen = go_to(page, 0.6)
    put(app.studio, range(COUNT + 1, COUNT + 2), tmp_path)  # a clip is done meanwhile
    expect(count).to_have_text(f"{COUNT + 1} clips", timeout=WAIT)
    assert page.evaluate(SEEN) == seen
    above = list_numbers(page)[0]
    app.studio.library.trash([f"{above:032x}", f"{COUNT - 3:032x}"])  # in another tab: one above on the page, one far above
    expect(count).to_have_text(f"{COUNT - 1} clips", timeout=WAIT)
    assert page.evaluate(SEEN) == seen

    page.get_by_role("tab", name="Create").evaluate("one => one.click()")  # a press of Playwright's scrolls up to it first
    expect(page.locator("#animate")).to_be_visible()
    page.evaluate("window.scrollTo(0, 0)")
    put(app.studio, range(COUNT + 2, COUNT + 5), tmp_path)
    expect(page.locator(".recent")).to_contain_text(f"{COUNT + 2}", timeout=WAIT)
    library.click()
    stays(page, seen)
    expect(count).to_have_text(f"{COUNT + 2} clips", timeout=WAIT)
    assert page.evaluate(SEEN) == seen

    tile = page.locator(f"[data-card='{seen[0]}'] .clip-tile")
    tile.click()
    expect(page.locator(".sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tile).to_be_focused()
    assert page.evaluate(SEEN) == seen

    page.locator(f"[data-card='{seen[0]}'] .card-mark").click()
    page.keyboard.press("Delete")
    expect(tile).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(tile).to_have_count(1)
    assert page.evaluate(SEEN) == seen


def test_words_that_are_taken_away_and_a_reload_lead_back(page: Page, app: App, tmp_path: Path) -> None:
    open_library(page, app, tmp_path)
    search, count = page.locator("#library-search"), page.locator(".count")
    before = go_to(page, 0.5)
    search.fill("beach")
    expect(count).to_have_text(f"{COUNT // 2} clips", timeout=WAIT)
    page.wait_for_function(f"({IN_SIGHT})()[0] === {COUNT - 1}")  # found from the top
    seen = go_to(page, 0.7)
    page.reload()
    expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    page.get_by_role("tab", name="Library").click()
    stays(page, seen)
    assert search.input_value() == "beach"
    assert all(number % 2 for number in list_numbers(page))
    search.fill("")
    stays(page, before)


def test_every_clip_is_come_by_however_one_scrolls(page: Page, app: App, tmp_path: Path) -> None:
    open_library(page, app, tmp_path)
    height = page.evaluate("document.documentElement.scrollHeight")
    wide = page.evaluate("getComputedStyle(document.querySelector('.cards')).gridTemplateColumns.split(' ').length")
    one = page.evaluate(f"(([one, other]) => other - one)([0, {wide}].map((at) => {TOP}))")
    assert abs(height - one * COUNT / wide) < 2 * one + 300  # the scrollbar tells how many there are
    page.locator(".card .clip-tile").nth(1).focus()
    page.keyboard.press("End")
    page.wait_for_function(f"({IN_SIGHT})().at(-1) === 1")
    assert len(list_numbers(page)) <= MOST
    assert abs(page.evaluate("document.documentElement.scrollHeight") - height) < 2
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_function(f"({IN_SIGHT})()[0] === {COUNT}")
    expect(page.locator(".card .clip-tile").nth(1)).to_be_focused()

    met: list[int] = []
    for top in range(0, height, 700):
        page.evaluate(f"window.scrollTo(0, {top})")
        page.wait_for_function(FILLED)
        met += [number for number in page.evaluate(IN_SIGHT) if not met or number < met[-1]]
    assert met == list(range(COUNT, 0, -1))
