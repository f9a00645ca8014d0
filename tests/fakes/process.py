"""Another Stir process on a home folder: `python -m tests.fakes.process HOME PACE JOBS`.

It submits JOBS shots (as one comparison with "together" behind JOBS) on the stand-in engine at PACE seconds a frame, starts its
worker, prints the ids of the jobs on one line, and lives until it is killed or its standard input ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from studio.comparison import Axis
from studio.config import ROOT, Settings
from studio.nouns import Shot, replace
from studio.stop_signals import handle_stop_signals
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph


class Other:
    """That process, seen from a test; `jobs` are the ids it printed. `together`: as one comparison of seeds."""

    def __init__(self, home: Path, pace: float, jobs: int, together: bool = False) -> None:
        command = [sys.executable, "-m", "tests.fakes.process", str(home), str(pace), str(jobs), *["together"][:together]]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.jobs = self.process.stdout.readline().split()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.communicate()

    def leave(self) -> None:
        """End it in an orderly way."""
        self.process.communicate()


def main(home: str, pace: str, jobs: str, together: str = "") -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background are told to ignore it
    handle_stop_signals()
    studio = Studio(Settings(Path(home)), (CARD,), finder(Gradient(float(pace))))
    photo = studio.photos.take_in(photograph(Path(home)), "harbour.jpg")
    shot = Shot(photo, model="gradient", seconds=2, fps=16)
    if together:
        one = studio.comparisons.start(shot, [Axis("seed", (f"0-{int(jobs) - 1}",))])
        ids = [job for cell in one.cells for job in cell.jobs]
    else:
        ids = [studio.submit(replace(shot, seed=seed)).id for seed in range(int(jobs))]
    studio.start()
    print(*ids, flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        pass
    finally:
        studio.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
