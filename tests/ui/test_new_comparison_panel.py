"""A new comparison from the desk: axes, values, what it takes, what can't run here and why, and one press that starts it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.fakes.shelf import LARGE, READY
from tests.ui import steps
from tests.ui.conftest import WAIT, App, Open


def test_a_grid_is_asked_for_and_started_with_one_press(app: App, page: Page) -> None:
    steps.sample(page)
    steps.quick(page)
    page.locator("#compare-open").click()
    sheet, go = page.locator("dialog.new-comparison"), page.locator("#compare-go")
    axis = sheet.locator(".axes-side > .chips [data-axis]")
    expect(sheet.locator("[data-axis='move'][aria-pressed='true']")).to_be_focused()
    expect(go).to_have_text("Make these 3 clips", timeout=WAIT)
    expect(sheet.locator(".cell-box")).to_have_count(3)
    expect(sheet.locator(".cell-face-plan > span")).to_have_text("as it is")  # the desk's own move is one of them
    assert axis.all_inner_texts().count("Steps") == 0, "Parallax has no steps"
    page.keyboard.press("Enter")  # the chip that has the keyboard
    expect(go).to_be_disabled()
    # One of the models can't run here: its cells say why, and the others are counted.
    axis.filter(has_text="Model").click()
    sheet.locator(".fold summary").filter(has_text="out of reach").click()
    sheet.locator(f"[data-model='{LARGE.id}']").check()
    axis.filter(has_text="How far").click()
    sheet.locator(".axis[data-axis='amount'] [data-value='0.6']").click()
    expect(go).to_have_text("Make these 5 clips", timeout=WAIT)
    expect(sheet.locator(".cell-box.out")).to_have_count(2)
    expect(sheet.locator(".pinned .cell-box")).to_have_count(1)  # no other cell is the shot as it is
    expect(sheet.locator(".cell-faults")).to_contain_text(LARGE.title)
    expect(sheet.locator(".cell-faults")).to_contain_text("80 GB")
    expect(sheet.locator(".plan")).to_contain_text("on the disk, up to")
    assert "Steps" in axis.all_inner_texts(), "a model that has steps is among them"
    box = sheet.get_by_label("How far", exact=True).locator("input")
    box.fill("0.45")
    box.press("Enter")
    expect(go).to_have_text("Make these 7 clips", timeout=WAIT)
    expect(box).to_be_focused()
    sheet.locator("[data-wish='paired']").click()
    expect(go).to_have_text("Make these 3 clips", timeout=WAIT)
    sheet.locator("[data-wish='paired']").click()
    sheet.locator("[data-wish='drafts']").click()
    expect(go).to_have_text("Make these 10 clips", timeout=WAIT)  # three of them are drafts
    go.dblclick()  # the second press starts nothing more
    expect(sheet).to_be_hidden()
    expect(page.locator(".comparison [data-cell]").first).to_be_visible(timeout=WAIT)
    app.settle()
    (one,) = app.studio.comparisons.find()
    states = [app.studio.comparisons.stand(one)[cell.id].state for cell in one.cells]
    assert sorted(states) == ["done"] * 7 + ["refused"] * 3
    assert {cell.differs[0][1] for cell in one.cells if cell.drafts} == {READY.id}
    app.studio.comparisons.trash(one.id)


def test_the_sheet_fits_a_phone_and_escape_leaves_it(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    steps.sample(page)
    page.locator("#compare-open").click()
    sheet = page.locator("dialog.new-comparison")
    expect(page.locator("#compare-go")).to_have_text("Make these 3 clips", timeout=WAIT)
    assert sheet.evaluate("sheet => sheet.scrollWidth <= 390 && document.documentElement.scrollWidth <= 390")
    foot = page.locator("#compare-go").bounding_box()
    assert foot
    assert foot["y"] + foot["height"] <= 844, "the button is in sight however far one has scrolled"
    for _ in range(40):  # the keyboard stays inside
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.querySelector('dialog[open]').contains(document.activeElement)"
        )
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.locator("#compare-open")).to_be_focused()
