"""Cards against what the services say now: what is gone stops a way in, what is narrower is named, and both are remembered."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from studio import presets
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Shelf
from studio.engines.hosted.card_check import compare_schema, find_check, keep_checks, read_checks, require_values
from studio.engines.hosted.hosted_engine import HostedEngine
from studio.engines.hosted.live_schema import read_schema
from studio.engines.hosted.service import LiveField, LiveSchema
from studio.engines.hosted.ways import get_ways
from studio.engines.prepare import prepare
from studio.hosted_cards import Way
from studio.hosted_demo.replicate_routes import describe_way
from studio.hosted_demo.stand_in import StandIn
from studio.models import Models
from studio.nouns import Photo, Refusal, Shot, replace
from tests.fakes.hosted_ways import TOKEN, start_services

KLING = presets.card("kling-v2.1")
AVATAR = presets.card("kling-avatar-v2")
WAY = get_ways(KLING)[0]


def live(way: Way, **changes: LiveField | None) -> LiveSchema:
    """What a service says whose model takes just what the card says, but for these fields."""
    described = describe_way(way)
    fields = read_schema({"components": {"schemas": described}}, described["Input"]).fields | changes
    return LiveSchema({name: field for name, field in fields.items() if field is not None})


def test_a_card_that_holds_is_found_to_hold() -> None:
    for card in presets.cards():
        for way in get_ways(card):
            check = compare_schema(card, way, live(way))
            assert (check.stops, check.changes, check.lost) == ("", (), {}), way.ref


def test_what_has_changed_is_named_and_what_stops_it_is_told_apart() -> None:
    news = compare_schema(KLING, WAY, live(WAY, licence_key=LiveField("string", required=True)))
    assert "now requires licence_key" in news.stops
    assert "no field start_image" in compare_schema(KLING, WAY, live(WAY, start_image=None)).stops
    less = compare_schema(KLING, WAY, live(WAY, mode=LiveField("string", ("pro",), default="pro")))
    assert (less.stops, less.lost) == ("", {"mode": ("standard",)})
    assert less.changes == ("It no longer takes standard for mode.", "Its default for mode is pro, not standard.")
    wan = presets.card("wan-2.7-i2v")
    shorter = compare_schema(wan, get_ways(wan)[0], live(get_ways(wan)[0], duration=LiveField("integer", least=3, most=10)))
    assert shorter.changes == ("Its duration goes up to 10 only, not 15.", "Its duration begins at 3, not 2.")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    known = tuple(way for way in get_ways(KLING) if way.service == "replicate")
    with StandIn(token=TOKEN, ways=known) as made:
        services = start_services(made, monkeypatch)
        yield made
        for one in services:
            one.close()


def test_check_asks_the_services_and_the_picker_knows_from_then_on(settings: Settings, stand_in: StandIn) -> None:
    settings.prepare()
    engine = HostedEngine(settings)
    assert isinstance(engine, Shelf)
    assert engine.state(KLING).fits == "yes"
    assert stand_in.calls == [], "nothing is asked before Check is pressed"
    found = engine.check(KLING)
    assert (found["replicate"].stops, found["fal"].stops) == ("", "fal (stand-in) has Kling v2.1 no more.")
    state = engine.state(KLING)
    assert (state.fits, state.disk, "fal" in state.reason) == ("yes", "elsewhere", False)
    engine.check(AVATAR)
    gone = engine.state(AVATAR)
    assert (gone.fits, gone.lacks) == ("no", "")
    assert "no more" in gone.reason
    with pytest.raises(Refusal, match=r"no more.*Choose another way in"):
        require_values(settings, AVATAR, get_ways(AVATAR)[0], {})
    (settings.cache / "hosted_checks.json").write_bytes(b"{")
    assert read_checks(settings) == {}


def test_a_value_that_a_service_takes_no_more_is_refused_before_it_is_paid_for(settings: Settings) -> None:

    settings.prepare()
    keep_checks(settings, KLING, {"replicate": compare_schema(KLING, WAY, live(WAY, mode=LiveField("string", ("pro",))))})
    check = find_check(settings, KLING, WAY)
    assert check and check.lost == {"mode": ("standard",)}
    with pytest.raises(Refusal, match="no longer takes standard for mode"):
        require_values(settings, KLING, WAY, {"mode": "standard"})
    require_values(settings, KLING, WAY, {"mode": "pro"})


def test_without_a_token_nothing_is_usable_and_the_reason_says_what_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REPLICATE_API_TOKEN", "FAL_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings.prepare()
    engine = HostedEngine(settings)
    state = engine.state(KLING)
    assert (state.fits, state.lacks) == ("no", "token")
    assert "your own token for Replicate or fal" in state.reason
    with pytest.raises(Refusal, match="without a token"):
        engine.check(KLING)


def test_a_model_that_runs_elsewhere_is_neither_loaded_nor_downloaded(settings: Settings) -> None:
    engine = HostedEngine(settings)
    asks = (engine.load, engine.unload, engine.quote, engine.download, engine.stop_download, engine.convert, engine.delete)
    for ask in asks:
        with pytest.raises(Refusal, match="somebody else's machines"):
            ask(KLING)
    with pytest.raises(Refusal, match="nothing to load"):
        engine.adopt(KLING, settings.home)
    shot = Shot(Photo("4" * 64, 1600, 1200), model=KLING.id, service="replicate")
    choices = {one.what: one for one in engine.choices(prepare(shot, KLING))}
    assert choices["service"].value == "Replicate"
    assert (choices["price"].value, "read 2026-09-24" in choices["price"].reason) == ("about $0.25", True)
    assert "camera" in choices["prompt"].value


def test_one_switch_removes_hosted_models_altogether(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIR_NO_HOSTED", "1")

    def make(card: ModelCard, settings: Settings) -> HostedEngine:
        raise AssertionError

    models = Models(settings, None, make)
    assert not any(card.hosted for card in models.cards)
    monkeypatch.delenv("STIR_NO_HOSTED")
    assert sum(card.hosted is not None for card in Models(settings, None, make).cards) == 19


def test_a_check_is_read_back_as_it_was_kept() -> None:
    check = compare_schema(KLING, WAY, live(WAY, mode=LiveField("string", ("pro",))))
    assert msgspec.json.decode(msgspec.json.encode(check), type=type(check)) == check
    assert replace(check, stops="x").stops == "x"
