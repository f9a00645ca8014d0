"""What the hosted models take, as their services describe it: written down from the services' published schemas and held
against what the cards send, which were written apart from it.

hosted_schemas.txt has a line a model under its service's name: the endpoint ({…} for each of several), then its fields: * is
required, then the kind: u a file, s words, b true or false, i a whole number, n a number; {…} the values, a..b the range.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

_FIELD = re.compile(
    r"(?P<required>\*?)(?P<name>\w+):(?P<kind>[usbin])(?:\{(?P<values>[^}]*)\}|(?P<least>-?\d+)\.\.(?P<most>\d+))?"
)
_KINDS: dict[str, type | tuple[type, ...]] = {"u": str, "s": str, "b": bool, "i": int, "n": (int, float)}


class SchemaField(NamedTuple):
    """A field of a model: its kind, the values or the range it takes, and whether it is required."""

    required: bool
    kind: str
    values: tuple[str, ...]
    least: int | None
    most: int | None


def read_schemas(text: str) -> dict[str, dict[str, SchemaField]]:
    """Every endpoint's fields by name, one endpoint for each value in braces."""
    found: dict[str, dict[str, SchemaField]] = {}
    for line in text.strip().splitlines():
        ref, _, rest = line.partition(" | ")
        fields = {part["name"]: _read_field(part) for part in (_FIELD.fullmatch(word) for word in rest.split()) if part}
        assert len(fields) == len(rest.split()), f"a field of {ref} can't be read"
        places = re.search(r"\{(.*)\}", ref)
        names = [ref.replace(places.group(), one) for one in places.group(1).split(",")] if places else [ref]
        found |= dict.fromkeys(names, fields)
    return found


def _read_field(part: re.Match[str]) -> SchemaField:
    values = tuple(part["values"].split(",")) if part["values"] else ()
    least, most = (int(part["least"]), int(part["most"])) if part["least"] else (None, None)
    return SchemaField(bool(part["required"]), part["kind"], values, least, most)


_SERVICES = [part.partition("\n") for part in Path(__file__).with_suffix(".txt").read_text("utf-8").split("\n\n")]
SCHEMAS = {name: read_schemas(lines) for name, _, lines in _SERVICES}


def list_faults(service: str, ref: str, sent: dict[str, Any]) -> list[str]:
    """What a service would find wrong with these fields, files as words in their fields."""
    fields = SCHEMAS[service][ref]
    found = [f"{name} is missing" for name, field in fields.items() if field.required and name not in sent]
    for name, value in sent.items():
        field = fields.get(name)
        if field is None:
            found.append(f"{name} isn't declared")
        elif not isinstance(value, _KINDS[field.kind]) or (isinstance(value, bool) and field.kind != "b"):
            found.append(f"{name} is {value!r}")
        elif field.values and str(value) not in field.values:
            found.append(f"{name} is {value!r}, not one of {field.values}")
        elif field.least is not None and field.most is not None and not field.least <= value <= field.most:
            found.append(f"{name} is {value!r}, outside {field.least} to {field.most}")
    return found
