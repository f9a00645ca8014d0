"""Finishing clips of the library from the door to the kept file: previewed, queued, done, once more, on others, refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pictures

from studio.config import Settings
from studio.exports import read_recipe
from studio.finish.clip_frames import MOST_HELD, ClipFile, Facts
from studio.finish.small_frames import SmallFrames
from studio.finish_room import finish_shot
from studio.frames import Frames
from studio.nouns import (
    Ambience,
    Cancelled,
    Clip,
    Done,
    Failed,
    Finish,
    Logo,
    Mix,
    Refusal,
    Shot,
    SpeedPoint,
    Title,
    Trim,
    replace,
)
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended, painting, until


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio on the stand-in, at work."""
    made = Studio(Settings(tmp_path_factory.mktemp("finish") / "home"), (CARD,), finder(Gradient()))
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def clip(studio: Studio) -> Clip:
    """One second of 24 frames at 240p."""
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    return make(studio, Shot(photo, model="gradient", seconds=1, fps=24, size="240p"))


def make(studio: Studio, shot: Shot) -> Clip:
    """The clip that a shot becomes."""
    job = studio.submit(shot)
    state = ended(studio, job.id).state
    assert state == Done(job.id), state
    return studio.library.get(job.id)


def read(file: Path) -> list[np.ndarray]:
    """The brightness of every frame of a film."""
    with av.open(str(file)) as film:
        return [frame.to_ndarray(format="gray").astype(float) for frame in film.decode(video=0)]


def test_a_clip_is_finished_kept_with_its_recipe_and_made_again(studio: Studio, clip: Clip, tmp_path: Path) -> None:
    mark = tmp_path / "mark.png"
    Pictures.new("RGBA", (40, 20), (255, 255, 255, 200)).save(mark)
    logo = studio.attachments.take_in(mark, "mark.png", "image")
    finish = Finish(
        clips=(clip.id,), trim=Trim(0.25, 1.0), reverse=True, speed=(SpeedPoint(0.0, 0.5),), fps=30, hold=0.5, deflicker=1.0,
        grain=0.2, titles=(Title("Hafen", fade=0.0),), logo=Logo(logo), cover=1.0, mix=Mix(ambience=(Ambience("water"),)),
    )  # fmt: skip
    shot = replace(clip.shot, finish=finish)
    planned = studio.finishes.plan(shot)
    assert (planned.num_frames, planned.fps, planned.is_exact) == (60, 30, True)
    preview = studio.finishes.preview(shot)
    assert preview == studio.finishes.preview(shot)
    done = make(studio, shot)
    assert (done.num_frames, done.fps, done.seconds) == (60, 30.0, 2.0)
    assert studio.outcome(shot).num_frames == 60
    said = {choice.what: choice for choice in done.choices}
    assert "motion-interpolated" in said["frame rate"].reason
    assert "reversed" in said["length"].reason
    assert said["sound"].value.startswith("AAC")
    assert read_recipe(studio.library.file(done)).finish == finish
    assert studio.library.get(clip.id) == clip  # its original stays
    assert studio.library.ids("hafen") == (done.id,)
    assert studio.estimate_time(shot) is None
    frames = read(studio.library.file(done))
    assert len(frames) == 60
    assert np.abs(frames[-1] - frames[-10]).mean() < 3  # held, but for the grain
    again = ended(studio, studio.again(done.id).id)
    assert studio.library.get(again.id).shot == done.shot
    other = make(studio, replace(clip.shot, seed=9))
    (alike,) = studio.finishes.finish_alike(done.id, (other.id,))
    assert alike.finish == replace(finish, clips=(other.id,))
    assert alike.seed == 9


def test_a_shot_that_is_animated_and_finished_in_one_job(studio: Studio, clip: Clip) -> None:
    forwards = make(studio, replace(clip.shot, finish=Finish(titles=(Title("Hafen"),))))
    backwards = make(studio, replace(clip.shot, finish=Finish(reverse=True)))
    plain, turned = read(studio.library.file(clip)), read(studio.library.file(backwards))
    nearest = [int(np.argmin([np.abs(one - two).mean() for one in plain])) for two in turned]
    assert max(abs(found - wanted) for found, wanted in zip(nearest, range(23, -1, -1), strict=True)) <= 2
    assert {choice.what for choice in forwards.choices} >= {"engine", "encoder"}
    assert studio.queue.get(forwards.id).shot.maker == "gradient"
    assert not list((studio.settings.cache / "work").rglob("scratch*"))


@pytest.mark.parametrize("kind", ["gif", "webp", "webm"])
def test_other_formats_are_finished_too(studio: Studio, clip: Clip, kind: str) -> None:
    looped = make(studio, replace(clip.shot, format=kind, fps=20))
    done = make(studio, replace(looped.shot, finish=Finish(clips=(looped.id,), loop="ping_pong")))
    assert done.num_frames == 2 * looped.num_frames - 2
    assert done.fps == pytest.approx(20)
    first, last = (ClipFile(studio.library.file(one)).open() for one in (looped, done))
    assert np.abs(first.read(7).astype(float) - last.read(2 * looped.num_frames - 2 - 7)).mean() < 12
    first.close()
    last.close()


def test_what_cannot_be_finished_is_refused_before_it_is_queued(studio: Studio, clip: Clip) -> None:
    before = len(studio.jobs())
    for finish, says in (
        (Finish(clips=("gone",)), "no longer in the library"),
        (Finish(clips=(clip.id,), trim=Trim(2.0, 3.0)), "nothing at 2 s"),
        (Finish(clips=(clip.id,), cover=1.5), "no frame at 1.5 s"),
        (Finish(clips=(clip.id,), titles=(Title("late", start=4.0),)), "from 4 s on"),
        (Finish(titles=(Title("late", start=4.0),)), "from 4 s on"),
    ):
        with pytest.raises(Refusal, match=says):
            studio.submit(replace(clip.shot, finish=finish))
    with pytest.raises(Refusal, match="A GIF is silent"):
        studio.submit(replace(clip.shot, format="gif", finish=Finish(clips=(clip.id,), mix=Mix(ambience=(Ambience("rain"),)))))
    assert finish_shot(replace(clip.shot, format="gif"), Finish(mix=Mix(ambience=(Ambience("rain"),))), "").format == "mp4"
    assert finish_shot(replace(clip.shot, format="gif"), Finish(loop="cut"), "").format == "gif"
    assert len(studio.jobs()) == before


def test_a_source_that_goes_while_the_job_waits_fails_it_with_a_remedy_and_leaves_nothing(studio: Studio, clip: Clip) -> None:
    source = make(studio, replace(clip.shot, seed=3))
    queued = studio.queue.submit(replace(source.shot, finish=Finish(clips=("0" * 32,))))
    state = ended(studio, queued.id).state
    assert isinstance(state, Failed)
    assert "no longer in the library" in state.reason
    assert state.remedy
    studio.library.file(source).write_bytes(studio.library.file(source).read_bytes()[:3000])
    cut = ended(studio, studio.submit(replace(source.shot, finish=Finish(clips=(source.id,)))).id).state
    assert isinstance(cut, Failed)
    assert "can't be read" in cut.reason
    assert not list(studio.settings.clips.glob(".*"))


def test_a_job_that_is_cancelled_while_it_is_finished_leaves_nothing(studio: Studio, clip: Clip) -> None:
    work = studio.settings.cache / "work"
    slow = Finish(speed=(SpeedPoint(0.0, 0.1),), reverse=True)
    for shot in (replace(clip.shot, finish=slow), replace(clip.shot, finish=replace(slow, clips=(clip.id,)))):
        job = studio.submit(shot)
        painting(studio, job.id)
        studio.cancel(job.id)
        assert isinstance(ended(studio, job.id).state, Cancelled)
    until(lambda: not [file for file in work.rglob("*") if file.is_file()])
    assert not list(studio.settings.clips.glob(".*"))
    assert not studio.library.has(job.id)


def test_frames_are_read_in_any_order_in_bounded_memory(studio: Studio, clip: Clip) -> None:
    source = ClipFile(studio.library.file(clip))
    assert source.facts == Facts(clip.width, clip.height, 24, 24.0)
    every = [source.open().read(index) for index in range(24)]
    cursor = source.open()
    cursor._most = 4  # as of a clip whose frames are 40 MB each
    for index in (23, 22, 21, 20, 19, 3, 2, 1, 0, 12, 11, 23):
        assert (cursor.read(index) == every[index]).all()
        assert len(cursor._held) <= 4
    assert max(4, MOST_HELD // (7680 * 4320 * 3 // 2)) * 7680 * 4320 * 3 // 2 < 256 << 20
    small = SmallFrames(source, 120)
    assert small.open().read(0).shape == (180, small.facts.width)
    assert isinstance(source.sound, type(None))
    assert Frames(iter(()), 2, 2, 24, 0).sound is None
