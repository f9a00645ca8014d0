"""The hosted helper for words, over the imitation: one question, once, paid; what it answers is cleaned like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from studio.engines.hosted import language_models
from studio.engines.hosted.language_models import LANGUAGE_MODELS, HostedAssistant, find_language_model
from studio.engines.hosted.service import ServiceRefusal
from studio.engines.hosted.services import find_service
from studio.hosted_demo.injected_faults import InjectedFaults
from studio.hosted_demo.stand_in import StandIn
from studio.nouns import Refusal
from tests.fakes.hosted_ways import start_services


def going() -> None:
    """Nobody stops it."""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(language_models, "POLL", 0.01)
    with StandIn(ways=()) as one:
        start_services(one, monkeypatch)
        yield one


@pytest.fixture(params=sorted(LANGUAGE_MODELS))
def helper(request: pytest.FixtureRequest, stand_in: StandIn) -> HostedAssistant:
    return HostedAssistant(find_language_model(request.param), find_service(request.param))


def test_a_prompt_goes_out_and_words_come_back(helper: HostedAssistant, stand_in: StandIn) -> None:
    assert helper.rewrite("gulls cross the sky", going) == "gulls cross the sky, slowly, while the rest stays still."
    sent = json.loads(stand_in.list_calls("create")[0].body)
    fields = sent.get("input", sent)
    assert set(fields) - {"model"} == {"prompt", "system_prompt", "max_tokens"}
    assert not stand_in.list_calls("upload")
    assert "stand-in" in helper.describe()


def test_a_question_is_asked_once_and_given_up_in_the_open(helper: HostedAssistant, stand_in: StandIn) -> None:
    for fault, says in (("failed", "flagged"), ("aborted", "aborted"), ("nothing", "gave no answer")):
        stand_in.faults = InjectedFaults({"create": [fault]})
        with pytest.raises(Refusal, match=says):
            helper.rewrite("gulls", going)
    stand_in.faults = InjectedFaults({"create": ["lose"], "poll": ["drop", "503"]})
    with pytest.raises(ServiceRefusal) as lost:
        helper.rewrite("gulls", going)
    assert lost.value.kind == "uncertain"
    assert len(stand_in.list_calls("create")) == 4
    assert helper.rewrite("gulls", going)
    with pytest.raises(Refusal, match="no words"):
        helper.rewrite("  ", going)


def test_one_that_takes_too_long_is_cancelled_there(
    helper: HostedAssistant, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise Refusal("Enough.", "")

    stand_in.faults = InjectedFaults({"create": ["endless", "endless"]})
    with pytest.raises(Refusal, match="Enough"):
        helper.rewrite("gulls", stop)
    monkeypatch.setattr(language_models, "DEADLINE", 0.05)
    with pytest.raises(Refusal, match="canceled"):
        helper.rewrite("gulls", going)
    assert [one.state for one in stand_in.requests.list_recent()] == ["canceled", "canceled"]


def test_there_is_none_elsewhere() -> None:
    with pytest.raises(Refusal, match="no hosted helper"):
        find_language_model("elsewhere")
