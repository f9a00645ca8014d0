"""The queue: states there and back, order, and which process may touch which job."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from studio.library import database
from studio.library.live_processes import Owner
from studio.library.queue import KEPT_DAYS, SHOWN_ENDED, Queue, state_name
from studio.nouns import (
    Cancelled,
    Done,
    Failed,
    Interrupted,
    Job,
    Photo,
    Progress,
    Queued,
    Refusal,
    Running,
    Shot,
    State,
    replace,
)

SHOT = Shot(Photo("0" * 64, 640, 480, "a.jpg"))
STATES: list[State] = [
    Queued(),
    Running(Progress("paint", 3, 9, "note", 1.5, 2.5)),
    Done("clip"),
    Failed("reason", "remedy"),
    Cancelled(),
    Interrupted(),
]


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path / "locks")


@pytest.fixture
def queue(tmp_path: Path, owner: Owner) -> Queue:
    return Queue(database.open(tmp_path / "stir.db"), owner)


def beside(tmp_path: Path) -> tuple[Queue, Owner]:
    """The same queue as another process has it."""
    other = Owner(tmp_path / "locks")
    return Queue(database.open(tmp_path / "stir.db"), other), other


def order(queue: Queue) -> list[str]:
    return [job.id for job in queue.jobs()]


@pytest.mark.parametrize("state", STATES, ids=state_name)
def test_every_state_goes_to_json_and_back(state: State) -> None:
    text = msgspec.json.encode(state)
    assert msgspec.json.decode(text, type=State) == state
    assert msgspec.json.decode(text)["type"] == state_name(state)


@pytest.mark.parametrize("state", STATES[2:], ids=state_name)
def test_every_end_is_stored(queue: Queue, state: State) -> None:
    job = queue.submit(SHOT)
    queue.take_next(True)
    assert queue.become(job.id, state)
    assert queue.get(job.id).state == state
    assert not queue.become(job.id, Queued()), "an ended job changes no more"


def test_first_come_first_served(queue: Queue) -> None:
    ids = [queue.submit(SHOT).id for _ in range(3)]
    assert order(queue) == ids
    assert [queue.take_next(True).id for _ in range(3)] == ids  # type: ignore[union-attr]
    assert queue.take_next(True) is None


def test_a_taken_job_keeps_its_shot(queue: Queue) -> None:
    job = queue.submit(SHOT)
    taken = queue.take_next(True)
    assert taken and taken.shot == SHOT == queue.get(job.id).shot
    assert taken.state == Running()


def test_moving(queue: Queue) -> None:
    a, b, c, d = (queue.submit(SHOT).id for _ in range(4))
    queue.move(d, before=b)
    assert order(queue) == [a, d, b, c]
    queue.move(a, before=None)
    assert order(queue) == [d, b, c, a]
    queue.move(b, before=b)
    assert order(queue) == [d, b, c, a]
    assert queue.take_next(True).id == d  # type: ignore[union-attr]


def test_moving_a_thousand_times_never_runs_out_of_places(queue: Queue) -> None:
    a, b, c = (queue.submit(SHOT).id for _ in range(3))
    for _ in range(60):
        queue.move(c, before=b)
        queue.move(b, before=c)
    assert order(queue) == [a, b, c]
    assert len({job.place for job in queue.jobs()}) == 3


def test_what_runs_or_is_gone_cannot_be_moved(queue: Queue) -> None:
    a, b = (queue.submit(SHOT).id for _ in range(2))
    queue.take_next(True)
    for job, before in ((a, b), (b, a), (b, "nobody"), ("nobody", None)):
        with pytest.raises(Refusal, match="waiting job"):
            queue.move(job, before)
    assert order(queue) == [a, b]


def test_retry_puts_a_job_last_and_only_one_that_did_not_finish(queue: Queue) -> None:
    a, b = (queue.submit(SHOT).id for _ in range(2))
    with pytest.raises(Refusal):
        queue.retry(a)
    queue.take_next(True)
    queue.become(a, Failed("x"))
    assert queue.retry(a).state == Queued()
    assert order(queue) == [b, a]
    queue.take_next(True)
    queue.become(b, Done("clip"))
    with pytest.raises(Refusal):
        queue.retry(b)


def test_cancel_ends_what_has_not_ended(queue: Queue) -> None:
    a, b = (queue.submit(SHOT).id for _ in range(2))
    queue.take_next(True)
    queue.cancel(a)
    queue.cancel(b)
    assert {job.state for job in queue.jobs()} == {Cancelled()}
    assert not queue.become(a, Done("clip")), "cancelled stays cancelled"
    assert queue.take_next(True) is None


def test_cancel_leaves_what_is_done(queue: Queue) -> None:
    job = queue.submit(SHOT)
    queue.take_next(True)
    queue.become(job.id, Done("clip"))
    queue.cancel(job.id)
    assert queue.get(job.id).state == Done("clip")


def test_clearing_keeps_what_waits_runs_or_can_be_resumed(queue: Queue) -> None:
    for state in STATES[2:]:
        queue.become(queue.submit(SHOT).id, state)
        queue.become(queue.take_next(True).id, state)  # type: ignore[union-attr]
    queue.submit(SHOT)
    queue.take_next(True)
    queue.submit(SHOT)
    queue.clear_ended()
    assert [state_name(job.state) for job in queue.jobs()] == ["running", "queued", "interrupted"]


def test_an_ended_job_is_forgotten_after_a_month(queue: Queue) -> None:
    for state in STATES[2:]:
        queue.become(queue.submit(SHOT).id, state)
        queue.become(queue.take_next(True).id, state)  # type: ignore[union-attr]
    queue.submit(SHOT)
    listed = queue.jobs()
    queue.forget_ended(time.time() + 86_400 * (KEPT_DAYS - 1))
    assert queue.jobs() == listed
    queue.forget_ended(time.time() + 86_400 * (KEPT_DAYS + 1))
    assert [state_name(job.state) for job in queue.jobs()] == ["queued", "interrupted"]


def test_many_takers_never_take_one_job_twice(tmp_path: Path) -> None:
    queues = [beside(tmp_path) for _ in range(4)]
    submitted = {queues[0][0].submit(SHOT).id for _ in range(24)}
    queues[0][1].release()  # so that each of the others may take them
    taken: list[str] = []

    def take(queue: Queue) -> None:
        while job := queue.take_next(True):
            taken.append(job.id)

    threads = [threading.Thread(target=take, args=(queue,)) for queue, _ in queues[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 24
    assert set(taken) == submitted


def test_a_living_processs_jobs_are_left_alone(queue: Queue, tmp_path: Path) -> None:
    other, owner = beside(tmp_path)
    running, waiting = other.submit(SHOT), other.submit(SHOT)
    other.take_next(True)
    assert queue.take_next(True) is None
    assert queue.interrupt_orphans(lambda _: None) == 0
    assert queue.busy() == {running.id}
    assert not queue.become(running.id, Done("stolen"))
    owner.release()
    assert queue.interrupt_orphans(lambda _: None) == 1
    assert queue.get(running.id).state == Interrupted()
    assert queue.take_next(False) is None
    assert queue.take_next(True).id == waiting.id  # type: ignore[union-attr]


def test_an_orphan_whose_clip_arrived_is_done(queue: Queue, tmp_path: Path) -> None:
    other, owner = beside(tmp_path)
    job = other.submit(SHOT)
    other.take_next(True)
    owner.release()
    queue.interrupt_orphans(Done)
    assert queue.get(job.id).state == Done(job.id)


def test_another_process_may_cancel_what_runs_here(queue: Queue, tmp_path: Path) -> None:
    job = queue.submit(SHOT)
    queue.take_next(True)
    other, _ = beside(tmp_path)
    other.cancel(job.id)
    assert not queue.become(job.id, Running(Progress("paint", 1, 2)))


def test_a_job_that_cannot_be_read_never_blocks_the_others(tmp_path: Path, owner: Owner) -> None:
    base = database.open(tmp_path / "stir.db")
    queue = Queue(base, owner)
    strange, fine = queue.submit(SHOT), queue.submit(SHOT)
    base.read("UPDATE jobs SET shot = '{\"film\": 35}' WHERE id = ?", (strange.id,))
    assert order(queue) == [fine.id]
    assert queue.take_next(True).id == fine.id  # type: ignore[union-attr]


# Several at once --------------------------------------------------------------------------------------------------------


def test_a_group_is_queued_in_its_order_and_stays_one(queue: Queue) -> None:
    shots = tuple(replace(SHOT, seed=seed) for seed in range(4))
    jobs = queue.submit_all(shots, "together")
    assert [job.shot.seed for job in queue.jobs()] == [0, 1, 2, 3]
    assert {job.group for job in queue.jobs()} == {"together"}
    assert queue.submit(SHOT).group == ""
    taken = queue.take_next(True)
    assert taken and (taken.id, taken.group) == (jobs[0].id, "together")
    queue.become(taken.id, Failed("no", ""))
    assert [job.id for job in queue.list_failed("together")] == [taken.id]
    assert queue.retry(taken.id).group == "together"


def test_the_same_press_once_more_queues_nothing(queue: Queue, tmp_path: Path) -> None:
    first = queue.submit_all((SHOT, SHOT), "together", "a1")
    assert queue.submit_all((SHOT, SHOT), "together", "a1") == first
    queue.take_next(True)
    assert [job.id for job in beside(tmp_path)[0].submit_all((SHOT, SHOT), "other", "a1")] == [job.id for job in first]
    assert len(queue.submit_all((SHOT,), "", "")) == len(queue.submit_all((SHOT,), "", "")) == 1
    assert len(queue.jobs()) == 4


def test_two_presses_of_one_double_click_that_arrive_together_are_one_job(queue: Queue) -> None:
    found: list[str] = []
    both = threading.Barrier(2)

    def press() -> None:
        both.wait()
        found.append(queue.submit_all((SHOT,), "", "b2")[0].id)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == len(queue.jobs()) == 1


def test_a_group_is_cancelled_as_one_and_says_what_ran(queue: Queue) -> None:
    alone = queue.submit(SHOT)
    jobs = queue.submit_all((SHOT, SHOT, SHOT), "together")
    queue.move(alone.id, None)
    taken = queue.take_next(True)
    assert taken and taken.id == jobs[0].id
    assert queue.cancel_group("together") == [jobs[0].id]
    assert [state_name(queue.get(job.id).state) for job in jobs] == ["cancelled"] * 3
    assert queue.cancel_group("") == [] and queue.get(alone.id).state == Queued()


def test_what_is_done_of_a_group_counts_until_all_of_it_is(queue: Queue) -> None:
    queue.submit_all((SHOT, SHOT), "together")
    taken = queue.take_next(True)
    assert taken
    queue.become(taken.id, Done(taken.id))
    for _ in range(SHOWN_ENDED + 1):  # newer ones never push it off the list
        queue.cancel(queue.submit(SHOT).id)
    queue.clear_ended()
    assert [job.id for job in queue.jobs() if job.state == Done(taken.id)] == [taken.id]
    queue.cancel_group("together")
    queue.clear_ended()
    assert queue.jobs() == []


def test_a_queue_from_before_there_were_groups_opens_with_its_jobs(tmp_path: Path, owner: Owner) -> None:
    with closing(sqlite3.connect(tmp_path / "stir.db", isolation_level=None)) as old:
        database.MIGRATIONS[0](old)
        old.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
        old.execute("PRAGMA user_version = 1")
        old.execute(
            "INSERT INTO jobs (id, name, place, made_at, given, state, shot) VALUES ('old', 'queued', 1, 1, ?, ?, ?)",
            (owner.token, msgspec.json.encode(Queued()).decode(), SHOT.to_json()),
        )
    queue = Queue(database.open(tmp_path / "stir.db"), owner)
    assert queue.get("old") == Job("old", SHOT, Queued(), 1.0, 1.0)
    assert queue.submit_all((SHOT, SHOT), "together")[1].place == 3
