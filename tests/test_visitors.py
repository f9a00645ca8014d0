"""A house with visitors: each has what is theirs alone, takes fair turns, stays within limits, and is let go of in time."""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from studio import limits
from studio.config import Settings
from studio.jobs.fair_turns import FRESH_SECONDS, FairTurns
from studio.limits import Limits
from studio.nouns import Done, Photo, Refusal, Shot, replace
from studio.studio import Studio
from studio.visitors.house import AWAY_SECONDS, IDLE_SECONDS, VisitorHouse
from studio.visitors.signed_cookie import CookieSigner, find_id, make_id, read_key
from tests.fakes.gradient import CARD, Gradient, photograph
from tests.fakes.waiting import ended, until
from tests.rows import each_row

ANN, BEN, CLEO = find_id("Ann"), find_id("Ben"), find_id("Cleo")
SMALL = replace(
    limits.limits("space-cpu"), photos=2, waiting=4, seconds=2.0, size="360p", disk_mb=40, open=2, visitors=3, kept_hours=1.0
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1_000_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> Gradient:
    return Gradient(0.0)


@pytest.fixture
def house(tmp_path: Path, clock: Clock, engine: Gradient) -> Iterator[VisitorHouse]:
    made = VisitorHouse(Settings(tmp_path / "home", visitors="strangers"), SMALL, (CARD,), lambda card, settings: engine, clock)
    made.start()
    yield made
    made.close()


def take_in(studio: Studio, seed: int = 0) -> Photo:
    return studio.photos.take_in(photograph(studio.settings.home, seed=seed), "harbour.jpg")


def shoot(photo: Photo, **more: object) -> Shot:
    return Shot(photo, model=CARD.id, **({"seconds": 1, "size": "240p", "fps": 8} | more))  # type: ignore[arg-type]


# Turns --------------------------------------------------------------------------------------------------------------------------


def test_turns_go_round_and_a_newcomer_waits_for_one_job_of_each() -> None:
    time = [0.0]
    turns, done = FairTurns(lambda: time[0]), ""
    waits, running = {"a": 4, "b": 2}, ""
    for round_ in range(40):
        time[0] += 0.5
        if round_ == 3:
            waits["c"] = 1
        for visitor in [one for one in waits if waits[one]]:
            if turns.begin(0, visitor):
                running = visitor
        if any(waits.values()):
            done += running
            waits[running] -= 1
            turns.end(0, running)
    assert done == "ababaca"


def test_whoever_gives_up_doesnt_hold_up_the_line() -> None:
    time = [0.0]
    turns = FairTurns(lambda: time[0])
    assert turns.begin(0, "a")
    assert not turns.begin(0, "b")
    assert not turns.begin(0, "c")
    assert (turns.count_before(0, "b"), turns.count_before(0, "c")) == (1, 2)
    assert turns.begin(1, "c"), "another device is another line"
    turns.end(0, "b")  # not the holder
    assert not turns.begin(0, "c")
    turns.end(0, "a")
    assert not turns.begin(0, "c"), "b comes before"
    time[0] += FRESH_SECONDS / 2
    assert not turns.begin(0, "c")
    time[0] += FRESH_SECONDS / 2 + 1
    assert turns.begin(0, "c"), "b's job was cancelled"
    turns.leave("c")
    assert not turns.is_busy


def test_a_visitor_with_many_clips_doesnt_keep_another_waiting(house: VisitorHouse, engine: Gradient) -> None:
    engine.pace = 0.02
    ann, ben = house.find(ANN), house.find(BEN)
    many = ann.submit_all(tuple(shoot(take_in(ann), seed=seed) for seed in range(4)))
    one = ben.submit(shoot(take_in(ben)))
    assert isinstance(ended(ben, one.id).state, Done)
    assert sum(isinstance(ann.job(job.id).state, Done) for job in many) < 4
    until(lambda: all(isinstance(ann.job(job.id).state, Done) for job in many))


# Whose it is --------------------------------------------------------------------------------------------------------------------


def test_nothing_of_one_is_found_by_another(house: VisitorHouse) -> None:
    ann, ben = house.find(ANN), house.find(BEN)
    photo = take_in(ann)
    job = ann.submit(shoot(photo))
    assert isinstance(ended(ann, job.id).state, Done)
    asks: tuple[Callable[[], object], ...] = (
        lambda: ben.photos.get(photo.id), lambda: ben.photos.view(photo), lambda: ben.library.get(job.id),
        lambda: ben.job(job.id), lambda: ben.again(job.id), lambda: ben.retry(job.id), lambda: ben.exports.export(job.id, True),
        lambda: ben.preview(shoot(photo)), lambda: ben.submit(shoot(photo)),
    )  # fmt: skip
    for ask in asks:
        with pytest.raises(Refusal):
            ask()
    ben.cancel(job.id)
    assert isinstance(ann.job(job.id).state, Done)
    assert (ben.jobs(), ben.library.find(), ben.library.count()) == ((), (), 0)
    everything = [file for file in house.folder.rglob("*") if file.is_file() and job.id in file.name]
    assert everything and all(file.is_relative_to(house.folder / ANN) for file in everything)


def test_models_and_preferences_are_the_owners(house: VisitorHouse) -> None:
    ann = house.find(ANN)
    assert not ann.hosted and ann.hosted.states() == ()
    assert ann.settings.models == house.settings.models
    for ask in (
        lambda: ann.models.alter(lambda now: replace(now, size="240p")), lambda: ann.models.download(CARD.id),
        lambda: ann.models.delete(CARD.id), lambda: ann.models.unload(CARD.id), lambda: ann.spending.agree("fal", "x"),
    ):  # fmt: skip
        with pytest.raises(Refusal, match="Only the owner"):
            ask()
    assert not house.settings.preferences.exists()


# Limits -------------------------------------------------------------------------------------------------------------------------


@each_row(
    ("more", "says"),
    [
        ({"seconds": 3}, "at most 2 seconds"),
        ({"size": "480p"}, "at most 360p"),
        ({"size": "480p", "format": "webm"}, "at most 360p"),
    ],
)
def test_a_clip_over_the_limits_is_refused_before_it_waits(house: VisitorHouse, more: dict[str, object], says: str) -> None:
    ann = house.find(ANN)
    photo = take_in(ann)
    with pytest.raises(Refusal, match=says) as refused:
        ann.submit(shoot(photo, **more))
    assert refused.value.remedy
    assert ann.jobs() == ()
    assert min(ann.plan(shoot(photo, size="auto")).width, ann.plan(shoot(photo, size="auto")).height) <= 360


def test_photos_jobs_and_disk_have_an_end(house: VisitorHouse, engine: Gradient) -> None:
    ann = house.find(ANN)
    photos = [take_in(ann, seed) for seed in range(2)]
    take_in(ann, 0)  # one that is here already is no more
    with pytest.raises(Refusal, match="At most 2 of your photos"):
        take_in(ann, 2)
    engine.pace = 0.05
    jobs = ann.submit_all(tuple(shoot(photos[0], seed=seed) for seed in range(4)))
    with pytest.raises(Refusal, match="At most 4 of your clips"):
        ann.submit(shoot(photos[1]))
    ann.cancel(jobs[-1].id)
    ann.submit(shoot(photos[1]))
    with pytest.raises(Refusal, match="At most 4"):
        ann.retry(jobs[-1].id)
    with pytest.raises(Refusal, match="of the 40 MB that are yours"):
        ann.guest.require_disk(41_000_000)
    ann.guest.require_disk(21_000_000)
    with pytest.raises(Refusal, match="of the 40 MB that are yours"):
        ann.guest.require_disk(21_000_000)  # the other is on its way
    assert ann.guest.most_cached == 10_000_000


def test_a_job_that_takes_too_long_fails_and_says_so(tmp_path: Path) -> None:
    short = replace(SMALL, minutes=0.3 / 60)
    house = VisitorHouse(Settings(tmp_path, visitors="strangers"), short, (CARD,), lambda card, settings: Gradient(0.1))
    try:
        ann = house.find(ANN)
        state = ended(ann, ann.submit(shoot(take_in(ann))).id).state
        assert "took longer than" in getattr(state, "reason", "")
    finally:
        house.close()


# Coming and going ---------------------------------------------------------------------------------------------------------------


def test_idle_studios_close_and_open_again_with_all_they_held(house: VisitorHouse, clock: Clock) -> None:
    ann = house.find(ANN)
    job = ann.submit(shoot(take_in(ann)))
    ended(ann, job.id)
    clock.time += IDLE_SECONDS + 1
    house.sweep()
    again = house.find(ANN)
    assert again is not ann
    assert again.library.get(job.id).id == job.id
    house.find(BEN)
    with pytest.raises(Refusal, match="Everybody's desk is in use"):
        house.find(CLEO)
    clock.time += AWAY_SECONDS + 1
    assert house.find(BEN).jobs() == ()
    house.find(CLEO)  # in the place of Ann's, who has left
    with pytest.raises(Refusal, match="As many people"):
        house.find(find_id("Dora"))
    clock.time += AWAY_SECONDS + 1
    house.find(find_id("Dora"))  # Ben and Cleo have only looked; what Ann made stays
    assert (house.folder / ANN).exists() and not (house.folder / BEN).exists()


def test_a_clock_that_is_set_back_keeps_no_desk_taken(house: VisitorHouse, clock: Clock) -> None:
    house.find(ANN)
    house.find(BEN)
    clock.time -= 3600
    house.sweep()
    clock.time += AWAY_SECONDS + 1
    assert house.find(BEN).jobs() == ()
    house.find(CLEO)  # in the place of Ann's, who has left


def test_files_go_a_stated_time_after_the_last_visit(house: VisitorHouse, clock: Clock) -> None:
    take_in(house.find(ANN))
    clock.time += 3000
    house.find(ANN)
    house.find(BEN)
    clock.time += 3000
    house.sweep()
    assert (house.folder / ANN).exists(), "50 minutes after the last visit"
    house.find(BEN)
    clock.time += 700
    house.sweep()
    assert not (house.folder / ANN).exists()
    assert (house.folder / BEN).exists()
    house.keep_name(BEN, " Ben  Dover ")
    assert house.name(BEN) == "Ben Dover"
    house.forget(BEN)
    assert (house.name(BEN), house.name(ANN)) == ("", "")
    assert not (house.folder / BEN).exists()
    assert house.find(ANN).jobs() == ()


def test_a_second_tab_opens_nothing_while_all_is_deleted(house: VisitorHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = house.find(ANN)
    take_in(ann)
    close, said = ann.close, list[str]()

    def ask_meanwhile() -> None:
        close()
        with pytest.raises(Refusal) as refused:
            house.find(ANN)
        said.append(refused.value.reason)

    monkeypatch.setattr(ann, "close", ask_meanwhile)
    house.forget(ANN)
    assert said == ["All that is yours here is being deleted."] and not list(house.folder.iterdir())
    assert house.find(ANN) is not ann


def test_what_waited_when_the_house_closed_is_done_when_it_opens(tmp_path: Path) -> None:
    settings = Settings(tmp_path, visitors="names")

    def open_house(pace: float) -> VisitorHouse:
        house = VisitorHouse(settings, SMALL, (CARD,), lambda card, settings: Gradient(pace))
        house.start()
        return house

    first = open_house(0.1)
    ann = first.find(ANN)
    photo = take_in(ann)
    jobs = ann.submit_all((shoot(photo), shoot(photo, seed=1)))
    first.close()
    second = open_house(0.0)
    try:
        assert isinstance(ended(second.find(ANN), jobs[1].id).state, Done)
    finally:
        second.close()


# The cookie ---------------------------------------------------------------------------------------------------------------------


def test_a_cookie_is_ours_or_nobodys(tmp_path: Path) -> None:
    key = read_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key
    assert os.name == "nt" or stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["key"]
    signer, visitor = CookieSigner(key), make_id()
    cookie = signer.sign(visitor, 1000.0)
    assert signer.read(cookie, 1010.0, 60.0) == visitor
    assert signer.read(cookie, 1061.0, 60.0) == "", "too old"
    other = hmac.new(bytes(32), f"{visitor}.1000".encode(), sha256).hexdigest()
    words = (
        "", ".", cookie[:-1], cookie + "0", cookie.upper(), cookie.replace(visitor, make_id()), f"{visitor}.9999.{cookie[-64:]}",
        f"{visitor}.1000.{other}", f"../{cookie[3:]}", cookie + "\n", "é" * len(cookie),
    )  # fmt: skip
    assert [signer.read(one, 1010.0, 1e9) for one in words] == [""] * len(words)
    with pytest.raises(ValueError, match="too short"):
        CookieSigner(b"short")


def test_a_name_is_the_same_however_it_is_written() -> None:
    assert find_id("Ann  Lee") == find_id(" ann lee ") == find_id("ＡＮＮ lee")
    assert find_id("Ann Lee") != find_id("Annlee")


@each_row("kind", ["house", "space-cpu", "space-gpu"])
def test_limits_are_data_that_reads(kind: str) -> None:
    assert isinstance(limits.limits(kind), Limits)
