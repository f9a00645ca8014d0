"""The library: played on hover, found, rated, thrown away and brought back; quick with a thousand clips."""

from __future__ import annotations

import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.clip.formats import read_outcome
from studio.config import ASSETS, Settings
from studio.library import database
from studio.library.clips import Clips
from studio.nouns import Clip, Photo, Refusal, Shot
from studio.studio import Studio
from studio.ui.panels.library_panel import open_folder
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import until
from tests.ui.conftest import App, Open
from tests.ui.steps import LONG, WAIT, animate, quick, sample

pytestmark = pytest.mark.ui


@pytest.fixture
def shelf(page: Page) -> Page:
    """The library with one clip of a dandelion and one of figs."""
    for name in ("dandelion.jpg", "fig.jpg"):
        if name == "fig.jpg":
            page.locator("#photo details", has_text="Sample photos").locator("summary").click()
        sample(page, name)
        quick(page)
        page.locator("#animate-one" if name == "fig.jpg" else "#animate").click()  # with two photos, Animate makes both
    expect(page.locator(".shelf .clip-tile")).to_have_count(2, timeout=WAIT)
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library .clip-tile")).to_have_count(2)
    return page


def point_at(shelf: Page) -> None:
    tile = shelf.locator("#library .clip-tile").first
    tile.hover()
    shelf.wait_for_function("document.querySelector('#library .live')?.currentTime > 0.05")
    shelf.mouse.move(5, 5)
    expect(shelf.locator("#library .live")).to_have_count(0)


def find_rate_and_restore(shelf: Page, app: App) -> None:
    tiles = shelf.locator("#library .clip-tile")
    shelf.locator("#library-search").fill("dandelion")
    expect(tiles).to_have_count(1)
    shelf.locator("#library-search").fill("nothing like it")
    expect(shelf.locator("#library .nothing")).to_contain_text("Nothing has these words")
    shelf.locator("#library-search").fill("")
    expect(tiles).to_have_count(2)

    tiles.first.click()
    sheet = shelf.locator(".sheet")
    expect(sheet).to_contain_text("Dolly in")
    sheet.get_by_role("button", name="4 stars").click()
    expect(shelf.locator(".card-stars")).to_have_text("★★★★")
    sheet.get_by_label("Title").fill("Breakfast")
    sheet.get_by_label("Title").press("Enter")
    expect(tiles.first).to_contain_text("Breakfast")
    sheet.get_by_role("button", name="Move to trash").click()
    expect(tiles).to_have_count(1)

    shelf.locator(".library-bar [data-value='trash']").click()
    tiles.first.click()
    sheet.get_by_role("button", name="Bring back").click()
    expect(shelf.locator("#library .nothing")).to_contain_text("The trash is empty")
    shelf.locator(".library-bar [data-value='shelf']").click()
    expect(tiles).to_have_count(2)


def list_thumbs(app: App) -> set[str]:
    return {file.stem for file in (app.studio.settings.cache / "thumbs").glob("*.jpg")}


def empty_trash(shelf: Page, app: App) -> None:
    gone = app.studio.library.find()[0].id
    app.studio.library.trash(gone)
    shelf.locator(".library-bar [data-value='trash']").click()
    shelf.locator("#empty-trash").click()
    ask = shelf.locator("dialog.ask")
    expect(ask).to_contain_text("1 clip will be deleted")
    ask.get_by_role("button", name="Keep them").click()
    assert app.studio.library.count(trashed=True) == 1
    thumbs = list_thumbs(app)
    shelf.locator("#empty-trash").click()
    ask.get_by_role("button", name="Delete for good").click()
    expect(shelf.locator("#library .nothing")).to_be_visible()
    assert app.studio.library.count(trashed=True) == 0
    assert gone in thumbs
    until(lambda: list_thumbs(app) <= {clip.id for clip in app.studio.library.find()})
    assert list_thumbs(app), "those of the other clips stay"


def test_a_clip_is_played_found_rated_thrown_away_and_deleted(shelf: Page, app: App) -> None:
    point_at(shelf)
    find_rate_and_restore(shelf, app)
    empty_trash(shelf, app)


# Many at once ---------------------------------------------------------------------------------------------------------


def fill(app: App, count: int, trashed: bool = False) -> list[str]:
    """So many clips in the library, of five photos, newest first; real files are copies of one small clip."""
    names = ("beach.jpg", "IMG_10.jpg", "IMG_9.jpg", "fig.jpg", "zoo.jpg")
    folder, made = app.studio.settings.clips, []
    with app.studio._database.write():
        for number in range(count):
            name = f"{number:032x}"
            shot = Shot(Photo(f"{number:064x}", 640, 480, names[number % 5]), seed=number)
            tall = number % 3 == 0
            size = (90, 160) if tall else (160, 90)
            Image.new("RGB", size, (40 + number % 160, 90, 120)).save(folder / "poster.part", "PNG")
            (folder / "clip.part").write_bytes(b"clip " + name.encode())
            clip = Clip(
                name, shot, name + ".mp4", name + ".png", *size, 24, 48, 1 + number % 9, 37, 1.6e9 + number, 1, rating=number % 6
            )
            app.studio.library.keep(clip, folder / "clip.part", folder / "poster.part")
            made.append(name)
    return made[::-1]


@pytest.fixture
def many(app: App, open_page: Open) -> Page:
    """The library with a hundred clips."""
    fill(app, 100)
    page = open_page()
    page.get_by_role("tab", name="Library").click()
    expect(page.locator(".card")).not_to_have_count(0)
    expect(page.locator(".count").first).to_have_text("100 clips")
    return page


def shown(page: Page) -> list[str]:
    return [str(one) for one in page.locator(".card").evaluate_all("all => all.map((one) => one.dataset.card)")]


def begins(page: Page, ids: list[str]) -> None:
    """Wait until these are the first cards, in this order."""
    cards = "[...document.querySelectorAll('.card')].map((one) => one.dataset.card)"
    page.wait_for_function(f"ids => {cards}.slice(0, ids.length).join() === ids.join()", arg=ids)


def mark(page: Page, *places: int) -> None:
    for place in places:
        page.locator(".card-mark input").nth(place).click()


def test_a_card_says_what_it_is_without_being_pointed_at(many: Page) -> None:
    many.mouse.move(5, 5)
    words = many.locator(".card-words").first
    expect(words).to_be_visible()
    assert words.inner_text().splitlines() == ["zoo", "★★★", "Dolly in", "1 s · 90 × 160 · MP4", "Parallax · Sep 13, 2020"]


def test_sorted_and_chosen_by_stars(many: Page, app: App) -> None:
    for sort in ("oldest", "longest", "best", "name", "newest"):
        many.locator("#library-sort").select_option(sort)
        wanted = list(app.studio.library.ids(sort=sort))[:60]
        begins(many, wanted)
    many.locator("#library-stars").select_option("5")
    expect(many.locator(".card")).to_have_count(app.studio.library.count(stars=5))
    expect(many.locator(".count").first).to_have_text(f"{app.studio.library.count(stars=5)} clips")
    many.locator("#library-search").fill("beach")
    expect(many.locator(".card")).to_have_count(app.studio.library.count("beach", stars=5))


def test_a_page_looked_at_stays_where_it_is_when_the_list_changes(many: Page, app: App) -> None:
    newest = app.studio.library.ids()
    many.locator(".card").last.scroll_into_view_if_needed()
    card = many.locator(f"[data-card='{newest[70]}']")
    card.scroll_into_view_if_needed()
    before = card.bounding_box()
    app.studio.library.trash(newest[2])
    expect(many.locator(".count").first).to_have_text("99 clips")
    after = card.bounding_box()
    assert before and after and abs(before["y"] - after["y"]) < 2


def test_several_are_marked_by_click_shift_and_keys(many: Page, app: App) -> None:
    bar = many.locator(".marks")
    expect(bar).to_be_hidden()
    mark(many, 1)
    expect(bar).to_contain_text("1 marked")
    many.locator("#library .clip-tile").nth(5).click(modifiers=["Shift"])
    expect(bar).to_contain_text("5 marked")
    expect(many.locator(".sheet")).to_be_hidden()
    many.locator("#library .clip-tile").nth(9).click(modifiers=["Control"])
    expect(bar).to_contain_text("6 marked")
    box = many.locator(".card-mark input").nth(0)
    box.focus()
    many.keyboard.press("Space")
    expect(bar).to_contain_text("7 marked")
    many.keyboard.press("Control+a")
    expect(bar).to_contain_text("100 marked")  # also those that are not on the page yet
    bar.get_by_role("button", name="3 stars").click()
    rated = "one => one.querySelector('.card-stars')?.textContent === '★★★'"
    many.wait_for_function(f"[...document.querySelectorAll('.card')].every({rated})")
    assert {clip.rating for clip in app.studio.library.find(limit=1000)} == {3}
    many.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_what_goes_to_the_trash_comes_back_in_place(many: Page, app: App) -> None:
    before = shown(many)
    mark(many, 2, 7)
    many.locator("#trash-marked").click()
    expect(many.locator(f"[data-card='{before[2]}']")).to_have_count(0)
    assert app.studio.library.count(trashed=True) == 2
    expect(many.locator(".put-back")).to_contain_text("2 clips moved to the trash")
    many.locator("#undo-trash").click()
    begins(many, before[:20])
    expect(many.locator(".put-back")).to_be_hidden()
    assert app.studio.library.count(trashed=True) == 0


def test_the_trash_and_undo_by_keys_alone(many: Page, app: App) -> None:
    before = shown(many)
    many.locator(".card-mark input").nth(3).focus()
    many.keyboard.press("Space")
    many.keyboard.press("Delete")
    expect(many.locator(f"[data-card='{before[3]}']")).to_have_count(0)
    focused = many.evaluate("document.activeElement.closest('.card')?.dataset.card")
    assert focused == before[4]  # the keyboard goes on where it was
    many.keyboard.press("Control+z")
    expect(many.locator(f"[data-card='{before[3]}']")).to_have_count(1)
    assert shown(many)[:10] == before[:10]
    many.locator("#library .clip-tile").nth(1).click()
    many.locator(".sheet").get_by_role("button", name="Move to trash").click()
    expect(many.locator(".put-back")).to_contain_text("1 clip moved to the trash")
    many.keyboard.press("Control+z")
    expect(many.locator(f"[data-card='{before[1]}']")).to_have_count(1)


def test_several_are_brought_back_from_the_trash(many: Page, app: App) -> None:
    app.studio.library.trash(list(app.studio.library.ids())[:5])
    many.locator(".library-bar [data-value='trash']").click()
    expect(many.locator(".card")).to_have_count(5)
    many.locator("#library").get_by_role("searchbox").blur()
    many.keyboard.press("Control+a")
    expect(many.locator(".marks")).to_contain_text("5 marked")
    expect(many.locator("#trash-marked")).to_be_hidden()
    many.locator("#restore-marked").click()
    expect(many.locator("#library .nothing")).to_contain_text("The trash is empty")
    until(lambda: app.studio.library.count() == 100)


def test_several_are_one_download(many: Page, app: App, tmp_path: Path) -> None:
    before = shown(many)
    mark(many, 0, 5, 1)  # two of one photo
    with many.expect_download() as got:
        many.locator("#export-marked").click()
    assert got.value.suggested_filename == "Stir, 3 clips.zip"
    got.value.save_as(tmp_path / "clips.zip")
    with zipfile.ZipFile(tmp_path / "clips.zip") as zipped:
        assert sorted(zipped.namelist()) == ["fig, dolly in, 90p.mp4", "zoo, dolly in, 90p (2).mp4", "zoo, dolly in, 90p.mp4"]
        assert {zipped.read(name) for name in zipped.namelist()} == {b"clip " + before[at].encode() for at in (0, 5, 1)}


def test_marked_clips_are_compared_found_by_words_and_exported(app: App, open_page: Open, tmp_path: Path) -> None:
    for one in app.studio.comparisons.find():
        app.studio.comparisons.trash(one.id)
    photo = app.studio.photos.take_in(ASSETS / "samples" / "dandelion.jpg", "dandelion.jpg")
    app.studio.submit_all(tuple(Shot(photo, size="240p", seconds=1, fps=16, seed=seed) for seed in (3, 4, 5)))
    app.settle()
    page = open_page()
    page.get_by_role("tab", name="Library").click()
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator(".compared")).to_be_hidden()
    mark(page, 0)
    expect(page.locator("#compare-marked")).to_be_disabled()
    mark(page, 2)
    page.locator("#compare-marked").click()
    cells = page.locator(".comparison [data-cell][data-state='done']")
    expect(cells).to_have_count(2, timeout=WAIT)
    page.get_by_role("tab", name="Library").click()
    beside = page.locator(".compared .comparison-card")
    expect(beside).to_have_count(1)
    expect(page.locator(".marks")).to_be_hidden()
    page.locator("#library-search").fill("nothing of the kind")
    expect(page.locator(".compared")).to_be_hidden()
    page.locator("#library-search").fill("dandelion")
    expect(beside).to_contain_text("dandelion: side by side")
    beside.locator("button").click()
    expect(cells).to_have_count(2, timeout=WAIT)
    page.locator(".compare-export summary").click()
    page.keyboard.press("Escape")
    expect(page.locator(".export-menu")).to_be_hidden()
    page.keyboard.press("Enter")  # the keyboard is where it was
    with page.expect_download(timeout=LONG) as got:
        page.locator("[data-kind='grid']").click()
    assert got.value.suggested_filename == "dandelion side by side, grid.mp4"
    got.value.save_as(tmp_path / "grid.mp4")
    film = read_outcome(tmp_path / "grid.mp4")
    assert (film.num_frames, film.fps) == (24, 24)
    page.locator(".compare-export summary").click()
    with page.expect_download(timeout=LONG) as got:
        page.locator("[data-kind='sheet']").click()
    got.value.save_as(tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width > 1000


def test_again_and_use_settings_from_a_clip(shelf: Page, app: App) -> None:
    shelf.locator("#library .clip-tile").nth(1).click()
    shelf.locator(".sheet").get_by_role("button", name="Use settings").click()
    expect(shelf.locator(".photo-name")).to_contain_text("Dandelion")
    shelf.get_by_role("tab", name="Library").click()
    shelf.locator("#library .clip-tile").first.click()
    shelf.locator(".sheet").get_by_role("button", name="Another take").click()
    expect(shelf.locator(".shelf .clip-tile")).to_have_count(3, timeout=WAIT)
    assert app.studio.library.find()[0].shot.seed != app.studio.library.find()[1].shot.seed


def test_many_clips_come_a_page_at_a_time(page: Page, app: App) -> None:
    from studio.ui.panels.library_panel import ClipSearch, LibraryPanel

    sample(page)
    quick(page)
    animate(page)
    clip = app.studio.library.find()[0]
    panel = LibraryPanel(app.studio)
    answer = panel.find(ClipSearch())
    assert answer["count"] == 1 and answer["clips"][0]["id"] == clip.id
    assert panel.find(ClipSearch(offset=60))["clips"] == []


def test_a_thousand_clips_open_in_a_second(tmp_path: Path) -> None:
    """Also when the cache was emptied, and none of the small pictures is there: posters stand in for them."""
    from studio.ui.panels.library_panel import ClipSearch, LibraryPanel

    studio = Studio(Settings(tmp_path / "home"))
    poster = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    Image.fromarray(poster).save(tmp_path / "poster.png")
    shot = Shot(Photo("a" * 64, 1280, 720, "sea.jpg"))
    with closing(database.open(studio.settings.database)) as rows, rows.write():
        shelf = Clips(rows, studio.settings.clips)
        for index in range(1000):
            name = f"{index:032x}"
            (tmp_path / "clip").write_bytes(b"clip")
            shown = tmp_path / "shown"
            shown.write_bytes((tmp_path / "poster.png").read_bytes() if index >= 940 else b"none")
            shelf.keep(
                Clip(name, shot, name + ".mp4", name + ".png", 1280, 720, 24, 120, 5, 4, index, 1), tmp_path / "clip", shown
            )
    panel = LibraryPanel(studio)
    began = time.process_time()  # of this process alone, however busy the machine is
    answer = panel.find(ClipSearch())
    assert time.process_time() - began < 1
    assert (answer["count"], len(answer["clips"])) == (1000, 60)
    assert answer["clips"][-1]["thumb"].endswith(".png")
    studio.close()


def test_a_folder_is_shown_by_the_system_or_named(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own opener is a script here that writes down what it was asked for."""
    studio = Studio(settings, (CARD,), finder(Gradient()))
    studio.start()
    photo = studio.photos.take_in(photograph(settings.home), "harbour.jpg")
    job = studio.submit(Shot(photo, model="gradient", seconds=1, fps=8, size="240p"))
    until(lambda: studio.library.count() == 1)
    programs, seen = tmp_path / "programs", tmp_path / "seen"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(Refusal, match="no file manager") as refused:
        open_folder(studio, job.id)
    assert str(settings.clips) in refused.value.remedy
    opener = programs / ("open" if sys.platform == "darwin" else "xdg-open")
    opener.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    opener.chmod(0o755)
    assert open_folder(studio, job.id)
    until(lambda: seen.exists() and seen.read_text().strip() == str(settings.clips))
    studio.close()
