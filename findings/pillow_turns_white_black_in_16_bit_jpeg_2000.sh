#!/usr/bin/env bash
# Pillow shows the whites of a 16-bit RGB JPEG 2000 as black.
#
# Guess: Pillow opens it as 8-bit RGB of the same picture, within one level of value/257.
# Seen with pillow 13.0.0 and 11.3.0, imagecodecs 2026.3.6, Python 3.11, Linux: a number is rounded to 8 bits by adding half a
# level and dropping the low byte, and what lies over 65407 of 65535 overflows to 0: clouds, paper and an opacity of 1 come out
# black or clear. Grey ones are handed over with 16 bits and are right.
# What follows: colours of more than 8 bits are read by imagecodecs (OpenJPEG itself), not by Pillow.
#
# Output seen:
#   pillow 13.0.0
#   RGB: 0 > 0, 1000 > 4, 32768 > 128, 65279 > 255, 65408 > 0, 65535 > 0
#   imagecodecs: the same 16 bits as were put in: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 imagecodecs==2026.3.6
cat > "$folder/try.py" <<'PY'
import io
import sys

import imagecodecs
import numpy as np
import PIL
from PIL import Image

VALUES = np.array([0, 1000, 32768, 65279, 65408, 65535], np.uint16)
picture = np.ascontiguousarray(np.repeat(np.tile(VALUES, (64, 16))[..., None], 3, -1))
data = imagecodecs.jpeg2k_encode(picture, level=0, codecformat="jp2")
with Image.open(io.BytesIO(data)) as opened:
    mode, seen = opened.mode, [int(value) for value in np.asarray(opened)[0, : len(VALUES), 0]]
print(f"pillow {PIL.__version__}")
print(f"{mode}: " + ", ".join(f"{value} > {level}" for value, level in zip(VALUES, seen, strict=True)))
whole = np.array_equal(imagecodecs.jpeg2k_decode(data), picture)
print(f"imagecodecs: the same 16 bits as were put in: {whole}")
sys.exit(0 if seen == [0, 4, 128, 255, 0, 0] and whole else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
