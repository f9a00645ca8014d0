"""Calls that no page sends, into a running app by every way there is: what each is answered, and which answers are faults.

Questions, events, endpoints and their fields are read from the app itself: what is added to it is asked too.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from collections import Counter
from typing import Any

import gradio as gr
import msgspec.inspect as kinds

from studio.config import ASSETS
from studio.nouns import Camera, Effects, Shot
from studio.ui.shot_form import Ending, Frame, Output, Words
from tests.ui.odd_values import ODD, make_value, spoil

DESK = [kinds.type_info(one) for one in (Frame, Ending, Camera, Effects, Words, Output)]
"""What an event of the desk is given, in the order of `shot_form.PARTS`."""

FIELDS = ["data", "fn_index", "session_hash", "event_id", "fn_name", "component_id", "trigger_id", "event_data", "api_name"]
POSTS = ["run/predict", "api/predict", "queue/join", "component_server", "reset", "cancel", "call/animate", "call/v2/animate",
         "call/v2/none", "run/" + "x" * 200, "upload"]  # fmt: skip
GETS = ["queue/data?session_hash=", "queue/data?", "call/animate/", "file=", "info?x="]
ENDS = ["%00", "a" * 300, "nobody", "..%2f..%2fetc", "%ff", "-1"]
REACHING = ("check_service", "download_model", "download_depth", "convert_model", "adopt_model", "keep_token", "open_folder",
            "write_batch")  # fmt: skip
"""Questions that ask services or touch what lies outside the home: given odd values only, none that is nearly right."""

FAULT = (b"Traceback", b"Something went wrong inside Stir")


def list_questions(page: gr.Blocks) -> dict[str, kinds.Type]:
    """What each question of a page takes, by its name."""
    calls = [call for block in page.blocks.values() for call in getattr(block, "server_fns", ()) or ()]
    return {call.__name__: kinds.type_info(call.__annotations__["value"]) for call in calls}


class OddCalls:
    """`questions`: what each takes, by `list_questions`. `faults` says what was answered wrongly, `slowest` how long
    the slowest answer took, in seconds, and to what."""

    def __init__(self, url: str, questions: dict[str, kinds.Type], seed: int, cookie: str = "") -> None:
        self._address, self._cookie = url.split("/")[2], {"Cookie": cookie} if cookie else {}
        self._questions, self.chance = questions, random.Random(seed)
        self._known: dict[str, list[str]] = {}
        self.answers: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []
        self.slowest = (0.0, "")
        config = json.loads(self.ask("config", "GET", "/config"))
        self._events: list[dict[str, Any]] = config["dependencies"]
        self._parts = {name: one["id"] for one in config["components"] for name in one["props"].get("server_fns") or ()}
        self._endpoints = json.loads(self.ask("info", "GET", "/gradio_api/info"))["named_endpoints"]

    def ask(self, way: str, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """One request; what it was answered with, 16 MB of it at most."""
        line = http.client.HTTPConnection(self._address, timeout=60)
        began, what = time.monotonic(), f"{method} {path[:120]} {body[:400]!r}"
        try:
            kind = {"Content-Type": "application/json"} if body else {}
            line.request(method, path, body or None, {**kind, **self._cookie, **headers})
            answer = line.getresponse()
            read, status = answer.read(16_000_000), answer.status
        except (OSError, http.client.HTTPException) as error:
            read, status = b"", 599
            what += f" {type(error).__name__}"
        finally:
            line.close()
        self.answers[way, status] += 1
        self.slowest = max(self.slowest, (time.monotonic() - began, f"{way} {path[:60]}"))
        if status >= 500 or any(words in read for words in FAULT):
            self.faults.append(f"{status} {what} {read[:300]!r}")
        return read

    def post(self, way: str, path: str, value: Any, **headers: str) -> bytes:
        """The same with JSON."""
        return self.ask(way, "POST", f"/gradio_api/{path}", json.dumps(value).encode(), **headers)

    def prepare(self) -> None:
        """Take a photo in and have a clip made: their ids are given where ids belong, so that calls come further."""
        sample = next((ASSETS / "samples").glob("*.jpg")).name
        photo = self._ask_rightly("take_sample", {"id": sample})["photo"]["id"]
        desk = {"frame": {"photo": photo}, "output": {"seconds": 1.0, "fps": 16, "size": "240p"}}
        job = self._ask_rightly("animate", {"desk": desk})["jobs"][0]
        while not (clips := self._ask_rightly("find_clips", {})["clips"]):
            time.sleep(0.1)
        self._known = {
            "photo": [photo], "id": [clips[0]["id"], job], "ids": [clips[0]["id"]], "clips": [clips[0]["id"]],
            "model": ["parallax"], "depth": ["auto"], "draft": [""], "motion": ["slow-push"], "cell": [""],
        }  # fmt: skip

    def _ask_rightly(self, name: str, data: Any) -> Any:
        asked = {"data": data, "fn_name": name, "component_id": self._parts[name], "session_hash": "abc"}
        return json.loads(self.post("prepare", "component_server", asked))

    def call(self, count: int) -> None:
        """So many calls, by any way."""
        ways = [
            self.question,
            self.question,
            self.event,
            self.event,
            self.queue,
            self.endpoint,
            self.endpoint,
            self.odd,
            self.get,
        ]
        for _ in range(count):
            self.chance.choice(ways)()

    def question(self, name: str = "") -> None:
        """One of the page's questions."""
        name = name or self.chance.choice(list(self._parts))
        kind = self._questions.get(name)
        odd = kind is None or name in REACHING or self.chance.random() < 0.2
        value = self.chance.choice(ODD) if odd else spoil(make_value(kind, self.chance, self._known), self.chance)
        asked = {"data": value, "fn_name": name, "component_id": self._parts[name]}
        self.post("component_server", "component_server", {**asked, "session_hash": self.chance.choice(("abc", "x" * 300))})

    def _make_data(self, event: dict[str, Any]) -> list[Any]:
        count = len(event["inputs"])
        if count != len(DESK):
            return [self.chance.choice(ODD) for _ in range(self.chance.choice((count, count + 1, max(0, count - 1))))]
        desk = [make_value(kind, self.chance, self._known) for kind in DESK]
        small = {"model": "parallax", "seconds": 1.0, "fps": 16, "size": "240p"}
        desk[0], desk[5] = {**desk[0], "photo": self._known["photo"][0]}, {**desk[5], **small}
        found = spoil(desk, self.chance)
        return found if isinstance(found, list) else [found]

    def event(self, event: dict[str, Any] | None = None) -> None:
        """One of the page's events, asked at once."""
        event = event or self.chance.choice(self._events)
        about = {"event_data": self.chance.choice((None, {}, "s")), "trigger_id": self.chance.choice((None, 1, -5, 2**40))}
        path = self.chance.choice(("run/predict", "api/predict"))
        self.post("run", path, {"data": self._make_data(event), "fn_index": event["id"], "session_hash": "abc", **about})

    def queue(self) -> None:
        """The same through the queue, whose answer is a stream."""
        event, session = self.chance.choice(self._events), f"odd{self.answers.total()}"
        begun = {"data": self._make_data(event), "fn_index": event["id"], "session_hash": session}
        if b"event_id" in self.post("queue/join", "queue/join", begun):
            read = self.ask("queue/data", "GET", f"/gradio_api/queue/data?session_hash={session}")
            if b"process_completed" not in read:
                self.faults.append(f"no end of {begun}: {read[:300]!r}")

    def endpoint(self) -> None:
        """One of the endpoints for programs, by its values or by their names."""
        name = self.chance.choice(list(self._endpoints))
        fields = [one["parameter_name"] for one in self._endpoints[name]["parameters"]]
        values = spoil(self._make_arguments(fields), self.chance)
        named = self.chance.random() < 0.5 and isinstance(values, dict)
        listed = [values.get(one) for one in fields] if isinstance(values, dict) else values
        way = "call/v2" if named else "call"
        begun = self.post(way, f"{way}{name}", values if named else {"data": listed})
        if b"event_id" in begun:
            self.ask(f"{way} stream", "GET", f"/gradio_api/{way}{name}/{json.loads(begun)['event_id']}")

    def tool(self) -> None:
        """One of the MCP server's tools."""
        name = self.chance.choice(list(self._endpoints)).strip("/")
        fields = [one["parameter_name"] for one in self._endpoints["/" + name]["parameters"]]
        params = {"name": name, "arguments": spoil(self._make_arguments(fields), self.chance)}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        self.post("mcp", "mcp/", asked, Accept="application/json, text/event-stream")

    def _make_arguments(self, fields: list[str]) -> dict[str, Any]:
        known = {name: values[0] for name, values in self._known.items()}
        motion = make_value(kinds.type_info(Shot), self.chance, self._known).get("motion", {})
        given = {
            **known, "clips": self._known["ids"], "photos": [known["photo"]], "axes": {"seed": ["1"]}, "platforms": ["reels"],
            "seconds": 1.0, "size": "240p", "fps": 16, "prompt": "slow push in", "finish": {"loop": "dissolve"},
            "recipe": {"motion": motion},
        }  # fmt: skip
        return {one: given[one] for one in fields if one in given and self.chance.random() < 0.9}

    def odd(self) -> None:
        """A body of any fields, or none."""
        fields = self.chance.sample(FIELDS, self.chance.randint(0, 5))
        value = {one: self.chance.choice(ODD) for one in fields} if fields else self.chance.choice(ODD)
        self.post("odd body", self.chance.choice(POSTS), value)

    def get(self) -> None:
        """What is only fetched."""
        self.ask("get", "GET", f"/gradio_api/{self.chance.choice(GETS)}{self.chance.choice(ENDS)}")
