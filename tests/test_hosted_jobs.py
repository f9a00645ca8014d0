"""Paid jobs on the imitation of the services: each is confirmed, sent once, and arrives or says what became of it."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.attachments import KEPT_DAYS
from studio.batch.batch_nouns import BatchSettings
from studio.clip_score import ClipFault
from studio.comparison import Axis
from studio.config import Settings
from studio.engines.hosted.tokens import forget_token
from studio.exports import read_recipe
from studio.hosted_demo.injected_faults import InjectedFaults
from studio.hosted_demo.stand_in import StandIn
from studio.jobs import hosted_job, hosted_lane, service_pauses
from studio.nouns import Attachment, Cancelled, Done, Failed, Finish, Logo, Motion, Queued, Refusal, Running, Shot, replace
from studio.spending import Confirmation, Unconfirmed
from studio.studio import Studio
from tests.fakes.gradient import CARD
from tests.fakes.paying import CHEAP, LISTLESS, SECOND, Killed, ask_for, buy, confirm, count_creates, open_studio
from tests.fakes.waiting import ended, until

Open = Callable[..., Studio]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks after requests often, so that a test takes as long as what it waits for."""
    monkeypatch.setattr(hosted_job, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hosted_lane, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hosted_lane, "POLLS_A_SECOND", 100.0)
    monkeypatch.setattr(service_pauses, "SPELLS", dict.fromkeys(service_pauses.SPELLS, 0.5))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The imitation; its requests take a fifth of a second."""
    with StandIn(seconds=0.2) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def opened(settings: Settings, service: StandIn) -> Iterator[Open]:
    made: list[Studio] = []

    def make(pace: float = 0.0, start: bool = True) -> Studio:
        made.append(open_studio(settings, pace, start))
        return made[-1]

    yield make
    for studio in made:
        studio.close()


def test_a_paid_clip_arrives_while_a_local_one_is_painted(opened: Open, service: StandIn) -> None:
    studio = opened(pace=0.2)
    paid = buy(studio, ask_for(studio))
    local = studio.submit(Shot(paid.shot.photo, model=CARD.id, seconds=2, fps=16))
    until(lambda: isinstance(studio.job(local.id).state, Running))
    assert isinstance(ended(studio, paid.id).state, Done)
    assert isinstance(studio.job(local.id).state, Running), "neither waited for the other"
    studio.cancel(local.id)
    clip = studio.library.get(paid.id)
    said = {choice.what: choice for choice in clip.choices}
    assert said["encoding"].value == "kept as it came"
    assert "Replicate" in said["service"].value and said["price"].value == f"about ${SECOND:.2f}"
    assert "stand-in" in said, "an imitation is never taken for the service"
    assert read_recipe(studio.library.file(clip)) == clip.shot == paid.shot
    assert clip.shot.service == "replicate", "the way in that was priced is the one that is kept"
    row = studio.spending.paid.get(paid.id)
    assert row and (row.state, row.uploads) == ("arrived", ())
    assert len(service.list_calls("upload")) == len(service.list_calls("delete"))
    assert studio.spending.spent_today() == studio.spending.spent_session()
    assert studio.spending.spent_today().amount == pytest.approx(SECOND)
    assert studio.scores.score_clip(clip.id) is not None, "it is scored like any other"


def test_a_paid_film_is_finished_once_it_is_here_and_kept_as_it_came_where_that_cannot_be(opened: Open, service: StandIn) -> None:
    studio = opened()
    shot = ask_for(studio)
    turned = buy(studio, replace(shot, finish=Finish(reverse=True)))
    assert isinstance(ended(studio, turned.id).state, Done)
    clip = studio.library.get(turned.id)
    said = {choice.what: choice for choice in clip.choices}
    assert said["length"].reason == "reversed" and "Replicate" in said["service"].value
    assert read_recipe(studio.library.file(clip)).finish == Finish(reverse=True)
    gone = Attachment("0" * 64, "mark.png", "image", 0.0, 9)
    with pytest.raises(Refusal, match="isn't in this home"):
        buy(studio, replace(shot, finish=Finish(logo=Logo(gone))))
    again = studio.submit(replace(clip.shot, finish=Finish(clips=(clip.id,), loop="ping_pong")))
    assert isinstance(ended(studio, again.id).state, Done), "to finish it again costs nothing and asks for no confirmation"
    assert count_creates(service) == 1


def test_no_door_lets_a_paid_clip_through_unconfirmed(opened: Open, service: StandIn) -> None:
    studio = opened()
    shot = ask_for(studio)
    job = buy(studio, shot)
    assert isinstance(ended(studio, job.id).state, Done)
    failing = buy(studio, replace(shot, seed=5))
    studio.cancel(failing.id)
    until(lambda: studio.spending.is_over(studio.job(failing.id)))
    sent = count_creates(service)
    one = studio.comparisons.start(shot, [Axis("model", (CHEAP.id, CARD.id))], confirmation=confirm(studio, shot))
    cell = next(cell for cell in one.cells if cell.shot and cell.shot.model == CHEAP.id)
    assert isinstance(ended(studio, cell.jobs[0]).state, Done)
    assert studio.comparisons.stand(one)[cell.id].clip, "it stands beside the local one"
    doors = [
        lambda: studio.submit(shot), lambda: studio.submit_all((shot,)), lambda: studio.submit_each((shot,)),
        lambda: studio.again(job.id), lambda: studio.vary(job.id), lambda: studio.retry(failing.id),
        lambda: studio.comparisons.start(shot, [Axis("seed", ("1-3",))]),
        lambda: studio.comparisons.extend(one.id, replace(shot, seed=9)),
        lambda: studio.comparisons.retry(one.id, cell.id, seed=3),
        lambda: studio.submit_all((shot, replace(shot, seed=4)), confirmation=confirm(studio, shot)),
    ]  # fmt: skip
    for door in doors:
        with pytest.raises(Unconfirmed) as refused:
            door()
        assert "$0.02" in str(refused.value) or "$0.0" in str(refused.value)
        assert refused.value.total.lines
    assert count_creates(service) <= sent + 1, "only what was confirmed was sent"
    three = studio.comparisons.quote(shot, [Axis("seed", ("1-3",))])
    assert (len(three.lines), three.amount) == (3, pytest.approx(3 * SECOND))
    again = studio.again(job.id, confirmation=confirm(studio, shot))
    assert isinstance(ended(studio, again.id).state, Done)


def test_consent_token_and_budget_are_asked_before_a_press(
    opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = opened(start=False)
    shot = ask_for(studio)
    allowed = confirm(studio, shot)
    assert CHEAP.hosted
    studio.spending.withdraw("replicate", CHEAP.hosted.maker)
    assert studio.spending.find_missing_consents(studio.spending.quote([shot])) == (("replicate", CHEAP.hosted.maker),)
    with pytest.raises(Refusal, match="leave this computer"):
        studio.submit(shot, confirmation=allowed)
    studio.spending.agree("replicate", CHEAP.hosted.maker)
    studio.spending.session_budget = 2.5 * SECOND
    jobs = [studio.submit(replace(shot, seed=seed), confirmation=allowed) for seed in (1, 2)]
    with pytest.raises(Refusal, match="session's budget"):
        studio.submit(replace(shot, seed=3), confirmation=allowed)
    studio.models.alter(lambda now: replace(now, day_budget=SECOND))
    studio.start()
    assert isinstance(ended(studio, jobs[0].id).state, Done)
    until(lambda: studio.job(jobs[1].id).state != Queued())
    held = studio.job(jobs[1].id).state
    assert isinstance(held, Queued) and "budget is $0.02" in held.note
    studio.models.alter(lambda now: replace(now, day_budget=0.0))
    assert isinstance(ended(studio, jobs[1].id).state, Done)
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    forget_token("replicate")
    with pytest.raises(Refusal, match="token"):
        studio.submit(replace(shot, seed=4), confirmation=allowed)
    assert count_creates(service) == 2


def test_a_lost_answer_is_found_and_never_sent_again(opened: Open, service: StandIn) -> None:
    studio = opened()
    service.faults.script["create"] = ["lose"]
    found = buy(studio, ask_for(studio))
    assert isinstance(ended(studio, found.id).state, Done)
    assert count_creates(service) == 1
    service.faults.script["create"] = ["drop"]
    lost = buy(studio, ask_for(studio, words="another"))
    state = ended(studio, lost.id).state
    assert isinstance(state, Failed) and "may be billed" in state.reason
    row = studio.spending.paid.get(lost.id)
    assert row and row.state == "uncertain" and "may be charged" in row.note
    assert studio.spending.spent_today().amount == pytest.approx(2 * SECOND), "what may be billed is counted"
    studio.retry(lost.id)
    assert isinstance(ended(studio, lost.id).state, Failed)
    assert count_creates(service) == 2, "retry looks for it, and sends nothing"


def test_where_there_is_no_list_a_lost_answer_stays_uncertain(opened: Open, service: StandIn) -> None:
    studio = opened()
    service.faults.script["create"] = ["lose"]
    lost = buy(studio, ask_for(studio, LISTLESS))
    assert isinstance(ended(studio, lost.id).state, Failed)
    row = studio.spending.paid.get(lost.id)
    assert row and (row.service, row.state) == ("fal", "uncertain")
    assert count_creates(service) == 1


@pytest.mark.parametrize(
    ("fault", "state", "words"),
    [
        ("422", "failed", ""), ("402", "failed", ""), ("429", "failed", ""), ("failed", "failed", "flagged"),
        ("aborted", "canceled", "given up"), ("nothing", "failed", ""), ("private", "failed", ""),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_and_the_next_one_is_made(
    opened: Open, service: StandIn, fault: str, state: str, words: str
) -> None:
    studio = opened()
    service.faults.script["create"] = [fault]
    wrong = buy(studio, ask_for(studio))
    said = ended(studio, wrong.id).state
    assert isinstance(said, Failed) and said.reason and said.remedy and words in said.reason
    row = studio.spending.paid.get(wrong.id)
    assert row and row.state == state and row.is_billed == (not fault.isdecimal()) and row.note
    assert isinstance(ended(studio, buy(studio, ask_for(studio, words="another")).id).state, Done)
    assert count_creates(service) == 2


def test_polls_and_downloads_that_fail_are_asked_again(opened: Open, service: StandIn) -> None:
    studio = opened()
    service.faults.script |= {"poll": ["502", "drop", "garbage", "429"], "film": ["drop", "cut", "503"]}
    job = buy(studio, ask_for(studio, format="webp"))
    assert isinstance(ended(studio, job.id).state, Done)
    clip = studio.library.get(job.id)
    assert clip.file.endswith(".webp") and clip.num_frames > 5
    assert "encoded anew" in {choice.value for choice in clip.choices}
    assert count_creates(service) == 1


def test_cancelling_tells_the_service_and_says_what_is_known(opened: Open, service: StandIn) -> None:
    studio = opened()
    service.faults.script["create"] = ["endless"]
    runs = buy(studio, ask_for(studio))
    until(lambda: (row := studio.spending.paid.get(runs.id)) is not None and row.state == "sent")
    studio.cancel(runs.id)
    until(lambda: (row := studio.spending.paid.get(runs.id)) is not None and row.state == "canceled")
    row = studio.spending.paid.get(runs.id)
    assert row and "told to stop" in row.note and "charges" in row.note
    assert studio.job(runs.id).state == Cancelled()
    assert len(service.list_calls("cancel")) == 1
    until(lambda: (row := studio.spending.paid.get(runs.id)) is not None and not row.uploads)


def test_a_cancel_reaches_the_service_though_its_line_is_bad(
    opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_lane, "SWEEP_SECONDS", 0.1)
    studio = opened()
    service.faults.script |= {"create": ["endless"] * 2, "cancel": ["503"] * 8}
    soon, late = buy(studio, ask_for(studio)), buy(studio, ask_for(studio, motion=Motion(prompt="a wave")))
    rows = lambda: studio.spending.paid.get_all([soon.id, late.id]).values()  # noqa: E731
    until(lambda: all(row.state == "sent" for row in rows()))
    studio.cancel(soon.id)
    until(lambda: studio.spending.paid.get_all([soon.id])[soon.id].state == "canceled")
    monkeypatch.setattr(hosted_job, "CANCEL_TRIES", 0)
    service.faults.script["cancel"] = ["503"] * 3  # one call with its own repeats: the job is over, the sweep goes on
    studio.cancel(late.id)
    until(lambda: all(row.state == "canceled" for row in rows()))
    assert all("told to stop" in row.note for row in rows())


def test_what_is_cancelled_before_it_leaves_is_never_sent(
    opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, other = opened(start=False), opened(start=False)
    taken, go = threading.Event(), threading.Event()
    watch = hosted_job.prepare

    def hold(*given: Any) -> Any:
        taken.set()
        go.wait(20)
        return watch(*given)

    monkeypatch.setattr(hosted_job, "prepare", hold)
    job = buy(studio, ask_for(studio))
    studio.start()
    assert taken.wait(20)
    other.cancel(job.id)  # a moment before it leaves, where no tick looks at the queue any more
    go.set()
    until(lambda: studio.spending.paid.get_all([job.id])[job.id].state == "canceled")
    assert count_creates(service) == 0
    assert "wasn't sent" in studio.spending.paid.get_all([job.id])[job.id].note


def test_what_models_were_given_goes_when_nothing_names_it(opened: Open, service: StandIn, tmp_path: Path) -> None:
    studio = opened(start=False)
    folder = studio.attachments.folder
    queued, asked, idle = (studio.attachments.take_in(tone(tmp_path / f"{at}.wav", at), f"{at}.wav", "audio") for at in (1, 2, 3))
    buy(studio, ask_for(studio, audio=queued))
    (folder / f"{'0' * 64}.part").touch()
    for file in folder.iterdir():
        os.utime(file, (0, time.time() - 86_400 * (KEPT_DAYS + 1)))
    assert studio.attachments.get(asked.id) == asked, "a desk asks for it"
    studio.start()
    left = {file.name.partition(".")[0] for file in folder.iterdir()}
    assert left == {queued.id, asked.id}
    with pytest.raises(Refusal, match="any more"):
        studio.attachments.get(idle.id)


def tone(path: Path, seconds: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(8000)
        file.writeframes(bytes(16_000 * seconds))
    return path


@pytest.mark.parametrize("when", ["sent", "lost"])
def test_kill_9_costs_nothing_twice(opened: Open, service: StandIn, settings: Settings, when: str) -> None:
    watcher = opened(start=False)
    service.requests.seconds = 1.0

    def is_sent(job_id: str) -> bool:
        row = watcher.spending.paid.get(job_id)
        return row is not None and row.state == "sent"

    killed = Killed(settings.home, when, is_sent)
    first, second = opened(), opened()
    assert isinstance(ended(first, killed.job).state, Done)
    assert second.library.get(killed.job).shot.model == CHEAP.id
    assert count_creates(service) == 1, "it was picked up, by one of two processes, and not sent again"
    assert first.spending.spent_today().amount == pytest.approx(SECOND)


def test_closing_leaves_it_to_the_next_start(opened: Open, service: StandIn) -> None:
    first = opened()
    service.requests.seconds = 0.8
    job = buy(first, ask_for(first))
    until(lambda: (row := first.spending.paid.get(job.id)) is not None and row.state == "sent")
    first.close()
    second = opened(start=False)
    assert isinstance(second.job(job.id).state, Queued)
    second.start()
    assert isinstance(ended(second, job.id).state, Done)
    assert count_creates(service) == 1


def test_as_many_run_at_once_as_are_allowed(opened: Open, service: StandIn) -> None:
    studio = opened(start=False)
    studio.models.alter(lambda now: replace(now, hosted_at_once=2))
    service.requests.seconds = 0.5
    jobs = [buy(studio, ask_for(studio, motion=Motion(prompt=f"wave {at}"))) for at in range(5)]
    seen: set[int] = set()
    studio.start()

    def over() -> bool:
        seen.add(sum(isinstance(studio.job(job.id).state, Running) for job in jobs))
        return studio.library.count() == 5

    until(over)
    assert max(seen) == 2
    assert count_creates(service) == 5


def test_confirmations_cover_amounts_and_unknown_prices() -> None:
    from studio.spending import Line, Total

    line = Line("a", "A", "B", "replicate", "replicate", "Replicate", "a/a", 0.5, "", "", "")
    total = Total((line, replace(line, amount=None), replace(line, amount=0.25)))
    assert (total.amount, total.unknown, total.words) == (0.75, 1, "about $0.75 and 1 clip of unknown price")
    assert Confirmation(0.75, 1) == Confirmation(total.amount, total.unknown)


def test_what_never_ends_is_ended_at_its_deadline(opened: Open, service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = opened()
    service.faults.script["create"] = ["endless"]
    job = buy(studio, ask_for(studio))
    until(lambda: (row := studio.spending.paid.get(job.id)) is not None and row.state == "sent")
    monkeypatch.setattr(hosted_job, "DEADLINE", 0.1)
    monkeypatch.setattr(hosted_job, "GRACE", 0.1)
    state = ended(studio, job.id).state
    assert isinstance(state, Failed) and "didn't finish" in state.reason
    assert len(service.list_calls("cancel")) == 1


def test_what_an_earlier_process_left_at_the_service_is_put_right(opened: Open, service: StandIn) -> None:
    first = opened()
    service.faults.script |= {"create": ["endless"], "delete": ["drop"] * 40}
    job = buy(first, ask_for(first))
    until(lambda: (row := first.spending.paid.get(job.id)) is not None and row.state == "sent")
    uploads = len(first.spending.paid.get_all([job.id])[job.id].uploads)
    first.close()
    second = opened(start=False)
    second.cancel(job.id)  # while nobody asks after it
    second.start()
    until(lambda: (row := second.spending.paid.get(job.id)) is not None and row.state == "canceled")
    second.close()
    service.faults.script["delete"] = []
    third = opened()
    until(lambda: (row := third.spending.paid.get(job.id)) is not None and row.uploads == ())
    assert len(service.list_calls("cancel")) == 1 and count_creates(service) == 1
    assert uploads == 0 or service.list_calls("delete")


def test_a_broken_hosted_clip_is_not_made_again_by_itself(opened: Open, service: StandIn) -> None:
    studio = opened()
    studio.models.alter(lambda now: replace(now, remake_limit=3))
    job = buy(studio, ask_for(studio))
    assert isinstance(ended(studio, job.id).state, Done)
    score = studio.scores.score_clip(job.id)
    assert score
    studio._remakes.judge(studio.library.get(job.id), replace(score, faults=(ClipFault("frozen", 0.0),)))
    assert len(studio.jobs()) == 1 and count_creates(service) == 1


def test_under_random_faults_nothing_is_lost_and_nothing_sent_twice(opened: Open, service: StandIn) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # so that a failure can be had again
    service.faults = InjectedFaults(rate=0.15, seed=seed)
    studio = opened()
    jobs = [buy(studio, ask_for(studio, words=f"wave {at}", seed=at)) for at in range(8)]
    states = [ended(studio, job.id).state for job in jobs]
    assert all(isinstance(state, Done | Failed) for state in states)
    sent = [json.loads(call.body)["input"]["prompt"] for call in service.list_calls("create")]
    assert len(sent) == len(set(sent)), "each was sent once at most"
    rows = studio.spending.paid.get_all([job.id for job in jobs])
    for job, state in zip(jobs, states, strict=True):
        row = rows[job.id]
        assert (row.state == "arrived") == isinstance(state, Done)
        assert isinstance(state, Done) or (isinstance(state, Failed) and state.reason and state.remedy)
        assert row.is_billed or row.state == "failed", "what was sent is counted"


def test_a_batch_is_paid_for_once_as_it_was_confirmed(opened: Open, service: StandIn, tmp_path: Path) -> None:
    from tests.test_batches import photos, read, states

    studio = opened()
    settings = BatchSettings(motion=Motion(prompt="the boat rocks"), model=CHEAP.id, seconds=1.0)
    one = studio.batches.create([photos(tmp_path / "in", "a.jpg", "b.jpg")], settings)
    read(studio, one)
    studio.batches.take_anyway(one.id)
    read(studio, one)
    total = studio.batches.quote(one.id)
    assert total == studio.batches.estimate(one.id).cost and total.amount == pytest.approx(2 * SECOND)
    with pytest.raises(Unconfirmed):
        studio.batches.start(one.id, Confirmation(SECOND))
    assert not studio.jobs() and not studio.batches.get(one.id).is_started
    studio.batches.start(one.id, Confirmation(total.amount))
    until(lambda: states(studio, one) == {"done": 2})
    studio.batches.resume(one.id)
    assert count_creates(service) == 2 and studio.batches.quote(one.id).amount == 0
