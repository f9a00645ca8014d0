"""One press sends every photo on the strip: each with its own crop and the same motion, in one line of the queue; and once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from studio.nouns import Cancelled, Failed
from tests.ui.conftest import HELD, WAIT, App, Open
from tests.ui.steps import animate, asks, choose, crop_box, drop, heard, held, made_for, plays, quick, sample, say, slow
from tests.ui.test_film_strip import photos, placed

pytestmark = pytest.mark.ui


def settled(page: Page, app: App, jobs: int) -> None:
    """So many jobs have been queued, and all of them have ended."""
    page.wait_for_function(f"Stir.now('board').jobs.length >= {jobs}")
    app.settle()


def loaded(page: Page, files: list[str]) -> None:
    drop(page, *files)
    expect(page.locator(".film-pick")).to_have_count(len(files), timeout=WAIT)


def test_ten_photos_are_ten_upright_clips_in_three_actions(page: Page, app: App, tmp_path: Path) -> None:
    files = photos(tmp_path, 10)
    drop(page, *files)  # one
    made_for(page, "reels")  # two
    expect(page.locator("#animate")).to_have_text(re.compile("Animate all 10"), timeout=WAIT)
    quick(page)  # not a person's action: ten clips of full size take this machine long
    page.locator("#animate").click()  # three
    expect(page.locator(".job.group")).to_have_count(1, timeout=WAIT)
    expect(page.locator(".job.group")).to_contain_text("10 photos")
    expect(page.locator(".queue-list > .job:not(.group)")).to_have_count(0)
    app.settle()
    clips = app.studio.library.find()
    assert len(clips) == 10 and {clip.width / clip.height for clip in clips} == {9 / 16}
    assert {clip.shot.photo.name for clip in clips} == {Path(file).name for file in files}
    assert {clip.shot.motion for clip in clips} == {clips[0].shot.motion}
    assert {clip.shot.platform for clip in clips} == {"reels"}
    expect(page.locator(".queue")).to_be_hidden()


def test_each_goes_with_its_own_crop_and_one_may_go_alone(page: Page, app: App, tmp_path: Path) -> None:
    loaded(page, photos(tmp_path, 3))
    quick(page)
    made_for(page, "square")
    quick(page)
    placed(page)
    page.locator(".film-pick").nth(1).click()
    page.locator(".crop-box").focus()
    for _ in range(30):
        page.keyboard.press("ArrowDown")
    moved = crop_box(page)
    page.locator(".film-pick").nth(2).click()
    page.locator(".aspects [data-value='16:9']").click()
    page.locator("#animate").click()
    settled(page, app, 3)
    shots = {clip.shot.photo.name: clip.shot for clip in app.studio.library.find()}
    assert [shots[f"{at:02}.png"].crop.aspect for at in range(3)] == ["1:1", "1:1", "16:9"]
    crop = shots["01.png"].crop
    assert (crop.x, crop.y, crop.w, crop.h) == pytest.approx(moved, abs=0.005)
    assert shots["02.png"].platform == ""  # its shape is an exception
    expect(page.locator("#animate")).not_to_have_attribute("aria-disabled", "true")
    page.locator("#animate-one").click()
    settled(page, app, 4)
    assert app.studio.library.find()[0].shot.photo.name == "02.png" and app.studio.library.count() == 4
    for _ in range(2):
        page.locator(".film-away").first.focus()
        page.keyboard.press("Enter")
    expect(page.locator("#animate")).to_have_text(re.compile("^Animate(Ctrl|⌘)"))
    expect(page.locator("#animate-one")).to_be_hidden()


def test_a_photo_that_cannot_be_used_is_named_and_the_others_go(page: Page, app: App, tmp_path: Path) -> None:
    loaded(page, photos(tmp_path, 3))
    quick(page)
    placed(page)
    gone = page.locator(".film-pick").nth(1).get_attribute("data-photo")
    for file in app.studio.settings.photos.glob(f"{gone}*"):
        file.unlink()
    page.locator("#animate").click()
    note = page.locator("#output .note, #clip-column .note").filter(has_text="01.png")
    expect(note).to_contain_text("01.png: That photo is not in the studio.")
    expect(page.locator(".sent")).to_contain_text("2 photos are in the queue.")
    settled(page, app, 2)
    assert sorted(clip.shot.photo.name for clip in app.studio.library.find()) == ["00.png", "02.png"]


def test_what_is_painted_belongs_to_its_photo(page: Page, app: App, tmp_path: Path) -> None:
    loaded(page, photos(tmp_path, 2))
    quick(page)
    page.locator(".chip[data-effect='ripple']").click()
    bounds = page.locator(".brush-canvas").bounding_box()
    assert bounds
    page.mouse.move(bounds["x"] + 20, bounds["y"] + bounds["height"] / 2)
    page.mouse.down()
    page.mouse.move(bounds["x"] + 90, bounds["y"] + bounds["height"] / 2, steps=4)
    page.mouse.up()
    expect(page.locator("[data-paint='ripple']")).to_contain_text("Painted")
    heard(page)
    page.keyboard.press("Escape")
    page.locator("#animate").click()
    expect(page.locator(".sent")).to_contain_text("Water ripple is left out of the photo it isn't painted on.")
    settled(page, app, 2)
    effects = {
        clip.shot.photo.name: [(one.name, bool(one.brush)) for one in clip.shot.motion.effects]
        for clip in app.studio.library.find()
    }
    assert effects == {"00.png": [("ripple", True)], "01.png": []}


def test_a_group_opens_is_cancelled_as_one_and_retries_what_failed(page: Page, app: App, tmp_path: Path) -> None:
    loaded(page, photos(tmp_path, 4))
    quick(page, 8)
    app.zoom.pace = HELD
    slow(page)
    page.locator("#animate").click()
    group = page.locator(".job.group")
    expect(group).to_contain_text("4 photos", timeout=WAIT)
    expect(group).to_contain_text("0 of 4 done")
    expect(group).to_contain_text("8 s")
    group.get_by_role("button", name="Show each of the 4 photos").click()
    each = page.locator(".queue-each .job")
    expect(each).to_have_count(4)
    expect(each.first).to_contain_text("00")
    each.nth(3).get_by_role("button", name="Cancel").click()
    expect(group).to_contain_text("1 stopped")
    group.get_by_role("button", name="Cancel what is left of 4 photos").click()
    expect(group).to_contain_text("4 stopped")
    app.settle()
    assert {type(job.state) for job in app.studio.jobs()} == {Cancelled}
    page.locator("#clear-ended").click()
    expect(page.locator(".queue")).to_be_hidden()
    say(page, "The camera pushes in.")
    quick(page)
    app.zoom.breaks.add("animate")
    try:
        page.locator("#animate").click()
        expect(group).to_contain_text("4 failed", timeout=WAIT)
    finally:
        app.zoom.breaks.clear()
    group.get_by_role("button", name="Retry what failed").click()
    expect(page.locator(".queue")).to_be_hidden(timeout=WAIT)
    assert app.studio.library.count() == 4 and not any(isinstance(job.state, Failed) for job in app.studio.jobs())


# Once -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["quick", "late"])
def test_a_double_click_is_one_job(page: Page, app: App, late: bool) -> None:
    sample(page)
    quick(page)
    heard(page)
    waiting: list[Route] = []
    if late:
        page.route("**/component_server**", lambda one: waiting.append(one) if asks(one.request, "animate") else one.continue_())
    page.locator("#animate").dblclick()
    page.keyboard.press("Control+Enter")
    if late:
        page.wait_for_function("document.querySelector('#animate').getAttribute('aria-disabled') === 'true'")
        while not waiting:
            page.wait_for_timeout(20)
        page.locator("#animate").dblclick(force=True)
        page.keyboard.press("Control+Enter")
        page.keyboard.press("Control+Enter")
        assert len(waiting) == 1
        for route in waiting:
            route.continue_()
        page.unroute("**/component_server**")
    plays(page)
    app.settle()
    assert len(app.studio.jobs()) == 1
    expect(page.locator("#animate")).to_have_attribute("aria-disabled", "false")
    page.locator("#animate").click()  # a press of its own is a job of its own
    page.wait_for_function("Stir.now('board').jobs.length === 2")


def test_a_held_key_and_two_quick_ones_are_one_job(page: Page, app: App) -> None:
    sample(page)
    quick(page)
    heard(page)
    page.locator("#animate").focus()
    for _ in range(6):  # the keyboard repeats
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    plays(page)
    app.settle()
    assert len(app.studio.jobs()) == 1


@pytest.mark.parametrize("button", ["Again", "Another take"])
def test_again_pressed_twice_is_one_job(page: Page, app: App, button: str) -> None:
    sample(page)
    quick(page)
    animate(page)
    page.locator("#clip-column").get_by_role("button", name=button).dblclick()
    page.wait_for_function("Stir.now('board').jobs.length === 2")
    app.settle()
    assert len(app.studio.jobs()) == 2


def test_a_studio_that_does_not_answer_is_said_and_the_button_comes_back(browser: Browser, app: App) -> None:
    page = browser.new_page()  # its console says that the request failed
    page.goto(app.url)
    sample(page)
    quick(page)
    heard(page)
    page.route("**/component_server**", lambda one: one.abort() if asks(one.request, "animate") else one.continue_())
    page.locator("#animate").click()
    expect(page.get_by_text("The studio did not answer.")).to_be_visible()
    expect(page.locator("#animate")).to_have_attribute("aria-disabled", "false")
    page.close()


# What is seen is what is made -------------------------------------------------------------------------------------------


def test_draft_and_variations_have_the_crop_that_is_chosen(page: Page, app: App) -> None:
    """Also while the studio still looks where it lies best: neither is drawn before."""
    sample(page)
    with held(page, "suggest_crop"):
        made_for(page, "reels")
        quick(page)
        page.locator("#vary-open").click()
        expect(page.locator("dialog.vary")).to_be_visible()
    placed(page)
    suggested = crop_box(page)
    films = page.locator(".variation-film video[src]")
    expect(films).to_have_count(3, timeout=WAIT)
    page.wait_for_function("[...document.querySelectorAll('.variation-film video')].every(one => one.videoWidth > 0)")
    for film in films.evaluate_all("all => all.map(one => one.videoWidth / one.videoHeight)"):
        assert film == pytest.approx(9 / 16, abs=0.03)
    for tile in page.locator(".variation-film").evaluate_all("all => all.map(one => one.clientWidth / one.clientHeight)"):
        assert tile == pytest.approx(9 / 16, abs=0.01)
    page.locator("#vary-go").click()
    settled(page, app, 3)
    for clip in app.studio.library.find():
        assert (clip.shot.crop.x, clip.shot.crop.w) == pytest.approx((suggested[0], suggested[2]), abs=0.004)
    page.wait_for_function("document.querySelector('.draft')?.videoWidth > 0")
    shape = page.evaluate("document.querySelector('.draft').videoWidth / document.querySelector('.draft').videoHeight")
    assert shape == pytest.approx(9 / 16, abs=0.03)


def test_the_queue_and_the_recent_clips_show_the_crop_and_say_the_move_and_the_length(page: Page, app: App) -> None:
    made_for(page, "shorts")
    sample(page)
    placed(page)
    quick(page, 3)
    animate(page)
    expect(page.locator(".shelf-words")).to_have_text("dolly in · 3 s")
    expect(page.locator(".clip-caption")).to_have_text("Dandelion · dolly in · 3 s")
    quick(page, 8)
    app.zoom.pace = HELD
    slow(page)
    page.locator("#animate").click()
    job = page.locator(".job")
    expect(job).to_contain_text("8 s", timeout=WAIT)
    assert job.locator(".job-poster").evaluate("one => one.clientWidth / one.clientHeight") == pytest.approx(9 / 16, abs=0.04)
    crop = page.evaluate("Stir.now('frame').crop")
    assert job.locator("img").evaluate("one => parseFloat(one.style.width)") == pytest.approx(100 / crop["w"], rel=0.01)


def test_a_bar_begins_at_nothing_and_says_whose_it_is(page: Page, app: App, open_page: Open) -> None:
    sample(page)
    quick(page, 4)
    slow(page)
    page.locator("#animate").click()
    expect(page.locator(".stage-words")).to_contain_text("Dandelion · ")
    page.wait_for_function("parseFloat(document.querySelector('.progress .bar i')?.style.width) > 60")
    page.evaluate("""() => {
        window.seen = [];
        const bar = document.querySelector('.progress .bar');
        const first = bar.dataset.job;
        new MutationObserver(() => bar.dataset.job !== first && window.seen.push(bar.firstChild.getBoundingClientRect().width
            / bar.getBoundingClientRect().width)).observe(bar, { subtree: true, attributes: true, childList: true });
    }""")
    page.locator("#animate").click()
    page.wait_for_function("window.seen.length > 0")
    assert page.evaluate("window.seen[0]") < 0.3


def test_a_model_keeps_what_the_clip_is_made_for(page: Page) -> None:
    from tests.fakes.shelf import READY

    sample(page)
    made_for(page, "reels")
    expect(page.locator("#fps")).to_have_value("30")
    choose(page, READY.id)
    choose(page, "parallax")
    expect(page.locator("#fps")).to_have_value("30")
    assert page.evaluate("Stir.now('output').platform") == "reels"
