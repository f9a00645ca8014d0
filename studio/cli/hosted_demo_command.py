"""`hosted-demo`: an imitation of the hosted services, with the page that uses it, until Ctrl+C."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from studio import config
from studio.cli.report import Failure, complain, say

if TYPE_CHECKING:
    from studio.hosted_demo.stand_in import StandIn

SUFFIX = "-demo"
"""What follows the name of the usual home folder: clips of an imitation don't mix with real ones."""


def hosted_demo(flags: argparse.Namespace) -> None:
    """Start the imitation and, unless told otherwise, the page in a process of its own. Raises `Refusal`."""
    from studio.hosted_demo.injected_faults import InjectedFaults
    from studio.hosted_demo.stand_in import StandIn

    usual = config.read(home=flags.home).home
    home = usual if flags.home else usual.with_name(usual.name + SUFFIX)
    faults = InjectedFaults(rate=flags.faults / 100, seed=flags.seed, wait="1")
    with StandIn(seconds=flags.seconds, faults=faults) as stand_in:
        complain(f"An imitation of Replicate and fal is at {stand_in.address}: nothing leaves this computer.")
        if flags.faults:
            complain(f"{flags.faults:g} of a hundred calls fail, by the seed {flags.seed}.")
        if flags.bare:
            for name, value in stand_in.environment().items():
                say(f"export {name}={value}")
            sys.stdout.flush()
            while True:
                time.sleep(3600)
        _open_page(stand_in, home, flags)


def _open_page(stand_in: StandIn, home: Path, flags: argparse.Namespace) -> None:
    """The page, on that home folder, which sees the imitation and no real token."""
    command = [sys.executable, str(config.ROOT / "app.py"), "--home", str(home), "--port", str(flags.port)]
    command += [part for folder in (*flags.cards, *flags.more_cards) for part in ("--cards", folder)]
    environment = {name: value for name, value in os.environ.items() if name != "STIR_NO_HOSTED"}
    page = subprocess.Popen([*command, *["--open"][: flags.open]], env=environment | stand_in.environment())
    try:
        if page.wait():
            raise Failure("The page could not be opened.")
    finally:
        _end(page)


def _end(page: subprocess.Popen[bytes]) -> None:
    """Let the page close: Ctrl+C in a terminal has reached it too, a signal to this process alone hasn't."""
    for seconds in (3.0, 20.0):
        try:
            page.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            page.send_signal(signal.SIGINT)
    page.kill()
    page.wait()
