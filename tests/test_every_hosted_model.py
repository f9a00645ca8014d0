"""All nineteen hosted models by every way in: a photo, bought through the studio, becomes an MP4 in the library.

The imitation answers over real connections. What stands in its recorded requests is held against schemas that were written
down apart from the cards.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import pytest

from studio import presets
from studio.cards import ModelCard
from studio.clip.formats import read_outcome
from studio.config import Settings
from studio.engines.hosted.ways import get_ways
from studio.hosted_cards import Way
from studio.hosted_demo.demo_film import FilmShape, make_film
from studio.hosted_demo.stand_in import Call, StandIn
from studio.jobs import hosted_job, hosted_lane
from studio.nouns import Attachment, Done, Motion, Photo, Shot, Still
from studio.studio import Studio
from tests.fakes.gradient import photograph
from tests.fakes.hosted_schemas import SCHEMAS, list_faults
from tests.fakes.hosted_ways import paint
from tests.fakes.paying import confirm
from tests.fakes.waiting import ended

WAYS = [(card, way) for card in presets.cards() for way in get_ways(card)]


@pytest.fixture
def studio(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Studio, StandIn]]:
    for module, name in ((hosted_job, "POLL_SECONDS"), (hosted_lane, "POLL_SECONDS")):
        monkeypatch.setattr(module, name, 0.05)
    monkeypatch.setattr(hosted_lane, "POLLS_A_SECOND", 100.0)
    with StandIn(most_side=96) as stand_in:
        for name, value in stand_in.environment().items():
            monkeypatch.setenv(name, value)
        made = Studio(settings)
        for card, way in WAYS:
            assert card.hosted
            made.spending.agree(way.service, card.hosted.maker)
        made.start(adopt=False)
        yield made, stand_in
        made.close()


def give(studio: Studio, kind: Literal["audio", "video"]) -> Attachment:
    """A voice or a film of three seconds, taken in."""
    file = studio.settings.home / ("dance.mp4" if kind == "video" else "voice.wav")
    if kind == "video":
        file.write_bytes(make_film(paint(), FilmShape(96, 64, 3.0, 12)))
    else:
        with wave.open(str(file), "wb") as voice:
            voice.setnchannels(1)
            voice.setsampwidth(2)
            voice.setframerate(8000)
            voice.writeframes(bytes(2 * 8000 * 3))
    return studio.attachments.take_in(file, file.name, kind)


def ask(photo: Photo, studio: Studio) -> list[tuple[ModelCard, Way, Shot]]:
    """A short shot for every way in, each with words of its own, and with all that the way takes."""
    voice, dance = give(studio, "audio"), give(studio, "video")
    return [
        (
            card, way,
            Shot(
                photo, motion=Motion(f"the boat rocks {number} times"), model=card.id, service=way.name, size="480p", seconds=1,
                end=Still(photo) if "last_frame" in way.slots else None, audio=voice, motion_video=dance,
            ),
        )
        for number, (card, way) in enumerate(WAYS)
    ]  # fmt: skip


def read_sent(call: Call) -> tuple[str, dict[str, Any]]:
    """The model that a recorded create names, and its fields."""
    asked = json.loads(call.body)
    if call.service == "replicate":
        return asked["version"].partition(":")[0], asked["input"]
    return unquote(call.path).strip("/").removeprefix("queue/"), asked


def test_a_photo_becomes_an_mp4_in_the_library_by_every_way_in(studio: tuple[Studio, StandIn]) -> None:
    made, stand_in = studio
    photo = made.photos.take_in(photograph(made.settings.home), "harbour.jpg")
    wanted = ask(photo, made)
    jobs = [made.submit(shot, confirmation=confirm(made, shot)) for _, _, shot in wanted]
    for (card, way, shot), job in zip(wanted, jobs, strict=True):
        state = ended(made, job.id).state
        assert isinstance(state, Done), f"{card.id} by {way.name}: {state}"
        clip = made.library.get(state.clip)
        file: Path = made.library.file(clip)
        film, plan = read_outcome(file), made.plan(shot)
        assert (file.suffix, film.num_frames > 1, clip.shot.service) == (".mp4", True, way.name)
        if "length" not in plan.unsure:
            assert film.seconds == pytest.approx(plan.seconds, abs=0.15), f"{card.id} by {way.name}"
    calls = {
        fields["prompt"]: (call.service, ref, fields)
        for call in stand_in.list_calls("create")
        for ref, fields in [read_sent(call)]
    }
    assert len(calls) == len(WAYS), "each was sent once"
    for card, way, shot in wanted:
        words = shot.motion.prompt.split(" ", 2)[-1]
        service, ref, fields = next(found for prompt, found in calls.items() if words in prompt)
        assert (service, ref in SCHEMAS[service]) == (way.service, True)
        assert list_faults(service, ref, fields) == [], card.id
        assert {slot.field for slot in way.slots.values() if slot.required} <= fields.keys()
