"""Comparisons: one press makes several clips, each cell stands for itself, and neither a fault nor a crash loses a record."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing

import msgspec
import pytest

from studio.comparison import Axis, Comparison
from studio.config import ROOT, Settings
from studio.library import database
from studio.nouns import Failed, Motion, Refusal, Shot, replace
from studio.studio import Studio
from studio.ui.queue_snapshot import take_snapshot
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.gradients import SHOT as GRADIENT
from tests.fakes.process import Other
from tests.fakes.shelf import AWAY, CARDS, LARGE, OTHER, READY, ShelfEngine
from tests.fakes.shelf import finder as shelf_finder
from tests.fakes.waiting import painting, until

Open = Callable[..., Studio]


def shot(studio: Studio, prompt: str = "", **changes: object) -> Shot:
    """A one-second shot of 8 frames on the stand-in."""
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    wanted = Shot(photo, motion=Motion(prompt=prompt), model="gradient", seconds=1, fps=8, size="240p")
    return replace(wanted, **changes)


def states(studio: Studio, one: Comparison) -> list[str]:
    """The states of all cells, in their order."""
    standings = studio.comparisons.stand(one)
    return [standings[cell.id].state for cell in one.cells]


def test_a_row_of_seeds_becomes_clips(opened: Open) -> None:
    studio = opened()
    one = studio.comparisons.start(shot(studio), [Axis("seed", ("1-3",))], baseline=True, photo=True)
    until(lambda: states(studio, one) == ["done"] * 4 + ["photo"])
    assert one.axes == (Axis("seed", ("1", "2", "3")),)
    assert [(cell.column, cell.row, cell.baseline, cell.photo) for cell in one.cells] == [
        (0, -1, True, False), (0, 0, False, False), (1, 0, False, False), (2, 0, False, False), (1, -1, False, True),
    ]  # fmt: skip
    clips = [studio.comparisons.stand(one)[cell.id].clip for cell in one.cells[:4]]
    assert [clip.shot.seed for clip in clips if clip] == [0, 1, 2, 3]
    assert studio.comparisons.get(one.id) == one
    for words in ("harbour seed", "seed", "dolly"):
        assert studio.comparisons.find(words) == (one,)
    assert studio.comparisons.find("elephant") == ()
    assert (one.name, studio.comparisons.count()) == ("harbour: seed", 1)
    assert {studio.comparisons.name(job.group) for job in studio.jobs()} == {one.name}
    assert studio.comparisons.name("") == studio.comparisons.name("another") == ""


def test_one_press_is_one_comparison_and_nothing_comes_of_wrong_axes(opened: Open) -> None:
    studio = opened(start=False)
    wanted = shot(studio)
    one = studio.comparisons.start(wanted, [Axis("seed", ("1", "2"))], press="once")
    assert studio.comparisons.start(wanted, [Axis("seed", ("1", "2"))], press="once") == one
    assert len(studio.jobs()) == 2
    for axes in ([], [Axis("seed", ("1",))], [Axis("seed", ("1", "x"))], [Axis("seed", ("1-9",))]):
        with pytest.raises(Refusal):
            studio.comparisons.start(wanted, axes)
    assert len(studio.jobs()) == 2


def test_a_failing_cell_says_why_and_is_tried_again_in_place(opened: Open) -> None:
    studio = opened()
    one = studio.comparisons.start(shot(studio), [Axis("prompt", ("refuse", "leaves rustle"))])
    until(lambda: states(studio, one) == ["failed", "done"])
    broken, whole = one.cells
    assert "told to refuse" in studio.comparisons.stand(one)[broken.id].reason
    assert studio.comparisons.stand(one)[broken.id].remedy
    studio.queue.clear_ended()
    assert studio.jobs() == ()
    assert states(studio, one) == ["failed", "done"], "what is cleared from the queue is still a cell's"
    again = studio.comparisons.retry(one.id, broken.id)
    assert len(again.cells[0].jobs) == 2
    until(lambda: states(studio, again) == ["failed", "done"])
    with pytest.raises(Refusal, match="there already"):
        studio.comparisons.retry(one.id, whole.id)
    other = studio.comparisons.retry(one.id, whole.id, seed=9)
    assert studio.comparisons.stand(other)[whole.id].clip, "the clip of before is shown until then"
    until(lambda: states(studio, other) == ["failed", "done"])
    clip = studio.comparisons.stand(other)[whole.id].clip
    assert clip and clip.shot.seed == 9


def test_a_winner_stays_and_the_rest_goes_to_the_trash_and_comes_back(opened: Open) -> None:
    studio = opened()
    one = studio.comparisons.start(shot(studio), [Axis("amount", ("0.2", "0.4", "0.8"))])
    with pytest.raises(Refusal, match="no winner"):
        studio.comparisons.trash_losers(one.id)
    until(lambda: states(studio, one) == ["done"] * 3)
    best = one.cells[1]
    studio.comparisons.pick(one.id, best.id)
    kept = studio.comparisons.stand(one)[best.id].clip
    assert kept and kept.rating == 5
    assert len(studio.comparisons.trash_losers(one.id).losers) == 2
    assert studio.library.ids() == (kept.id,)
    assert studio.comparisons.restore_losers(one.id).losers == ()
    assert studio.library.count() == 3
    assert studio.comparisons.rename(one.id, "  how   far ").name == "how far"
    studio.comparisons.trash(one.id)
    assert (studio.comparisons.count("far"), studio.comparisons.count("far", trashed=True)) == (0, 1)
    assert studio.comparisons.restore(one.id).winner == best.id
    studio.comparisons.trash(one.id)
    assert (studio.comparisons.empty_trash(), studio.library.count()) == (1, 3)
    with pytest.raises(Refusal):
        studio.comparisons.get(one.id)


def test_a_winner_found_early_stops_the_rest_and_stars_go_with_the_choice(opened: Open) -> None:
    studio = opened(pace=0.03)
    one = studio.comparisons.start(shot(studio), [Axis("seed", ("1", "2", "3", "4"))], blind=True)
    until(lambda: states(studio, one)[:2] == ["done"] * 2)
    said = take_snapshot(studio)
    assert {card["motion"] for card in (*said["jobs"], *said["recent"])} == {"blind until you pick"}
    first, second = one.cells[0], one.cells[1]
    studio.library.rate(first.jobs[0], 3)
    for cell, stars in ((first, [5, 0]), (second, [3, 5]), (first, [5, 0])):
        studio.comparisons.pick(one.id, cell.id)
        assert [studio.library.get(each.jobs[0]).rating for each in (first, second)] == stars
    assert "blind until you pick" not in {card["motion"] for card in take_snapshot(studio)["recent"]}
    studio.comparisons.trash_losers(one.id)
    until(lambda: states(studio, one)[2:] == ["cancelled"] * 2)
    assert studio.library.ids() == first.jobs
    assert studio.comparisons.pick(one.id, "").winner == ""
    assert studio.library.get(first.jobs[0]).rating == 3


def test_clips_of_the_library_are_compared_and_a_comparison_grows(opened: Open) -> None:
    studio = opened()
    wanted = shot(studio)
    jobs = studio.submit_all(tuple(replace(wanted, seed=seed) for seed in (1, 2, 3)))
    until(lambda: studio.library.count() == 3)
    first, second, third = (job.id for job in jobs)
    with pytest.raises(Refusal, match="two to 6"):
        studio.comparisons.start_from_clips([first, first])
    one = studio.comparisons.start_from_clips([first, second], blind=True)
    assert states(studio, one) == ["done", "done"]
    assert not studio.comparisons.show(one.id).blind
    studio.comparisons.extend(one.id, clip=third)
    with pytest.raises(Refusal, match="already"):
        studio.comparisons.extend(one.id, clip=third)
    studio.comparisons.extend(one.id, photo=True)
    grown = studio.comparisons.extend(one.id, replace(wanted, seed=4))
    until(lambda: states(studio, grown) == ["done", "done", "done", "photo", "done"])
    studio.library.trash(first)
    studio.library.empty_trash()
    assert states(studio, grown)[0] == "gone"
    assert studio.comparisons.rename(one.id, "a\x00\ud800 \u202eevil\n name " + "x" * 4000).name == "a evil name " + "x" * 188
    studio.comparisons.retry(one.id, grown.cells[0].id)
    until(lambda: states(studio, studio.comparisons.get(one.id))[0] == "done")
    with pytest.raises(Refusal, match="nothing to make"):
        studio.comparisons.retry(one.id, grown.cells[1].id)


def test_a_grid_says_what_it_takes_and_what_cannot_be_made(settings: Settings) -> None:
    engine = ShelfEngine()
    studio = Studio(settings, (CARD, *CARDS), shelf_finder(engine, finder(Gradient())))
    wanted = shot(studio)
    axes = [Axis("model", (READY.id, AWAY.id, OTHER.id, LARGE.id, "gradient")), Axis("seed", ("1", "2"))]
    told = studio.comparisons.estimate(wanted, axes)
    assert (told.clips, len(told.cells), told.unknown) == (6, 10, ())
    assert told.seconds > 4 * 40 + 2 * 4, "four clips of 40 s, and two models to load"
    assert told.bytes > 0
    assert told.memory > 0
    refused = {cell.differs[0][1]: cell.refusal for cell in told.cells if cell.refusal}
    assert refused.keys() == {AWAY.id, LARGE.id}
    assert AWAY.id in str(refused[AWAY.id]), "the remedy names the download"
    studio.start()
    one = studio.comparisons.start(wanted, axes)
    until(lambda: set(states(studio, one)) == {"done", "refused"})
    assert [cell.differs for cell in one.cells] == [cell.differs for cell in told.cells]
    made = [clip.shot.model for clip in studio.library.find(sort="oldest")]
    assert made == ["gradient"] * 2 + [READY.id] * 2 + [OTHER.id] * 2, "model by model"
    studio.close()


def test_drafts_come_first_and_are_shown_until_then(settings: Settings) -> None:
    engine = ShelfEngine()
    studio = Studio(settings, (CARD, *CARDS), shelf_finder(engine, finder(Gradient())))
    axes = [Axis("seed", ("1", "2")), Axis("model", (READY.id, OTHER.id))]
    told, plain = (studio.comparisons.estimate(shot(studio), axes, drafts=drafts) for drafts in ("gradient", ""))
    assert (told.clips, plain.clips) == (8, 4)
    assert told.seconds > plain.seconds
    one = studio.comparisons.start(shot(studio), axes, drafts="gradient")
    order = [job.shot.maker for job in studio.jobs()]
    assert order == ["gradient"] * 4 + [READY.id] * 2 + [OTHER.id] * 2
    engine.pace = 0.2
    studio.start()
    until(lambda: all(studio.comparisons.stand(one)[cell.id].draft for cell in one.cells))
    late = studio.comparisons.extend(one.id, shot(studio, model=READY.id, seed=3))
    engine.pace = 0.0
    until(lambda: states(studio, late) == ["done"] * 5)
    assert not any(standing.draft for standing in studio.comparisons.stand(late).values())
    made = [clip.shot.maker for clip in studio.library.find(sort="oldest")]
    assert made == ["gradient"] * 4 + [READY.id] * 3 + [OTHER.id] * 2, "what was added waits beside its model"
    studio.comparisons.pick(one.id, one.cells[0].id)
    studio.comparisons.trash_losers(one.id)
    assert studio.library.ids() == one.cells[0].jobs, "drafts go with the rest"
    studio.close()


# Crashes and other processes ----------------------------------------------------------------------------------------------


def test_kill_9_in_mid_comparison_loses_nothing(opened: Open, settings: Settings) -> None:
    watcher = opened(start=False)
    other = Other(settings.home, 0.05, 3, together=True)
    (one,) = watcher.comparisons.find("harbour seed")
    until(lambda: states(watcher, one)[0] == "done")
    painting(watcher, other.jobs[1])
    version = watcher.version
    grown = watcher.comparisons.extend(one.id, shot(watcher, seed=9))
    assert watcher.version != version
    assert states(watcher, grown) == ["done", "running", "waiting", "waiting"], "two processes write to one comparison"
    other.kill()
    watcher.close()
    studio = opened(start=False)
    assert studio.comparisons.get(one.id) == grown
    assert states(studio, grown) == ["done", "interrupted", "waiting", "waiting"]
    again = studio.comparisons.retry(one.id, one.cells[1].id)
    studio.start()
    until(lambda: states(studio, again) == ["done"] * 4)
    assert studio.library.count() == 4


STARTING = """
import os, signal, sys
from pathlib import Path
from studio.comparison import Axis
from studio.config import Settings
from studio.library.comparisons import ComparisonTable
from studio.nouns import Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph

studio = Studio(Settings(Path(sys.argv[1])), (CARD,), finder(Gradient()))
photo = studio.photos.take_in(photograph(Path(sys.argv[1])), "harbour.jpg")
ComparisonTable.keep = lambda *words: os.kill(os.getpid(), signal.SIGKILL)
studio.comparisons.start(Shot(photo, model="gradient"), [Axis("seed", ("1-3",))])
"""


def test_killed_while_it_is_started_leaves_no_jobs_without_their_comparison(opened: Open, settings: Settings) -> None:
    killed = subprocess.run([sys.executable, "-c", STARTING, str(settings.home)], cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -9
    studio = opened(start=False)
    assert (studio.jobs(), studio.comparisons.find()) == ((), ())


def test_a_library_from_before_there_were_comparisons_opens(opened: Open, settings: Settings) -> None:
    with closing(sqlite3.connect(settings.database, isolation_level=None)) as old:
        for migration in database.MIGRATIONS[:4]:
            migration(old)
        old.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
        old.execute("PRAGMA user_version = 4")
        old.execute(
            "INSERT INTO jobs (id, name, place, made_at, given, state, shot) VALUES ('old', 'failed', 1, 1, '', ?, ?)",
            (msgspec.json.encode(Failed("It was full.")).decode(), GRADIENT.to_json()),
        )
    studio = opened()
    assert studio.job("old").state == Failed("It was full.")
    one = studio.comparisons.start(shot(studio), [Axis("seed", ("1", "2"))])
    until(lambda: states(studio, one) == ["done", "done"])
    studio.queue.clear_ended()
    assert studio.queue.get_all(["old"]) == {}, "what belongs to no comparison is forgotten"
    assert states(studio, one) == ["done", "done"]
