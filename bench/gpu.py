"""python -m bench gpu: what the studio does on this GPU, with random weights of full size, within nine minutes.

python -m bench gpu [--stage NAME ...] [--minutes N] [--folder PLACE] [--base BUILD]

Each stage is a process of its own with a limit of its own, in the order of their worth: one that fails or doesn't end is a row
that says so, and the others go on. Nothing is downloaded: checkpoints are built meanwhile, in PLACE (a temporary folder unless
given; 60 GB of disk and 64 GB of memory are needed), and deleted after their last stage. Rows go to gpu-rows.jsonl in the current
folder, what libraries say to gpu-rows.log; tables are printed; what was not reached is said, with the command that runs it.

    device, step, moves, load, studio, compiling, seeds   what their names say
    small CARD   that model on GPUs of 8, 12, 16 and 24 GB, which this one plays; "small" is every model
    kernels      every attention kernel on every denoiser: 20 minutes more, only by name
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.gpu_rows import Place, Row, read_rows, show_rows
from studio.config import ROOT

MINUTES = 9.0
ROWS = "gpu-rows.jsonl"
ENDING = 12.0
"""Seconds that are left for the tables, and for ending what runs."""


@dataclass(frozen=True)
class Stage:
    """A stage: the most seconds it gets, the least with which it is begun, and the checkpoint it needs.

    `published`: that in the dtypes of its published files, else in those it runs in.
    """

    name: str
    limit: float
    least: float
    checkpoint: str = ""
    published: bool = False


STAGES = (
    Stage("device", 60, 15),
    Stage("step", 150, 60),
    Stage("moves", 75, 30),
    Stage("load", 90, 30, "wan22-ti2v-5b", published=True),
    Stage("studio", 120, 50, "wan22-ti2v-5b", published=True),
    Stage("small wan22-ti2v-5b", 180, 50, "wan22-ti2v-5b", published=True),
    Stage("compiling", 90, 40),
    Stage("seeds", 60, 20),
    Stage("small svd-xt", 90, 30, "svd-xt"),
    Stage("small sana-video", 120, 40, "sana-video"),
    Stage("small cogvideox15-5b", 200, 50, "cogvideox15-5b"),
    Stage("small ltx-098-13b-distilled", 160, 50, "ltx-098-13b-distilled"),
    Stage("small hunyuan15-480p-fast", 160, 50, "hunyuan15-480p-fast"),
    Stage("small wan21-i2v-480p", 240, 60, "wan21-i2v-480p"),
)
BY_NAME = (Stage("kernels", 1500, 60),)


class Builder:
    """Builds checkpoints one after another, in a process of its own, in the order in which they are needed.

    One for which the disk has no room waits until another has been deleted.
    """

    def __init__(self, place: Path, wanted: Sequence[tuple[str, bool]]) -> None:
        self._place, self._wanted = place, list(wanted)
        self._states = {name: "" for name, _ in wanted}
        self._changed = threading.Condition()
        self._deleted, self._closing = 0, False
        self._process: subprocess.Popen[str] | None = None
        threading.Thread(target=self._build_all, daemon=True).start()

    def _build_all(self) -> None:
        for number, (name, published) in enumerate(self._wanted):
            while True:
                seen, fault = self._deleted, self._build(name, published)
                with self._changed:
                    if not fault or self._closing or self._deleted >= number:
                        break  # nothing more that could be deleted first
                    self._changed.wait_for(lambda seen=seen: self._deleted > seen or self._closing)
            with self._changed:
                self._states[name] = fault or "built"
                self._changed.notify_all()

    def _build(self, name: str, published: bool) -> str:
        """Build one; returns what went wrong."""
        with self._changed:
            if self._closing:
                return "ended"
            command = [
                sys.executable,
                "-m",
                "bench.full_checkpoints",
                str(self._place),
                name,
                *(["published"] if published else []),
            ]
            self._process = start(command, self._place / "build.log", self._place / "build.log")
        if self._process.wait() == 0:
            return ""
        return read_last_line(self._place / "build.log")

    def wait(self, name: str, seconds: float) -> str:
        """Wait until a checkpoint is there; returns why it isn't."""
        with self._changed:
            self._changed.wait_for(lambda: self._states[name], max(0.0, seconds))
            state = self._states[name] or "its checkpoint was not built in time"
        return "" if state == "built" else state

    def delete(self, name: str, later: set[str]) -> None:
        """Delete a checkpoint after its last stage."""
        from bench import full_checkpoints

        full_checkpoints.delete(name, self._place, later)
        with self._changed:
            self._deleted += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Build no more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._process is not None:
            end(self._process)


def start(command: Sequence[str], out: Path, errors: Path) -> subprocess.Popen[str]:
    """A process in a group of its own, so that it can be ended with all that it has started."""
    with out.open("a") as one, errors.open("a") as other:
        return subprocess.Popen(command, cwd=ROOT, stdout=one, stderr=other, text=True, start_new_session=True)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and its group."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)


def read_last_line(log: Path) -> str:
    """The last line of a log that says anything."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def make_command(place: Place) -> list[str]:
    """How a stage is run in a process of its own."""
    about = [place.stage, place.device, str(place.folder), str(place.rows), f"{place.end:.0f}"]
    return [sys.executable, "-m", "bench.gpu_stages", *about, *(["tiny"] if place.tiny else [])]


def run_stage(place: Place, command: Callable[[Place], list[str]] = make_command) -> None:
    """Run a stage in its process, to its end or its limit. What went wrong with it is a row."""
    log, printed = place.folder / "stage.log", place.folder / "stage.out"
    for file in (log, printed):
        file.write_text("", "utf-8")
    began = time.monotonic()
    process = start(command(place), printed, log)
    try:
        code = process.wait(max(1.0, place.left))
    except subprocess.TimeoutExpired:
        end(process)
        place.add(
            "this stage", f"ended after {time.monotonic() - began:.0f} s, at its limit; what it had found is above", met=False
        )
        return
    print(printed.read_text("utf-8"), end="", flush=True)
    if code:
        place.add("this stage", f"failed after {time.monotonic() - began:.0f} s: {read_last_line(log)}", met=False)


def run_stages(
    stages: Sequence[Stage], device: str, folder: Path, rows: Path, seconds: float,
    *, tiny: bool = False, command: Callable[[Place], list[str]] = make_command, builder: Builder | None = None,
) -> list[Row]:  # fmt: skip
    """Run stages one after another within so many seconds, and print each one's table. Returns all rows."""
    over = time.time() + seconds
    for number, stage in enumerate(stages):
        before, begun = len(read_rows(rows)), time.time()
        limit = min(stage.limit, over - begun)
        place = Place(stage.name, device, folder, rows, tiny, begun + limit)
        why = "" if limit >= stage.least else f"no time was left; run: python -m bench gpu --stage '{stage.name}'"
        if not why and builder is not None and stage.checkpoint:
            why = builder.wait(stage.checkpoint, over - begun - stage.least)
            place = Place(stage.name, device, folder, rows, tiny, min(over, time.time() + stage.limit))
        if why:
            place.add("this stage", f"not run: {why}")
        else:
            run_stage(place, command)
            with rows.with_suffix(".log").open("a", encoding="utf-8") as log:
                log.write(f"==== {stage.name}\n{(folder / 'stage.log').read_text('utf-8', 'replace')}")
        later = {one.checkpoint for one in stages[number + 1 :]}
        if builder is not None and stage.checkpoint and stage.checkpoint not in later:
            builder.delete(stage.checkpoint, later - {""})
        show_rows(f"Stage {stage.name} ({time.time() - begun:.0f} s)", read_rows(rows)[before:])
    return read_rows(rows)


def describe_machine() -> str:
    """The device with its driver, the versions, the build and the date: what a table needs to be worth anything."""
    import platform
    from importlib import metadata

    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,pcie.link.gen.current,pcie.link.width.current"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([*query, "--format=csv,noheader"], capture_output=True, text=True, timeout=20, check=True)
        gpu = done.stdout.strip().splitlines()[0]
        names = ("torch", "diffusers", "transformers", "torchao", "triton", "xformers", "flash-attn", "sageattention")
        found: list[str] = []
        for name in names:
            with contextlib.suppress(metadata.PackageNotFoundError):
                found.append(f"{name} {metadata.version(name)}")
        commit = ["git", "rev-parse", "--short", "HEAD"]
        build = subprocess.run(commit, cwd=ROOT, capture_output=True, text=True, check=False).stdout
        return (
            f"{gpu} (name, driver, memory, PCIe generation and width); {os.cpu_count()} cores; "
            f"Python {platform.python_version()}, {', '.join(found)}; "
            f"Stir at {build.strip() or 'no known commit'}; {time.strftime('%d %B %Y')}"
        )
    return "a device that nvidia-smi doesn't describe"


def choose_stages(names: Sequence[str]) -> list[Stage]:
    """The stages of these names, in order; all where there are none. Raises SystemExit for a name that is none."""
    found: list[Stage] = []
    for name in names:
        some = [one for one in (*STAGES, *BY_NAME) if one.name == name or one.name.startswith(f"{name} ")]
        if not some:
            raise SystemExit(f"There is no stage {name!r}. Choose from: {', '.join(one.name for one in (*STAGES, *BY_NAME))}.")
        found += some
    return found or list(STAGES)


def run(names: Sequence[str] = (), minutes: float = MINUTES, folder: str = "") -> None:
    """Run the stages on this machine's GPU, and print what was found."""
    print("\n## On this GPU, with random weights of full size")
    from studio.engines.diffusion.memory.machine import read_machine

    began, machine, stages = time.time(), read_machine(), choose_stages(names)
    if not machine.cuda:
        print(f"\nNot run: there is no CUDA device here ({machine.note}). Nothing in this section is known of this machine.")
        return
    print(f"\n{describe_machine()}", flush=True)
    rows = Path(ROWS).resolve()
    for file in (rows, rows.with_suffix(".log")):
        file.unlink(missing_ok=True)
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory(prefix="stir-gpu-", dir=folder or None, ignore_cleanup_errors=True) as place:
        wanted = {one.checkpoint: one.published for one in stages if one.checkpoint}
        builder = Builder(Path(place), list(wanted.items()))
        try:
            left = 60 * minutes - ENDING - (time.time() - began)
            run_stages(stages, machine.device, Path(place), rows, left, builder=builder)
        finally:
            builder.close()
    missed = [row for row in read_rows(rows) if row.met is False]
    print(f"\n{time.time() - began:.0f} s in all; {len(missed)} rows short of their goals; rows in {rows}")


def main(asked: Sequence[str]) -> None:
    """`python -m bench gpu` with its flags."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m bench gpu", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stage", nargs="+", action="extend", default=[], metavar="NAME", help="only these")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="all in all (9)")
    parser.add_argument("--folder", default="", help="where checkpoints are built")
    parser.add_argument("--base", default="", help="an older build, whose load is measured beside this one's")
    found = parser.parse_args(asked)
    if found.base:
        os.environ["STIR_BENCH_BASE"] = str(Path(found.base).resolve())
    run(found.stage, found.minutes, found.folder)
