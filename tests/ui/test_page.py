"""The page itself: both looks, a phone, the keyboard, what it may be asked, and words that stay words."""

from __future__ import annotations

import json
import os
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app import main
from studio.config import Settings
from studio.motion.compose import plain
from studio.nouns import Refusal
from studio.ui.html_part import make_part
from studio.ui.page import refuse_taken_port, sweep_uploads
from tests.ui.conftest import App, Contexts, Open
from tests.ui.steps import WAIT, animate, drop, models, quick, sample
from tests.ui.test_photo_panel import picture

pytestmark = pytest.mark.ui


def ground(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_look_follows_the_system_and_the_switch(open_page: Open) -> None:
    dark = open_page(color_scheme="dark")
    assert ground(dark) == "rgb(16, 17, 19)"
    light = open_page(color_scheme="light")
    assert ground(light) == "rgb(246, 245, 242)"
    light.locator("#look").click()
    expect(light.locator("#look")).to_have_attribute("aria-label", "Look: darkroom")
    assert ground(light) == "rgb(16, 17, 19)"
    light.reload()
    expect(light.locator("#look")).to_have_attribute("aria-label", "Look: darkroom")
    assert ground(light) == "rgb(16, 17, 19)"


def poor(page: Page) -> list[object]:
    """Words that stand out too little from their ground: WCAG AA asks for 4.5 to 1."""
    return page.evaluate(
        r"""() => {
        const rgb = (text) => text.match(/[\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const under = (one) => { for (; one; one = one.parentElement) { const c = rgb(getComputedStyle(one).backgroundColor);
            if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
        const all = ['button', 'summary', 'h2', 'h3', 'p', 'span', 'select'].map((tag) => `.part ${tag}`) + ', #tabs button';
        const worded = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        return [...document.querySelectorAll(all)]
            .filter((one) => one.offsetParent && !one.closest('.stage-label, .crop-box, .clip-tile') && worded(one))
            .map((one) => { const [a, b] = [light(rgb(getComputedStyle(one).color)), light(under(one))].sort((x, y) => y - x);
                return [one.textContent.slice(0, 30), (a + 0.05) / (b + 0.05)]; })
            .filter(([, ratio]) => ratio < 4.5);
    }"""
    )


def test_text_is_readable(open_page: Open) -> None:
    """The words of every control on the desk, in the picker and on the models tab."""
    page = open_page(color_scheme="dark")
    sample(page)
    for look in ("dark", "light"):
        page.emulate_media(color_scheme=look, reduced_motion="reduce")
        page.get_by_role("tab", name="Create").click()
        page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
        assert poor(page) == []
        page.locator("#model").click()
        assert poor(page) == []
        page.keyboard.press("Escape")
        models(page)
        assert poor(page) == []


def test_a_phone_scrolls_one_way_only(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for name in ("Create", "Library", "Models", "Settings"):
        page.get_by_role("tab", name=name).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("tab", name="Create").click()
    sample(page)
    quick(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    animate(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_context_that_is_used_again_holds_nothing(page: Page, app: App, contexts: Contexts) -> None:
    """What one test's page has stored, no other test's page reads."""
    page.evaluate("""async () => {
        localStorage.setItem('stir.camera', '"mine"'); sessionStorage.setItem('mine', 1); document.cookie = 'mine=1';
        await new Promise((done) => { indexedDB.open('mine').onsuccess = done; });
        await (await caches.open('mine')).put('/mine', new Response('mine'));
    }""")
    used = page.context
    contexts.give_back(app)
    again = contexts.take(app)
    assert again is used
    other = again.new_page()
    other.goto(f"{app.url}theme.css")
    assert other.evaluate("""async () => [localStorage.length, sessionStorage.length, document.cookie,
        (await indexedDB.databases()).length, (await caches.keys()).length]""") == [0, 0, "", 0, 0]


def test_a_page_at_rest_draws_nothing(open_page: Open) -> None:
    page = open_page()
    page.add_init_script("""{
        const draw = requestAnimationFrame;
        window.frames_asked = 0;
        window.requestAnimationFrame = (frame) => draw((now) => (window.frames_asked++, frame(now)));
    }""")
    page.reload()
    expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    rested = page.evaluate("""async () => {
        for (let looks = 0; looks < 40; looks++) {
            frames_asked = 0;
            await new Promise(go => setTimeout(go, 300));
            if (!frames_asked) return true;
        }
    }""")
    assert rested


def test_words_stay_words(page: Page, app: App, tmp_path: Path) -> None:
    """Markup stays text, and so does `${…}`, which Gradio's templates would run (the console would then log 77)."""
    nasty = "<img src=x onerror=window.hit=1>${console.error(77)}{{hit}}`.png"
    file = picture(tmp_path / "plain.png")
    page.locator("#photo-input").set_input_files([{"name": nasty, "mimeType": "image/png", "buffer": file.read_bytes()}])
    expect(page.locator(".photo-name")).to_contain_text("onerror=window.hit=1")
    quick(page)
    page.locator("#prompt").fill("${console.error(77)}<script>hit=1</script> <img src=x onerror=hit=1>")
    expect(page.locator(".sentence-back")).to_contain_text("<script>hit=1</script>")
    animate(page)
    page.get_by_role("tab", name="Library").click()
    page.locator("#library .clip-tile").first.click()
    words = plain(app.studio.library.find()[0].shot.motion)
    assert "onerror=hit=1" in words
    expect(page.locator(".sheet")).to_contain_text(words)
    page.reload()
    expect(page.locator(".shelf .clip-tile")).to_have_count(1)
    assert page.evaluate("window.hit") is None


def test_the_desk_is_usable_without_a_mouse(page: Page) -> None:
    sample(page)
    seen: set[str] = set()
    page.locator("#look").focus()
    for _ in range(120):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("""() => {
                const one = document.activeElement;
                return one.dataset.family || one.dataset.effect || one.id || one.parentElement.id || one.className;
            }""")
        )
    assert {"combine", "dolly_in", "static", "ripple", "loop", "animate"} <= seen
    assert any("crop-box" in one for one in seen)
    unnamed = page.evaluate("""() => [...document.querySelectorAll('button, input, select, textarea, [role=slider]')]
        .filter((one) => one.offsetParent && !one.ariaHidden)
        .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))
        .map((one) => one.outerHTML.slice(0, 80))""")
    assert unnamed == []


def keep_place(page: Page) -> None:
    """The keyboard keeps its place when a part is drawn again."""
    page.locator(".chip[data-effect='fog']").click()
    where = page.get_by_label("Fog, where")
    where.focus()
    where.select_option("sky")
    expect(where).to_be_focused()
    out = page.locator(".move [data-value='dolly_out']")
    out.focus()
    page.keyboard.press("Enter")
    expect(out).to_have_attribute("aria-pressed", "true")
    expect(out).to_be_focused()


def test_reduced_motion_keeps_still(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.tile .near')).animationName") == "none"
    sample(page)
    quick(page)
    page.locator("#animate").click()
    expect(page.locator(".player video")).to_be_visible(timeout=20_000)
    assert page.evaluate("document.querySelector('.player video').paused")


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_only_our_folders_are_served_and_nothing_is_fetched(app: App) -> None:
    settings = app.studio.settings
    files = app.url + "gradio_api/file="
    assert status(app.url) == 200
    assert status(files + str(settings.database)) == 403
    assert status(files + "/etc/hostname") == 403
    assert status(files + str(settings.clips) + "/../stir.db") == 403
    assert status(files + "http://127.0.0.1:1/") == 403
    assert status(app.url + "gradio_api/proxy=http://127.0.0.1:1/") == 403
    assert status(app.url, Host="evil.example") == 400
    assert status(app.url, Origin="https://evil.example") == 403  # another site's page
    assert status(app.url, Origin=app.url.rstrip("/")) == 200


def test_a_path_that_was_never_uploaded_is_refused(app: App, tmp_path: Path) -> None:
    from studio.ui.uploads import Upload, receive_upload

    with pytest.raises(Refusal, match="did not arrive"):
        receive_upload(app.studio, Upload(str(picture(tmp_path / "mine.png")), "mine.png"))


def keep_once(page: Page, app: App, tmp_path: Path) -> None:
    """An upload is not kept twice."""
    drop(page, str(picture(tmp_path / "once.png")))
    expect(page.locator(".photo-name")).to_contain_text("once.png")
    left = list((app.studio.settings.cache / "uploads").rglob("*.png"))
    assert left == []


def test_the_keyboards_place_uploads_and_what_leaves_the_machine(page: Page, app: App, tmp_path: Path) -> None:
    keep_place(page)
    keep_once(page, app, tmp_path)
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#settings")).to_contain_text("Nothing. Photos, clips and recipes stay")
    expect(page.locator("#settings")).to_contain_text(re.compile("encoder", re.IGNORECASE), timeout=20_000)


def test_a_port_that_is_taken_is_refused_before_anything_starts(
    app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(0)
        port = taken.getsockname()[1]
        assert main(["--home", str(home), "--port", str(port)]) == 2
        assert capsys.readouterr().err == f"Another program uses port {port}. Choose another, as --port {port + 1}.\n"
        with pytest.raises(Refusal, match="Another program"), refuse_taken_port(Settings(home, port=port)):
            raise OSError("Cannot find empty port")  # what Gradio says where it was taken while Stir started
    assert main(["--home", str(home), "--port", str(app.studio.settings.port)]) == 2
    assert f"Stir runs already at {app.url[:-1]}" in capsys.readouterr().err
    assert main(["--home", str(home), "--port", "70000"]) == 2
    assert "from 1024 to 65535" in capsys.readouterr().err
    assert not home.exists()


def test_uploads_of_a_run_that_was_killed_are_swept(tmp_path: Path) -> None:
    old, new = (tmp_path / "home" / "cache" / "uploads" / name / "photo.jpg" for name in ("old", "new"))
    for file in (old, new):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"with a place in its EXIF")
    os.utime(old.parent, (0, 0))
    sweep_uploads(Settings(tmp_path / "home"))
    assert (old.parent.exists(), new.exists()) == (False, True)


def test_what_a_part_never_changes_is_one_string() -> None:
    """Gradio's page copies a part's props value by value at every event: a list of models made each press slow."""
    given = make_part("guide_panel", rows=[{"move": "pan", "good": [1, 2]}]).get_config()["props"]
    assert given.keys() == {"given"}
    assert json.loads(given["given"]) == {"rows": [{"move": "pan", "good": [1, 2]}]}
