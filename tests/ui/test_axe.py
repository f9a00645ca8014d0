"""Axe finds nothing on any tab, in either look, in the states a person meets: empty, at work, done, and with a sheet open.

Each state is reached once and looked at in both looks: the page follows the system's.
"""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.shelf import AWAY, READY
from tests.ui.conftest import App, Open
from tests.ui.steps import WAIT, choose, draft, models, quick, row, sample, say
from tests.ui.test_library_panel import fill

pytestmark = pytest.mark.ui

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
EVERY = {"type": "tag", "values": TAGS}
TURNED = {"type": "rule", "values": ["css-orientation-lock"]}
"""The one rule that reads all style sheets anew, for half of all rules' time: asked once, as they are the same everywhere."""
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""The rules that a look can break alone."""
TALL = {"width": 1440, "height": 2000}  # the bar with the button lies over nothing
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def found(page: Page, rules: dict[str, object], sheets: bool = False) -> list[str]:
    """What axe finds on the page as it stands, or in the sheet that is open over it: the rule, and where it was broken."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    # Gradio fades what arrives; a colour half way there is nobody's.
    page.wait_for_function(
        "document.getAnimations().every((one) => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity)"
    )
    answer = page.evaluate(
        """([runOnly, preload]) => axe.run(document.querySelector('dialog[open]') ?? document,
            { resultTypes: ['violations'], runOnly, preload: { assets: preload } })""",
        [rules, ["cssom", "media"] if sheets else ["media"]],
    )
    return [f"{one['id']}: {node['target']} {node['html'][:120]}" for one in answer["violations"] for node in one["nodes"]]


def clean(page: Page) -> None:
    """Nothing is found in the dark look by any rule, best practices too, nor in the light one by those of colours."""
    for look, ground, rules in (("dark", "darkroom", EVERY), ("light", "lightbox", COLOURS)):
        page.emulate_media(color_scheme=look, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-look", ground)
        wrong = found(page, rules)
        assert not wrong, "\n".join([look, *wrong])


def test_the_desk_and_its_sheets(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    clean(page)
    assert not found(page, TURNED, sheets=True)
    sample(page)
    draft(page)
    page.locator("#prompt").fill("The camera pushes in, the seeds drift, cars moving")
    page.locator(".chip[data-effect='fog']").click()
    for fold in page.locator("#desk details:not([open]) > summary").all():
        if fold.is_visible():
            fold.click()
    draft(page)
    clean(page)
    for sheet in ("#model", "#all-motions", "#vary-open"):
        page.locator(sheet).click()
        expect(page.locator("dialog[open]")).to_be_visible(timeout=WAIT)
        clean(page)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)


def test_steps_and_what_will_not_be_seen(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    say(page, "a red car on a road, dolly in fast, then orbit left, cars moving, waves roll in, leaves rustle")
    expect(page.locator(".step .chip")).to_have_count(2)
    for what in ("seen", "wont", "yet", "kept"):
        expect(page.locator(f"[data-promise='{what}']")).to_be_visible()
    clean(page)


def test_a_clip_and_the_library(open_page: Open, app: App) -> None:
    page = open_page(reduced_motion="reduce")
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library .nothing")).to_be_visible()
    clean(page)
    page.get_by_role("tab", name="Create").click()
    sample(page)
    quick(page)
    page.locator("#animate").click()
    expect(page.locator(".player video")).to_be_visible(timeout=WAIT)
    expect(page.locator(".shelf .clip-tile")).to_have_count(1, timeout=WAIT)
    app.studio.library.rate(app.studio.library.find()[0].id, 3)
    clean(page)
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library .clip-tile")).to_have_count(1)
    clean(page)
    page.locator(".card-mark input").check()
    expect(page.locator(".marks")).to_be_visible()
    clean(page)
    page.keyboard.press("Delete")
    expect(page.locator(".put-back")).to_be_visible()
    clean(page)
    page.keyboard.press("Control+z")
    page.locator("#library .clip-tile").click()
    expect(page.locator(".sheet")).to_be_visible()
    clean(page)


def test_models_and_settings(open_page: Open, app: App) -> None:
    page = open_page(reduced_motion="reduce")
    models(page)
    page.locator("#beyond summary").first.click()
    page.locator(".guide .fold:not([hidden]) summary").first.click()
    page.locator(".shelf-row [data-do='details']").nth(1).click()
    clean(page)
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#default-size")).to_be_visible()
    expect(page.locator("#settings .reasons dt").first).to_be_visible(timeout=WAIT)
    clean(page)


def test_a_phone(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce", **PHONE)
    sample(page)
    draft(page)
    clean(page)
    for name in ("Library", "Models", "Settings"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_function("document.querySelector('.tabitem:not([style*=none]) .part')?.childElementCount > 0")
        clean(page)


def test_a_job_at_work_and_one_that_was_stopped(open_page: Open, app: App) -> None:
    page = open_page(reduced_motion="reduce", viewport=TALL)
    sample(page)
    draft(page)
    choose(page, READY.id)
    page.locator("#prompt").fill("slow")
    page.locator("#advanced summary").click()
    page.locator("#steps").fill("20")
    page.locator("#steps").press("Tab")
    page.locator("#animate").click()
    expect(page.locator(".job[data-state='running']")).to_be_visible(timeout=WAIT)
    page.locator("#stop").click()
    expect(page.locator(".job[data-state='cancelled']")).to_be_visible(timeout=WAIT)
    clean(page)
    page.locator("#animate").click()
    expect(page.locator(".job[data-state='running']")).to_be_visible(timeout=WAIT)
    clean(page)


def test_what_asks_first(open_page: Open, app: App) -> None:
    """A download, the trash, and a refusal where it stands."""
    fill(app, 3)
    page = open_page(reduced_motion="reduce", viewport=TALL)
    sample(page)
    choose(page, AWAY.id)
    page.locator("#animate").click()
    expect(page.get_by_text("Pretend Away is not on this computer.").first).to_be_visible()
    clean(page)
    models(page)
    row(page, AWAY.id).locator("[data-do='fetch']").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    clean(page)
    page.keyboard.press("Escape")
    app.studio.library.trash(app.studio.library.ids()[:1])
    page.get_by_role("tab", name="Library").click()
    page.locator(".library-bar [data-value='trash']").click()
    page.locator("#empty-trash").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    clean(page)
