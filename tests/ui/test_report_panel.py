"""The report on a photo: a flaw is named, its mend is seen before it is used, and the clip is made from the mended photo."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page, expect

from studio.config import ASSETS
from studio.nouns import Crop, Mend
from studio.photo.findings import Finding, Remedy, Report
from studio.photo.mend import join_mends
from studio.ui.panels.report_panel import list_mends, make_report_calls, name_fine, show_report, summarise
from tests.fakes.shelf import READY
from tests.ui import steps
from tests.ui.conftest import App, Open
from tests.ui.steps import LONG, animate, compare, drop, finding, flawed, mend, opened, plays, quick, sample, take_flawed

pytestmark = pytest.mark.ui
NOISE = Finding("noise", "mend", "Grain will shimmer.", "noise 8", (Remedy("Denoise", (Mend("denoise", 0.5),)),))
FLAT = Finding("flat", "mend", "It is flat.", "", (Remedy("Stretch", (Mend("contrast", 0.6),)),))
BUSY = Finding("busy", "mind", "Much goes on behind.", "", (Remedy("Closer", crop=Crop(0.1, 0.1, 0.5, 0.5)),))
SHARP = Finding("soft", "fine", "It is sharp.")


# In words -------------------------------------------------------------------------------------------------------------


def test_a_report_in_one_line() -> None:
    assert summarise(Report(None, (NOISE, SHARP, BUSY))) == "1 fix suggested · 1 to know · 1 fine"
    assert summarise(Report(None, (SHARP,))) == "nothing to fix · 1 fine"
    assert (
        name_fine(Report(None, (SHARP, Finding("faces_cut", "fine", "a"), Finding("faces_small", "fine", "b"))))
        == "Fine: sharpness, faces"
    )


def test_mends_of_one_name_become_one() -> None:
    now = (Mend("contrast", 0.4), Mend("denoise", 0.5))
    assert join_mends(now, (Mend("denoise", 0.5), Mend("deblock", 0.3))) == (
        *now[:1],
        Mend("denoise", 0.75),
        Mend("deblock", 0.3),
    )
    assert join_mends((Mend("upscale", 1.0),), ()) == (Mend("upscale", 1.0),)


def test_what_hurts_comes_first_and_a_remedy_knows_the_mends_there_are() -> None:
    told = show_report(Report("street", (SHARP, BUSY, FLAT, NOISE)), (Mend("deblock", 0.5),))
    assert [one["code"] for one in told["hurts"]] == ["flat", "noise", "busy"]
    assert list(told["hurts"][1]["remedies"][0]["mends"]) == [
        {"name": "deblock", "amount": 0.5},
        {"name": "denoise", "amount": 0.5},
    ]
    assert told["hurts"][2]["remedies"][0]["mends"] is None
    assert [one["name"] for one in told["all"]] == ["deblock", "denoise", "contrast"]
    assert show_report(Report(None, (NOISE,)), ())["all"] is None


def test_of_one_mend_the_strongest_is_enough_for_all() -> None:
    busy, alike = (
        Finding(code, "mend", "It is.", "", (Remedy("Blur", (Mend("background", amount),)),))
        for code, amount in (("busy", 0.5), ("subject", 0.6))
    )
    assert list(show_report(Report(None, (busy, alike)), ())["all"]) == [{"name": "background", "amount": 0.6}]


def test_a_photo_is_enlarged_once() -> None:
    small = Finding(
        "small", "mend", "It is small.", "", (Remedy("Upscale 2×", (Mend("upscale", 1.0),)), Remedy("480p", size="480p"))
    )
    told = show_report(Report(None, (small,)), (Mend("upscale", 1.0),))
    assert [one["label"] for one in told["hurts"][0]["remedies"]] == ["480p"]
    assert told["hurts"][0]["says"].startswith("Even twice as large")
    alone = show_report(
        Report(None, (Finding("small", "mend", "It is small.", "", small.remedies[:1]),)), (Mend("upscale", 1.0),)
    )
    assert alone["line"] == "1 to know"


def test_only_a_network_upscales() -> None:
    plain, upscaled = ({one["name"]: one for one in list_mends(network)}["upscale"] for network in (False, True))
    assert (plain["title"], plain["amount"]) == ("Resampled 2×", False)
    assert (upscaled["title"], upscaled["none"], upscaled["amount"]) == ("Upscaled 2×", "Resampled 2×", True)
    small = Finding("small", "mend", "It is small.", "", (Remedy("Upscale 2×", (Mend("upscale"),)),))
    labels = [show_report(Report(None, (small,)), (), network)["hurts"][0]["remedies"][0]["label"] for network in (False, True)]
    assert labels == ["Resample 2×", "Upscale 2×"]
    assert "without new detail" in show_report(Report(None, (small,)), (), False)["hurts"][0]["says"]


def test_a_close_up_is_pixel_by_pixel(app: App, tmp_path: Path) -> None:
    grain = np.repeat(np.random.default_rng(3).integers(0, 255, (1200, 2400, 1), np.uint8), 3, axis=2)
    Image.fromarray(grain).save(tmp_path / "grain.png")
    photo = app.studio.photos.take_in(tmp_path / "grain.png")
    close = {one.__name__: one for one in make_report_calls(app.studio)}["close_up"]
    ask = {"photo": photo.id, "before": [], "after": [{"name": "contrast", "amount": 0.5}], "box": [0.5, 0.25, 0.25, 0.5]}
    seen = np.asarray(Image.open(close(ask)["before"]), np.float32)
    assert seen.shape == (600, 600, 3)
    part = grain[300:900, 1200:1800].astype(np.float32)
    assert np.corrcoef(seen.mean(2).ravel(), part.mean(2).ravel())[0, 1] > 0.9
    assert "refusal" in close({**ask, "box": [0.5, 0.25, 2, 0.5]})


# On the page ----------------------------------------------------------------------------------------------------------


def read_good(page: Page) -> None:
    """A good photo says so in one line and offers nothing."""
    expect(page.locator(".report-room")).to_be_hidden()  # no photo, no report
    sample(page)
    opened(page)
    expect(page.locator(".report-plain")).to_contain_text("nothing to fix")
    expect(page.locator(".report-plain .report-fine")).to_contain_text("Fine: ")
    expect(page.locator(".report-room button:visible")).to_have_count(0)


def mend_and_take_away(page: Page, flaw: Locator, code: str) -> None:
    """A flaw is mended and no longer named; without the mend it is named again."""
    mend(page, flaw)
    expect(page.locator(".mend")).to_have_count(1)
    expect(finding(page, code)).to_have_count(0, timeout=LONG)
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("served"))
    page.wait_for_function("document.querySelector('.photo-image').naturalWidth > 0")
    page.locator(".mend-away").click()
    expect(page.locator(".mend")).to_have_count(0)
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("views"))
    expect(finding(page, code)).to_have_count(1, timeout=LONG)


WATCH = """() => {
    window.said = [];
    const line = document.querySelector('.report .report-line');
    new MutationObserver(() => line.textContent && said.push(line.textContent)).observe(line, { childList: true });
}"""


def say_at_once(page: Page) -> None:
    """What the pixels tell was said while the rest was still looked for."""
    first, *_, last = page.evaluate("said")
    assert "1 fix suggested" in first and first.endswith("looking on…")
    assert "1 fix suggested" in last and "looking" not in last


def compare_by_pointer_and_keys(page: Page, flaw: Locator) -> None:
    """Before and after; "Not this" leaves the photo as it was."""
    flaw.locator(".remedy").first.click()
    divider = compare(page)
    expect(divider).to_have_attribute("role", "slider")
    expect(divider).to_be_focused()
    expect(divider).to_have_attribute("aria-valuenow", "50")
    page.keyboard.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "2")
    bounds = page.locator(".compare").bounding_box()
    assert bounds
    page.mouse.move(bounds["x"] + bounds["width"] * 0.1, bounds["y"] + 40)
    page.mouse.down()
    page.mouse.move(bounds["x"] + bounds["width"] * 0.75, bounds["y"] + 40, steps=4)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "75")
    page.locator(".compare-bar [data-value='closer']").click()
    assert (
        page.evaluate("document.querySelector('.compare-paper').offsetWidth / document.querySelector('.compare').offsetWidth")
        >= 2
    )
    divider.focus()
    page.keyboard.press("Escape")
    expect(page.locator(".compare")).to_have_count(0)
    expect(flaw.locator(".remedy").first).to_be_focused()
    flaw.locator(".remedy").first.click()
    compare(page)
    page.locator(".compare-away").click()
    expect(page.locator(".mend")).to_have_count(0)
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("views"))
    expect(flaw).to_be_visible()


def test_a_flaw_is_named_at_once_compared_mended_and_no_longer_named(page: Page, tmp_path: Path) -> None:
    page.evaluate(WATCH)
    flaw = take_flawed(page, flawed(tmp_path, "noise"), "noise")
    say_at_once(page)
    compare_by_pointer_and_keys(page, flaw)
    mend_and_take_away(page, flaw, "noise")
    mend_and_take_away(page, take_flawed(page, flawed(tmp_path, "blocks"), "blocks"), "blocks")


def make_from_mended(page: Page, app: App, tmp_path: Path, open_page: Open) -> None:
    """The clip has the mended pixels, and its recipe brings the mends back."""
    quick(page)
    animate(page)
    clip = app.studio.library.find()[0]
    assert [mend.name for mend in clip.shot.mends] == ["contrast"]
    poster = np.asarray(Image.open(app.studio.library.poster(clip)).convert("L"), np.float32)
    whole = np.asarray(Image.open(tmp_path / "flat.jpg").convert("L"), np.float32)
    assert np.ptp(np.percentile(poster, (2, 98))) > 1.4 * np.ptp(np.percentile(whole, (2, 98)))
    other = open_page()
    drop(other, str(app.studio.library.file(clip)))
    expect(other.locator(".mend-name")).to_contain_text("Contrast", timeout=LONG)
    expect(other.locator(".photo-image")).to_have_attribute("src", re.compile("served"), timeout=LONG)


def set_amount(page: Page, app: App) -> None:
    """An amount is set, kept over a reload, and made."""
    page.locator(".mend-name").click()
    slider = page.get_by_role("slider", name="Amount", exact=True)
    slider.evaluate("one => { one.value = 0.3; one.dispatchEvent(new Event('input')); one.dispatchEvent(new Event('change')); }")
    expect(page.locator(".mend-name")).to_have_text("Contrast 30 %")
    page.reload()
    expect(page.locator(".mend-name")).to_have_text("Contrast 30 %", timeout=LONG)
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("served"), timeout=LONG)
    page.locator("#animate").click()
    expect(page.locator(".shelf .clip-tile")).to_have_count(2, timeout=LONG)
    plays(page)
    assert app.studio.library.find()[0].shot.mends == (Mend("contrast", 0.3),)


def test_the_clip_is_made_from_the_mended_photo_and_amount_and_recipe_come_back(
    page: Page, app: App, tmp_path: Path, open_page: Open
) -> None:
    mend(page, take_flawed(page, flawed(tmp_path, "flat"), "flat"))
    make_from_mended(page, app, tmp_path, open_page)
    set_amount(page, app)


def test_every_photo_on_the_strip_has_mends_of_its_own(page: Page, app: App, tmp_path: Path) -> None:
    mend(page, take_flawed(page, flawed(tmp_path, "flat", "stream.jpg"), "flat"))
    mend(page, take_flawed(page, flawed(tmp_path, "noise"), "noise"))
    expect(page.locator(".mend")).to_have_attribute("data-mend", "denoise")
    page.locator(".film-pick").first.click()
    expect(page.locator(".mend")).to_have_attribute("data-mend", "contrast")
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("served"), timeout=LONG)
    page.locator(".film-pick").nth(1).click()
    expect(page.locator(".mend")).to_have_attribute("data-mend", "denoise")
    page.locator(".mend-away").click()
    page.locator(".film-pick").first.click()
    expect(page.locator(".mend")).to_have_attribute("data-mend", "contrast")
    quick(page)
    animate(page)
    app.settle()
    assert sorted([mend.name for mend in clip.shot.mends] for clip in app.studio.library.find()) == [[], ["contrast"]]


def test_several_flaws_are_mended_at_once(page: Page, tmp_path: Path) -> None:
    rough = np.asarray(Image.open(ASSETS / "samples" / "mountains.jpg").convert("RGB"), np.float32)
    rough = 118 + (rough - 118) * 0.25 + np.random.default_rng(7).normal(0, 14, rough.shape)
    Image.fromarray(rough.clip(0, 255).astype(np.uint8)).save(tmp_path / "rough.jpg", quality=96)
    take_flawed(page, str(tmp_path / "rough.jpg"), "noise")
    expect(finding(page, "flat")).to_have_count(1)
    page.locator(".mend-all").click()
    compare(page)
    page.locator(".compare-use").click()
    expect(page.locator(".mend")).to_have_count(2)
    expect(finding(page, "flat")).to_have_count(0, timeout=LONG)
    expect(page.locator(".report-line em")).to_have_count(0, timeout=LONG)


def test_a_remedy_that_changes_no_pixel_is_done_at_once_and_undone_in_the_line(page: Page, tmp_path: Path) -> None:
    with Image.open(ASSETS / "samples" / "mountains.jpg") as photo:
        photo.resize((800, 600)).save(tmp_path / "little.png")
    small = take_flawed(page, str(tmp_path / "little.png"), "small")
    small.locator(".remedy", has_text="Make it").click()
    expect(page.locator("#size")).not_to_have_value("auto")
    line = page.locator(".report-done")
    expect(line).to_contain_text("Done: Make it")
    expect(small).to_have_count(0, timeout=LONG)
    line.get_by_role("button", name="Undo").click()
    expect(page.locator("#size")).to_have_value("auto")
    expect(line).to_be_hidden()
    assert page.evaluate("document.querySelector('.report-room').contains(document.activeElement)")
    expect(small).to_have_count(1, timeout=LONG)
    steps.choose(page, READY.id)
    small.locator(".remedy", has_text="Make it").click()
    expect(page.locator(".report-room .note")).to_contain_text("Pretend doesn't make")
    expect(line).to_be_hidden()


def take_off_early(page: Page) -> None:
    """The report that is not wanted any more is not asked for again."""
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if steps.asks(one, "report") else None)
    room = page.locator(".report-room")
    with steps.held(page, "report"):
        sample(page)
        expect(room).to_have_attribute("aria-busy", "true")
        page.locator(".film-away").dispatch_event("click")
        expect(room).to_be_hidden()
    page.wait_for_timeout(300)
    assert len(asked) == 1


def test_a_photo_taken_off_is_looked_at_no_further_and_a_good_one_says_so(page: Page) -> None:
    take_off_early(page)
    read_good(page)


def test_where_it_is_is_outlined_on_the_photo(page: Page, tmp_path: Path) -> None:
    with Image.open(ASSETS / "samples" / "mountains.jpg") as photo:
        words = ImageDraw.Draw(photo)
        words.text((500, 900), "SUMMER SALE", fill="white", font=ImageFont.load_default(120))
        photo.save(tmp_path / "poster.png")
    drop(page, str(tmp_path / "poster.png"))
    expect(finding(page, "text")).to_have_count(1, timeout=LONG)
    opened(page)
    mark = page.locator(".place-mark")
    expect(mark).to_be_hidden()
    finding(page, "text").locator(".where").focus()
    expect(mark).to_be_visible()
    box = mark.bounding_box()
    easel = page.locator(".easel").bounding_box()
    assert box and easel
    assert (box["y"] + box["height"] / 2 - easel["y"]) / easel["height"] == pytest.approx(970 / 1440, abs=0.08)
    page.locator("#add-photo").focus()
    expect(mark).to_be_hidden()
    finding(page, "text").locator(".where").click()
    page.mouse.move(5, 5)
    expect(mark).to_be_in_viewport()
    expect(mark).to_be_hidden()  # after a while


def test_what_cannot_be_read_says_so_where_it_is(page: Page, app: App, tmp_path: Path) -> None:
    take_flawed(page, flawed(tmp_path, "noise"), "noise")
    photo = page.evaluate("Stir.now('frame').photo")
    take_flawed(page, flawed(tmp_path, "flat", "stream.jpg"), "flat")
    for file in app.studio.settings.photos.glob(f"{photo}.jpg"):
        file.unlink()
    page.locator(".film-pick").first.click()
    expect(page.locator(".report-room .note")).to_contain_text("That photo is not in the studio.", timeout=LONG)
    expect(page.locator(".report-plain")).to_contain_text("could not be read")


def test_a_report_fits_a_phone(open_page: Open, tmp_path: Path) -> None:
    phone = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    flaw = take_flawed(phone, flawed(tmp_path, "noise"), "noise")
    flaw.locator(".remedy").first.tap()
    compare(phone)
    for part in (".report-room", ".compare-bar", ".compare-use", ".flaw-remedies"):
        bounds = phone.locator(part).first.bounding_box()
        assert bounds and bounds["x"] >= 0 and bounds["x"] + bounds["width"] <= 390, part
