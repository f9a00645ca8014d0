"""Services that have said no to everybody: no credit, a wrong token, too many requests. What waits for one keeps
waiting and says why, so that one refusal doesn't become fifty.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from studio.engines.hosted.service import FaultKind, ServiceRefusal
from studio.engines.hosted.tokens import Token, find_token

SPELLS: dict[FaultKind, float] = {"rate_limited": 10.0, "unreachable": 20.0, "service": 30.0}
"""Seconds for which nothing more is sent after a refusal that passes by itself, where the service names no longer."""

LASTING: tuple[FaultKind, ...] = ("bad_token", "no_credit", "no_token")
"""Refusals that only the user can end: by another token, or by another press once that is mended."""

LIMITED_SECONDS = 600.0
"""How long after a 429 requests are sent singly, as far apart as it asked."""

LONGEST = 900.0


@dataclass
class Pause:
    """Why and until when nothing is sent to a service (`until` by time.monotonic). `at`: when it began, seconds since
    1970. `apart`: seconds between two requests after it."""

    refusal: ServiceRefusal
    until: float
    at: float
    apart: float
    token: Token | None


class ServicePauses:
    """The pauses of one process, by service. Any thread may ask."""

    def __init__(self) -> None:
        self._pauses: dict[str, Pause] = {}
        self._lock = threading.Lock()

    def note_refusal(self, service: str, refusal: ServiceRefusal) -> None:
        """Pause a service whose refusal would meet the next request as well; any other refusal changes nothing."""
        now, spell = time.monotonic(), SPELLS.get(refusal.kind)
        if spell is None and refusal.kind not in LASTING:
            return
        apart = min(LONGEST, max(spell or 0.0, refusal.wait))
        until = now + apart if spell else float("inf")
        with self._lock:
            self._pauses[service] = Pause(refusal, until, time.time(), apart, find_token(service))

    def note_success(self, service: str) -> None:
        """A request was taken: the pause is over, but that one after a 429 keeps the next ones apart for a while."""
        with self._lock:
            pause = self._pauses.get(service)
            if pause is None:
                return
            if pause.refusal.kind == "rate_limited" and time.time() < pause.at + LIMITED_SECONDS:
                pause.until = time.monotonic() + pause.apart
            else:
                del self._pauses[service]

    def is_wary(self, service: str) -> bool:
        """Whether requests are to be sent singly: the last one was refused."""
        with self._lock:
            return service in self._pauses

    def explain(self, service: str, pressed_at: float = 0.0) -> str:
        """Why nothing is sent to a service now, as a sentence; "" where it may be. `pressed_at`: when something was
        last confirmed there, which ends a pause that lasts.
        """
        with self._lock:
            pause = self._pauses.get(service)
            if pause:
                pause.at = min(pause.at, time.time())  # the clock was set back
            if (
                pause
                and pause.refusal.kind in LASTING
                and (pressed_at > pause.at or find_token(service) != pause.token)
            ):
                pause.until = 0.0
        if pause is None or pause.until <= time.monotonic():
            return ""
        reason, remedy = pause.refusal.reason, pause.refusal.remedy
        if pause.refusal.kind not in LASTING:
            return f"It waits a moment: {reason}"
        return f"It waits: {reason} {remedy} The next clip that you animate there makes the others go on."
