#!/usr/bin/env bash
# pillow-heif 1.8.1: the array of a picture that was opened with remove_stride=False is sheared where a padded row isn't a whole number of pixels.
#
# Guess before the run: the array has the padding as pixels at the end of each row, so that slicing off the width gives the picture, the
# same as with the padding removed, at any width.
# Seen: libheif pads rows to 16 bytes. Of a 10-bit RGB picture, 6 bytes a pixel, 432 px wide, a row has no padding and both are alike. At
# 426 px a row has 2560 bytes, the array's width is that over 6 rounded down, 426, and each row of it begins 4 bytes further into its
# neighbour: the picture leans and its colours change places. Rows laid out by `stride` are right.
#
# Output seen:
#   pillow-heif 1.8.1 libheif 1.23.6
#   432 px: row of 2592 bytes; array 0.0, rows by stride 0.0 levels of 256 off
#   426 px: row of 2560 bytes; array 69.4, rows by stride 0.0 levels of 256 off
#   401 px: row of 2416 bytes; array 69.7, rows by stride 0.0 levels of 256 off
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6 pillow==11.3.0 pillow-heif==1.8.1
cat > look.py <<'PY'
import io

import numpy as np
import pillow_heif

print("pillow-heif", pillow_heif.__version__, "libheif", pillow_heif.libheif_version())
found = {}
for width in (432, 426, 401):
    across, down = np.meshgrid(np.linspace(0, 60_000, width), np.linspace(0, 60_000, 300))
    picture = np.stack([across, down, 60_000 - across], -1).astype(np.uint16)
    sink = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (width, 300), picture.tobytes()).save(sink, quality=-1, chroma=444)
    whole = np.asarray(pillow_heif.open_heif(io.BytesIO(sink.getvalue()), convert_hdr_to_8bit=False))
    opened = pillow_heif.open_heif(io.BytesIO(sink.getvalue()), convert_hdr_to_8bit=False, remove_stride=False)[0]
    array = np.asarray(opened)[:, :width]
    rows = np.ndarray((300, width, 3), np.uint16, opened.data, strides=(opened.stride, 6, 2))
    found[width] = [float(np.abs(one.astype(int) - whole).mean() / 256) for one in (array, rows)]
    print(f"{width} px: row of {opened.stride} bytes; array {found[width][0]:.1f}, rows by stride {found[width][1]:.1f} levels of 256 off")
assert found[432] == [0, 0] and all(found[width][0] > 10 and found[width][1] == 0 for width in (426, 401))
PY
env/bin/python look.py
