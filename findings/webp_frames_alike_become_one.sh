#!/usr/bin/env bash
# ffmpeg's animated WebP encoder writes fewer frames than it is given where some are alike; its GIF encoder writes them all.
#
# Guess: a clip of 30 pictures is an animated WebP of 30 frames, as it is a GIF of 30.
# Seen with the ffmpeg of imageio-ffmpeg 0.8.1 (libwebp_anim) and pillow 11.3.0, Python 3.11, Linux: frames that are alike become
# one that is shown longer, so 10 alike, 10 others and 10 alike are 11 frames; 30 alike are a still picture without any
# length at all. It is libwebp's own animation encoder that does it, and the length of the rest stays right.
# What follows: who counts frames, or promises a rate and a length, has to read them from the file; a slow start and a held end
# lose frames. To keep every frame, encode each with libwebp and write the ANMF chunks (RFC 9649, 2.7.1).
#
# Output seen:
#   imageio-ffmpeg 0.8.1, pillow 11.3.0
#   30 alike: GIF 30 frames, 3000 ms; WebP 1 frames, 0 ms
#   10 alike, 10 others, 10 alike: GIF 30 frames, 3000 ms; WebP 11 frames, 3000 ms
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 pillow==11.3.0
cat > "$folder/try.py" <<'PY'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

FOLDER, SIDE = Path(sys.argv[1]), 64


def shade(value):
    return bytes([value]) * (SIDE * SIDE * 3)


def made(name, frames, *encoder):
    file = FOLDER / name
    raw = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{SIDE}x{SIDE}", "-framerate", "10", "-i", "pipe:0"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *raw, *encoder, "-y", str(file)]
    subprocess.run(command, input=b"".join(frames), check=True)
    with Image.open(file) as picture:
        shown = []
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            picture.load()
            shown.append(int(picture.info.get("duration") or 0))
    return len(shown), sum(shown)


print(f"imageio-ffmpeg {version('imageio-ffmpeg')}, pillow {version('pillow')}")
alike = [shade(120)] * 30
mixed = [shade(20)] * 10 + [shade(20 + 20 * index) for index in range(1, 11)] + [shade(220)] * 10
found = []
for words, frames in (("30 alike", alike), ("10 alike, 10 others, 10 alike", mixed)):
    gif = made("a.gif", frames, "-f", "gif")
    webp = made("a.webp", frames, "-vf", "format=bgra", "-c:v", "libwebp_anim", "-loop", "0", "-f", "webp")
    print(f"{words}: GIF {gif[0]} frames, {gif[1]} ms; WebP {webp[0]} frames, {webp[1]} ms")
    found.append((gif[0], webp[0]))
sys.exit(0 if found[0] == (30, 1) and found[1][0] == 30 and found[1][1] < 30 else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
