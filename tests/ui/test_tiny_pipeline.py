"""The page with a real pipeline behind it: a tiny Wan of random weights, loaded, denoised and decoded by the diffusion engine.

What it makes is noise, and it takes seconds; everything between the button and the player is what a full-size model goes through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Engine
from studio.motion.compose import plain
from studio.nouns import replace
from tests.fakes import tiny, tiny_cards
from tests.fakes.zoom import Zoom
from tests.ui.conftest import App
from tests.ui.steps import choose, models, row, sample

pytestmark = pytest.mark.ui
SLOW = 60_000
MANY = 150
"""Steps, each of some milliseconds: together long enough for the page, which looks twice a second, to see the model at work."""


@pytest.fixture(scope="module")
def tiny_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    import torch

    from studio.engines.diffusion.diffusion_engine import DiffusionEngine

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny-page")
    card = tiny_cards.card("wan21_i2v", tiny.build("wan21_i2v", folder))
    assert card.checkpoint is not None
    steps = replace(card.checkpoint.steps, most=MANY)
    card = replace(card, checkpoint=replace(card.checkpoint, steps=steps, speedups=("first_block_cache", "taylorseer")))

    def find(one: ModelCard, settings: Settings) -> Engine:
        return DiffusionEngine(settings, apart=0.0) if one.checkpoint else Zoom()

    app = App(folder / "home", (card,), find)
    app.studio.settings.prepare()
    yield app
    app.close()


@pytest.fixture
def app(tiny_app: App) -> App:
    tiny_app.clear()
    return tiny_app


def test_a_tiny_model_makes_a_clip_on_the_page(page: Page, app: App) -> None:
    (card,) = [card for card in app.studio.models.cards if card.title.startswith("Tiny") or card.id.startswith("tiny")]
    sample(page)
    choose(page, card.id)
    page.locator("#quality [data-value='best']").click()
    expect(page.locator("#plan")).to_contain_text("3 steps")
    page.locator("#advanced summary").click()
    page.locator("#steps").fill(str(MANY))
    page.locator("#steps").press("Tab")
    page.locator("#prompt").fill("the seeds drift away")
    plan = page.locator("#plan")
    expect(plan).to_contain_text(f"{MANY} steps")
    width, height, frames = (int(one) for one in re.findall(r"\d+", plan.inner_text())[:3])
    page.locator("#animate").click()
    expect(page.locator(".live-view")).to_be_visible(timeout=SLOW)
    film = page.locator(".player video")
    expect(film).to_be_visible(timeout=SLOW)
    page.wait_for_function("document.querySelector('.player video').videoWidth > 0")
    assert film.evaluate("one => [one.videoWidth, one.videoHeight]") == [width, height]
    clip = app.studio.library.find()[0]
    assert (clip.num_frames, clip.shot.steps) == (frames, MANY)
    assert "The seeds drift away." in plain(clip.shot.motion)
    page.locator("#steps").fill("8")
    page.locator("#steps").press("Tab")
    page.locator("#try-speedups").click()
    cells = page.locator("#panel-compare .cell, .comparison .cell")
    expect(cells).to_have_count(3, timeout=SLOW)
    likeness = re.compile(r"PSNR \d+\.\d dB to the plain clip|Every pixel as without it")
    expect(page.locator(".comparison .cell-facts").filter(has_text=likeness)).to_have_count(2, timeout=SLOW)
    expect(page.locator(".comparison .cell-facts").filter(has_text="made in")).to_have_count(3)
    tried = [one.shot for one in app.studio.library.find(limit=3)]
    assert {one.speedups for one in tried} == {(), ("first_block_cache",), ("taylorseer",)}
    assert len({replace(one, speedups=()) for one in tried}) == 1
    models(page)
    expect(row(page, card.id).locator(".stand")).to_contain_text("loaded")
    row(page, card.id).locator("[data-do='unload']").click()
    expect(row(page, card.id).locator("[data-do='load']")).to_be_visible()
