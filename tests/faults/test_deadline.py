"""A shot that never ends: its job fails with the reason, the next one runs, and nothing that the hung thread brings counts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.clip.ffmpeg import launch_ffmpeg
from studio.config import Settings, read
from studio.hung_threads import MOST_LEFT, WorkLock, count_hung, leave_thread
from studio.jobs import deadlines
from studio.jobs.deadlines import MODEL_TIMES, Deadlines
from studio.jobs.watched_work import Pulse, WatchedThread
from studio.library.queue import Queue
from studio.nouns import Cancelled, Done, Failed, Interrupted, Motion, Progress, Refusal, Shot, replace
from studio.studio import Studio
from tests.fakes.gradient import CARD, finder, photograph
from tests.fakes.hanging import Hanging
from tests.fakes.waiting import ended, until


@pytest.fixture
def engine() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.go_on.set()
    until(lambda: count_hung() == 0)


@pytest.fixture
def studio(settings: Settings, engine: Hanging, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """One that has made a clip, and gives up what is silent for two seconds, or for half of one once it was stopped."""
    monkeypatch.setattr(deadlines, "NOTICE_SECONDS", 0.5)
    made = Studio(settings, (CARD,), finder(engine))
    made.start(score=False)
    ended(made, made.submit(shot(made)).id)  # libraries are loaded
    monkeypatch.setattr(made._worker, "_deadline", 2.0)
    yield made
    made.close()


def shot(studio: Studio, prompt: str = "") -> Shot:
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    return Shot(photo, motion=Motion(prompt=prompt), model="gradient", size="240p", seconds=1, fps=8)


@pytest.mark.parametrize("where", ["hang at first", "hang in the middle"])
def test_a_job_that_hangs_fails_and_the_next_runs(studio: Studio, engine: Hanging, where: str) -> None:
    hung, following = studio.submit(shot(studio, where)), studio.submit(shot(studio))
    state = ended(studio, hung.id).state
    assert isinstance(state, Failed)
    assert "no sign of life" in state.reason and state.remedy
    assert isinstance(ended(studio, following.id).state, Done), "though the first one still hangs, with a lock"
    assert count_hung() == 1
    until(lambda: not list((studio.settings.cache / "work").rglob("clip*")))
    log = (studio.settings.home / "logs" / "stir.log").read_text()
    assert "1 hang" in log and "hanging.py" in log, "which says where it hangs"

    again = studio.retry(hung.id)
    engine.go_on.set()
    until(lambda: count_hung() == 0)
    assert engine.late[0] == "Stopped", "its late tick stops it, though the same job runs again"
    assert isinstance(ended(studio, again.id).state, Done)
    assert studio.library.count() == 3


def test_cancel_frees_the_queue_though_the_engine_notices_nothing(studio: Studio, engine: Hanging, settings: Settings) -> None:
    hung, following = studio.submit(shot(studio, "hang at first")), studio.submit(shot(studio))
    engine.hangs.wait(20)
    Queue(studio._database, studio._owner).cancel(hung.id)  # as another process does: nobody tells this one's worker
    assert isinstance(ended(studio, following.id).state, Done)
    assert isinstance(studio.job(hung.id).state, Cancelled)


def test_no_more_begins_once_too_much_hangs(studio: Studio) -> None:
    go_on, made = threading.Event(), shot(studio)
    hung = [threading.Thread(target=go_on.wait, daemon=True) for _ in range(MOST_LEFT)]
    for thread in hung:
        thread.start()
        leave_thread(thread)
    waits = studio.submit(made)
    until(lambda: "hang in Stir" in getattr(studio.job(waits.id).state, "note", ""))
    go_on.set()
    assert isinstance(ended(studio, waits.id).state, Done), "those that hung have ended"


def test_the_studio_closes_though_a_job_hangs(studio: Studio, engine: Hanging, settings: Settings) -> None:
    hung = studio.submit(shot(studio, "hang in the middle"))
    engine.hangs.wait(20)
    studio.close()
    later = Studio(settings, (CARD,), finder(engine))
    assert isinstance(later.job(hung.id).state, Interrupted)
    assert "noticed no stop" in (settings.home / "logs" / "stir.log").read_text(), "closing didn't wait for the deadline's end"
    later.close()


def find_encoders() -> list[psutil.Process]:
    """The ffmpeg processes of this one that frames are piped to."""
    found: list[psutil.Process] = []
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found += [one] if "pipe:0" in one.cmdline() and "ffmpeg" in one.name() else []
    return found


@pytest.mark.parametrize("how", ["cancelled", "left alone", "killed"])
def test_a_frozen_or_killed_ffmpeg_costs_no_more_than_its_clip(studio: Studio, settings: Settings, how: str) -> None:
    slow = replace(shot(studio, "slowly"), size="480p", seconds=10, fps=30)
    job, following = studio.submit(slow), studio.submit(shot(studio))
    until(lambda: bool(find_encoders()))
    (frozen,) = find_encoders()
    os.kill(frozen.pid, signal.SIGKILL if how == "killed" else signal.SIGSTOP)
    if how == "cancelled":
        studio.cancel(job.id)
    assert isinstance(ended(studio, following.id).state, Done)
    state = studio.job(job.id).state
    assert isinstance(state, Cancelled if how == "cancelled" else Failed)
    if isinstance(state, Failed):
        assert ("encoder stopped" if how == "killed" else "no sign of life") in state.reason
    assert not frozen.is_running()
    assert count_hung() == 0, "its thread has ended with it"
    until(lambda: not [file for file in (settings.cache / "work").rglob("*") if file.is_file()])


# The parts ----------------------------------------------------------------------------------------------------------------


def test_repeating_itself_is_no_sign_of_life_but_waiting_is() -> None:
    watch, hand = Pulse(), WatchedThread("test")

    def repeat(progress: Progress, seconds: float = 1.5) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            watch.tick(progress)
            time.sleep(0.01)
        return "done"

    with pytest.raises(Refusal, match="loading"):
        hand.do(lambda: repeat(Progress("load", 3, 9), 60), watch, Deadlines(0.5))
    watch = Pulse()
    assert hand.do(lambda: repeat(Progress("wait")), watch, Deadlines(0.5)) == "done"


def test_a_lock_of_a_thread_that_was_left_behind_goes_to_whoever_waits() -> None:
    lock, inside, go_on, late = WorkLock(), threading.Event(), threading.Event(), list[str]()

    def hang() -> None:
        with lock:
            inside.set()
            go_on.wait()
            try:
                launch_ffmpeg(["-version"], subprocess.DEVNULL)
            except Refusal as refusal:
                late.append(refusal.reason)

    hung = threading.Thread(target=hang, daemon=True)
    hung.start()
    inside.wait()
    assert lock.take(0.0) is None
    leave_thread(hung)
    turn = lock.take(0.0)
    assert turn is not None
    go_on.set()
    hung.join()
    assert "nobody waits for it" in late[0], "it starts no program any more"
    assert lock.take(0.0) is None, "the late thread doesn't give back what is another's now"
    lock.give_back(turn)
    assert not lock.is_taken


def test_models_may_be_silent_longer_and_the_setting_moves_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for stage, times in MODEL_TIMES.items():
        assert times >= 2, stage
        assert Deadlines(60, has_model=True).find_silence(stage) == 60 * times
    assert Deadlines(0).find_silence("paint") == float("inf")
    for named, seconds in (("", 300.0), ("45", 45.0), ("0", 0.0)):
        monkeypatch.setenv("STIR_DEADLINE", named)
        assert read(str(tmp_path)).deadline == seconds
    for wrong in ("soon", "-1", "nan", "5"):
        monkeypatch.setenv("STIR_DEADLINE", wrong)
        with pytest.raises(Refusal, match="no deadline"):
            read(str(tmp_path))
