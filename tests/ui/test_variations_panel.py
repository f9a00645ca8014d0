"""Directing: variations side by side, a draft before the real thing, models for this photo, the guide, and the assistant."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from playwright.sync_api import Page, expect

from studio.motion.prompt_check import check_prompt
from studio.nouns import Done, Kind
from studio.photo import inspection
from tests.fakes.shelf import READY
from tests.fakes.tiny_assistant import WORDS, writer
from tests.ui import steps
from tests.ui.conftest import WAIT, App, Open


def shots(app: App) -> list[tuple[str, str, float]]:
    """Every job's maker, model and camera amount, the first queued first."""
    jobs = sorted(app.studio.jobs(), key=lambda job: job.place)
    return [(job.shot.maker, job.shot.model, job.shot.motion.camera.moves[0].amount) for job in jobs]


def test_a_flawed_photo_and_vague_words_become_a_good_clip_by_the_offered_fixes(app: App, page: Page, tmp_path: Path) -> None:
    steps.quick(page)
    steps.mend(page, steps.take_flawed(page, steps.flawed(tmp_path, "noise"), "noise"))
    expect(steps.finding(page, "noise")).to_have_count(0, timeout=steps.LONG)
    steps.say(page, "make it move, cinematic")
    while page.locator(".finding button").count():
        said = page.locator("#prompt").input_value()
        page.locator(".finding button").first.click()
        expect(page.locator("#prompt")).not_to_have_value(said)
        steps.heard(page)
    expect(page.locator("#check-state")).to_have_text("Reads well")
    expect(page.locator(".report-line em")).to_have_count(0)  # nothing is left to fix
    steps.animate(page)
    clip = app.studio.library.find()[0]
    assert [mend.name for mend in clip.shot.mends] == ["denoise"]
    motion = clip.shot.motion
    assert motion.camera.moves
    assert check_prompt(motion, seconds=clip.shot.seconds, card=app.studio.models.card(clip.shot.model)) == ()
    image = app.studio.photos.mend(clip.shot.photo, clip.shot.mends)
    report = inspection.inspect_photo(image, clip.shot.photo, clip.shot.crop, clip.shot.size)
    assert {"noise", "blocks", "flat"}.isdisjoint(finding.code for finding in report.at("mend"))


def test_variations_are_seen_side_by_side_and_queued_with_one_press(app: App, page: Page) -> None:
    steps.sample(page)
    steps.quick(page)
    page.locator("#vary-open").click()
    tiles = page.locator(".variation")
    expect(tiles).to_have_count(3, timeout=WAIT)
    expect(page.locator(".variation video[src]")).to_have_count(3, timeout=WAIT)
    titles = tiles.locator("strong").all_inner_texts()
    assert len(set(titles)) == 3
    tiles.nth(2).locator("input").uncheck()
    page.locator("#vary-go").dblclick()  # the second press queues nothing more
    expect(page.locator("dialog.vary")).to_be_hidden()
    steps.plays(page)
    app.settle()
    amounts = [amount for _, _, amount in shots(app)]
    assert len(amounts) == 2
    assert amounts[0] != amounts[1]


def offer_axes(page: Page) -> None:
    """A camera that holds still has no amount to vary."""
    page.locator("[data-family='static']").click()
    page.locator("#vary-open").click()
    expect(page.locator("dialog.vary [data-value='effect']")).to_be_visible()
    expect(page.locator("dialog.vary [data-value='amount']")).to_be_disabled(timeout=WAIT)


def test_variations_of_a_heavy_model_are_drafted_first(app: App, page: Page) -> None:
    steps.sample(page)
    steps.choose(page, READY.id, draft=True)
    page.locator("#vary-open").click()
    expect(page.locator(".variation")).to_have_count(3, timeout=WAIT)
    page.locator("dialog.vary [data-value='2']").click()
    expect(page.locator(".variation")).to_have_count(2, timeout=WAIT)
    page.locator("#vary-real input").check()
    page.locator("#vary-go").click()
    expect(page.locator("dialog.vary")).to_be_hidden()
    app.settle()
    made = [(maker, model) for maker, model, _ in shots(app)]
    assert made == [("parallax", READY.id)] * 2 + [(READY.id, READY.id)] * 2


def test_a_draft_comes_first_and_one_press_renders_the_same_shot(app: App, page: Page) -> None:
    steps.sample(page)
    steps.choose(page, READY.id, draft=True)
    expect(page.locator("#animate")).to_contain_text("Draft on Parallax", timeout=WAIT)
    steps.animate(page)
    (draft,) = app.studio.library.find()
    assert (draft.shot.model, draft.shot.draft) == (READY.id, "parallax")
    page.locator("#render").click()
    expect(page.locator("#render")).to_be_hidden(timeout=WAIT)
    app.settle()
    real, first = app.studio.library.find()
    assert first == draft
    assert (real.shot.model, real.shot.draft, real.shot.motion) == (READY.id, "", draft.shot.motion)
    assert isinstance(app.studio.job(real.id).state, Done)


def pick_model(page: Page) -> None:
    """The picker begins with picks for this photo."""
    page.locator("#model").click()
    picks = page.locator(".pick")
    expect(picks.first).to_be_visible(timeout=WAIT)
    assert 2 <= picks.count() <= 3
    assert all(len(words) > 20 for words in page.locator(".pick .says").all_inner_texts())
    before = picks.all_inner_texts()
    page.locator(".picks [data-matter='sound']").click()
    page.wait_for_function(
        "before => [...document.querySelectorAll('.pick')].map(one => one.innerText).join() !== before", arg=",".join(before)
    )
    picks.first.click()
    expect(page.locator(".picker")).to_be_hidden()


def test_only_axes_that_make_sense_are_offered_and_picks_for_this_photo(page: Page) -> None:
    steps.sample(page)
    pick_model(page)
    offer_axes(page)


def test_the_guide_names_models_for_every_kind_of_photo(page: Page) -> None:
    """On the Models tab, beside the models: what works here is said, the rest is folded under it."""
    expect(page.get_by_role("tab", name="Guide")).to_have_count(0)
    page.get_by_role("tab", name="Models").click()
    for kind in get_args(Kind):
        row = page.locator(f".guide [data-kind='{kind}']")
        expect(row.get_by_role("button", name="Use Parallax")).to_be_visible()
        expect(row.locator("[data-model='wan21-i2v-720p'], [data-model='wan22-ti2v-5b']").first).to_be_hidden()
    fold = page.locator(".guide [data-kind='portrait'] .fold:not([hidden])").first
    fold.locator("summary").click()
    expect(fold.locator("li").first).to_be_visible()
    hosted = page.locator(".guide [data-kind='portrait'] .fold[data-group='hosted']")
    expect(hosted.locator("summary")).to_contain_text("hosted, with your own token")
    hosted.locator("summary").click()
    expect(hosted.locator("[data-model='kling-avatar-v2']")).to_contain_text("From $0.056 a second at Replicate")
    page.locator(".guide").get_by_role("button", name="Use Parallax").first.click()
    expect(page.locator("#animate")).to_be_visible()


@pytest.mark.parametrize("look", ["dark", "light"])
def test_nothing_scrolls_sideways_on_a_phone(open_page: Open, look: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=look)
    steps.sample(page)
    page.locator("#vary-open").click()
    expect(page.locator(".variation")).to_have_count(3, timeout=WAIT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Models").click()
    expect(page.locator(".guide-kind").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_assistant_of_the_users_own_rewrites_the_sentence(app: App, page: Page, tmp_path: Path) -> None:
    steps.sample(page)
    expect(page.locator("#rewrite")).to_be_hidden()
    page.get_by_role("tab", name="Settings").click()
    page.locator("#assistant").fill(str(tmp_path / "nothing"))
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.locator("#assistant-state")).to_contain_text("config.json", timeout=WAIT)
    page.locator("#assistant").fill(str(writer(tmp_path)))
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.locator("#assistant-state")).to_contain_text("checked", timeout=WAIT)
    page.get_by_role("tab", name="Create").click()
    page.locator("#prompt").fill("she turns")
    page.locator("#rewrite").click()
    expect(page.locator("#prompt")).not_to_have_value("she turns", timeout=60_000)
    assert set(page.locator("#prompt").input_value().lower().replace(".", " ").split()) <= set(WORDS)
    # What comes late overwrites nothing, and is not typed where the user is by then.
    page.locator("#prompt").fill("she turns")
    with steps.held(page, "rewrite_prompt"):
        page.locator("#rewrite").click()
        page.get_by_role("tab", name="Library").click()
        page.locator("#library-search").focus()
    page.wait_for_function("document.querySelector('#prompt').value !== 'she turns'")
    expect(page.locator("#library-search")).to_have_value("")
    page.get_by_role("tab", name="Create").click()
    with steps.held(page, "rewrite_prompt"):
        page.locator("#rewrite").click()
        page.locator("#prompt").fill("she waves")
    use = page.get_by_role("button", name="Use it")
    expect(use).to_be_visible()
    expect(page.locator("#prompt")).to_have_value("she waves")
    use.click()
    expect(page.locator("#prompt")).not_to_have_value("she waves")
