"""Another Stir process on a home folder: `python -m tests.fakes.process HOME PACE JOBS`.

It submits JOBS shots on the stand-in engine at PACE seconds a frame, starts its worker, prints the ids of the jobs on one
line, and lives until it is killed or its standard input ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from studio.config import ROOT, Settings
from studio.nouns import Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph


class Other:
    """That process, seen from a test; `jobs` are the ids it printed."""

    def __init__(self, home: Path, pace: float, jobs: int) -> None:
        command = [sys.executable, "-m", "tests.fakes.process", str(home), str(pace), str(jobs)]
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


def main(home: str, pace: str, jobs: str) -> None:
    studio = Studio(Settings(Path(home)), (CARD,), finder(Gradient(float(pace))))
    photo = studio.photos.take_in(photograph(Path(home)), "harbour.jpg")
    made = [studio.submit(Shot(photo, model="gradient", seconds=2, fps=16, seed=seed)) for seed in range(int(jobs))]
    studio.start()
    print(*(job.id for job in made), flush=True)
    sys.stdin.read()
    studio.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
