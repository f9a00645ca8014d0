"""Photos come in by every way, and what can't be used is refused kindly."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.config import ASSETS, MAX_UPLOAD_BYTES
from studio.motion.compose import plain
from tests.ui.conftest import App
from tests.ui.steps import animate, drop, quick, sample

pytestmark = pytest.mark.ui


def picture(file: Path, width: int = 320, height: int = 240, seed: int = 0) -> Path:
    noise = np.random.default_rng(seed).integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((width, height)).save(file)
    return file


def teach(page: Page) -> None:
    expect(page.get_by_text("Drop a photo")).to_be_visible()
    expect(page.locator(".sample")).to_have_count(6)
    expect(page.locator(".sample").first).to_contain_text("Clemens Engelhardt")
    page.locator("#animate").click()
    expect(page.locator("#photo .note")).to_contain_text("There is no photo yet.")


def take_heic(page: Page, tmp_path: Path) -> None:
    import pillow_heif

    file = tmp_path / "sea.heic"
    pillow_heif.from_pillow(Image.open(picture(tmp_path / "sea.png"))).save(file)
    drop(page, str(file))
    expect(page.locator(".photo-name")).to_contain_text("sea.heic · 320 × 240")
    page.wait_for_function("document.querySelector('.photo-image').naturalWidth > 0")


def refuse_no_picture(page: Page, tmp_path: Path) -> None:
    fake = tmp_path / "holiday.png"
    fake.write_text("not a picture at all")
    drop(page, str(fake))
    note = page.locator("#photo .note")
    expect(note).to_be_visible()
    words = note.inner_text()
    assert "Traceback" not in words and str(tmp_path) not in words and "/uploads" not in words
    note.get_by_role("button", name="Dismiss").click()
    expect(note).to_be_hidden()


LISTEN = """() => {
  window.said = [];
  const live = document.querySelector("#stir-live");
  const watch = new MutationObserver(() => window.said.push(live.textContent));
  watch.observe(live, { childList: true, characterData: true, subtree: true });
}"""
"""Keeps all that is said to a screen reader: the next words may follow at once."""


def refuse_some_of_several(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    page.evaluate(LISTEN)
    drop(page, str(tmp_path / "notes.txt"), str(tmp_path / "empty.jpg"), str(picture(tmp_path / "good.png")))
    expect(page.locator(".photo-name")).to_contain_text("good.png")
    note = page.locator("#photo .note")
    expect(note).to_contain_text("notes.txt: ")
    expect(note).to_contain_text("empty.jpg is empty.")
    page.wait_for_function("window.said.includes('1 of 3 files taken in.')")
    drop(page, str(tmp_path / "notes.txt"))
    expect(note).not_to_contain_text("empty.jpg")


def refuse_too_large(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/upload" in request.url else None)
    drop(page, str(large))
    expect(page.locator("#photo .note")).to_contain_text("over 200 MB")
    assert asked == []


def open_what_is_there(page: Page, tmp_path: Path) -> None:
    """A JPG that is cut short: the refusal says how much is there, and its button opens that, by keyboard too."""
    cut = tmp_path / "beach.jpg"
    whole = (ASSETS / "samples" / "stream.jpg").read_bytes()
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    drop(page, str(cut))
    note = page.locator("#photo .note")
    expect(note).to_contain_text(re.compile(r"This JPG is cut short inside the picture: \d\d% of it is there\."))
    note.get_by_role("button", name="Open what is there").press("Enter")
    expect(page.locator(".photo-name")).to_contain_text("beach.jpg")
    expect(page.locator(".notes")).to_contain_text(re.compile(r"only \d\d% of the picture is there: its file is cut short"))
    expect(note).to_be_hidden()
    expect(page.locator("#photo .crop-box")).to_be_focused()


def test_the_empty_page_teaches_and_what_cannot_be_used_is_refused(page: Page, tmp_path: Path) -> None:
    teach(page)
    refuse_no_picture(page, tmp_path)
    refuse_too_large(page, tmp_path)
    refuse_some_of_several(page, tmp_path)
    open_what_is_there(page, tmp_path)
    take_heic(page, tmp_path)


def test_several_photos_each_keep_their_crop(page: Page, tmp_path: Path) -> None:
    drop(page, str(picture(tmp_path / "one.png", 320, 240, 1)), str(picture(tmp_path / "two.png", 240, 320, 2)))
    expect(page.locator(".film-pick")).to_have_count(2)
    expect(page.locator(".photo-name")).to_contain_text("one.png")  # the first is shown, whatever else comes
    page.locator(".film-pick").nth(1).click()
    page.locator(".aspects [data-value='1:1']").click()
    expect(page.locator(".aspects [data-value='1:1']")).to_have_attribute("aria-pressed", "true")
    page.locator(".film-pick").first.click()
    expect(page.locator(".photo-name")).to_contain_text("one.png")
    expect(page.locator(".aspects [data-value='photo']")).to_have_attribute("aria-pressed", "true")
    page.locator(".film-pick").nth(1).click()
    expect(page.locator(".aspects [data-value='1:1']")).to_have_attribute("aria-pressed", "true")
    page.locator(".film-one").nth(1).hover()
    page.get_by_role("button", name="Take two.png off the strip").click()
    expect(page.locator(".photo-name")).to_contain_text("one.png")


def test_a_photo_can_be_pasted_and_dropped(page: Page) -> None:
    jpeg = base64.b64encode((ASSETS / "samples" / "fig.jpg").read_bytes()).decode()
    send = """([base, name, kind]) => {
        const bytes = Uint8Array.from(atob(base), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], name, { type: 'image/jpeg' }));
        dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, cancelable: true })
                                       : new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    }"""
    page.evaluate(send, [jpeg, "pasted.jpg", "paste"])
    expect(page.locator(".photo-name")).to_contain_text("pasted.jpg")
    page.evaluate(send, [jpeg, "dropped.jpg", "drop"])
    expect(page.locator(".film-pick")).to_have_count(1)  # the same pixels are the same photo


def test_the_depth_is_seen_and_replaced(page: Page, app: App, tmp_path: Path) -> None:
    """And the network that reads it better is offered by a button, which fetches nothing until it is pressed."""
    sample(page)
    fold = page.locator("#photo details", has=page.locator("#depth-source"))
    fold.locator("summary").click()
    shown = fold.locator(".depth-image")
    page.wait_for_function("document.querySelector('.depth-image').naturalWidth > 0")
    expect(page.locator("#depth-source option[value=photo]")).to_be_disabled()  # this photo came with none of its own
    expect(fold.locator(".why").first).to_contain_text("Depth: built in")
    expect(fold.locator(".depth-download")).to_be_visible()
    ramp = np.linspace(0, 255, 160).astype(np.uint8)
    Image.fromarray(np.repeat(ramp[None], 90, 0)).save(tmp_path / "map.png")
    page.locator("#depth-input").set_input_files(str(tmp_path / "map.png"))
    expect(fold.locator(".why").first).to_contain_text("Depth: your depth map")
    expect(page.locator("#depth-source")).to_have_value("map")
    expect(shown).to_be_visible()
    assert len(list(app.studio.settings.depths.iterdir())) == 1
    Image.new("L", (160, 90), 128).save(tmp_path / "flat.png")
    page.locator("#depth-input").set_input_files(str(tmp_path / "flat.png"))
    expect(page.locator("#photo .note")).to_contain_text("all one grey")
    expect(fold.locator(".why").first).to_contain_text("Depth: your depth map")


def test_the_desk_survives_a_reload(page: Page, app: App) -> None:
    """And what is made of it is what the page shows."""
    sample(page)
    quick(page)
    page.locator(".aspects [data-value='4:5']").click()
    page.locator("[data-family='orbit_left']").click()
    page.locator("#size").select_option("480p")
    page.locator(".chip[data-effect='fog']").click()
    prompt = page.locator("#prompt")
    expect(prompt).to_have_value(re.compile("Fog.*circles left"))  # what was pressed is in the sentence
    prompt.press("Control+End")
    prompt.press_sequentially(" The meadow hums.")
    page.reload()
    expect(page.locator(".photo-name")).to_contain_text("Dandelion")
    expect(page.locator(".aspects [data-value='4:5']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-family='orbit_left']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#size")).to_have_value("480p")
    animate(page)
    shot = app.studio.library.find()[0].shot
    assert (shot.crop.aspect, shot.size, shot.seconds, shot.fps) == ("4:5", "480p", 1, 16)
    assert [move.name for move in shot.motion.camera.moves] == ["orbit_left"]
    assert [effect.name for effect in shot.motion.effects] == ["fog"]
    assert "the meadow hums" in plain(shot.motion).lower()
