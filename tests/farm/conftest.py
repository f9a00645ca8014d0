"""What the tests of the farm share: a cluster, and a studio whose jobs its workers do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from studio.config import Settings
from studio.farm import dispatch
from studio.farm.farm_lane import Patience
from studio.nouns import Job, Motion, Shot
from studio.studio import Studio
from tests.fakes import farm_engines
from tests.fakes.gradient import CARD, photograph
from tests.fakes.ray_nodes import Nodes
from tests.fakes.shelf import CARDS


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """A head that works, with a GPU as far as Ray knows."""
    pytest.importorskip("ray", reason="Ray isn't installed: pip install -r requirements-farm.txt")
    nodes = Nodes(tmp_path_factory.mktemp("farm"))
    nodes.add("head", gpus=1)
    yield nodes
    nodes.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Studio], str]]:
    """Serves a studio's page, and says where."""
    from studio.ui.page import build, launch_options

    pages = []

    def open_page(studio: Studio) -> str:
        page = build(studio)
        pages.append(page)
        page.launch(prevent_thread_lock=True, **launch_options(studio))
        return f"http://127.0.0.1:{studio.settings.port}/"

    yield open_page
    for page in pages:
        page.close(verbose=False)


Begin = Callable[..., tuple[Studio, Callable[..., Job]]]


@pytest.fixture
def begin(cluster: Nodes, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """A studio whose jobs the cluster's workers do, and what queues a job of a model there."""
    made: list[Studio] = []

    def make(patience: Patience | None = None, start: bool = True) -> tuple[Studio, Callable[..., Job]]:
        if patience:
            monkeypatch.setattr(dispatch, "PATIENCE", patience)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        there = Settings(settings.home, port=port, ray=str(cluster.address))
        studio = Studio(there, (CARD, *CARDS), farm_engines.make)
        made.append(studio)
        photo = studio.photos.take_in(photograph(settings.home), "harbour.jpg")
        if start:
            studio.start()

        def ask(model: str, seed: int = 0, words: str = "") -> Job:
            return studio.submit(Shot(photo, motion=Motion(prompt=words), model=model, seconds=1, fps=16, seed=seed))

        return studio, ask

    yield make
    for studio in made:
        studio.close()
    for node in cluster.nodes[1:]:
        cluster.kill(node)
