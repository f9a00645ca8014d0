"""`python -m bench`: every figure the README gives, measured here and now, as markdown tables.

python -m bench            all of them (three quarters of an hour; with a GPU nine minutes more)
python -m bench speed      one of them: quality, steady, seam, depth, doctor, mend, speed, fuzz, side_by_side, peers, gpu, …
python -m bench coherence [NAME ...] [--base BUILD]   likeness to the photo, an older build's beside it (--help says more)
python -m bench gpu [--stage NAME ...] [--minutes N]  what the studio does on this GPU, in nine minutes (--help says more)
python -m bench day [--share 0.05] [--seed N]         a day's work with kills, sped up; the whole takes most of an hour
python -m bench steady --base BUILD                   an older build beside this one, in the same run; also load; remake needs one
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

BENCHES = (
    "quality", "steady", "seam", "depth", "doctor", "mend", "speed", "side_by_side", "open_compare", "peers", "diffusion", "gpu",
    "check", "damage", "score_time", "fuzz", "house", "remake", "hdr", "intake", "load", "moves", "fp8_step", "lanes", "hosted",
    "decoding", "batch", "farm", "day", "tabs", "large_library", "slopes", "event_fuzz",
)  # fmt: skip


def _runner(name: str) -> Callable[[], None] | None:
    return import_module(f"bench.{name}").run if find_spec(f"bench.{name}") else None


def main(asked: list[str]) -> int:
    """Run the benches that were asked for, or all. Returns 2 for a name that is none."""
    if asked[:1] == ["coherence"]:
        import_module("bench.compare").main(asked[1:])
        return 0
    if asked[:1] == ["gpu"] and len(asked) > 1:
        import_module("bench.gpu").main(asked[1:])
        return 0
    if asked[:1] == ["day"] and len(asked) > 1:
        import_module("bench.day").run(asked[1:])
        return 0
    if asked[:1] == ["event_fuzz"]:
        import_module("bench.event_fuzz").run(asked[1:])
        return 0
    if {"-h", "--help"} & set(asked):
        print(__doc__)
        return 0
    if "--base" in asked[:-1]:
        at = asked.index("--base")
        os.environ["STIR_BENCH_BASE"] = str(Path(asked[at + 1]).resolve())
        asked = [*asked[:at], *asked[at + 2 :]]
    known = [name for name in BENCHES if find_spec(f"bench.{name}")]
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"There is no bench called {unknown[0]!r}. Choose from: {', '.join(known)}.", file=sys.stderr)
        return 2
    print(f"# Measured on {os.cpu_count()} cores, {platform.machine()} {platform.system()}, Python {platform.python_version()}")
    for name in asked or known:
        runner = _runner(name)
        if runner:
            runner()
    return 0


sys.exit(main(sys.argv[1:]))
