"""Models on the page: chosen, fetched, stopped, deleted, watched while they denoise. The models are stand-ins that say so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.motion.compose import plain
from studio.preferences import Preferences
from tests.fakes.shelf import AWAY, GATED, LARGE, MB, OTHER, READY
from tests.fakes.waiting import until
from tests.ui.conftest import App, Open
from tests.ui.steps import WAIT, choose, drop, models, plays, row, sample
from tests.ui.test_photo_panel import picture

pytestmark = pytest.mark.ui


def test_the_picker_groups_models_and_says_why_one_is_out_of_reach(page: Page, app: App) -> None:
    page.locator("#model").click()
    picker = page.get_by_role("dialog", name="Choose a model")
    options = picker.get_by_role("option")
    expect(options).to_have_count(sum(not card.hosted for card in app.studio.models.cards))  # the hosted ones are folded
    ready = picker.get_by_role("group", name="Ready on this computer")
    expect(ready.get_by_role("option")).to_have_count(3)
    expect(ready.locator("[data-model='pretend']")).to_contain_text(
        re.compile("local.*fits.*~40 s.*sound.*end frame.*Apache-2.0")
    )
    expect(picker.get_by_role("group", name="Needs a download")).to_contain_text("Needs a 40 MB download")
    out = picker.get_by_role("group", name="Out of reach here")
    expect(out).to_contain_text("needs 80 GB of video memory and this machine has 24 GB", ignore_case=True)
    large = out.locator(f"[data-model='{LARGE.id}']")
    expect(large).to_have_attribute("aria-disabled", "true")
    large.click(force=True)
    expect(picker).to_be_visible()  # nothing was chosen
    picker.locator("[data-wish='sound']").click()
    expect(picker.locator(f"[data-model='{OTHER.id}']")).to_have_count(0)
    expect(picker.locator(f"[data-model='{READY.id}']")).to_be_visible()


def test_the_picker_is_used_by_keys(page: Page) -> None:
    expect(page.locator("#gauge")).not_to_be_empty()  # the page knows how the models stand
    page.locator("#model").focus()
    page.keyboard.press("Enter")
    chosen = page.locator(".picker [aria-selected='true']")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_attribute("data-model", "parallax")
    page.keyboard.press("ArrowDown")
    expect(page.locator(f".picker [data-model='{READY.id}']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".picker")).to_be_hidden()
    expect(page.locator("#model")).to_contain_text(READY.title)
    expect(page.locator("#model")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".picker")).to_be_hidden()


def test_controls_follow_the_card_and_the_plan_is_said_before_the_run(page: Page, app: App) -> None:
    sample(page)
    plan = page.locator("#plan")
    expect(plan).to_have_text(re.compile(r"^1920 × 1080, 120 frames, 5 s at 24 fps, about \d+ s here$"))
    expect(page.locator("#quality")).to_be_hidden()
    choose(page, READY.id)
    expect(page.locator("#told summary")).to_have_text("What Pretend is told")
    expect(page.locator("#prompt")).to_be_visible()
    expect(plan).to_have_text(re.compile(r"^\d+ × \d+, \d+ frames, .* fps, 6 steps$"))
    page.locator("#quality [data-value='draft']").click()
    expect(plan).to_contain_text("4 steps")
    page.locator("#advanced summary").click()
    page.locator("#steps").fill("99")
    page.locator("#steps").press("Tab")
    expect(page.locator("#steps")).to_have_value("20")  # the most this card takes
    expect(plan).to_contain_text("20 steps")
    expect(page.locator("#strength")).to_be_visible()
    choose(page, OTHER.id)
    expect(page.locator("#strength")).to_be_hidden()
    expect(page.locator("#avoid")).to_be_hidden()
    expect(page.locator("#no-end-frame")).to_contain_text("Pretend Two can't be told where to end")
    expect(plan).to_contain_text("4 steps")
    choose(page, READY.id)
    expect(page.locator("#steps")).to_have_value("20")  # each model keeps its own


def test_what_is_asked_of_a_model_reaches_the_recipe(page: Page, app: App) -> None:
    sample(page)
    choose(page, READY.id)
    page.locator("#prompt").fill("the seeds drift away")
    page.locator("#advanced summary").click()
    page.locator("#guidance").fill("3.5")
    page.locator("#avoid").fill("text")
    page.locator("#sound input").uncheck()
    page.locator("[data-speedup='mag_cache'] input").check()
    expect(page.locator(".speedup", has_text="VAE tiling")).to_contain_text("less memory for decoding, slower, faint seams")
    page.locator("[data-speedup='vae_tiling'] input").check()
    page.locator("#may-shrink input").check()
    page.locator("#animate").click()
    plays(page)
    shot = app.studio.library.find()[0].shot
    assert (shot.model, shot.motion.negative_prompt) == ("pretend", "text")
    assert "The seeds drift away." in plain(shot.motion)
    assert (shot.quality, shot.steps, shot.guidance) == ("good", None, 3.5)
    assert (shot.sound, shot.speedups, shot.may_shrink, shot.end) == (False, ("mag_cache", "vae_tiling"), True, None)
    page.get_by_role("tab", name="Library").click()
    page.locator("#library .clip-tile").first.click()
    rows = page.locator(".sheet .recipe")
    expect(rows).to_contain_text(re.compile("Avoidtext.*QualityGood.*Guidance3.5.*Speed-upsMagCache, VAE tiling"))
    page.locator(".sheet summary").click()
    expect(page.locator(".sheet .reasons")).to_contain_text("a stand-in for tests: it denoises nothing", ignore_case=True)


def test_a_live_picture_appears_while_it_denoises_and_stop_works(page: Page, app: App) -> None:
    sample(page)
    choose(page, READY.id)
    page.locator("#prompt").fill("slow")
    page.locator("#advanced summary").click()
    page.locator("#steps").fill("20")
    page.locator("#steps").press("Tab")
    page.locator("#animate").click()
    expect(page.locator(".stage-words")).to_have_text(re.compile(r"^Dandelion · Step \d+ of 20$"), timeout=WAIT)
    expect(page.locator(".stage-numbers")).to_contain_text("0.25 s a step")
    live = page.locator(".live-view")
    expect(live).to_be_visible()
    expect(live).to_have_attribute("src", re.compile("^data:image/webp;base64,"))
    expect(page.locator(".live-mark")).to_have_text("Live")
    expect(page.locator(".job[data-state='running'] img")).to_have_attribute("src", re.compile("^data:image/webp"))
    page.locator("#clip [data-value='draft']").click()
    expect(live).to_be_hidden()
    page.locator("#stop").click()
    expect(page.locator(".job[data-state='cancelled']")).to_be_visible()
    expect(page.locator(".live-view")).to_be_hidden()
    assert app.studio.library.count() == 0


def test_a_clip_ends_on_another_photo(page: Page, app: App, tmp_path: Path) -> None:
    drop(page, str(picture(tmp_path / "one.png", 320, 240, 1)), str(picture(tmp_path / "two.png", 240, 320, 2)))
    expect(page.locator("#photo .film-pick")).to_have_count(2)
    page.locator("#photo .film-pick").first.click()
    expect(page.locator("#ending .ending")).to_be_hidden()  # the built-in model can't be told
    choose(page, READY.id)
    page.locator("#ending").get_by_role("button", name="End on two.png").click()
    expect(page.locator(".ending-name")).to_have_text("two.png")
    page.reload()
    expect(page.locator(".ending-name")).to_have_text("two.png")
    page.locator("#animate").click()
    plays(page)
    shot = app.studio.library.find()[0].shot
    assert shot.end and shot.end.photo.name == "two.png"
    page.get_by_role("button", name="Remove the end frame").click()
    expect(page.locator(".ending-chosen")).to_be_hidden()
    page.locator("#ending-input").set_input_files(str(picture(tmp_path / "three.png", 320, 320, 3)))
    expect(page.locator(".ending-name")).to_have_text("three.png")
    expect(page.locator("#photo .film-pick")).to_have_count(3)
    expect(page.locator("#photo .photo-name")).to_contain_text("one.png")  # the clip still begins where it began
    page.locator(".clip-actions").get_by_role("button", name="Use settings").click()
    expect(page.locator(".ending-name")).to_have_text("two.png")


def test_a_model_that_is_not_here_is_refused_with_a_way_out(page: Page, app: App) -> None:
    sample(page)
    choose(page, AWAY.id)
    expect(page.locator(".model-way")).to_contain_text("Needs a 40 MB download. Drafts of the camera path work without it.")
    expect(page.locator(".draft[data-path]")).to_be_visible(timeout=WAIT)
    page.locator("#animate").click()
    expect(page.locator(".dock .note:visible")).to_contain_text("Pretend Away is not on this computer.")
    assert app.studio.jobs() == ()
    page.locator(".model-way button").click()
    expect(page.locator("dialog.ask.wide")).to_contain_text("40 MB in 7 files")


def load_and_override(page: Page, app: App) -> None:
    ready = row(page, READY.id)
    ready.locator("[data-do='load']").click()
    expect(ready.locator(".stand")).to_contain_text("loaded, 35 MB", timeout=WAIT)
    ready.locator("[data-do='unload']").click()
    expect(ready.locator("[data-do='load']")).to_be_visible()
    ready.locator("[data-do='details']").click()
    expect(ready).to_contain_text("made up for tests")
    expect(ready.locator("[data-override='weights'] option[value='fp8_fast']")).to_be_disabled()
    expect(ready).to_contain_text("fp8 fast is off: It would need a GPU.")
    ready.locator("[data-override='placement']").select_option("grouped")
    until(lambda: app.studio.models.preferences().placement == {READY.id: "grouped"})
    page.reload()
    models(page)
    row(page, READY.id).locator("[data-do='details']").click()
    expect(row(page, READY.id).locator("[data-override='placement']")).to_have_value("grouped")


def convert(page: Page, app: App) -> None:
    app.shelf.wide[READY.id] = 15 * MB
    page.reload()
    models(page)
    ready = row(page, READY.id)
    expect(ready.locator(".stand")).to_contain_text("On disk, 55 MB")
    ready.locator("[data-do='details']").click()
    ready.locator("[data-do='convert']").click()
    ask = page.locator("dialog.ask.wide")
    expect(ask).to_contain_text("On the disk: 55 MB now, about 15 MB less then.")
    quick, app.shelf.pace = app.shelf.pace, 0.1
    ask.get_by_role("button", name="Convert", exact=True).click()
    expect(ready.locator(".progress")).to_contain_text(re.compile("^Converting · .* of 40 MB"))
    expect(ready.locator("[data-do='convert']")).to_be_hidden()
    app.shelf.pace = quick
    ready.locator("[data-do='stop']").click()
    expect(ready.locator("[data-do='convert']")).to_be_visible()
    ready.locator("[data-do='convert']").click()
    ask.get_by_role("button", name="Convert", exact=True).click()
    expect(ready.locator(".stand")).to_contain_text("On disk, 40 MB", timeout=WAIT)
    expect(ready.locator("[data-do='convert']")).to_be_hidden()


def download_and_delete(page: Page, app: App) -> None:
    away = row(page, AWAY.id)
    away.locator("[data-do='fetch']").click()
    ask = page.locator("dialog.ask.wide")
    expect(ask).to_contain_text(re.compile("To fetch40 MB in 7 files.*Free here900 MB.*LicenceApache-2.0"))
    assert app.studio.models.state(AWAY.id).disk == "missing"  # nothing is fetched before it is confirmed
    quick, app.shelf.pace = app.shelf.pace, 1.0  # it must not be done before it is stopped
    ask.get_by_role("button", name="Download 40 MB").click()
    expect(away.locator(".progress")).to_contain_text("of 40 MB")
    away.locator("[data-do='stop']").click()
    expect(away.locator(".stand")).to_contain_text("Partly here")
    expect(away.locator(".progress")).to_be_hidden()
    app.shelf.pace = quick
    away.locator("[data-do='resume']").click()
    expect(away.locator(".stand")).to_contain_text("On disk, 40 MB", timeout=WAIT)
    expect(page.get_by_label("Works on this computer").locator(f"[data-model='{AWAY.id}']")).to_be_visible()
    away.locator("[data-do='details']").click()
    away.locator("[data-do='delete']").click()
    expect(ask).to_contain_text("Delete Pretend Away from disk?")
    ask.get_by_role("button", name="Cancel").click()
    away.locator("[data-do='delete']").click()
    ask.get_by_role("button", name="Delete").click()
    expect(away.locator(".stand")).to_contain_text("Needs a 40 MB download")


def test_a_download_is_quoted_stopped_resumed_and_deleted_and_models_are_loaded_and_overridden(page: Page, app: App) -> None:
    models(page)
    download_and_delete(page, app)
    load_and_override(page, app)
    convert(page, app)


def test_what_goes_wrong_is_said_at_the_model(page: Page, app: App, tmp_path: Path) -> None:
    models(page)
    ask = page.locator("dialog.ask.wide")
    row(page, GATED.id).locator("[data-do='fetch']").click()
    expect(ask.locator(".note")).to_contain_text("The hub asks for an agreement first. Sign it on the model's page")
    expect(ask.locator("#confirm-model")).to_be_hidden()
    ask.get_by_role("button", name="Close").click()
    app.shelf.fails["download"] = ("The connection broke.", "Resume it when the network is back.")
    away = row(page, AWAY.id)
    away.locator("[data-do='fetch']").click()
    ask.locator("#confirm-model").click()
    expect(away.locator(".note")).to_contain_text("The connection broke. Resume it when the network is back.")
    away.locator("[data-do='details']").click()
    away.locator("[data-do='adopt']").click()
    ask.get_by_label("Folder").fill(str(tmp_path))
    ask.get_by_role("button", name="Use it").click()
    expect(ask.locator(".note")).to_contain_text("doesn't hold Pretend Away")
    (tmp_path / "model_index.json").write_text("{}")
    ask.get_by_role("button", name="Use it").click()
    expect(away).to_contain_text(str(tmp_path))
    app.studio.models.prefer(Preferences(folders={AWAY.id: str(tmp_path)}))
    expect(away.locator(".stand")).to_contain_text("In your folder, 40 MB")
    expect(away.locator("[data-do='delete']")).to_be_hidden()  # a folder of the user's is never deleted
    away.locator("[data-do='forget']").click()
    expect(away.locator("[data-do='delete']")).to_be_visible()
    assert app.studio.models.preferences().folders == {}


def test_settings_of_models_are_kept(page: Page, app: App) -> None:
    expect(page.locator("#gauge")).to_have_text(re.compile(r"^GPU 0(\.\d)?/24 GB$"))
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator(".kernels")).to_contain_text("fastest of 2 that passed")
    page.locator("#idle-minutes").fill("5")
    page.locator("#idle-minutes").press("Tab")
    page.locator("#remake-limit").fill("2")
    page.locator("#remake-limit").press("Tab")
    page.locator("#live-preview input").uncheck()
    page.locator("#attention").select_option("native")
    expect(page.locator("#attention")).to_have_value("native")
    page.reload()
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#idle-minutes")).to_have_value("5")
    expect(page.locator("#live-preview input")).not_to_be_checked()
    kept = app.studio.models.preferences()
    assert (kept.idle_minutes, kept.preview, kept.attention, kept.remake_limit) == (5, False, "native", 2)


def test_a_finished_shot_is_tried_on_another_model(page: Page, app: App) -> None:
    sample(page)
    choose(page, READY.id)
    page.locator("#animate").click()
    plays(page)
    page.locator(".clip-actions .elsewhere").select_option(OTHER.id)
    expect(page.locator("#model")).to_contain_text(OTHER.title)
    page.locator("#animate").click()
    expect(page.locator(".shelf .clip-tile")).to_have_count(2, timeout=WAIT)
    assert [clip.shot.model for clip in app.studio.library.find()] == [OTHER.id, READY.id]


def test_a_recipe_of_a_model_that_is_gone_says_so(page: Page, app: App, tmp_path: Path) -> None:
    from studio.config import ASSETS
    from studio.nouns import Shot

    photo = app.studio.photos.take_in(ASSETS / "samples" / "fig.jpg")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(Shot(photo, model="long-gone").to_json())
    drop(page, str(recipe))
    expect(page.locator("#output .note")).to_contain_text("There is no model called “long-gone” here. The settings are back")


def test_what_works_here_stands_first_and_the_rest_is_folded_by_the_gpu_it_takes(page: Page, app: App) -> None:
    models(page)
    here = page.get_by_label("Works on this computer")
    expect(here.locator(".shelf-row").first).to_have_attribute("data-model", "parallax")
    large = row(page, LARGE.id)
    expect(large).to_be_hidden()
    page.locator("#beyond summary").first.click()
    expect(large).to_be_visible()
    needs = {card.id: card.checkpoint.needs.vram for card in app.studio.models.cards if card.checkpoint}
    below = 0
    for tier in page.locator("#beyond .shelf-group:not([hidden])").all():
        size = int(tier.locator("h3").inner_text().split()[0])
        found = [str(one.get_attribute("data-model")) for one in tier.locator(".shelf-row").all()]
        assert found and all(below < needs[one] <= size for one in found)
        below = size


def test_a_chosen_model_stays_inside_its_box(open_page: Open) -> None:
    """The sheet shows the chosen model twice, as a pick for the photo and in the list: both end where the sheet's words end."""
    page = open_page()
    sample(page)
    for width in (1440, 1920, 2560, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator("#model").click()
        expect(page.locator(".pick[data-pick='parallax']")).to_be_visible(timeout=WAIT)
        boxes = (".pick[data-pick='parallax']", ".picker [aria-selected='true']")
        pick, chosen = (page.locator(one).bounding_box() for one in boxes)
        assert pick and chosen
        assert (chosen["x"], chosen["width"]) == (pick["x"], pick["width"])
        page.keyboard.press("Escape")
        expect(page.locator(".picker")).to_be_hidden()


def test_models_fit_the_page(open_page: Open) -> None:
    page = open_page(color_scheme="light")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.get_by_role("tab", name="Create").click()
        page.locator("#model").click()
        assert page.locator(".picker").evaluate("one => one.scrollWidth <= one.clientWidth")
        page.keyboard.press("Escape")
        models(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        poor = page.locator(".shelf-row").evaluate_all("all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length")
        assert poor == 0
