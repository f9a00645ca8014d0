"""Ways in to small hosted models for tests, an imitation of the services that has them, and services that use it."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest
from PIL import Image

from studio.engines.hosted.fal import Fal
from studio.engines.hosted.replicate import Replicate
from studio.hosted_cards import Way
from studio.hosted_demo.stand_in import StandIn

TOKEN = "r8_MARKED0123456789abcdefTOKEN"

FIELDS: list[dict[str, Any]] = [
    {"name": "prompt", "kind": "text", "role": "prompt", "required": True, "most": 200},
    {
        "name": "resolution",
        "kind": "choice",
        "role": "size",
        "values": ["64p", "96p"],
        "sizes": {"64p": 64, "96p": 96},
        "default": "64p",
    },
    {"name": "duration", "kind": "whole", "role": "seconds", "least": 1, "most": 3, "default": 1},
    {"name": "seed", "kind": "whole", "role": "seed"},
]
MODE = {"name": "mode", "kind": "choice", "role": "mode", "values": ["std", "pro"], "default": "std", "in_ref": True}
REPLICATE = msgspec.convert(
    {
        "service": "replicate", "ref": "someone/small", "fields": FIELDS,
        "slots": {"first_frame": {"field": "image", "required": True}, "audio": {"field": "audio", "seconds": [1, 30]}},
        "rules": [{"when": {"resolution": "96p"}, "field": "duration", "values": [1], "says": "96p lasts one second."}],
    },
    Way,
)  # fmt: skip
COMMUNITY = msgspec.convert(
    {
        "service": "replicate",
        "ref": "someone/old",
        "version": "a" * 64,
        "fields": FIELDS,
        "slots": {"first_frame": {"field": "image"}},
    },
    Way,
)
FAL = msgspec.convert(
    {
        "service": "fal", "ref": "fal-ai/small/{mode}/image-to-video",
        "fields": [*FIELDS, MODE],
        "slots": {"first_frame": {"field": "image_url", "required": True}},
    },
    Way,
)  # fmt: skip
WAYS = (REPLICATE, COMMUNITY, FAL)


def paint(width: int = 96, height: int = 64) -> bytes:
    """A JPEG with a slope of colours."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


def start_services(stand_in: StandIn, patch: pytest.MonkeyPatch) -> tuple[Replicate, Fal]:
    """Both services, pointed at an imitation with its token, with short waits."""
    for name, value in stand_in.environment().items():
        patch.setenv(name, value)
    return Replicate(pause=0.01), Fal(pause=0.01)
