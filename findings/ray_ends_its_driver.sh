#!/usr/bin/env bash
# Ray ends the process that is connected to a cluster, with all it does besides, a minute after the cluster's head has gone.
#
# Guess: calls raise an error, which the program may catch, and connects anew.
# Seen with ray 2.60.0, Python 3.11, Linux: after 60 s the C++ side logs "Failed to connect to GCS within 60 seconds … The
# program will terminate" and exits with 1; no Python exception is raised, no `finally` runs. `ray.shutdown()` before that
# takes 5 s and saves the process.
# What follows: Stir looks for the head every second and lets go of Ray when it has been silent for 15 s.
#
# Output seen:
#   the head has gone
#   … Failed to connect to GCS within 60 seconds … The program will terminate.
#   exit status 1
set -uo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0 psutil
"$folder/venv/bin/python" - >"$folder/out" 2>&1 <<'PY'
import time

import psutil
import ray

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
next(one for one in psutil.Process().children(recursive=True) if one.name() == "gcs_server").kill()
print("the head has gone", flush=True)
try:
    time.sleep(90)
finally:
    print("a finally runs", flush=True)
PY
status=$?
grep -E "head has gone|will terminate|finally" "$folder/out"
echo "exit status $status"
[ "$status" = 1 ] && grep -q "will terminate" "$folder/out" && ! grep -q "a finally runs" "$folder/out" || { cat "$folder/out"; echo "it behaves otherwise now"; exit 1; }
