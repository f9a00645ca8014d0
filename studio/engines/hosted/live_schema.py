"""What a model takes now, read from the OpenAPI document that a service hands out."""

from __future__ import annotations

from typing import Any

from studio.engines.hosted.reply_values import as_list, as_object
from studio.engines.hosted.service import LiveField, LiveSchema

DEEPEST = 8
"""References in a row that are followed."""


def read_schema(document: Any, schema: Any, version: str = "") -> LiveSchema:
    """The fields of `schema`, an object of `document`: an OpenAPI document or its components' schemas.

    Anything that isn't as it should be is left out.
    """
    top = _resolve(document, schema)
    required = as_list(top.get("required"))
    fields = {
        str(name)[:80]: _read_field(_resolve(document, one), name in required)
        for name, one in list(as_object(top.get("properties")).items())[:200]
    }  # fmt: skip
    return LiveSchema(fields, version)


def find_input(document: Any, path: str) -> Any:
    """The schema of what is posted to a path of an OpenAPI document; {} without one."""
    found: Any = document
    for step in ("paths", path, "post", "requestBody", "content", "application/json", "schema"):
        found = as_object(found).get(step)
    return as_object(found)


def _resolve(document: Any, schema: Any, depth: int = 0) -> dict[str, Any]:
    """A schema with its references, and what it is all of or any of, put into one object."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return {}
    whole = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}
    if isinstance(schema.get("$ref"), str):
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = as_object(found).get(step)
        whole = _resolve(document, found, depth + 1) | whole
    for kind in ("allOf", "anyOf", "oneOf"):
        for one in as_list(schema.get(kind)):
            part = _resolve(document, one, depth + 1)
            if part.get("type") != "null":
                whole = part | whole
    return whole


def _read_field(schema: dict[str, Any], required: bool) -> LiveField:
    kind = schema.get("type")
    return LiveField(
        kind if isinstance(kind, str) else "",
        tuple(as_list(schema.get("enum"))[:100]),
        _read_limit(schema.get("minimum")),
        _read_limit(schema.get("maximum")),
        required,
        schema.get("default"),
    )


def _read_limit(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
