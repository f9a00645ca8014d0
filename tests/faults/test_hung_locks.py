"""What hangs keeps nothing from others: locks that it or its helpers hold, the order of photos, the end of the process; and what
waits for others, works in small steps or was stopped by its owner doesn't hang."""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.clip.child_processes import start_child
from studio.config import ROOT, Settings
from studio.engines.base import Stopped, Tick
from studio.helper_threads import Helpers
from studio.hung_threads import WorkLock, count_hung, show_life
from studio.jobs.read_ahead import ReadAhead
from studio.jobs.watched_work import Pulse, run_watched
from studio.nouns import Progress, Refusal
from studio.photo.intake import image_decoder
from studio.photo.mends.tiles import work_in_tiles
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import until

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    """What hangs waits for this."""
    event = threading.Event()
    yield event
    event.set()
    until(lambda: count_hung() == 0)


def test_the_helpers_of_what_hangs_keep_no_lock_and_no_program(go_on: threading.Event) -> None:
    lock, programs = WorkLock(), list[subprocess.Popen[bytes]]()

    def hang() -> None:
        with lock:
            programs.append(start_child([sys.executable, "-c", "import time; time.sleep(60)"]))
            go_on.wait()

    def work(tick: Tick) -> None:
        with Helpers(1, "helper") as beside:
            beside.submit(hang).result()

    with pytest.raises(Refusal, match="no sign of life"):
        run_watched("test", work, 0.5)
    assert lock.take(5.0), "though the helper that holds it still hangs"
    assert programs[0].wait(20)
    assert count_hung() == 1


def test_helpers_do_all_that_is_handed_over_and_drop_what_is_not_begun() -> None:
    with Helpers(2, "helper") as beside:
        assert list(beside.map(lambda number: number * number, range(20))) == [number * number for number in range(20)]
    go_on, begun = threading.Event(), threading.Event()
    beside = Helpers(1, "helper")
    first, second = beside.submit(lambda: begun.set() or go_on.wait(20)), beside.submit(go_on.wait)
    begun.wait(20)
    beside.drop()
    beside.drop()
    go_on.set()
    assert first.result(20) and second.cancelled()


def test_whoever_waits_for_what_is_watched_is_not_to_blame() -> None:
    lock, inside = WorkLock(), threading.Event()

    def paint_slowly(tick: Tick) -> str:
        with lock:
            inside.set()
            for number in range(12):
                tick(Progress("paint", number, 12))
                time.sleep(0.2)
        return "painted"

    def wait_in_line(tick: Tick) -> str:
        inside.wait()
        with lock:
            return "came to it"

    said: list[str] = []
    first = threading.Thread(target=lambda: said.append(run_watched("first", paint_slowly, 1.0)))
    first.start()
    assert run_watched("second", wait_in_line, 1.0) == "came to it", "though it was silent longer than it may be"
    first.join()
    assert said == ["painted"]


def test_two_that_wait_for_each_other_are_given_up() -> None:
    locks, met = (WorkLock(), WorkLock()), threading.Barrier(2)
    said: list[str] = []

    def cross(first: WorkLock, second: WorkLock) -> None:
        def work(tick: Tick) -> None:
            with first:
                met.wait(20)
                with second:
                    pass

        try:
            run_watched("test", work, 0.5)
            said.append("done")
        except Refusal as refusal:
            said.append(refusal.reason)

    threads = [threading.Thread(target=cross, args=pair) for pair in (locks, locks[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(said) == 2 and any("no sign of life" in one for one in said)
    until(lambda: count_hung() == 0)


def test_every_tile_of_a_mend_is_a_sign_of_life_and_notices_a_stop() -> None:
    image, done = np.zeros((80, 10, 3), np.uint8), list[int]()

    def slowly(part: np.ndarray) -> np.ndarray:
        time.sleep(0.2)
        done.append(1)
        return part

    mend: Callable[[Tick], np.ndarray] = lambda tick: work_in_tiles(image, slowly, 10, 0)  # noqa: E731
    assert run_watched("test", mend, 1.0).shape == image.shape
    watch = Pulse()
    threading.Timer(0.5, watch.stop).start()
    done.clear()
    with pytest.raises(Stopped):
        run_watched("test", mend, 1.0, watch=watch)
    assert len(done) < 8


def test_work_within_work_is_a_sign_of_life_of_both_and_stopped_with_it() -> None:
    def show(tick: Tick) -> None:
        for _ in range(8):
            show_life()
            time.sleep(0.2)

    assert run_watched("outer", lambda tick: run_watched("inner", show, 1.0), 1.0) is None
    go_on, watch = threading.Event(), Pulse()
    threading.Timer(0.5, watch.stop).start()
    with pytest.raises(Stopped):
        run_watched("outer", lambda tick: run_watched("inner", lambda tick: go_on.wait(), 60), 60, watch=watch)
    go_on.set()
    until(lambda: count_hung() == 0)


def test_reading_ahead_that_hangs_keeps_no_lock(go_on: threading.Event) -> None:
    lock, inside, eager = WorkLock(), threading.Event(), ReadAhead(1.0)

    def hang(tick: Tick) -> None:
        with lock:
            inside.set()
            go_on.wait()

    eager.wish(hang)
    inside.wait(20)
    assert lock.take(20.0)
    read = threading.Event()
    eager.wish(lambda tick: read.set())
    assert read.wait(20), "it reads what is wished for next"
    eager.close()


def test_a_photo_that_is_never_decoded_keeps_no_other_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(settings, (CARD,), finder(Gradient()))
    other = photograph(settings.home)
    studio.photos.take_in(photograph(settings.home, seed=1), "warm")

    def open_soon(work: Callable[[], Any]) -> Any:
        return run_watched("a photo", lambda tick: work(), 0.5)

    monkeypatch.setattr(studio.photos, "_watched", open_soon)
    rare = settings.home / "rare.bmp"
    Image.new("RGB", (80, 80)).save(rare)
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with image_decoder._DECODING:  # pyright: ignore
            held.set()
            go_on.wait()

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    held.wait(20)
    with pytest.raises(Refusal, match="no sign of life"):
        studio.photos.take_in(rare, "rare.bmp")
    assert studio.photos.take_in(other, "other.png").width
    go_on.set()
    holder.join()
    until(lambda: count_hung() == 0)
    assert studio.photos.take_in(rare, "rare.bmp").width == 80
    studio.close()


# Processes ----------------------------------------------------------------------------------------------------------------

SLEEPS = """
import sys, time
from pathlib import Path
from studio.jobs.watched_work import run_watched
def work(tick):
    print("at work", flush=True)
    while not Path(sys.argv[1]).exists():
        time.sleep(0.01)
    return "done"
print(run_watched("test", work, 1.0), flush=True)
"""

NEVER_ENDS = """
import threading, time
from studio import stop_signals
stop_signals.CLOSE_SECONDS = 1
stop_signals.handle_stop_signals()
try:
    threading.Thread(target=threading.Event().wait).start()
    print("at work", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    pass
"""


def start_script(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *arguments]
    one = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert one.stdout and one.stdout.readline() == "at work\n"
    return one


@posix
def test_the_time_in_which_a_process_is_stopped_is_no_silence(tmp_path: Path) -> None:
    one = start_script(SLEEPS, str(tmp_path / "go on"))
    one.send_signal(signal.SIGSTOP)
    time.sleep(2)
    (tmp_path / "go on").touch()
    one.send_signal(signal.SIGCONT)
    assert one.communicate(timeout=20)[0] == "done\n"


@posix
def test_a_process_in_which_something_hangs_ends_all_the_same() -> None:
    one = start_script(NEVER_ENDS)
    one.terminate()
    _, said = one.communicate(timeout=30)
    assert one.returncode == 1
    assert "threading.py" in said, "it says where it hung"


POOLS = """
import ctypes, threading
from studio.helper_threads import share_pools
share_pools()
together = threading.Barrier(33)
def take():
    ctypes.CDLL(None).malloc(1000)
    together.wait()
for _ in range(32):
    threading.Thread(target=take).start()
together.wait()
print("at work", flush=True)
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.malloc_info(0, libc.fdopen(1, b"w"))
libc.fflush(None)
"""


def test_threads_share_the_pools_of_memory() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc has pools of memory for threads")
    with start_script(POOLS) as one:
        assert one.stdout
        told = one.stdout.read()
    assert 1 <= told.count("<heap nr=") <= max(2, os.cpu_count() or 1)


def test_no_thread_of_the_studio_keeps_the_process_from_ending() -> None:
    """Python waits for those of concurrent.futures and for those that are no daemons, whatever they hang in."""
    for file in (ROOT / "studio").rglob("*.py"):
        text = file.read_text("utf-8")
        assert "ThreadPoolExecutor" not in text or "hosted_demo" in file.parts, file
        for begun in re.findall(r"threading\.Thread\((?:[^()]|\([^()]*\))*\)", text):
            assert "daemon=True" in begun, f"{file}: {begun}"
