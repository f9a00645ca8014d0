"""The environment of programs that Stir starts: its own, without what opens the owner's accounts."""

from __future__ import annotations

import os

SECRETS = ("REPLICATE_API_TOKEN", "FAL_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables that hold tokens. ffmpeg and the readers of foreign films have no use for them, and nobody vouches for what
those films do to a decoder."""


def list_environment() -> dict[str, str]:
    """The variables for a program that reads or writes media."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}
