"""The hosted part of a model card: what is impossible is refused, and a shot with hosted wishes is read back as it was."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from studio.hosted_cards import Way
from studio.nouns import Attachment, Photo, Refusal, Shot, replace

MODE = {"name": "mode", "kind": "choice", "role": "mode", "title": "Mode", "values": ["std", "pro"], "default": "std"}
WAY: dict[str, Any] = {
    "service": "replicate",
    "ref": "someone/something",
    "slots": {"first_frame": {"field": "image", "required": True}, "last_frame": {"field": "end_image"}},
    "fields": [MODE, {"name": "duration", "kind": "whole", "role": "seconds", "least": 2, "most": 15, "default": 5}],
    "rules": [{"when": {"last_frame": True}, "field": "mode", "values": ["pro"], "says": "An end needs Pro."}],
    "price": [{"amount": 0.1, "per": "second", "read_on": "2026-04", "source": "a page"}],
}


def test_a_way_in_is_known_by_its_service_and_its_fields_by_what_they_say() -> None:
    way = msgspec.convert(WAY, Way)
    mode = way.find_field("mode")
    assert (way.name, mode and mode.option, way.find_field("seed")) == ("replicate", "mode", None)
    assert [mode.takes(value) for value in ("pro", "standard", 1, True) if mode] == [True, False, False, False]
    seconds = way.find_field("seconds")
    assert [seconds.takes(value) for value in (2, 15, 15.5, 16, "5", True) if seconds] == [True, True, *[False] * 4]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"service": "elsewhere"}, "elsewhere"),
        ({"ref": "someone/{speed}"}, "places in someone"),
        ({"slots": {"audio": {"field": "audio"}}, "rules": []}, "no slot for the photo"),
        ({"fields": [MODE | {"default": "standard"}]}, "own default 'standard'"),
        ({"fields": [MODE | {"names": {"slow": "Slow"}}]}, "no value slow"),
        ({"fields": [MODE | {"kind": "text"}]}, "go with the kind"),
        ({"fields": []}, "speak of mode"),
        ({"rules": [{"when": {"last_frame": True}, "says": "so"}]}, "a rule has"),
        ({"price": [{"amount": -1, "per": "clip", "read_on": "2026", "source": "a page"}]}, ">= 0"),
        ({"price": [{"amount": 1, "per": "clip", "read_on": "lately", "source": "a page"}]}, "matching regex"),
        ({"follows": "audio"}, "speak of audio"),
    ],
    ids=str,
)
def test_an_impossible_way_in_is_refused_and_says_why(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert(WAY | changes, Way)


def test_a_shot_s_hosted_wishes_are_bounded_and_read_back() -> None:
    shot = Shot(Photo("4" * 64, 8, 8))
    voice = Attachment("5" * 64, "hello.wav", "audio", 3.5, 40_000)
    asked = replace(shot, service="fal", options={"mode": "pro", "generate_audio": False, "cfg": 0.5}, audio=voice)
    assert Shot.from_json(asked.to_json()) == asked
    assert len({asked, Shot.from_json(asked.to_json()), shot}) == 2
    old = {name: value for name, value in msgspec.to_builtins(shot).items() if name not in ("options", "audio", "service")}
    assert Shot.from_json(msgspec.json.encode(old)) == shot
    for wrong in ({"options": {str(one): one for one in range(25)}}, {"options": {"mode": "x" * 4001}}, {"service": "x" * 65}):
        with pytest.raises(Refusal, match="can't be used"):
            replace(shot, **wrong)
