"""Replicate's routes as the imitation answers them, in the shapes that were recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from studio.hosted_cards import Field, Way
from studio.hosted_demo.demo_requests import DemoRequest, DemoRequests
from studio.hosted_demo.field_check import Complaint

STATES = {"waiting": "starting", "running": "processing"}
PAGE = 100
"""Requests of a page of the list."""

KINDS = {"text": "string", "whole": "integer", "number": "number", "switch": "boolean"}

MISPLACED = {
    "private": "https://10.0.0.1/out.mp4",
    "insecure": "http://films.example/out.mp4",
    "data": "data:video/mp4;base64,AAAA",
}
"""Addresses where nothing should be fetched, for the faults that lay a film there."""

Answer = tuple[int, Any]
"""A status and what stands in its body; None for an empty one."""


class ReplicateRoutes:
    """Answers calls under /v1. `films` is where the films lie."""

    def __init__(self, requests: DemoRequests, films: str) -> None:
        self._requests, self._films = requests, films

    def find_route(self, method: str, path: str) -> str:
        """What a call is, as faults are named for; "" for none."""
        parts = path.strip("/").split("/")[1:]
        return {
            ("GET", "account"): "account", ("GET", "models"): "schema",
            ("POST", "files"): "upload", ("DELETE", "files"): "delete",
            ("POST", "predictions"): "cancel" if parts[-1] == "cancel" else "create",
            ("GET", "predictions"): "poll" if len(parts) > 1 else "list",
        }.get((method, parts[0] if parts else ""), "")  # fmt: skip

    def refuse(self, status: int, says: str = "", fields: tuple[Complaint, ...] = ()) -> Any:
        """The body of an error."""
        wrong = [{"field": f"input.{one.field}", "description": one.says} for one in fields]
        about = {"title": "Error", "detail": says or f"Injected {status}.", "status": status}
        return about | ({"invalid_fields": wrong} if wrong else {})

    def answer(self, route: str, path: str, query: dict[str, str], body: bytes, fate: str) -> Answer:
        """What a call comes to."""
        parts = path.strip("/").split("/")[1:]
        if route == "account":
            return 200, {"type": "user", "username": "stand-in", "name": "Stand-in", "github_url": ""}
        if route == "schema":
            return self._describe("/".join(parts[1:3]), parts[4] if len(parts) > 4 else "")
        if route == "upload":
            return self._upload(body)
        if route == "delete":
            return (204, None) if self._requests.files.pop(parts[1], None) is not None else (404, self.refuse(404))
        if route == "create":
            return self._create(json.loads(body), fate)
        if route == "list":
            return self._list(int(query.get("cursor", "0")))
        made = self._requests.get(parts[1])
        if made is None:
            return 404, self.refuse(404, "The requested resource could not be found.")
        if route == "cancel":
            self._requests.cancel(made)
        return 200, self._show(made)

    def _create(self, asked: dict[str, Any], fate: str) -> Answer:
        ref, _, version = str(asked.get("version", "")).partition(":")
        inputs = asked.get("input", {})
        checked = self._requests.check("replicate", ref, inputs)
        if checked is None:
            return 404, self.refuse(404, "The requested resource could not be found.")
        found = self._requests.find_way("replicate", ref)
        if found and found[0].version != version:
            return 422, self.refuse(422, "Invalid version or not permitted")
        if checked.complaints:
            said = "\n".join(f"- input.{one.field}: {one.says}" for one in checked.complaints)
            return 422, self.refuse(422, said, checked.complaints)
        return 201, self._show(self._requests.start(ref, version, inputs, checked, fate))

    def _show(self, made: DemoRequest) -> dict[str, Any]:
        state = made.state
        output: str | list[str] | None = None
        if state == "succeeded" and made.fate != "nothing" and made.words:
            output = [f"{word} " for word in made.words.split(" ")]
        elif state == "succeeded" and made.fate != "nothing":
            output = f"{self._films}/{made.id}.mp4" if not made.fate else MISPLACED.get(made.fate, "")
        bar = f"{made.progress:3d}%|####      | {made.progress}/100" if state == "running" else ""
        made_at = datetime.fromtimestamp(made.made_at, UTC).isoformat().replace("+00:00", "Z")
        return {
            "id": made.id, "model": made.ref, "version": made.version or "hidden",
            "input": made.inputs, "output": output, "logs": bar,
            "error": made.error or None if state == "failed" else None, "status": STATES.get(state, state),
            "created_at": made_at, "data_removed": False,
            "metrics": {"predict_time": made.seconds} if state == "succeeded" else {}, "source": "api",
            "urls": {"get": f"{self._films}/trap", "cancel": f"{self._films}/trap", "web": f"{self._films}/trap"},
        }  # fmt: skip

    def _upload(self, body: bytes) -> Answer:
        head, _, rest = body.partition(b"\r\n\r\n")
        edge = head.split(b"\r\n")[0]
        content = rest.partition(b"\r\n" + edge)[0]
        name = self._requests.keep_file(content)
        return 201, {
            "id": name, "content_type": "application/octet-stream", "size": len(content), "etag": "",
            "checksums": {"sha256": ""}, "metadata": {},
            "created_at": "2026-11-21T00:00:00Z", "expires_at": "2026-11-22T00:00:00Z",
            "urls": {"get": f"{self._films}/trap"},
        }  # fmt: skip

    def _list(self, start: int) -> Answer:
        rows = self._requests.list_recent()
        more = f"{self._films}/v1/predictions?cursor={start + PAGE}" if len(rows) > start + PAGE else None
        return 200, {"previous": None, "next": more, "results": [self._show(one) for one in rows[start : start + PAGE]]}

    def _describe(self, ref: str, version: str) -> Answer:
        found = self._requests.find_way("replicate", ref)
        if found is None or (version and version != found[0].version):
            return 404, self.refuse(404)
        schemas = describe_way(found[0])
        schemas |= {"Output": {"type": "string", "format": "uri"}}
        about = {"id": found[0].version or "hidden", "openapi_schema": {"components": {"schemas": schemas}}}
        owner, _, name = ref.partition("/")
        return 200, about if version else {"owner": owner, "name": name, "latest_version": about}


def describe_way(way: Way) -> dict[str, Any]:
    """The schemas of a model's input: choices stand beside it and are referred to, as both services do."""
    schemas: dict[str, Any] = {}
    properties: dict[str, Any] = {slot.field: {"type": "string", "format": "uri"} for slot in way.slots.values()}
    properties |= {name: {"type": _name_kind(value)} for name, value in way.fixed.items()}
    for one in way.fields:
        if one.in_ref:
            continue
        if one.values:
            schemas[one.name] = {"type": _name_kind(one.values[0]), "enum": list(one.values)}
            properties[one.name] = {"allOf": [{"$ref": f"#/components/schemas/{one.name}"}]}
        else:
            properties[one.name] = {"type": KINDS[one.kind], **_limit(one)}
    required = [slot.field for slot in way.slots.values() if slot.required]
    required += [one.name for one in way.fields if one.required and not one.in_ref]
    return schemas | {"Input": {"type": "object", "properties": properties, "required": required}}


def _limit(field: Field) -> dict[str, float]:
    limits = {"minimum": field.least, "maximum": field.most} if field.kind in ("whole", "number") else {}
    return {name: value for name, value in limits.items() if value is not None}


def _name_kind(value: Any) -> str:
    return "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "string"
