"""Every way in of all nineteen cards, from a photo to a film over real connections to the imitation of both services.

What stands in the recorded requests is held against schemas that were written down apart from the cards.
"""

from __future__ import annotations

import json
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from studio import presets
from studio.cards import ModelCard
from studio.clip.formats import read_outcome
from studio.engines.hosted.request import write_request
from studio.engines.hosted.service import Service
from studio.engines.hosted.ways import get_ways
from studio.engines.prepare import prepare
from studio.hosted_cards import Way
from studio.hosted_demo.demo_film import FilmShape, make_film
from studio.hosted_demo.stand_in import Call, StandIn
from studio.nouns import Attachment, Photo, Shot, Size, Still, replace
from tests.fakes.hosted_schemas import SCHEMAS, list_faults
from tests.fakes.hosted_ways import TOKEN, paint, start_services

PHOTO = Photo("4" * 64, 640, 480)
IMAGE = np.random.default_rng(3).integers(0, 255, (480, 640, 3), np.uint8)
WAYS = [(card, way) for card in presets.cards() for way in get_ways(card)]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn(token=TOKEN, most_side=96) as made:
        yield made


@pytest.fixture(scope="module")
def services(stand_in: StandIn) -> Iterator[dict[str, Service]]:
    with pytest.MonkeyPatch.context() as patch:
        made = start_services(stand_in, patch)
        yield {one.name: one for one in made}
        for one in made:
            one.close()


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shot, dict[str, Path]]:
    """The shortest wishes, with a voice and a film of three seconds that are what they say."""
    folder = tmp_path_factory.mktemp("given")
    with wave.open(str(folder / "voice.wav"), "wb") as voice:
        voice.setnchannels(1)
        voice.setsampwidth(2)
        voice.setframerate(8000)
        voice.writeframes(bytes(2 * 8000 * 3))
    (folder / "dance.mp4").write_bytes(make_film(paint(), FilmShape(96, 64, 3.0, 12)))
    files = {"audio": folder / "voice.wav", "motion_video": folder / "dance.mp4"}
    voice_, dance = (Attachment("5" * 64, file.name, "audio", 3.0, file.stat().st_size) for file in files.values())
    small: Size = "480p"
    return Shot(PHOTO, seconds=1, size=small, audio=voice_, motion_video=replace(dance, kind="video")), files


def read_sent(call: Call) -> tuple[str, dict[str, object]]:
    """The model that a recorded create names, and its fields."""
    asked = json.loads(call.body)
    if call.service == "replicate":
        return asked["version"].partition(":")[0], asked["input"]
    return unquote(call.path).strip("/").removeprefix("queue/"), asked


@pytest.mark.parametrize(("card", "way"), WAYS, ids=lambda value: value.id if isinstance(value, ModelCard) else value.name)
def test_a_photo_becomes_a_film_and_what_was_sent_is_what_the_service_declares(
    card: ModelCard,
    way: Way,
    stand_in: StandIn,
    services: dict[str, Service],
    shot: tuple[Shot, dict[str, Path]],
    tmp_path: Path,
) -> None:
    given, files = shot
    wanted = replace(given, model=card.id, service=way.name, end=Still(PHOTO) if "last_frame" in way.slots else None)
    prepared, service = prepare(wanted, card), services[way.service]
    made = write_request(prepared, IMAGE, IMAGE if wanted.end else None, files)  # type: ignore[arg-type]
    stand_in.calls.clear()
    uploads = {name: service.upload(file) for name, file in made.files.items()}
    remote = service.create(made.endpoint, made.fields | {name: one.value for name, one in uploads.items()}, 900.0)
    end = time.monotonic() + 60
    while not remote.is_over and time.monotonic() < end:
        time.sleep(0.02)
        remote = service.poll(made.endpoint, remote.id)
    assert remote.status == "succeeded", remote.error
    service.download(remote, tmp_path / "film.mp4", lambda done, total: None)
    film = read_outcome(tmp_path / "film.mp4")
    assert film.num_frames > 1
    if "length" not in prepared.plan.unsure:
        assert film.seconds == pytest.approx(prepared.plan.seconds, abs=0.15)
    (call,) = stand_in.list_calls("create")
    ref, fields = read_sent(call)
    assert ref in SCHEMAS[way.service]
    assert list_faults(way.service, ref, fields) == []
    assert {slot.field for slot in way.slots.values() if slot.required} <= fields.keys()
    for one in uploads.values():
        service.delete(one)
