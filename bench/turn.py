"""One build's side of `python -m bench speed --base BUILD`: does what it is told, line by line, and says how long it took.

`python -P turn.py HOME`, with the build's folder on the path; works on builds that know nothing of it. A line in: {"do": "clip",
"photo", "size", "seconds", "fps"}, {"do": "open", "photo"}, {"do": "draft", "move"} or {"do": "peak"}. A line out: {"wall",
"cpu"} in seconds, ffmpeg's share of the processor's time counted, or {"peak"} in bytes.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

from either_build import ParallaxEngine, animate, find_largest_crop, ignore, read_photo

from studio.clip.encode import encode
from studio.config import Settings
from studio.nouns import Camera, Motion, Move, Photo, Shot, replace
from studio.studio import Studio

HOME = Path(sys.argv[1])
MOTION = Motion(camera=Camera((Move("dolly_in", 0.6), Move("orbit_right", 0.3))))


def used() -> float:
    """Seconds of processor time of this process and of those it has ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


class Build:
    """A studio and the shot on its desk."""

    def __init__(self) -> None:
        settings = Settings(HOME)
        settings.prepare()
        self.studio = Studio(settings)
        self.engine = ParallaxEngine(settings)
        self.shot: Shot | None = None

    def clip(self, photo: str, size: str, seconds: float, fps: int) -> None:
        """From a photo on disk to a playable MP4, without the library."""
        noun, image = read_photo(Path(photo))
        shot = Shot(noun, find_largest_crop(noun, "16:9"), MOTION, size=size, seconds=seconds, fps=fps)
        frames = animate(self.engine, image, shot)
        encode(frames, HOME / "clip.mp4", shot, ignore)

    def open(self, photo: str) -> None:
        """What the page asks for when a photo is dropped: its report, its crop, and a draft of a camera that stands still."""
        file = HOME / "dropped.jpg"
        file.write_bytes(Path(photo).read_bytes())
        noun: Photo = self.studio.photos.take_in(file, Path(photo).name)
        advice: Any = self.studio.advice if hasattr(self.studio.advice, "suggest_crop") else self.studio
        found = advice.suggest_crop(noun, "16:9").crop
        self.shot = Shot(noun, found, Motion(camera=Camera(())), size="720p")
        self.studio.advice.look(self.shot)
        self.studio.preview(self.shot)

    def draft(self, move: str) -> None:
        """What it asks for when a tile is pressed."""
        assert self.shot
        self.studio.preview(replace(self.shot, motion=Motion(camera=Camera((Move(move, 0.6),)))))


def peak() -> int:
    """The most memory this process has had, in bytes (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    """Answer until the pipe ends."""
    build = Build()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        do = ask.pop("do")
        if do == "peak":
            print(json.dumps({"peak": peak()}), flush=True)
            continue
        began, before = time.perf_counter(), used()
        getattr(build, do)(**ask)
        print(json.dumps({"wall": time.perf_counter() - began, "cpu": used() - before}), flush=True)


main()
