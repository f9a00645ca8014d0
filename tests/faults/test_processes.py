"""Stir told to end in mid-job, and ffmpeg missing or killed wherever it is started: said, nothing left, the next try works."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from studio.clip import bare_copy, encoders, ffmpeg, received_film, recipe
from studio.clip.child_processes import _find_setpriv, run_script
from studio.clip.encode import encode
from studio.config import Settings
from studio.delivery import deliver
from studio.finish.clip_frames import LiveFrames
from studio.finish.scratch_film import keep_scratch
from studio.finish.soundtrack.coded_level import level_for_codec
from studio.frames import Frames, Sound
from studio.nouns import Done, Interrupted, Refusal, Shot, replace
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.process import Other
from tests.fakes.waiting import ended, painting, until

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.fixture
def other(settings: Settings) -> Iterator[Callable[[float], Other]]:
    """Starts a process with a job that paints so slowly, seconds a frame."""
    made: list[Other] = []

    def start(pace: float) -> Other:
        made.append(Other(settings.home, pace, 1))
        return made[-1]

    yield start
    for one in made:
        one.kill()


def find_encoder(one: Other) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        for child in psutil.Process(one.process.pid).children():
            with contextlib.suppress(psutil.Error):
                found.extend([child] if "pipe:0" in child.cmdline() else [])
        return bool(found)

    until(look)
    return found[0]


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_left(settings: Settings) -> list[Path]:
    return [file for file in (settings.cache / "work").rglob("*") if file.is_file()]


@posix
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_twice_in_mid_job_it_closes_in_order(
    other: Callable[[float], Other], settings: Settings, asked: signal.Signals
) -> None:
    one = other(0.05)
    encoder, watcher = find_encoder(one), Studio(settings, (CARD,), finder(Gradient()))
    painting(watcher, one.jobs[0])
    for _ in range(2):  # a key that was held too long
        one.process.send_signal(asked)
        time.sleep(0.05)
    assert one.process.wait(30) in (0, -asked), "the second may come when all is closed and the interpreter ends"
    assert isinstance(watcher.job(one.jobs[0]).state, Interrupted)
    assert is_gone(encoder)
    assert not is_left(settings)
    assert isinstance(ended(start(watcher), watcher.retry(one.jobs[0]).id).state, Done), "it is resumed"
    watcher.close()


def start(studio: Studio) -> Studio:
    studio.start(score=False)
    return studio


@posix
@pytest.mark.parametrize("how", ["a third Ctrl+C", "kill -9 with a frozen encoder"])
def test_ended_at_once_it_leaves_no_program_and_the_next_start_puts_right(
    other: Callable[[float], Other], settings: Settings, how: str
) -> None:
    if not _find_setpriv():
        pytest.skip("no setpriv here: programs end with Stir by themselves only on Linux with util-linux")
    one = other(20.0 if how == "a third Ctrl+C" else 0.05)
    encoder = find_encoder(one)
    if how == "a third Ctrl+C":
        for _ in range(3):
            one.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert one.process.wait(4) == 130, "though its job notices nothing for 20 seconds"
    else:
        os.kill(encoder.pid, signal.SIGSTOP)
        one.process.kill()
        one.process.wait()
    until(lambda: is_gone(encoder))
    later = Studio(settings, (CARD,), finder(Gradient()))
    assert isinstance(later.job(one.jobs[0]).state, Interrupted)
    assert not is_left(settings), "its half-made clip is swept up"
    later.close()


# ffmpeg -------------------------------------------------------------------------------------------------------------------

SIZE = (64, 48)


def make_frames(sound: bool = True) -> Frames:
    images = (np.full((SIZE[1], SIZE[0], 3), index * 20, np.uint8) for index in range(8))
    heard = Sound(np.zeros((2, 48_000), np.float32) + 0.1, 48_000) if sound else None
    return Frames(images, *SIZE, 8, 8, sound=heard)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> tuple[Path, Shot]:
    """A clip with sound, and its shot."""
    home = Settings(tmp_path_factory.mktemp("film"))
    home.prepare()
    studio = Studio(home, (CARD,), finder(Gradient()))
    photo = studio.photos.take_in(photograph(home.home), "harbour.jpg")
    studio.close()
    shot = Shot(photo, model="gradient", seconds=1, fps=8)
    return encode(make_frames(), home.home / "clip.mp4", shot, ignore).file, shot


def ignore(progress: object) -> None:
    pass


PLACES: dict[str, Callable[[Path, Shot, Path], Any]] = {
    "encode MP4": lambda film, shot, to: encode(make_frames(), to / "a.mp4", shot, ignore),
    "encode GIF": lambda film, shot, to: encode(make_frames(), to / "a.gif", replace(shot, format="gif"), ignore),
    "encode WebM": lambda film, shot, to: encode(make_frames(), to / "a.webm", replace(shot, format="webm"), ignore),
    "copy without recipe": lambda film, shot, to: recipe.strip_recipe(film, to / "a.mp4"),
    "attachment": lambda film, shot, to: bare_copy.copy_bare(film, to / "a.mp4", "video", "mp4"),
    "received film, copied": lambda film, shot, to: received_film.take_film(film, to / "a.mp4", shot, ignore),
    "received film, decoded": lambda film, shot, to: list(
        received_film._stream_frames(film, "null", SIZE, 8)  # encoding it anew is "encode"
    ),
    "received film, its sound": lambda film, shot, to: received_film._read_sound(film),
    "scratch film": lambda film, shot, to: keep_scratch(LiveFrames(make_frames(False)), to / "a.mp4", ignore),
    "loudness": lambda film, shot, to: level_for_codec(make_frames().sound, -14.0, -1.0, "mp4"),
    "a file for a place": lambda film, shot, to: deliver._run(["-i", f"file:{film}", "-y", f"file:{to / 'a.mp4'}"], 8, ignore),
    "what it can write": lambda film, shot, to: ffmpeg.list_codecs(),
    "its filters": lambda film, shot, to: ffmpeg.list_filters(),
}
"""Every place that starts ffmpeg, called with a film, its shot and a folder."""


@posix
@pytest.mark.parametrize("how", ["missing", "killed", "no program"])
def test_ffmpeg_that_is_not_there_or_is_killed_is_said_at_every_place(
    film: tuple[Path, Shot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    program = tmp_path / "programs" / "ffmpeg"
    program.parent.mkdir()
    if how != "missing":
        program.write_text("#!/bin/sh\nkill -9 $$\n" if how == "killed" else "no program at all (\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name, start_it in PLACES.items():
        if (name, how) == ("received film, its sound", "no program"):
            continue  # a sound that can't be decoded is left out
        to = tmp_path / name.replace(" ", "-")
        to.mkdir()
        forget()
        with monkeypatch.context() as patched:
            patched.setenv("IMAGEIO_FFMPEG_EXE", str(program))
            with pytest.raises(Refusal) as said:
                start_it(*film, to)
        assert said.value.reason and said.value.remedy, name
        if how == "missing":
            assert "isn't here" in said.value.reason, name
        assert not list(to.iterdir()), name
        if how == "missing":
            start_it(*film, to)  # it is there again, and nothing of its absence was kept
        shutil.rmtree(to)


def forget() -> None:
    """What was learned of the ffmpeg that is here."""
    ffmpeg.list_codecs.cache_clear()
    ffmpeg.list_filters.cache_clear()


@posix
def test_encoders_are_tried_and_found_wanting_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    assert [verdict.works for verdict in encoders.try_out(encoders.HARDWARE[:2])] == [False, False]


@posix
def test_a_reader_that_hangs_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "sleeps.py"
    script.write_text("import time; time.sleep(60)")
    with pytest.raises(Exception, match="timed out"):
        run_script(str(script), seconds=0.3)
    assert not [one for one in psutil.Process().children() if "sleeps.py" in " ".join(one.cmdline())]
