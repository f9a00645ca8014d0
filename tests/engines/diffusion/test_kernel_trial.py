"""Attention kernels tried in the background: only while nothing is at work, and given up for whatever begins."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from studio.config import Settings
from studio.engines.diffusion.run import attention, attention_probe
from studio.engines.diffusion.run.attention_probe import Candidate, ProbedKernel
from studio.engines.diffusion.run.kernel_trial import KernelTrial
from tests.engines.diffusion.test_attention import FEW, Here
from tests.fakes.waiting import until


class Doings:
    """What is on the disk and at work, and which kernels were tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wanted = self.idle = False
        self.looks = 0
        self.tried: list[str] = []
        self.disturb = ""
        real = attention_probe._probe_one

        def probe(candidate: Candidate, *rest: object) -> ProbedKernel:
            self.tried.append(candidate.name)
            self.idle = self.idle and candidate.name != self.disturb
            return real(candidate, *rest)  # pyright: ignore

        monkeypatch.setattr(attention_probe, "_probe_one", probe)
        monkeypatch.setattr(attention.probe_kernels, "__defaults__", (FEW, *(attention.probe_kernels.__defaults__ or ())[1:]))
        monkeypatch.setattr(attention.load_or_probe, "__defaults__", (False, FEW, lambda: None))

    def is_idle(self) -> bool:
        self.looks += 1
        return self.idle


def test_kernels_are_tried_when_there_is_a_model_and_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doings, settings = Doings(monkeypatch), Settings(tmp_path)
    trial = KernelTrial(Here(), settings, lambda: doings.wanted, doings.is_idle, apart=0.01)
    trial.begin()
    trial.begin()
    assert sum(one.name == "attention kernels" for one in threading.enumerate()) == 1
    doings.idle = True
    doings.wanted, doings.disturb = True, FEW[0].name  # a job begins while the first kernel is tried
    until(lambda: doings.tried == [FEW[0].name] and not doings.idle)
    looks = doings.looks
    until(lambda: doings.looks > looks + 3)
    assert doings.tried == [FEW[0].name], "tried on while a job was at work"
    assert attention.read_table(Here(), settings) == ()
    doings.disturb, doings.idle = "", True
    until(lambda: bool(attention.read_table(Here(), settings)))
    assert doings.tried == [FEW[0].name, *(one.name for one in FEW)]
    trial.close()


def test_what_is_closed_tries_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doings = Doings(monkeypatch)
    doings.wanted = True
    trial = KernelTrial(Here(), Settings(tmp_path), lambda: doings.wanted, doings.is_idle, apart=0.01)
    trial.begin()
    until(lambda: doings.looks > 0)
    trial.close()
    doings.idle = True
    trial.begin()
    assert doings.tried == []
