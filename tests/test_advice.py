"""Advice: which model for what is asked, on which machine; what a shot is tried out on; and the table made from the cards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import cv2
import numpy as np
import pytest

from studio import presets
from studio.advice.adviser import list_prices
from studio.advice.models_by_kind import list_models_by_kind
from studio.advice.recommend import describe_request, find_fastest, recommend, spoken
from studio.advice.wishes import Asked, Pick, Wishes
from studio.cards import ModelCard, ModelState
from studio.config import Settings
from studio.nouns import Attachment, Camera, Effect, Kind, Mend, Motion, Move, Photo, Shot, Still, replace
from studio.photo.crop import find_largest
from studio.studio import Studio

CARDS = tuple(card for card in presets.cards() if not card.hosted)
HOSTED = tuple(card for card in presets.cards() if card.hosted)
EVERYTHING = tuple(card.id for card in CARDS)
PHOTO = Photo("5" * 64, 3000, 2000, "beach.jpg")
TURNS = "the person turns her head"


def machine(
    gpu: float = 0.0,
    here: Iterable[str] = (),
    loaded: Iterable[str] = (),
    seconds: Mapping[str, float] | None = None,
) -> tuple[ModelState, ...]:
    """How every card would stand on a machine with a GPU of so many GB (0: none), these models on its disk and in its memory.

    A card fits when the GPU has the least it needs, and slowly when its weights don't go there whole.
    """
    return tuple(_state(card, gpu, set(here), set(loaded), seconds or {}) for card in CARDS)


def _state(card: ModelCard, gpu: float, here: set[str], loaded: set[str], seconds: Mapping[str, float]) -> ModelState:
    if card.checkpoint is None:
        return ModelState(card.id, "built in", "ram", "yes", "it comes with Stir and runs on any computer")
    needs = card.checkpoint.needs
    fits: Literal["yes", "slowly", "no"] = "yes" if gpu >= needs.largest + needs.activation else "slowly"
    fits = fits if gpu >= needs.vram else "no"
    reason = f"It needs a GPU with {needs.vram:g} GB of memory." if fits == "no" else "it fits"
    there = card.id in here
    return ModelState(
        card.id, "here" if there else "missing", "gpu" if card.id in loaded else "out", fits, reason,
        download=0 if there else round(needs.weights * 1e9), expected=seconds.get(card.id),
    )  # fmt: skip


NONE = machine()
SMALL = machine(8)
MIDDLE = machine(24)
OWNED = machine(
    24, ("wan22-ti2v-5b", "hunyuan15-480p-fast", "svd-xt"), seconds={"wan22-ti2v-5b": 520.0, "hunyuan15-480p-fast": 75.0}
)
LARGE = machine(80, EVERYTHING)
"""No GPU; 8 GB and 24 GB with nothing downloaded; 24 GB with three models; 80 GB with all of them."""


class Case(NamedTuple):
    """A situation, the pick that has to come first, and the models that may not be picked at all."""

    name: str
    wanted: Asked
    states: tuple[ModelState, ...]
    first: str
    never: tuple[str, ...] = ()
    among: tuple[str, ...] = ()


NOT_FREE = tuple(card.id for card in CARDS if card.commercial in ("no", "unknown"))
SILENT = tuple(card.id for card in CARDS if "sound" not in card.supports)
ENDLESS = tuple(card.id for card in CARDS if "end_frame" not in card.supports)
SHORT = tuple(card.id for card in CARDS if card.seconds[1] < 10)
DRIFT = tuple(card.id for card in CARDS if card.faces == "drifts")
WORDLESS = tuple(card.id for card in CARDS if "prompt" not in card.supports)
AWAY = tuple(card.id for card in CARDS if card.id not in ("parallax", "wan22-ti2v-5b", "hunyuan15-480p-fast", "svd-xt"))

LANDSCAPE = Asked(kind="landscape", camera=True)
ACTS = Asked(kind="portrait", faces=True, words=TURNS)
WAVES = Asked(kind="water", words="waves roll in")
WALKS = Asked(kind="landscape", words="the man walks")
ENDS = Asked(kind="street", end_frame=True)
TWO = machine(80, ("wan22-i2v-a14b", "wan22-ti2v-5b"), seconds={"wan22-i2v-a14b": 800.0, "wan22-ti2v-5b": 90.0})
FAST, FULL, SMALLER, FACES = "wan22-i2v-a14b-fast", "wan22-i2v-a14b", "wan22-ti2v-5b", "hunyuan15-480p-fast"

CASES = (
    Case("no GPU, a landscape", LANDSCAPE, NONE, "parallax"),
    Case("no GPU, a portrait that should act", ACTS, NONE, "parallax"),
    Case("no GPU, two photos", ENDS, NONE, "parallax", among=("wan21-flf2v",)),
    Case("no GPU, with sound", Asked(kind="water", sound=True), NONE, "parallax", among=("ltx-23-distilled",)),
    Case("no GPU, for money", Asked(kind="product", use="product", commercial=True), NONE, "parallax", never=NOT_FREE),
    Case("no GPU, offline", Asked(kind="street", offline=True), NONE, "parallax", never=EVERYTHING[1:]),
    Case("nothing downloaded, words", ACTS, MIDDLE, "parallax", among=(FACES,)),
    Case("8 GB, words", WALKS, SMALL, "parallax", among=("helios-distilled",)),
    Case("three models, words", ACTS, OWNED, FACES, never=WORDLESS),
    Case("three models, in a hurry", replace(ACTS, priority="speed"), OWNED, FACES),
    Case("three models, only a camera", LANDSCAPE, OWNED, "parallax"),
    Case("three models, water that runs", WAVES, OWNED, SMALLER, never=WORDLESS),
    Case("three models, offline", replace(ACTS, offline=True), OWNED, FACES, never=AWAY),
    Case("three models, ending on a photo, offline", replace(ENDS, offline=True), OWNED, "parallax", never=AWAY),
    Case("everything here, a portrait", ACTS, LARGE, FAST, never=WORDLESS + DRIFT),
    Case("the best portrait", replace(ACTS, priority="quality"), LARGE, FULL, never=DRIFT),
    Case("everything here, only a camera", LANDSCAPE, LARGE, "parallax"),
    Case("a product for a shop", Asked(kind="product", use="product", camera=True), LARGE, "parallax"),
    Case("a room for an estate agent", Asked(kind="street", use="estate", camera=True), LARGE, "parallax"),
    Case("a person for their brand", replace(ACTS, use="brand"), LARGE, FAST, never=DRIFT),
    Case("the sea with its sound", replace(WAVES, sound=True), LARGE, "ltx-23-distilled", never=SILENT),
    Case("from one room to another", ENDS, LARGE, "wan21-flf2v", never=ENDLESS),
    Case("sound and an end", replace(ENDS, sound=True), LARGE, "ltx-2", never=SILENT + ENDLESS),
    Case("twenty seconds", replace(ACTS, seconds=20.0), LARGE, "framepack", never=SHORT),
    Case("ten seconds for money", replace(WALKS, seconds=10.0, commercial=True), LARGE, "helios-distilled", never=NOT_FREE),
    Case("half a minute on a small GPU", replace(ACTS, seconds=30.0), machine(8, ("framepack", "svd-xt")), "framepack"),
    Case("4K", Asked(kind="landscape", short=2160), LARGE, "parallax"),
    Case("a loop", replace(LANDSCAPE, loop=True), LARGE, "parallax"),
    Case("people in a street", Asked(kind="street", words="people walk"), LARGE, FAST),
    Case(
        "a loaded one tips the balance", Asked(kind="street", words="people walk"), machine(80, EVERYTHING, ("ltx-2",)), "ltx-2"
    ),
    Case("a slow one loses in a hurry", replace(ACTS, faces=False, priority="speed"), TWO, SMALLER),
    Case("and wins with time", replace(ACTS, faces=False, priority="quality"), TWO, FULL),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_right_model_comes_first(case: Case) -> None:
    picks = recommend(case.wanted, CARDS, case.states)
    models = [pick.model for pick in picks]
    assert models[0] == case.first
    assert not set(models) & set(case.never)
    assert set(case.among) <= set(models)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_there_are_two_or_three_each_with_its_reason(case: Case) -> None:
    picks = recommend(case.wanted, CARDS, case.states)
    assert len(picks) in ((1, 2, 3) if case.wanted.offline else (2, 3)), "offline there may be nothing to compare with"
    assert next(iter(picks)).stands == "ready", "the built-in engine always runs"
    assert len({pick.model for pick in picks}) == len(picks)
    for pick in picks:
        for words in (pick.says, pick.gives_up):
            assert words.endswith(".")
            assert words[0].isupper()
            assert "  " not in words
        assert pick.score == pytest.approx(sum(term.weight for term in pick.terms), abs=0.01)
        assert all(term.says and term.weight for term in pick.terms)


def pick(wanted: Asked, states: tuple[ModelState, ...], model: str) -> Pick:
    """The pick of this model."""
    return next(one for one in recommend(wanted, CARDS, states) if one.model == model)


def test_what_can_not_be_had_is_said_outright() -> None:
    one = pick(Asked(kind="portrait", faces=True, words=TURNS), NONE, "parallax")
    assert one.says.startswith("Runs here now")
    assert one.gives_up.startswith(f"It won't show “{TURNS}”.")


def test_what_has_to_be_downloaded_says_how_much() -> None:
    one = pick(Asked(kind="portrait", faces=True, words=TURNS), MIDDLE, "hunyuan15-480p-fast")
    assert one.stands == "download"
    assert "downloaded first, 35.1 GB" in one.gives_up


def test_what_is_beyond_this_machine_says_so_first() -> None:
    picks = recommend(Asked(kind="portrait", faces=True, words=TURNS), CARDS, NONE)
    assert [one.stands for one in picks] == ["ready", "beyond"]
    assert picks[1].gives_up.startswith("It needs a GPU with 13 GB of memory.")


def test_a_time_that_is_known_is_told() -> None:
    one = pick(Asked(kind="portrait", faces=True, words=TURNS), OWNED, "hunyuan15-480p-fast")
    assert "a clip takes about 80 s here" in one.says


def test_the_limits_of_a_licence_are_given_up_when_it_earns_money() -> None:
    wanted = Asked(kind="water", sound=True, commercial=True)
    assert "10 million dollars" in pick(wanted, LARGE, "ltx-23-distilled").gives_up


def test_a_long_clip_leaves_out_what_is_too_short() -> None:
    one = pick(Asked(kind="landscape", seconds=15), NONE, "parallax")
    assert "10 s at most, not 15 s" in one.gives_up


def test_it_does_not_change_its_mind() -> None:
    wanted = Asked(kind="street", words="people walk", camera=True)
    assert recommend(wanted, CARDS, LARGE) == recommend(wanted, CARDS, tuple(reversed(LARGE)))


def test_a_studio_with_one_model_has_one_pick() -> None:
    assert [one.model for one in recommend(Asked(kind="water"), CARDS[:1], NONE)] == ["parallax"]
    assert not recommend(Asked(offline=True), CARDS[1:], NONE)


# What the shot asks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("motion", "words"),
    [
        (Motion(subject="the person", action="turns her head"), "the person turns her head"),
        (Motion("a woman turns her head and smiles"), "turns her head"),
        (Motion(environment="clouds drift across the sky"), ""),
        (Motion(environment="the wind stirs the leaves"), ""),
        (Motion(environment="rain runs down the window"), "rain runs down the window"),
        (Motion(environment="rain falls on the street"), ""),
        (Motion("the camera slowly pushes in"), ""),
        (Motion(environment="ripples run over the lake", effects=(Effect("ripple"),)), ""),
        (Motion(light="the light stays constant", still="the house"), ""),
        (Motion(), ""),
    ],
    ids=str,
)
def test_what_only_a_reader_can_do_is_heard(motion: Motion, words: str) -> None:
    found = spoken(motion)
    assert words in found if words else found == ""


def test_the_shot_and_the_wishes_become_one_question() -> None:
    motion = Motion(camera=Camera((Move("dolly_in"),), loop=True), subject="the dog", action="yawns")
    shot = Shot(PHOTO, motion=motion, size="1080p", seconds=8, end=Still(Photo("f" * 64, 900, 600)))
    found = describe_request(shot, Wishes(use="travel", sound=True, commercial=True), "portrait", faces=True)
    assert found == Asked("portrait", "travel", 8, 1080, "the dog yawns", True, True, True, True, True, "balance", True, False)
    assert not describe_request(Shot(PHOTO, end=Still(PHOTO)), Wishes(), None, faces=False).end_frame  # a box on the photo itself
    plainly = describe_request(Shot(PHOTO, motion=Motion(camera=Camera((Move("static"),)))), Wishes(), None, faces=False)
    assert (plainly.camera, plainly.short, plainly.end_frame) == (False, 480, False)


# Trying it out ------------------------------------------------------------------------------------------------------------

CHOSEN = presets.card("wan22-i2v-a14b")
TIMES = {CHOSEN.id: 600.0, "ltx-23-distilled": 30.0, "wan22-ti2v-5b": 120.0}


@pytest.mark.parametrize(
    ("words", "states", "draft", "says"),
    [
        ("", LARGE, "parallax", "Parallax draws that at once"),
        (TURNS, NONE, "parallax", "waits for Wan 2.2 14B"),
        (TURNS, LARGE, "parallax", "nothing that reads words is known to be much faster here"),
        (TURNS, machine(80, EVERYTHING, seconds=TIMES), "ltx-23-distilled", "about 30 s"),
        (TURNS, machine(80, EVERYTHING, seconds={CHOSEN.id: 600.0, "wan22-ti2v-5b": 210.0}), "parallax", "at once"),
        (TURNS, machine(80, (CHOSEN.id,), seconds={CHOSEN.id: 600.0, "ltx-23-distilled": 30.0}), "parallax", "at once"),
        (TURNS, machine(80, EVERYTHING, seconds={CHOSEN.id: 600.0, "svd-xt": 20.0}), "parallax", "at once"),
    ],
)  # fmt: skip
def test_a_shot_is_tried_out_on_the_fastest_that_shows_it(
    words: str, states: tuple[ModelState, ...], draft: str, says: str
) -> None:
    card, why = find_fastest(Asked(words=words), CHOSEN, CARDS, states)
    assert card.id == draft
    assert says in why


def test_parallax_needs_no_draft() -> None:
    card, why = find_fastest(Asked(words=TURNS), CARDS[0], CARDS, NONE)
    assert card.id == "parallax"
    assert why.endswith("as quick as any draft.")


# In a studio --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    """A studio of its own, nothing of it started."""
    with closing(Studio(settings)) as made:
        yield made


def test_a_draft_is_advised_for_a_shot(studio: Studio, samples: Path) -> None:
    photo = studio.photos.take_in(samples / "dogs.jpg")
    shot = Shot(photo, motion=Motion(subject="the dog", action="yawns"), model="wan22-ti2v-5b")
    card, why = studio.advice.draft_card(shot)
    assert card.id == "parallax", "nothing else is here"
    assert "the dog yawns" in why


def test_models_are_recommended_for_a_photo_on_this_machine(studio: Studio, samples: Path) -> None:
    shot = Shot(studio.photos.take_in(samples / "mountains.jpg"), motion=Motion(camera=Camera((Move("dolly_in"),))))
    picks = studio.advice.recommend(shot, Wishes(offline=True))
    assert [one.model for one in picks] == ["parallax"]
    assert "landscapes" in picks[0].says


def test_motions_that_fit_the_photo_come_first(studio: Studio, samples: Path) -> None:
    for name, kind in (("mountains", "landscape"), ("fig", "product")):
        photo = studio.photos.take_in(samples / f"{name}.jpg")
        assert studio.advice.see(photo).kind == kind
        assert kind in studio.advice.motions(photo)[0].kinds
        assert studio.advice.see(photo) is studio.advice.see(photo), "looked at once"


def test_the_report_is_of_the_photo_as_it_is_mended(studio: Studio, samples: Path) -> None:
    photo = studio.photos.take_in(samples / "dogs.jpg")
    report = studio.advice.look(Shot(photo, crop=find_largest(photo, "9:16"), size="1080p"))
    assert {finding.level for finding in report.findings} <= {"fine", "mend", "mind"}
    small = {finding.code: finding.level for finding in studio.advice.look(Shot(photo, size="2160p")).findings}
    larger = Shot(photo, size="2160p", mends=(Mend("upscale", 0.0),))
    assert small["small"] != "fine"
    assert {finding.code: finding.level for finding in studio.advice.look(larger).findings}.get("small", "fine") == "fine"


def test_before_and_after_are_alike_in_size_and_made_once(studio: Studio, samples: Path) -> None:
    photo = studio.photos.take_in(samples / "dandelion.jpg")
    plain, shot = Shot(photo), Shot(photo, mends=(Mend("contrast", 1.0),))
    before, after = studio.advice.before_after(plain, shot)
    pictures = [np.asarray(cv2.imread(str(file)), np.float32) for file in (before, after)]
    assert [picture.shape for picture in pictures] == [(900, 1600, 3)] * 2
    assert np.abs(pictures[0] - pictures[1]).mean() > 1, "the mend shows"
    stamps = [file.stat().st_mtime_ns for file in (before, after)]
    assert studio.advice.before_after(plain, shot) == (before, after)
    assert studio.advice.view(shot) == after
    assert [file.stat().st_mtime_ns for file in (before, after)] == stamps
    assert studio.settings.cache in before.parents, "where the page may look"


# Hosted models ------------------------------------------------------------------------------------------------------------


def elsewhere(*ready: str) -> tuple[ModelState, ...]:
    """How the hosted cards stand when a token is there for these."""
    return tuple(
        ModelState(card.id, "elsewhere", "out", "yes", "your token is there")
        if card.id in ready
        else ModelState(card.id, "elsewhere", "out", "no", "it needs your own token", lacks="token")
        for card in HOSTED
    )


def ask(wanted: Asked, states: tuple[ModelState, ...], shot: Shot | None = None) -> tuple[Pick, ...]:
    every = (*CARDS, *HOSTED)
    return recommend(wanted, every, states, list_prices(shot or Shot(PHOTO, motion=Motion(TURNS)), every))


def test_a_hosted_model_is_offered_only_where_nothing_here_meets_the_wishes() -> None:
    hosted = {card.id for card in HOSTED}
    talks = Asked(kind="portrait", words=TURNS, sound=True)
    picks = ask(talks, (*NONE, *elsewhere("veo-3")))
    assert picks[0].model == "parallax", "what runs here comes first"
    assert "veo-3" in {one.model for one in picks}
    veo = next(one for one in picks if one.model == "veo-3")
    assert (veo.stands, "about $1.60 (price read 2026-09-24)" in veo.says) == ("hosted", True)
    assert "your photo goes to the service and to Google" in veo.gives_up
    assert all(one.stands in ("ready", "hosted", "token") for one in picks)
    assert not hosted & {one.model for one in ask(talks, (*LARGE, *elsewhere("veo-3")))}, "LTX-2.3 is here and speaks"
    assert not hosted & {one.model for one in ask(replace(talks, offline=True), (*NONE, *elsewhere("veo-3")))}
    assert not hosted & {one.model for one in ask(replace(talks, commercial=True), (*NONE, *elsewhere("veo-3")))}


def test_who_asks_for_hosted_models_gets_them_after_what_runs_here() -> None:
    picks = ask(Asked(kind="landscape", words="the clouds drift", hosted=True), (*LARGE, *elsewhere("kling-v2.1")))
    assert picks[0].stands == "ready"
    tokenless = ask(Asked(words=TURNS, seconds=15.0), (*NONE, *elsewhere()))
    assert {one.stands for one in tokenless[1:]} == {"token"}
    assert all("needs your own token" in one.gives_up for one in tokenless[1:])


def test_a_voice_or_a_film_is_for_the_models_that_follow_one() -> None:
    voice = Attachment("6" * 64, "hello.mp3", "audio", 4.0, 40_000)
    shot = Shot(PHOTO, motion=Motion(TURNS), audio=voice)
    asked = describe_request(shot, Wishes(), "portrait", True)
    assert (asked.voice, asked.film) == (True, False)
    models = {one.model for one in ask(asked, (*LARGE, *elsewhere("kling-avatar-v2")), shot)}
    assert "kling-avatar-v2" in models
    assert "kling-v2.6-motion-control" not in models, "it needs a film"
    without = ask(Asked(kind="portrait", words=TURNS, hosted=True), (*NONE, *elsewhere("kling-avatar-v2")))
    assert "kling-avatar-v2" not in {one.model for one in without}, "it needs a voice"


def test_hosted_models_stand_last_in_the_table_and_say_that_they_run_elsewhere() -> None:
    portraits = next(row for row in list_models_by_kind((*CARDS, *HOSTED)) if row.kind == "portrait").models
    hosted = {card.id for card in HOSTED if "portrait" in card.suits}
    assert {one.model for one in portraits[-len(hosted) :]} == hosted
    kling = next(one for one in portraits if one.model == "kling-v2.1")
    assert kling.mind == "From $0.05 a second at Replicate, read 2026-09-24, terms not read."


# The cards ----------------------------------------------------------------------------------------------------------------


def test_every_card_says_what_it_suits_and_how_faces_fare() -> None:
    for card in CARDS:
        assert card.suits, card.id
        assert len(set(card.suits)) == len(card.suits), card.id
    judged = [card.id for card in CARDS if card.faces != "unknown"]
    assert len(judged) >= len(CARDS) - 2


def test_what_the_cards_say_in_words_agrees_with_what_they_suit() -> None:
    for card in CARDS:
        words = " ".join(card.good_at)
        if "people" in words or "faces" in words:
            assert card.suits[0] == "portrait" or card.faces == "steady", card.id
        if "product" in words:
            assert "product" in card.suits, card.id


def test_the_table_is_made_of_the_cards() -> None:
    rows = list_models_by_kind(CARDS)
    assert {row.kind for row in rows} == set(get_args(Kind))
    for row in rows:
        ids = [one.model for one in row.models]
        assert set(ids) == {card.id for card in CARDS if row.kind in card.suits}
        places = [presets.card(model).suits.index(row.kind) for model in ids]
        assert places == sorted(places), "the best first"
        assert len({one.why for one in row.models}) > 1
        assert "parallax" in ids, "something for everybody"
        assert all(one.why.endswith(".") for one in row.models)


def test_for_portraits_the_table_puts_steady_faces_first() -> None:
    portraits = next(row for row in list_models_by_kind(CARDS) if row.kind == "portrait").models
    first = [one.model for one in portraits if presets.card(one.model).suits[0] == "portrait"]
    assert [presets.card(model).faces for model in first] == sorted((presets.card(model).faces for model in first), reverse=True)
    assert first == [one.model for one in portraits][: len(first)]


def test_the_table_follows_a_card_that_is_added() -> None:
    mine = replace(CARDS[1], id="mine", title="Mine", suits=("water",), good_at=("surf",), commercial="no")
    rows = {row.kind: row for row in list_models_by_kind((*CARDS, mine))}
    found = next(one for one in rows["water"].models if one.model == "mine")
    assert (found.title, found.why, found.mind) == ("Mine", "Surf.", "Not for commercial use.")
    assert all(one.model != "mine" for one in rows["product"].models)
