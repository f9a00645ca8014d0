"""`hosted-demo` as a user starts it: the imitation and the page in processes of their own, ended by one Ctrl+C; and the
imitation's own judgement of requests.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from studio.config import ROOT
from studio.hosted_demo.demo_film import FilmShape, make_film, read_seconds
from studio.hosted_demo.field_check import check_request
from studio.hosted_demo.injected_faults import BY_CHANCE, InjectedFaults
from tests.fakes.hosted_ways import FAL, REPLICATE, paint


def start(home: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "studio", "hosted-demo", "--home", str(home), "--seconds", "0", *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_demo_opens_a_page_beside_the_imitation_and_both_end_together(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    demo = start(tmp_path / "home", "--port", str(port))
    assert demo.stderr
    assert demo.stdout
    said = demo.stderr.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert address, said
    assert "nothing leaves this computer" in said
    assert f":{port}" in demo.stdout.readline()
    family = psutil.Process(demo.pid).children(recursive=True)
    page = next(one for one in family if "app.py" in " ".join(one.cmdline()))
    assert page.environ()["STIR_REPLICATE_URL"] == address[0]
    assert not any(page.environ()["FAL_KEY"] in " ".join(one.cmdline()) for one in family)
    signed = {"Authorization": f"Bearer {page.environ()['REPLICATE_API_TOKEN']}"}
    assert httpx2.get(f"{address[0]}/v1/account", headers=signed, trust_env=False).json()["username"] == "stand-in"
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) in (0, 130)
    assert psutil.wait_procs(family, 30)[1] == []


def test_the_imitation_alone_says_what_the_environment_has_to_hold(tmp_path: Path) -> None:
    demo = start(tmp_path / "home", "--bare", "--faults", "10", "--seed", "3")
    assert demo.stdout
    assert demo.stderr
    names = [demo.stdout.readline().removeprefix("export ").split("=")[0] for _ in range(4)]
    assert names == ["STIR_REPLICATE_URL", "STIR_FAL_URL", "REPLICATE_API_TOKEN", "FAL_KEY"]
    assert "seed 3" in demo.stderr.readline() + demo.stderr.readline()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 130
    assert not (tmp_path / "home").exists()


WRONG: list[tuple[str, Any]] = [
    ("prompt", None), ("prompt", "x" * 201), ("colour", 1), ("duration", 0), ("duration", "2"), ("resolution", "480p"),
    ("seed", 1.5), ("image", "broken"), ("image", "https://elsewhere.example/x.jpg"), ("image", 7),
    ("audio", "broken"), ("audio", "photo"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_the_imitation_finds_what_is_wrong_with_a_request(field: str, value: Any) -> None:
    files = {"photo": paint(), "broken": b"nothing that can be read"}

    def fetch(name: str) -> bytes:
        if name not in files:
            raise OSError
        return files[name]

    fine = {"prompt": "it drifts", "image": "photo", "duration": 1}
    assert check_request(REPLICATE, {}, fine, fetch).complaints == ()
    asked = {name: one for name, one in (fine | {field: value}).items() if one is not None}
    assert [one.field for one in check_request(REPLICATE, {}, asked, fetch).complaints] == [field]
    ruled = check_request(REPLICATE, {}, fine | {"resolution": "96p", "duration": 2}, fetch)
    assert ruled.complaints == (("duration", "96p lasts one second."),)


def test_a_film_is_of_the_size_length_and_rate_that_were_asked_for() -> None:
    checked = check_request(
        FAL, {"mode": "pro"}, {"prompt": "a", "image_url": "p", "resolution": "96p", "duration": 3}, lambda _: paint()
    )
    assert checked.shape == FilmShape(144, 96, 3.0, 24)
    film = make_film(paint(), FilmShape(96, 64, 1.5, 8, True))
    assert read_seconds(film) == pytest.approx(1.5, abs=0.05)


def test_faults_come_in_order_and_by_chance_the_same_again() -> None:
    faults = InjectedFaults({"poll": ["drop", "", "503"]})
    assert [faults.take("poll") for _ in range(4)] == ["drop", "", "503", ""]
    drawn = [[InjectedFaults(rate=0.5, seed=seed).take(route) for route in BY_CHANCE for _ in range(20)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    chance = InjectedFaults(rate=0.3, seed=5)
    met = [chance.take("create") for _ in range(400)]
    assert 80 < sum(map(bool, met)) < 160
    assert {one for one in met if one} == set(BY_CHANCE["create"])
