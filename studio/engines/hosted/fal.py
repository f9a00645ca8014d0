"""fal: models behind a queue at queue.fal.run, uploads by rest.fal.ai and v3.fal.media, prices and schemas by
api.fal.ai.

Source: fal.ai/docs and fal-client 1.0.3. Addresses are made from the base, never taken from an answer: those of a
request name the owner and the app only, not the endpoint's path. The key goes to fal's own three origins; the store of
uploads is shown a token of minutes. What is kept there is asked to be deleted after an hour, and requests aren't kept
(X-Fal-Store-IO: 0).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from studio.engines.hosted.http_calls import ASK_TIMES, Origin, Reply, read_base
from studio.engines.hosted.live_schema import find_input, read_schema
from studio.engines.hosted.output_download import FilmFetcher
from studio.engines.hosted.reply_values import as_list, as_object, is_id, read_number, read_sentence
from studio.engines.hosted.service import (
    Account,
    Addressed,
    File,
    Going,
    LivePrice,
    LiveSchema,
    Remote,
    ServiceRefusal,
    Uploaded,
)  # fmt: skip
from studio.engines.hosted.tokens import Token, find_token

BASES = {
    "queue": "https://queue.fal.run",
    "rest": "https://rest.fal.ai",
    "cdn": "https://v3.fal.media",
    "api": "https://api.fal.ai",
}
BILLING = "fal.ai/dashboard/requests"

NAMESPACES = ("workflows", "comfy")
"""First words of a path that stand before the owner (fal-client 1.0.3, APP_NAMESPACES)."""

KEPT = json.dumps({"expiration_duration_seconds": 3600})
"""How long uploads and clips are kept: an hour."""

LARGEST_UPLOAD = 100_000_000
"""Bytes of an upload in one piece (fal-client sends more in parts; no model here takes more)."""

PROBE = "fal-ai/ovi/image-to-video"
"""An endpoint whose price is asked to try the key: fal has no route that names the account."""

CANCELED = ("client_cancelled", "cancelled", "canceled")
"""fal's `error_type` of a request that its owner ended."""

LATE = ("request_timeout", "startup_timeout")
"""fal's `error_type` of a request that didn't begin within its deadline."""


class Fal:
    """The service, or its imitation on this computer where STIR_FAL_URL names one."""

    name = "fal"
    can_list = False
    billing_page = BILLING
    kept = "fal puts uploads and clips on public, unguessable addresses; Stir asks it to delete them after an hour."

    def __init__(self, pause: float = 0.5) -> None:
        base, self.is_stand_in = read_base("STIR_FAL_URL", "")
        self.title = "fal (stand-in)" if self.is_stand_in else "fal"
        self._bases = {name: f"{base}/{name}" for name in BASES} if self.is_stand_in else BASES
        self._queue, self._rest, self._api = (
            Origin(self._bases[name], self.title, "Key", lambda: find_token(self.name), BILLING, pause)
            for name in ("queue", "rest", "api")
        )
        self._pause = pause
        self._films = FilmFetcher(self._queue, self.is_stand_in, pause=pause)

    def account(self) -> Account:
        """Try the key; fal doesn't say whose it is."""
        self._api.read("GET", "/v1/models/pricing", params={"endpoint_id": PROBE})
        return Account()

    def schema(self, way: Addressed) -> LiveSchema:
        """What a model takes now."""
        ref = _check_ref(way.ref)
        answer = self._api.read("GET", "/v1/models", params={"endpoint_id": ref, "expand": "openapi-3.0"})
        for one in as_list(answer.get("models")):
            if isinstance(one, dict) and one.get("endpoint_id") == ref and isinstance(one.get("openapi"), dict):
                document = one["openapi"]
                return read_schema(document, find_input(document, f"/{ref}"))
        raise ServiceRefusal("not_found", f"{self.title} doesn't have this model any more.", "Choose another one.")

    def price(self, way: Addressed) -> LivePrice | None:
        """What a unit of a model's work costs now; None where fal doesn't say."""
        ref = _check_ref(way.ref)
        answer = self._api.read("GET", "/v1/models/pricing", params={"endpoint_id": ref})
        for one in as_list(answer.get("prices")):
            if isinstance(one, dict) and one.get("endpoint_id") == ref and read_number(one.get("unit_price")):
                unit, currency = (read_sentence({"detail": one.get(key)})[:20] for key in ("unit", "currency"))
                return LivePrice(read_number(one["unit_price"]), unit, currency or "USD")
        return None

    def upload(self, file: File) -> Uploaded:
        """A data URI, or a file in fal's store, which is public to whoever knows its address, for an hour."""
        if inline := file.read_inline():
            return Uploaded(inline)
        content = file.read()
        if len(content) > LARGEST_UPLOAD:
            raise ServiceRefusal("invalid_input", f"{self.title} takes at most 100 MB.", "Use a smaller file.")
        leave = self._rest.read("POST", "/storage/auth/token", params={"storage_type": "fal-cdn-v3"}, json={})
        token, scheme = leave.get("token"), leave.get("token_type")
        if not _is_header(token) or not _is_header(scheme):
            raise self._puzzle()
        store = Origin(self._bases["cdn"], self.title, str(scheme), lambda: Token(str(token)), BILLING, self._pause)
        headers = {
            "Content-Type": file.media_type, "X-Fal-File-Name": file.neutral_name,
            "X-Fal-Object-Lifecycle": KEPT, "X-Fal-Object-Lifecycle-Preference": KEPT,
        }  # fmt: skip
        try:
            made = store.read("POST", "/files/upload", content=content, headers=headers)
        finally:
            store.close()
        address = made.get("access_url")
        if not isinstance(address, str) or not address.startswith(("https://", self._bases["cdn"] + "/")):
            raise self._puzzle()
        return Uploaded(address)

    def create(self, way: Addressed, fields: dict[str, Any], deadline: float) -> Remote:
        """Start a paid request, once; `deadline`: seconds within which it has to begin there."""
        headers = {
            "X-Fal-Request-Timeout": f"{max(round(deadline), 2)}", "X-Fal-Store-IO": "0",
            "X-Fal-Object-Lifecycle-Preference": KEPT,
        }  # fmt: skip
        made = self._queue.send_once("POST", f"/{_check_ref(way.ref)}", json=fields, headers=headers)
        if not is_id(made.get("request_id")):
            raise self._queue.doubt()
        return Remote(made["request_id"], "starting", ref=way.ref)

    def poll(self, way: Addressed, remote_id: str) -> Remote:
        """How far a request is, with what it made once it is done."""
        path = _request_path(way.ref, remote_id)
        said = self._queue.read("GET", f"{path}/status", params={"logs": "1"}, timeout=ASK_TIMES)
        status, error = said.get("status"), read_sentence({"detail": said["error"]}) if said.get("error") else ""
        if status in ("IN_QUEUE", "IN_PROGRESS"):
            return Remote(remote_id, "starting" if status == "IN_QUEUE" else "running", ref=way.ref)
        if status != "COMPLETED":
            raise self._puzzle()
        if said.get("error_type") in CANCELED:
            return Remote(remote_id, "canceled", error=error, ref=way.ref)
        if said.get("error_type") in LATE:
            return Remote(remote_id, "aborted", error=error, ref=way.ref)
        if error:
            return Remote(remote_id, "failed", error=error, ref=way.ref)
        seconds = read_number(as_object(said.get("metrics")).get("inference_time"))
        return self._fetch_result(way.ref, remote_id, seconds)

    def cancel(self, way: Addressed, remote_id: str) -> Remote:
        """Ask for an end, and how the request stands then: one that is at work may still succeed."""
        path = _request_path(way.ref, remote_id)
        reply = self._queue.call("read", "PUT", f"{path}/cancel", timeout=ASK_TIMES)
        if reply.status == 400 and reply.data.get("status") == "ALREADY_COMPLETED":
            return self.poll(way, remote_id)
        self._queue.refuse(reply)
        return Remote(remote_id, "canceled", ref=way.ref)

    def download(self, remote: Remote, to: Path, going: Going) -> None:
        """Fetch the film from fal's store, which is shown no key."""
        self._films.fetch(remote, to, going)

    def delete(self, uploaded: Uploaded) -> None:
        """Nothing: fal deletes uploads after the hour that was asked for."""
        del uploaded

    def list_recent(self, since: float) -> tuple[Remote, ...]:
        """Nothing: fal's queue has no list."""
        del since
        return ()

    def close(self) -> None:
        """Close the connections."""
        for origin in (self._queue, self._rest, self._api):
            origin.close()

    def _fetch_result(self, ref: str, remote_id: str, seconds: float) -> Remote:
        """A request's result: where the model refused, the answer is the model's own error."""
        reply = self._read_result(_request_path(ref, remote_id))
        if reply.status in (400, 422) or (reply.status == 200 and not _find_output(reply.data)):
            error = read_sentence(reply.data) or "It says it is done, but names nothing that it made."
            return Remote(remote_id, "failed", error=error, seconds=seconds, ref=ref)
        if reply.status == 499:
            return Remote(remote_id, "canceled", ref=ref)
        self._queue.refuse(reply)
        return Remote(remote_id, "succeeded", _find_output(reply.data), seconds=seconds, ref=ref)

    def _read_result(self, path: str) -> Reply:
        return self._queue.try_read("GET", path, fine=(400, 422, 499))

    def _puzzle(self) -> ServiceRefusal:
        return ServiceRefusal("service", f"{self.title}'s answer can't be understood.", "Try again later.")


def _find_output(data: dict[str, Any]) -> str:
    """The address of the film in a result, or a language model's words; "" for neither."""
    found = as_object(data.get("video")).get("url") or data.get("output")
    return found if isinstance(found, str) else ""


def _is_header(value: Any) -> bool:
    """Whether a value from an answer may stand in a header."""
    return (
        isinstance(value, str)
        and 0 < len(value) < 4000
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _check_ref(ref: str) -> str:
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)+", ref):
        raise ServiceRefusal("not_found", f"{ref[:80]!r} is no model of fal.", "Correct the card.")
    return ref


def _request_path(ref: str, remote_id: str) -> str:
    """The path of a request: owner and app, as fal-client's `AppId` has it, without the rest of the endpoint's path."""
    if not is_id(remote_id):
        raise ServiceRefusal("not_found", "That is no id of fal's.", "Start another clip.")
    parts = _check_ref(ref).split("/")
    return "/" + "/".join(parts[: 3 if parts[0] in NAMESPACES else 2]) + f"/requests/{remote_id}"
