"""Programs that Stir starts to read or write media: their environment, without what opens the owner's accounts."""

from __future__ import annotations

import os
import subprocess
import sys

SECRETS = ("REPLICATE_API_TOKEN", "FAL_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables that hold tokens. ffmpeg and the readers of foreign films have no use for them, and nobody vouches for what
those films do to a decoder."""


def list_environment() -> dict[str, str]:
    """The variables for a program that reads or writes media."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


def run_script(script: str, *arguments: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a file of this program by itself, isolated, to its end, and what it printed. Raises
    `subprocess.TimeoutExpired`, `OSError`.
    """
    window = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    return subprocess.run(
        [sys.executable, "-I", script, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
        creationflags=window,
        env=list_environment(),
    )
