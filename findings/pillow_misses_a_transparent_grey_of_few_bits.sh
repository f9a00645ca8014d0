#!/usr/bin/env bash
# Pillow shows the transparent grey of a PNG of 2 or 4 bits as opaque, unless it is black.
#
# Guess: a grey that the tRNS chunk of a PNG names is transparent once the picture is converted to RGBA, whatever its depth.
# Seen with pillow 13.0.0, Python 3.11, Linux (11.3.0 misses it with 1 bit, too): the samples are spread over 0..255 as they are
# decoded, and `info["transparency"]` stays as the chunk has it, 3 or 15 for white, so that the two are never alike but
# for 0. libvips, ImageMagick and Chromium show it transparent.
# What follows: the number is brought to 8 bits before the picture is converted (png_chunks.scale_grey_key).
#
# Output seen:
#   pillow 13.0.0
#   opacity of a white that tRNS names: 1 bit 0, 2 bits 255, 4 bits 255, 8 bits 0, 16 bits 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
cat > "$folder/try.py" <<'PY'
import io
import struct
import sys
import zlib

import PIL
from PIL import Image


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def opacity(bits):
    """Of a row of eight white pixels, whose white is transparent."""
    header, key = struct.pack(">IIBBBBB", 8, 1, bits, 0, 0, 0, 0), struct.pack(">H", 2**bits - 1)
    row = zlib.compress(b"\0" + b"\xff" * bits)
    parts = [(b"IHDR", header), (b"tRNS", key), (b"IDAT", row), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    with Image.open(io.BytesIO(data)) as opened:
        return opened.convert("RGBA").getpixel((0, 0))[3]


print(f"pillow {PIL.__version__}")
seen = {bits: opacity(bits) for bits in (1, 2, 4, 8, 16)}
words = ", ".join(f"{bits} bit{'s' * (bits > 1)} {alpha}" for bits, alpha in seen.items())
print(f"opacity of a white that tRNS names: {words}")
sys.exit(0 if seen == {1: 0, 2: 255, 4: 255, 8: 0, 16: 0} else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
