"""The app as a Hugging Face Space: what the environment decides, its name, its frame, its cookie; a real process and browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Route, expect

from studio import config, limits
from studio.config import ROOT
from studio.nouns import Refusal
from studio.ui.request_guard import POLICY
from tests.fakes.waiting import until
from tests.rows import each_row
from tests.ui.conftest import WAIT, WINDOW, Contexts, Watch
from tests.ui.test_byte_ranges import ask
from tests.ui.test_visitors_page import SharedApp

NAME = "ann-stir.hf.space"
OUTER = "https://huggingface.co/spaces/ann/stir"


@each_row(
    ("environment", "flags", "visitors", "kind", "says"),
    [
        ({}, {}, "", "", ""),
        ({"STIR_PASSWORD": "x"}, {"shared": True}, "names", "house", ""),
        ({}, {"shared": True}, "", "", "Set STIR_PASSWORD"),
        ({}, {"user": "ann"}, "", "", "Set STIR_PASSWORD"),
        ({"STIR_PASSWORD": "x"}, {"shared": True, "user": "ann"}, "", "", "Leave out --user"),
        ({"STIR_PASSWORD": "x"}, {"shared": True, "mcp": True}, "", "", "Leave out --mcp"),
        ({"STIR_PASSWORD": "x", "STIR_RAY": "auto"}, {"shared": True}, "", "", "Leave out --ray"),
        ({"SPACE_ID": "ann/stir", "SPACE_HOST": NAME}, {}, "strangers", "space-cpu", ""),
        ({"SPACE_ID": "ann/stir", "SPACE_HOST": NAME, "SPACES_ZERO_GPU": "true"}, {}, "strangers", "space-gpu", ""),
        ({"SPACE_ID": "ann/stir", "STIR_PASSWORD": "x", "STIR_LIMITS": "space-cpu"}, {}, "names", "space-cpu", ""),
        ({"SPACE_ID": "ann/stir", "STIR_LIMITS": "none"}, {}, "", "", "Set STIR_LIMITS to one of"),
    ],
)
def test_who_comes_is_decided_by_the_environment(
    environment: dict[str, str], flags: dict[str, object], visitors: str, kind: str, says: str
) -> None:
    names = ("SPACE_ID", "SPACE_HOST", "SPACES_ZERO_GPU", "STIR_PASSWORD", "STIR_USER", "STIR_LIMITS", "STIR_HOME", "STIR_RAY")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(environment)
    try:
        made = config.read(**flags)  # type: ignore[arg-type]
        if visitors:
            assert made.visitors == visitors
            assert (limits.name_kind(made), made.host, made.is_local) == (kind, "0.0.0.0", False)
            assert made.space == environment.get("SPACE_HOST", "")
        else:
            limits.name_kind(made)
            assert (says, made.visitors, made.host) == ("", "", "127.0.0.1")
    except Refusal as refusal:
        assert says and says in refusal.remedy, refusal
    finally:
        for name in environment:
            del os.environ[name]
        os.environ.update(before)


def test_the_front_matter_is_of_the_app_as_it_is() -> None:
    front = (ROOT / "space/README.md").read_text("utf-8").split("---")[1]
    told = dict(line.split(": ", 1) for line in front.strip().splitlines() if ": " in line)
    required = (ROOT / "requirements.txt").read_text("utf-8")
    assert told["sdk"] == "gradio" and f"gradio=={told['sdk_version']}\n" in required
    assert (ROOT / told["app_file"]).is_file() and told["license"] == "apache-2.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert told["python_version"].strip('"') == project["tool"]["pyright"]["pythonVersion"]
    words, free = (ROOT / "space/README.md").read_text("utf-8"), limits.limits("space-cpu")
    for said in (
        f"{free.kept_hours:.0f} hours", f"{free.photos} photos and {free.disk_mb} MB", f"{free.waiting} clips that wait",
        f"{free.seconds:.0f} seconds and {free.size}", f"{free.rows}\nphotos in a batch",
    ):  # fmt: skip
        assert said in words, said


def test_the_app_runs_as_a_space(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SPACE_ID": "ann/stir", "SPACE_HOST": NAME, "STIR_HOME": str(tmp_path / "home")}
    environment.pop("STIR_PASSWORD", None)
    command = [sys.executable, "app.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"

    def is_up() -> bool:
        assert process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(is_up)
        got = ask(url, "/", Host=NAME)
        assert got.status == 200
        assert "; HttpOnly; SameSite=None; Secure; Partitioned" in got.headers["set-cookie"]
        assert "frame-ancestors 'self' https://huggingface.co" in got.headers["content-security-policy"]
        cookie = got.headers["set-cookie"].split(";")[0]
        assert ask(url, "/config", Host=NAME, Cookie=cookie).status == 200
        assert ask(url, "/", Host=NAME, Origin=f"https://{NAME}").status == 200
        for host, status in (("evil.example", 400), ("10.0.0.7:7860", 200), (f"{NAME}.evil.example", 400), ("", 400)):
            assert ask(url, "/", Host=host).status == status, host
        assert ask(url, "/", Host=NAME, Origin="https://evil.example").status == 403
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, "told to end, it closes as with Ctrl+C"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedApp]:
    app = SharedApp(tmp_path_factory.mktemp("space") / "home", "strangers", space=NAME)
    yield app
    app.close()


@pytest.mark.ui
def test_it_works_in_the_frame_of_its_own_page(space: SharedApp, contexts: Contexts) -> None:
    """The cookie is a third party's there: kept for that page alone (Partitioned), and sent by every part of ours."""
    context = contexts.browser.new_context(viewport=WINDOW)
    try:
        with suppress(Error):  # an older Chromium needs no leave to show a page of this computer
            context.grant_permissions(["local-network-access"])
        frame = f'<iframe width="1400" height="800" allow="local-network-access" src="{space.url}"></iframe>'
        outer = f'<!doctype html><link rel="icon" href="data:,">{frame}'

        def answer(route: Route) -> None:
            route.fulfill(body=outer, content_type="text/html")

        context.route(f"{OUTER}**", answer)
        page = context.new_page()
        watch = Watch(space.url)
        page.on("pageerror", lambda error: watch.faults.append(str(error)))
        page.goto(OUTER)
        inner = page.frames[1]
        expect(inner.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
        inner.locator("[data-sample='dandelion.jpg']").click()
        expect(inner.locator(".photo-image")).to_be_visible(timeout=WAIT)
        inner.wait_for_function("document.querySelector('.photo-image').naturalWidth > 0")
        cookies = [one for one in context.cookies() if one["name"] == "stir_visitor"]
        assert [(one["httpOnly"], one["secure"], one["sameSite"]) for one in cookies] == [(True, True, "None")]
        assert len([one for one in space.house.folder.iterdir() if one.is_dir()]) == 1
        assert watch.faults == []
    finally:
        context.close()


def test_another_page_may_not_show_it(space: SharedApp) -> None:
    policy = ask(space.url, "/").headers["content-security-policy"]
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy
    assert "'none'" not in policy.partition("frame-ancestors")[2]
    assert "frame-ancestors 'none'" in POLICY, "a page that is no Space stands in no frame"
