"""The machine's other limits: a database that another process holds, open files, the address space of a 4K clip."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio.config import ROOT, Settings
from studio.library import database
from studio.nouns import Done, Failed, Refusal, Running, Shot, replace
from studio.studio import Studio
from tests.fakes.gradient import photograph
from tests.fakes.waiting import ended, painting, until

resource = pytest.importorskip("resource")
Open = Callable[..., Studio]

HOLD = """
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""

FOUR_K = """
import resource, sys
from pathlib import Path
import onnxruntime  # loaded before the limit: loaded without memory it prints a warning of its own
from studio.config import ASSETS, Settings
from studio.nouns import Shot, replace
from studio.studio import Studio
from tests.fakes.waiting import ended
studio = Studio(Settings(Path(sys.argv[1])))
studio.start(score=False)
shot = Shot(studio.photos.take_in(ASSETS / "samples" / "stream.jpg"), size="2160p", seconds=1, fps=16)
before = resource.getrlimit(resource.RLIMIT_AS)
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
job = studio.submit(shot)
resource.setrlimit(resource.RLIMIT_AS, (held + 150_000_000, before[1]))
print(ended(studio, job.id).state, flush=True)
resource.setrlimit(resource.RLIMIT_AS, before)
print(type(ended(studio, studio.submit(replace(shot, size="240p")).id).state).__name__, flush=True)
print(sorted(file.suffix for file in studio.settings.clips.iterdir()), flush=True)
studio.close()
"""


@contextmanager
def holding(settings: Settings) -> Iterator[None]:
    """Another process is in the middle of a change of the database."""
    command = [sys.executable, "-c", HOLD, str(settings.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        yield
        other.communicate()


def small(studio: Studio, folder: Path) -> Shot:
    return Shot(studio.photos.take_in(photograph(folder), "harbour.jpg"), model="gradient", seconds=1, fps=16, size="240p")


def test_a_database_that_another_holds_keeps_nobody_from_reading_and_loses_no_clip(
    opened: Open, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    studio = opened(0.02)
    shot = small(studio, tmp_path)
    job = studio.submit(shot)
    painting(studio, job.id)
    with holding(settings):
        with pytest.raises(Refusal, match="busy with another program"):
            studio.submit(replace(shot, seed=2))
        assert [one.id for one in studio.jobs()] == [job.id]

        def waits() -> bool:
            state = studio.job(job.id).state
            return isinstance(state, Running) and "busy" in state.progress.note

        until(waits)
    assert ended(studio, job.id).state == Done(job.id)
    assert studio.library.file(studio.library.get(job.id)).is_file()


def test_too_many_open_files_are_told_and_the_next_try_works(opened: Open, tmp_path: Path) -> None:
    studio = opened()
    shot = small(studio, tmp_path)
    assert isinstance(ended(studio, studio.submit(shot).id).state, Done)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 2, before[1]))
    try:
        job = studio.submit(replace(shot, seed=3))
        state = ended(studio, job.id).state
        with pytest.raises(Refusal, match=r"Too many (open )?files"):
            studio.exports.export_all([clip.id for clip in studio.library.find()], False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert isinstance(state, Failed) and re.search("Too many (open )?files", state.reason)
    studio.retry(job.id)
    assert ended(studio, job.id).state == Done(job.id)


@pytest.mark.skipif(sys.platform != "linux", reason="reads how much a process holds from /proc")
def test_a_4k_clip_without_memory_is_told_and_the_next_clip_is_made(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FOUR_K, str(tmp_path / "home")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr[-2000:]
    assert "There isn't enough memory for this." in lines[0], lines
    assert lines[1:] == ["Done", "['.json', '.mp4', '.png']"]
    assert done.stderr == ""
