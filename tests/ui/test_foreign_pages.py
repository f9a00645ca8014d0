"""Pages of other origins in a real browser that is signed in: they render, read, change and stop nothing of the studio's."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Frame, Page, expect
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from studio.config import ASSETS
from studio.nouns import Motion, Running, Shot
from studio.ui.request_guard import ROUTES, SIGN_INS
from tests.fakes.waiting import until
from tests.ui.conftest import HELD, STILL_TILES, WAIT, WINDOW, App, Contexts
from tests.ui.test_routes import look
from tests.ui.test_sign_in import SECRET
from tests.ui.test_visitors_page import list_routes

TRY = """async ([base, file, call]) => {
    const api = base + "gradio_api/", told = {};
    const tried = (name, run) => Promise.race([run(), new Promise((go) => setTimeout(go, 3000, "nothing"))])
        .then((now) => (told[name] = now), () => (told[name] = "refused"));
    const load = (tag, props) => new Promise((go) => {
        const one = Object.assign(document.createElement(tag), props);
        one.onload = one.onloadeddata = () => go("shown");
        one.onerror = () => go("refused");
        document.body.append(one);
    });
    const open = (one) => new Promise((go) => {
        one.onopen = one.onmessage = () => go("open");
        one.onerror = () => (one.close(), go("refused"));
    });
    const fetched = async (path, options) => {
        const got = await fetch(api + path, { credentials: "include", ...options });
        return `${got.type} ${got.status}`;
    };
    const form = (path, name, value, enctype) => {
        const inner = Object.assign(document.createElement("iframe"), { name: "inner" + path });
        const one = document.createElement("form");
        Object.assign(one, { method: "post", action: base + path, target: inner.name, enctype });
        one.append(Object.assign(document.createElement("input"), { name, value }));
        document.body.append(inner, one);
        one.submit();
        return new Promise((go) => (inner.onload = () => go("sent")));
    };
    const files = new FormData();
    files.append("files", new File(["x"], "a.jpg"));
    const words = JSON.stringify(call), json = { "Content-Type": "application/json" };
    await Promise.all([
        tried("read", () => fetched("info")),
        tried("read blind", () => fetched("info", { mode: "no-cors" })),
        tried("stop", () => fetched("component_server", { method: "POST", headers: json, body: words })),
        tried("stop blind", () => fetched("component_server", { method: "POST", mode: "no-cors", body: words })),
        tried("upload", () => fetched("upload", { method: "POST", mode: "no-cors", body: files })),
        tried("picture", () => load("img", { src: api + "file=" + file })),
        tried("film", () => load("video", { src: api + "file=" + file + "?film" })),
        tried("script", () => load("script", { src: base + "config" })),
        tried("style", () => load("link", { rel: "stylesheet", href: base + "theme.css" })),
        tried("events", () => open(new EventSource(api + "heartbeat/abc", { withCredentials: true }))),
        tried("socket", () => open(new WebSocket(base.replace("http", "ws") + "gradio_api/queue/join"))),
    ]);
    navigator.sendBeacon(api + "component_server", words);
    navigator.sendBeacon(base + "sign-out", new Blob([words], { type: "text/plain" }));
    await tried("form", () => form("gradio_api/component_server", words.slice(0, -1) + ', "x": "', '"}', "text/plain"));
    await tried("sign out", () => form("sign-out", "x", "y", "application/x-www-form-urlencoded"));
    await tried("frame", () => load("iframe", { src: base, className: "whole" }).then(() => "loaded"));
    const other = window.open(base + "sign-in");
    if (other) {
        await new Promise((go) => setTimeout(go, 200));
        await tried("window", async () => other.document.title);
        other.location = api + "heartbeat/abc";
        await new Promise((go) => setTimeout(go, 200));
        other.close();
    }
    return told;
}"""
"""What a page can try with another's address; answers what came of each."""

MINE = """async (call) => {
    const json = { method: "POST", body: JSON.stringify(call), headers: { "Content-Type": "application/json" } };
    return (await fetch("gradio_api/component_server", json)).status;
}"""
"""The same from the studio's own page."""

LOOKS = {"sent", "loaded"}
"""What a page can't tell from a refusal: a form was sent, a frame shows something. The studio tells these."""


class Pages(BaseHTTPRequestHandler):
    """An empty page, and one with an inner page that has no origin of its own ("null")."""

    def do_GET(self) -> None:
        inner = "<!doctype html><body>"
        frame = f"<iframe sandbox='allow-scripts allow-forms allow-popups' srcdoc='{inner}'></iframe>"
        body = f"<!doctype html><link rel=icon href=data:,><body>{frame if 'null' in self.path else ''}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        del format, args


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """The port of another program on this computer, which serves pages of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def sign_in(context: BrowserContext, app: App) -> Page:
    """Come in through the page's own form, after a wrong password."""
    page = context.new_page()
    page.goto(app.url)
    assert Axe().run(page).response["violations"] == []
    for password, shown in (("guess", ".says"), (SECRET, ".part-photo.ready")):
        page.get_by_label("Your name").fill("anna")
        page.get_by_label("The password").fill(password)
        page.get_by_role("button", name="Come in").click()
        expect(page.locator(shown)).to_be_visible(timeout=WAIT)
        page.wait_for_timeout(1050 if password == "guess" else 0)
    return page


@contextmanager
def listen(app: App) -> Generator[list[tuple[str, int]]]:
    """What the app is asked, and the status of its answers; its own pages, which go on looking, apart."""
    answers: list[tuple[str, int]] = []
    inner = app.page.app.middleware_stack
    assert inner is not None

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start" and Headers(scope=scope).get("sec-fetch-site") != "same-origin":
                answers.append((scope["path"], message["status"]))
            await send(message)

        await inner(scope, receive, send_noted)

    app.page.app.middleware_stack = outer
    yield answers
    app.page.app.middleware_stack = inner


def place(frame: Frame | Page, path: Path | int, name: str) -> None:
    """Go to a page of another origin."""
    if isinstance(path, Path):
        path.write_text("<!doctype html><body>")
        frame.goto(path.as_uri())
    else:
        frame.goto(f"http://{'127.0.0.1' if name == 'null' else name}:{path}/{name}")


@pytest.mark.ui
def test_another_origins_page_renders_reads_and_stops_nothing(
    owned: App, contexts: Contexts, elsewhere: int, tmp_path: Path
) -> None:
    context = contexts.browser.new_context(viewport=WINDOW)
    context.set_default_timeout(WAIT)
    context.add_init_script(STILL_TILES)
    owned.zoom.pace = HELD
    strip = next(one._id for one in owned.page.blocks.values() if getattr(one, "elem_id", "") == "strip")  # pyright: ignore
    try:
        page = sign_in(context, owned)
        photo = owned.studio.photos.take_in(ASSETS / "samples" / "fig.jpg")
        job = owned.studio.submit(Shot(photo, motion=Motion(prompt="slow"), seconds=5, size="240p", fps=16))
        until(lambda: isinstance(owned.studio.queue.get(job.id).state, Running))
        call = {"data": {"id": job.id}, "fn_name": "cancel_job", "component_id": strip, "session_hash": "x"}
        view = quote(str(next(owned.studio.settings.views.glob("*"))))
        for name, where in (
            ("127.0.0.1", elsewhere),
            ("evil.localhost", elsewhere),
            ("null", elsewhere),
            ("", tmp_path / "a.html"),
        ):
            other = context.new_page()
            place(other, where, name)
            with listen(owned) as answers:
                told = other.frames[1 if name == "null" else 0].evaluate(TRY, [owned.url, view, call])
                other.wait_for_timeout(100)  # what a beacon has sent
            other.close()
            assert set(told.values()) <= {"refused", *LOOKS}, (name, told)
            let_in = {one for one in answers if one[1] not in (403, 405)}
            assert let_in <= {("/sign-in", 200)}, (name, "a window of its own may be opened, and can't be read")
            asked = {"/", "/config", "/sign-out", *(f"/gradio_api/{one}" for one in ("info", "component_server", "upload"))}
            assert name in ("null", "") or asked <= {path for path, _ in answers}, (name, answers)
        assert isinstance(owned.studio.queue.get(job.id).state, Running)
        assert list(owned.studio.settings.uploads.rglob("*.jpg")) == []
        assert page.evaluate(MINE, call) == 200, "the same from its own page stops it"
        until(lambda: not isinstance(owned.studio.queue.get(job.id).state, Running))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Come in")).to_be_visible()
        assert context.cookies() == []
    finally:
        owned.zoom.pace = 0.05
        context.close()


def test_every_route_refuses_what_a_foreign_page_sends(served: App) -> None:
    """By Origin or by Fetch Metadata alone; programs, which send neither, and the page itself are answered."""
    host = served.url.removeprefix("http://").rstrip("/")
    foreign = [
        {"Origin": one} for one in ("https://evil.example", "null", "file://", "", "http://127.0.0.1:1", f"http://localhost:{host[10:]}")
    ] + [{"Sec_Fetch_Site": one} for one in ("cross-site", "same-site")]  # fmt: skip
    line = HTTPConnection(host, timeout=10)
    for method, path in sorted(set(list_routes(served.page.app.routes))):
        address = re.sub(r"\{[^}]*\}", "x", path)
        if not ROUTES.fullmatch(address) or address in SIGN_INS:
            continue  # closed: test_routes.py
        for headers in foreign:
            status, _, told = look(
                line, method, address, "{}" if method == "POST" else None, Content_Type="application/json", **headers
            )
            assert status == 403 and "access-control-allow-origin" not in told, (method, address, headers)
    visit = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    for dest, path, status in (
        ("document", "/", 200), ("iframe", "/", 403), ("document", "/config", 403), ("document", "/gradio_api/info", 403),
    ):  # fmt: skip
        assert look(line, "GET", path, Sec_Fetch_Dest=dest, **visit)[0] == status, (dest, path)
    own = {"Origin": served.url.rstrip("/"), "Sec_Fetch_Site": "same-origin"}
    for headers in (own, {}, {"Origin": "https://stir.example", "X_Forwarded_Host": "stir.example"}):
        status, _, told = look(line, "GET", "/gradio_api/info", **headers)
        assert status == 200 and not [name for name in told if name.lower().startswith("access-control")]
        assert told["Cross-Origin-Resource-Policy"] == told["Cross-Origin-Opener-Policy"] == "same-origin"
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        for body in ("{}", ""):
            for path in ("run/library", "call/library", "queue/join", "component_server", "cancel", "reset"):
                assert look(line, "POST", f"/gradio_api/{path}", body, Content_Type=kind)[0] == 400, (path, kind)
    line.close()
