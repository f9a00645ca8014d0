"""The farm on a real Ray cluster: nodes with and without a GPU, that die, fall silent, are slow, and come back."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect

from studio.farm import ray_cluster
from studio.farm.farm_lane import Patience
from studio.nouns import Cancelled, Done, Failed, Queued, Running
from studio.stop_signals import close_or_end
from studio.studio import Studio
from tests.fakes.gradient import CARD
from tests.fakes.ray_nodes import Nodes
from tests.fakes.shelf import AWAY, OTHER, READY
from tests.fakes.waiting import ended, until
from tests.farm.conftest import Begin

pytestmark = pytest.mark.slow
WAIT = 20_000

TOLD_TO_END = (signal.SIG_DFL, close_or_end)  # the second since a test has called app.py


def workers(studio: Studio):
    assert studio.farm
    return studio.farm.list_workers()


def find_worker(studio: Studio, node: str) -> str:
    """The id of the worker whose node has its home folder under this name."""
    assert studio.farm
    homes = {lane.id: psutil.Process(lane.report.pid).environ()["STIR_HOME"] for lane in studio.farm._list_lanes()
             if lane.report and not lane.is_gpu}  # fmt: skip
    return next(name for name, home in homes.items() if Path(home).name == node)


def check_library(studio: Studio, count: int) -> None:
    """So many clips, each with its files, once; and nothing else."""
    clips = studio.library.find(limit=1000)
    assert len({clip.id for clip in clips}) == len(clips) == studio.library.count() == count
    wanted = {name for clip in clips for name in (clip.file, clip.poster, f"{clip.id}.json")}
    assert {file.name for file in studio.settings.clips.iterdir()} == wanted
    assert all((studio.settings.clips / clip.file).stat().st_size == clip.bytes for clip in clips)


def test_jobs_go_where_their_models_are_and_outlive_a_node(begin: Begin, cluster: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_" + "x" * 37)
    doomed = cluster.add("doomed", pace=0.06)
    studio, ask = begin()
    until(lambda: sum(row.state == "idle" for row in workers(studio)) == 3)
    assert sorted(row.device for row in workers(studio)) == ["Pretend 9000", *["processor, 1 core"] * 2]
    jobs = [ask(model, seed).id for seed in range(4) for model in (CARD.id, READY.id, OTHER.id, CARD.id)]
    nowhere = ask(READY.id, 99, "refuse")
    until(lambda: any(row.job and row.id == find_worker(studio, "doomed") for row in workers(studio)))
    kept = {clip.id for clip in studio.library.find(limit=1000)}
    cluster.kill(doomed)
    until(lambda: len(workers(studio)) == 2)
    cluster.add("back")
    assert all(isinstance(ended(studio, job).state, Done) for job in jobs)
    assert studio.job(nowhere.id).state == Failed("The stand-in was told to refuse.", "Tell it otherwise.")
    check_library(studio, len(jobs))
    assert kept <= {clip.id for clip in studio.library.find(limit=1000)}
    assert max(Counter(cluster.read_loads()).values()) == 1, "a worker loads a model once"
    until(lambda: len(workers(studio)) == 3 and all(row.state == "idle" for row in workers(studio)))
    devices = {clip.shot.model: {choice.value for choice in clip.choices if choice.what == "machine"}
               for clip in studio.library.find(limit=1000)}  # fmt: skip
    assert all("processor" in value for value in devices[CARD.id]), "what needs no GPU leaves it to the others"
    check_what_workers_know(cluster, studio)


def check_what_workers_know(cluster: Nodes, studio: Studio) -> None:
    """No token, and neither the home folder nor where the studio was started from."""
    import ray

    family = [process for node in cluster.nodes for process in psutil.Process(node.pid).children(recursive=True)]
    actors = [process for process in family if "FarmActor" in process.name() or "FarmActor" in " ".join(process.cmdline())]
    assert len(actors) >= 3
    assert signal.getsignal(signal.SIGTERM) in TOLD_TO_END, "Ray's own would end the studio without its node"
    mine = str(os.getpid())
    assert os.environ[ray_cluster.WATCHED] == mine, "or Ray ends a service's process with its node"
    for process in family:
        assert process.environ().get(ray_cluster.WATCHED) != mine
        known = " ".join((*process.environ().values(), *process.cmdline()))
        assert "r8_xxx" not in known and str(studio.settings.home) not in known
    here = str(Path.cwd())
    assert ray.get(ray.remote(list_paths).options(num_cpus=0).remote()).count(here) <= 1, "where PYTHONPATH says, and no other"


def list_paths() -> list[str]:
    """Where a worker imports from."""
    import sys

    return sys.path


def test_a_job_is_followed_stopped_and_given_to_another_when_its_worker_falls_silent(begin: Begin, cluster: Nodes) -> None:
    cluster.add("other")
    studio, ask = begin(Patience(answer=2.0))
    slow = ask(READY.id, 1, "slow")
    until(lambda: isinstance(state := studio.job(slow.id).state, Running) and bool(state.progress.preview))
    studio.cancel(slow.id)
    assert isinstance(ended(studio, ask(READY.id, 2).id).state, Done), "the worker is free for the next one"
    assert studio.job(slow.id).state == Cancelled()
    missing = ask_anyway(studio, slow.id, AWAY.id)
    until(lambda: isinstance(state := studio.job(missing).state, Queued) and "no worker has the files" in state.note)
    studio.cancel(missing)

    silent = ask(READY.id, 3, "slow")
    until(lambda: isinstance(state := studio.job(silent.id).state, Running) and state.progress.stage == "denoise")
    row = next(row for row in workers(studio) if row.job == silent.id)
    lane = next(lane for lane in studio.farm._lanes.values() if lane.id == row.id)
    os.kill(lane.report.pid, signal.SIGSTOP)
    assert isinstance(ended(studio, silent.id).state, Done)
    if psutil.pid_exists(lane.report.pid):
        os.kill(lane.report.pid, signal.SIGCONT)
    until(lambda: len(workers(studio)) == 3 and all(row.state == "idle" for row in workers(studio)))
    check_library(studio, 2)
    assert (studio.settings.home / "logs" / "stir.log").read_text("utf-8").count(f"job {silent.id[:8]}: pretend") == 2


def ask_anyway(studio: Studio, like: str, model: str) -> str:
    """Queue a job whose model nobody has, as one does who deletes it afterwards."""
    import msgspec

    return studio.queue.submit(msgspec.structs.replace(studio.job(like).shot, model=model)).id


@pytest.mark.ui
def test_on_the_page_a_worker_rests_and_an_idle_one_takes_over_from_a_slow_one(
    begin: Begin, cluster: Nodes, serve: Callable[[Studio], str], browser: Browser
) -> None:
    cluster.add("slow", pace=2.0)
    studio, ask = begin()
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page, faults = context.new_page(), []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(serve(studio))
        page.get_by_role("tab", name="Settings").click()
        rows = page.get_by_role("list", name="Workers").get_by_role("listitem")
        expect(rows.filter(has_text="Free")).to_have_count(3, timeout=WAIT)
        expect(rows.filter(has_text="Pretend 9000")).to_contain_text("of 24 GB")
        quick = page.locator(f"[data-worker='{find_worker(studio, 'head')}']")
        quick.get_by_role("button", name="rest after its job").press("Enter")
        expect(quick).to_contain_text("Resting", timeout=WAIT)
        jobs = [ask(CARD.id, 0).id]
        expect(rows.filter(has_text="At work on harbour")).to_have_count(1, timeout=WAIT)
        quick.get_by_role("button", name="work again").click()
        jobs += [ask(CARD.id, seed).id for seed in (1, 2, 3)]
        assert all(isinstance(ended(studio, job).state, Done) for job in jobs)
        expect(rows.filter(has_text="Free")).to_have_count(3, timeout=WAIT)
        assert page.evaluate("document.documentElement.scrollWidth") == 390 and faults == []
    log = (studio.settings.home / "logs" / "stir.log").read_text("utf-8")
    assert sorted(log.count(f"job {job[:8]}: gradient") for job in jobs) == [1, 1, 1, 2], "one was tried twice"
    check_library(studio, 4)
