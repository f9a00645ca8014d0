"""What the server keeps for a page: the more events and visits, the more of nothing. Counted in objects, not in MB."""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import gradio as gr
import pytest
from gradio.routes import App as GradioApp
from gradio.routes import file_upload_statuses
from starlette.testclient import TestClient

from studio.ui.sessions import UNFETCHED_SECONDS, UnfetchedAnswers, keep_little
from tests.ui.conftest import WAIT, App

VISITS, MOST = 20, 3
KEPT = ("HTML", "SessionState", "SharedParts", "BlocksConfig")


def answer() -> str:
    return "an answer"


@pytest.fixture
def blocks() -> Iterator[gr.Blocks]:
    """A page with a part that an event skips, and an endpoint."""
    with gr.Blocks(analytics_enabled=False) as page:
        part = gr.HTML(html_template="<p></p>", js_on_load="", given="x" * 1000)
        part.change(lambda value: gr.skip(), part, part, queue=False)
        gr.api(answer, api_name="answer")
    yield page.queue()


@pytest.fixture
def client(blocks: gr.Blocks) -> Iterator[TestClient]:
    lifespan = partial(keep_little, log=logging.getLogger("stir"), sweep=lambda: None)
    with TestClient(GradioApp.create_app(blocks, app_kwargs={"lifespan": lifespan})) as one:
        one.get("/gradio_api/startup-events")
        yield one


def count(*kinds: str) -> Counter[str]:
    gc.collect()
    return Counter(name for one in gc.get_objects() if (name := type(one).__name__) in kinds)


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT / 1000
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def join(client: TestClient, session: str) -> None:
    assert client.post("/gradio_api/queue/join", json={"data": [], "fn_index": 1, "session_hash": session}).status_code == 200


def test_an_event_that_skips_a_part_leaves_no_part_and_no_session(blocks: gr.Blocks, client: TestClient) -> None:
    before = count(*KEPT)
    for number in range(VISITS):
        asked = {"data": ["a value"], "fn_index": 0, "session_hash": f"visit{number}"}
        assert client.post("/gradio_api/run/predict", json=asked).json()["data"][0]["__type__"] == "update"
    assert count(*KEPT) == before
    assert not blocks.state_holder.session_data


def test_answers_that_nobody_fetches_go(blocks: gr.Blocks, client: TestClient) -> None:
    answers = UnfetchedAnswers(blocks, MOST)
    for number in range(2 * MOST):
        join(client, f"visit{number}")
    queue = blocks._queue
    wait_for(lambda: not queue.event_ids_to_events)
    answers.let_go(0.0)
    left = queue.pending_messages_per_session
    assert len(left) == len(queue.pending_event_ids_session) == MOST, "the oldest go where they are too many"
    join(client, "last")
    wait_for(lambda: not queue.event_ids_to_events)
    answers.let_go(UNFETCHED_SECONDS)
    assert set(left) == set(queue.pending_event_ids_session) == {"last"}, "the others have waited long enough"
    read = client.get("/gradio_api/queue/data", params={"session_hash": "last"}).text
    assert "an answer" in read and "process_completed" in read


def test_answers_that_pile_up_in_one_session_go(blocks: gr.Blocks, client: TestClient) -> None:
    answers, queue = UnfetchedAnswers(blocks, MOST), blocks._queue
    for _ in range(4 * MOST):
        join(client, "one")
    wait_for(lambda: not queue.event_ids_to_events)
    assert queue.pending_messages_per_session["one"].qsize() > 4 * MOST
    answers.let_go(0.0)
    assert queue.pending_messages_per_session["one"].qsize() == MOST
    read = client.get("/gradio_api/queue/data", params={"session_hash": "one"}).text
    assert "an answer" in read and "close_stream" in read, "what is left can be read, and has an end"


def test_a_visit_leaves_nothing_on_the_server(app: App) -> None:
    assert not any(block.stateful for block in app.page.blocks.values()), "gr.State would be shared by all sessions"
    watch = next(one for one in app.page.blocks.values() if getattr(one, "elem_id", "") == "strip")
    client, before = TestClient(app.page.app, base_url=app.url), count(*KEPT)
    for number in range(VISITS):
        asked = {"data": {}, "component_id": watch._id, "fn_name": "watch", "session_hash": f"visit{number}"}
        assert client.post("/gradio_api/component_server", json=asked).json()["board"]
    assert count(*KEPT) == before
    assert not app.page.state_holder.session_data
    lone = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhello\r\n--B--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=B"}
    before = len(file_upload_statuses._statuses), len(app.page.upload_file_set)
    sent = client.post("/gradio_api/upload?upload_id=visit", content=lone, headers=kind)
    assert sent.status_code == 200 and (len(file_upload_statuses._statuses), len(app.page.upload_file_set)) == before
    Path(sent.json()[0]).unlink()
