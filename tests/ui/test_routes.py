"""Every route of the running app, read from it: without a session the sign-in and nothing else; with one only what is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.ui.conftest import App
from tests.ui.test_byte_ranges import ask
from tests.ui.test_sign_in import SECRET, enter
from tests.ui.test_visitors_page import PASSWORD, SharedApp, list_routes

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

SAID = {b"", b"Sign in first.", b"Sign in with a form.", b"Say the request's length.", b"Stir fetches nothing from elsewhere."}
"""All that is answered to somebody who has no session, but for the sign-in's page."""

USED = {
    "/", "/config", "/login", "/favicon.ico", "/theme.css", "/assets/{path:path}", "/static/{path:path}",
    "/svelte/{path:path}", "/gradio_api/theme.css", "/gradio_api/startup-events", "/gradio_api/info",
    "/gradio_api/openapi.json", "/gradio_api/app_id", "/gradio_api/file={path_or_url:path}", "/gradio_api/upload",
    "/gradio_api/reset", "/gradio_api/cancel", "/gradio_api/component_server", "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/run/{api_name}", "/gradio_api/api/{api_name}", "/gradio_api/call/{api_name}", "/gradio_api/call/v2/{api_name}",
    "/gradio_api/call/{api_name}/{event_id}", "/gradio_api/call/v2/{api_name}/{event_id}", "/gradio_api/queue/join",
    "/gradio_api/queue/data",
}  # fmt: skip
"""What the page and gradio_client use of Gradio's routes; a new one has to be looked at before it is put here."""


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedApp]:
    app = SharedApp(tmp_path_factory.mktemp("routes") / "home", "names")
    yield app
    app.close()


def write_ways(path: str) -> Iterator[str]:
    """The addresses by which somebody may try to come past a look at the path."""
    plain = re.sub(r"\{[^}]*\}", "x", path)
    yield plain
    yield f"{plain}/"
    yield plain.upper()
    yield f"/{plain}"
    yield plain.replace("/", "//")
    yield f"/.{plain}"
    yield f"/sign-in/..{plain}"
    yield f"{plain}%2f"
    yield f"{plain};x"
    yield f"{plain}?session_hash=x&upload_id=x&page=x&deep_link=x"
    yield f"http://127.0.0.1{plain}"


def look(line: HTTPConnection, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, bytes, Any]:
    line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    got = line.getresponse()
    return got.status, got.read(), got.headers


@pytest.mark.parametrize("kind", ["owned", "family"])
def test_nothing_but_the_sign_in_is_answered_without_a_session(kind: str, request: pytest.FixtureRequest) -> None:
    app: App | SharedApp = request.getfixturevalue(kind)
    routes = sorted(set(list_routes(app.page.app.routes)))
    assert {"/config", "/gradio_api/upload", "/gradio_api/heartbeat/{session_hash}"} <= {path for _, path in routes}
    line = HTTPConnection(app.url.removeprefix("http://").strip("/"), timeout=10)
    asks = {(method, way) for declared, path in routes for way in write_ways(path) for method in {declared, "GET"}}
    asks |= {(method, re.sub(r"\{[^}]*\}", "x", path)) for _, path in routes for method in METHODS}
    for method, way in sorted(asks):
        status, found, headers = look(line, method, way, "{}" if method == "POST" else None, Content_Type="application/json")
        assert not [name for name in headers if name.lower().startswith("access-control")], (method, way)
        plain = way.rpartition("127.0.0.1")[2].partition("?")[0]
        if b'type="password"' in found:
            assert plain == "/", (method, way)
            assert status in (200, 401) and len(found) < 20_000 and b"gradio_config" not in found
        else:
            is_page = method == "HEAD" and status == 200 and plain == "/"
            assert (status in (401, 403, 404, 405, 411, 415) and found in SAID) or is_page, (method, way, status, found[:80])
    cookie = enter(app.url, PASSWORD if kind == "family" else SECRET).headers["set-cookie"].split(";")[0]
    assert look(line, "GET", "/config", Cookie=cookie)[0] == 200
    assert look(line, "GET", "/", Cookie=cookie, X_Forwarded_Prefix="/x")[0] == 200
    for trick in (
        {"X_Forwarded_Prefix": "/sign-in"},
        {"X_Original_URL": "/sign-in"},
        {"X_Forwarded_User": "anna"},
        {"Cookie": "a=b"},
    ):
        assert look(line, "GET", "/config", **trick)[0] == 401, trick
    line.close()


@pytest.mark.parametrize("kind", ["served", "owned"])
def test_routes_that_the_page_does_not_use_are_closed(kind: str, request: pytest.FixtureRequest) -> None:
    app: App = request.getfixturevalue(kind)
    cookie = enter(app.url).headers["set-cookie"].split(";")[0] if kind == "owned" else ""
    paths = {path.rstrip("/") or "/" for _, path in list_routes(app.page.app.routes)}
    assert {"/pwa_icon/{size}", "/monitoring", "/gradio_api/vibe-code", "/gradio_api/upload_progress"} <= paths, "so it can fail"
    for path in sorted(paths - USED):
        for method in METHODS:
            status = ask(app.url, re.sub(r"\{[^}]*\}", "7", path), method, Cookie=cookie).status
            assert status == (403 if "/proxy=" in path else 404), (method, path, status)
    if kind == "served":
        for path in ("/sign-in", "/sign-out", "/login"):
            assert ask(app.url, path, "POST", "{}", Content_Type="application/json").status == 404, "nobody signs in here"
    for address in ("/?page=x&deep_link=x", "/config?page=x&deep_link=../x"):
        assert ask(app.url, address, Cookie=cookie).status == 200, "no other pages, no saved states: as without"
