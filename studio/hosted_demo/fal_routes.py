"""fal's routes as the imitation answers them, in the shapes that its own client was seen to exchange: the queue's under
/queue, storage's under /rest and /cdn, prices and schemas under /api.
"""

from __future__ import annotations

import json
from typing import Any

from studio.hosted_demo.demo_requests import DemoRequest, DemoRequests
from studio.hosted_demo.field_check import Complaint
from studio.hosted_demo.replicate_routes import MISPLACED, Answer, describe_way

LEAVE = "store-leave-0123456789"
"""The token of minutes that uploads are signed with."""


class FalRoutes:
    """Answers calls. `films` is where the films lie, another origin."""

    def __init__(self, requests: DemoRequests, address: str, films: str) -> None:
        self._requests, self._address, self._films = requests, address, films

    def find_route(self, method: str, path: str) -> str:
        """What a call is, as faults are named for; "" for none."""
        whole = {
            ("POST", "/rest/storage/auth/token"): "leave", ("POST", "/cdn/files/upload"): "upload",
            ("GET", "/api/v1/models"): "schema", ("GET", "/api/v1/models/pricing"): "price",
        }.get((method, path))  # fmt: skip
        if whole or not path.startswith("/queue/"):
            return whole or ""
        if "/requests/" not in path:
            return "create" if method == "POST" else ""
        last = path.rpartition("/")[2]
        if method != "GET":
            return "cancel" if (method, last) == ("PUT", "cancel") else ""
        return "poll" if last == "status" else "result"

    def refuse(self, status: int, says: str = "", fields: tuple[Complaint, ...] = ()) -> Any:
        """The body of an error."""
        if fields:
            return {"detail": [{"loc": ["body", one.field], "msg": one.says, "type": "value_error"} for one in fields]}
        return {"detail": says or f"Injected {status}."}

    def answer(self, route: str, path: str, query: dict[str, str], body: bytes, fate: str) -> Answer:
        """What a call comes to."""
        if route == "leave":
            return 200, {
                "token": LEAVE,
                "token_type": "Bearer",
                "base_url": f"{self._films}/trap",
                "expires_at": "2026-11-21T00:10:00Z",
            }
        if route == "upload":
            return 200, {"access_url": f"{self._address}/cdn/files/{self._requests.keep_file(body)}"}
        if route == "schema":
            return self._describe(query.get("endpoint_id", ""))
        if route == "price":
            return 200, {"prices": [self._show_price(one) for one in query.get("endpoint_id", "").split(",") if one]}
        if route == "create":
            return self._create(path.removeprefix("/queue/"), json.loads(body), fate)
        owner, _, rest = path.removeprefix("/queue/").partition("/requests/")
        made = self._requests.get(rest.split("/")[0])
        if made is None or "/".join(made.ref.split("/")[:2]) != owner:
            return 404, self.refuse(404, "Request not found")
        if route == "cancel":
            return self._cancel(made)
        return self._show_status(made) if route == "poll" else self._show_result(made)

    def _create(self, ref: str, inputs: dict[str, Any], fate: str) -> Answer:
        checked = self._requests.check("fal", ref, inputs)
        if checked is None:
            return 404, self.refuse(404, f"Application {ref!r} not found")
        if checked.complaints:
            return 422, self.refuse(422, fields=checked.complaints)
        made = self._requests.start(ref, "", inputs, checked, fate)
        trap = {f"{name}_url": f"{self._films}/trap" for name in ("response", "status", "cancel")}
        return 200, {"request_id": made.id, "queue_position": 0, "status": "IN_QUEUE"} | trap

    def _cancel(self, made: DemoRequest) -> Answer:
        if made.state not in ("waiting", "running"):
            return 400, {"status": "ALREADY_COMPLETED"}
        self._requests.cancel(made)
        return 202, {"status": "CANCELLATION_REQUESTED"}

    def _show_status(self, made: DemoRequest) -> Answer:
        state = made.state
        if state in ("waiting", "running"):
            word = "IN_QUEUE" if state == "waiting" else "IN_PROGRESS"
            return 202, {"status": word, "queue_position": 0, "request_id": made.id, "logs": []}
        wrong = {"canceled": "client_cancelled", "aborted": "request_timeout"}.get(state, "")
        more = {"error": f"The request was {state}.", "error_type": wrong} if wrong else {}
        return 200, {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": made.seconds}} | more

    def _show_result(self, made: DemoRequest) -> Answer:
        state = made.state
        if state in ("waiting", "running"):
            return 400, {"detail": "Request is still in progress"}
        if state == "succeeded":
            address = f"{self._films}/{made.id}.mp4" if not made.fate else MISPLACED.get(made.fate, "")
            film = {"url": address, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": 0}
            made_of = {"output": made.words} if made.words else {"video": film}
            return 200, {} if made.fate == "nothing" else made_of
        if state == "failed":
            wrong = (Complaint("prompt", made.error or "The content could not be processed."),)
            return 422, self.refuse(422, fields=wrong)
        return 499, self.refuse(499, "Request was cancelled")

    def _show_price(self, ref: str) -> dict[str, Any]:
        found = self._requests.find_way("fal", ref)
        rule = next(iter(found[0].price), None) if found else None
        amount, unit = (rule.amount, rule.per) if rule else (0.05, "second")
        return {"endpoint_id": ref, "unit_price": amount, "unit": unit, "currency": "USD"}

    def _describe(self, ref: str) -> Answer:
        found = self._requests.find_way("fal", ref)
        if found is None:
            return 200, {"models": [], "next_cursor": None, "has_more": False}
        schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}
        paths = {f"/{ref}": {"post": {"requestBody": {"content": schema}}}}
        document = {"openapi": "3.0.4", "paths": paths, "components": {"schemas": describe_way(found[0])}}
        return 200, {"models": [{"endpoint_id": ref, "metadata": {"status": "active"}, "openapi": document}]}
