"""The depth network: what is fetched, what is run, and what is said when it can't be. The hub is tests/fakes/hub.py."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from studio import depth_maps
from studio.config import ASSETS, ROOT, Settings
from studio.engines.base import Stopped
from studio.engines.diffusion.files.local_files import HubFile
from studio.engines.parallax import depth_anything, depth_source
from studio.library import disk
from studio.nouns import Choice, Photo, Progress, Refusal, Shot
from studio.photo.matte import Matte, shrink_to_work
from tests.fakes import tiny_depth
from tests.fakes.hub import Hub as Fake

SIZE = {"height": 518, "width": 518}
PATH = depth_anything.PUBLISHED.file.path


@pytest.fixture
def image() -> np.ndarray:
    return data.coffee()


def read(image: np.ndarray, settings: Settings, depth: str) -> tuple[np.ndarray, Choice]:
    plain = np.zeros(shrink_to_work(image).shape[:2], np.float32)
    subject = Matte(plain, (), 0.0, False, 1.0, Choice("layers", "one", ""), "none")
    shot = Shot(Photo("0" * 64, image.shape[1], image.shape[0]), depth=depth)
    reading, choice = depth_source.read(image, shot, settings, subject)
    return reading.disparity, choice


def lay(settings: Settings, content: bytes) -> Path:
    file = depth_anything.folder(settings) / PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.fixture
def small_file(settings: Settings) -> Settings:
    """The ONNX file's stand-in, where the real one would be."""
    lay(settings, tiny_depth.made())
    return settings


@pytest.fixture
def before(settings: Settings) -> Settings:
    """What was fetched before there was the ONNX file: a very small network of the real class with random weights."""
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=518, patch_size=14,
        out_features=[f"stage{n}" for n in (1, 2, 3, 4)], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=32, neck_hidden_sizes=[8] * 4, fusion_hidden_size=8, head_hidden_size=8
    )
    model = DepthAnythingForDepthEstimation(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(6)
        model.head.conv3.bias.fill_(1.0)
    model.save_pretrained(depth_anything.folder(settings))
    DPTImageProcessor(size=SIZE, ensure_multiple_of=14, keep_aspect_ratio=True).save_pretrained(depth_anything.folder(settings))
    return settings


@pytest.mark.parametrize("kept", ["small_file", "before"])
def test_the_network_is_used_once_it_is_here(kept: str, image: np.ndarray, request: pytest.FixtureRequest) -> None:
    """Whichever of the two it is: who has the larger one is asked for no second download."""
    settings = request.getfixturevalue(kept)
    assert depth_anything.ready(settings) and depth_maps.find_network(settings)[1].value == depth_anything.NAME
    for asked in ("anything", "auto"):
        disparity, choice = read(image, settings, asked)
        assert choice.value == depth_anything.NAME
        assert disparity.shape == shrink_to_work(image).shape[:2]
        assert disparity.min() >= 0 and disparity.max() <= 1
        assert disparity.max() > disparity.min()


def test_the_small_file_sees_the_picture_as_it_is(small_file: Settings, image: np.ndarray) -> None:
    """The stand-in's depth is a sum of the colours, which is worked out here from the photo: right way up, red first."""
    found = depth_anything.estimate(image, small_file)
    assert found.shape[1] == 518 and not any(side % 14 for side in found.shape)
    view = np.float64(image) / 255
    near = ((view - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])) @ tiny_depth.WEIGHTS
    rows, columns = (np.linspace(0, side, count + 1).astype(int) for side, count in zip(near.shape, (9, 13), strict=True))

    def means(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(plane, rows[:-1], 0), columns[:-1], 1).ravel()

    small_rows, small_columns = (
        np.linspace(0, side, count + 1).astype(int) for side, count in zip(found.shape, (9, 13), strict=True)
    )
    assert np.corrcoef(means(near, rows, columns), means(found, small_rows, small_columns))[0, 1] > 0.98


@pytest.mark.parametrize("shape", [(400, 600), (600, 400), (900, 1600), (300, 300), (200, 1600), (60, 80)])
def test_a_picture_is_fed_as_the_published_processor_feeds_it(shape: tuple[int, int]) -> None:
    from transformers import DPTImageProcessor

    view = shrink_to_work(data.astronaut()[: shape[0], : shape[1]], 10_000)
    view = np.ascontiguousarray(np.resize(view, (*shape, 3)) if view.shape[:2] != shape else view)
    processor = DPTImageProcessor(
        size=SIZE, ensure_multiple_of=14, keep_aspect_ratio=True,
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
    )  # fmt: skip
    wanted = processor(images=shrink_to_work(view, 518), return_tensors="np")["pixel_values"]
    given = depth_anything.to_input(view)
    assert given.shape == wanted.shape and given.dtype == np.float32
    assert abs(given.mean((0, 2, 3)) - wanted.mean((0, 2, 3))).max() < 0.02


DAMAGED = {
    "short": tiny_depth.made()[:500],
    "empty": b"",
    "no network": b"not a network",
    "another output": tiny_depth.made(output="alphas"),
    "another network": (ASSETS / "weights" / "face_detection_short_range.onnx").read_bytes(),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_or_foreign_file_is_refused_or_passed_over(settings: Settings, image: np.ndarray, content: bytes) -> None:
    """And once it has been replaced, it is read anew in the same process."""
    lay(settings, content)
    with pytest.raises(Refusal, match="damaged") as refused:
        read(image, settings, "anything")
    assert "Download it again" in refused.value.remedy and str(settings.home) not in str(refused.value)
    _, choice = read(image, settings, "auto")
    assert choice.value == "built in" and "damaged" in choice.reason
    lay(settings, tiny_depth.made())
    assert read(image, settings, "auto")[1].value == depth_anything.NAME


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_damaged_files_of_before_are_refused_or_passed_over(before: Settings, image: np.ndarray, name: str) -> None:
    (depth_anything.folder(before) / name).write_bytes(b"{}")
    with pytest.raises(Refusal, match="damaged") as refused:
        read(image, before, "anything")
    assert "Download it again" in refused.value.remedy
    _, choice = read(image, before, "auto")
    assert choice.value == "built in" and "damaged" in choice.reason


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """A hub, which HF_ENDPOINT points at; no token of the user's."""
    with Fake() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


def publish(fake: Fake, content: bytes) -> depth_anything.Published:
    repo = fake.put(depth_anything.PUBLISHED.repo, {PATH: content, "onnx/model.onnx": bytes(999), "config.json": b"{}"})
    return depth_anything.Published(
        depth_anything.PUBLISHED.repo, repo.commit, HubFile(PATH, len(content), hashlib.sha256(content).hexdigest())
    )


def quiet(_: Progress) -> None:
    pass


def test_a_download_brings_one_file_and_takes_the_place_of_what_was_here(fake: Fake, before: Settings, image: np.ndarray) -> None:
    kept, ticks = depth_anything.mark(before), []
    read(image, before, "anything")
    published = publish(fake, tiny_depth.made())
    depth_anything.download(before, ticks.append, published)
    files = {
        path.relative_to(depth_anything.folder(before)) for path in depth_anything.folder(before).rglob("*") if path.is_file()
    }
    assert files - {Path(".lock")} == {Path(PATH)}
    assert fake.bytes_of(".onnx") == published.file.size and ticks[-1].stage == "load"
    assert depth_anything.mark(before) not in ("", kept)
    assert read(image, before, "anything")[1].value == depth_anything.NAME
    fake.rest()
    depth_anything.download(before, quiet, published)  # a second press, or another page's
    assert fake.rest() == 0


def test_a_download_goes_on_where_it_stopped(fake: Fake, settings: Settings) -> None:
    content = tiny_depth.made() + bytes(90_000)
    published = publish(fake, content)
    fake.step, fake.pace = 5_000, 0.02

    def stop(_: Progress) -> None:
        if fake.bytes_of(".onnx") >= 30_000:
            raise Stopped

    with pytest.raises(Stopped):
        depth_anything.download(settings, stop, published)
    assert fake.rest() >= 30_000 and not depth_anything.ready(settings)
    fake.pace = 0
    depth_anything.download(settings, quiet, published)
    assert (depth_anything.folder(settings) / PATH).read_bytes() == content
    assert fake.rest() <= len(content) - 20_000


def test_a_damaged_file_is_fetched_anew_though_its_length_is_right(fake: Fake, settings: Settings, image: np.ndarray) -> None:
    content = tiny_depth.made()
    lay(settings, bytes(len(content)))
    depth_anything.download(settings, quiet, publish(fake, content))
    assert read(image, settings, "auto")[1].value == depth_anything.NAME


def test_what_is_not_the_published_file_is_not_taken(fake: Fake, before: Settings, image: np.ndarray) -> None:
    """And what was here before is still here, and used."""
    published = publish(fake, tiny_depth.made((1, 1, 1)))
    other = hashlib.sha256(tiny_depth.made()).hexdigest()
    with pytest.raises(Refusal, match="damaged"):
        depth_anything.download(before, quiet, published._replace(file=HubFile(PATH, published.file.size, other)))
    assert not (depth_anything.folder(before) / PATH).exists()
    assert read(image, before, "auto")[1].value == depth_anything.NAME


def test_a_hub_that_is_not_there_is_said_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(Refusal, match="can't be reached") as refused:
            depth_anything.download(settings, quiet)
    assert "Check the connection" in refused.value.remedy and not depth_anything.ready(settings)


def test_a_repository_that_has_gone_leaves_the_built_in_depth(fake: Fake, settings: Settings) -> None:
    with pytest.raises(Refusal) as refused:
        depth_anything.download(settings, quiet)
    assert "built-in depth" in refused.value.remedy and "card" not in refused.value.remedy


def test_the_size_that_is_said_is_the_published_one() -> None:
    said = disk.size(depth_anything.PUBLISHED.file.size)
    page, guide = ((ROOT / name).read_text("utf-8") for name in ("assets/js/file_drop.js", "README.md"))
    assert f'"Download, {said}"' in page and f"Depth Anything V2 Small once ({said}, Apache-2.0)" in guide
    assert "99 MB" not in page + guide
