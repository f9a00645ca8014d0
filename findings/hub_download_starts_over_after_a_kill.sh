#!/usr/bin/env bash
# huggingface_hub starts a large file over when the process before was stopped, and what that one had fetched stays on the disk.
#
# Guess: hf_hub_download goes on where the last process stopped: it keeps NAME.incomplete in the cache, and asks for the rest by
# a Range header, as it did through 0.x and as the argument it once had (resume_download) was retired for.
# Seen with huggingface_hub 2.4.0 over plain HTTP (no Xet), Python 3.11, Linux: every call writes a file of its own,
# ETAG.RANDOM.incomplete. After Ctrl+C it is deleted, after a kill it stays for good; in both cases the next call sends no Range
# and fetches the whole file. Only a connection that breaks within one call is taken up again.
# What follows: a model of 30 GB that was stopped at 29 GB costs 30 GB more, and the 29 stay until somebody deletes them.
#
# Output seen:
#   huggingface_hub 2.4.0
#   after Ctrl+C: files left 0, next call asks for a range: no, bytes fetched again 16777216 of 16777216
#   after a kill: files left 1, next call asks for a range: no, bytes fetched again 16777216 of 16777216
#   unfinished files left once the file is there: 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0
cat > "$folder/fetch.py" <<'PY'
import sys

from huggingface_hub import hf_hub_download

hf_hub_download("someone/model", "weights.bin", cache_dir=sys.argv[1])
PY
cat > "$folder/try.py" <<'PY'
"""A hub on loopback with one file of 16 MiB, served slowly at first so that a download can be stopped in the middle."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DATA = bytes(range(256)) * 65536
STEP = 1 << 20
ranges, served, slow = [], [0], [True]


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(DATA)

    def do_GET(self):
        ranges.append(self.headers.get("Range"))
        start = int(ranges[-1].removeprefix("bytes=").split("-")[0]) if ranges[-1] else 0
        self.answer(DATA[start:], start)
        for at in range(start, len(DATA), STEP):
            try:
                self.wfile.write(DATA[at : at + STEP])
            except OSError:
                return
            served[0] += len(DATA[at : at + STEP])
            time.sleep(0.3 if slow[0] else 0)

    def answer(self, body, start=0):
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hashlib.sha256(DATA).hexdigest()}"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.end_headers()

    def log_message(self, *_):
        pass


def unfinished(cache):
    return [file for file in cache.rglob("*.incomplete") if file.is_file()]


def fetch(cache):
    return subprocess.Popen([sys.executable, Path(__file__).with_name("fetch.py"), cache], env=environment, stderr=subprocess.DEVNULL)


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = {
    **os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HOME": sys.argv[1] + "/home", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
import huggingface_hub

print(f"huggingface_hub {huggingface_hub.__version__}")
for words, how, stays in (("Ctrl+C", signal.SIGINT, 0), ("a kill", signal.SIGKILL, 1)):
    cache = Path(sys.argv[1]) / how.name
    slow[0] = True
    first = fetch(cache)
    deadline = time.monotonic() + 60
    while not any(file.stat().st_size > 2 * STEP for file in unfinished(cache)):
        assert time.monotonic() < deadline, "the download never began"
        time.sleep(0.05)
    first.send_signal(how)
    first.wait(30)
    left = len(unfinished(cache))
    slow[0], served[0] = False, 0
    ranges.clear()
    assert fetch(cache).wait(60) == 0
    asked = any(ranges)
    print(f"after {words}: files left {left}, next call asks for a range: {'yes' if asked else 'no'}, "
          f"bytes fetched again {served[0]} of {len(DATA)}")
    assert left == stays and not asked and served[0] == len(DATA), "this has changed"
print(f"unfinished files left once the file is there: {len(unfinished(cache))}")
assert len(unfinished(cache)) == 1, "this has changed"
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
