"""The MCP server of --mcp, asked by the official client; what README shows programs; the sign-in for both."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from studio.config import ASSETS, ROOT, Settings
from studio.studio import Studio
from studio.ui.mcp_server import prepare_mcp
from studio.ui.page import build, launch_options
from studio.ui.password_throttle import FIRST_WAIT

T = TypeVar("T")
DOGS = ASSETS / "samples" / "dogs.jpg"
BASIC = {"Authorization": "Basic " + base64.b64encode(b"anna:a long secret").decode()}


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str, **headers: str) -> httpx2.Response:
    return httpx2.get(url, headers=headers, trust_env=False)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py --mcp`, as a user starts it."""
    port, home = find_port(), tmp_path_factory.mktemp("mcp") / "home"
    command = [sys.executable, "app.py", "--mcp", "--home", str(home), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as app:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(600):
            try:
                if get(f"{url}gradio_api/mcp/schema").status_code == 200:
                    break
            except httpx2.TransportError:
                assert app.poll() is None
            time.sleep(0.1)
        yield url
        assert not [left for left in (home / "cache" / "uploads").rglob("*") if left.is_file()]
        app.send_signal(signal.SIGINT)
        _, said = app.communicate(timeout=30)
    assert "Traceback" not in said, said


def run(asked: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: where a browser is open, this one has a loop of Playwright's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asked).result()


async def animate(url: str, headers: dict[str, str] | None = None) -> tuple[list[Any], list[str], dict[str, Any]]:
    """The tools, the progress that was reported, and how the clip stood in the end."""
    photo = "data:image/jpeg;base64," + base64.b64encode(DOGS.read_bytes()).decode()
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with (
        httpx.AsyncClient(headers=headers, follow_redirects=True, timeout=60, trust_env=False) as link,
        streamable_http_client(f"{url}gradio_api/mcp/", http_client=link) as (read, write, _),
        ClientSession(read, write) as stir,
    ):
        await stir.initialize()
        tools = (await stir.list_tools()).tools
        begun = await stir.call_tool("animate", {"photo": photo, "size": "240p", "seconds": 1, "fps": 16})
        assert not begun.isError, begun.content
        asked = {"id": json.loads(begun.content[0].text)["id"], "follow": 120}  # pyright: ignore
        ended = await stir.call_tool("status", asked, progress_callback=hear)
        for wrong in ({"photo": "/etc/passwd"}, {"photo": 3}, {}, {"photo": photo, "seconds": 99}):
            refused = await stir.call_tool("animate", wrong)
            assert refused.isError and "Traceback" not in refused.content[0].text  # pyright: ignore
        named = {"path": str(DOGS), "meta": {"_type": "gradio.FileData"}}  # a file of this computer, as gradio_client names one
        for wrong in ({"photo": named}, {"photo": photo, "recipe": {"motion": named}}):
            assert (await stir.call_tool("animate", wrong)).isError
        return tools, heard, json.loads(ended.content[0].text)  # pyright: ignore


def test_an_assistant_lists_the_tools_animates_a_photo_follows_it_and_fetches_the_file(url: str) -> None:
    tools, heard, ended = run(animate(url))
    wanted = ("animate", "compare", "batch", "finish", "export", "status", "cancel", "library")
    assert {one.name for one in tools} == set(wanted)
    for one in tools:
        assert len(one.description) > 60 and all(given["description"] for given in one.inputSchema["properties"].values())
    assert any(re.search(r"Step \d+ of \d+", words) for words in heard), heard
    assert ended["state"] == "done"
    file = ended["clips"][0]["file"]
    film = get(file["url"])
    assert film.status_code == 200 and len(film.content) == ended["clips"][0]["bytes"] and film.content[4:8] == b"ftyp"


def test_the_guard_stands_before_the_mcp_server_too(url: str) -> None:
    for path in ("gradio_api/mcp/schema", "gradio_api/mcp/", "gradio_api/mcp/sse"):
        assert get(url + path, Host="evil.example").status_code == 400
        assert get(url + path, Origin="https://evil.example").status_code == 403


def test_what_readme_shows_programs_runs(url: str, tmp_path: Path) -> None:
    shown = (ROOT / "README.md").read_text("utf-8").split("\n## For programs\n", 1)[1].split("\n## ", 1)[0]
    examples = re.findall(r"```python\n(.*?)```", shown, re.DOTALL)
    assert len(examples) >= 2
    shutil.copy(DOGS, tmp_path / "photo.jpg")
    for example in examples:
        command = [sys.executable, "-c", example.replace("http://127.0.0.1:7860/", url)]
        env = {**os.environ, "GRADIO_TEMP_DIR": str(tmp_path)}
        ran = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0 and ran.stdout.strip().endswith(".mp4"), ran.stderr


def test_with_a_password_programs_and_assistants_sign_in(tmp_path: Path) -> None:
    port = find_port()
    studio = Studio(Settings(tmp_path / "home", port=port, user="anna", password="a long secret", mcp=True))
    studio.start()
    page = build(studio)
    page.launch(prevent_thread_lock=True, **launch_options(studio))
    prepare_mcp(page, studio.settings)
    url = f"http://127.0.0.1:{port}/"
    try:
        wrong = {"Authorization": "Basic " + base64.b64encode(b"anna:guess").decode()}
        foreign = {**BASIC, "Origin": "https://evil.example"}
        for headers in ({}, wrong, foreign, {"Cookie": f"stir_owner_{port}=guess"}):
            for path in ("mcp/", "mcp/schema", "mcp/sse", "info", "call/library/none"):
                answer = get(f"{url}gradio_api/{path}", **headers)
                closed = (403,) if headers is foreign else (401, 429) if headers is wrong else (401,)
                assert answer.status_code in closed and "www-authenticate" not in answer.headers, (headers, path)
            posted = httpx2.post(f"{url}gradio_api/upload", headers=headers, files={"files": b"x"}, trust_env=False)
            assert posted.status_code in closed
        time.sleep(FIRST_WAIT)  # after the wrong one
        assert get(f"{url}gradio_api/info", **BASIC).status_code == 200
        _, _, ended = run(animate(url, BASIC))
        address = ended["clips"][0]["file"]["url"]
        assert get(address).status_code == 401 and get(address, **BASIC).content[4:8] == b"ftyp"
    finally:
        page.close(verbose=False)
        studio.close()
