"""Flags of workers on other machines: `worker`'s own, and --ray of the commands whose clips workers may make."""

from __future__ import annotations

import argparse


def add_worker(worker: argparse.ArgumentParser) -> None:
    """The flags of `worker`."""
    worker.add_argument("--address", metavar="HOST:PORT", default="auto", help="where the studio's cluster is")
    worker.add_argument("--cores", metavar="N", type=_count, help="at most so many cores")
    worker.add_argument("--gpus", metavar="N", type=_count, help="at most so many GPUs, 0 for none")


def add_ray(command: argparse.ArgumentParser) -> None:
    """--ray."""
    command.add_argument(
        "--ray", metavar="auto|ADDRESS", help="have the workers of a Ray cluster make the clips (or STIR_RAY)"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 4096:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 0 to 4096")
    return int(text)
