"""A whole studio whose every connection is watched: `python -m tests.fakes.watched_studio HOME page`, or "none" for no page.

It opens the page, loads it, presses for every hosted model, makes every call of every service, and prints as JSON what it
tried to reach. Python itself reports each connection and look-up (audit events, which no library
can avoid); one that leads off this machine is noted and not let through.
"""

from __future__ import annotations

import json
import socket
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

OUTSIDE: list[str] = []


def is_local(host: Any) -> bool:
    if not isinstance(host, str | bytes):
        return True  # a wildcard to listen on
    name = host.decode() if isinstance(host, bytes) else host
    with suppress(ValueError):
        return ip_address(name.partition("%")[0]).is_loopback or name in ("0.0.0.0", "::")
    return name in ("", "localhost")


def watch(event: str, given: tuple[Any, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = given[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = given[1][0] if isinstance(given[1], tuple) else None
    else:
        return
    if not is_local(host):
        OUTSIDE.append(str(host))
        raise OSError(f"{host} is outside")


def try_services(home: Path, brief: bool) -> list[str]:
    """Every call of every service there is (brief: creates alone); their names."""
    from studio.engines.hosted.service import Endpoint, File, Remote
    from studio.engines.hosted.services import services
    from studio.nouns import Refusal

    way, made = Endpoint("wan-video/wan-2.7-i2v"), Remote("p1", "succeeded", "https://replicate.delivery/out.mp4")
    for one in services():
        calls = (
            (one.account,), (one.schema, way), (one.create, way, {}, 60.0), (one.poll, way, "p1"), (one.cancel, way, "p1"),
            (one.upload, File(bytes(300_000), "image/jpeg")), (one.list_recent, 0.0),
            (one.download, made, home / "out.mp4", print),
        )  # fmt: skip
        for call, *given in calls[2:3] if brief else calls:
            with suppress(Refusal):
                call(*given)
    return [one.name for one in services()]


NAMES = ("Replicate", "fal.ai", "Kling", "Hailuo")
"""Words that only a page with hosted models has."""


def load_page(home: Path) -> tuple[list[str], list[str]]:
    """The page as a browser first asks for it, and a press for every hosted model: what came of each press, and which of
    NAMES the page has.
    """
    import httpx2

    from studio.config import Settings
    from studio.nouns import Refusal, Shot
    from studio.studio import Studio
    from studio.ui.page import build, launch_options
    from tests.fakes.gradient import photograph

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = Settings(home, port=free.getsockname()[1])
    studio = Studio(settings)
    studio.start()
    page = build(studio)
    page.launch(prevent_thread_lock=True, **launch_options(studio))
    said = ""
    for path in ("/", "/config", "/gradio_api/info"):
        answer = httpx2.get(f"http://127.0.0.1:{settings.port}{path}", trust_env=False)
        assert answer.status_code == 200
        said += answer.text
    photo = studio.photos.take_in(photograph(home), "a.jpg")
    presses: list[str] = []
    for card in studio.models.cards:
        if card.where == "hosted":
            try:
                studio.submit(Shot(photo, model=card.id, seconds=5))
                presses.append("queued")
            except Refusal as refused:
                presses.append(type(refused).__name__)
    studio.close()
    page.close()
    return presses, [name for name in NAMES if name in said]


def main(home: str, page: str) -> None:
    sys.addaudithook(watch)
    presses, said = load_page(Path(home)) if page == "page" else ([], [])
    names = try_services(Path(home), page != "page")
    print(json.dumps({"outside": OUTSIDE, "services": names, "presses": presses, "said": said}))


if __name__ == "__main__":
    main(*sys.argv[1:])
