"""Damaged files at the intake: 300 mutants of each kind, read in a bounded child process.

`python -m bench fuzz` counts for each kind what opened, what was refused, and what ended or outlasted the child, with the longest
processor time and the most memory. STIR_FUZZ_SEED repeats a run. A mutant never reaches the disk: only its kind and its seed are
said, and `python -m bench.fuzz KIND SEED SEED` reads it again.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from bench.clips import table, verdict
from studio.config import ROOT
from studio.nouns import Refusal
from studio.photo.intake.image_decoder import decode_image
from tests.photo.mutants import BASES, mutate

COUNT = int(os.environ.get("STIR_FUZZ_COUNT", "300"))
MOST_SECONDS, MOST_MB = 5.0, 1024
KILLED_AFTER = 30.0
"""Seconds without an answer after which a child is ended: processor time is what is measured, and the machine may be busy."""
MEMORY = 8 << 30
"""Bytes of address space that a child may ask for."""


class Outcome(NamedTuple):
    """What became of one mutant: "opened", "refused", "raised …" (not a Refusal), "ended …" or "hung"; s and MB at most."""

    seed: int
    end: str
    seconds: float
    mb: int

    @property
    def is_sound(self) -> bool:
        """Whether it was opened or refused, in time and within the memory."""
        return self.end in ("opened", "refused") and self.seconds <= MOST_SECONDS and self.mb <= MOST_MB


def fuzz_kind(kind: str, first: int, count: int) -> list[Outcome]:
    """Read `count` mutants of a kind, seeds from `first` on, in child processes: a new one after each that ended or hung."""
    found: list[Outcome] = []
    while len(found) < count:
        found += _run_child(kind, first + len(found), first + count - 1)
    return found


def _run_child(kind: str, first: int, last: int) -> list[Outcome]:
    """The outcomes until all are read or the child is gone, the one that it went with included."""
    command = [sys.executable, "-m", "bench.fuzz", kind, str(first), str(last)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout
    found: list[Outcome] = []
    with child:
        while first + len(found) <= last:
            ready = select.select([child.stdout], [], [], KILLED_AFTER)[0]
            line = child.stdout.readline() if ready else ""
            if not line:
                child.kill()
                end = f"ended with {child.wait()}" if ready else "hung"
                found.append(Outcome(first + len(found), end, 0.0 if ready else KILLED_AFTER, 0))
                break
            found.append(msgspec.json.decode(line, type=Outcome))
    return found


def read_mutants(kind: str, first: int, last: int) -> None:
    """The child's part: read each mutant and print its `Outcome` as a line of JSON."""
    import resource  # Linux and macOS have it

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bases = [build() for build in BASES[kind]]
    for seed in range(first, last + 1):
        data = mutate(bases[seed // 3 % len(bases)], seed)
        _forget_peak()
        start = time.process_time()
        try:
            image = decode_image(data, f"mutant.{kind.lower()}").image
            end = "opened" if image.ndim == 3 and image.dtype == np.uint8 else f"raised a picture of {image.dtype}"
        except Refusal as refusal:
            end = "refused" if refusal.reason and refusal.remedy else "raised a refusal without words"
        except Exception as error:
            end = f"raised {type(error).__name__}"
        print(msgspec.json.encode(Outcome(seed, end, time.process_time() - start, _peak())).decode(), flush=True)


def _forget_peak() -> None:
    """Let the kernel count this process's peak memory anew (Linux only)."""
    with Path("/proc/self/clear_refs").open("w") as control:
        control.write("5")


def _peak() -> int:
    """The most memory this process has had since, in MB."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) // 1024


def run() -> None:
    """Print the table."""
    seed = int(os.environ.get("STIR_FUZZ_SEED") or time.time()) // 3 * 3
    rows: list[tuple[str, ...]] = []
    unsound: list[str] = []
    for kind in BASES:
        found = fuzz_kind(kind, seed, COUNT)
        bad = [one for one in found if not one.is_sound]
        unsound += [f"{kind} {one.seed}: {one.end}, {one.seconds:.1f} s, {one.mb} MB" for one in bad]
        ends = [str(sum(one.end == end for one in found)) for end in ("opened", "refused")]
        most = [f"{max(one.seconds for one in found):.2f}", f"{max(one.mb for one in found)}"]
        rows.append((kind, str(len(found)), *ends, str(len(bad)), *most))
        print(".", end="", file=sys.stderr, flush=True)
    head = ("kind", "mutants", "opened", "refused", "neither", "longest, s", "most memory, MB")
    table(f"Damaged files: bytes flipped, cut out and put in, seed {seed}", head, rows)
    print(f"\nCrashed, hung or over {MOST_SECONDS:g} s or {MOST_MB} MB: {verdict(len(unsound), 0)}")
    print("".join(f"- {line}\n" for line in unsound), end="")


if __name__ == "__main__":
    read_mutants(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
