#!/usr/bin/env bash
# PyAV opens an MP4 of 600 bytes into hundreds of megabytes: libavformat builds an index of every picture the header claims.
#
# Guess: opening with the format named, probesize and analyzeduration small and a timeout bounds what a file can cost.
# Seen with av 18.1.0 (libavformat 62.12), Python 3.11, Linux: none of the three is asked. A sample size box may give one size for
# all of 10,000,000 pictures in four bytes; mov_build_index then allocates and fills 24 bytes for each, before `av.open` returns:
# 350 MB and a second or more. Of 80,000,000 it is 2 GB and ten seconds. (From 89,478,485 on the count is refused.)
# What follows: a file nobody vouches for is opened in a process with limits of its own (RLIMIT_AS, RLIMIT_CPU); where memory is
# refused, libavformat goes on without the index, and the metadata is still read.
#
# Output seen:
#   av 18.1.0
#   1,000 pictures claimed in 607 bytes: 3 MB
#   10,000,000 pictures claimed in 607 bytes: 351 MB
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0
cat > "$folder/try.py" <<'PY'
import resource
import struct
import sys
from pathlib import Path

import av


def box(name, body):
    return struct.pack(">I", len(body) + 8) + name + body


def full(name, *numbers, rest=b""):
    return box(name, bytes(4) + struct.pack(f">{len(numbers)}I", *numbers) + rest)


def film(samples):
    picture = box(b"avc1", bytes(7) + b"\1" + bytes(16) + struct.pack(">HH", 64, 64) + bytes(50))
    table = full(b"stsd", 1, rest=picture) + full(b"stts", 1, samples, 1) + full(b"stsc", 1, 1, samples, 1)
    table += full(b"stsz", 1, samples) + full(b"stco", 1, 100)
    about = full(b"mdhd", 0, 0, 1000, 1000, 0) + full(b"hdlr", 0, rest=b"vide" + bytes(13))
    track = full(b"tkhd", *[0] * 20) + box(b"mdia", about + box(b"minf", full(b"vmhd", 0, 0) + box(b"stbl", table)))
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", full(b"mvhd", *[0] * 24) + box(b"trak", track)) + box(b"mdat", bytes(64))


def grown(samples):
    file = Path(sys.argv[1]) / "film.mp4"
    file.write_bytes(film(samples))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with av.open(str(file), format="mov", options={"probesize": "32", "analyzeduration": "0"}, timeout=(1, 1)):
        pass
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{samples:,} pictures claimed in {file.stat().st_size} bytes: {more:.0f} MB")
    return more


print("av", av.__version__)
few, many = grown(1000), grown(10_000_000)
sys.exit(0 if few < 50 and many > 200 else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
