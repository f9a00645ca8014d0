"""Previews: colours found in latents, small, seldom, and never in a run's way."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.cards import ModelCard
from studio.config import ASSETS, Settings
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.family import Family
from studio.engines.diffusion.run import latent_preview
from studio.engines.diffusion.run.latent_preview import Palette, Previews
from studio.engines.diffusion.run.prompt_cache import PromptCache
from studio.nouns import Progress
from studio.preferences import Preferences
from tests.fakes import faults, tiny, tiny_runs

Tiny = Callable[[str], ModelCard]
Pipeline = Callable[[str], tuple[Any, ModelCard]]


class Mixing(torch.nn.Module):
    """A stand-in VAE whose latents are the picture's colours in blocks of 8 x 8, mixed: what a linear map can find again."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = torch.nn.Conv2d(3, channels, 8, 8)
        torch.manual_seed(3)
        mix = torch.randn(channels, 3)
        with torch.no_grad():
            self.encoder.weight.copy_((mix / 64)[:, :, None, None].expand(-1, -1, 8, 8))
        self.config = SimpleNamespace(get={"spatial_compression_ratio": 8, "scaling_factor": 0.5}.get)
        self.dtype = torch.float32

    def encode(self, pictures: Any) -> Any:
        latents = self.encoder(pictures)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: latents))


def sample(side: int = 256) -> Image.Image:
    """A square of a sample photograph."""
    with Image.open(ASSETS / "samples" / "dogs.jpg") as picture:
        return picture.convert("RGB").resize((side, side))


def opened(url: str) -> Image.Image:
    """A preview as a picture."""
    head, _, data = url.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("channels", [4, 16, 128])
def test_colours_are_found_again(channels: int) -> None:
    pipe = SimpleNamespace(vae=Mixing(channels), _execution_device=torch.device("cpu"))
    colours = latent_preview.fit_colours(pipe, Family(), sample())
    other = np.asarray(sample().transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((64, 64)), np.float32) / 255
    latents = Family().normalise_latents(pipe, latent_preview.encode_still(pipe, other))[0].detach().numpy()
    painted = colours.paint(latents)
    wanted = np.asarray(Image.fromarray((other * 255).astype(np.uint8)).resize((8, 8), Image.Resampling.BOX))
    assert painted.shape == (1, 8, 8, 3) and painted.dtype == np.uint8
    assert np.abs(painted[0].astype(int) - wanted.astype(int)).mean() < 4


def test_a_map_is_solved_even_where_channels_carry_nothing() -> None:
    random = np.random.default_rng(1)
    latents = random.normal(size=(300, 6)).astype(np.float32)
    latents[:, 5] = latents[:, 4]
    weights = random.normal(size=(6, 3)).astype(np.float32)
    weights[3] = 0
    found = latent_preview.solve_colours(latents, latents @ weights + 0.3)
    assert np.allclose(latents @ found.weights + found.bias, latents @ weights + 0.3, atol=0.02)
    with pytest.raises(ValueError, match="finite"):
        latent_preview.solve_colours(np.full((10, 2), np.nan, np.float32), np.zeros((10, 3), np.float32))


@pytest.mark.parametrize("name", sorted(tiny.BUILDERS))
def test_every_vae_can_be_fitted_and_every_familys_latents_are_seen(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    assert card.checkpoint
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    colours = Palette().get_colours(pipe, get_family(card.checkpoint.family), sample(64))
    assert colours is not None
    assert torch.equal(torch.random.get_rng_state(), before), "fitting draws no random numbers"
    shown = colours.paint(np.zeros((len(colours.weights), 3, 8, 8), np.float32))
    assert shown.shape == (3, 8, 8, 3)


def test_a_vae_is_fitted_once_and_forgotten_with_it(pipeline: Pipeline) -> None:
    one, _ = pipeline("wan21_i2v")
    kind, palette = get_family("wan"), Palette()
    with faults.counted(one.vae.encoder) as calls:
        first = palette.get_colours(one, kind, sample(64))
        assert calls
        calls.clear()
        sharing = SimpleNamespace(vae=one.vae, _execution_device=torch.device("cpu"))
        assert palette.get_colours(sharing, kind, sample(96)) is first
        assert not calls
    brief = SimpleNamespace(vae=Mixing(4), _execution_device=torch.device("cpu"))
    assert palette.get_colours(brief, Family(), sample(64)) is not None
    assert len(palette._fitted) == 2
    brief.vae = None
    assert len(palette._fitted) == 1


def test_a_vae_that_fails_costs_the_preview_only() -> None:
    broken = SimpleNamespace(vae=Mixing(4), _execution_device=torch.device("cpu"))
    broken.vae.encoder = torch.nn.Conv2d(7, 4, 8, 8)
    palette = Palette()
    assert palette.get_colours(broken, Family(), sample(64)) is None
    broken.vae.encoder = torch.nn.Conv2d(3, 4, 8, 8)
    assert palette.get_colours(broken, Family(), sample(64)) is None, "it isn't tried before every run"
    short = SimpleNamespace(vae=Mixing(4), _execution_device=torch.device("cpu"))
    with faults.failing(short.vae.encoder, lambda: torch.OutOfMemoryError("CUDA out of memory")):
        assert palette.get_colours(short, Family(), sample(64)) is None
    assert palette.get_colours(short, Family(), sample(64)) is not None, "once there is room it is"
    assert palette.get_colours(SimpleNamespace(), Family(), sample(64)) is None


@pytest.mark.parametrize(("frames", "height", "width"), [(21, 60, 104), (1, 8, 8), (31, 22, 40), (2, 200, 24)])
def test_a_preview_is_small_and_moves(frames: int, height: int, width: int) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (frames, height, width, 3)).astype(np.uint8)
    for shown in (noise, np.zeros_like(noise) + np.linspace(0, 250, frames).astype(np.uint8)[:, None, None, None]):
        url = latent_preview.encode_preview(shown, 4.0)
        picture = opened(url)
        assert len(url) <= latent_preview.MAX_BYTES
        assert max(picture.size) <= latent_preview.LONG_SIDE
        assert picture.size[0] / picture.size[1] == pytest.approx(width / height, rel=0.1)
    assert getattr(picture, "n_frames", 1) == min(frames, latent_preview.MAX_FRAMES), "a plain one keeps all its frames"


def previews(pipeline: Pipeline, now: list[float], apart: float) -> tuple[Previews, Any]:
    pipe, card = pipeline("wan21_i2v")
    kind = get_family("wan")
    colours = Palette().get_colours(pipe, kind, sample(64))
    request = tiny_runs.request(card)
    return Previews(pipe, kind, request, colours, apart, lambda: now[0]), torch.randn(1, 16, 3, 8, 8)


def test_at_most_two_a_second(pipeline: Pipeline) -> None:
    now, made = [0.0], 0
    shown, latents = previews(pipeline, now, latent_preview.APART)
    last = ""
    for tenth in range(1, 31):
        now[0] = tenth / 10
        shown.offer(latents.roll(tenth, -1))
        shown.settle()
        made += shown.latest != last
        last = shown.latest
    assert 5 <= made <= 6, "in three seconds"
    shown.close()


def test_latents_are_copied_and_never_changed(pipeline: Pipeline) -> None:
    now = [0.0]
    shown, latents = previews(pipeline, now, 0.0)
    before = latents.clone()
    shown.offer(latents)
    latents.zero_()  # the next step overwrites them while the picture is being made
    shown.settle()
    other, _ = previews(pipeline, now, 0.0)
    other.offer(before)
    other.settle()
    assert shown.latest and shown.latest == other.latest
    shown.close()
    other.close()
    shown.offer(before)
    shown.close()


def test_latents_of_another_shape_cost_the_preview_only(pipeline: Pipeline) -> None:
    now = [0.0]
    for wrong in (torch.zeros(1, 5, 3, 8, 8), torch.zeros(1, 16, 8), torch.zeros(0, 16, 3, 8, 8), torch.zeros(())):
        shown, _ = previews(pipeline, now, 0.0)
        shown.offer(wrong)
        shown.settle()
        assert shown.latest == ""
        shown.close()


@pytest.mark.parametrize(
    "name", ["wan21_i2v", "ltx_condition", "ltx2_condition", "svd", "i2vgen_xl", "hunyuan15_i2v", "framepack"]
)
def test_a_run_is_watched_and_stays_the_same(tiny: Tiny, settings: Settings, name: str) -> None:
    card = tiny(name)
    wants = [Preferences()]
    engine = DiffusionEngine(settings, faults.machine(), preferences=lambda: wants[0], apart=0.0)
    pipe = faults.pipe_of(engine, card)
    assert card.checkpoint
    slow = getattr(pipe, card.checkpoint.denoisers[0])

    def watched(progress: Progress) -> None:
        seen.append(progress)

    seen: list[Progress] = []
    waits = iter((0.02, 0.04, 0.1, 0.3, 0.6, 1.2))

    def rest(*_: object) -> None:
        """Leave the thread that paints previews some time, and more of it for as long as nothing is seen."""
        time.sleep(0.02 if any(progress.preview for progress in seen) else next(waits, 1.2))

    handle = slow.register_forward_hook(rest)
    shown = faults.pixels(faults.made(engine, card, watched, quality="draft", steps=6))
    urls = {progress.preview for progress in seen if progress.preview}
    assert urls, "something was seen while it was made"
    for url in urls:
        assert len(url) <= latent_preview.MAX_BYTES
        assert max(opened(url).size) <= latent_preview.LONG_SIDE
    seen.clear()
    handle.remove()
    wants[0] = Preferences(preview=False)
    hidden = faults.pixels(faults.made(engine, card, watched, quality="draft", steps=6))
    assert not any(progress.preview for progress in seen), "the user wants none"
    assert np.array_equal(shown, hidden), "looking changes nothing"
    engine.close()


# Words -----------------------------------------------------------------------------------------------------------------


def test_prompts_are_forgotten_the_least_recently_used_first() -> None:
    kept = PromptCache(limit=2000)
    read: list[str] = []

    def reader(name: str) -> Callable[[], dict[str, Any]]:
        def words() -> dict[str, Any]:
            read.append(name)
            return {"prompt_embeds": torch.zeros(200)}

        return words

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, reader(name))
    assert read == ["a", "b", "c", "b"], "b had to go for c; a had been used since"
    assert kept.held == 1600
    kept.get("huge", lambda: {"prompt_embeds": torch.zeros(10_000)})
    assert kept.held == 1600, "what is larger than all the room isn't kept"
    words, remembered = kept.get("a", reader("a"))
    words["prompt_embeds"] = None
    assert remembered and kept.get("a", reader("a"))[0]["prompt_embeds"] is not None
    kept.clear()
    assert kept.held == 0
