"""Peak memory of one 1080p30 clip: `python -m bench.memory PHOTO SECONDS` prints ours and ffmpeg's, in bytes.

A process of its own, because a peak can't be taken back. Not by getrusage: after a fork it counts the parent's memory too.
"""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import psutil

from bench import clips

LOOK = 0.03  # seconds


def peak(process: psutil.Process) -> int:
    """The most memory a process has had, in bytes; where the system doesn't keep it (not Linux), what it has now."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return int(process.memory_info().rss)
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("utf-8"))
    return int(found[1]) * 1024 if found else 0


def watch(most: dict[str, int], ended: threading.Event) -> None:
    """Keep the highest peak of this process and of its ffmpeg until told to end."""
    here = psutil.Process()
    while not ended.wait(LOOK):
        most["own"] = max(most["own"], peak(here))
        for child in here.children():
            try:
                if "ffmpeg" in child.name():
                    most["ffmpeg"] = max(most["ffmpeg"], peak(child))
            except (psutil.Error, OSError):
                continue  # it ended while we looked


def main(photo: Path, seconds: float) -> None:
    """Make the clip and print both peaks."""
    most, ended = {"own": 0, "ffmpeg": 0}, threading.Event()
    watcher = threading.Thread(target=watch, args=(most, ended))
    watcher.start()
    try:
        clips.make(photo, "1080p", seconds, 30)
    finally:
        ended.set()
        watcher.join()
    print(most["own"], most["ffmpeg"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
