#!/usr/bin/env bash
# xformers 0.0.35: its kernels load under torch 2.13 with CUDA 13 as soon as the package nvidia-cuda-runtime-cu12 is there; torch itself loads it.
#
# Guess before the run: built for torch 2.10, CUDA 12.8 and Python 3.10, the library can't load under torch 2.13, CUDA 13 and another Python,
# as its warning says ("was built for ... please reinstall"): undefined symbols of torch, one after the other. A runtime of CUDA 12 that lies
# beside changes nothing, since nothing of torch's asks for it.
# Seen: it uses torch's stable interface, and one thing alone is missing: libcudart.so.12, which torch's packages no longer bring. With
# nvidia-cuda-runtime-cu12 (3 MB) installed it loads and registers its operators, without a line of code: when torch is imported it loads the
# first libcudart of any version that it finds under nvidia/, so that both runtimes, 12's and 13's, are in the process. No GPU is needed.
#
# Output seen (3 GB are installed):
#   torch 2.13.0+cu130 xformers 0.0.35
#   without the package: xFormersInvalidLibException; runtimes in the process: libcudart.so.13
#   with it: NoneType; runtimes in the process: libcudart.so.12 libcudart.so.13
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
# The plain wheel has CUDA 13; a machine's own settings may prefer a build for the processor.
install() {
  env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null env/bin/pip install --quiet --disable-pip-version-check "$@"
}
cat > look.py <<'PY'
import logging
import sys

import torch

logging.getLogger("xformers").setLevel(logging.CRITICAL)
from xformers import _cpp_lib, __version__

fault = type(_cpp_lib._cpp_library_load_exception).__name__
with open("/proc/self/maps") as maps:
    runtimes = " ".join(sorted({line.split("/")[-1].strip() for line in maps if "libcudart" in line}))
if sys.argv[1] == "without":
    print("torch", torch.__version__, "xformers", __version__)
    print(f"without the package: {fault}; runtimes in the process: {runtimes}")
    assert (fault, runtimes) == ("xFormersInvalidLibException", "libcudart.so.13")
else:
    print(f"with it: {fault}; runtimes in the process: {runtimes}")
    assert (fault, runtimes) == ("NoneType", "libcudart.so.12 libcudart.so.13")
    assert any("sparse24" in name for name in torch._C._dispatch_get_all_op_names())
PY
install numpy==2.4.6 torch==2.13.0 xformers==0.0.35
env/bin/python look.py without
install nvidia-cuda-runtime-cu12==12.8.90
env/bin/python look.py with
