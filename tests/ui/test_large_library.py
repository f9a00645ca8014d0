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
MOST = 306
"""Cards that the page holds at most: three hundred, and a row that isn't whole."""

SEEN = """() => {
  const card = [...document.querySelectorAll('.card')].find((one) => one.getBoundingClientRect().top > 200);
  const box = card.getBoundingClientRect();
  return [card.dataset.card, Math.round(box.left), Math.round(box.top)];
}"""
IDS = "() => [...document.querySelectorAll('.card')].map((one) => parseInt(one.dataset.card, 16))"


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


def go_down(page: Page, pages: int) -> None:
    """Scroll to the end of what is loaded, so many times, and then a little up."""
    for _ in range(pages):
        last = page.evaluate(IDS)[-1]
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_function(f"({IDS})().at(-1) !== {last}")
    page.evaluate("window.scrollBy(0, -1500)")
    page.wait_for_timeout(300)  # until the page has noted where it is


def test_cards_in_sight_stay_where_they_are(page: Page, app: App, tmp_path: Path) -> None:
    put(app.studio, range(1, COUNT), tmp_path)
    library, count = page.get_by_role("tab", name="Library"), page.locator(".count")
    library.click()
    expect(count).to_have_text(f"{COUNT - 1} clips", timeout=WAIT)
    go_down(page, 5)
    seen = page.evaluate(SEEN)
    assert len(page.evaluate(IDS)) <= MOST

    put(app.studio, range(COUNT, COUNT + 1), tmp_path)  # a clip is done meanwhile
    expect(count).to_have_text(f"{COUNT} clips", timeout=WAIT)
    assert page.evaluate(SEEN) == seen
    above = page.evaluate(IDS)[0]
    app.studio.library.trash([f"{above:032x}", f"{COUNT - 3:032x}"])  # one above on the page, and one far above
    expect(count).to_have_text(f"{COUNT - 2} clips", timeout=WAIT)
    assert page.evaluate(SEEN) == seen
    page.get_by_role("tab", name="Create").click()
    expect(page.locator("#animate")).to_be_visible()
    page.evaluate("window.scrollTo(0, 0)")
    library.click()
    page.wait_for_function(f"(seen) => JSON.stringify(({SEEN})()) === seen", arg=msgspec.json.encode(seen).decode())

    page.evaluate("window.scrollTo(0, 0)")  # every page on the way up comes again, and none twice
    newest = [number for number in range(COUNT, 0, -1) if number not in (above, COUNT - 3)]
    for _ in range(12):
        if page.evaluate(IDS)[0] == COUNT:
            break
        page.wait_for_timeout(100)
        page.evaluate("window.scrollTo(0, 0)")
    held = page.evaluate(IDS)
    assert held == newest[: len(held)]

    page.locator("#library-search").fill("beach")
    expect(count).to_have_text(f"{sum(number % 2 for number in newest)} clips", timeout=WAIT)
    go_down(page, 2)
    seen = page.evaluate(SEEN)
    page.reload()
    expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    library.click()
    page.wait_for_function(
        f"(seen) => document.querySelector('.card') && JSON.stringify(({SEEN})()) === seen",
        arg=msgspec.json.encode(seen).decode(),
    )
    assert page.locator("#library-search").input_value() == "beach"
    assert all(number % 2 for number in page.evaluate(IDS))
