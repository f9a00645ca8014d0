"""The Finish room: a clip cut by keys, with music and a title, previewed, undone, written, heard, opened again; a reel of two."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from studio.clip.sound_reader import read_sound
from studio.finish.soundtrack.loudness import measure_loudness
from studio.nouns import Shot
from tests.ui import steps
from tests.ui.conftest import App, Open
from tests.ui.steps import LONG, WAIT
from tests.ui.test_axe import clean

pytestmark = pytest.mark.ui


def write_music(file: Path, seconds: float = 6) -> str:
    """A quiet chord that swells twice a second, as WAV."""
    moments = np.arange(int(seconds * 44_100)) / 44_100
    chord = sum(np.sin(2 * np.pi * pitch * moments) for pitch in (220, 277, 330)) * (1.2 + np.sin(4 * np.pi * moments))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(44_100)
        sound.writeframes((chord * 1500).astype("<i2").tobytes())
    return str(file)


def make_clip(page: Page, app: App, seconds: float = 4) -> Shot:
    """A small upright clip for Reels, on the player."""
    app.zoom.pace = 0
    steps.sample(page)
    steps.made_for(page, "reels")
    steps.quick(page, seconds)
    page.locator("#animate").click()
    expect(page.locator("#finish-open")).to_be_visible(timeout=WAIT)
    return app.studio.library.find(limit=1)[0].shot


def previewed(page: Page) -> None:
    """The room shows a preview, and none is being drawn."""
    expect(page.locator(".finish-sheet:not(.drawing)")).to_be_visible(timeout=LONG)
    page.wait_for_function("(film => film.readyState >= 2 && film.videoWidth > 0)(document.querySelector('video.finish-film'))")


def test_a_clip_is_finished_with_music_and_opened_again(app: App, open_page: Open, tmp_path: Path) -> None:
    page = open_page(reduced_motion="reduce")
    make_clip(page, app)
    original = app.studio.library.find(limit=1)[0]
    page.locator("#finish-open").click()
    sheet = page.locator("dialog.finish-sheet")
    expect(sheet.get_by_role("tab", name="Cut")).to_be_focused(timeout=WAIT)
    previewed(page)
    expect(sheet.locator(".safe-zone").first).to_be_visible()
    expect(sheet.locator(".zone-words")).to_contain_text("Never in the file")
    expect(sheet.locator("#finish-write")).to_be_enabled()
    # The end is moved by keys: two half seconds, one step each press, and all one step to take back.
    end = sheet.locator("#trim-end")
    end.focus()
    end.press("Shift+ArrowLeft")
    end.press("Shift+ArrowLeft")
    expect(end).to_have_attribute("aria-valuetext", "3 s")
    previewed(page)
    expect(sheet.locator(".finish-outcome")).to_contain_text("3 s", timeout=LONG)
    # A title, on its place by an arrow key, undone and done again.
    sheet.get_by_role("tab", name="Titles").click()
    sheet.locator("[data-add='title']").click()
    words = sheet.get_by_label("Words 1", exact=True)
    expect(words).to_be_focused()
    words.fill("Morning")
    sheet.locator(".title-mark").press("ArrowUp")
    expect(sheet.locator(".title-mark")).to_have_attribute("aria-label", "“Morning”, at the top. Arrow keys move it")
    page.keyboard.press("Control+z")
    expect(sheet.locator(".title-mark")).to_have_attribute("aria-label", "“Morning”, in the middle. Arrow keys move it")
    for _ in range(2):
        page.keyboard.press("Control+z")
    expect(sheet.locator(".title-row")).to_have_count(0)
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+y")
    expect(words).to_have_value("Morning")
    # Music, seen as a waveform; it begins a second in.
    sheet.get_by_role("tab", name="Sound").click()
    page.locator("#mix-music-input").set_input_files(write_music(tmp_path / "chord.wav"))
    begins = sheet.get_by_role("slider", name="Music begins at")
    begins.focus()
    for _ in range(10):
        begins.press("ArrowRight")
    expect(begins).to_have_attribute("aria-valuetext", "1.0 s")
    expect(sheet.locator("#track-music")).to_contain_text("chord.wav, 6 s")
    previewed(page)
    for tab in ("Cut", "Speed", "Titles", "Sound"):
        sheet.get_by_role("tab", name=tab).click()
        clean(page)
    # Written: the original stays, and the file is as long and as loud as was said.
    page.locator("#finish-write").dblclick()
    expect(sheet).to_be_hidden(timeout=WAIT)
    app.settle()
    expect(page.locator(".shelf .clip-tile")).to_have_count(2, timeout=WAIT)
    expect(page.locator(".facts")).to_contain_text("· 3 s ·", timeout=WAIT)  # its length, not what it took
    with page.expect_download() as download:
        page.locator("#download").click()
    file = tmp_path / "finished.mp4"
    download.value.save_as(file)
    heard = read_sound(file, 0.0, 60.0)
    assert abs(heard.samples.shape[-1] / heard.rate - 3) < 0.1
    loudness = measure_loudness(heard)
    assert abs(loudness.integrated - -14) < 1
    assert loudness.true_peak <= -0.9
    assert app.studio.library.get(original.id) == original
    # Opened again: what it was made of, with all that was done to it.
    page.locator("#finish-open").click()
    expect(sheet.locator("#track-music")).to_contain_text("chord.wav, 6 s", timeout=WAIT)
    expect(sheet.locator("#finish-write")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    join(page, app)


def join(page: Page, app: App) -> None:
    """Both clips into a reel, the second one first."""
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library .card-mark input")).to_have_count(2, timeout=WAIT)
    for mark in page.locator("#library .card-mark input").all():
        mark.check(force=True)
    page.locator("#reel-marked").click()
    sheet = page.locator("dialog.finish-sheet")
    clips = sheet.locator(".reel-clip")
    expect(clips).to_have_count(2, timeout=WAIT)
    first = clips.first.get_attribute("data-clip")
    clips.first.press("Alt+ArrowDown")
    expect(clips.last).to_have_attribute("data-clip", first or "")
    expect(clips.last).to_be_focused()
    expect(sheet.get_by_role("button", name="Reels: 9:16")).to_be_visible()  # the shape is the place's
    assert str(first) in page.evaluate("sessionStorage.getItem('stir.finish-drafts')")  # outlives a reload
    clean(page)
    previewed(page)
    page.locator("#finish-write").click()
    expect(sheet).to_be_hidden(timeout=WAIT)
    app.settle()
    made = app.studio.library.find(limit=1)[0]
    assert made.shot.finish
    assert made.shot.finish.clips[-1] == first
    assert abs(made.seconds - 6.5) < 0.15  # four seconds and three, half a second of it together
