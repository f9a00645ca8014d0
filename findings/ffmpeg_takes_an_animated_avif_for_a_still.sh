#!/usr/bin/env bash
# ffmpeg and PyAV read the first picture of an animated AVIF, and only it, unless they are told which track to read.
#
# Guess: a film of 24 frames that ffmpeg itself has written as AVIF is read back as 24 frames, as from any other container.
# Seen with the ffmpeg of imageio-ffmpeg 0.8.1 (9.0.2), PyAV 18.1.0 and Pillow 11.3.0, Linux: the file's primary item comes as a
# first track of one frame a second, which is the default; the film is the second one. Pillow reads all 24, Chromium plays them.
# What follows: whoever checks or converts an AVIF takes the track with the most frames; a check of the first finds it 1 s long.
#
# Output seen:
#   imageio-ffmpeg 0.8.1, ffmpeg n9.0.2-17-g2a571b6068-20260930, PyAV 18.1.0, Pillow 11.3.0
#   ffmpeg, no track named: 1
#   ffmpeg -map 0:v:1: 24
#   PyAV, track 0: 1 at 1 fps
#   PyAV, track 1: 24 at 24 fps
#   Pillow: 24
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 av==18.1.0 pillow==11.3.0
cat > "$folder/try.py" <<'PY'
import subprocess
import sys
from importlib.metadata import version

import av
import imageio_ffmpeg
from PIL import Image

folder = sys.argv[1]
file, program = f"{folder}/film.avif", [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=24:duration=1"]
subprocess.run([*program, *source, "-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "40", "-f", "avif", file], check=True)


def count(*choice):
    raw = [*program, "-i", file, *choice, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    return len(subprocess.run(raw, check=True, stdout=subprocess.PIPE).stdout) // (320 * 240)


def decode(track):
    with av.open(file) as clip:
        return sum(1 for _ in clip.decode(video=track)), clip.streams.video[track].average_rate


print(
    f"imageio-ffmpeg {version('imageio-ffmpeg')}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}, "
    f"PyAV {version('av')}, Pillow {version('pillow')}"
)
found = [count(), count("-map", "0:v:1"), decode(0), decode(1), Image.open(file).n_frames]
print(f"ffmpeg, no track named: {found[0]}\nffmpeg -map 0:v:1: {found[1]}")
print(f"PyAV, track 0: {found[2][0]} at {found[2][1]} fps\nPyAV, track 1: {found[3][0]} at {found[3][1]} fps\nPillow: {found[4]}")
sys.exit(0 if found == [1, 24, (1, 1), (24, 24), 24] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
