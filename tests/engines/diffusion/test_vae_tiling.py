"""A VAE in tiles because it was asked for: on for that run alone, of an effect that can be seen, and said either way."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from studio.cards import ModelCard
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.run import speedups, vae_decode
from studio.engines.diffusion.run.decode_pieces import Call
from studio.frames import Frames
from studio.nouns import Choice
from tests.fakes import faults, tiny_runs

Tiny = Callable[[str], ModelCard]
TITLE = speedups.TITLES["vae_tiling"]
ASKED = ("vae_tiling",)
LISTED = ["wan21_i2v", "wan22_ti2v_5b", "ltx_i2v", "hunyuan15_i2v", "cogvideox_i2v"]


def short(engine: DiffusionEngine, card: ModelCard, **changes: Any) -> Frames:
    return faults.made(engine, card, quality="draft", steps=2, **changes)


def told(choices: Any) -> Choice:
    (choice,) = [one for one in choices if one.what == TITLE]
    return choice


@contextmanager
def small_tiles(vae: Any) -> Generator[None]:
    """Tiles that a picture of 64 pixels is larger than; the real ones are 256 and more."""
    before = {
        name: value for name, value in vars(vae).items() if name.startswith("tile_") and name.endswith(("_height", "_width"))
    }
    side = vae_decode.find_spatial_scale(vae)
    for name in before:
        # CogVideoX shares a sixth of a tile's height and a fifth of its width, which have to be whole latents.
        tile = max(32, side) if not hasattr(vae, "tile_overlap_factor_height") else 48 if name.endswith("_height") else 40
        if not name.startswith("tile_overlap"):
            setattr(vae, name, tile // side if name.startswith("tile_latent") else tile)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(vae, name, value)


def untouched(vae: Any) -> bool:
    return not vae.use_tiling and not {"decode", "tiled_decode"} & set(vars(vae))


@pytest.mark.parametrize("name", LISTED)
def test_tiles_hold_for_one_run_alone(name: str, engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny(name)
    plain = faults.pixels(short(engine, card))
    vae = faults.pipe_of(engine, card).vae
    with small_tiles(vae):
        frames = short(engine, card, speedups=ASKED)
        tiled = faults.pixels(frames)
        assert untouched(vae)
    assert told(frames.choices).value == speedups.ON
    assert "less memory for decoding, slower, and faint seams" in told(frames.choices).reason
    assert tiled.shape == plain.shape and not np.array_equal(tiled, plain)
    assert np.array_equal(faults.pixels(short(engine, card)), plain)


@pytest.mark.parametrize("name", LISTED)
def test_a_picture_within_one_tile_stays_as_it_is_and_it_is_said(name: str, engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny(name)
    frames = short(engine, card, speedups=ASKED)
    assert told(frames.choices) == Choice(TITLE, speedups.NOTHING, "it was on, but the picture is no larger than one tile")
    assert np.array_equal(faults.pixels(frames), faults.pixels(short(engine, card)))
    assert untouched(faults.pipe_of(engine, card).vae)


def test_a_vae_without_tiles_says_so(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    pipe, card = pipeline("svd")
    assert card.checkpoint is not None
    with speedups.apply_speedups(pipe, [pipe.unet], ASKED, card.checkpoint, 2) as choices:
        pass
    assert choices == [Choice(TITLE, speedups.NOTHING, "this model's VAE knows no tiles")]


def test_it_goes_with_a_cache_and_compiled_blocks(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    pipe, card = pipeline("ltx_i2v")
    assert card.checkpoint is not None
    asked = tiny_runs.request(card, steps=9, own_steps=False)
    with (
        small_tiles(pipe.vae),
        speedups.apply_speedups(
            pipe, [pipe.transformer], (*ASKED, "taylorseer", "compile"), card.checkpoint, 9, backend="eager"
        ) as choices,
    ):
        tiny_runs.run(pipe, card, asked)
    assert {choice.what: choice.value for choice in choices} == {
        "TaylorSeer": speedups.ON, "compiled blocks": speedups.ON, TITLE: speedups.ON,
    }  # fmt: skip
    assert untouched(pipe.vae)


def test_a_run_that_is_stopped_leaves_no_tiles(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    pipe, card = pipeline("wan21_i2v")
    assert card.checkpoint is not None
    with pytest.raises(KeyboardInterrupt), speedups.apply_speedups(pipe, [pipe.transformer], ASKED, card.checkpoint, 2):
        assert pipe.vae.use_tiling
        raise KeyboardInterrupt
    assert untouched(pipe.vae)


# Together with the decoding that looks after memory by itself ------------------------------------------------------------


@pytest.mark.parametrize(("name", "ways"), [("wan21_i2v", ["in tiles"]), ("ltx_i2v", ["in tiles", "in tiles and sections"])])
def test_with_tiles_on_there_is_no_way_back_to_the_whole(
    name: str, ways: list[str], pipeline: Callable[[str], tuple[Any, ModelCard]]
) -> None:
    vae = pipeline(name)[0].vae
    shape = (1, 16, 3, 64, 64)
    assert vae_decode.list_ways(vae, shape)[0] == vae_decode.WHOLE
    with vae_decode.switch_on(vae, ("use_tiling",)):
        assert [way.name for way in vae_decode.list_ways(vae, shape)] == ways
    assert untouched(vae)


def test_memory_that_runs_out_in_tiles_goes_on_to_smaller_pieces(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("ltx_i2v")
    plain = faults.pixels(short(engine, card))
    vae = faults.pipe_of(engine, card).vae
    with small_tiles(vae), faults.failing(vae.decoder, lambda: torch.OutOfMemoryError("CUDA out of memory")):
        frames = short(engine, card, speedups=ASKED)
        faults.pixels(frames)
    assert [choice.value for choice in frames.choices if choice.what == "decode"] == ["in tiles and sections"]
    assert told(frames.choices).value == speedups.ON
    assert untouched(vae) and not vae.use_framewise_decoding
    assert np.array_equal(faults.pixels(short(engine, card)), plain)


@pytest.mark.parametrize(("tile", "columns", "used"), [(3, 4, 2), (2, 4, 2), (3, 6, 3)])
def test_no_tile_of_ltx_2_is_too_narrow_to_be_mirrored(tile: int, columns: int, used: int, pipeline: Callable[..., Any]) -> None:
    """As 832 x 480 would have it: 15 rows of latents, and a tile begins every 14."""
    pipe, card = pipeline("ltx2_i2v")
    vae, side = pipe.vae, vae_decode.find_spatial_scale(pipe.vae)
    latents = torch.randn((1, vae.config["latent_channels"], 2, 2, columns), generator=torch.Generator().manual_seed(0))
    seen: list[int] = []
    decoding = vae_decode.Decoding(vae, lambda: faults.GB, lambda: seen.append(0))

    def see(module: Any, given: Any) -> None:
        seen.append(given[0].shape[-1])

    hook = vae.decoder.register_forward_pre_hook(see)
    with torch.inference_mode(), small_tiles(vae):
        for axis in ("min_height", "min_width", "stride_height", "stride_width"):
            setattr(vae, f"tile_sample_{axis}", tile * side)
        with speedups.apply_speedups(pipe, [pipe.transformer], ASKED, card.checkpoint, 2) as choices:
            (out,) = decoding.decode(vae.decode, Call(latents))
        assert vae.tile_sample_stride_width == tile * side
    hook.remove()
    assert out.shape[-1] == columns * side and told(choices).value == speedups.ON
    assert min(seen[1:]) >= 2 and len(seen) - 1 == -(-columns // used)
    assert untouched(vae)


def test_decoding_that_would_not_fit_whole_is_no_news_where_it_is_tiled_anyway(pipeline: Callable[..., Any]) -> None:
    vae = pipeline("wan21_i2v")[0].vae
    latents = torch.zeros((1, vae.config["z_dim"], 1, 64, 64))
    most = vae_decode.estimate_bytes(vae, tuple(latents.shape), 4, vae_decode.list_ways(vae, tuple(latents.shape))[1]) * 2
    for switches, news in (((), ["in tiles"]), (("use_tiling",), [])):
        decoding = vae_decode.Decoding(vae, lambda: int(most), lambda: None)
        with torch.inference_mode(), vae_decode.switch_on(vae, switches):
            list(decoding.decode(vae.decode, Call(latents)))
        assert [choice.value for choice in decoding.choices] == news
    assert untouched(vae)
