"""A real Ray cluster of this machine: nodes as `python -m studio worker` begins them, with stand-ins for their engines."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import threading
from pathlib import Path

import psutil

from studio.farm import ray_cluster
from studio.farm.ray_cluster import LOOPBACK, Address
from tests.fakes import farm_engines

os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
os.environ.setdefault("RAY_AUTH_MODE", "token")
"""Ray reads both once for a process, when it is imported; the tests' token leaves the one of whoever runs them alone."""

STORE = 80 << 20
"""Bytes of a node's object store: the least that Ray takes."""


class Nodes:
    """A cluster whose nodes are begun and killed one by one; `home` holds theirs."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = probe.getsockname()[1]
        self.home, self.address = home, Address(LOOPBACK, port)
        self.nodes: list[subprocess.Popen[bytes]] = []
        self._adding = threading.Lock()

    def add(self, name: str, pace: float = 0.01, gpus: int = 0, cores: int = 1) -> subprocess.Popen[bytes]:
        """A node with a home folder of its own, whose stand-ins take so many seconds a step."""
        home = self.home / name
        home.mkdir(exist_ok=True)
        with self._adding:
            os.environ[farm_engines.PACE] = str(pace)
            node = ray_cluster.start_node(self.address, home, cores=cores, gpus=gpus, store=STORE)
        self.nodes.append(node)
        return node

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """The power of a node's machine goes."""
        self.nodes.remove(node)
        for process in (*psutil.Process(node.pid).children(recursive=True), psutil.Process(node.pid)):
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        node.wait()

    def read_loads(self) -> list[str]:
        """Each load of a model on any node: the process, and the model."""
        return [line for file in self.home.glob("*/loads.txt") for line in file.read_text("utf-8").splitlines()]

    def close(self) -> None:
        for node in reversed(self.nodes):
            ray_cluster.end_node(node)
