"""Gradio's spinner without its count of tenths of seconds, which nobody sees here: it draws a frame sixty times a
second, that of the loading page for as long as the page is open.

A thin middleware that sends this one script of Gradio's changed. Refuses to know the studio.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import gradio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_SCRIPTS = Path(gradio.__file__).parent / "templates/frontend/assets"
_COUNT = re.compile(
    r"function (\w+)\(\)\{\w+\(\(\)=>\{\w+\(\w+,\(performance\.now\(\)-\w+\(\w+\)\)/1e3\),\w+&&\1\(\)\}\)\}"
)
_A_DAY = "max-age=86400"


class StillSpinners:
    """What stands between the page and Gradio's app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the spinner's script; all else goes on to Gradio."""
        answer: ASGIApp = self.app
        if scope["type"] == "http" and scope["method"] == "GET" and "/assets/statustracker-" in scope["path"]:
            script = _read_still().get(scope["path"].rpartition("/")[2])
            if script:
                answer = Response(script, media_type="text/javascript", headers={"cache-control": _A_DAY})
        await answer(scope, receive, send)


@functools.cache
def _read_still() -> dict[str, str]:
    """The script that counts, by its name."""
    found = {file.name: file.read_text("utf-8") for file in _SCRIPTS.glob("statustracker-*.js")}
    return {name: _COUNT.sub(r"function \1(){}", script) for name, script in found.items() if _COUNT.search(script)}
