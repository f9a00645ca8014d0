"""Whose turn it is: jobs of the loaded model a little ahead of their place, nobody passed for ever, a hand's order kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from studio.config import Settings
from studio.jobs.turns import MOST_PASSED, Turns
from studio.nouns import Job, Photo, Queued, Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, photograph
from tests.fakes.shelf import CARDS, OTHER, READY, ShelfEngine, finder
from tests.fakes.waiting import until

SHOT = Shot(Photo("0" * 64, 640, 480, "a.jpg"))


def queue(models: str) -> list[Job]:
    """Waiting jobs, one a letter; small letters need no loading."""
    return [Job(f"{at}{model}", Shot(SHOT.photo, model=model), Queued(), at, 0.0) for at, model in enumerate(models)]


def do_all(turns: Turns, waiting: list[Job]) -> str:
    done = ""
    while waiting:
        job = turns.begin(waiting)
        waiting.remove(job)
        done += job.shot.maker
    return done


@pytest.fixture
def turns() -> Turns:
    return Turns(str.isupper)


@pytest.mark.parametrize(
    ("waits", "done"),
    [("ABABAB", "AAABBB"), ("ABBA", "AABB"), ("AbAb", "AbAb"), ("aBaB", "aBaB"), ("ABaA", "AABa"), ("A", "A")],
)
def test_jobs_of_the_loaded_model_come_together(turns: Turns, waits: str, done: str) -> None:
    assert do_all(turns, queue(waits)) == done


def test_nobody_is_passed_for_ever(turns: Turns) -> None:
    waiting = queue("A" + "BC" + "A" * 30)
    assert do_all(turns, waiting)[: MOST_PASSED + 2] == "A" * (MOST_PASSED + 1) + "B"
    assert turns.choose(queue("CA")).shot.maker == "A", "what was loaded last stays the one that is"


def test_what_was_ordered_by_hand_is_done_in_that_order(turns: Turns) -> None:
    waiting = queue("ABAB")
    turns.keep_order(job.id for job in waiting)
    assert do_all(turns, waiting) == "ABAB"


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    made = Studio(settings, (CARD, *CARDS), finder(ShelfEngine(), lambda card, settings: Gradient(0.0)))
    yield made
    made.close()


@pytest.fixture
def ask(studio: Studio) -> Callable[[str, int], Job]:
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    return lambda model, seed: studio.submit(Shot(photo, model=model, seconds=1, seed=seed))


def test_single_jobs_of_two_models_load_each_once(studio: Studio, ask: Callable[[str, int], Job]) -> None:
    for seed in (1, 2):
        ask(READY.id, seed)
        ask(OTHER.id, seed)
    studio.start()
    until(lambda: len(studio.library.find()) == 4)
    made = [clip.shot.model for clip in studio.library.find(sort="oldest")]
    assert made == [READY.id] * 2 + [OTHER.id] * 2


def test_a_job_moved_by_hand_is_next(studio: Studio, ask: Callable[[str, int], Job]) -> None:
    jobs = [ask(READY.id, 1), ask(READY.id, 2), ask(OTHER.id, 1), ask(READY.id, 3)]
    studio.move(jobs[2].id, before=jobs[1].id)
    studio.start()
    until(lambda: len(studio.library.find()) == 4)
    assert [clip.id for clip in studio.library.find(sort="oldest")] == [jobs[at].id for at in (0, 2, 1, 3)]
