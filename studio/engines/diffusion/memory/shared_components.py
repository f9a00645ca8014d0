"""Components that several models share in memory, loaded once: the same text encoder of 11 GB serves every Wan model.

`identify` tells from the disk, before loading, that two folders hold the same component; `SharedComponents` counts who
uses what is in memory. Reading a component is loader.py's.
"""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from studio.engines.diffusion.files.components import LocalComponent

SAMPLE = 65_536
"""Bytes read of each place that is looked at."""

PLACES = 24
"""How many places of a file are looked at. With the header, which names every tensor and its place, 1.6 MB of 11 GB."""

MOST_HEADER = 100_000_000
"""Bytes; the safetensors library refuses a longer header."""

_UNIMPORTANT = {"transformers_version", "dtype", "torch_dtype"}
"""Keys of a config that say who wrote it and not what it is; so do those that begin with an underscore."""


def identify(part: LocalComponent, dtype: str) -> str:
    """What a component on the disk is: the same for two folders only if they would load the same thing.

    It is made of the class, the config, the dtype it is loaded with, and each weight file: the hub's own name for its
    content where the file is a link into the hub's cache, else its length, header and samples.
    """
    digest = hashlib.blake2b(f"{part.class_name}|{dtype}|{part.variant}|{part.gguf}".encode(), digest_size=20)
    file = part.folder / "config.json"
    config: Any = msgspec.json.decode(file.read_bytes()) if file.is_file() else {}
    important = {key: value for key, value in config.items() if key not in _UNIMPORTANT and not key.startswith("_")}
    digest.update(msgspec.json.encode(important, order="deterministic"))
    for weights in part.weights:
        digest.update(_identify_content(weights).encode())
    return digest.hexdigest()


def _identify_content(file: Path) -> str:
    if file.is_symlink():
        blob = file.resolve()
        if blob.parent.name == "blobs":
            return blob.name
    return fingerprint(file)


def fingerprint(file: Path) -> str:
    """`_fingerprint`, once for as long as a file's length and time stay the same."""
    found = file.stat()
    return _fingerprint(str(file), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=512)
def _fingerprint(name: str, size: int, _time: int) -> str:
    """A file's length and a hash of its header and of evenly spaced samples: quick for any length.

    Training changes all the numbers of a tensor, so two different sets of weights differ in every sample.
    """
    file = Path(name)
    digest = hashlib.blake2b(str(size).encode(), digest_size=20)
    if file.suffix == ".safetensors":
        digest.update(_read_header(file))
    with file.open("rb") as handle:
        for place in range(PLACES):
            handle.seek(max(0, (size - SAMPLE) * place // (PLACES - 1)))
            digest.update(handle.read(SAMPLE))
    return f"{size}-{digest.hexdigest()}"


def _read_header(file: Path) -> bytes:
    """A safetensors file's first bytes: 8 with the length, and the JSON that names every tensor and its place."""
    with file.open("rb") as handle:
        start = handle.read(8)
        return start + handle.read(min(int.from_bytes(start, "little"), MOST_HEADER))


class SharedComponents:
    """What is in memory for several cards, by identity, and the cards that use each. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._components: dict[str, Any] = {}
        self._users: dict[str, set[str]] = {}
        self._reused: dict[str, list[str]] = {}

    def take(self, identity: str, card: str, name: str) -> Any | None:
        """The component, if it is in memory; `card` is one of its users from now on. `name`: what the card calls it."""
        with self._lock:
            found = self._components.get(identity)
            if found is not None:
                self._users[identity].add(card)
                self._reused.setdefault(card, []).append(name)
            return found

    def put(self, identity: str, component: Any, card: str) -> None:
        """Offer a component that `card` has loaded to others."""
        with self._lock:
            self._components[identity] = component
            self._users[identity] = {card}

    def leave(self, card: str) -> None:
        """A model is evicted: whatever nobody else uses is let go."""
        with self._lock:
            self._reused.pop(card, None)
            for identity, users in list(self._users.items()):
                users.discard(card)
                if not users:
                    del self._users[identity], self._components[identity]

    def list_reused(self, card: str) -> tuple[str, ...]:
        """The components that were there already when this card was loaded, by their names."""
        with self._lock:
            return tuple(self._reused.get(card, ()))

    def has(self, identity: str) -> bool:
        """Whether this component is in memory."""
        with self._lock:
            return identity in self._components

    def list_users(self, identity: str) -> frozenset[str]:
        """The cards that use it."""
        with self._lock:
            return frozenset(self._users.get(identity, ()))
