"""The contract of a hosted service: its values, its refusals, and the switch that removes all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.config import Settings
from studio.engines.hosted.service import Endpoint, File, Remote, Service, ServiceRefusal
from studio.engines.hosted.services import find_service, is_off
from studio.nouns import Refusal
from studio.studio import Studio


def test_a_file_is_read_from_memory_or_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / "voice.wav").write_bytes(b"RIFF")
    assert File(tmp_path / "voice.wav", "audio/wav").read() == File(b"RIFF", "audio/wav").read()


def test_a_service_can_be_asked_this_and_named_so() -> None:
    asked = (Service.account, Service.schema, Service.upload, Service.create, Service.poll, Service.cancel)
    after = (Service.download, Service.delete, Service.list_recent)
    assert all(one.__doc__ for one in (*asked, *after))
    assert Endpoint("wan-video/wan-2.7-i2v").version == ""


def test_a_request_is_over_in_four_ways() -> None:
    states = ("starting", "running", "succeeded", "failed", "canceled", "aborted")
    assert [Remote("p1", state).is_over for state in states] == [False, False, True, True, True, True]


def test_addresses_of_films_are_not_shown() -> None:
    assert "secret" not in repr(Remote("p1", "succeeded", output="https://cdn/secret.mp4", inputs={"prompt": "secret"}))


def test_a_refusal_has_a_kind_and_words() -> None:
    refused = ServiceRefusal("rate_limited", "Too many requests.", "Wait.", wait=30.0)
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.wait, refused.fields, str(refused)) == ("rate_limited", 30.0, (), "Too many requests. Wait.")


def test_hosted_models_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, off in (("", False), ("0", False), ("1", True)):
        monkeypatch.setenv("STIR_NO_HOSTED", value)
        assert is_off() is off
    with pytest.raises(Refusal, match="switched off"):
        find_service("replicate")


def test_a_wrong_address_of_an_imitation_is_refused_at_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIR_FAL_URL", "http://example.org")
    with pytest.raises(Refusal, match="STIR_FAL_URL may only name this computer"):
        Studio(settings)
    assert not settings.database.exists()
