"""Attempts at a job: the first to end counts, one that was given up never does, and what a node is given of the environment."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import app
from studio.engines.base import Stopped
from studio.farm import ray_cluster
from studio.farm.attempts import Attempts
from studio.farm.ray_cluster import LOOPBACK, make_environment, read_address, require_ray
from studio.library import database
from studio.library.live_processes import Owner
from studio.library.queue import Queue
from studio.nouns import Photo, Progress, Queued, Refusal, Running, Shot


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(database.open(tmp_path / "stir.db"), Owner(tmp_path / "locks"))


def take(queue: Queue):
    queue.submit(Shot(Photo("0" * 64, 640, 480, "a.jpg")))
    job = queue.take_next(False)
    assert job
    return job


def test_of_two_attempts_the_first_to_end_counts(queue: Queue) -> None:
    attempts, job = Attempts(queue), take(queue)
    slow, quick = attempts.begin(job, "a"), attempts.begin(job, "b")
    attempts.note(slow, Progress("paint", 1, 10))
    attempts.note(quick, Progress("paint", 9, 10))
    assert slow.watch.progress.done == 1, "the first one's progress is shown"
    assert attempts.claim(quick) and not attempts.claim(slow)
    with pytest.raises(Stopped):
        attempts.note(slow, Progress("paint", 2, 10))
    assert not attempts.give_up(slow), "its job has an end"
    assert attempts.find(job.id) is None


def test_a_job_waits_again_once_its_last_attempt_is_lost(queue: Queue) -> None:
    attempts, job = Attempts(queue), take(queue)
    first, second = attempts.begin(job, "a"), attempts.begin(job, "b")
    assert not attempts.give_up(first), "another one goes on"
    assert attempts.give_up(second) and not attempts.give_up(second), "once"
    assert queue.release(job.id) and isinstance(queue.get(job.id).state, Queued)
    again = queue.take_next(False)
    assert again and isinstance(again.state, Running)
    third = attempts.begin(again, "c")
    assert not attempts.claim(first), "what was given up comes back, and delivers nothing"
    assert attempts.claim(third) and attempts.give_up(third), "a clip that can't be kept is still the job's end"


def test_a_stopped_job_stops_its_attempts(queue: Queue) -> None:
    attempts, job = Attempts(queue), take(queue)
    attempt = attempts.begin(job, "a")
    attempt.watch.stop()
    with pytest.raises(Stopped):
        attempts.note(attempt, Progress("load"))


def test_an_attempt_says_how_long_it_still_takes(queue: Queue) -> None:
    attempt = Attempts(queue).begin(take(queue), "a")
    assert attempt.estimate_left() is None
    attempt.began -= 10
    attempt.progress = Progress("denoise", 5, 10)
    assert attempt.estimate_left() == pytest.approx(10, abs=1)


def test_a_node_gets_nothing_that_opens_the_owners_accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = ("REPLICATE_API_TOKEN", "FAL_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "STIR_PASSWORD", "OPENAI_API_KEY")
    for name in (*secrets, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "a-secret")
    made = make_environment(tmp_path)
    assert not made.keys() & set(secrets)
    assert made["CUDA_VISIBLE_DEVICES"] == "a-secret" and made["RAY_AUTH_TOKEN"] == os.environ["RAY_AUTH_TOKEN"]
    assert made["STIR_HOME"] == str(tmp_path) and made["STIR_NO_HOSTED"] == "1"


def test_addresses() -> None:
    assert read_address("auto") == read_address("127.0.0.1") == (LOOPBACK, 6379)
    assert str(read_address("192.0.2.7:7001")) == "192.0.2.7:7001"
    for wrong in ("192.0.2.7:many", "no.such.host.invalid"):
        with pytest.raises(Refusal, match="no address of a cluster"):
            read_address(wrong)


def test_where_ray_is_missing_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Refusal, match=r"requirements-farm\.txt"):
        require_ray()


def test_a_cluster_elsewhere_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray isn't installed: pip install -r requirements-farm.txt")
    monkeypatch.setattr(ray_cluster, "is_there", lambda address: False)
    with pytest.raises(Refusal, match=r"No cluster answers at 192\.0\.2\.7:6379"):
        ray_cluster.start_node(read_address("192.0.2.7"), tmp_path)


def test_the_page_and_the_command_line_take_the_cluster_by_its_flag(
    stir: Callable[..., tuple[int, str, str]], capfd: pytest.CaptureFixture[str], tmp_path: Path, samples: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert app.main(["--home", str(tmp_path / "page"), "--port", str(port), "--ray", "here:many"]) == 2
    assert "'here:many' is no address of a cluster." in capfd.readouterr().err
    code, _, said = stir("compare", samples / "fig.jpg", "--axis", "amount=0.3,0.6", "--ray", "here:many")
    assert code == 2 and "'here:many' is no address of a cluster." in said
