"""Tiny random-weight checkpoints of the real diffusers classes, built fully offline: stand-ins that only tests show.

Nothing here has learnt anything: what comes out is noise. What is real is every class, every file format and every call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes import tiny_ltx, tiny_more, tiny_others, tiny_wan

BUILDERS: dict[str, Callable[[], Any]] = {
    "wan21_i2v": tiny_wan.wan21_i2v, "wan21_flf2v": tiny_wan.wan21_flf2v, "wan22_a14b": tiny_wan.wan22_a14b,
    "wan22_ti2v_5b": tiny_wan.wan22_ti2v_5b, "ltx_i2v": tiny_ltx.ltx_i2v, "ltx_condition": tiny_ltx.ltx_condition,
    "ltx2_i2v": tiny_ltx.ltx2_i2v, "ltx2_condition": tiny_ltx.ltx2_condition, "svd": tiny_others.svd,
    "i2vgen_xl": tiny_others.i2vgen_xl, "hunyuan15_i2v": tiny_others.hunyuan15_i2v, "cogvideox_i2v": tiny_others.cogvideox_i2v,
    "framepack": tiny_others.framepack, "framepack_f1": tiny_others.framepack, "skyreels_v2": tiny_wan.skyreels_v2,
    "helios": tiny_wan.helios, "helios_pyramid": tiny_wan.helios_pyramid, **tiny_more.BUILDERS,
}  # fmt: skip
"""By the name of a checkpoint: what makes its pipeline."""


def build(name: str, folder: Path) -> Path:
    """Build one of `BUILDERS`, the same weights every time, and save it in `folder`/`name` as a checkpoint is published."""
    import torch

    hush()
    torch.manual_seed(0)
    place = folder / name
    BUILDERS[name]().save_pretrained(place, safe_serialization=True)
    return place


def hush() -> None:
    """No bars and no notices about packages that the tiny checkpoints do without."""
    logging.getLogger("xformers").setLevel(logging.ERROR)
    import diffusers
    import transformers

    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
