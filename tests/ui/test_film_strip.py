"""Many photos: what they are made for holds for each of them, each keeps a crop of its own, and the strip stays quick."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import WAIT, App
from tests.ui.steps import asks, crop_box, drop, held, made_for, sample
from tests.ui.test_photo_panel import picture

pytestmark = pytest.mark.ui


def photos(folder: Path, count: int, first: int = 0) -> list[str]:
    """Small photographs, no two alike, lying and standing."""
    sides = ((480, 320), (320, 480), (400, 400))
    return [str(picture(folder / f"{at:02}.png", *sides[at % 3], seed=at)) for at in range(first, first + count)]


def aspects(page: Page) -> list[str]:
    return page.evaluate("Stir.now('film').map(one => one.crop.aspect)")


def placed(page: Page) -> None:
    """Every crop is where the studio puts it."""
    page.evaluate("Stir.framed(true)")


def lit(page: Page) -> list[str]:
    """The places that are shown as chosen."""
    return page.locator(".place:has(:checked)").evaluate_all("all => all.map(one => one.dataset.place)")


def test_what_is_made_for_holds_for_ten_photos_for_later_ones_and_after_a_reload(page: Page, tmp_path: Path) -> None:
    drop(page, *photos(tmp_path, 5))
    expect(page.locator(".film-pick")).to_have_count(5)
    made_for(page, "reels")
    drop(page, *photos(tmp_path, 5, first=5))
    expect(page.locator(".film-pick")).to_have_count(10)
    placed(page)
    assert aspects(page) == ["9:16"] * 10
    for shape in page.locator(".film .cropped").evaluate_all("all => all.map(one => one.clientWidth / one.clientHeight)"):
        assert shape == pytest.approx(9 / 16, abs=0.03)
    page.reload()
    expect(page.locator(".film-pick")).to_have_count(10)
    assert lit(page) == ["reels"]
    page.evaluate("document.querySelector('.photo-full > .fold:last-child').open = true")
    sample(page)
    expect(page.locator(".film-pick")).to_have_count(11)
    placed(page)
    assert aspects(page) == ["9:16"] * 11
    expect(page.locator("#fps")).to_have_value("30")
    made_for(page, "youtube")
    placed(page)
    assert aspects(page) == ["16:9"] * 11


def choose_place_first(page: Page) -> None:
    page.get_by_role("radio", name="Feed 4:5").focus()
    page.keyboard.press("ArrowRight")  # as in every row of radio buttons
    assert lit(page) == ["square"]
    sample(page)
    placed(page)
    assert aspects(page) == ["1:1"]
    made_for(page, "")
    assert (lit(page), aspects(page)) == ([""], ["1:1"])


def test_a_shape_chosen_by_hand_is_the_exception_of_one_photo(page: Page, app: App, tmp_path: Path) -> None:
    made_for(page, "reels")
    drop(page, *photos(tmp_path, 3))
    expect(page.locator(".film-pick")).to_have_count(3)
    page.locator(".aspects [data-value='1:1']").click()
    placed(page)
    assert (aspects(page), lit(page)) == (["1:1", "9:16", "9:16"], [])
    expect(page.locator(".made-own")).to_contain_text("This photo is 1:1, an exception. The others stay Reels.")
    expect(page.get_by_role("button", name="00.png, 1:1")).to_be_visible()
    page.locator(".film-pick").nth(1).click()
    assert lit(page) == ["reels"]
    page.locator(".film-pick").first.click()
    page.get_by_role("button", name="Back to Reels").click()
    placed(page)
    assert (aspects(page), lit(page)) == (["9:16"] * 3, ["reels"])


def put_crop(page: Page) -> None:
    made_for(page, "reels")
    placed(page)
    page.locator(".crop-box").focus()
    for _ in range(70):
        page.keyboard.press("ArrowLeft")
    assert crop_box(page)[0] == pytest.approx(0, abs=0.005)
    made_for(page, "feed")
    x, _, w, h = crop_box(page)
    assert x == pytest.approx(0, abs=0.005)
    assert w / h * 1920 / 1080 == pytest.approx(4 / 5, rel=0.02)
    placed(page)
    assert crop_box(page)[0] == pytest.approx(0, abs=0.005)


def test_a_place_chosen_first_holds_and_a_crop_put_by_hand_stays(page: Page) -> None:
    choose_place_first(page)
    put_crop(page)


def test_crops_are_placed_one_by_one_and_the_one_that_is_looked_at_first(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    drop(page, *photos(tmp_path, 8))
    expect(page.locator(".film-pick")).to_have_count(8)
    page.on("request", lambda one: asked.append(one.post_data or "") if asks(one, "suggest_crop") else None)
    with held(page, "suggest_crop"):
        made_for(page, "shorts")
        page.locator(".film-pick").nth(5).click()
        expect(page.locator(".film-line")).to_have_text("Placing the crops, 0 of 8")
        assert len(asked) == 1
    placed(page)
    expect(page.locator(".film-line")).to_be_hidden()
    sixth = page.locator(".film-pick").nth(5).get_attribute("data-photo")
    assert len(asked) == 8 and sixth and sixth in asked[1]


def test_several_files_say_how_far_they_are(page: Page, tmp_path: Path) -> None:
    with held(page, "receive_file"):
        drop(page, *photos(tmp_path, 3))
        expect(page.locator(".intake-line")).to_have_text("Taking in 1 of 3")
    expect(page.locator(".film-pick")).to_have_count(3, timeout=WAIT)
    expect(page.locator(".intake-line")).to_be_hidden()


def test_the_keyboards_place_is_kept_when_a_sample_is_chosen_and_a_photo_taken_off(page: Page, tmp_path: Path) -> None:
    page.locator("[data-sample='dandelion.jpg']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".crop-box")).to_be_focused(timeout=WAIT)
    page.evaluate("document.querySelector('.photo-full > .fold:last-child').open = true")
    fig = page.locator("[data-sample='fig.jpg']")
    fig.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".film-pick")).to_have_count(2, timeout=WAIT)
    expect(fig).to_be_focused()
    page.locator(".film-pick").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".film-pick").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".film-pick")).to_have_count(1)
    expect(page.locator(".crop-box")).to_be_focused()
