"""What the tests of the farm share: a cluster, and a studio whose jobs its workers do."""

from __future__ import annotations

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


Begin = Callable[..., tuple[Studio, Callable[..., Job]]]


@pytest.fixture
def begin(cluster: Nodes, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """A studio whose jobs the cluster's workers do, and what queues a job of a model there."""
    made: list[Studio] = []

    def make(patience: Patience | None = None, start: bool = True) -> tuple[Studio, Callable[..., Job]]:
        if patience:
            monkeypatch.setattr(dispatch, "PATIENCE", patience)
        studio = Studio(Settings(settings.home, ray=str(cluster.address)), (CARD, *CARDS), farm_engines.make)
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
