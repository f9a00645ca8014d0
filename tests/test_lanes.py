"""Lanes: each GPU does jobs of its own models beside the others and beside the processor; none disturbs another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from studio import preferences
from studio.config import Settings
from studio.engines.base import Engine
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.gpu_shelf import make_diffusion_engine
from studio.engines.diffusion.memory.machine import Machine
from studio.jobs.turns import Turns
from studio.nouns import Cancelled, Done, Interrupted, Job, Motion, Photo, Queued, Running, Shot, replace
from studio.studio import Studio
from studio.ui.model_status import show_gauge
from tests.fakes.gpus import Gpu, join
from tests.fakes.gradient import CARD, Gradient, photograph
from tests.fakes.shelf import CARDS, OTHER, READY
from tests.fakes.waiting import ended, until

Begin = Callable[..., tuple[Studio, Callable[..., Job]]]


@pytest.fixture
def begin(settings: Settings) -> Iterator[Begin]:
    """A studio on an engine with these devices, and what queues a job of a model there."""
    made: list[Studio] = []

    def make(engine: Engine, start: bool = True) -> tuple[Studio, Callable[..., Job]]:
        found = lambda card, settings: engine if card.engine == "diffusion" else Gradient(0.02)  # noqa: E731
        studio = Studio(settings, (CARD, *CARDS), found)
        made.append(studio)
        photo = studio.photos.take_in(photograph(settings.home), "harbour.jpg")
        if start:
            studio.start()

        def ask(model: str, seed: int = 0, words: str = "") -> Job:
            return studio.submit(Shot(photo, motion=Motion(prompt=words), model=model, seconds=1, fps=16, seed=seed))

        return studio, ask

    yield make
    for studio in made:
        studio.close()


def test_two_gpus_work_at_once_and_each_loads_one_model(begin: Begin) -> None:
    gpus = Gpu(0.03), Gpu(0.03)
    studio, ask = begin(join(*gpus), start=False)
    for seed in range(4):
        ask(READY.id, seed)
        ask(OTHER.id, seed)
    studio.start()
    until(lambda: sum(isinstance(job.state, Running) for job in studio.jobs()) == 2)
    until(lambda: studio.library.count() == 8)
    assert sorted(gpus[0].loads + gpus[1].loads) == [READY.id, OTHER.id], "each model is loaded once"
    assert [gpu.most for gpu in gpus] == [1, 1], "on a GPU one job runs at a time"
    assert [len(gpu.spans) for gpu in gpus] == [4, 4]
    assert gpus[0].spans[0][1] > gpus[1].spans[0][0] and gpus[1].spans[0][1] > gpus[0].spans[0][0], "beside each other"


def test_a_model_goes_to_the_gpu_that_it_fits(begin: Begin) -> None:
    gpus = Gpu(small=(READY.id,)), Gpu()
    studio, ask = begin(join(*gpus))
    jobs = [ask(READY.id, seed) for seed in range(3)]
    assert all(isinstance(ended(studio, job.id).state, Done) for job in jobs)
    assert (gpus[0].loads, gpus[1].loads) == ([], [READY.id])


def test_stopping_what_runs_on_one_leaves_the_other(begin: Begin) -> None:
    studio, ask = begin(join(Gpu(0.1), Gpu(0.1)))
    stopped, other = ask(READY.id, 1), ask(OTHER.id, 1)
    until(lambda: all(isinstance(studio.job(job.id).state, Running) for job in (stopped, other)))
    studio.cancel(stopped.id)
    assert isinstance(ended(studio, other.id).state, Done)
    assert studio.job(stopped.id).state == Cancelled()
    broken, fine = ask(READY.id, 2, "break"), ask(OTHER.id, 2)
    assert isinstance(ended(studio, fine.id).state, Done)
    assert not isinstance(ended(studio, broken.id).state, Done)


def test_closing_interrupts_both(begin: Begin) -> None:
    studio, ask = begin(join(Gpu(0.2), Gpu(0.2)))
    jobs = ask(READY.id), ask(OTHER.id)
    until(lambda: all(isinstance(studio.job(job.id).state, Running) for job in jobs))
    studio.close()
    again, _ = begin(join(Gpu(), Gpu()), start=False)
    assert [again.job(job.id).state for job in jobs] == [Interrupted(), Interrupted()]


def test_what_needs_no_gpu_is_done_beside_it_one_at_a_time(begin: Begin) -> None:
    studio, ask = begin(Gpu(2.0))
    long = ask(READY.id)
    until(lambda: isinstance(studio.job(long.id).state, Running))
    quick, next_one = ask(CARD.id, 1), ask(CARD.id, 2)
    assert isinstance(ended(studio, quick.id).state, Done)
    assert isinstance(ended(studio, next_one.id).state, Done)
    assert isinstance(studio.job(long.id).state, Running), "neither waited for the GPU"
    studio.cancel(long.id)
    first, second = (studio.library.get(job.id) for job in (quick, next_one))
    assert first.made_at <= second.made_at - second.took + 0.05


def test_a_gpu_that_is_found_late_takes_the_model_while_the_processor_works(begin: Begin) -> None:
    studio, ask = begin(Gpu(0.01))
    painted = ask(CARD.id, 1)
    until(lambda: isinstance(studio.job(painted.id).state, Running))
    assert isinstance(ended(studio, ask(READY.id).id).state, Done)


SHOT = Shot(Photo("0" * 64, 640, 480, "a.jpg"))


def wait(models: str) -> list[Job]:
    return [Job(f"{at}{model}", Shot(SHOT.photo, model=model), Queued(), at, 0.0) for at, model in enumerate(models)]


def test_turns_of_two_lanes() -> None:
    turns = Turns(str.isupper, lambda lane, model: 2)
    turns.share((1, 2))

    def take(models: str, lane: int) -> str:
        job = turns.begin(wait(models), lane)
        return job.shot.maker if job else ""

    assert take("AAB", 1) == "A"
    assert take("AAB", 2) == "B", "the other model before a second load of the first"
    turns.end(1)
    turns.end(2)
    assert take("B", 1) == "", "one job waits for the GPU that holds its model"
    assert take("BB", 1) == "B", "of several the free one does some"
    assert take("BC", 2) == "B"


def test_each_gpu_has_a_manager_of_its_own_and_all_share_the_files(settings: Settings) -> None:
    def describe(index: int) -> Machine:
        return Machine(
            f"cuda:{index}", f"Pretend {index}", 24 * 10**9, 64 * 10**9, (8, 9), lambda: 20 * 10**9, lambda: 40 * 10**9
        )

    shelf = make_diffusion_engine(settings, lambda: (describe(0), describe(1)))
    one, two = shelf.devices
    assert isinstance(one, DiffusionEngine) and isinstance(two, DiffusionEngine)
    assert one.manager is not two.manager and one.store is two.store and one.downloads is two.downloads
    assert [engine.machine.device for engine in (one, two)] == ["cuda:0", "cuda:1"]
    preferences.alter(settings, lambda now: replace(now, ram_gb=10.0))
    assert [engine.manager.find_cap().value for engine in (one, two)] == ["5 GB", "5 GB"], "the cap is for all of them"
    gauge = shelf.gauge()
    assert [device.name for device in gauge.devices] == ["Pretend 0", "Pretend 1"]
    assert show_gauge(gauge)["words"] == "GPU 4/24 · 4/24 GB"
    shelf.close()
    alone = make_diffusion_engine(settings, lambda: (describe(0),))
    assert alone.devices == (alone,)
    alone.close()
