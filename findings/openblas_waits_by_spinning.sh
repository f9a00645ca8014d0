#!/usr/bin/env bash
# A small matrix product of numpy takes many times as long when other programs hold the cores, unless OpenBLAS has one thread.
#
# Guess: beside a busy program (an encoder) a product of (12000, 9) by (9, 16), 0.05 ms by itself, takes about twice as long:
# its threads get half of each core.
# Seen with numpy 2.4.6 from PyPI (OpenBLAS 0.3.31), Linux: OpenBLAS splits it over all cores and waits for the last part by
# spinning, so a thread that is not scheduled holds up the others for whole time slices, and their waiting takes the time it
# waits for. Products every 2 ms, as a renderer has them between other work, took some 50 times one thread's time.
# What follows: a program that does little linear algebra beside other work is better off with OPENBLAS_NUM_THREADS=1, or
# threadpoolctl where numpy is loaded already. Here a frame went from 30 ms to 6.
#
# Output seen:
#   numpy 2.4.6, 2 cores, as many busy programs
#   one thread: 0.05 ms a product on average
#   as many threads as cores: 2.52 ms, more than 3 times as long: yes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
cat > "$folder/product.py" <<'PY'
import time

import numpy as np

left, right = (np.random.default_rng(0).random(shape, dtype=np.float32) for shape in ((12000, 9), (9, 16)))
took = []
for _ in range(400):
    end = time.perf_counter() + 0.002
    while time.perf_counter() < end:
        pass
    began = time.perf_counter()
    left @ right
    took.append(time.perf_counter() - began)
print(1000 * sum(took) / len(took))
PY
cat > "$folder/try.py" <<'PY'
import os
import subprocess
import sys

import numpy

cores = os.cpu_count()
busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
try:
    one, many = (
        min(
            float(subprocess.check_output([sys.executable, sys.argv[1]], env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}))
            for _ in range(3)
        )
        for threads in (1, cores)
    )
finally:
    for each in busy:
        each.kill()
print(f"numpy {numpy.__version__}, {cores} cores, as many busy programs")
print(f"one thread: {one:.2f} ms a product on average")
print(f"as many threads as cores: {many:.2f} ms, more than 3 times as long: {'yes' if many > 3 * one else 'no'}")
assert cores == 1 or many > 3 * one, "this has changed"
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder/product.py"
