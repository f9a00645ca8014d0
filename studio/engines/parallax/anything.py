"""Depth-Anything-V2-Small: a better depth, for those who have asked for it once.

Knows where the network is kept and how to run it offline. Refuses to fetch anything unless `download` is called, which
only the user's own button does. Network and weights: Lihe Yang et al., "Depth Anything V2", NeurIPS 2024, Apache-2.0.
"""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from studio.config import Settings
from studio.engines.base import Image, Tick
from studio.engines.parallax.scene import Floats
from studio.nouns import Progress, Refusal
from studio.photo.matte import small

NAME = "Depth Anything V2"
REPOSITORY = "depth-anything/Depth-Anything-V2-Small-hf"
MEGABYTES = 99
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
AGAIN = "Download it again on the Settings page, or choose the built-in depth."


def folder(settings: Settings) -> Path:
    """Where the network is kept."""
    return settings.home / "models" / "depth-anything-v2-small"


def ready(settings: Settings) -> bool:
    """Whether the network has been downloaded. Says nothing about whether its files are whole."""
    return all((folder(settings) / name).is_file() for name in FILES)


def mark(settings: Settings) -> str:
    """What tells this network from another, or from none: it changes once it has been downloaded, or is downloaded again."""
    if not ready(settings):
        return ""
    seen = (folder(settings) / FILES[-1]).stat()
    return f"{seen.st_mtime_ns}-{seen.st_size}"


def download(settings: Settings, tick: Tick) -> None:
    """Fetch the network once, about 99 MB. Only ever called because the user asked.

    Raises `Refusal` when it can't be fetched or kept; what was half fetched is removed.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    tick(Progress("load", 0, 1, f"downloading {NAME}, {MEGABYTES} MB"))
    place = folder(settings)
    waiting = place.with_name(place.name + ".part")
    try:
        waiting.mkdir(parents=True, exist_ok=True)
        snapshot_download(REPOSITORY, local_dir=waiting, allow_patterns=list(FILES))
        shutil.rmtree(place, ignore_errors=True)
        waiting.rename(place)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        shutil.rmtree(waiting, ignore_errors=True)
        why = type(error).__name__
        raise Refusal(f"{NAME} could not be downloaded ({why}).", "Check the connection and the disk, then try again.") from None
    _load.cache_clear()
    tick(Progress("load", 1, 1))


def estimate(image: Image, settings: Settings) -> Floats:
    """Disparity of a picture, (H, W, 3) uint8 RGB: (h, w) float32 at the working size, 0 far to 1 near. Never online.

    Raises `Refusal` when the network isn't here or can't be read.
    """
    if not ready(settings):
        raise Refusal(f"{NAME} is not on this computer.", "Download it on the Settings page, or choose the built-in depth.")
    import torch
    from safetensors import SafetensorError

    work = small(image, 518)  # what the network was trained at
    try:
        processor, model = _load(folder(settings))
        with torch.inference_mode():
            found = model(**processor(images=work, return_tensors="pt")).predicted_depth[0]
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise Refusal(f"{NAME} can't be read ({type(error).__name__}); its files are damaged.", AGAIN) from None
    raw = found.float().numpy()
    low, high = np.percentile(raw, (0.5, 99.5))
    return np.clip((raw - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


@lru_cache(maxsize=1)
def _load(place: Path) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    processor = AutoImageProcessor.from_pretrained(place, local_files_only=True)
    model = AutoModelForDepthEstimation.from_pretrained(place, local_files_only=True)
    return processor, model.eval()
