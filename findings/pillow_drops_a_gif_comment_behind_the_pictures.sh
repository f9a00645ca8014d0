#!/usr/bin/env bash
# Pillow never shows a GIF comment that stands behind the last picture; libavformat (PyAV) does.
#
# Guess: `Image.open(file).info["comment"]`, or a look at every frame's, holds whatever comment a GIF carries.
# Seen with pillow 11.3.0 and av 18.1.0, Python 3.11, Linux: a comment belongs to the frame that follows it. Behind the last one no
# frame follows: what was read is dropped when the trailer is met, on every frame. PyAV's "gif" demuxer walks all blocks when
# it opens the file and gives the last comment.
# What follows: who wants a comment wherever it stands reads it with PyAV.
#
# Output seen:
#   pillow 11.3.0, av 18.1.0
#   before the pictures: Pillow b'words', PyAV 'words'
#   behind the pictures: Pillow None, PyAV 'words'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==11.3.0 av==18.1.0
cat > "$folder/try.py" <<'PY'
import io
import sys
from pathlib import Path

import av
import PIL
from PIL import Image

COMMENT = b"!\xfe\x05words\0"


def seen(file):
    with Image.open(file) as picture:
        shown = None
        for index in range(picture.n_frames):
            picture.seek(index)
            shown = picture.info.get("comment", shown)
    with av.open(str(file), format="gif") as clip:
        return shown, clip.metadata.get("comment")


sink = io.BytesIO()
first, second = Image.new("L", (8, 8), 0), Image.new("L", (8, 8), 255)
first.save(sink, "GIF", save_all=True, append_images=[second])
plain = sink.getvalue()
colours = 3 << ((plain[10] & 7) + 1) if plain[10] & 0x80 else 0
print(f"pillow {PIL.__version__}, av {av.__version__}")
before, behind = Path(sys.argv[1]) / "before.gif", Path(sys.argv[1]) / "behind.gif"
before.write_bytes(plain[: 13 + colours] + COMMENT + plain[13 + colours :])
behind.write_bytes(plain[:-1] + COMMENT + b";")
found = [seen(before), seen(behind)]
for words, (pillow, pyav) in zip(("before", "behind"), found, strict=True):
    print(f"{words} the pictures: Pillow {pillow}, PyAV {pyav!r}")
sys.exit(0 if found == [(b"words", "words"), (None, "words")] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
