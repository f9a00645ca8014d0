"""What the diffusion tests share: tiny checkpoints built once a session, and no way out to the network."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from studio.cards import ModelCard
from studio.config import Settings
from studio.preferences import Preferences
from tests.fakes import faults, tiny_cards, tiny_runs
from tests.fakes import tiny as checkpoints

if TYPE_CHECKING:
    from studio.engines.diffusion.diffusion_engine import DiffusionEngine


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModelCard]:
    """`tiny(name)` builds one of `tiny.BUILDERS` on first use and returns its card, whose `repo` is the folder it lies in."""
    import torch

    torch.set_num_threads(1)  # two threads spend their time waiting for each other on networks this small
    folder = tmp_path_factory.mktemp("tiny")
    built: dict[str, ModelCard] = {}

    def get(name: str) -> ModelCard:
        if name not in built:
            built[name] = tiny_cards.card(name, checkpoints.build(name, folder))
            gc.collect()
            gc.freeze()  # the modules that this family has brought along: the engine collects garbage often
        return built[name]

    return get


@pytest.fixture(scope="session")
def pipeline(tiny: Callable[[str], ModelCard]) -> Callable[[str], tuple[Any, ModelCard]]:
    """`pipeline(name)` is that card's loaded and prepared pipeline, shared by all tests that leave it as they found it."""
    loaded: dict[str, Any] = {}

    def get(name: str) -> tuple[Any, ModelCard]:
        card = tiny(name)
        if name not in loaded:
            loaded[name] = tiny_runs.load(card)
        return loaded[name], card

    return get


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    """One engine for a module, without previews, on a machine whose memory runs out when a test says so."""
    from studio.engines.diffusion.diffusion_engine import DiffusionEngine

    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    made = DiffusionEngine(settings, faults.machine(), preferences=lambda: Preferences(preview=False))
    yield made
    made.close()


class Reached(BaseException):
    """A test tried to reach the network. No library may swallow it as a connection that failed, so it is no Exception."""


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Every connection that isn't to this machine fails the test, even one whose failure would be caught and forgiven."""
    tried: list[Any] = []
    real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
    resolve = socket.getaddrinfo

    def refuse(address: Any) -> None:
        tried.append(address)
        raise Reached(f"a test tried to reach {address}")

    def guarded(name: str) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _here(address[0]):
                refuse(address)
            return real[name](self, address)

        return connect

    def lookup(host: Any, *rest: Any, **named: Any) -> Any:
        if host is not None and not _here(host):
            refuse(host)
        return resolve(host, *rest, **named)

    for name in real:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = lookup
    yield
    for name, method in real.items():
        setattr(socket.socket, name, method)
    socket.getaddrinfo = resolve
    assert not tried, f"this test tried to reach {tried}"


def _here(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in ("localhost", "::1", "") or name.startswith("127.")
