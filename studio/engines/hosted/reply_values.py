"""Values out of a service's answers: whatever isn't as it should be counts as none."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from studio.library.logbook import scrub

ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What a service may call a request or a file: it becomes part of an address."""


def is_id(value: Any) -> bool:
    """Whether a value from a service can be an id."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def read_time(value: Any) -> float:
    """Seconds since 1970 of an ISO time, 0.0 for none."""
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def read_number(value: Any) -> float:
    """A number that isn't below zero; 0.0 for anything else."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if fine else 0.0


def as_list(value: Any) -> list[Any]:
    """A list; [] for anything else."""
    return value if isinstance(value, list) else []


def as_object(value: Any) -> dict[str, Any]:
    """An object; {} for anything else."""
    return value if isinstance(value, dict) else {}


def read_sentence(data: dict[str, Any]) -> str:
    """What an error's body says, for people: at most 300 characters of one line, without anything like a token."""
    detail = data.get("detail") or data.get("error") or data.get("message") or data.get("title") or ""
    if isinstance(detail, list):
        detail = "; ".join(str(one.get("msg", "")) for one in detail[:5] if isinstance(one, dict))
    line = " ".join("".join(one if one.isprintable() else " " for one in str(detail)[:4000]).split())
    return scrub(line)[:300]


def read_fields(data: dict[str, Any]) -> tuple[str, ...]:
    """The fields that an error names: Replicate's `invalid_fields`, or the ends of the `loc` of fal's `detail`."""
    named: list[str] = []
    for one in as_list(data.get("invalid_fields")):
        named.append(str(one.get("field", "")) if isinstance(one, dict) else str(one))
    for one in as_list(data.get("detail")):
        place = one.get("loc") if isinstance(one, dict) else None
        if isinstance(place, list) and place:
            named.append(str(place[1] if len(place) > 1 and place[0] == "body" else place[-1]))
    clean = (re.sub(r"[^\w.]", "", name.removeprefix("input."))[:60] for name in named[:20])
    return tuple(dict.fromkeys(name for name in clean if name))
