"""What a person does on the page, in their words; every step waits for what it leads to."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

WAIT = 20_000


def sample(page: Page, name: str = "dandelion.jpg") -> None:
    """Take a sample in and wait until it is on the desk."""
    page.locator(f"[data-sample='{name}']").click()
    expect(page.locator(".photo-image")).to_have_attribute("src", re.compile("views"), timeout=WAIT)
    page.wait_for_function("document.querySelector('.photo-image').naturalWidth > 0")


def quick(page: Page, seconds: float = 1) -> None:
    """The shortest, smallest clip there is."""
    page.locator("#size").select_option("360p")
    page.locator("#fps").select_option("16")
    page.locator("#seconds").evaluate(f"one => {{ one.value = {seconds}; one.dispatchEvent(new Event('input')); }}")


def slow(page: Page) -> None:
    """Ask the stand-in to take its time, so that there is a job to look at."""
    page.locator(".part-words summary").click()
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
