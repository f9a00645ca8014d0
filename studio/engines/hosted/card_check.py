"""Cards held against what the services say now: gone, new required fields, values that are no longer taken.

A service is asked only when the user presses Check; what came of it is kept in the cache of the home folder, so that
the picker and the queue know it from then on.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import msgspec

from studio.atomic_write import write_whole
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.hosted.field_values import read_number
from studio.engines.hosted.service import Endpoint, LiveField, LiveSchema, Service, ServiceRefusal
from studio.hosted_cards import Field, Value, Way
from studio.nouns import Noun, Refusal
from studio.system_errors import refuse_unwritten

LARGEST = 1 << 20
"""Bytes of a file of checks that is read: thirty ways in take some ten thousand."""


class WayCheck(Noun, frozen=True):
    """What came of checking a way in at a time (seconds since 1970).

    `stops` is why it can't be used, "" where it can; `changes` are differences that only narrow or alter it, each as a
    sentence; `lost` the values of fields that it takes no more.
    """

    checked_at: float
    stops: str = ""
    changes: tuple[str, ...] = ()
    lost: dict[str, tuple[Value, ...]] = msgspec.field(default_factory=dict)


_DECODER = msgspec.json.Decoder(dict[str, WayCheck])  # built before threads read it: see the end of nouns.py
_WRITING = threading.Lock()
_READ: dict[Path, tuple[tuple[int, ...], dict[str, WayCheck]]] = {}
"""What a file of checks held, by which version of it: the picker asks once for each way in."""


def check_way(card: ModelCard, way: Way, service: Service) -> WayCheck:
    """Ask a service what a model takes now, and compare. Costs nothing. Raises `ServiceRefusal` where it can't be
    asked; a model that is gone is a finding.
    """
    found: list[WayCheck] = []
    for endpoint in list_endpoints(way):
        try:
            found.append(compare_schema(card, way, service.schema(endpoint)))
        except ServiceRefusal as refusal:
            if refusal.kind != "not_found":
                raise
            return WayCheck(time.time(), f"{service.title} has {card.title} no more.")
    lost: dict[str, tuple[Value, ...]] = {}
    for one in found:
        lost |= one.lost
    changes = tuple(dict.fromkeys(says for one in found for says in one.changes))
    return WayCheck(time.time(), next((one.stops for one in found if one.stops), ""), changes, lost)


def list_endpoints(way: Way) -> tuple[Endpoint, ...]:
    """Every endpoint that a way's choices lead to: one, or one for each value that is part of its ref."""
    place = next((one for one in way.fields if one.in_ref), None)
    if place is None:
        return (Endpoint(way.ref, way.version),)
    return tuple(Endpoint(way.ref.format(**{place.name: value}), way.version) for value in place.values)


def compare_schema(card: ModelCard, way: Way, live: LiveSchema) -> WayCheck:
    """What of a card the service takes no more, or takes otherwise."""
    known = {one.name for one in way.fields} | {one.field for one in way.slots.values()} | set(way.fixed)
    news = sorted(name for name, field in live.fields.items() if field.required and name not in known)
    stops = f"It now requires {', '.join(news)}, which this version of Stir can't fill." if news else ""
    slots = [one.field for one in way.slots.values() if one.required or one is way.slots["first_frame"]]
    if live.fields and (gone := [name for name in slots if name not in live.fields]):
        stops = f"It has no field {', '.join(gone)} any more."
    changes: list[str] = []
    lost: dict[str, tuple[Value, ...]] = {}
    for field in way.fields:
        if field.in_ref or not live.fields:
            continue
        now = live.fields.get(field.name)
        if now is None:
            changes.append(f"It has no field {field.name} any more.")
            continue
        if less := _list_lost(field, now):
            lost[field.name] = less
            changes.append(f"It no longer takes {', '.join(map(str, less))} for {field.name}.")
        changes += _compare_range(field, now)
    if way.version and live.version and way.version != live.version:
        changes.append("It has a newer version than the one this card names.")
    return WayCheck(time.time(), stops, tuple(changes), lost)


def _list_lost(field: Field, now: LiveField) -> tuple[Value, ...]:
    """The values of a card's choice that aren't taken any more, by the live choices or the live range."""
    if now.values:
        live = {str(one) for one in now.values}
        return tuple(value for value in field.values if str(value) not in live)
    least, most = now.least, now.most
    numbers = {value: read_number(value) for value in field.values if not isinstance(value, str)}
    return tuple(
        value
        for value, number in numbers.items()
        if number is not None and ((least is not None and number < least) or (most is not None and number > most))
    )


def _compare_range(field: Field, now: LiveField) -> list[str]:
    """How a range or a default differs from the card's."""
    found: list[str] = []
    if field.kind in ("whole", "number"):
        if now.most is not None and field.most is not None and now.most < field.most:
            found.append(f"Its {field.name} goes up to {now.most:g} only, not {field.most:g}.")
        if now.least is not None and field.least is not None and now.least > field.least:
            found.append(f"Its {field.name} begins at {now.least:g}, not {field.least:g}.")
    if now.default is not None and field.default is not None and now.default != field.default:
        found.append(f"Its default for {field.name} is {now.default}, not {field.default}.")
    return found


# What is kept ---------------------------------------------------------------------------------------------------------


def read_checks(settings: Settings) -> dict[str, WayCheck]:
    """What came of earlier checks, by "card/way", not to be changed. A file that is missing or damaged is none; one
    that hasn't changed since isn't read again.
    """
    path = settings.cache / "hosted_checks.json"
    try:
        with path.open("rb") as file:
            now = os.fstat(file.fileno())
            version = (now.st_ino, now.st_mtime_ns, now.st_size)
            known = _READ.get(path)
            if known is None or known[0] != version:
                known = _READ[path] = (version, _DECODER.decode(file.read(LARGEST)))
            return known[1]
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def keep_checks(settings: Settings, card: ModelCard, checks: dict[str, WayCheck]) -> None:
    """Keep what came of checking some ways of a card, by their names. Raises `Refusal` when it can't be written."""
    with _WRITING:
        known = read_checks(settings) | {f"{card.id}/{name}": one for name, one in checks.items()}
        try:
            write_whole(settings.cache / "hosted_checks.json", msgspec.json.encode(known))
        except OSError as error:
            raise refuse_unwritten(error, "What the check has found") from None


def find_check(settings: Settings, card: ModelCard, way: Way) -> WayCheck | None:
    """What came of the last check of a way in; None where it was never checked."""
    return read_checks(settings).get(f"{card.id}/{way.name}")


def require_values(settings: Settings, card: ModelCard, way: Way, values: dict[str, Value]) -> None:
    """Raises `Refusal` where the last check found that a way in is gone, or takes one of these values no more."""
    check = find_check(settings, card, way)
    if check is None:
        return
    if check.stops:
        raise Refusal(f"{card.title} can't be used there: {check.stops}", "Choose another way in or another model.")
    for name, lost in check.lost.items():
        if (value := values.get(name)) is not None and value in lost:
            what = next((one.title for one in way.fields if one.name == name and one.title), name)
            raise Refusal(
                f"{card.title} no longer takes {value} for {what.lower()}.", "Choose another, or check again."
            )
