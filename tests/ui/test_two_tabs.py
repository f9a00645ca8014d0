"""Several tabs on one studio: what they are told is made once, and each follows and stops what it began itself."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import msgspec
from starlette.responses import Response

from studio.config import Settings
from studio.nouns import Shot
from studio.studio import Studio
from studio.ui.panels.queue_panel import QueuePanel, Seen
from tests.fakes.gradient import photograph

TABS = 20


class WhoseTurn:
    """A studio that is somebody else's in each thread, as the visitors' one is in each request."""

    def __init__(self) -> None:
        self.here = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.here.studio, name)


def test_a_board_is_made_once_for_all_tabs_and_each_visitor_has_their_own(tmp_path: Path) -> None:
    studios = [Studio(Settings(tmp_path / name)) for name in ("ann", "ben")]
    whose = WhoseTurn()
    panel = QueuePanel(cast(Studio, whose))

    def look(studio: Studio, seen: Seen = Seen()) -> Response | dict[str, Any]:  # noqa: B008  a noun is frozen
        whose.here.studio = studio
        return panel.look(seen)

    with ThreadPoolExecutor(TABS) as tabs:
        for studio in studios:
            studio.queue.submit(Shot(studio.photos.take_in(photograph(tmp_path), "one.png")))
        answers = [list(tabs.map(look, [studio] * TABS)) for studio in studios]
    bodies = [{id(one.body): one.body for one in some if isinstance(one, Response)} for some in answers]
    assert [len(some) for some in bodies] == [1, 1]  # encoded once for twenty
    told = [msgspec.json.decode(next(iter(some.values()))) for some in bodies]
    for studio, said in zip(studios, told, strict=True):
        assert [job["id"] for job in said["board"]["jobs"]] == [job.id for job in studio.queue.jobs()]
        studio.close()
