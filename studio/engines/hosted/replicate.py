"""Replicate: official and community models at api.replicate.com, by its documented HTTP routes.

Source: replicate.com/docs/reference/http, and what its clients were seen to send. Addresses are made from the base,
never taken from an answer. Files and results are deleted there an hour after a request; uploads are deleted at once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from studio.engines.hosted.http_calls import ASK_TIMES, Origin, read_base
from studio.engines.hosted.live_schema import read_schema
from studio.engines.hosted.output_download import FilmFetcher
from studio.engines.hosted.reply_values import as_list, as_object, is_id, read_number, read_sentence, read_time
from studio.engines.hosted.service import (
    Account,
    Addressed,
    File,
    Going,
    LivePrice,
    LiveSchema,
    Remote,
    ServiceRefusal,
    Status,
    Uploaded,
)  # fmt: skip
from studio.engines.hosted.tokens import find_token

BASE = "https://api.replicate.com"
BILLING = "replicate.com/predictions"

STATUSES: dict[str, Status] = {
    "starting": "starting", "processing": "running", "succeeded": "succeeded",
    "failed": "failed", "canceled": "canceled", "aborted": "aborted",
}  # fmt: skip
"""Its word for how far a request is, and ours (replicate.com/docs/topics/predictions/lifecycle)."""

PROGRESS = re.compile(r"(\d{1,3})%\|")
"""tqdm's bar, as most models write it into their log."""

SHORTEST, LONGEST = 5, 1800
"""Seconds of Cancel-After; requests end after half an hour anyway."""

PAGES = 5
"""Pages of a hundred requests that are looked through for a lost one."""


class Replicate:
    """The service, or its imitation on this computer where STIR_REPLICATE_URL names one."""

    name = "replicate"
    can_list = True
    billing_page = BILLING
    kept = "Replicate deletes what it was sent, and the clip, after an hour."

    def __init__(self, pause: float = 0.5) -> None:
        base, self.is_stand_in = read_base("STIR_REPLICATE_URL", BASE)
        self.title = "Replicate (stand-in)" if self.is_stand_in else "Replicate"
        self._api = Origin(base, self.title, "Bearer", lambda: find_token(self.name), BILLING, pause)
        self._films = FilmFetcher(self._api, self.is_stand_in, pause=pause)

    def account(self) -> Account:
        """Whose token it is."""
        return Account(read_sentence({"detail": self._api.read("GET", "/v1/account").get("username")})[:80])

    def schema(self, way: Addressed) -> LiveSchema:
        """What a model takes now: an official model's, or a community model's of that version."""
        path = f"/v1/models/{_check_ref(way.ref)}"
        if way.version:
            version = self._api.read("GET", f"{path}/versions/{_check_version(way.version)}")
        else:
            version = as_object(self._api.read("GET", path).get("latest_version"))
        latest = version.get("id") if is_id(version.get("id")) else ""
        return read_schema(version.get("openapi_schema"), {"$ref": "#/components/schemas/Input"}, str(latest))

    def price(self, way: Addressed) -> LivePrice | None:
        """Nothing: Replicate tells no prices by its API."""
        del way

    def upload(self, file: File) -> Uploaded:
        """A data URI, or a file at Replicate under a neutral name."""
        if inline := file.read_inline():
            return Uploaded(inline)
        part = (file.neutral_name, file.read(), file.media_type)
        made = self._api.read("POST", "/v1/files", files={"content": part})
        if not is_id(made.get("id")):
            raise self._puzzle()
        return Uploaded(f"{self._api.base}/v1/files/{made['id']}", made["id"])

    def create(self, way: Addressed, fields: dict[str, Any], deadline: float) -> Remote:
        """Start a paid request, once; `deadline` in seconds goes along as Cancel-After."""
        ref = _check_ref(way.ref)
        version = f"{ref}:{_check_version(way.version)}" if way.version else ref
        headers = {"Cancel-After": f"{min(max(round(deadline), SHORTEST), LONGEST)}s"}
        made = self._api.send_once(
            "POST", "/v1/predictions", json={"version": version, "input": fields}, headers=headers
        )
        if not is_id(made.get("id")):
            raise self._api.doubt()
        return _read_prediction(made)

    def poll(self, way: Addressed, remote_id: str) -> Remote:
        """How far a request is."""
        del way
        return self._check(self._ask("GET", f"/v1/predictions/{_check_id(remote_id)}"), remote_id)

    def cancel(self, way: Addressed, remote_id: str) -> Remote:
        """Ask for an end, and how the request stands then."""
        del way
        return self._check(self._ask("POST", f"/v1/predictions/{_check_id(remote_id)}/cancel"), remote_id)

    def download(self, remote: Remote, to: Path, going: Going) -> None:
        """Fetch the film; the token goes along only when it lies at Replicate's API itself."""
        self._films.fetch(remote, to, going)

    def delete(self, uploaded: Uploaded) -> None:
        """Delete an upload; one that has gone already is fine."""
        if not uploaded.id:
            return
        try:
            self._api.read("DELETE", f"/v1/files/{_check_id(uploaded.id)}")
        except ServiceRefusal as refused:
            if refused.kind != "not_found":
                raise

    def list_recent(self, since: float) -> tuple[Remote, ...]:
        """The account's requests since a time, newest first; at most five hundred."""
        found: list[Remote] = []
        query: dict[str, str] = {}
        for _ in range(PAGES):
            page = self._api.read("GET", "/v1/predictions", params=query)
            rows = [as_object(row) for row in as_list(page.get("results"))]
            some = [_read_prediction(row) for row in rows if is_id(row.get("id"))]
            found += [one for one in some if one.made_at >= since]
            query = _find_cursor(page.get("next"))
            if not query or not some or some[-1].made_at < since:
                break
        return tuple(found)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        return self._api.read(method, path, timeout=ASK_TIMES)

    def _check(self, data: dict[str, Any], remote_id: str) -> Remote:
        if data.get("id") != remote_id or str(data.get("status")) not in STATUSES:
            raise self._puzzle()
        return _read_prediction(data)

    def _puzzle(self) -> ServiceRefusal:
        return ServiceRefusal("service", f"{self.title}'s answer can't be understood.", "Try again later.")


def _read_prediction(data: dict[str, Any]) -> Remote:
    """A prediction. One that succeeded and names nothing it made has failed."""
    status = STATUSES.get(str(data.get("status")), "starting")
    output = data.get("output")
    if isinstance(output, list):
        output = "".join(one for one in output if isinstance(one, str))
    error = read_sentence({"detail": data["error"]}) if data.get("error") else ""
    if status == "succeeded" and not (isinstance(output, str) and output):
        status, error = "failed", error or "It says it is done, but what it made isn't there any more."
    steps = PROGRESS.findall(data["logs"][-4000:]) if isinstance(data.get("logs"), str) else []
    return Remote(
        id=data["id"], status=status, error=error,
        output=output if status == "succeeded" and isinstance(output, str) else "",
        progress=min(int(steps[-1]), 100) / 100 if steps else None,
        made_at=read_time(data.get("created_at")),
        seconds=read_number(as_object(data.get("metrics")).get("predict_time")),
        ref=str(data.get("model") or "")[:200],
        inputs=_read_inputs(as_object(data.get("input"))),
    )  # fmt: skip


def _read_inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    """A request's fields without files: addresses and data URIs."""
    plain = {key: value for key, value in inputs.items() if isinstance(value, str | int | float | bool)}
    return {key: value for key, value in plain.items() if not str(value)[:8].startswith(("data:", "http:", "https:"))}


def _find_cursor(address: Any) -> dict[str, str]:
    """What of a next page's address is asked for again: only its cursor, at our own base."""
    cursors = parse_qs(urlsplit(address).query).get("cursor", []) if isinstance(address, str) else []
    return {"cursor": cursors[0]} if cursors else {}


def _check_ref(ref: str) -> str:
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", ref):
        raise ServiceRefusal("not_found", f"{ref[:80]!r} is no model of Replicate.", "Correct the card.")
    return ref


def _check_version(version: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", version):
        raise ServiceRefusal("not_found", "The card's version is no hash of Replicate's.", "Correct the card.")
    return version


def _check_id(remote_id: str) -> str:
    if not is_id(remote_id):
        raise ServiceRefusal("not_found", "That is no id of Replicate's.", "Start another clip.")
    return remote_id
