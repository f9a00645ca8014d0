"""What a person does on the page, in their words; every step waits for what it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, Request, Route, expect

from studio.config import ASSETS

WAIT = 20_000
LONG = 60_000  # a look at a photo is quick, but other work may share this machine


def sample(page: Page, name: str = "dandelion.jpg") -> None:
    """Take a sample in and wait until it is on the desk."""
    page.locator(f"[data-sample='{name}']").click()
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("views"), timeout=WAIT)
    page.wait_for_function("document.querySelector('.photo-image').naturalWidth > 0")


def made_for(page: Page, place: str) -> None:
    """Choose what the clips are made for: the id of a place, "" for none."""
    page.locator(f"[data-place='{place}'] input").check()


def quick(page: Page, seconds: float = 1) -> None:
    """The shortest, smallest clip there is."""
    page.locator("#size").select_option("360p")
    page.locator("#fps").select_option("16")
    page.locator("#seconds").evaluate(f"one => {{ one.value = {seconds}; one.dispatchEvent(new Event('input')); }}")


def slow(page: Page) -> None:
    """Ask the stand-in to take its time, so that there is a job to look at."""
    page.locator("#prompt").fill("slow")


def animate(page: Page) -> None:
    """Press Animate and wait for the clip to play."""
    page.locator("#animate").click()
    plays(page)


def plays(page: Page) -> None:
    """The player holds a film that moves on."""
    film = page.locator(".player video")
    expect(film).to_be_visible(timeout=WAIT)
    page.wait_for_function(
        "(v => v.readyState >= 2 && v.videoWidth > 0 && v.currentTime > 0.1)(document.querySelector('.player video'))"
    )


def drop(page: Page, *files: str) -> None:
    """Choose files as the photo panel's own button would."""
    page.locator("#photo-input").set_input_files(list(files))


def asks(request: Request, name: str) -> bool:
    """Whether a request asks the studio this."""
    return "component_server" in request.url and f'"fn_name":"{name}"' in (request.post_data or "")


@contextmanager
def held(page: Page, name: str) -> Iterator[None]:
    """What the page asks the studio by this name is answered at the end of the block."""
    waiting: list[Route] = []
    page.route("**/component_server**", lambda one: waiting.append(one) if asks(one.request, name) else one.continue_())
    yield
    for route in waiting:
        route.fulfill(response=route.fetch())
    page.unroute("**/component_server**")


def crop_box(page: Page) -> tuple[float, float, float, float]:
    """The crop frame in fractions of the photo, as it is drawn."""
    return tuple(
        page.evaluate("""() => {
        const box = document.querySelector('.crop-box').getBoundingClientRect();
        const all = document.querySelector('.easel').getBoundingClientRect();
        return [(box.x - all.x) / all.width, (box.y - all.y) / all.height, box.width / all.width, box.height / all.height];
    }""")
    )


def draft(page: Page) -> None:
    """Wait for a draft of the camera path that plays."""
    expect(page.locator(".draft[data-path]")).to_be_visible(timeout=WAIT)
    page.wait_for_function("document.querySelector('.draft').videoWidth > 0")


def choose(page: Page, model: str, draft: bool = False) -> None:
    """Choose a model in the picker; without `draft` it is to make the clip itself, not to have it tried out first."""
    if not draft:
        page.locator("#draft-first input").evaluate("one => one.checked && one.click()")
    page.locator("#model").click()
    page.locator(f".picker .model-list [data-model='{model}']").click()
    expect(page.locator(".picker")).to_be_hidden()


def models(page: Page) -> None:
    """Open the models tab and wait for its rows."""
    page.get_by_role("tab", name="Models").click()
    expect(page.locator(".shelf-row").first).to_be_visible(timeout=WAIT)


def row(page: Page, model: str) -> Locator:
    """A model on the models tab."""
    return page.locator(f".shelf-row[data-model='{model}']")


# A photo with a flaw --------------------------------------------------------------------------------------------------


def flawed(folder: Path, how: str, name: str = "mountains.jpg") -> str:
    """A photograph that ships, degraded in a known way: "blocks" (JPEG at quality 10), "noise" or "flat"."""
    file = folder / f"{how}.jpg"
    photo = np.asarray(Image.open(ASSETS / "samples" / name).convert("RGB"), np.float32)
    if how == "noise":
        photo = photo + np.random.default_rng(7).normal(0, 22, photo.shape)
    if how == "flat":
        photo = 118 + (photo - 118) * 0.25
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(file, quality=10 if how == "blocks" else 96)
    return str(file)


def opened(page: Page) -> None:
    """Wait until the report on the photo is there, and open it."""
    expect(page.locator(".report-room[data-read]")).to_be_visible(timeout=LONG)
    page.locator(".report").evaluate("one => one.open = true")


def finding(page: Page, code: str) -> Locator:
    return page.locator(f".flaw[data-code='{code}']")


def take_flawed(page: Page, file: str, code: str) -> Locator:
    """Take a photo in, and find this flaw named in its report."""
    drop(page, file)
    expect(page.locator(".photo-name")).to_contain_text(Path(file).name, timeout=LONG)
    expect(finding(page, code)).to_have_count(1, timeout=LONG)
    opened(page)
    expect(page.locator(".report-line em")).to_contain_text("suggested")
    return finding(page, code)


def compare(page: Page) -> Locator:
    """Wait for the before and after."""
    expect(page.locator(".compare:not(.waiting)")).to_be_visible(timeout=LONG)
    return page.locator(".compare-divider")


def mend(page: Page, flaw: Locator) -> None:
    """Press the flaw's first remedy and use it."""
    flaw.locator(".remedy").first.click()
    compare(page)
    page.locator(".compare-use").click()
    expect(page.locator(".compare")).to_have_count(0)
    expect(page.locator(".mend")).not_to_have_count(0)


# The sentence ---------------------------------------------------------------------------------------------------------


def say(page: Page, words: str) -> None:
    """Type over the first sentence, which writes itself, and wait until it has been heard and checked."""
    heard(page)
    prompt = page.locator("#prompt")
    prompt.fill("")
    prompt.press_sequentially(words, delay=5)
    heard(page)


def heard(page: Page) -> None:
    """Builder and sentence agree."""
    page.wait_for_function(
        "JSON.parse(localStorage.getItem('stir.agreed') ?? 'null')?.text === document.querySelector('#prompt')?.value"
    )
    page.evaluate("Stir.settle()")
