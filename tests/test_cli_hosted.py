"""Hosted models on the command line: the price is said and --pay has to cover it; tokens are never printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.hosted_demo.stand_in import StandIn
from studio.jobs import hosted_job, hosted_lane
from tests.fakes.gradient import photograph
from tests.fakes.paying import count_creates

Stir = Callable[..., tuple[int, str, str]]


def test_a_paid_clip_from_the_command_line(stir: Stir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted_job, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hosted_lane, "POLL_SECONDS", 0.05)
    photo = photograph(tmp_path)
    with StandIn() as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        make = ("animate", photo, "--model", "p-video", "--seconds", 1, "--prompt", "the boat rocks", "-o", tmp_path / "boat.mp4")
        code, _, said = stir(*make)
        assert code == 2 and "about $0.02 " in said and "--pay 0.02" in said and "price read" in said
        code, _, said = stir(*make, "--pay", "0.01")
        assert code == 2 and "more than --pay allows" in said
        code, _, said = stir(*make, "--pay", "0.02")
        assert code == 2 and "leave this computer" in said and "hosted agree p-video" in said
        code, said, _ = stir("hosted", "agree", "p-video")
        assert code == 0 and "Replicate" in said and "photo" in said
        assert count_creates(service) == 0, "nothing was sent until it was paid for"
        code, said, error = stir(*make, "--pay", "0.02")
        assert code == 0 and (tmp_path / "boat.mp4").is_file(), error
        code, said, _ = stir("hosted", "--json")
        told = json.loads(said)
        assert told["spent_today"] == {"amount": 0.02, "unknown": 0} and told["jobs"] == []
        assert service.token not in said and told["services"][0]["token"] == f"…{service.token[-4:]}"
        assert stir("hosted", "budget", "0.03")[0] == 0
        code, _, said = stir("again", tmp_path / "boat.mp4", "--pay", "0.02")
        assert code == 2 and "budget is $0.03" in said
        assert count_creates(service) == 1
