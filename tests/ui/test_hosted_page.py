"""Hosted models on the page: what is agreed to, paid, given and shown. The services are the stand-in that ships, and labelled so.

Every test may use the one studio with a token, in which nothing has been agreed to and nothing was spent.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from studio.hosted_demo.stand_in import Call, StandIn
from studio.jobs import hosted_job, hosted_lane
from tests.fakes.waiting import until
from tests.ui.conftest import App, Watch
from tests.ui.steps import WAIT, choose, drop, sample
from tests.ui.test_axe import clean
from tests.ui.test_photo_panel import picture

pytestmark = pytest.mark.ui

TOKEN = "r8_only-a-stand-in-takes-this-one-4711"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with StandIn(token=TOKEN) as imitation, pytest.MonkeyPatch.context() as patch:
        for name in ("REPLICATE_API_TOKEN", "FAL_KEY"):
            patch.delenv(name, raising=False)
        for name in ("STIR_REPLICATE_URL", "STIR_FAL_URL"):
            patch.setenv(name, imitation.address)
        for module in (hosted_job, hosted_lane):
            patch.setattr(module, "POLL_SECONDS", 0.3)
        yield imitation


@pytest.fixture(scope="module")
def hosted_app(stand: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("hosted") / "home", ())
    yield app
    app.close()


@pytest.fixture
def desk(hosted_app: App, stand: StandIn, browser: Browser) -> Iterator[Page]:
    """A page with a photo on it, of a studio that has a token for Replicate alone."""
    stand.calls.clear()
    hosted_app.clear()
    hosted_app.studio.hosted.keep_token("replicate", TOKEN)
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, permissions=["microphone"], reduced_motion="reduce")
    context.set_default_timeout(WAIT)
    page, watch = open_page(context, hosted_app.url)
    yield page
    context.close()
    hosted_app.studio.hosted.forget_token("replicate")
    assert watch.faults == []


def open_page(context: BrowserContext, url: str) -> tuple[Page, Watch]:
    page, watch = context.new_page(), Watch(url)
    watch.follow(page)
    page.goto(url)
    expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    sample(page)
    return page, watch


def agree(page: Page) -> None:
    page.locator("#checkout-go").click()
    expect(page.locator(".checkout")).to_be_hidden()


def arrives(page: Page) -> None:
    """The clip is on the player."""
    expect(page.locator(".player video")).to_be_visible(timeout=WAIT)
    page.wait_for_function("document.querySelector('.player video').videoWidth > 0")


def find_inputs(stand: StandIn) -> list[dict[str, object]]:
    """What the stand-in was asked to make, the oldest first."""
    return [json.loads(call.body)["input"] for call in stand.list_calls("create")]


def sends(stand: StandIn) -> list[Call]:
    return stand.list_calls("create")


def type_token(page: Page) -> None:
    """The token goes into the settings, is taken, never shown again, and the cards are checked with it."""
    token = page.locator("[data-token='replicate']")
    expect(token).to_be_focused()
    expect(token).to_have_attribute("type", "password")
    token.fill(TOKEN)
    token.press("Enter")
    service = page.locator(".service[data-service='replicate']")
    expect(service.locator(".stand")).to_have_text("Token ends in …4711, typed in, until Stir is closed")
    expect(page.locator("#services .stand-in")).to_contain_text("nothing is billed")
    expect(token).to_have_value("")
    service.get_by_role("button", name="Check").click()
    expect(service.locator(".checked")).to_contain_text("ways in take what Stir sends")
    clean(page)


def go_over_the_budget(page: Page) -> None:
    """A budget for today that the next clip would go over is said before and after the press."""
    page.get_by_role("tab", name="Settings").click()
    page.locator("#day-budget").fill("1")
    page.locator("#day-budget").press("Tab")
    page.get_by_role("tab", name="Create").click()
    expect(page.locator(".cost-over")).to_contain_text("Today's budget is $1.00, and $0.84 of it are spent")
    expect(page.locator("#animate")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Again", exact=True).click()
    page.locator("#checkout-go").click()
    expect(page.locator("#clip .dock .note:not([hidden])")).to_contain_text("Today's budget is $1.00")


def test_from_the_token_to_a_paid_clip(hosted_app: App, desk: Page, stand: StandIn) -> None:
    page, studio = desk, hosted_app.studio
    answers: list[str] = []

    def hear(answer: Response) -> None:
        if "component_server" in answer.url:
            answers.append(answer.text())

    page.on("response", hear)
    studio.hosted.forget_token("replicate")
    expect(page.locator("#gauge")).not_to_be_empty()
    page.wait_for_function("!Stir.hasToken()")
    page.locator("#model").click()
    group = page.locator(".hosted-group")
    expect(group).not_to_have_attribute("open", "")
    expect(group.locator("summary")).to_contain_text("Hosted · needs your own token19")
    group.locator("summary").click()
    expect(group.locator("[data-model='kling-v3']")).to_have_attribute("aria-disabled", "true")
    expect(group.locator("[data-model='kling-v3']")).to_contain_text(re.compile(r"Replicate \$0\.17 to \$0\.34/s.*fal \$"))
    group.get_by_role("button", name="Add a token").click()

    type_token(page)

    page.get_by_role("tab", name="Create").click()
    page.locator("#model").click()
    expect(group).to_have_attribute("open", "")
    page.locator(".model-find").fill("kl v3")
    expect(page.locator(".model-list [role=option]")).to_have_count(1)
    page.locator(".model-find").press("Enter")
    page.locator("#draft-first input").uncheck()
    animate, cost = page.locator("#animate"), page.locator("#cost")
    expect(cost).to_contain_text(
        re.compile(
            r"About \$1\.68 at Replicate · 5 s at \$0\.336 a second · price read Apr 2026[^·]* · stand-in, nothing is billed"
        )
    )
    page.locator("[data-option='mode'] [data-value='standard']").click()
    expect(animate).to_contain_text("Animate for about $1.26")
    page.locator("[data-option='sound'] input").uncheck()
    expect(animate).to_contain_text("Animate for about $0.84")
    expect(page.locator("#plan")).to_contain_text("about 1280 × 720, 5 s")
    animate.click()
    sheet = page.locator(".checkout")
    expect(sheet).to_contain_text(re.compile("without its metadata.*hands it on to Kuaishou.*deletes.*consent", re.DOTALL))
    clean(page)
    sheet.get_by_role("button", name="Cancel").click()
    assert not sends(stand)
    animate.click()
    agree(page)
    arrives(page)
    expect(page.locator(".cost-totals")).to_have_text("Today $0.84 · this session $0.84")
    assert [(one["mode"], one["duration"]) for one in find_inputs(stand)] == [("standard", 5)]

    go_over_the_budget(page)
    assert len(sends(stand)) == 1
    assert studio.spending.spent_today().amount == pytest.approx(0.84)

    kept = page.evaluate("() => document.documentElement.outerHTML + JSON.stringify({...localStorage, ...sessionStorage})")
    page.remove_listener("response", hear)
    assert TOKEN not in kept
    assert answers
    assert not [answer for answer in answers if TOKEN in answer]
    settings = page.request.get(f"{hosted_app.url}config").text()
    assert TOKEN not in settings


def test_a_strip_at_one_price_a_cancel_and_what_goes_wrong(hosted_app: App, desk: Page, stand: StandIn, tmp_path: Path) -> None:
    page, studio = desk, hosted_app.studio
    before = studio.spending.spent_session().amount
    choose(page, "hailuo-2.3-fast")
    drop(page, *(str(picture(tmp_path / f"{name}.png", 400, 300, seed)) for seed, name in enumerate(("one", "two"))))
    expect(page.locator("#photo .film-pick")).to_have_count(3)
    price = page.locator("#animate")
    expect(price).to_have_text(re.compile(r"^Animate all 3 for about \$\d"))
    shown = float(re.findall(r"\$([\d.]+)", price.inner_text())[0])
    stand.requests.seconds = 600
    price.click()
    agree(page)
    expect(page.locator("#strip .group .job-words")).to_contain_text("0 of 3 done")
    page.locator(".group-open").click()
    expect(page.locator("#queue-each .job-words").filter(has_text="at Replicate (stand-in)")).to_have_count(3, timeout=WAIT)
    expect(page.locator(".stage-numbers")).to_contain_text("2 more at work")
    assert studio.spending.spent_session().amount - before == pytest.approx(shown, abs=0.02)
    page.locator("#queue-each").get_by_role("button", name=re.compile("^Cancel ")).first.click()
    expect(page.locator("#queue-each .job[data-state='cancelled']")).to_have_count(1, timeout=WAIT)
    page.locator("#strip").get_by_role("button", name=re.compile("^Cancel what is left")).click()
    expect(page.locator("#strip .job[data-state='cancelled']").first).to_be_visible(timeout=WAIT)
    until(lambda: len(stand.list_calls("cancel")) == 3)  # the page says so at once, the service is told after
    stand.requests.seconds = 0

    stand.faults.script["create"] = ["failed", "lose"]
    page.locator("#animate-one").click()
    agree(page)
    failure = page.locator("#clip .dock > .note[data-job]")
    expect(failure).to_contain_text("Replicate (stand-in) couldn't make this clip. It says:", timeout=WAIT)
    stand.faults.script["list"] = ["404"] * 20
    failure.get_by_role("button", name="Retry").click()
    agree(page)
    expect(failure).to_contain_text("may have been started, and may be billed", timeout=WAIT)
    expect(failure).to_contain_text("replicate.com/predictions")
    stand.faults.script["list"] = []
    sent = len(sends(stand))
    failure.get_by_role("button", name="Retry").click()
    arrives(page)
    assert len(sends(stand)) == sent  # it was found, and costs nothing more


def make_it_speak(page: Page) -> None:
    """Ovi says what is written for it, at a price that nobody knows."""
    choose(page, "ovi")
    page.locator("[data-option='speech']").fill("Good morning")
    page.locator("[data-option='speech']").press("Tab")
    tick = page.locator("#cost-unknown")
    sheet = page.locator(".checkout")
    with another_clip(page):
        page.locator("#animate").click()
        expect(sheet.locator("#checkout-go")).to_have_attribute("aria-disabled", "true")  # its price isn't known
        sheet.locator("#checkout-unknown").check()
        agree(page)
    expect(tick).to_be_visible()  # and from now on beside the button


def test_models_are_given_what_they_take(hosted_app: App, desk: Page, stand: StandIn, tmp_path: Path) -> None:
    page = desk
    choose(page, "kling-avatar-v2")
    lack = page.locator(".cost-over")
    expect(lack).to_contain_text("Kling Avatar v2 speaks with a voice that you give it. Record one, or add a sound file.")
    page.locator("#animate").click(force=True)
    expect(page.locator(".record")).to_be_focused()
    page.locator(".record").click()
    expect(page.locator(".record")).to_have_text(re.compile("Stop, 0:01"), timeout=WAIT)
    page.locator(".record").click()
    expect(page.locator("#voice .attached-name")).to_have_text(re.compile(r"^Recorded voice\.wav, \d"))
    expect(lack).to_be_hidden()
    page.wait_for_function("document.querySelector('#voice audio').duration > 0.5")
    page.locator("#animate").click()
    agree(page)
    arrives(page)

    choose(page, "kling-v2.6-motion-control")
    expect(lack).to_contain_text("Add a film to move like.")
    page.locator("#motion_video-input").set_input_files(str(film(tmp_path / "dance.mp4")))
    expect(page.locator("#motion-video .attached-name")).to_have_text("dance.mp4, 3.2 s")
    with another_clip(page):
        page.locator("#animate").click()

    choose(page, "wan-2.7-i2v")
    page.locator("#audio-input").set_input_files(str(sound(tmp_path / "music.wav")))
    expect(page.locator("#voice .attached-name")).to_have_text("music.wav, 4 s")
    expect(page.locator("#ending")).to_contain_text("Ends on")
    with another_clip(page):
        page.locator("#animate").click()
        agree(page)

    make_it_speak(page)
    avatar, motion, wan, ovi = find_inputs(stand)
    assert all(str(one).startswith(("data:", "http")) for one in (avatar["audio"], motion["video"], wan["audio"]))
    assert "<S>Good morning<E>" in str(ovi["prompt"])
    choose(page, "kling-avatar-v2")
    expect(page.locator("#voice .attached-name")).to_have_text(re.compile("Recorded voice"))  # each model keeps its own


@contextmanager
def another_clip(page: Page) -> Iterator[None]:
    """What is pressed in the block leads to another clip on the player."""
    before = page.locator(".player video").get_attribute("src")
    yield
    expect(page.locator(".player video")).not_to_have_attribute("src", before or "", timeout=WAIT)
    arrives(page)


def sound(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(8000)
        file.writeframes((8000 * np.sin(np.arange(32_000) / 9)).astype("<i2").tobytes())
    return path


def film(path: Path) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", 10, width=128, height=96, pix_fmt="yuv420p")
        for number in range(32):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((96, 128, 3), 5 * number, np.uint8))))
        file.mux(stream.encode())
    return path


def test_a_job_is_picked_up_after_kill_9(stand: StandIn, browser: Browser, tmp_path: Path) -> None:
    stand.calls.clear()
    stand.requests.seconds = 8
    with served(tmp_path, stand) as (process, url):
        context = browser.new_context(viewport={"width": 1440, "height": 1200})
        context.set_default_timeout(WAIT)
        page, _ = open_page(context, url)
        choose(page, "kling-v2.1")
        page.locator("#animate").click()
        agree(page)
        expect(page.locator(".stage-words")).to_contain_text(
            re.compile(r"(Waiting|Running) at Replicate \(stand-in\)"), timeout=WAIT
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
        context.close()
    stand.requests.seconds = 0
    with served(tmp_path, stand) as (_, url):
        context = browser.new_context(viewport={"width": 1440, "height": 1200})
        page = context.new_page()
        page.goto(url)
        expect(page.locator(".shelf .clip-tile")).to_have_count(1, timeout=60_000)
        context.close()
    assert len(sends(stand)) == 1


class served:  # noqa: N801 - used as a function
    """The program itself, serving a home folder."""

    def __init__(self, folder: Path, stand: StandIn) -> None:
        self.folder, self.stand = folder, stand

    def __enter__(self) -> tuple[subprocess.Popen[bytes], str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "app.py", "--home", str(self.folder / "home"), "--port", str(port)]
        self.process = subprocess.Popen(command, env={**os.environ, **self.stand.environment()}, cwd=Path(__file__).parents[2])
        url = f"http://127.0.0.1:{port}/"
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=1).close()
                return self.process, url
            except OSError:
                time.sleep(0.1)
        raise AssertionError("it does not serve")

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
