"""A studio without a page, on the stand-in engine, in a process of its own that is asked several things at once and killed.

`python -m tests.fakes.busy_studio HOME PACE` answers each line of JSON on its standard input, [number, name, value], with a line
[number, answer, refusal], as they come to be; it ends when its input does. `BusyStudio` is that process, seen from a test.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from studio.config import ROOT, Settings
from studio.library.logbook import trace
from studio.nouns import Refusal, Shot, replace
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder
from tests.fakes.served_app import PATIENCE, Refused


class BusyStudio:
    """One home folder and the process at work on it, one life after another. Any thread may ask."""

    def __init__(self, home: Path, pace: float) -> None:
        self._command = [sys.executable, "-m", "tests.fakes.busy_studio", str(home), str(pace)]
        self._numbers, self._awaited, self._lock = count(), dict[int, "Future[Any]"](), threading.Lock()

    def start(self) -> None:
        """Begin a life, and wait until it answers."""
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._is_there = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ask("hello", {})

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        with self._lock:
            self._is_there = False
        self._give_up()  # what was asked while it went

    def leave(self) -> int:
        """End it in order. Its exit code."""
        assert self._process.stdin
        self._process.stdin.close()
        self._reader.join()
        return self._process.wait(PATIENCE)

    def ask(self, name: str, value: Any) -> Any:
        """What a script of the page asks. Raises `Refused`, and `OSError` when no answer came."""
        answer = Future[Any]()
        with self._lock:
            if not self._is_there:
                raise ConnectionResetError("it is gone")
            number = next(self._numbers)
            self._awaited[number] = answer
            assert self._process.stdin
            self._process.stdin.write(json.dumps([number, name, value]) + "\n")
            self._process.stdin.flush()
        return answer.result(PATIENCE)

    def call(self, endpoint: str, **values: Any) -> Any:
        """What a program asks."""
        return self.ask(endpoint, values)

    def take_photo(self, data: bytes, name: str) -> str:
        """Have a photo taken in. Its id."""
        return self.ask("take_photo", {"data": base64.b64encode(data).decode(), "name": name})

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            number, answer, refusal = json.loads(line)
            awaited = self._awaited.pop(number)
            awaited.set_exception(Refused(refusal)) if refusal else awaited.set_result(answer)
        self._give_up()

    def _give_up(self) -> None:
        """Whatever waits for an answer has none."""
        while self._awaited:
            self._awaited.popitem()[1].set_exception(ConnectionResetError("it is gone"))


class Answers:
    """What may be asked of the studio, by the names that the page and its endpoints have for it."""

    def __init__(self, studio: Studio, room: Path) -> None:
        library = studio.library
        self._studio, self._room = studio, room
        self.by_name: dict[str, Callable[[dict[str, Any]], Any]] = {
            "hello": lambda _: True, "take_photo": self.take_photo, "animate": self.animate, "finish": self.finish,
            "again_clip": lambda ask: {"job": studio.again(ask["id"], ask["press"]).id},
            "vary_clip": lambda ask: {"job": studio.vary(ask["id"], ask["press"]).id},
            "rate_clip": lambda ask: library.rate(ask["id"], ask["stars"]), "trash_clip": lambda ask: library.trash(ask["id"]),
            "restore_clip": lambda ask: library.restore(ask["id"]), "empty_trash": lambda _: library.empty_trash(),
            "retry_job": lambda ask: studio.retry(ask["id"]).id,
            "export_clips": lambda ask: str(studio.exports.export_all(ask["ids"], True)),
            "start_delivery": lambda ask: studio.deliveries.start(ask["ids"], ask["places"]).id,
        }  # fmt: skip

    def take_photo(self, ask: dict[str, Any]) -> str:
        """A photo taken in from a file, as an upload is."""
        file = self._room / f"{os.getpid()}-{threading.get_ident()}.jpg"
        file.write_bytes(base64.b64decode(ask["data"]))
        return self._studio.photos.take_in(file, ask["name"]).id

    def animate(self, ask: dict[str, Any]) -> dict[str, str]:
        """A clip of a photo that is here."""
        shape = {name: ask[name] for name in ("size", "seconds", "fps", "seed")}
        shot = Shot(self._studio.photos.get(ask["photo"]), model=CARD.id)
        return {"id": self._studio.submit(replace(shot, **shape)).id}

    def finish(self, ask: dict[str, Any]) -> dict[str, str]:
        """Clips that are here, finished."""
        shot = self._studio.library.get(ask["clips"][0]).shot
        return {"id": self._studio.submit(replace(shot, finish={"clips": ask["clips"], **ask["finish"]})).id}

    def answer(self, line: str) -> str:
        """The line that answers a line."""
        number, name, value = json.loads(line)
        try:
            return json.dumps([number, self.by_name[name](value), ""])
        except Refusal as refusal:
            return json.dumps([number, None, str(refusal)])
        except Exception as fault:
            return json.dumps([number, None, f"{name}: {trace(fault)}"])


def main(home: str, pace: str) -> None:
    """One life, until the input ends."""
    written = threading.Lock()
    with closing(Studio(Settings(Path(home)), (CARD,), finder(Gradient(float(pace))))) as studio:
        answers = Answers(studio, Path(home).parent)
        studio.start(score=False)

        def work(line: str) -> None:
            answer = answers.answer(line)
            with written:
                print(answer, flush=True)

        with ThreadPoolExecutor(8) as pool:
            for line in sys.stdin:
                pool.submit(work, line)


if __name__ == "__main__":
    main(*sys.argv[1:])
