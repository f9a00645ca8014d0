"""The hosted services that Stir knows, unless STIR_NO_HOSTED is set: then there are none, and no code asks any."""

from __future__ import annotations

import os
from functools import cache

from studio.engines.hosted.service import Service
from studio.engines.hosted.tokens import is_off
from studio.nouns import Refusal


def services() -> tuple[Service, ...]:
    """All services, the one with most models first; () when they are switched off."""
    return () if is_off() else _make(os.environ.get("STIR_REPLICATE_URL", ""), os.environ.get("STIR_FAL_URL", ""))


@cache
def _make(replicate: str, fal: str) -> tuple[Service, ...]:
    """The services at these addresses, kept: each holds its connections."""
    from studio.engines.hosted.fal import Fal
    from studio.engines.hosted.replicate import Replicate

    del replicate, fal
    return (Replicate(), Fal())


def find_service(name: str) -> Service:
    """The service of that name. Raises `Refusal` when hosted models are off or there is none."""
    if is_off():
        raise Refusal("Hosted models are switched off here.", "Unset STIR_NO_HOSTED and start Stir again.")
    for one in services():
        if one.name == name:
            return one
    raise Refusal(f"Stir knows no hosted service {name!r}.", "Update Stir, or choose another model.")
