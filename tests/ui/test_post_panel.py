"""Post to…: one clip sent to three places at once; what one doesn't take is said before, and each file's checks are shown."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import App, Open
from tests.ui.steps import LONG, WAIT
from tests.ui.test_axe import clean
from tests.ui.test_finish_panel import make_clip

pytestmark = pytest.mark.ui
PLACES = ("reels", "whatsapp", "master-h264")


def test_a_clip_goes_to_three_places_with_its_checks(app: App, open_page: Open, tmp_path: Path) -> None:
    page = open_page(reduced_motion="reduce")
    make_clip(page, app, 2)
    page.locator("#post-open").click()
    sheet = page.locator("dialog.post-sheet")
    expect(page.locator("#post-go")).to_be_disabled(timeout=WAIT)
    for place in PLACES:
        sheet.locator(f"[data-place='{place}'] .post-pick input").check(force=True)
    wide = sheet.locator("[data-place='x'] .post-face")
    assert wide.evaluate("one => Number(getComputedStyle(one).getPropertyValue('--shape'))") < 1  # upright goes there as it is
    reels = sheet.locator("[data-place='reels']")
    expect(reels.locator(".misfits")).to_contain_text("at least 3 s")  # two seconds are too short for it
    clean(page)
    # The press that puts it right opens the room, where it is seen before it is written.
    reels.locator(".misfits button").first.click()
    room = page.locator("dialog.finish-sheet")
    expect(room.locator("#finish-write")).to_be_enabled(timeout=LONG)
    expect(room.locator(".finish-sheet:not(.drawing)").or_(room)).to_be_visible()
    page.locator("#finish-write").click()
    expect(room).to_be_hidden(timeout=WAIT)
    app.settle()
    expect(page.locator(".facts")).to_contain_text("· 3 s ·", timeout=WAIT)  # its length, not what it took
    page.locator("#post-open").click()
    expect(reels.locator(".post-pick input")).to_be_checked(timeout=WAIT)  # remembered
    expect(reels.locator(".misfits")).to_be_hidden()
    expect(page.locator("#post-go")).to_have_text("Make 3 files")
    page.locator("#post-go").click()
    expect(page.locator("#post-zip")).to_be_focused(timeout=LONG)
    for place, words in (("reels", "1 of"), ("whatsapp", "All"), ("master-h264", "All")):
        expect(sheet.locator(f"[data-place='{place}'] .post-fold summary")).to_contain_text(words)
    # A clip of 360 pixels is enlarged three times for Reels, and it is said.
    assert reels.locator(".post-checks tr.bad th").all_text_contents() == ["detail"]
    reels.locator(".post-fold summary").click()
    expect(reels.locator(".post-checks tbody tr")).not_to_have_count(0)
    clean(page)
    with page.expect_download() as download:
        page.locator("#post-zip").click()
    file = tmp_path / "all.zip"
    download.value.save_as(file)
    with zipfile.ZipFile(file) as packed:
        assert len(packed.namelist()) == len(PLACES)
