"""The motion builder: the sentence and the pieces it is made of, kept in step; its check; and motions to start from."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from studio import presets
from studio.config import ASSETS
from studio.motion.compose import plain
from studio.motion.read_prompt import read_motion
from studio.nouns import Camera, Effect, Motion, Move, Shot
from studio.ui.panels.words_panel import WordsQuestion, merge_avoided, merge_motions, sync_words
from studio.ui.shot_form import Misplaced, build_shot
from tests.fakes.shelf import READY
from tests.ui.conftest import App, Open
from tests.ui.steps import WAIT, animate, asks, choose, draft, drop, heard, held, quick, sample, say

pytestmark = pytest.mark.ui


def tile(page: Page, family: str) -> Locator:
    return page.locator(f".tile[data-family='{family}']")


def pressed(page: Page) -> list[str]:
    return page.locator(".tile[aria-pressed='true']").evaluate_all("all => all.map(one => one.dataset.family)")


def well(page: Page) -> None:
    """The check has spoken, and has nothing to say."""
    expect(page.locator("#check-state[data-well='true']")).to_have_text("Reads well")


def fill_builder(page: Page) -> None:
    words = "camera slowly pushes in, leaves rustle, light stays constant"
    say(page, words)
    expect(tile(page, "dolly_in")).to_have_attribute("aria-pressed", "true")
    assert pressed(page) == ["dolly_in"]
    expect(page.locator(".paces [data-value='slow']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".chip[data-effect='wind']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#slot-light")).to_have_value(read_motion(words).light)
    assert "constant" in page.locator("#slot-light").input_value()
    # It is left as it was typed, and the caret where it was.
    expect(page.locator("#prompt")).to_have_value(words)
    expect(page.locator("#prompt")).to_be_focused()
    assert page.evaluate("document.querySelector('#prompt').selectionStart") == len(words)


def write_sentence(page: Page) -> None:
    """The builder writes the sentence."""
    prompt = page.locator("#prompt")
    tile(page, "truck_left").click()
    expect(prompt).to_have_value(plain(Motion(camera=Camera((Move("truck_left"),)))))
    page.locator(".paces [data-value='slow']").click()
    page.locator("#slot-subject").fill("the reeds")
    page.locator("#slot-action").fill("sway in the wind")
    camera = Camera((Move("truck_left"),), speed="slow")
    expect(prompt).to_have_value(plain(Motion(camera=camera, subject="the reeds", action="sway in the wind")))
    page.locator(".chip[data-effect='clouds']").click()
    motion = Motion(camera=camera, effects=(Effect("clouds"),), subject="the reeds", action="sway in the wind")
    expect(prompt).to_have_value(plain(motion))
    # A change that is not a word leaves the sentence alone.
    page.locator(".paces [data-value='linear']").click()
    heard(page)
    expect(prompt).to_have_value(plain(motion))


def come_to_rest(page: Page) -> None:
    asked: list[str] = []
    # All but the page's own look at the studio.
    page.on("request", lambda one: "component_server" in one.url and not asks(one, "watch") and asked.append(one.url))
    say(page, "the camera pans left while clouds drift; the house stays still")
    tile(page, "crane_up").click()
    expect(page.locator("#prompt")).not_to_have_value("the camera pans left while clouds drift; the house stays still")
    heard(page)
    count = len(asked)
    page.wait_for_timeout(600)
    assert len(asked) == count


def test_typing_is_never_lost(page: Page) -> None:
    """Not by a press before it was heard, not by Animate, not by a reload."""
    say(page, "the camera pushes in")
    page.locator("#prompt").press_sequentially(", the lantern flickers")
    tile(page, "orbit_left").click()
    heard(page)
    assert "lantern" in page.locator("#prompt").input_value()
    assert pressed(page) == ["orbit_left"]
    page.locator("#prompt").press_sequentially(" The kite climbs.")
    page.reload()
    expect(page.locator("#prompt")).to_have_value(re.compile(r"The kite climbs\.$"))
    heard(page)
    assert pressed(page) == ["orbit_left"]


def test_what_is_pressed_and_typed_before_the_first_sentence_stands(page: Page) -> None:
    page.evaluate("localStorage.clear()")
    with held(page, "direct"):
        page.reload()
        tile(page, "orbit_left").click()
        page.locator("#prompt").press_sequentially("The meadow hums.")
    expect(page.locator("#prompt")).to_have_value(re.compile(r"The meadow hums\. .*circles left"), timeout=WAIT)
    assert pressed(page) == ["orbit_left"]


def test_animate_waits_for_what_was_just_typed(page: Page, app: App) -> None:
    sample(page)
    quick(page)
    page.locator("#prompt").fill("the camera rises while the fisherman waves")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".player video")).to_be_visible(timeout=WAIT)
    motion = app.studio.library.find()[0].shot.motion
    assert [move.name for move in motion.camera.moves] == ["crane_up"]
    assert "fisherman" in plain(motion)
    assert app.studio.library.count("fisherman waves") == 1  # the library finds it by what was said


def test_nothing_said_of_the_camera_is_shown_as_that(page: Page) -> None:
    page.locator(".move").get_by_role("button", name="Take Dolly in off").click()
    assert pressed(page) == []
    expect(page.locator(".sees")).to_have_text("Nothing is said of the camera: it holds still")
    choose(page, READY.id)
    expect(page.locator(".sees")).to_have_text("Nothing is said of the camera: the model does as it likes")
    expect(page.locator(".paces [data-value='slow']")).to_be_disabled()
    page.reload()
    expect(page.locator(".sees")).to_contain_text("Nothing is said of the camera")


def mend_vague(page: Page) -> None:
    say(page, "make it move")
    found = page.locator(".finding[data-code='vague'], .finding[data-code='nothing_moves']").first
    expect(found).to_be_visible(timeout=WAIT)
    mend = found.locator("button")
    sentence = mend.get_attribute("title")
    mend.click()
    expect(page.locator("#prompt")).to_have_value(sentence or "")
    heard(page)
    expect(page.locator(".finding[data-code='vague']")).to_have_count(0)
    page.locator("#prompt").press("Control+z")  # a fix is undone like what was typed
    expect(page.locator("#prompt")).to_have_value("make it move")


def mark_contradiction(page: Page) -> None:
    words = "The boat rocks on the water. The camera pans left and pans right. The shore stays still."
    say(page, words)
    mark = page.locator(".sentence mark[data-codes*='camera_conflict']").first
    expect(mark).to_contain_text("pans")
    assert page.locator(".finding[data-code='camera_conflict'] strong").all_inner_texts() == ["pan left", "pan right"]
    # The mark lies under its words: both boxes have the same type, width and height.
    same = page.evaluate("""() => {
        const [back, words] = ['.sentence-back', '#prompt'].map((one) => document.querySelector(one));
        const type = (one) => { const s = getComputedStyle(one);
            return [s.font, s.letterSpacing, s.padding, s.whiteSpace, one.clientWidth, one.clientHeight].join(); };
        const [a, b] = [back, words].map((one) => one.getBoundingClientRect());
        return [type(back) === type(words), a.x === b.x, a.y === b.y];
    }""")
    assert same == [True, True, True]
    # What is typed before it moves the mark along, before the check has been asked again.
    page.locator("#prompt").evaluate("one => one.setSelectionRange(0, 0)")
    page.keyboard.type("Oh ")
    expect(mark).to_contain_text("pans")
    # A fix pressed before that is the fix of what stands there now.
    page.locator(".finding[data-code='camera_conflict'] button").click()
    expect(page.locator(".finding[data-code='camera_conflict']")).to_have_count(0)
    expect(page.locator("#prompt")).to_have_value(re.compile("^Oh .*pans left"))


def scroll_marks(page: Page) -> None:
    page.locator("#prompt").fill("The leaves rustle in the evening wind by the lake. " * 20 + "The camera pans left and right.")
    heard(page)
    mark = page.locator(".sentence mark").last
    page.locator(".sentence").evaluate("one => (one.scrollTop = one.scrollHeight)")
    inside = page.evaluate("""() => {
        const box = document.querySelector('.sentence').getBoundingClientRect();
        const words = document.querySelector('#prompt');
        return [words.scrollTop, words.scrollHeight - words.clientHeight, box.height];
    }""")
    assert inside[0] == 0 and inside[1] <= 1 and inside[2] <= 210
    expect(mark).to_be_in_viewport()


def test_a_sentence_is_checked_marked_and_mended(page: Page) -> None:
    mend_vague(page)
    mark_contradiction(page)
    scroll_marks(page)


def test_a_preset_fills_the_builder_and_the_clip_has_it(page: Page, app: App) -> None:
    sample(page)
    quick(page)
    page.locator("#all-motions").click()
    one = next(preset for preset in presets.motions() if preset.motion.environment and len(preset.motion.effects) == 1)
    page.locator(f".presets-sheet [data-preset='{one.id}']").click()
    expect(page.locator(".presets-sheet")).to_be_hidden()
    expect(page.locator("#prompt")).to_have_value(plain(one.motion))
    expect(page.locator("#slot-environment")).to_have_value(one.motion.environment)
    expect(page.locator(f".chip[data-effect='{one.motion.effects[0].name}']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#seconds")).to_have_value("1")  # length, aspect and model are only offered
    animate(page)
    shot = app.studio.library.find()[0].shot
    assert shot.motion == one.motion
    assert (shot.seconds, shot.crop.aspect) == (1, "photo")
    page.locator("#use-suggested").click()
    expect(page.locator("#seconds")).to_have_value(f"{one.seconds:g}")
    if one.aspect != "photo":
        expect(page.locator(f".aspects [data-value='{one.aspect}']")).to_have_attribute("aria-pressed", "true")


def undo_preset(page: Page, app: App) -> None:
    """A preset is undone, and motions that fit come first."""
    mine = "The dandelion sways. The camera rises."
    say(page, mine)
    first = page.locator(".preset-strip .preset").first
    photo = app.studio.photos.get(page.evaluate("Stir.now('frame').photo"))
    expect(first).to_have_attribute("data-preset", app.studio.advice.motions(photo)[0].id, timeout=WAIT)
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#prompt")).not_to_have_value(mine)
    page.locator("#undo-preset").click()
    expect(page.locator("#prompt")).to_have_value(mine)
    expect(tile(page, "crane_up")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".preset[aria-pressed='true']")).to_have_count(0)


def hear_after_undo(page: Page) -> None:
    """Words not heard before a preset are heard after its undo."""
    heard(page)
    page.evaluate("""() => {
        const words = document.querySelector('#prompt');
        words.value = 'The camera rises while the kite climbs.';
        words.dispatchEvent(new Event('input'));
        document.querySelector('.preset-strip .preset').click();
    }""")
    heard(page)
    page.locator("#undo-preset").click()
    expect(page.locator(".preset-strip .preset").first).to_be_focused()
    expect(page.locator("#prompt")).to_have_value("The camera rises while the kite climbs.")
    expect(tile(page, "crane_up")).to_have_attribute("aria-pressed", "true")


def filter_gallery(page: Page) -> None:
    """The gallery is filtered by photo and use."""
    page.locator("#all-motions").click()
    tiles = page.locator(".presets-sheet .preset")
    expect(tiles).to_have_count(len(presets.motions()))
    page.locator("[data-kinds='water']").click()
    page.locator("[data-uses='travel']").click()
    wanted = {one.id for one in presets.motions() if "water" in one.kinds and "travel" in one.uses}
    expect(tiles).to_have_count(len(wanted))
    assert set(tiles.evaluate_all("all => all.map(one => one.dataset.preset)")) == wanted


def keep_over_reload(page: Page) -> None:
    """A reload keeps the builder."""
    say(page, "the camera tilts up quickly, the flags flutter in the wind, the tower stays still")
    before = page.evaluate("Stir.snapshot()")
    page.reload()
    heard(page)
    expect(page.locator("#prompt")).to_have_value(before["text"])
    assert page.evaluate("Stir.snapshot()") == before


def test_a_recipe_comes_back_as_a_sentence_and_its_pieces(page: Page, app: App, tmp_path: Path) -> None:
    photo = app.studio.photos.take_in(ASSETS / "samples" / "fig.jpg")
    camera = Camera((Move("orbit_left", 0.85), Move("crane_up", 0.2)), "linear", True, "fast")
    motion = Motion("a quiet morning", "text", camera, (Effect("fog", 0.3),), "the steam", "curls", still="the bowl")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(Shot(photo, motion=motion).to_json())
    say(page, "something else entirely moves")
    drop(page, str(recipe))
    expect(page.locator("#prompt")).to_have_value(plain(motion))
    expect(page.locator("#slot-subject")).to_have_value("the steam")
    expect(page.locator("#slot-still")).to_have_value("the bowl")
    expect(page.locator(".paces [data-value='fast']")).to_have_attribute("aria-pressed", "true")
    heard(page)
    assert msgspec.convert(page.evaluate("Stir.snapshot()")["motion"], Motion) == motion


def test_what_is_avoided_is_kept_thing_by_thing() -> None:
    def after(avoid: str, said: str, text: str) -> str:
        return merge_avoided(WordsQuestion(Motion(), Motion(negative_prompt=avoid), text, said))

    assert after("textures", "The woman smiles", "The woman smiles, no text") == "textures, text"
    assert after("blurry text, text", "The woman smiles, no text", "The woman smiles") == "blurry text"
    assert after("blurry; ugly", "The woman smiles", "The woman laughs") == "blurry; ugly"


def test_what_is_avoided_is_not_said(page: Page) -> None:
    """Heard letter by letter, it leaves no letters behind; one press takes it out of the sentence."""
    say(page, "The flag flutters, the pole stays still, no te")
    page.locator("#prompt").press_sequentially("xt, no blur. The camera rises.", delay=5)
    choose(page, READY.id)
    page.locator("#advanced summary").click()
    expect(page.locator("#avoid")).to_have_value("text, blur")
    page.locator(".finding[data-code='negative_words'] button").click()
    expect(page.locator("#prompt")).not_to_have_value(re.compile("blur"))
    heard(page)
    expect(page.locator("#avoid")).to_have_value("text, blur")


def draft_words(page: Page) -> None:
    """The draft shows what only the words ask for."""
    heard(page)
    draft(page)
    path = page.locator(".draft").get_attribute("data-path")
    page.locator("#slot-environment").fill("thin fog drifts by")
    fog = page.locator(".chip[data-effect='fog']")
    expect(fog).to_have_class("chip asked")
    expect(fog).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".draft")).not_to_have_attribute("data-path", path or "", timeout=WAIT)
    expect(page.locator("[data-promise='seen']")).to_contain_text("fog drifts by")


def tell_model(page: Page) -> None:
    say(page, "the camera pushes in, the woman turns her head")
    expect(page.locator("#told")).to_be_hidden()
    expect(page.locator("[data-promise='wont']")).to_contain_text("the woman turns her head")
    choose(page, READY.id)
    expect(page.locator("#told summary")).to_have_text("What Pretend is told")
    page.locator("#told summary").click()
    expect(page.locator("[data-told='prompt']")).to_contain_text("turns her head")


def start_brush(page: Page) -> None:
    """An effect without a place starts the brush."""
    page.locator(".chip[data-effect='ripple']").click()
    page.keyboard.press("Escape")
    expect(page.locator(".brush-canvas")).to_be_hidden()
    page.locator("[data-promise='yet'] button").click()
    expect(page.locator(".brush-canvas")).to_be_visible()


def let_it_rain(page: Page) -> None:
    say(page, "it rains heavily")
    rain = page.locator(".chip[data-effect='rain']")
    expect(rain).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-promise='seen']")).to_contain_text("it rains heavily")
    ways = page.get_by_label("Rain, direction")
    assert ways.locator("option").all_inner_texts() == ["→ Right", "↓ Straight down", "← Left"]
    say(page, "")
    rain.click()
    page.get_by_label("Rain, direction").select_option("180")
    expect(page.locator("#prompt")).to_have_value("Rain falls to the left.")


def test_sentence_and_builder_follow_each_other_and_the_model(page: Page) -> None:
    fill_builder(page)
    come_to_rest(page)
    let_it_rain(page)
    tell_model(page)


def fill_slot(page: Page) -> None:
    """Suggestions fill their slot."""
    page.locator("#slot-still").focus()
    chip = page.locator(".slot-chips .chip").first
    words = chip.inner_text()
    chip.click()
    expect(page.locator("#slot-still")).to_have_value(words)
    expect(page.locator("#prompt")).to_have_value(plain(Motion(still=words)))
    chip.click()
    expect(page.locator("#slot-still")).to_have_value("")


def test_suggestions_builder_gallery_and_reload_keep_the_sentence(page: Page) -> None:
    fill_slot(page)
    write_sentence(page)
    filter_gallery(page)
    page.keyboard.press("Escape")
    expect(page.locator(".presets-sheet")).to_be_hidden()
    hear_after_undo(page)
    keep_over_reload(page)


def test_with_a_photo_the_draft_the_brush_and_the_motions_follow_the_words(page: Page, app: App) -> None:
    sample(page)
    draft_words(page)
    start_brush(page)
    page.keyboard.press("Escape")
    undo_preset(page, app)


def test_a_phone_has_it_all(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    say(page, "make it move")
    expect(page.locator(".finding").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#all-motions").tap()
    expect(page.locator(".presets-sheet .preset").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# Without a browser -----------------------------------------------------------------------------------------------------


def test_what_was_pressed_stands_while_something_was_typed() -> None:
    before = Motion(camera=Camera((Move("dolly_in"),)))
    held = Motion(camera=Camera((Move("pan_left"),)), subject="the kite", action="climbs")
    both = merge_motions(before, Motion(camera=Camera((Move("crane_up"),))), held)
    assert (both.camera.moves, both.subject, both.action) == ((Move("crane_up"),), "the kite", "climbs")


@pytest.mark.parametrize(
    "words",
    [
        "camera slowly pushes in, leaves rustle, light stays constant",
        "The flag flutters, no text, no blur. Thin fog drifts by and clouds drift.",
        "slow orbit left around the statue while pigeons take off; the square stays still",
    ],
)
def test_heard_letter_by_letter_or_at_once_it_is_the_same(app: App, words: str) -> None:
    def hear(steps: list[str]) -> Motion:
        motion = Motion()
        said = sync_words(app.studio, WordsQuestion(motion, motion, write=True))["text"]
        for text in steps:
            answer = sync_words(app.studio, WordsQuestion(motion, motion, text, said))
            motion, said = msgspec.convert(answer["motion"], Motion), answer["text"]
        return motion

    assert hear([words[:end] for end in range(1, len(words) + 1)]) == hear([words])


def test_a_pressed_change_that_no_word_shows_leaves_the_sentence_as_it_was_typed(app: App) -> None:
    before = read_motion("push in slowly, leaves rustle")
    looped = Motion(before.prompt, "", Camera(before.camera.moves, "linear", True, before.camera.speed), before.effects)
    ask = WordsQuestion(looped, before, "push in slowly, leaves rustle", "push in slowly, leaves rustle")
    if plain(looped) == plain(before):
        assert sync_words(app.studio, ask)["text"] == ask.text


def test_words_that_are_no_words_are_refused_at_their_place(app: App) -> None:
    photo = app.studio.photos.take_in(ASSETS / "samples" / "fig.jpg")
    frame = {"photo": photo.id}
    for words in ({"prompt": 3}, {"subject": "x" * 4001}, {"told": "x"}, "words"):
        with pytest.raises(Misplaced) as refused:
            build_shot(app.studio, frame=frame, camera=None, effects=None, words=words, output=None)
        assert refused.value.where == "words"
    shot = build_shot(
        app.studio, frame=frame, camera=None, effects=None, words={"subject": "the fig", "still": "the plate"}, output=None
    )
    assert (shot.motion.subject, shot.motion.still) == ("the fig", "the plate")
