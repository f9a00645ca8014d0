#!/usr/bin/env bash
# PyAV 18.1.0 with SVT-AV1 4: after one small AV1 encode by root, the caller's own thread stays at the highest real-time priority, and so does
# every process that it starts from then on.
#
# Guess before the run: an encoder may set the priority of threads of its own; the thread that called it is what it was before, at the latest
# once the encoder is closed.
# Seen: run by root, as in most containers and CI machines, opening libsvtav1 puts the calling thread under SCHED_FIFO 99 and nothing puts it
# back. A test suite whose worker encodes an AVIF or a WebM in its process starves the browsers, servers and encoders beside it for the rest of its life,
# and children that are niced are not niced. libx264, beside it, leaves the thread alone. By an ordinary user nothing happens.
#
# Output seen:
#   PyAV 18.1.0
#   libx264: before 0, after 0
#   libsvtav1: before 0, after 1 with priority 99; a child begins with 1
set -euo pipefail
if [ "$(id -u)" != 0 ]; then echo "run this as root: by an ordinary user there is nothing to see"; exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat > look.py <<'PY'
import os
import subprocess
import sys

import av
import numpy as np


def encode(name):
    with av.open(f"{name}.mkv", "w") as box:
        film = box.add_stream(name, rate=24)
        film.width, film.height, film.pix_fmt = 128, 128, "yuv420p"
        box.mux(film.encode(av.VideoFrame.from_ndarray(np.zeros((128, 128, 3), np.uint8), "rgb24")))
        box.mux(film.encode())


print("PyAV", av.__version__)
before = os.sched_getscheduler(0)
encode("libx264")
print(f"libx264: before {before}, after {os.sched_getscheduler(0)}")
assert (before, os.sched_getscheduler(0)) == (os.SCHED_OTHER, os.SCHED_OTHER)
encode("libsvtav1")
after, priority = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
child = subprocess.check_output([sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"], text=True).strip()
print(f"libsvtav1: before {before}, after {after} with priority {priority}; a child begins with {child}")
assert (after, priority, child) == (os.SCHED_FIFO, 99, str(os.SCHED_FIFO))
PY
SVT_LOG=1 timeout 60 env/bin/python look.py
