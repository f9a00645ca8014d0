"""Jobs on an engine that keeps models: a clip is what was planned, previews are seen and never kept, the next is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from studio import presets
from studio.config import Settings
from studio.exports import read_recipe
from studio.jobs.job_progress import JobProgress
from studio.library import database
from studio.library.live_processes import Owner
from studio.library.queue import Queue
from studio.nouns import (
    Cancelled,
    Done,
    Failed,
    Motion,
    Photo,
    Progress,
    Refusal,
    Running,
    Shot,
    Still,
    replace,
)
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, photograph
from tests.fakes.shelf import AWAY, CARDS, OTHER, READY, ShelfEngine, finder
from tests.fakes.waiting import ended, until

PARALLAX = presets.card("parallax")
Make = Callable[..., Studio]


@pytest.fixture
def engine() -> ShelfEngine:
    return ShelfEngine()


@pytest.fixture
def studio(settings: Settings, engine: ShelfEngine) -> Iterator[Studio]:
    """A studio with a model that pretends, beside one that paints gradients."""
    made = Studio(settings, (CARD, *CARDS), finder(engine, lambda card, settings: Gradient(0.02)))
    yield made
    made.close()


@pytest.fixture
def shot(studio: Studio) -> Shot:
    return Shot(studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg"), model=READY.id, seconds=1)


def denoising(studio: Studio, job_id: str) -> Progress:
    """A job's progress once it denoises."""
    seen: list[Progress] = []

    def begun() -> bool:
        state = studio.job(job_id).state
        if isinstance(state, Running) and state.progress.stage == "denoise":
            seen.append(state.progress)
        return bool(seen)

    until(begun)
    return seen[-1]


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp"])
def test_a_clip_is_what_was_planned(studio: Studio, shot: Shot, kind: str) -> None:
    studio.start()
    shot = replace(shot, format=kind)
    plan = studio.plan(shot)
    job = ended(studio, studio.submit(shot).id)
    assert job.state == Done(job.id)
    clip = studio.library.get(job.id)
    assert clip.seconds == pytest.approx(studio.outcome(shot).seconds, abs=1e-9)
    assert (clip.width, clip.height) == (plan.width, plan.height)
    if kind in ("mp4", "webm"):
        assert (clip.num_frames, clip.fps) == (plan.num_frames, plan.fps)
    said = [choice.what for choice in clip.choices]
    assert {"size", "length", "steps", "engine", "prompt", "sound"} <= set(said)
    assert len(clip.choices) == len(set(clip.choices))
    assert read_recipe(studio.library.file(clip)) == shot


def test_a_clip_has_the_models_sound_unless_it_was_not_wanted(studio: Studio, shot: Shot) -> None:
    studio.start()
    heard, silent = studio.submit(shot), studio.submit(replace(shot, sound=False))
    tracks = []
    for job in (heard, silent):
        ended(studio, job.id)
        with av.open(str(studio.library.file(studio.library.get(job.id)))) as video:
            tracks.append([(stream.rate, stream.channels) for stream in video.streams.audio])
    assert tracks == [[(48_000, 2)], []]  # the model's has 24,000 Hz; every film's sound has 48,000


def test_the_end_photo_reaches_the_engine(studio: Studio, shot: Shot) -> None:
    studio.start()
    end = studio.photos.take_in(photograph(studio.settings.home, 200, 300, seed=3), "dusk.jpg")
    job = ended(studio, studio.submit(replace(shot, end=Still(end))).id)
    assert "200x300" in {choice.value for choice in studio.library.get(job.id).choices if choice.what == "end"}


def test_memory_that_runs_out_shrinks_the_clip_only_with_consent(studio: Studio, shot: Shot) -> None:
    studio.start()
    shot = replace(shot, motion=Motion("fill memory"))
    refused, smaller = studio.submit(shot), studio.submit(replace(shot, may_shrink=True))
    state = ended(studio, refused.id).state
    assert isinstance(state, Failed)
    assert "memory" in state.reason
    ended(studio, smaller.id)
    clip, plan = studio.library.get(smaller.id), studio.plan(shot)
    assert (clip.width, clip.height) == (plan.width // 2, plan.height // 2)
    said = {choice.what: choice.value for choice in clip.choices}
    assert said["memory"] == f"size: {clip.width}x{clip.height}"
    assert "size" not in said, "what was planned did not come true"
    assert "length" in said


def test_a_preview_is_live_and_never_written(studio: Studio, shot: Shot, settings: Settings) -> None:
    other = Studio(settings, CARDS, finder(ShelfEngine()))
    studio.start()
    job = studio.submit(replace(shot, motion=Motion("slow")))
    progress = denoising(studio, job.id)
    assert progress.preview.startswith("data:image/webp;base64,")
    assert progress.remaining is not None
    assert progress.note == "0.25 s a step"
    denoising(other, job.id)
    base = database.open(settings.database)
    assert not any("base64" in str(row[0]) for row in base.read("SELECT state FROM jobs"))
    base.close()
    studio.cancel(job.id)
    assert studio.job(job.id).state == Cancelled()
    other.close()


def test_stopped_between_steps_it_lets_go_and_the_next_is_done(studio: Studio, shot: Shot, engine: ShelfEngine) -> None:
    studio.start()
    job = studio.submit(replace(shot, motion=Motion("slow"), steps=20))
    denoising(studio, job.id)
    with pytest.raises(Refusal, match="at work"):
        studio.models.unload(READY.id)
    studio.cancel(job.id)
    after = ended(studio, studio.submit(shot).id)
    assert isinstance(after.state, Done)
    assert engine.loads == [READY.id], "it stayed loaded"
    assert studio.library.count() == 1


def test_the_next_jobs_model_is_expected_while_this_one_runs(studio: Studio, shot: Shot, engine: ShelfEngine) -> None:
    first = studio.submit(replace(shot, motion=Motion("slow")))
    studio.submit(replace(shot, model=OTHER.id))
    studio.submit(replace(shot, model=READY.id))
    studio.start()
    denoising(studio, first.id)
    until(lambda: bool(engine.expected))
    assert engine.expected == [OTHER.id]
    until(lambda: studio.library.count() == 3)
    assert engine.expected[0] == OTHER.id


def test_nothing_is_expected_before_this_job_has_its_own_model(studio: Studio, shot: Shot) -> None:
    """While the first loads, the second must not push in front of it."""
    order: list[str] = []

    class Noting(ShelfEngine):
        def expect(self, card):
            order.append("expected")

        def _fill(self, card, tick):
            super()._fill(card, tick)
            order.append("loaded")

    noting = Studio(studio.settings, CARDS, finder(Noting(0.01)))
    noting.submit(shot)
    noting.submit(replace(shot, model=OTHER.id))
    noting.start()
    until(lambda: noting.library.count() == 2)
    noting.close()
    assert order == ["loaded", "expected", "loaded"]


def test_an_engine_without_a_shelf_expects_those_of_others(studio: Studio, shot: Shot, engine: ShelfEngine) -> None:
    studio.submit(replace(shot, model=CARD.id, fps=16, seconds=2))
    studio.submit(shot)
    studio.start()
    until(lambda: studio.library.count() == 2)
    assert engine.expected == [READY.id]


def test_a_hint_that_fails_costs_nothing(studio: Studio, shot: Shot, engine: ShelfEngine, settings: Settings) -> None:
    engine.fails["load"] = ("No memory for two.", "Wait.")
    first, second = studio.submit(shot), studio.submit(replace(shot, model=OTHER.id))
    studio.start()
    for job in (first, second):
        assert isinstance(ended(studio, job.id).state, Done)


def test_a_model_deleted_while_its_job_waits_fails_that_job_alone(studio: Studio, shot: Shot) -> None:
    waits, fine = studio.submit(replace(shot, model=OTHER.id)), studio.submit(shot)
    studio.models.delete(OTHER.id)
    studio.start()
    state = ended(studio, waits.id).state
    assert isinstance(state, Failed)
    assert "not on this computer" in state.reason
    assert isinstance(ended(studio, fine.id).state, Done)
    with pytest.raises(Refusal, match="models download"):
        studio.retry(waits.id)


def test_a_job_may_go_back_to_loading_but_not_from_painting(settings: Settings) -> None:
    owner = Owner(settings.home / "locks")
    base = database.open(settings.database)
    queue = Queue(base, owner)
    queue.submit(Shot(Photo("a" * 64, 10, 10)))
    taken = queue.take_next(False)
    assert taken
    watch = JobProgress(taken, queue)
    watch.tick(Progress("denoise", 3, 10, preview="data:x", remaining=7.0))
    assert (watch.progress.remaining, watch.progress.preview) == (7.0, "data:x")
    watch.tick(Progress("load", 0, 4, "memory ran out: its weights now wait in memory"))
    assert watch.progress.stage == "load"
    watch.tick(Progress("denoise", 1, 10))
    assert (watch.progress.done, watch.progress.preview) == (1, "data:x")
    watch.tick(Progress("paint", 4, 10))
    watch.tick(Progress("decode", 0, 1))
    assert watch.progress.stage == "paint"
    base.close()
    owner.release()


def test_away_is_not_run(studio: Studio, shot: Shot) -> None:
    with pytest.raises(Refusal):
        studio.submit(replace(shot, model=AWAY.id))


def test_the_same_seed_paints_the_same(studio: Studio, shot: Shot) -> None:
    studio.start()
    frames: list[np.ndarray] = []
    for seed in (1, 1, 2):
        job = ended(studio, studio.submit(replace(shot, seed=seed)).id)
        with av.open(str(studio.library.file(studio.library.get(job.id)))) as video:
            frames.append(next(video.decode(video=0)).to_ndarray(format="rgb24"))
    assert np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])


def test_files_of_a_clip_with_sound_are_cleared_away(studio: Studio, shot: Shot, settings: Settings) -> None:
    studio.start()
    ended(studio, studio.submit(shot).id)
    until(lambda: not [file for file in (settings.cache / "work").rglob("*") if file.is_file()])
    assert sorted(Path(file.name).suffix for file in settings.clips.iterdir()) == [".json", ".mp4", ".png"]
