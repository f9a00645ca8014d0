"""A Hugging Face hub on loopback: real HTTP, real redirects, ranges, gates and broken connections, and nothing behind it.

`Hub` serves what a test puts into it as the real one does, as far as huggingface_hub asks for it: what a repository holds
(/api/models/…), its files (/…/resolve/…), large ones by a redirect to another host, the store. It counts what it serves.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".msgpack", ".onnx", ".gguf", ".h5")
"""Kept in the store, as Git LFS files are: known by their sha256, and reached by a redirect."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def blob(content: bytes) -> str:
    """What git calls a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class Repo:
    """One repository at one commit. `gate` "": open; "auto": its files only for those in `let_in` (tokens)."""

    files: dict[str, bytes]
    licence: str = "apache-2.0"
    gate: str = ""
    let_in: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.commit = hashlib.sha1(repr(sorted((name, sha256(what)) for name, what in self.files.items())).encode()).hexdigest()


class Hub:
    """A hub at `address`, which a test sets as HF_ENDPOINT. Use it as a context manager.

    `pace`: seconds that a `step` of bytes takes. `drop_after`: so many bytes into an answer the connection breaks; each number in
    the list counts once. `status`: answers to every path that holds these words. `ranges` False: ranges are ignored. `xet`: large
    files are offered that way too. `asked` is every request as "METHOD path", `served` the bytes of each file handed over,
    `tokens` what the hub, `leaked` what the store was shown as a token.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.pace, self.step = 0.0, 65_536
        self.drop_after: list[int] = []
        self.status: dict[str, int] = {}
        self.ranges, self.xet = True, False
        self.asked: list[str] = []
        self.served: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.leaked: set[str] = set()
        self.answering = 0
        self.lock = threading.Lock()
        self._servers = [_server(self, _Front), _server(self, _Store)]
        self.address = f"http://127.0.0.1:{self._servers[0].server_port}"
        # Another host name, as far as a client can tell: the real store is one too.
        self.store = f"http://localhost:{self._servers[1].server_port}"

    def put(self, repo: str, files: dict[str, bytes], **more: Any) -> Repo:
        self.repos[repo] = Repo(dict(files), **more)
        return self.repos[repo]

    def put_folder(self, repo: str, folder: Path, **more: Any) -> Repo:
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return self.put(repo, files, **more)

    def content(self, etag: str) -> bytes:
        return next(what for repo in self.repos.values() for what in repo.files.values() if sha256(what) == etag)

    def bytes_of(self, *names: str) -> int:
        """Bytes of files whose paths end so that were handed over so far."""
        with self.lock:
            return sum(count for path, count in self.served.items() if path.endswith(names))

    def rest(self) -> int:
        """Wait until nothing is being written any more; the bytes of files that were, since it was last asked."""
        end = time.monotonic() + 40
        while self.answering:
            assert time.monotonic() < end, "somebody still reads"
            time.sleep(0.005)
        with self.lock:
            count = sum(self.served.values())
            self.served.clear()
        return count

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _server(hub: Hub, kind: type[_Answering]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (kind,), {"hub": hub}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


class _Answering(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):  # a client that has gone
            super().handle()

    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, code: str, words: str) -> None:
        more = {"X_Error_Code": code} if code else {}
        self.reply(status, json.dumps({"error": words}).encode(), X_Error_Message=words, **more)

    def send(self, name: str, content: bytes, **headers: str) -> None:
        """A file, or the range of it that was asked for, at the hub's pace, and cut off where a test says so."""
        hub, start, end = self.hub, 0, len(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and hub.ranges:
            start, end = int(asked[1]), min(end, int(asked[2]) + 1 if asked[2] else end)
            if start >= len(content):
                self.reply(416, Content_Range=f"bytes */{len(content)}")
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        else:
            self.send_response(200)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        with hub.lock:
            cut = hub.drop_after.pop(0) if hub.drop_after and name.endswith(LARGE) else None
            hub.answering += 1
        try:
            self._write(name, content[start:end], cut)
        finally:
            with hub.lock:
                hub.answering -= 1

    def _write(self, name: str, content: bytes, cut: int | None) -> None:
        for at in range(0, len(content), self.hub.step):
            if cut is not None and at >= cut:
                self.close_connection = True
                self.connection.close()
                return
            if self.hub.pace:
                time.sleep(self.hub.pace)
            piece = content[at : at + self.hub.step]
            with self.hub.lock:  # before it is written: who holds the bytes finds them counted
                self.hub.served[name] += len(piece)
            self.wfile.write(piece)


class _Front(_Answering):
    """huggingface.co itself."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        with self.hub.lock:
            self.hub.asked.append(f"{self.command} {path}")
            if self.token():
                self.hub.tokens.add(self.token())
        for part, status in self.hub.status.items():
            if part in path:
                return self.refuse(status, "", "as the test wishes")
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(.*))?", path):
            return self.about(found[1], found[2] or "")
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(found[1], found[2], found[3])
        return self.refuse(404, "", "no such page")

    def known(self, name: str, revision: str = "main") -> Repo | None:
        repo = self.hub.repos.get(name)
        if repo is None:
            # The real hub doesn't tell those it doesn't know whether a repository is private or isn't there.
            self.refuse(401 if not self.token() else 404, "" if not self.token() else "RepoNotFound", "Repository not found")
        elif revision not in ("main", repo.commit):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return repo

    def shut(self, repo: Repo) -> bool:
        if not repo.gate or self.token() in repo.let_in:
            return False
        words = "Access to this model is restricted."
        self.refuse(403 if self.token() else 401, "GatedRepo", words)
        return True

    def about(self, name: str, rest: str) -> None:
        revision = rest.removeprefix("revision/").removeprefix("tree/") if "/" in rest else "main"
        repo = self.known(name, revision)
        if repo is None or (rest == "auth-check" and self.shut(repo)):
            return
        if rest == "auth-check":
            self.reply(200, b"OK")
        elif rest.startswith("tree/"):
            rows = [{"type": "file", "path": path, **_facts(what, path, "oid")} for path, what in sorted(repo.files.items())]
            self.reply(200, json.dumps(rows).encode(), Content_Type="application/json")
        else:
            rows = [{"rfilename": path, **_facts(what, path, "sha256")} for path, what in sorted(repo.files.items())]
            facts = {
                "id": name, "modelId": name, "sha": repo.commit, "private": False, "gated": repo.gate or False, "tags": [],
                "cardData": {"license": repo.licence}, "siblings": rows,
            }  # fmt: skip
            self.reply(200, json.dumps(facts).encode(), Content_Type="application/json")

    def resolve(self, name: str, revision: str, path: str) -> None:
        repo = self.known(name, revision)
        if repo is None or self.shut(repo):
            return
        content = repo.files.get(path)
        if content is None:
            self.refuse(404, "EntryNotFound", "Entry not found")
        elif path.endswith(LARGE):
            # As the real hub does: whoever knows Xet may take it there, and whoever doesn't follows the redirect.
            xet = {"X_Xet_Hash": sha256(content), "X_Xet_Refresh_Route": f"{self.hub.address}/xet"} if self.hub.xet else {}
            self.reply(
                302, Location=f"{self.hub.store}/{sha256(content)}/{path}", X_Repo_Commit=repo.commit,
                X_Linked_Size=str(len(content)), X_Linked_Etag=f'"{sha256(content)}"', **xet,
            )  # fmt: skip
        else:
            self.send(path, content, ETag=f'"{blob(content)}"', X_Repo_Commit=repo.commit)


class _Store(_Answering):
    """The other host, where large files lie; it takes no tokens."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.token():
            with self.hub.lock:
                self.hub.leaked.add(self.token())
        _, etag, path = self.path.split("/", 2)
        self.send(path, self.hub.content(etag), ETag=f'"{etag}"')


def _facts(content: bytes, path: str, sum_name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"size": len(content), "blobId": blob(content), "oid": blob(content)}
    if path.endswith(LARGE):
        found["lfs"] = {sum_name: sha256(content), "size": len(content), "pointerSize": 134}
    return found
