"""From the desk to a clip that plays; jobs that are stopped, left alone, watched from two tabs, or fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.conftest import HELD, App, Open
from tests.ui.steps import WAIT, animate, crop_box, draft, drop, plays, quick, sample, slow

pytestmark = pytest.mark.ui


def make_clip(page: Page, app: App) -> None:
    """From the draft to a clip that plays and is kept."""
    draft(page)
    expect(page.locator(".stage-label")).to_contain_text("Draft of the camera path")
    quick(page)
    animate(page)
    first = page.evaluate("document.querySelector('.player video').currentTime")
    page.wait_for_function(f"document.querySelector('.player video').currentTime != {first}")
    assert page.evaluate("document.querySelector('.player video').videoHeight") == 360
    expect(page.locator(".shelf .clip-tile")).to_have_count(1)
    expect(page.locator(".queue")).to_be_hidden()
    with page.expect_download() as download:
        page.locator("#download").click()
    assert download.value.suggested_filename.endswith(".mp4")
    # A change of mind: back to a draft, with the clip one click away.
    page.locator("[data-family='pan_left']").click()
    expect(page.locator(".stage-label")).to_be_visible()
    page.locator("#clip .panel-head [data-value='clip']").click()
    plays(page)


def test_moves_are_toggles_that_combine(page: Page) -> None:
    pressed = page.locator(".tile[aria-pressed='true']")
    page.locator("[data-family='truck_left']").click()
    expect(pressed).to_have_count(1)
    page.locator("[data-family='truck_left']").click()  # again: the other way
    expect(page.locator("[data-move='truck_right'].move")).to_be_visible()
    page.locator("[data-family='zoom_in']").click(modifiers=["Shift"])
    page.locator("[data-family='roll_left']").click(modifiers=["Shift"])
    expect(pressed).to_have_count(3)
    page.locator("[data-family='pan_left']").click(modifiers=["Shift"])
    expect(pressed).to_have_count(3)
    expect(page.locator(".sees")).to_contain_text("Three moves at most")


def test_keys_animate_and_stop(page: Page, app: App) -> None:
    sample(page)
    quick(page, 4)
    app.zoom.pace = HELD
    slow(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".stage-words")).to_contain_text("of 64", timeout=WAIT)
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator(".bar")).to_have_attribute("role", "progressbar")
    page.locator("#animate").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".progress")).to_be_hidden(timeout=3000)
    expect(page.locator(".job[data-state='cancelled']")).to_be_visible()
    assert app.studio.library.count() == 0
    page.locator("#clear-ended").click()
    expect(page.locator(".queue")).to_be_hidden()


def test_escape_leaves_the_brush_and_the_search_before_it_stops_anything(page: Page, app: App) -> None:
    sample(page)
    quick(page, 8)
    app.zoom.pace = HELD
    slow(page)
    page.locator("#animate").click()
    expect(page.locator(".stage-words")).to_contain_text("of 128", timeout=WAIT)
    ripple = page.locator(".chip[data-effect='ripple']")
    for leave in (lambda: page.keyboard.press("Escape"), ripple.click):
        if ripple.get_attribute("aria-pressed") == "false":
            ripple.click()
        else:
            page.locator("[data-paint='ripple']").click()
        expect(page.locator(".brush-canvas")).to_be_visible()
        leave()
        expect(page.locator(".brush-canvas")).to_be_hidden()
    page.get_by_role("tab", name="Library").click()
    page.locator("#library-search").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    page.get_by_role("tab", name="Create").click()
    expect(page.locator(".stage-words")).to_contain_text("of 128")
    (job,) = app.studio.jobs()
    assert type(job.state).__name__ == "Running"
    page.keyboard.press("Escape")
    expect(page.locator(".progress")).to_be_hidden(timeout=3000)


def test_progress_is_said_aloud(page: Page) -> None:
    sample(page)
    quick(page, 2)
    live = page.locator("#stir-live")
    expect(live).to_have_attribute("aria-live", "polite")
    slow(page)
    page.locator("#animate").click()
    expect(live).to_contain_text("per cent", timeout=WAIT)
    expect(live).to_have_text("The clip is ready.", timeout=WAIT)


def save_poster(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.locator("#poster").click()
    assert download.value.suggested_filename == "Dandelion, dolly in.png"
    download.value.save_as(tmp_path / "poster.png")
    with Image.open(tmp_path / "poster.png") as poster:
        assert (poster.format, min(poster.size)) == ("PNG", 360)


def test_a_tab_follows_and_stops_its_own_jobs_also_after_a_reload(page: Page, app: App) -> None:
    sample(page)
    quick(page, 8)
    app.zoom.pace = HELD
    slow(page)
    page.locator("#animate").click()
    expect(page.locator(".stage-words")).to_contain_text("of 128", timeout=WAIT)
    page.reload()
    expect(page.locator(".stage-words")).to_contain_text("of 128", timeout=WAIT)
    other = page.context.new_page()  # which shares all that a browser remembers
    other.goto(app.url)
    theirs = other.locator(".job[data-state='running']")
    expect(theirs).to_contain_text("Elsewhere · ", timeout=WAIT)
    expect(other.locator("#stop")).to_be_hidden()
    assert other.title() == "Stir"
    other.keyboard.press("Escape")
    page.locator("#animate").click()
    waits = other.locator(".job[data-state='queued']")
    waits.get_by_label("begun elsewhere").click()  # on purpose, one of them
    expect(waits).to_have_count(0, timeout=WAIT)
    expect(page.locator(".stage-words")).to_contain_text("of 128")
    expect(page).to_have_title("(1) Stir")
    app.zoom.pace = 0.0
    plays(page)
    expect(other.locator(".shelf .clip-tile")).to_have_count(1, timeout=WAIT)
    expect(other.locator(".player")).to_be_hidden()


def test_the_queue_is_put_in_order_by_keys_and_by_dragging(page: Page, app: App) -> None:
    sample(page)
    quick(page, 10)
    app.zoom.pace = HELD
    slow(page)
    page.locator("#animate").click()
    expect(page.locator(".job[data-state='running']")).to_be_visible(timeout=WAIT)
    for _ in range(3):
        page.locator("#animate").click()
    waiting = page.locator(".job[data-state='queued']")
    expect(waiting).to_have_count(3)
    order = waiting.evaluate_all("all => all.map(one => one.dataset.job)")
    waiting.nth(1).get_by_role("button", name="Earlier").click()
    expect(waiting.first).to_have_attribute("data-job", order[1])
    page.locator(f"[data-job='{order[2]}']").drag_to(waiting.first, target_position={"x": 10, "y": 20})
    expect(waiting.first).to_have_attribute("data-job", order[2])
    waiting.nth(2).get_by_role("button", name="Cancel").click()
    expect(waiting).to_have_count(2)


def test_a_failed_job_says_what_to_do(page: Page, app: App) -> None:
    sample(page)
    quick(page)
    page.locator("#prompt").fill("refuse")
    page.locator("#animate").click()
    note = page.locator("#clip .note:visible")
    expect(note).to_contain_text("The engine ran out of memory. Choose a smaller size", timeout=WAIT)
    expect(page.locator(".job[data-state='failed']")).to_be_visible()
    note.get_by_role("button", name="Retry").click()
    expect(page.locator(".job[data-state='failed']")).to_be_visible(timeout=WAIT)


def ask_reasons(page: Page) -> None:
    """Reasons come on request."""
    page.locator("#why summary").click()
    expect(page.locator("#why .reasons")).to_contain_text("1080p is sharp wherever it is shown", timeout=WAIT)


def test_photo_to_clip_its_poster_and_its_reasons(page: Page, app: App, tmp_path: Path) -> None:
    sample(page)
    ask_reasons(page)
    make_clip(page, app)
    save_poster(page, tmp_path)


def test_a_dropped_clip_brings_every_setting_back(page: Page, app: App, open_page: Open) -> None:
    sample(page)
    quick(page)
    page.locator(".aspects [data-value='4:5']").click()
    page.locator("[data-family='crane_up']").click()
    page.locator("#loop input").check()
    animate(page)
    file = app.studio.library.file(app.studio.library.find()[0])
    other = open_page()
    drop(other, str(file))
    expect(other.locator(".photo-name")).to_contain_text("Dandelion")
    expect(other.locator("[data-family='crane_up']")).to_have_attribute("aria-pressed", "true")
    expect(other.locator("#loop input")).to_be_checked()
    expect(other.locator(".aspects [data-value='4:5']")).to_have_attribute("aria-pressed", "true")
    expect(other.locator("#size")).to_have_value("360p")
    expect(other.locator("#seconds")).to_have_value("1")


def test_a_recipe_whose_photo_is_elsewhere_says_which(page: Page, app: App, tmp_path: Path) -> None:
    from studio.nouns import Photo, Shot

    recipe = tmp_path / "recipe.json"
    recipe.write_text(Shot(Photo("e" * 64, 640, 480, "lost at sea.jpg"), fps=30).to_json())
    drop(page, str(recipe))
    expect(page.locator("#photo .note")).to_contain_text("Drop lost at sea.jpg here")
    expect(page.locator("#fps")).to_have_value("30")


def test_a_recipe_brings_photo_and_crop_when_the_photo_is_here(page: Page, app: App, tmp_path: Path) -> None:
    from studio.config import ASSETS
    from studio.nouns import Crop, Shot, replace

    photo = app.studio.photos.take_in(ASSETS / "samples" / "fig.jpg")
    shot = Shot(photo, Crop(0.1, 0.2, 0.3, 0.3, "photo"))
    recipe = tmp_path / "recipe.json"
    recipe.write_text(replace(shot, photo=replace(photo, id="f" * 64)).to_json())
    drop(page, str(recipe))
    expect(page.locator("#photo .note")).to_contain_text("Drop fig.jpg here")
    recipe.write_text(shot.to_json())
    drop(page, str(recipe))
    expect(page.locator(".photo-name")).to_contain_text("fig.jpg")
    assert crop_box(page) == pytest.approx((0.1, 0.2, 0.3, 0.3), abs=0.01)
