"""A batch on the page from four photos, two of them doubtful, to their files: looked at, edited, mended, made through reloads."""

from __future__ import annotations

import csv
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.batch.batch_nouns import BatchSettings
from studio.config import ASSETS
from studio.nouns import Refusal
from studio.ui.batch_uploads import find_folder, sweep_batch_uploads
from studio.ui.panels.batch_panel import BatchForm, BatchPanel, NewBatch
from studio.ui.uploads import Upload
from tests.fakes.waiting import until
from tests.ui.conftest import App, Open
from tests.ui.test_axe import clean

NAMES = ("a dog.jpg", "cut.jpg", "mountains.jpg", "noise.png")
LONG = 40_000


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """A good one, one that was cut short, another good one, and one that is all noise."""
    for name, sample in zip(("a dog.jpg", "cut.jpg", "mountains.jpg"), ("dogs", "sunset", "mountains"), strict=True):
        with Image.open(ASSETS / "samples" / f"{sample}.jpg") as opened:
            opened.thumbnail((720, 720))
            opened.save(tmp_path / name)
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    return [tmp_path / name for name in NAMES]


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-list")).to_be_attached(timeout=LONG)


def row(page: Page, name: str):
    return page.locator(".batch-row").filter(has_text=name)


def choose_and_look(page: Page, photos: list[Path]) -> None:
    page.locator("#batch-files").set_input_files(photos)
    expect(page.locator(".drop-count")).to_contain_text("4 files")
    form = page.locator(".batch-start")
    form.locator("[data-place='reels']").click()
    expect(form.get_by_label("Shape")).to_be_hidden()
    form.locator("[data-place='reels']").click()
    form.get_by_text("More", exact=True).click()
    form.get_by_label("Size", exact=True).select_option("240p")
    form.get_by_label("Seconds").fill("1")
    page.locator("#batch-look").click()
    expect(page.locator(".batch-row")).to_have_count(4, timeout=LONG)


def test_a_batch_goes_from_four_photos_to_their_files_through_reloads(
    app: App, open_page: Open, photos: list[Path], tmp_path: Path
) -> None:
    page, before = open_page(), set(app.studio.settings.uploads.rglob("*.jpg"))
    assert page.evaluate("typeof Stir.batchSheet") == "undefined", "its sheet comes with the tab"
    open_tab(page)
    clean(page)
    choose_and_look(page, photos)
    expect(row(page, "noise.png")).to_have_attribute("data-state", "aside", timeout=LONG)
    expect(row(page, "cut.jpg")).to_contain_text("Can’t be used")
    expect(row(page, "a dog.jpg")).to_have_attribute("data-state", "ready")
    expect(page.locator(".batch-takes")).to_contain_text("Disk")
    clean(page)

    page.reload()  # before anything is made
    open_tab(page)
    expect(page.locator(".batch-row")).to_have_count(4, timeout=LONG)
    row(page, "a dog.jpg").hover()
    row(page, "a dog.jpg").get_by_role("button", name="Change a dog.jpg").click()
    page.get_by_label("Its own words").fill("slow")
    page.locator(".batch-editor .crop-box").focus()
    page.keyboard.press("Shift+ArrowDown")  # a little less of the photo
    clean(page)
    page.locator("#row-save").click()
    page.locator("#batch-mend").click()  # all of them with one press
    for name in NAMES:
        expect(row(page, name)).to_have_attribute("data-state", "ready", timeout=LONG)
    expect(row(page, "noise.png")).to_contain_text("mended: denoise")
    row(page, "mountains.jpg").locator(".row-face").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".batch-row strong")).to_have_text(["a dog.jpg", "mountains.jpg", "cut.jpg", "noise.png"])

    app.zoom.pace = 0.15
    page.locator("#batch-go").click()
    expect(row(page, "a dog.jpg")).to_have_attribute("data-state", "running", timeout=LONG)
    page.reload()  # in the middle of the first
    open_tab(page)
    expect(row(page, "a dog.jpg")).to_have_attribute("data-state", "running", timeout=LONG)
    page.locator("#batch-pause").click()
    expect(row(page, "noise.png")).to_have_attribute("data-state", "paused", timeout=LONG)
    app.zoom.pace = 0.0
    page.locator("#batch-go").click()
    expect(page.locator(".batch-row[data-state='done']")).to_have_count(4, timeout=LONG)
    expect(page.locator(".batch-line")).to_contain_text("4 of 4 clips done")
    made = app.studio.library.find(limit=10)
    assert len(made) == 4, "nothing is made twice"
    assert [clip.shot.crop.w < 1 for clip in made if clip.shot.photo.name == "a dog.jpg"] == [True]

    page.get_by_text("Posting plan", exact=True).click()
    page.locator("#plan-set").click()
    expect(page.locator(".batch-side")).to_contain_text("Mon, Wed, Fri at 18:00", timeout=LONG)
    expect(page.locator(".batch-row[data-state='done']")).to_have_count(4, timeout=LONG)
    page.get_by_text("Files", exact=True).click()
    page.locator("#batch-write").click()
    sheet = page.locator(".batch-contact img")
    expect(sheet).to_be_visible(timeout=LONG)
    page.wait_for_function("document.querySelector('.batch-contact img').naturalWidth > 100")
    folder = Path(re.search(r"Written to (.+?): a folder", page.locator(".batch-folder").inner_text())[1])  # pyright: ignore
    assert {file.stem for file in (folder / "clips").iterdir()} == {"a dog", "cut", "mountains", "noise"}
    with (folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as manifest:
        assert len(list(csv.DictReader(manifest))) == 4
    with page.expect_download() as zipped:
        page.locator("#batch-zip").click()
    zipped.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None and {"contact-sheet.png", "posting-plan.ics"} <= {*archive.namelist()}
    assert set(app.studio.settings.uploads.rglob("*.jpg")) <= before


def test_hundreds_of_photos_are_drawn_as_they_come_into_sight(app: App, open_page: Open, tmp_path: Path) -> None:
    folder = tmp_path / "harbour"
    folder.mkdir()
    for number in range(300):
        (folder / f"photo {number:03}.jpg").write_bytes(b"no picture")
    one = app.studio.batches.create([folder], BatchSettings(), name="Harbour")
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.evaluate(f"localStorage.setItem('stir.batch', JSON.stringify('{one.id}'))")
    open_tab(page)
    expect(page.locator("#batch-name")).to_have_value("Harbour", timeout=LONG)
    expect(page.locator(".batch-filter button").first).to_contain_text("300")
    assert page.locator(".batch-row").count() <= 80
    page.evaluate("document.querySelector('.batch-rows').scrollIntoView(false)")  # its end
    last = row(page, "photo 299.jpg")
    expect(last).to_be_in_viewport(timeout=LONG)
    assert page.locator(".batch-row").count() <= 80
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    last.get_by_label("Mark photo 299.jpg").check(force=True)
    page.get_by_role("toolbar").get_by_role("button", name="Remove").click()
    expect(page.locator(".batch-filter button").first).to_contain_text("299", timeout=LONG)
    assert len(app.studio.batches.rows(one.id)) == 299


def test_uploads_of_a_batch_are_kept_until_they_are_read(app: App, photos: list[Path]) -> None:
    """With the text beside each, and prompts by file; a path that is no upload is refused."""
    studio, panel = app.studio, BatchPanel(app.studio)
    folder = studio.settings.uploads / "of a test"
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"a dog.txt": "orbit left", "list.csv": "photo,prompt\na dog.jpg,tilt up\n"}
    for name, words in texts.items():
        (folder / name).write_text(words)
    (folder / "a dog.jpg").write_bytes(photos[0].read_bytes())
    sent = tuple(Upload(str(folder / name), name) for name in ("a dog.jpg", "a dog.txt"))
    form = BatchForm(choose="prompts", size="240p", seconds=1)
    (row,) = studio.batches.rows(panel.create(NewBatch(form, sent, press="1a")))
    assert (row.name, row.beside, row.prompt) == ("a dog.jpg", "orbit left", "")
    assert not list(folder.glob("a dog*")), "they are moved out of the uploads"
    (folder / "a dog.jpg").write_bytes(photos[0].read_bytes())
    named = Upload(str(folder / "list.csv"), "list.csv")
    (row,) = studio.batches.rows(panel.create(NewBatch(form, sent[:1], prompts=named, press="1b")))
    assert row.prompt == "tilt up"
    for wrong in ("/etc/passwd", str(studio.settings.database), "a\0b"):
        with pytest.raises(Refusal):
            panel.create(NewBatch(form, (Upload(wrong, "a.jpg"),), press="1c"))
    old = find_folder(studio) / "1a"
    os.utime(old, (0, 0))
    until(lambda: all(row.is_read for batch in studio.batches.find() for row in studio.batches.rows(batch.id)))
    sweep_batch_uploads(studio)
    assert not old.exists() and (find_folder(studio) / "1b").exists()
