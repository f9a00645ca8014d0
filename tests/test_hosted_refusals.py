"""What a service's refusals, a silent line, midnight and a database that can't be written do to many paid jobs at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import httpx2
import pytest

from studio.config import Settings
from studio.engines.hosted import replicate
from studio.engines.hosted.tokens import forget_token
from studio.hosted_demo.stand_in import StandIn
from studio.jobs import hosted_job, hosted_lane, service_pauses
from studio.library.paid_jobs import PaidJobs
from studio.nouns import Cancelled, Done, Failed, Job, Motion, Refusal, Running, replace
from studio.spending import Unconfirmed
from studio.studio import Studio
from tests.fakes.paying import SECOND, ask_for, buy, confirm, count_creates, open_studio
from tests.fakes.waiting import ended, until

Open = Callable[..., Studio]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (hosted_job, hosted_lane):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hosted_lane, "POLLS_A_SECOND", 100.0)
    monkeypatch.setattr(hosted_lane, "IDLE_SECONDS", 0.1)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(seconds=0.1) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def opened(settings: Settings, service: StandIn) -> Iterator[Open]:
    made: list[Studio] = []

    def make(start: bool = True) -> Studio:
        made.append(open_studio(settings, start=start))
        return made[-1]

    yield make
    for studio in made:
        studio.close()


def buy_several(studio: Studio, count: int) -> list[Job]:
    return [buy(studio, ask_for(studio, motion=Motion(prompt=f"wave {at}"))) for at in range(count)]


def count(studio: Studio, jobs: list[Job], kind: type) -> int:
    return sum(isinstance(studio.job(job.id).state, kind) for job in jobs)


def test_no_credit_and_a_wrong_token_hold_the_others_back_and_say_why(opened: Open, service: StandIn) -> None:
    studio = opened(start=False)
    studio.models.alter(lambda now: replace(now, hosted_at_once=1))
    service.faults.script["create"] = ["402", "401"]
    jobs = buy_several(studio, 4)

    def wait_for(failed: int, says: str) -> None:
        until(lambda: count(studio, jobs, Failed) == failed)
        until(lambda: sum(says in getattr(studio.job(job.id).state, "note", "") for job in jobs) == len(jobs) - failed)
        assert count_creates(service) == failed

    studio.start()
    wait_for(1, "too little credit")
    jobs.append(buy(studio, ask_for(studio, words="a press")))  # it is tried again, with one
    wait_for(2, "doesn't accept the token")
    jobs.append(buy(studio, ask_for(studio, words="mended")))
    until(lambda: count(studio, jobs, Done) == len(jobs) - 2)
    assert count_creates(service) == len(jobs), "each was sent once"


def test_too_many_requests_come_slower(opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(service_pauses.SPELLS, "rate_limited", 0.3)
    studio = opened()
    service.faults.script["create"] = ["429"]
    first = buy(studio, ask_for(studio, words="first"))
    assert isinstance(ended(studio, first.id).state, Failed)
    jobs = buy_several(studio, 3)
    until(lambda: count(studio, jobs, Done) == 3)
    times = sorted(row.at for row in studio.spending.paid.get_all([job.id for job in jobs]).values())
    assert min(after - before for before, after in pairwise(times)) >= 0.25, "one by one"


def test_what_cannot_be_reached_waits_and_is_sent_once_it_can(
    opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(service_pauses.SPELLS, "unreachable", 0.3)
    studio = opened(start=False)
    address = service.environment()["STIR_REPLICATE_URL"]
    monkeypatch.setenv("STIR_REPLICATE_URL", "http://127.0.0.1:9")
    jobs = buy_several(studio, 2)
    studio.start()
    until(lambda: "can't be reached" in getattr(studio.job(jobs[0].id).state, "note", ""))
    rows = studio.spending.paid.get_all([job.id for job in jobs])
    assert {row.state for row in rows.values()} == {"confirmed"}
    monkeypatch.setenv("STIR_REPLICATE_URL", address)
    assert all(isinstance(ended(studio, job.id).state, Done) for job in jobs)
    assert count_creates(service) == 2


def test_a_silent_service_holds_up_no_other_clip(opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate, "ASK_TIMES", httpx2.Timeout(3.0))
    studio = opened()
    service.faults.script["poll"] = ["hang"]
    silent = buy(studio, ask_for(studio))
    until(lambda: len(service.list_calls("poll")) == 1)
    other = buy(studio, ask_for(studio, words="another"))
    assert isinstance(ended(studio, other.id).state, Done)
    assert isinstance(studio.job(silent.id).state, Running), "which is still unanswered"
    assert isinstance(ended(studio, silent.id).state, Done)
    assert count_creates(service) == 2


def test_a_line_that_comes_back_after_the_deadline_still_fetches(
    opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEADLINE", "GRACE"):
        monkeypatch.setattr(hosted_job, name, 0.0)  # as after a night's sleep
    studio = opened()
    service.requests.seconds = 0.0
    service.faults.script["poll"] = ["drop"] * 4
    assert isinstance(ended(studio, buy(studio, ask_for(studio)).id).state, Done)
    assert not service.list_calls("cancel")


def test_what_was_confirmed_yesterday_counts_today(opened: Open, service: StandIn) -> None:
    studio = opened(start=False)
    jobs = buy_several(studio, 4)
    for job in jobs:
        studio.spending.paid.change(job.id, at=time.time() - 86_400)
    studio.models.alter(lambda now: replace(now, day_budget=2 * SECOND))
    studio.start()
    until(lambda: all("budget" in getattr(studio.job(job.id).state, "note", "") for job in jobs[2:]))
    until(lambda: count(studio, jobs, Done) == 2)
    assert count_creates(service) == 2
    with pytest.raises(Refusal, match="budget"):
        buy(studio, ask_for(studio, words="another"))


def test_a_database_that_fails_after_the_press_sends_nothing_twice(
    opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trigger of SQLite's own refuses the rows, as a full disk would."""
    studio = opened(start=False)
    job = buy(studio, ask_for(studio))
    refuse = "CREATE TRIGGER full BEFORE UPDATE ON paid_jobs WHEN {} BEGIN SELECT RAISE(ABORT, 'disk'); END"
    studio._database.read(refuse.format("NEW.state IN ('sent', 'uncertain', 'failed')"))
    studio.start()
    until(lambda: count_creates(service) == 1)
    time.sleep(0.5)
    assert count_creates(service) == 1
    studio._database.read("DROP TRIGGER full")
    assert isinstance(ended(studio, job.id).state, Done)
    assert count_creates(service) == 1


def test_only_one_who_has_it_in_hand_sends_a_job_once(opened: Open, service: StandIn) -> None:
    studio = opened(start=False)
    paid: PaidJobs = studio.spending.paid
    job, cancelled = buy_several(studio, 2)
    mine, other = studio._owner.token, "another process"
    assert paid.begin(job.id, mine, "a/b", {}) is None, "it waits"
    assert studio.queue.take_next(True, lambda waiting: waiting[0], hosted_lane.Share(services=("replicate",)))
    assert paid.begin(job.id, other, "a/b", {}) is None
    assert paid.begin(job.id, mine, "a/b", {})
    assert paid.begin(job.id, mine, "a/b", {}) is None, "it has left"
    assert studio.queue.take_next(True, lambda waiting: waiting[0], hosted_lane.Share(services=("replicate",)))
    paid.change(cancelled.id, uploads=("a-photo",))
    studio.cancel(cancelled.id)
    assert paid.begin(cancelled.id, mine, "a/b", {}) is None
    assert isinstance(studio.job(cancelled.id).state, Cancelled)
    assert [row.job for row in paid.find_left_uploads()] == [cancelled.id], "what was uploaded for it is deleted"


def test_switched_off_jobs_wait_and_say_so(opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = opened(start=False)
    job = buy(studio, ask_for(studio))
    monkeypatch.setenv("STIR_NO_HOSTED", "1")
    studio.start()
    until(lambda: "switched off" in getattr(studio.job(job.id).state, "note", ""))
    monkeypatch.delenv("STIR_NO_HOSTED")
    forget_token("replicate")
    assert isinstance(ended(studio, job.id).state, Done)
    assert count_creates(service) == 1


def test_a_retry_is_bought_once_however_often_it_is_pressed(opened: Open, service: StandIn) -> None:
    studio = opened(start=False)
    first, second = buy_several(studio, 2)
    for job in (first, second):
        studio.cancel(job.id)
    paid = confirm(studio, first.shot)
    with pytest.raises(Unconfirmed):
        studio.retry(first.id)
    new = studio.retry(first.id, paid)
    with pytest.raises(Refusal, match="no longer in the queue"):
        studio.retry(first.id, paid)  # the other tab
    studio.start()
    assert isinstance(ended(studio, new.id).state, Done)
    assert count_creates(service) == 1
    assert {job.id for job in studio.jobs()} == {new.id, second.id}


def test_a_groups_failures_are_bought_again_once(opened: Open, service: StandIn) -> None:
    studio = opened(start=False)
    shots = tuple(ask_for(studio, motion=Motion(prompt=f"wave {at}")) for at in range(3))
    jobs, _ = studio.submit_each(shots, confirmation=confirm(studio, *shots))
    service.faults.script["create"] = ["422", "422"]
    studio.start()
    for job in jobs:
        ended(studio, job.id)
    group = jobs[0].group
    with pytest.raises(Unconfirmed):
        studio.retry_group(group, confirm(studio, shots[0]))
    assert len(studio.retry_group(group, confirm(studio, *shots[:2]))) == 2
    assert studio.retry_group(group) == (), "none of them is bought twice"
    until(lambda: studio.library.count() == 3)
    assert count_creates(service) == 5
