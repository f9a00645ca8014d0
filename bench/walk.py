"""The way of a shot through one build, for `python -m bench house`: `python -P walk.py HOME PHOTO`, its build on the path.

Follows every call that is given a Shot, or something that holds one, from its submission until its clip is in the library, and
prints {"walk": [module, ...]} in JSON: each function where it is first reached, a module once for calls in a row.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType

import studio as package
from studio.config import Settings
from studio.nouns import Camera, Motion, Move, Shot
from studio.photo import crop
from studio.studio import Studio

ROOT = Path(package.__path__[0])
LONGEST = 120.0
"""Seconds until a clip must be there."""


class Walk:
    """The functions that were given a shot, in the order in which they were reached."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self._known: set[CodeType] = set()

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """What Python calls at every call and return."""
        code = frame.f_code
        if event != "call" or code in self._known or code.co_name.startswith("<") or not code.co_filename.startswith(str(ROOT)):
            return
        given = (frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        if any(isinstance(one, Shot) or isinstance(getattr(one, "shot", None), Shot) for one in given):
            self._known.add(code)
            self.modules.append(str(Path(code.co_filename).relative_to(ROOT)))


def main(home: str, photo: str) -> None:
    """Make one short clip of a photo and say which way its shot went."""
    settings, walk = Settings(Path(home)), Walk()
    settings.prepare()
    studio = Studio(settings)
    taken = studio.photos.take_in(Path(photo), "photo.jpg")
    shot = Shot(
        taken, crop.largest(taken, "16:9"), Motion(camera=Camera((Move("dolly_in", 0.6),))), size="480p", seconds=1.0, fps=16
    )
    threading.setprofile(walk.note)
    sys.setprofile(walk.note)
    studio.start()
    studio.submit(shot)
    end = time.monotonic() + LONGEST
    while "library/clips.py" not in walk.modules and time.monotonic() < end:
        time.sleep(0.1)
    sys.setprofile(None)
    studio.close()
    steps = [one for at, one in enumerate(walk.modules) if at == 0 or walk.modules[at - 1] != one]
    print(json.dumps({"walk": steps}))


main(*sys.argv[1:])
