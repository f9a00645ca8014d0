"""Jobs: what is submitted becomes a clip or says why not, and neither a fault, a click nor a crash costs anything else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Pictures

from studio.cards import Outcome
from studio.config import ROOT, Settings
from studio.jobs.worker import Worker
from studio.library import database, logbook
from studio.library.clips import Clips
from studio.library.live_processes import Owner
from studio.library.queue import Queue
from studio.nouns import (
    Cancelled,
    Crop,
    Done,
    Failed,
    Interrupted,
    Job,
    Motion,
    Progress,
    Queued,
    Refusal,
    Running,
    Shot,
    replace,
)
from studio.photo.photo_store import PhotoStore
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.process import Other
from tests.fakes.waiting import ended, painting, until

Open = Callable[..., Studio]


def shot(studio: Studio, prompt: str = "", **changes: object) -> Shot:
    """A two-second shot of 32 frames on the stand-in."""
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    return replace(Shot(photo, motion=Motion(prompt=prompt), model="gradient", seconds=2, fps=16), **changes)


def listed(studio: Studio) -> set[str]:
    return {clip.id for clip in studio.library.find()}


def left_over(settings: Settings) -> list[Path]:
    """Temporary files of any process, and clips without a recipe or the other way round."""
    stems = {ending: {file.stem for file in settings.clips.glob(f"*{ending}")} for ending in (".mp4", ".png", ".json")}
    assert stems[".mp4"] == stems[".png"] == stems[".json"]
    return [file for file in (settings.cache / "work").rglob("*") if file.is_file()] + list(settings.clips.glob(".*"))


# The way through ----------------------------------------------------------------------------------------------------------


def test_a_shot_becomes_a_clip(opened: Open, settings: Settings) -> None:
    studio = opened(pace=0.005)
    wanted = shot(studio, seed=7)
    job = studio.submit(wanted)
    seen: list[Progress] = []

    def over() -> bool:
        state = studio.job(job.id).state
        if isinstance(state, Running):
            seen.append(state.progress)
        return isinstance(state, Done)

    until(over)
    (clip,) = studio.library.find()
    assert studio.job(job.id).state == Done(clip.id)
    assert clip.shot == wanted
    assert (clip.num_frames, clip.fps, clip.seconds) == (32, 16.0, 2.0)
    assert clip.bytes == studio.library.file(clip).stat().st_size
    assert studio.library.poster(clip).read_bytes().startswith(b"\x89PNG")
    assert {choice.what for choice in clip.choices} >= {"size", "engine", "encoder"}
    paint = [progress for progress in seen if progress.stage == "paint"]
    assert [one.done for one in paint] == sorted(one.done for one in paint)
    assert [one.elapsed for one in seen] == sorted(one.elapsed for one in seen)
    assert any(one.remaining is not None and 0 <= one.remaining < 30 for one in paint)
    until(lambda: not left_over(settings))


def test_the_queue_is_done_in_order_and_can_be_reordered(opened: Open) -> None:
    studio = opened(start=False)
    a, b, c = (studio.submit(shot(studio, seed=seed)).id for seed in range(3))
    studio.queue.move(c, before=a)
    studio.start()
    until(lambda: studio.library.count() == 3)
    assert [clip.id for clip in studio.library.find()] == [b, a, c], "newest first"


def test_progress_is_live_here_and_written_for_other_processes(opened: Open) -> None:
    here, there = opened(pace=0.05), opened(start=False)
    job = here.submit(shot(here))
    painting(there, job.id)
    painting(here, job.id)
    version = there.version
    until(lambda: there.version > version)
    here.cancel(job.id)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_clip_says_what_its_file_is(opened: Open, kind: str) -> None:
    studio = opened()
    job = studio.submit(shot(studio, format=kind, size="720p", seconds=1, fps=17))
    ended(studio, job.id)
    clip = studio.library.get(job.id)
    with Pictures.open(studio.library.file(clip)) as picture:
        assert (clip.width, clip.height) == picture.size == (640, 480)
        assert picture.n_frames == clip.num_frames == 10
    assert (clip.seconds, clip.fps) == (1.0, 10.0)
    assert studio.outcome(job.shot) == Outcome(640, 480, 10, 10.0, 1.0)


# What goes wrong ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prompt", "reason"), [("refuse", "told to refuse"), ("break", "went wrong"), ("fill memory", "memory")])
def test_a_failed_job_says_why_and_the_next_one_is_done(opened: Open, settings: Settings, prompt: str, reason: str) -> None:
    studio = opened()
    failing, fine = studio.submit(shot(studio, prompt)), studio.submit(shot(studio))
    state = ended(studio, failing.id).state
    assert isinstance(state, Failed)
    assert reason in state.reason
    assert state.remedy
    for technical in ("Error", "Traceback", str(settings.home), "secret"):
        assert technical not in state.reason + state.remedy
    assert isinstance(ended(studio, fine.id).state, Done)
    assert listed(studio) == {fine.id}
    until(lambda: not left_over(settings))


def test_a_fault_nobody_foresaw_names_its_one_entry_in_the_log(opened: Open, settings: Settings) -> None:
    studio = opened()
    jobs = [studio.submit(shot(studio, "break")) for _ in range(2)]
    names: list[str] = []
    for job in jobs:
        state = ended(studio, job.id).state
        assert isinstance(state, Failed)
        found = re.search(r"Entry ([0-9a-f]{6}) in logs/stir.log", state.remedy)
        assert found, state.remedy
        names.append(found[1])
        lines = (settings.home / "logs" / "stir.log").read_text().splitlines()
        where = [index for index, line in enumerate(lines) if found[1] in line]
        assert len(where) == 1
        assert job.id[:8] in lines[where[0]]
        assert "ZeroDivisionError" in lines[where[0]] and "gradient.py" in "".join(lines[where[0] : where[0] + 16])
    assert names[0] != names[1]
    assert (settings.home / "logs" / "stir.log").read_text().count("ZeroDivisionError") == 2


def test_the_log_has_the_fault_but_neither_words_nor_names(opened: Open, settings: Settings) -> None:
    studio = opened()
    ended(studio, studio.submit(shot(studio, "break")).id)
    text = (settings.home / "logs" / "stir.log").read_text()
    assert "ZeroDivisionError" in text
    assert "gradient.py" in text
    for secret in ("secret", "holiday", "harbour", "picture", str(settings.home)):
        assert secret not in text


def test_a_photo_that_has_gone_is_a_failure_with_a_remedy(opened: Open, settings: Settings) -> None:
    studio = opened(start=False)
    job = studio.submit(shot(studio))
    studio.close()
    for file in settings.photos.iterdir():
        file.unlink()
    state = ended(opened(), job.id).state
    assert isinstance(state, Failed)
    assert "photo" in state.reason.lower()


def test_retry_makes_the_same_job_again(opened: Open) -> None:
    studio = opened(pace=0.05)
    job = studio.submit(shot(studio))
    painting(studio, job.id)
    with pytest.raises(Refusal):
        studio.retry(job.id)
    studio.cancel(job.id)
    again = studio.retry(job.id)
    assert (again.id, again.shot) == (job.id, job.shot)
    assert isinstance(ended(studio, job.id).state, Done)
    assert listed(studio) == {job.id}


# Stopping -----------------------------------------------------------------------------------------------------------------


def test_cancelling_what_waits_and_what_runs(opened: Open, settings: Settings) -> None:
    studio = opened(pace=0.05)
    runs, waits, last = (studio.submit(shot(studio, seed=seed)) for seed in range(3))
    painting(studio, runs.id)
    studio.cancel(waits.id)
    studio.cancel(runs.id)
    assert studio.job(runs.id).state == studio.job(waits.id).state == Cancelled()
    painting(studio, last.id)  # so the cancelled one has let go of the worker, well before its 32 frames were painted
    assert isinstance(ended(studio, last.id).state, Done)
    assert listed(studio) == {last.id}
    assert studio.job(runs.id).state == Cancelled()
    until(lambda: not left_over(settings))


@pytest.mark.parametrize("here", [True, False], ids=["here", "in another process"])
def test_a_cancelled_job_paints_no_more(settings: Settings, here: bool) -> None:
    engine = Gradient(pace=0.05)
    studio, other = (Studio(settings, (CARD,), finder(engine)) for _ in range(2))
    studio.start()
    job = studio.submit(shot(studio, seconds=4))
    painting(studio, job.id)
    (studio if here else other).cancel(job.id)
    before = engine.painted
    next_one = studio.submit(shot(studio, prompt="refuse"))
    ended(studio, next_one.id)
    more = engine.painted - before
    assert more <= (2 if here else 20), "cancelled here it stops at the next tick, elsewhere within a second, 20 frames of 64"
    assert studio.job(job.id).state == Cancelled()
    studio.close()
    other.close()


def test_cancelled_at_the_last_moment_there_is_no_clip(settings: Settings) -> None:
    """Between the clip's file and its row, which is when its words are asked for."""

    def meanwhile(shot: Shot) -> str:
        queue.cancel(job.id)
        return ""

    owner, photos = Owner(settings.home / "locks"), PhotoStore(settings)
    base = database.open(settings.database)
    queue, clips = Queue(base, owner), Clips(base, settings.clips, meanwhile)
    photo = photos.take_in(photograph(settings.home))
    job = queue.submit(Shot(photo, model="gradient", seconds=1, fps=16))
    worker = Worker(
        room=owner.room(settings.cache), database=base, queue=queue, clips=clips, log=logbook.open(settings.home / "logs"),
        photos=lambda: photos, find_card=lambda model: CARD, find_engine=lambda card: Gradient(),
    )  # fmt: skip
    worker.start()
    until(lambda: queue.get(job.id).state == Cancelled())
    worker.close()
    assert clips.count() == 0
    assert list(settings.clips.iterdir()) == []


def test_cancelling_with_the_true_engine(settings: Settings, samples: Path) -> None:
    pytest.importorskip("studio.engines.parallax.parallax_engine")
    studio = Studio(settings)
    studio.start()
    photo = studio.photos.take_in(samples / "dogs.jpg")
    job = studio.submit(Shot(photo, size="480p", seconds=10))
    painting(studio, job.id)
    studio.cancel(job.id)
    quick = studio.submit(Shot(photo, size="240p", seconds=1))
    assert isinstance(ended(studio, quick.id).state, Done)
    assert studio.job(job.id).state == Cancelled()
    assert listed(studio) == {quick.id}
    studio.close()


def test_closing_interrupts_and_one_click_resumes(opened: Open, settings: Settings) -> None:
    first = opened(pace=0.05)
    runs, waits = first.submit(shot(first, seed=1)), first.submit(shot(first, seed=2))
    painting(first, runs.id)
    first.close()
    second = opened()
    assert second.job(runs.id).state == Interrupted()
    assert isinstance(ended(second, waits.id).state, Done)
    second.queue.clear_ended()
    assert [job.id for job in second.jobs()] == [runs.id], "what can be resumed is not cleared away"
    second.retry(runs.id)
    assert isinstance(ended(second, runs.id).state, Done)
    assert second.library.get(runs.id).shot == runs.shot
    until(lambda: not left_over(settings))


# Crashes and other processes ----------------------------------------------------------------------------------------------


def test_kill_9_in_mid_job_loses_nothing(opened: Open, settings: Settings) -> None:
    watcher = opened(start=False)
    finished = Other(settings.home, 0.0, 1)
    until(lambda: watcher.library.count() == 1)
    finished.leave()
    other = Other(settings.home, 0.05, 3)
    painting(watcher, other.jobs[0])
    other.kill()
    watcher.close()
    studio = opened(start=False)
    states = {job.id: job.state for job in studio.jobs()}
    assert [states[job] for job in other.jobs] == [Interrupted(), Queued(), Queued()]
    assert listed(studio) == set(finished.jobs)
    assert left_over(settings) == []
    studio.start()
    studio.retry(other.jobs[0])
    until(lambda: studio.library.count() == 4)
    assert listed(studio) == {*finished.jobs, *other.jobs}


KEEPING = """
import os, signal, sys
from pathlib import Path
from studio.config import Settings
from studio.nouns import Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
home, step = Path(sys.argv[1]), int(sys.argv[2])
studio = Studio(Settings(home), (CARD,), finder(Gradient()))
studio.submit(Shot(studio.photos.take_in(photograph(home), "harbour.jpg"), model="gradient", seconds=1, fps=16))
seen = 0
def hook(event, arguments):
    global seen
    if event == "os.rename" and Path(arguments[1]).parent.name == "clips":
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
studio.start()
signal.pause()
"""


@pytest.mark.parametrize("step", [1, 2, 3], ids=["before the recipe", "before the poster", "before the clip"])
def test_killed_while_a_clip_is_moved_in(opened: Open, settings: Settings, step: int) -> None:
    command = [sys.executable, "-c", KEEPING, str(settings.home), str(step)]
    killed = subprocess.run(command, cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -9
    studio = opened()
    assert studio.library.find() == ()
    assert left_over(settings) == []
    (job,) = studio.jobs()
    assert job.state == Interrupted()
    studio.retry(job.id)
    assert isinstance(ended(studio, job.id).state, Done)
    until(lambda: not left_over(settings))


def test_a_crash_between_the_clip_and_its_row_makes_it_done(opened: Open, settings: Settings) -> None:
    studio = opened()
    job = ended(studio, studio.submit(shot(studio)).id)
    kept = studio.library.get(job.id)
    studio.close()
    rewind(settings, job)
    again = opened(start=False)
    assert again.job(job.id).state == Done(job.id)
    assert again.library.find() == (kept,)


def rewind(settings: Settings, job: Job) -> None:
    """The database as it was before the job's last transaction, its process gone."""
    base = database.open(settings.database)
    base.read("DELETE FROM clips")
    base.read("UPDATE jobs SET name = 'running', state = '{\"type\": \"running\"}', owner = 'gone' WHERE id = ?", (job.id,))
    base.close()


def test_two_processes_on_one_home_leave_each_others_jobs_alone(opened: Open, settings: Settings) -> None:
    here = opened(pace=0.01)
    other = Other(settings.home, 0.05, 2)
    mine = here.submit(shot(here, seed=9))
    painting(here, other.jobs[0])
    assert isinstance(ended(here, mine.id).state, Done)
    opened(start=False)  # a third one that starts must not take the running job for a dead one's
    states = [here.job(job).state for job in other.jobs]
    assert isinstance(states[0], Running | Done)
    assert isinstance(states[1], Queued | Running | Done)
    until(lambda: here.library.count() == 3)
    other.leave()
    assert listed(here) == {mine.id, *other.jobs}


def test_a_job_is_cancelled_from_another_process(opened: Open, settings: Settings) -> None:
    here = opened(start=False)
    other = Other(settings.home, 0.05, 2)
    painting(here, other.jobs[0])
    here.cancel(other.jobs[0])
    painting(here, other.jobs[1])
    assert here.job(other.jobs[0]).state == Cancelled()
    until(lambda: here.library.count() == 1)
    other.leave()
    assert listed(here) == {other.jobs[1]}


def test_a_page_takes_over_from_a_killed_process_while_it_runs(opened: Open, settings: Settings) -> None:
    page = opened()
    other = Other(settings.home, 0.05, 2)
    painting(page, other.jobs[0])
    other.kill()
    until(lambda: page.job(other.jobs[0]).state == Interrupted())
    assert isinstance(ended(page, other.jobs[1]).state, Done)


def test_a_worker_that_adopts_nothing_does_only_its_own(opened: Open) -> None:
    left = opened(start=False)
    old = left.submit(shot(left, seed=1))
    left.close()
    studio = opened(start=False)
    studio.start(adopt=False)
    mine = studio.submit(shot(studio, seed=2))
    assert isinstance(ended(studio, mine.id).state, Done)
    assert studio.job(old.id).state == Queued()


# The disk -----------------------------------------------------------------------------------------------------------------

FULL = """
import resource, sys
from pathlib import Path
from studio.config import Settings
from studio.nouns import Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended
studio = Studio(Settings(Path(sys.argv[1])), (CARD,), finder(Gradient()))
photo = studio.photos.take_in(photograph(Path(sys.argv[1])), "harbour.jpg")
shot = Shot(photo, model="gradient", seconds=4, fps=16, format="gif")
first, second = studio.submit(shot), studio.submit(Shot(shot.photo, model="gradient", seconds=1, fps=16))
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limit[1]))
studio.start()
state = ended(studio, first.id).state
print(type(state).__name__, "|", state.reason, "|", state.remedy)
print(type(ended(studio, second.id).state).__name__, studio.library.count())
studio.close()
"""


def test_a_disk_that_fills_up_fails_one_job_and_loses_nothing(settings: Settings) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(settings.home)], cwd=ROOT, capture_output=True, text=True, check=True)
    failed, after = done.stdout.splitlines()
    assert failed.startswith("Failed | ")
    assert "full" in failed or "disk" in failed
    assert str(settings.home) not in failed
    assert after == "Done 1"
    until(lambda: not left_over(settings))


def test_a_clips_folder_that_cannot_be_written_is_said_before_rendering(settings: Settings) -> None:
    engine = Gradient()
    studio = Studio(settings, (CARD,), finder(engine))
    job = studio.submit(shot(studio))
    settings.clips.rmdir()
    settings.clips.write_text("a file in the way")
    studio.start()
    state = ended(studio, job.id).state
    assert isinstance(state, Failed)
    assert "can't be written" in state.reason
    assert engine.painted == 0
    settings.clips.unlink()
    settings.clips.mkdir()
    studio.retry(job.id)
    assert isinstance(ended(studio, job.id).state, Done)
    studio.close()


def test_the_engine_gets_the_whole_photo_and_makes_a_clip_of_the_crop(settings: Settings) -> None:
    class Measuring(Gradient):
        def animate(self, prepared, image, end, tick):
            self.shape = image.shape
            return super().animate(prepared, image, end, tick)

    engine = Measuring()
    studio = Studio(settings, (CARD,), finder(engine))
    studio.start()
    job = studio.submit(shot(studio, crop=Crop(0.25, 0.25, 0.5, 0.5, "photo")))
    state = ended(studio, job.id).state
    assert isinstance(state, Done)
    assert engine.shape == (240, 320, 3)
    clip = studio.library.get(state.clip)
    assert clip.width * 3 == clip.height * 4
    studio.close()
