"""Components that several cards use, loaded once: the same text encoder of 11 GB serves every Wan model.

Knows how to tell from the disk, before loading, that two folders hold the same component, and which cards use what is in
memory. Refuses to know how a component is loaded or where it waits.
"""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from studio.engines.diffusion.files.components import LocalComponent
from studio.engines.diffusion.files.local_files import read_header

SAMPLE = 65_536
"""Bytes read of each place that is looked at."""

PLACES = 24
"""How many places of a file are looked at. With the header, which names every tensor and its place, 1.6 MB of 11 GB."""

_UNIMPORTANT = {"transformers_version", "dtype", "torch_dtype"}
"""Keys of a config that say who wrote it and not what it is; so do those that begin with an underscore."""


def identity(part: LocalComponent, dtype: str) -> str:
    """What a component on the disk is: the same for two folders only if they would load the same thing.

    It is made of the class, the config, the dtype it is loaded with, and each weight file: the hub's own name for its content
    where the file is a link into the hub's cache, else its length, header and samples.
    """
    told = hashlib.blake2b(f"{part.kind}|{dtype}|{part.variant}|{part.gguf}".encode(), digest_size=20)
    file = part.folder / "config.json"
    said: Any = msgspec.json.decode(file.read_bytes()) if file.is_file() else {}
    kept = {key: value for key, value in said.items() if key not in _UNIMPORTANT and not key.startswith("_")}
    told.update(msgspec.json.encode(kept, order="deterministic"))
    for weights in part.weights:
        told.update(_content(weights).encode())
    return told.hexdigest()


def _content(file: Path) -> str:
    if file.is_symlink():
        blob = file.resolve()
        if blob.parent.name == "blobs":
            return blob.name
    return sampled(file)


def sampled(file: Path) -> str:
    """`_sampled`, once for as long as a file's length and time stay the same."""
    found = file.stat()
    return _sampled(str(file), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=512)
def _sampled(name: str, size: int, _time: int) -> str:
    """A file's length and a hash of its header and of evenly spaced samples: quick for any length.

    Training changes all the numbers of a tensor, so two different sets of weights differ in every sample.
    """
    file = Path(name)
    told = hashlib.blake2b(str(size).encode(), digest_size=20)
    if file.suffix == ".safetensors":
        told.update(read_header(file))
    with file.open("rb") as handle:
        for place in range(PLACES):
            handle.seek(max(0, (size - SAMPLE) * place // (PLACES - 1)))
            told.update(handle.read(SAMPLE))
    return f"{size}-{told.hexdigest()}"


class Shared:
    """What is in memory for several cards, by identity, and the cards that use each. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Any] = {}
        self._users: dict[str, set[str]] = {}
        self._reused: dict[str, list[str]] = {}

    def take(self, identity: str, card: str, name: str) -> Any | None:
        """The component, if it is in memory; `card` counts as its user from now on. `name` is what the card calls it."""
        with self._lock:
            found = self._kept.get(identity)
            if found is not None:
                self._users[identity].add(card)
                self._reused.setdefault(card, []).append(name)
            return found

    def put(self, identity: str, component: Any, card: str) -> None:
        """Offer a component that `card` has loaded to others."""
        with self._lock:
            self._kept[identity] = component
            self._users[identity] = {card}

    def leave(self, card: str) -> None:
        """A card is gone: whatever nobody else uses is let go."""
        with self._lock:
            self._reused.pop(card, None)
            for identity, users in list(self._users.items()):
                users.discard(card)
                if not users:
                    del self._users[identity], self._kept[identity]

    def reused(self, card: str) -> tuple[str, ...]:
        """The components that were there already when this card was loaded, by their names."""
        with self._lock:
            return tuple(self._reused.get(card, ()))

    def has(self, identity: str) -> bool:
        """Whether this component is in memory."""
        with self._lock:
            return identity in self._kept

    def users(self, identity: str) -> frozenset[str]:
        """The cards that use it."""
        with self._lock:
            return frozenset(self._users.get(identity, ()))
