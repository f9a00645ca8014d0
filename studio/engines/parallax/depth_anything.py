"""Depth-Anything-V2-Small: the downloadable depth network, run by ONNX Runtime.

Nothing is fetched unless `download` is called, which only the user's own button does.
Network and weights: Lihe Yang et al., "Depth Anything V2", NeurIPS 2024, Apache-2.0.

What is fetched is the ONNX file with weights of 8 bits, 27 MB. Of the two such files this is the one whose weights have
no sign: processors without VNNI add signed ones up in 16 bits, which overflow. The file with 4 bits (19 MB) computes in
half floats, which processors do slowly. Measured at 518 by 392 on a network of this shape with random weights, not on
the published ones: 0.50 s of processor time (signed 0.87, 32 bits 0.57, 32 bits in torch 2.7) and 239 MB (torch 677).
Who has the 99 MB of safetensors that were fetched before keeps using them, until it is downloaded again.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from studio.config import Settings
from studio.engines.base import Image, Tick
from studio.engines.diffusion.files.local_files import HubFile
from studio.engines.parallax.scene import Floats
from studio.nouns import Refusal
from studio.photo.matte import shrink_to_work
from studio.photo.onnx_network import Network, Unreadable

NAME = "Depth Anything V2"
SIDE = 518
"""What the network was trained at: pixels of the picture's long side."""

PATCH = 14
"""Both sides are multiples of this."""

MEAN, DEVIATION = np.array([(0.485, 0.456, 0.406), (0.229, 0.224, 0.225)], np.float32)
"""Of red, green and blue, 0..1: those of ImageNet, as in the network's preprocessor_config.json."""

BEFORE = ("config.json", "preprocessor_config.json", "model.safetensors")
"""What was fetched before there was the ONNX file, and is still read where it lies."""

AGAIN = "Download it again on the Settings page, or choose the built-in depth."


class Published(NamedTuple):
    """A file of a repository at one commit."""

    repo: str
    commit: str
    file: HubFile


PUBLISHED = Published(
    "onnx-community/depth-anything-v2-small",
    "4472b7362082ad9968fee890ca0f1e5aca36b93d",
    HubFile(
        "onnx/model_quantized.onnx", 27_258_801, "fcf51f1b230362b28690bb9d1809bf0431f29cad20534e3f589bd7285547f20d"
    ),
)


def folder(settings: Settings) -> Path:
    """Where the network is kept."""
    return settings.models / "depth-anything-v2-small"


def weights(settings: Settings) -> Path | None:
    """The file that would be run: the ONNX file, else the weights fetched before; None where neither is here."""
    place = folder(settings)
    if (file := place / PUBLISHED.file.path).is_file():
        return file
    return place / BEFORE[-1] if all((place / name).is_file() for name in BEFORE) else None


def ready(settings: Settings) -> bool:
    """Whether the network has been downloaded. Says nothing about whether its files are whole."""
    return weights(settings) is not None


def mark(settings: Settings) -> str:
    """What tells this network from another, or from none: it changes once it has been downloaded, or is downloaded
    again.
    """
    file = weights(settings)
    return _mark(file) if file else ""


def download(settings: Settings, tick: Tick, published: Published = PUBLISHED) -> None:
    """Fetch the network once, about 27 MB, or what of it isn't here yet. Only ever called because the user asked.

    Raises `Refusal` when it can't be fetched or kept; what has come stays and is gone on with, and what was here before
    stays.
    """
    from filelock import FileLock

    from studio.engines.diffusion.files.hub import Gone
    from studio.system_errors import refuse_unwritten

    place = folder(settings)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / ".lock"):  # two pages may ask at once
            if not _is_published(place / published.file.path, published.file):
                _fetch(published, place, tick)
            for name in BEFORE:
                (place / name).unlink(missing_ok=True)
    except Gone as gone:
        raise Refusal(gone.reason, "Choose the built-in depth, or give a depth map of your own.") from None
    except OSError as error:
        raise refuse_unwritten(error) from None


def estimate(image: Image, settings: Settings) -> Floats:
    """Disparity of a picture, (H, W, 3) uint8 RGB: (h, w) float32 at the working size, 0 far to 1 near. Never online.

    Raises `Refusal` when the network isn't here or can't be read.
    """
    file = weights(settings)
    if file is None:
        raise Refusal(
            f"{NAME} is not on this computer.", "Download it on the Settings page, or choose the built-in depth."
        )
    try:
        raw = _run(image, file) if file.suffix == ".onnx" else _run_before(image, file.parent)
    except Unreadable as error:
        why = type(error.__cause__ or error).__name__
        raise Refusal(f"{NAME} can't be read ({why}); its files are damaged.", AGAIN) from None
    low, high = np.percentile(raw, (0.5, 99.5))
    return np.clip((raw - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _run(image: Image, file: Path) -> Floats:
    (found,) = _open(file, _mark(file)).run(to_input(image), "predicted_depth")
    if found.ndim != 3 or not np.isfinite(found).all():
        raise Unreadable(f"{file.name}: answers no depth")
    return found[0]


def to_input(image: Image) -> Floats:
    """A picture, (H, W, 3) uint8 RGB, as the network takes it: (1, 3, h, w) float32."""
    scale = SIDE / max(image.shape[:2])
    height, width = (max(PATCH, round(side * scale / PATCH) * PATCH) for side in image.shape[:2])
    laid = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.moveaxis((laid / np.float32(255) - MEAN) / DEVIATION, 2, 0)[None].astype(np.float32)


def _run_before(image: Image, place: Path) -> Floats:
    import torch
    from safetensors import SafetensorError

    try:
        processor, model = _load(place, _mark(place / BEFORE[-1]))
        with torch.inference_mode():
            found = model(**processor(images=shrink_to_work(image, SIDE), return_tensors="pt")).predicted_depth[0]
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise Unreadable(str(error)) from error
    return np.asarray(found.float().numpy())


@lru_cache(maxsize=1)
def _open(file: Path, _mark: str) -> Network:
    return Network(file)


@lru_cache(maxsize=1)
def _load(place: Path, _mark: str) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    processor = AutoImageProcessor.from_pretrained(place, local_files_only=True)
    model = AutoModelForDepthEstimation.from_pretrained(place, local_files_only=True)
    return processor, model.eval()


def _mark(file: Path) -> str:
    seen = file.stat()
    return f"{seen.st_mtime_ns}-{seen.st_size}"


def _is_published(file: Path, published: HubFile) -> bool:
    """Whether a file is the published one, to the byte."""
    from hashlib import file_digest

    if not file.is_file() or file.stat().st_size != published.size:
        return False
    with file.open("rb") as handle:
        return file_digest(handle, "sha256").hexdigest() == published.etag


def _fetch(published: Published, place: Path, tick: Tick) -> None:
    from studio.engines.diffusion.files import hub
    from studio.engines.diffusion.files.download import Transfer

    repo, commit, file = published
    try:
        # Asked first, because a transfer tries for half a minute before it says that nobody is there.
        hub.get(hub.api_url(repo, "revision", commit))
    except Exception as error:
        raise hub.explain(error, repo) from None
    Transfer((hub.FetchPlan(repo, commit, place, (file,), stale=frozenset({file.path})),), tick).run()
