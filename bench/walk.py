"""The way of a shot through one build, for `python -m bench house`: `python -P walk.py HOME PHOTO`, its build on the path.

Follows every call that is given a Shot, or something that holds one, from its submission to the encoder, and prints
{"walk": [module, ...]} in JSON: every place in the source that passes it on counts once, however often it is passed there, and
a module once for calls in a row.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType

from either_build import find_largest_crop

import studio as package
from studio.config import Settings
from studio.nouns import Camera, Motion, Move, Shot
from studio.studio import Studio

ROOT = Path(package.__path__[0])
ENCODER = "clip/encode.py"
LONGEST = 120.0
"""Seconds until it must be reached."""


class Walk:
    """The modules whose functions were given a shot, in the order of the calls."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self._known: set[tuple[CodeType, CodeType | None, int]] = set()

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """What Python calls at every call and return."""
        code, caller = frame.f_code, frame.f_back
        call = (code, caller.f_code if caller else None, caller.f_lineno if caller else 0)
        if event != "call" or call in self._known or code.co_name.startswith("<") or not code.co_filename.startswith(str(ROOT)):
            return
        given = (frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        if any(isinstance(one, Shot) or isinstance(getattr(one, "shot", None), Shot) for one in given):
            self._known.add(call)
            self.modules.append(str(Path(code.co_filename).relative_to(ROOT)))


def main(home: str, photo: str) -> None:
    """Make one short clip of a photo and say which way its shot went."""
    settings, walk = Settings(Path(home)), Walk()
    settings.prepare()
    studio = Studio(settings)
    taken = studio.photos.take_in(Path(photo), "photo.jpg")
    shot = Shot(
        taken, find_largest_crop(taken, "16:9"), Motion(camera=Camera((Move("dolly_in", 0.6),))), size="480p", seconds=1.0, fps=16
    )
    threading.setprofile(walk.note)
    sys.setprofile(walk.note)
    studio.start()
    studio.submit(shot)
    end = time.monotonic() + LONGEST
    while ENCODER not in walk.modules and time.monotonic() < end:
        time.sleep(0.1)
    sys.setprofile(None)
    studio.close()
    way = walk.modules[: walk.modules.index(ENCODER) + 1]
    steps = [one for at, one in enumerate(way) if at == 0 or way[at - 1] != one]
    print(json.dumps({"walk": steps}))


main(*sys.argv[1:])
