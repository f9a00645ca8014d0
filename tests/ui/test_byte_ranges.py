"""Files as the page serves them: ranges by RFC 9110, only the studio's own folders, and with a password only to who signed in."""

from __future__ import annotations

import http.client
import os
import random
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from playwright.sync_api import Page

from studio.clip.encode import encode
from studio.frames import Frames
from studio.nouns import replace
from studio.ui.byte_ranges import drop_unsatisfiable, parse_ranges, write_ranges
from tests.fakes.gradients import SHOT
from tests.ui.conftest import App
from tests.ui.steps import animate, quick, sample

DATA = random.Random(4).randbytes(100_000)


class Answer(NamedTuple):
    """What came back, header names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(url: str, path: str | Path, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
    """One request over a connection of its own; a path on the disk is asked for as a file."""
    host = url.removeprefix("http://").strip("/")
    target = f"/gradio_api/file={quote(str(path))}" if isinstance(path, Path) else path
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(host, timeout=30)) as line:
        line.request(method, target, body, sent)
        got = line.getresponse()
        return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())


@pytest.fixture
def film(app: App) -> Iterator[Path]:
    file = app.studio.settings.clips / "ranges é.mp4"
    file.write_bytes(DATA)
    yield file
    file.unlink()


GOOD: list[tuple[str, int, int]] = [
    ("bytes=0-99", 0, 100), ("bytes=0-0", 0, 1), ("bytes=500-", 500, 100_000), ("bytes=-200", 99_800, 100_000),
    ("bytes=99999-99999", 99_999, 100_000), ("bytes=99000-500000", 99_000, 100_000), ("bytes=-500000", 0, 100_000),
    ("Bytes=10-19", 10, 20), ("bytes= 10-19 ", 10, 20), ("bytes=10-19,", 10, 20), ("bytes=10-19,500000-", 10, 20),
    ("bytes=0-1,1-2", 0, 3), ("bytes=" + ",".join(["0-"] * 32), 0, 100_000), ("bytes=0-,-100000", 0, 100_000),
    (f"bytes=0-{'9' * 18}", 0, 100_000),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "first", "past"), GOOD, ids=[one[0] for one in GOOD])
def test_a_part_is_that_part_and_its_head_says_which(app: App, film: Path, wanted: str, first: int, past: int) -> None:
    got = ask(app.url, film, Range=wanted, X_Secret="mine", Cookie="theirs=1")
    assert got.status == 206
    assert got.body == DATA[first:past]
    assert got.headers["content-range"] == f"bytes {first}-{past - 1}/100000"
    assert got.headers["content-length"] == str(past - first)
    assert got.headers["content-type"] == "video/mp4"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in got.headers["content-security-policy"]
    assert got.headers["etag"]
    assert not {"x-secret", "cookie", "host", "range", "accept-encoding"} & set(got.headers)
    assert "theirs" not in str(got.headers)


def test_several_parts_are_sent_as_several(app: App, film: Path) -> None:
    got = ask(app.url, film, Range="bytes=0-9,100-109,-5,600000-")
    assert got.status == 206
    assert len(got.body) == int(got.headers["content-length"])
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", got.headers["content-type"])
    assert boundary
    parts = got.body.split(b"--" + boundary[1].encode())
    assert parts[0] == b"" and parts[-1].strip() == b"--"
    heads, bodies = zip(*(part[2:-2].split(b"\r\n\r\n", 1) for part in parts[1:-1]), strict=True)
    assert list(bodies) == [DATA[:10], DATA[100:110], DATA[-5:]]
    assert [re.search(rb"Content-Range: (.*)", head)[1].strip() for head in heads] == [
        b"bytes 0-9/100000", b"bytes 100-109/100000", b"bytes 99995-99999/100000",
    ]  # fmt: skip
    assert "range" not in got.headers


@pytest.mark.parametrize(
    "wanted",
    ["bytes=5-2", "bytes=100000-", "bytes=100000-100001", "bytes=-0", "bytes=", "bytes=a-b", "bytes=0-1,5-2", "bytes=200000-,-0"],
)
def test_what_no_file_has_is_refused_with_its_length(app: App, film: Path, wanted: str) -> None:
    got = ask(app.url, film, Range=wanted)
    assert got.status == 416
    assert got.headers["content-range"] == "bytes */100000"
    assert DATA[:20] not in got.body


@pytest.mark.parametrize("wanted", ["items=0-5", "nothing", "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 200, 2))])
def test_what_is_not_understood_is_ignored(app: App, film: Path, wanted: str) -> None:
    got = ask(app.url, film, Range=wanted)
    assert (got.status, got.body) == (200, DATA)
    assert got.headers["accept-ranges"] == "bytes"


def test_a_part_of_a_file_that_has_changed_is_the_whole_file(app: App, film: Path) -> None:
    tag = ask(app.url, film).headers["etag"]
    assert ask(app.url, film, Range="bytes=0-9", If_Range=tag).body == DATA[:10]
    got = ask(app.url, film, Range="bytes=0-9", If_Range='"another"')
    assert (got.status, got.body) == (200, DATA)


def test_only_the_head_is_asked_for(app: App, film: Path) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}):
        got = ask(app.url, film, "HEAD", **headers)
        assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "100000")


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "notes.xhtml", "words.txt", "recipe.json"])
@pytest.mark.parametrize("wanted", ["", "bytes=0-9"])
def test_what_a_browser_might_run_is_only_saved(app: App, name: str, wanted: str) -> None:
    file = app.studio.settings.clips / name
    file.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    got = ask(app.url, file, **({"Range": wanted} if wanted else {}))
    file.unlink()
    assert got.status == (206 if wanted else 200)
    assert got.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("wanted", ["", "bytes=0-9", "bytes=0-9,20-29", "bytes=5-2"])
def test_nothing_else_is_served_with_or_without_a_range(app: App, tmp_path: Path, wanted: str) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(DATA)
    clips = app.studio.settings.clips
    link = clips / "link.mp4"
    link.symlink_to(secret)
    headers = {"Range": wanted} if wanted else {}
    up = os.path.relpath(secret, clips)
    paths = [
        secret, link, clips / up, app.studio.settings.database, Path("/etc/passwd"), clips, clips / "gone.mp4",
        f"/gradio_api/file={clips}/{up.replace('..', '%2e%2e')}", f"/gradio_api/file={clips}/..%5c..%5cstir.db",
        "/gradio_api/file=https://example.com/a.mp4", "/gradio_api/file=file:///etc/passwd",
    ]  # fmt: skip
    for path in paths:
        got = ask(app.url, path, **headers)
        assert got.status in (403, 404), path
        assert DATA[:10] not in got.body and b"root:" not in got.body and b"SQLite" not in got.body
        assert "content-range" not in got.headers
    link.unlink()


@pytest.fixture
def guarded(owned: App) -> Iterator[tuple[str, Path]]:
    """A page that asks for a password, and a clip on it."""
    file = owned.studio.settings.clips / "mine.mp4"
    file.write_bytes(DATA)
    yield owned.url, file
    file.unlink()


@pytest.mark.parametrize("wanted", ["", "bytes=0-9", "Bytes=0-9", "bytes=0-9,20-29", "bytes=5-2", "bytes=900000-"])
def test_with_a_password_only_who_signed_in_gets_files(guarded: tuple[str, Path], wanted: str) -> None:
    url, file = guarded
    headers = {"Range": wanted} if wanted else {}
    for method in ("GET", "HEAD"):
        got = ask(url, file, method, **headers)
        assert got.status == 401
        assert DATA[:10] not in got.body and "content-range" not in got.headers
    assert ask(url, file, Cookie=f"stir_owner_{url[17:-1]}=guess", **headers).status == 401
    form = urlencode({"username": "anna", "password": "a long secret"})
    entered = ask(url, "/login", "POST", form, Content_Type="application/x-www-form-urlencoded")
    assert entered.status == 200
    cookie = entered.headers["set-cookie"].split(";")[0]
    status = ask(url, file, Cookie=cookie, **headers).status
    assert status == (200 if not wanted else 416 if wanted in ("bytes=5-2", "bytes=900000-") else 206)


def test_a_header_is_read_by_the_book() -> None:
    assert parse_ranges("bytes=0-9, 20-,-5") == [(0, 9), (20, None), (None, 5)]
    assert parse_ranges("BYTES=1-1") == [(1, 1)]
    assert parse_ranges("bytes=9-1") == parse_ranges("bytes=1") == parse_ranges("bytes=--1") == parse_ranges("bytes=1-2-3") == []
    assert parse_ranges("lines=1-2") is None
    assert write_ranges([(0, 9), (20, None), (None, 5)]) == "Bytes=0-9,20-,-5"
    assert drop_unsatisfiable([(0, 9), (20, None), (None, 5), (None, 0)], 15) == [(0, 9), (None, 5)]
    assert drop_unsatisfiable([(0, None), (None, 5)], 0) == []


@pytest.mark.ui
def test_a_film_is_sought_through(app: App, page: Page) -> None:
    sample(page)
    quick(page, 2)
    answers: list[int] = []
    page.on("response", lambda one: answers.append(one.status) if one.url.endswith(".mp4") else None)
    animate(page)
    film = "document.querySelector('.player video')"
    for share in (0.9, 0.1, 0.5):
        page.evaluate(f"(v => {{ v.pause(); v.currentTime = v.duration * {share}; }})({film})")
        page.wait_for_function(f"(v => !v.seeking && Math.abs(v.currentTime - v.duration * {share}) < 0.1)({film})")
    assert answers and set(answers) <= {200, 206}


FRAMES, RATE, FIRST, STEP = 41, 24, 20, 5
STEPS = """async ([url, frames, rate, first, step]) => {
    const film = Object.assign(document.createElement("video"), { muted: true, preload: "auto", src: url });
    const paper = Object.assign(document.createElement("canvas"), { width: 8, height: 8 }).getContext("2d");
    const look = () => (paper.drawImage(film, 0, 0, 8, 8), paper.getImageData(4, 4, 1, 1).data[1]);
    const once = (name) => new Promise((go, fail) => (film.addEventListener(name, go, { once: true }), (film.onerror = fail)));
    const painted = async (k) => { // what is there once the frame is, or after two seconds
        const isThere = () => Math.abs(look() - first - step * k) <= 2;
        for (let tries = 100; tries && !isThere(); tries--) await new Promise((go) => setTimeout(go, 20));
        return look();
    };
    await once("loadeddata");
    const found = { first: await painted(0), at: film.currentTime, seconds: film.duration, seen: [], end: film.seekable.end(0) };
    for (const k of [frames - 1, 20, 1, 33, 0]) {
        film.currentTime = (k + 0.5) / rate;
        await once("seeked");
        found.seen.push([k, await painted(k)]);
    }
    return found;
}"""
"""Of a film at `url`: the picture at once, its times, and the picture at the middle of some frames, by its brightness."""


@pytest.mark.ui
@pytest.mark.parametrize("kind", ["mp4", "silent.mp4", "webm"])
def test_chromium_shows_the_first_frame_at_nought_and_finds_any_other(page: Page, app: App, kind: str) -> None:
    """Frame k of a film is all of one grey, FIRST + STEP * k."""
    shades = (np.full((96, 128, 3), FIRST + STEP * index, np.uint8) for index in range(FRAMES))
    file, shot = app.studio.settings.clips / f"steps.{kind}", replace(SHOT, format=kind.rpartition(".")[2])
    silence = "it wants a track" if "silent" in kind else ""
    made = encode(Frames(shades, 128, 96, RATE, FRAMES), file, shot, lambda _: None, silence)
    try:
        found = page.evaluate(STEPS, [f"/gradio_api/file={quote(str(file))}", FRAMES, RATE, FIRST, STEP])
    finally:
        for left in (made.file, made.poster, made.file.with_suffix(".json")):
            left.unlink()
    assert (found["at"], found["first"]) == (0, pytest.approx(FIRST, abs=2))
    assert found["seconds"] == found["end"] == pytest.approx(FRAMES / RATE, abs=0.002)
    for k, shade in found["seen"]:
        assert shade == pytest.approx(FIRST + STEP * k, abs=2), k
