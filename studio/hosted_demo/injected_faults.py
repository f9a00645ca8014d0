"""Faults that the imitation makes on request: what a service or a network may do wrong, call by call or at random."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence

CALLS = (
    "drop", "lose", "garbage", "empty", "list", "redirect",
    "401", "402", "403", "404", "422", "429", "500", "502", "503",
)  # fmt: skip
"""Faults of any call. drop: the connection ends before anything is done; lose: it is done, and the answer is lost;
garbage, empty, list: an answer that is no JSON, nothing, or no object; redirect: to another origin; else a status.
Besides them hang, which takes as long as a client has patience: the call is taken and never answered.
"""

FATES = ("failed", "canceled", "aborted", "endless", "nothing", "private", "insecure", "data")
"""What a request that was created may come to, on the route "create". nothing: it succeeds and names no film; private,
insecure, data: its film's address is of a private network, of an unencrypted host, or none at all.
"""

FILMS = (
    "drop", "cut", "huge", "endless", "wrong_type", "no_film", "zipped", "404", "503",
    "pass_on", "pass_round", "pass_to_private", "pass_nowhere",
)  # fmt: skip
"""Faults of the route "film". cut: it ends before its end; huge: it says that it is; endless: it doesn't end; zipped:
it is compressed; pass_...: it redirects to another origin, in a circle, into a private network, or without an address.
"""

BY_CHANCE: dict[str, Sequence[str]] = {
    "create": ("drop", "lose", "429", "500", "502", "503", "garbage", "failed", "canceled", "aborted", "nothing"),
    "upload": ("drop", "lose", "429", "503", "garbage"),
    "poll": ("drop", "lose", "429", "500", "502", "503", "garbage", "empty"),
    "film": ("drop", "cut", "503", "pass_on", "no_film"),
    "cancel": ("drop", "lose", "503"),
    "delete": ("drop", "503"),
    "list": ("drop", "429"),
}
"""What happens by itself where a rate is given: what a healthy account on a poor line may meet."""


class InjectedFaults:
    """`script`: for each route the faults of its next calls, "" for none. `rate`: the share of calls that fault by
    chance after that, by `seed`. `wait` is the header Retry-After of 429 and 503.
    """

    def __init__(
        self, script: Mapping[str, Sequence[str]] | None = None, rate: float = 0.0, seed: int = 0, wait: str = "0"
    ) -> None:
        self.script = {route: list(faults) for route, faults in (script or {}).items()}
        self.rate, self.wait = rate, wait
        self._chance = random.Random(seed)  # noqa: S311
        self._lock = threading.Lock()

    def take(self, route: str) -> str:
        """The fault of this call, "" for none."""
        with self._lock:
            if self.script.get(route):
                return self.script[route].pop(0)
            if route in BY_CHANCE and self.rate and self._chance.random() < self.rate:
                return self._chance.choice(BY_CHANCE[route])
        return ""
