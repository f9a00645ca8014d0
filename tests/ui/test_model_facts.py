"""Cards, states and the gauge in words; no browser is needed."""

from __future__ import annotations

import pytest

from studio import presets
from studio.cards import Device, Gauge, Kernel, ModelCard, ModelState
from studio.nouns import Choice, Photo, Progress, Shot, replace
from studio.ui.model_facts import describe_card, format_bytes, format_time, list_controls, make_sentence
from studio.ui.model_status import choose_group, show_gauge, show_model
from studio.ui.queue_snapshot import PICTURE, STAGES
from tests.fakes.shelf import READY

CARDS = presets.cards()


@pytest.mark.parametrize("card", CARDS, ids=[card.id for card in CARDS])
def test_every_card_can_be_said_and_asked_for(card: ModelCard) -> None:
    said = describe_card(card)
    assert {"Good at", "Licence"} <= {name for name, _ in said["rows"]}
    asked = list_controls(card)
    length = asked["length"]
    assert 1 <= length["least"] <= length["default"] <= length["most"] <= 60
    if card.checkpoint:
        steps = asked["steps"]
        assert steps["least"] <= steps["default"] <= steps["most"]
        assert {"Sizes", "Length", "Steps", "Needs"} <= {name for name, _ in said["rows"]}


@pytest.mark.parametrize(
    "card", [card for card in CARDS if card.checkpoint and card.fps[0] == card.fps[1]], ids=lambda card: card.id
)
def test_every_notch_of_the_slider_is_a_length_the_model_makes(card: ModelCard) -> None:
    from studio.engines.plan import plan

    length = list_controls(card)["length"]
    shot = Shot(Photo("a" * 64, 1920, 1080), model=card.id, fps=card.fps[0])
    notches = round((length["most"] - length["least"]) / length["step"])
    for notch in (0, notches // 2, notches):
        seconds = length["least"] + notch * length["step"]
        assert plan(replace(shot, seconds=seconds), card).seconds == pytest.approx(seconds, abs=1e-3)


def state(**changes: object) -> ModelState:
    return replace(ModelState(READY.id, "here", "out", "yes", "it fits"), **changes)


def test_a_state_in_words() -> None:
    assert choose_group(state()) == "ready"
    assert choose_group(state(disk="partly")) == "download"
    assert choose_group(state(fits="no")) == "out"
    held = show_model(
        READY, state(memory="gpu", held=11_200_000_000, on_disk=33_100_000_000, expected=42.0, basis="3 clips made here")
    )
    assert (held["files"], held["held"], held["time"]) == ("On disk, 33.1 GB", "on the GPU, 11.2 GB", "~40 s for a clip")
    assert held["choices"][-1] == {"what": "time", "value": "~40 s", "reason": "3 clips made here"}
    away = show_model(
        READY, state(disk="missing", download=33_100_000_000, fits="no", reason="needs 24 GB", remedy="use Parallax")
    )
    assert (away["files"], away["why"]) == ("Needs a 33.1 GB download", "Needs 24 GB.")


def test_the_gauge_tells_a_gpu_from_none() -> None:
    cudnn = Kernel("_native_cudnn", ok=True, ms=1.1, error=0.0004, title="cuDNN", why="error 0.0004")
    flash = Kernel("flash", ok=False, ms=0.0, error=0.0, title="FlashAttention 2", why="it is not installed")
    gpu = (Choice("GPU", "RTX 4090, 11.2 of 24 GB", "the first device"),)
    now = Gauge((Device("RTX 4090", 11_200_000_000, 24_000_000_000),), (cudnn, flash), gpu)
    held = show_gauge(now)
    assert (held["words"], held["plainly"]) == ("GPU 11/24 GB", "")
    assert [(one["name"], one["ok"]) for one in held["kernels"]] == [("_native_cudnn", True), ("flash", False)]
    assert [(one["title"], one["value"]) for one in held["kernels"]] == [("cuDNN", "1.10 ms"), ("FlashAttention 2", "off")]
    assert [(one.what, one.value) for one in now.rows[1:]] == [("cuDNN", "1.10 ms"), ("FlashAttention 2", "off")]
    small = Device("GTX 1070", 1_200_000_000, 8_590_000_000)
    assert show_gauge(Gauge((small,), (), gpu))["words"] == "GPU 1.2/9 GB"
    none = show_gauge(Gauge(choices=(Choice("device", "processor, 12 of 25 GB", "no NVIDIA GPU was found"),)))
    assert none["words"] == "Ready · Parallax on this computer"
    assert "no NVIDIA GPU with CUDA" in none["plainly"]
    assert show_gauge(Gauge()) == {"words": "", "plainly": "", "full": "", "kernels": [], "products": [], "gpu": False}


def test_numbers_in_words() -> None:
    assert [format_bytes(count) for count in (0, 420e6, 33.14e9, 1.5e12)] == ["1 MB", "420 MB", "33.1 GB", "1.5 TB"]
    assert [format_time(seconds) for seconds in (3.2, 44, 372, 9000)] == ["~3 s", "~40 s", "~6 min", "~2.5 h"]
    assert [make_sentence(words) for words in ("it fits", "It does.", "")] == ["It fits.", "It does.", ""]


def test_only_a_picture_is_a_live_picture() -> None:
    assert PICTURE.fullmatch("data:image/webp;base64,UklGRg==")
    for other in ("data:image/svg+xml;base64,PHN2Zz4=", "data:text/html;base64,AAAA", "https://example.com/x.webp", ""):
        assert not PICTURE.fullmatch(other)


def test_every_stage_has_words() -> None:
    for stage in ("wait", "load", "read", "denoise", "decode", "paint", "encode", "keep"):
        assert STAGES[Progress(stage).stage]
