"""What hosted models are sent: all fields declared, required ones there, values in range, by all nineteen cards and ways in."""

from __future__ import annotations

import io
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from studio import presets
from studio.cards import ModelCard
from studio.engines.hosted.field_values import find_values, list_slots
from studio.engines.hosted.price import estimate_price, find_rule
from studio.engines.hosted.request import HostedRequest, check_request, write_request
from studio.engines.hosted.ways import choose_way, describe_way, get_ways
from studio.engines.prepare import prepare
from studio.hosted_cards import PriceRule, Way
from studio.nouns import Attachment, Camera, Crop, Motion, Move, Photo, Refusal, Shot, Still, replace
from tests.fakes.hosted_schemas import SCHEMAS, list_faults
from tests.rows import each_row

CARDS = [card for card in presets.cards() if card.hosted]
WAYS = [(card, way) for card in CARDS for way in get_ways(card)]
PHOTO = Photo("4" * 64, 1600, 1200)
IMAGE = np.random.default_rng(7).integers(0, 255, (1200, 1600, 3), np.uint8)
VOICE = Attachment("5" * 64, "hello.mp3", "audio", 7.3, 120_000)
DANCE = Attachment("6" * 64, "dance.mp4", "video", 8.0, 4_000_000)
FILES = {"audio": Path("voice"), "motion_video": Path("dance")}


def card(name: str) -> ModelCard:
    return next(one for one in CARDS if one.id == name)


def shot(model: str, **changes: object) -> Shot:
    return replace(Shot(PHOTO, model=model, motion_video=DANCE, audio=VOICE), **changes)


def sent(wanted: Shot) -> HostedRequest:
    return write_request(prepare(wanted, card(wanted.model)), IMAGE, IMAGE if wanted.end else None, FILES)  # type: ignore[arg-type]


def faults(wanted: Shot, way: Way) -> list[str]:
    made = sent(wanted)
    return list_faults(way.service, made.endpoint.ref, made.fields | dict.fromkeys(made.files, "https://files/one"))


def test_all_nineteen_are_there_each_by_replicate_and_fourteen_by_fal() -> None:
    assert len(CARDS) == 19
    assert all(any(way.service == "replicate" for way in get_ways(one)) for one in CARDS)
    assert sum(any(way.service == "fal" for way in get_ways(one)) for one in CARDS) == 14
    assert len({one.title for one in presets.cards()}) == len(presets.cards()), "local and hosted are told apart by title"


@pytest.mark.parametrize(("one", "way"), WAYS, ids=lambda value: value.id if isinstance(value, ModelCard) else value.name)
def test_whatever_a_shot_asks_a_way_in_is_sent_only_what_it_takes(one: ModelCard, way: Way) -> None:
    ends = (None, Still(PHOTO)) if "last_frame" in way.slots else (None,)
    for seconds, size, end, sound in product((1.0, 5.0, 9.4, 60.0), ("auto", "480p", "2160p"), ends, (True, False)):
        wanted = shot(one.id, service=way.name, seconds=seconds, size=size, end=end, sound=sound, seed=2**32 - 1)
        assert faults(wanted, way) == []
    for field in way.fields:
        for value in field.choices if field.title else ():
            wanted = shot(one.id, service=way.name, options={field.option: value, "no-such-choice": True})
            assert faults(wanted, way) == []


def test_every_endpoint_that_was_written_down_is_reached_by_a_card() -> None:
    reached = {
        (way.service, way.ref.format(**{one.name: value for one in way.fields if one.in_ref}))
        for _, way in WAYS
        for value in next((field.values for field in way.fields if field.in_ref), ("",))
    }
    assert reached == {(service, ref) for service, known in SCHEMAS.items() for ref in known}


@each_row("one", CARDS)
def test_a_card_s_summary_facts_are_those_of_its_ways(one: ModelCard) -> None:
    ways = get_ways(one)
    assert ("end_frame" in one.supports) == any("last_frame" in way.slots for way in ways)
    assert ("negative_prompt" in one.supports) == any(way.find_field("negative_prompt") for way in ways)
    assert ("seed" in one.supports) == any(way.find_field("seed") for way in ways)
    lengths = [
        float(str(value))
        for way in ways
        for field in way.fields
        if field.role == "seconds"
        for value in (field.values or (field.least, field.most))
    ]
    assert not lengths or one.seconds == (min(lengths), max(lengths))
    for way in ways:
        assert not any(field.required and field.default is None and field.role != "prompt" for field in way.fields)
        assert all(price.read_on and price.source for price in way.price)
        assert way.price or any("price" in says or "paid" in says for says in way.unsure) or way.service == "replicate"


# The photo ----------------------------------------------------------------------------------------------------------------


def photo(wanted: Shot) -> Pictures.Image:
    made = sent(wanted)
    field = get_ways(card(wanted.model))[0].slots["first_frame"].field
    content = made.files[field].content
    assert isinstance(content, bytes)
    return Pictures.open(io.BytesIO(content))


def test_the_photo_leaves_as_it_is_used_without_metadata_and_never_stretched() -> None:
    wanted = shot("veo-3", crop=Crop(0.0, 0.0, 1.0, 0.75, "16:9"), size="720p")
    picture = photo(wanted)
    assert (picture.size, picture.format) == ((1280, 720), "JPEG")
    assert not picture.getexif()
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert photo(shot("veo-3", crop=Crop(0.25, 0.25, 0.25, 0.1875, "16:9"))).size == (400, 225), "never enlarged for nothing"
    assert min(photo(shot("kling-v3", service="replicate", crop=Crop(0.25, 0.25, 0.1, 0.1))).size) == 300, (
        "but to the least a service takes"
    )


def test_a_crop_longer_than_a_service_takes_is_cut_and_the_plan_says_so() -> None:
    long = shot("kling-v3", photo=replace(PHOTO, width=4000, height=1000))
    plan = prepare(long, card("kling-v3")).plan
    assert (plan.box[2] - plan.box[0]) / (plan.box[3] - plan.box[1]) == pytest.approx(2.5, 0.01)
    assert plan.size and "falls away" in plan.size.reason


def test_a_photo_over_a_service_s_bytes_is_made_smaller() -> None:
    made = sent(shot("kling-v3", options={"mode": "4k"}))
    assert len(made.files["start_image"].read()) < 10_000_000


# What a shot's wishes become ----------------------------------------------------------------------------------------------


def test_lengths_and_sizes_snap_and_the_plan_shows_it_before_the_press() -> None:
    plan = prepare(shot("hailuo-02", seconds=9, size="1080p"), card("hailuo-02")).plan
    assert (plan.size, plan.length) and plan.size and plan.length
    assert (plan.length.value, plan.size.reason.split(";")[0]) == ("10 s", "It makes 10 s at 768p only")
    fields = sent(shot("hailuo-02", service="replicate", seconds=9, size="1080p")).fields
    assert (fields["duration"], fields["resolution"]) == (10, "768p")
    frames = prepare(shot("wan-2.2-i2v-fast", service="replicate", seconds=7), card("wan-2.2-i2v-fast")).plan
    assert (frames.num_frames, frames.fps, "length" in frames.unsure) == (113, 16, False)
    unknown = prepare(shot("ovi"), card("ovi")).plan
    assert unknown.size and unknown.size.value == "decided by the model" and unknown.unsure == ("size", "rate")


def test_what_was_chosen_against_a_rule_is_refused_and_what_was_not_is_changed() -> None:
    end = Still(PHOTO)
    assert sent(shot("kling-v2.1", service="replicate", end=end)).fields["mode"] == "pro"
    assert sent(shot("kling-v2.1", service="fal", end=end)).endpoint.ref == "fal-ai/kling-video/v2.1/pro/image-to-video"
    with pytest.raises(Refusal, match=r"end frame in the mode Pro only\..*Choose pro") as refused:
        sent(shot("kling-v2.1", end=end, options={"mode": "standard"}))
    assert refused.value.remedy
    with pytest.raises(Refusal, match=r"doesn't take '8k' for mode\. Choose standard, pro or 4k"):
        sent(shot("kling-v3", options={"mode": "8k"}))


def test_camera_moves_become_the_model_s_control_where_the_way_has_one_and_words_everywhere() -> None:
    motion = Motion(camera=Camera((Move("crane_up"),)))
    by_control = sent(shot("ltx-2-pro", service="replicate-2.3", motion=motion)).fields
    assert by_control["camera_motion"] == "jib_up"
    other = sent(shot("ltx-2-pro", service="replicate", motion=motion)).fields
    assert "camera_motion" not in other
    assert "camera" in str(other["prompt"]).lower() and "camera" in str(by_control["prompt"]).lower()


def test_speech_and_sounds_are_written_plainly_and_sent_in_the_model_s_tags() -> None:
    said = {"speech": "We  made it!", "sounds": "gulls, waves"}
    prompt = str(sent(shot("ovi", options=said)).fields["prompt"])
    assert prompt.endswith("<S>We made it!<E> <AUDCAP>gulls, waves<ENDAUDCAP>")
    assert "<S>" not in str(sent(shot("kling-v3", options=said)).fields["prompt"])


def test_the_clip_lasts_as_long_as_the_voice_or_the_film() -> None:
    avatar, control = shot("kling-avatar-v2"), shot("kling-v2.6-motion-control")
    assert prepare(avatar, card(avatar.model)).plan.seconds == pytest.approx(7.3, abs=0.05)
    assert prepare(control, card(control.model)).plan.seconds == pytest.approx(8.0)
    assert prepare(replace(avatar, audio=None), card(avatar.model)).plan.unsure == ("size", "length", "rate")
    assert sent(avatar).files["audio"].media_type == "audio/mpeg"
    long = replace(control, motion_video=replace(DANCE, seconds=20.0))
    with pytest.raises(Refusal, match=r"film of 10 s at most.*lasts 20\.0 s"):
        sent(long)
    assert sent(replace(long, options={"character_orientation": "film"})).fields["character_orientation"] == "video"


@pytest.mark.parametrize(
    ("model", "changes", "says"),
    [
        ("kling-avatar-v2", {"audio": None}, "speaks with a voice.*Record one"),
        ("kling-v2.6-motion-control", {"motion_video": None}, "Add a film"),
        ("kling-avatar-v2", {"audio": replace(VOICE, bytes=6_000_000)}, "6.0 MB.*5 MB"),
        ("kling-avatar-v2", {"audio": replace(VOICE, name="v.ogg")}, "no OGG file.*MP3, WAV, M4A, AAC"),
        ("kling-avatar-v2", {"audio": DANCE}, "isn't a sound"),
        ("wan-2.7-i2v", {"audio": replace(VOICE, seconds=40.0), "service": "replicate"}, "40.0 s.*3 to 30 s"),
        ("kling-v2.1", {"motion": Motion(camera=Camera(()))}, "told what moves"),
        ("kling-v3", {"motion": Motion("a gull flies. " * 200)}, "2,500 characters"),
        ("wan-2.6-i2v", {"end": Still(PHOTO)}, "can't be told where to end"),
        ("veo-3", {"service": "fal"}, "no way in.*Choose one of: replicate"),
    ],
)
def test_what_a_model_does_not_take_is_refused_with_a_remedy(model: str, changes: dict[str, object], says: str) -> None:
    wanted = shot(model, **changes)
    with pytest.raises(Refusal, match=says) as refused:
        check_request(wanted, card(model), choose_way(wanted, card(model)))
    assert refused.value.remedy


# Ways and prices ----------------------------------------------------------------------------------------------------------


def test_the_cheapest_way_with_a_token_is_taken_the_model_itself_before_one_near_it() -> None:
    both = shot("kling-v3")
    assert choose_way(both, card("kling-v3"), lambda service: True).name == "fal"
    assert choose_way(both, card("kling-v3"), lambda service: service == "replicate").name == "replicate"
    seedance = shot("seedance-2.0")
    assert choose_way(seedance, card("seedance-2.0"), lambda service: True).name == "replicate"
    fast = shot("wan-2.5-i2v-fast", audio=None)
    assert choose_way(fast, card(fast.model), lambda service: True).name == "replicate"
    near = choose_way(fast, card(fast.model), lambda service: service == "fal")
    assert describe_way(near) == "fal, as Wan 2.5 preview"
    ended = shot("ltx-2-pro", end=Still(PHOTO))
    assert choose_way(ended, card("ltx-2-pro"), lambda service: True).name == "replicate-2.3"


@pytest.mark.parametrize(
    ("model", "changes", "amount", "read_on"),
    [
        ("wan-2.7-i2v", {"service": "replicate", "seconds": 10, "audio": None}, 1.5, "2026-04"),
        ("kling-v3", {"service": "replicate", "sound": False}, 1.12, "2026-04"),
        ("kling-v3", {"service": "replicate", "options": {"mode": "standard"}}, 1.26, "2026-04"),
        ("kling-v3", {"service": "replicate", "options": {"mode": "4k"}}, None, ""),
        ("veo-3", {"seconds": 8, "sound": True}, 3.2, "2026-09-24"),
        ("kling-avatar-v2", {"service": "replicate"}, 0.4088, "2026-04"),
        ("kling-avatar-v2", {"service": "replicate", "audio": None}, None, "2026-04"),
        ("p-video", {"seconds": 20, "audio": None, "options": {"draft": True}}, 0.1, "2026-11-21"),
        ("p-video", {"seconds": 20}, 0.146, "2026-11-21"),
        ("wan-2.1-i2v-480p", {"service": "replicate"}, None, "2025"),
        ("gen4-turbo", {}, None, ""),
        ("hailuo-02", {"service": "replicate", "seconds": 10, "size": "1080p"}, 0.45, "2026-04"),
    ],
)
def test_a_price_is_what_the_card_s_rule_says_or_unknown(
    model: str, changes: dict[str, object], amount: float | None, read_on: str
) -> None:
    wanted = shot(model, **changes)
    price = estimate_price(wanted, card(model), choose_way(wanted, card(model)))
    assert (price.amount if price.amount is None else pytest.approx(price.amount), price.read_on) == (amount, read_on)
    assert price.basis


@pytest.mark.parametrize(("one", "way"), WAYS, ids=lambda value: value.id if isinstance(value, ModelCard) else value.name)
def test_every_price_of_a_card_can_come_about(one: ModelCard, way: Way) -> None:
    """A rule that no shot meets is a slip of the pen."""
    seen: list[PriceRule | None] = []
    choices = [
        [(field.option, value) for value in (field.choices or (True, False))]
        for field in way.fields
        if field.title and any(field.name in price.when for price in way.price)
    ]
    for options, size, sound in product(product(*choices), ("auto", "480p", "720p", "1080p", "1440p", "2160p"), (True, False)):
        wanted = shot(one.id, service=way.name, options=dict(options), size=size, sound=sound)
        found = find_values(wanted, one, way)
        seen.append(find_rule(wanted, way, found))
        assert "first_frame" in list_slots(wanted, way)
    assert [price for price in way.price if price not in seen] == []
