"""The imitation's requests: what was asked, how far each is by the clock, and the film or the words it comes to."""

from __future__ import annotations

import re
import secrets
import threading
import time
from base64 import b64decode
from binascii import Error
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from studio import presets
from studio.hosted_cards import Way
from studio.hosted_demo.demo_film import FilmShape, make_film
from studio.hosted_demo.field_check import Checked, Complaint, check_request

KEEP = 3600.0
"""Seconds that a request and its film are kept, as Replicate does."""

WRITERS = {
    "replicate": {"meta/meta-llama-3-8b-instruct": ("prompt", "system_prompt", "max_tokens")},
    "fal": {"openrouter/router": ("model", "prompt", "system_prompt", "max_tokens")},
}
"""The language models of each service that are imitated, and their fields."""

State = Literal["waiting", "running", "succeeded", "failed", "canceled", "aborted"]


@dataclass
class DemoRequest:
    """One request. `fate` is what an injected fault makes of it, `seconds` how long it takes."""

    id: str
    ref: str
    version: str
    inputs: dict[str, Any]
    fate: str
    seconds: float
    film: Future[bytes] | None = None
    words: str = ""
    error: str = ""
    made_at: float = field(default_factory=time.time)
    ended: State | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> State:
        """How far it is now."""
        past = time.monotonic() - self.began
        if self.ended is None and past >= self.seconds and self.fate != "endless":
            if self.fate in ("failed", "canceled", "aborted"):
                self.ended = "failed" if self.fate == "failed" else "canceled" if self.fate == "canceled" else "aborted"
            elif self.film is None or self.film.done():
                self.ended = "failed" if self.film and self.film.exception() else "succeeded"
        return self.ended or ("waiting" if past < self.seconds * 0.2 else "running")

    @property
    def progress(self) -> int:
        """Per cent, by the clock."""
        return min(99, round(100 * (time.monotonic() - self.began) / self.seconds)) if self.seconds else 99


class DemoRequests:
    """All requests and uploads of one imitation; any thread may ask. `seconds`: how long a request takes. `ways`: the
    models it has. `most_side`: films are no longer than that on a side, in pixels.
    """

    def __init__(self, seconds: float, ways: tuple[Way, ...], most_side: int = 4096) -> None:
        self._most_side = most_side
        self.seconds = seconds
        self._ways = ways
        self._lock = threading.Lock()
        self._all: dict[str, DemoRequest] = {}
        self.files: dict[str, bytes] = {}
        self._films: dict[tuple[bytes, FilmShape], Future[bytes]] = {}
        self._makers = ThreadPoolExecutor(1, "demo film")

    def find_way(
        self, service: str, ref: str, inputs: dict[str, Any] | None = None
    ) -> tuple[Way, dict[str, str]] | None:
        """The way in that a name means, with the values of the fields that are part of the name. Of several cards for
        one name it is that whose fixed fields are those of the `inputs`.
        """
        known: list[tuple[Way, dict[str, str]]] = []
        for way in self._ways:
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(way.ref))
            if way.service == service and (found := re.fullmatch(pattern, ref)):
                known.append((way, found.groupdict()))
        given = (inputs or {}).items()
        return next((one for one in known if one[0].fixed.items() <= given), known[0] if known else None)

    def check(self, service: str, ref: str, inputs: dict[str, Any]) -> Checked | None:
        """What is wrong with a request, and the film it asks for; None for a name that isn't known."""
        if fields := WRITERS[service].get(ref):
            unknown = [Complaint(one, "is not a field of this model") for one in inputs if one not in fields]
            empty = [] if inputs.get("prompt") else [Complaint("prompt", "is required")]
            return Checked((*unknown, *empty), b"", FilmShape(0, 0, 0, 1))
        found = self.find_way(service, ref, inputs)
        return check_request(found[0], found[1], inputs, self.read_file) if found else None

    def start(self, ref: str, version: str, inputs: dict[str, Any], checked: Checked, fate: str) -> DemoRequest:
        """Begin a request that was found fine."""
        made = DemoRequest(secrets.token_hex(13), ref, version, inputs, fate, self.seconds)
        if checked.photo:
            made.film = self._make_film(checked)
        else:
            made.words = f"{inputs['prompt'].rpartition(':')[2].strip()}, slowly, while the rest stays still."
        if fate == "failed":
            made.error = "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
        with self._lock:
            self._all[made.id] = made
            for old in [one for one in self._all.values() if time.time() - one.made_at > KEEP]:
                del self._all[old.id]
        return made

    def get(self, request_id: str) -> DemoRequest | None:
        """One request, None when there is none."""
        return self._all.get(request_id)

    def list_recent(self) -> list[DemoRequest]:
        """All requests, the newest first."""
        return sorted(self._all.values(), key=lambda one: -one.made_at)

    def cancel(self, made: DemoRequest) -> None:
        """End a request that isn't over."""
        if made.state in ("waiting", "running"):
            made.ended = "canceled"

    def keep_file(self, content: bytes) -> str:
        """The id of an upload."""
        name = secrets.token_hex(10)
        self.files[name] = content
        return name

    def read_file(self, value: str) -> bytes:
        """What a field's address or data URI holds. Raises `OSError` for one that isn't known here."""
        inline = re.match(r"data:[\w/+.-]+;base64,", value)
        try:
            return b64decode(value[inline.end() :], validate=True) if inline else self.files[value.rpartition("/")[2]]
        except (KeyError, Error):
            raise OSError("no such file") from None

    def close(self) -> None:
        """Stop making films."""
        self._makers.shutdown(cancel_futures=True)

    def _make_film(self, checked: Checked) -> Future[bytes]:
        long = max(checked.shape.width, checked.shape.height)
        scale = min(1.0, self._most_side / long)
        width, height = (max(2, round(side * scale / 2) * 2) for side in (checked.shape.width, checked.shape.height))
        key = (checked.photo, checked.shape._replace(width=width, height=height))
        with self._lock:
            if key not in self._films:
                self._films[key] = self._makers.submit(make_film, *key)
            return self._films[key]


def list_ways() -> tuple[Way, ...]:
    """The ways in of all cards that ship."""
    return tuple(way for card in presets.cards() if card.hosted for way in card.hosted.ways)
