"""How long whoever gave a wrong password waits until the next is looked at: by address, and all strangers together.

After a wrong password an address waits one second, twice as long after each more, ten at most: some 8,600 guesses a
day. Addresses that nobody has signed in from may give `MOST_A_MINUTE` wrong ones together, so that a thousand addresses
guess no faster than some thirty of them. Whoever has signed in before doesn't wait for these. Used in one event loop.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

FIRST_WAIT, LONGEST_WAIT = 1.0, 10.0
"""Seconds that an address waits after its first wrong password, and at most."""

MOST_A_MINUTE = 30
"""Wrong passwords a minute of all addresses together that nobody has signed in from."""

FORGOTTEN = 3600.0
"""Seconds after the last wrong password when an address begins anew."""

MOST_ADDRESSES = 10_000


class PasswordThrottle:
    """Counts wrong passwords; `now` tells the time, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, and when last
        self._known: OrderedDict[str, None] = OrderedDict()
        self._strangers: deque[float] = deque(maxlen=MOST_A_MINUTE)

    def find_wait(self, address: str) -> float:
        """Seconds until a password from this address is looked at, 0 for now."""
        network, now = _find_network(address), self._now()
        count, last = self._wrong.get(network, (0, 0.0))
        own = last + min(FIRST_WAIT * 2 ** min(count - 1, 9), LONGEST_WAIT) - now if count else 0.0
        is_full = network not in self._known and len(self._strangers) == MOST_A_MINUTE
        return max(0.0, own, self._strangers[0] + 60.0 - now if is_full else 0.0)

    def note_wrong(self, address: str) -> int:
        """Count a wrong password. How many this address has given."""
        network, now = _find_network(address), self._now()
        count, last = self._wrong.pop(network, (0, 0.0))
        count = count + 1 if now - last < FORGOTTEN else 1
        self._wrong[network] = count, now
        if network not in self._known:
            self._strangers.append(now)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        return count

    def note_right(self, address: str) -> None:
        """Somebody has signed in from there."""
        network = _find_network(address)
        self._wrong.pop(network, None)
        self._known[network] = None
        self._known.move_to_end(network)
        if len(self._known) > MOST_ADDRESSES:
            self._known.popitem(last=False)


def read_address(named: str) -> str:
    """An address as it is usually written, IPv4 in IPv6 as IPv4, without a zone; "elsewhere" for whatever else a proxy
    may have passed on.
    """
    try:
        found = ip_address(named[:80].partition("%")[0])
    except ValueError:
        return "elsewhere"
    return str(found.ipv4_mapped or found) if isinstance(found, IPv6Address) else str(found)


def _find_network(address: str) -> str:
    """An IPv6 address's first 64 bits, which one household has; any other address as it is."""
    return IPv6Address(address).exploded[:19] if ":" in address else address
