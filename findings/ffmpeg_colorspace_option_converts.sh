#!/usr/bin/env bash
# ffmpeg's output option -colorspace converts the samples of untagged YUV; -color_range, -color_primaries and -color_trc only tag.
#
# Guess: `-colorspace bt709` writes a tag into the stream and leaves the samples as they are, as its three neighbours do.
# Seen with the ffmpeg of imageio-ffmpeg 0.8.1 (9.0.2), Linux: raw YUV that says nothing of itself is taken for BT.601 and
# converted, without a word: (95, 90, 170) comes out as (88, 94, 168), a photograph at crf 19 fell from 42 to 29 dB. The filter
# `setparams=colorspace=bt709` before it says what the samples are, and then nothing is converted.
# What follows: whoever pipes BT.709 planes into ffmpeg says so by setparams, whatever options stand behind it.
#
# Output seen:
#   imageio-ffmpeg 0.8.1, ffmpeg n9.0.2-17-g2a571b6068-20260930
#   no option: 95 90 170
#   -color_range tv: 95 90 170
#   -color_primaries bt709: 95 90 170
#   -color_trc bt709: 95 90 170
#   -colorspace bt709: 88 94 168
#   -colorspace bt709 -vf setparams=colorspace=bt709: 95 90 170
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1
cat > "$folder/try.py" <<'PY'
import subprocess
import sys
from importlib.metadata import version

import imageio_ffmpeg

WIDTH, HEIGHT, COLOUR = 64, 48, (95, 90, 170)
PLANES = bytes([95]) * (WIDTH * HEIGHT) + bytes([90]) * (WIDTH * HEIGHT // 4) + bytes([170]) * (WIDTH * HEIGHT // 4)


def through(*options):
    """The colour of a raw YUV picture after a lossless encoder with these output options, and a decoder with none."""
    raw = ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{WIDTH}x{HEIGHT}", "-framerate", "24", "-i", "pipe:0"]
    quiet = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
    made = subprocess.run(
        [*quiet, *raw, *options, "-c:v", "libx264", "-qp", "0", "-f", "nut", "-"], input=PLANES * 4, check=True, stdout=subprocess.PIPE
    ).stdout
    plain = [*quiet, "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    back = subprocess.run(plain, input=made, check=True, stdout=subprocess.PIPE).stdout
    return back[0], back[WIDTH * HEIGHT], back[len(PLANES) - 1]


print(f"imageio-ffmpeg {version('imageio-ffmpeg')}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
found = []
for options in (
    (), ("-color_range", "tv"), ("-color_primaries", "bt709"), ("-color_trc", "bt709"), ("-colorspace", "bt709"),
    ("-colorspace", "bt709", "-vf", "setparams=colorspace=bt709"),
):
    found.append(through(*options))
    print(f"{' '.join(options) or 'no option'}: {' '.join(map(str, found[-1]))}")
sys.exit(0 if [one == COLOUR for one in found] == [True, True, True, True, False, True] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
