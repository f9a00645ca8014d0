"""This machine's place in a Ray cluster: joining one, beginning one, its nodes, and the connection of this process.

Ray listens on every network interface, whatever address a node is given, so a token is always asked for: the one in
~/.ray/auth_token, made here where there is none. Ray also ends the process that is connected a minute after the head of
the cluster has gone (findings/ray_ends_its_driver.sh): `is_there` is asked before, and `disconnect` saves the studio.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from studio.clip.child_processes import list_environment
from studio.config import ROOT
from studio.nouns import Refusal

PORT = 6379
LOOPBACK = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
"""Ray takes 127.0.0.1 for the machine's address in its network; on Linux any other address of the loopback stays."""

MARK = "stir"
"""The resource that nodes have which work for Stir; others of the same cluster are left alone."""

START_SECONDS = 60.0
SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|_KEY$|^STIR_USER$", re.IGNORECASE)
"""Variables that a node doesn't get, nor what it starts; Ray's own are kept."""

WATCHED = "RAY_RAYLET_PID"
"""The process without which Ray ends this one, once its node doesn't answer: itself, so never. Where none is named Ray
2.60 takes the parent, and a service's or a container's has the id 1, which reads as gone (raylet_ipc_client.cc).
"""

_CONNECTED = threading.Lock()
_users: list[str] = []


class Address(NamedTuple):
    """Where a cluster's head listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Node(NamedTuple):
    """A machine of the cluster that works for Stir: its id, its name, its GPUs and its cores."""

    id: str
    machine: str
    gpus: int
    cores: int


def read_address(words: str) -> Address:
    """ "auto" is this computer alone; else HOST or HOST:PORT. Raises `Refusal`."""
    if words == "auto":
        return Address(LOOPBACK, PORT)
    host, _, port = words.partition(":")
    try:
        found = Address(socket.gethostbyname(host), int(port or PORT))
    except (OSError, ValueError):
        raise Refusal(
            f"{words!r} is no address of a cluster.", "Give auto, or HOST:PORT such as 192.168.1.10:6379."
        ) from None
    return found._replace(host=LOOPBACK) if found.host == "127.0.0.1" else found


def require_ray() -> Any:
    """The ray package, which reads its variables when it is imported. Raises `Refusal` where it isn't installed."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ[WATCHED] = str(os.getpid())
    try:
        import ray
    except ImportError:
        raise Refusal("Ray isn't installed.", "Run: pip install -r requirements-farm.txt") from None
    _keep_token()
    return ray


def _keep_token() -> None:
    """Make the token that nodes of a cluster know each other by, where there is none; only its owner reads it."""
    place = Path.home() / ".ray" / "auth_token"
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH") or place.exists():
        return
    place.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError), open(place, "x", opener=_open_for_owner, encoding="ascii") as file:
        file.write(secrets.token_hex(32))


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def is_there(address: Address, seconds: float = 2.0) -> bool:
    """Whether something listens at the head's address."""
    try:
        socket.create_connection(address, seconds).close()
    except OSError:
        return False
    return True


# Nodes ----------------------------------------------------------------------------------------------------------------


def has_node(address: Address) -> bool:
    """Whether this machine has a node of the cluster."""
    import psutil

    wanted = f"--gcs-address={address}"
    found = [one.info for one in psutil.process_iter(["name", "cmdline"])]
    return any(one["name"] == "raylet" and wanted in (one["cmdline"] or []) for one in found)


def start_node(
    address: Address, home: Path, *, cores: int | None = None, gpus: int | None = None, store: int | None = None
) -> subprocess.Popen[bytes]:
    """Begin a node on this machine, which ends with the process returned: the head where none listens and the address
    is this machine's, else one that joins. `store` are bytes for photos. Raises `Refusal` when it can't be.
    """
    require_ray()
    head = not is_there(address)
    if head and not _is_mine(address.host):
        raise Refusal(
            f"No cluster answers at {address}.", "Start Stir there first, with --ray and that machine's own address."
        )
    where = ["--head", f"--node-ip-address={address.host}", f"--port={address.port}", "--include-dashboard=false"]
    sizes = {"num-cpus": cores, "num-gpus": gpus, "object-store-memory": store or _choose_store()}
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", *(where if head else _join(address)), "--block",
        "--disable-usage-stats", "--include-log-monitor=false", f"--resources={json.dumps({MARK: 1})}",
        *(f"--{name}={value}" for name, value in sizes.items() if value is not None),
    ]  # fmt: skip
    node = subprocess.Popen(
        command, env=make_environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home,
        start_new_session=True,
    )  # fmt: skip
    try:
        if _wait_for_node(node, address):
            return node
    except BaseException:  # Ctrl+C
        end_node(node)
        raise
    end_node(node)
    raise Refusal(
        f"This machine couldn't join the cluster at {address}.",
        "See that ~/.ray/auth_token is the same on both machines, and that they have the same versions of Python and"
        " Ray.",
    )


def _wait_for_node(node: subprocess.Popen[bytes], address: Address) -> bool:
    """Wait until the process of a node has begun it; whether it has."""
    import psutil

    end = time.monotonic() + START_SECONDS
    while node.poll() is None and time.monotonic() < end:
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(node.pid).children(recursive=True)
            if is_there(address) and any(process.name() == "raylet" for process in family):
                return True
        time.sleep(0.1)
    return False


def _join(address: Address) -> list[str]:
    mine = [f"--node-ip-address={address.host}"] if address.host == LOOPBACK else []
    return [f"--address={address}", *mine]


def _choose_store() -> int:
    import psutil

    return max(100 << 20, min(2 << 30, psutil.virtual_memory().total // 10))


def _is_mine(host: str) -> bool:
    import psutil

    mine = {one.address for each in psutil.net_if_addrs().values() for one in each}
    return host.startswith("127.") or host in mine


def make_environment(home: Path) -> dict[str, str]:
    """The variables of a node: without what opens anything of its owner's, and with where Stir and its models are."""
    kept = {
        name: value
        for name, value in list_environment().items()
        if name != WATCHED and (name.startswith("RAY_") or not SECRET_NAMES.search(name))
    }
    paths = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH", ""))))
    return kept | {
        "STIR_HOME": str(home), "STIR_NO_HOSTED": "1", "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_worker_prestart": "0", "RAY_prestart_worker_first_driver": "0",
        "RAY_worker_niceness": str(os.nice(0) if hasattr(os, "nice") else 0),  # else it is the lowest priority
    }  # fmt: skip


def end_node(node: subprocess.Popen[bytes], seconds: float = 3.0) -> None:
    """End a node and all it has started, within so many seconds. Safe to call twice."""
    import psutil

    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(node.pid).children(recursive=True)
    for process in (*family, node):
        with contextlib.suppress(psutil.Error, OSError):
            process.terminate()
    for process in psutil.wait_procs(family, seconds)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    node.kill()
    node.wait()


# This process ---------------------------------------------------------------------------------------------------------


def connect(address: Address) -> None:
    """Connect this process to the cluster, through this machine's node. Raises `Refusal`."""
    ray = require_ray()
    with _CONNECTED:
        if ray.is_initialized() and str(address) not in _users:
            raise Refusal("This process is connected to another cluster.", "Start Stir once for each cluster.")
        if not ray.is_initialized():
            _users.clear()
            mine = {"_node_ip_address": address.host} if address.host == LOOPBACK else {}
            before = signal.getsignal(signal.SIGTERM)
            try:
                ray.init(
                    address=str(address), namespace="stir", log_to_driver=False, logging_level="ERROR",
                    job_config=_make_job_config(), **mine,
                )  # fmt: skip
            except Exception as error:
                raise Refusal(
                    f"The cluster at {address} can't be reached ({type(error).__name__}).",
                    "See that ~/.ray/auth_token is the same on its machines, then start Stir again.",
                ) from error
            with contextlib.suppress(ValueError):  # in the main thread, where Ray has put its own
                signal.signal(signal.SIGTERM, before)
        _users.append(str(address))


def _make_job_config() -> Any:
    """Ray gives workers the folders that this process was started from: here it gives none."""
    from ray.job_config import JobConfig

    class Nowhere(list[str]):
        def extend(self, values: Any) -> None:
            del values

    found = JobConfig()
    found._py_driver_sys_path = Nowhere()  # pyright: ignore[reportPrivateUsage]
    return found


def disconnect(address: Address, everybody: bool = False) -> None:
    """Let go of the cluster, once for each `connect`; with `everybody`, whoever else uses it in this process."""
    ray = require_ray()
    with _CONNECTED:
        if str(address) in _users:
            _users.remove(str(address))
        if everybody:
            _users.clear()
        if not _users and ray.is_initialized():
            ray.shutdown()


def list_nodes() -> list[Node]:
    """The machines that work for Stir now. Raises what Ray raises where the cluster has gone."""
    import ray

    found = (one for one in ray.nodes() if one["Alive"] and MARK in one["Resources"])
    return [
        Node(one["NodeID"], one["NodeManagerHostname"], int(one["Resources"].get("GPU", 0)),
             max(1, int(one["Resources"].get("CPU", 1))))
        for one in found
    ]  # fmt: skip
