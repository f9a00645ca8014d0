"""A clip's comment, read by PyAV (MP4, WebM, GIF) and Pillow (WebP) in a process of its own, with bounded memory and
time.

What a demuxer allocates is up to the file's header, and neither library has a limit for it: whoever reads a file that
nobody vouches for does it here. Run as a script, this file is that process: it prints the comment.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Literal

Container = Literal["mov", "matroska", "gif", "webp"]
"""Formats by the names of ffmpeg's demuxers; none is ever probed for. "mov" is MP4 too, "matroska" WebM."""

MEMORY_BYTES = 768 << 20
"""The address space of the process, libraries among it (Linux, macOS); beyond, an allocation fails and nothing is read.
"""

CPU_SECONDS, SECONDS = 5, 20
"""The processor's time and the time of day that it may take."""

_BOUNDS = {"probesize": "100000", "analyzeduration": "0", "max_streams": "64"}


def read_comment(file: Path, container: Container, limit: int) -> bytes:
    """The comment of an MP4, WebM or GIF, the XMP of a WebP, as bytes; b"" when there is none, it is longer than
    `limit` bytes, or the file can't be read within the bounds."""
    from studio.clip.child_processes import run_script  # not at the top: the script knows no studio

    try:
        done = run_script(__file__, str(file.absolute()), container, str(limit), seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return b""
    return done.stdout if done.returncode == 0 and len(done.stdout) <= limit else b""


def _bound_process() -> None:
    """Limit this process; where the system can't, `SECONDS` still holds."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _read_tags(file: str, container: str) -> bytes:
    import av

    with av.open(f"file:{file}", format=container, options=_BOUNDS, metadata_errors="surrogateescape") as clip:
        tags = {name.lower(): text for name, text in clip.metadata.items()}
    return tags.get("comment", "").encode("utf-8", "surrogateescape")


def _read_xmp(file: str) -> bytes:
    from PIL import Image

    with Image.open(file, formats=("WEBP",)) as picture:
        return bytes(picture.info.get("xmp", b""))


def _print_comment(file: str, container: str, limit: int) -> None:
    _bound_process()
    text = _read_xmp(file) if container == "webp" else _read_tags(file, container)
    if len(text) <= limit:
        sys.stdout.buffer.write(text)


if __name__ == "__main__":
    _print_comment(sys.argv[1], sys.argv[2], int(sys.argv[3]))
