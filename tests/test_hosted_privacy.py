"""What leaves with hosted models, and what stays: the helper for words asks only after consent, and a token is nowhere.

The scan runs paid clips and every kind of refusal with a marked token, and then looks through all that was written or is
shown: database, log, recipes and every other file of the home, the page's own JSON, and the arguments of all processes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import psutil
import pytest

from studio.config import Settings
from studio.engines.hosted import language_models
from studio.hosted_demo.injected_faults import InjectedFaults
from studio.hosted_demo.stand_in import StandIn
from studio.jobs import hosted_job, hosted_lane
from studio.nouns import Refusal, replace
from studio.spending import Confirmation, Unconfirmed
from studio.studio import Studio
from studio.ui.page import build, launch_options
from studio.ui.panels.assist_panel import AssistPanel, Sentence
from tests.fakes.paying import ask_for, buy, open_studio
from tests.fakes.waiting import ended

TOKEN = "r8_MARKED0123456789abcdefTOKEN"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (hosted_job, hosted_lane):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hosted_lane, "POLLS_A_SECOND", 100.0)
    monkeypatch.setattr(language_models, "POLL", 0.01)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(token=TOKEN) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def studio(settings: Settings, service: StandIn) -> Iterator[Studio]:
    made = open_studio(settings)
    yield made
    made.close()


def test_the_helper_asks_only_after_consent_and_is_counted(
    studio: Studio, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = AssistPanel(studio)
    assert studio.assist.state().value == "off"
    assert [one.value for one in studio.assist.list_hosted()] == ["hosted:replicate", "hosted:fal"]
    studio.models.alter(lambda now: replace(now, assistant="hosted:fal"))
    assert studio.assist.state().value == "hosted"
    before = studio.spending.spent_today().unknown
    with pytest.raises(Unconfirmed, match="isn't known"):
        panel.rewrite(Sentence("gulls cross the sky"), None)
    with pytest.raises(Refusal, match="Your words would leave"):
        studio.assist.rewrite("gulls", Confirmation(unknown=1))
    with pytest.raises(Refusal, match="isn't shown photos"):
        studio.assist.propose(ask_for(studio).photo)
    assert not service.list_calls("create")
    party = studio.assist.hosted_party
    assert party is not None and party[0] == "fal"
    studio.spending.agree(*party)
    said = panel.rewrite(Sentence("gulls cross the sky"), Confirmation(unknown=1))["text"]
    assert said.startswith("gulls cross the sky")
    assert studio.spending.spent_today().unknown == before + 1
    service.faults = InjectedFaults({"create": ["402", "lose"]})
    for kind, counted in (("no_credit", 1), ("uncertain", 2)):
        with pytest.raises(Refusal) as refused:
            studio.assist.rewrite("gulls", Confirmation(unknown=1))
        assert getattr(refused.value, "kind", "") == kind
        assert studio.spending.spent_today().unknown == before + counted
    assert len(service.list_calls("create")) == 3
    monkeypatch.setenv("STIR_NO_HOSTED", "1")
    assert studio.assist.list_hosted() == ()
    assert studio.assist.state().value == "off"


def test_a_token_is_written_and_shown_nowhere(
    studio: Studio, service: StandIn, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    faults = ("", "401", "402", "422", "500", "lose", "garbage", "failed")
    for seed, fault in enumerate(faults):
        service.faults = InjectedFaults({"create": [fault] if fault else []})
        job = ended(studio, buy(studio, replace(ask_for(studio), seed=seed)).id)
        told.append(repr(job))
    told.append(str(studio.log.handlers))
    studio.log.error("a line with %s and Bearer %s", TOKEN, TOKEN)
    page = build(studio)
    page.launch(prevent_thread_lock=True, **launch_options(studio))
    for path in ("/", "/config", "/gradio_api/info"):
        told.append(httpx2.get(f"http://127.0.0.1:{page.server_port}{path}", trust_env=False).text)
    page.close()
    told += [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    told += [msgspec.json.encode(studio.models.preferences()).decode(), caplog.text]
    studio.close()
    found = [path.relative_to(settings.home) for path in settings.home.rglob("*") if path.is_file() and holds_token(path)]
    assert found == []
    assert [one[:200] for one in told if TOKEN in one] == []
    assert {path.suffix for path in settings.home.rglob("*") if path.is_file()} >= {".db", ".log", ".mp4"}
    assert any(TOKEN in str(call.headers) for call in service.calls), "it was really used"
    assert not any("authorization" in call.headers for call in service.calls if call.service == "store")


def holds_token(path: Path) -> bool:
    """Whether a file holds the marked token, as it is or with a byte between its letters (UTF-16)."""
    content = path.read_bytes()
    return TOKEN.encode() in content or TOKEN.encode("utf-16-le") in content
