#!/usr/bin/env bash
# MoviePy's iter_frames gives one frame fewer than the file holds where the length isn't close to whole hundredths of a second.
#
# Guess: a file of 49 frames at 24 a second gives 49 frames, the more so as MoviePy decodes it to the end when it opens it.
# Seen with moviepy 2.2.1 and the ffmpeg of imageio-ffmpeg 0.8.1, Python 3.11, Linux: its length is read from ffmpeg's words,
# which end at hundredths (49/24 = 2.0417 is "2.04"), and its count of frames is that length times the rate, rounded down:
# 48. The last picture is in the file and get_frame finds it; going through the clip, or writing it again, loses it. 50
# frames at 16 a second are "3.13", longer than they are, and all come.
# What follows: who needs every frame counts them with another reader and asks get_frame for the middle of each.
#
# Output seen:
#   moviepy 2.2.1, imageio-ffmpeg 0.8.1
#   49 frames at 24: length 2.04 s, iter_frames 48, the last of them is number 47; get_frame finds number 48
#   37 frames at 24: length 1.54 s, iter_frames 36, the last of them is number 35; get_frame finds number 36
#   50 frames at 16: length 3.13 s, iter_frames 50, the last of them is number 49; get_frame finds number 49
#   48 frames at 24: length 2.00 s, iter_frames 48, the last of them is number 47; get_frame finds number 47
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check moviepy==2.2.1 imageio-ffmpeg==0.8.1 "pillow<12"
cat > "$folder/try.py" <<'PY'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from moviepy import VideoFileClip

FILE = str(Path(sys.argv[1]) / "a.mp4")


def write(count, rate):
    """Frame k is grey 3k + 20, without loss."""
    raw = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", "64x48", "-framerate", str(rate), "-i", "pipe:0"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *raw, "-c:v", "libx264rgb", "-qp", "0", "-y", FILE]
    frames = b"".join(np.full((48, 64, 3), 20 + 3 * index, np.uint8).tobytes() for index in range(count))
    subprocess.run(command, input=frames, check=True)


def number(frame):
    return round((int(frame[0, 0, 0]) - 20) / 3)


print(f"moviepy {version('moviepy')}, imageio-ffmpeg {version('imageio-ffmpeg')}")
found = []
for count, rate in ((49, 24), (37, 24), (50, 16), (48, 24)):
    write(count, rate)
    with VideoFileClip(FILE, audio=False) as clip:
        shown = [number(frame) for frame in clip.iter_frames()]
        last = number(clip.get_frame((count - 0.5) / rate))
        print(
            f"{count} frames at {rate}: length {clip.duration:.2f} s, iter_frames {len(shown)}, the last of them is number"
            f" {shown[-1]}; get_frame finds number {last}"
        )
        found.append((count - len(shown), last == count - 1))
sys.exit(0 if found == [(1, True), (1, True), (0, True), (0, True)] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
