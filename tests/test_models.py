"""Models: how each stands, what may be done about one, and what is refused before it is queued; with an engine that pretends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio import config, presets
from studio.cards import Gauge, ModelState
from studio.config import PRESETS, Settings
from studio.engines.base import Shelf
from studio.exports import read_recipe
from studio.nouns import Crop, Motion, Photo, Refusal, Shot, Still, replace
from studio.preferences import Preferences, prefer, preferences
from studio.studio import Studio
from tests.fakes.gradient import Gradient, photograph
from tests.fakes.gradient import finder as only
from tests.fakes.shelf import AWAY, CARDS, GATED, LARGE, MB, OTHER, READY, ShelfEngine, finder
from tests.fakes.waiting import until

PARALLAX = presets.card("parallax")


@pytest.fixture
def engine() -> ShelfEngine:
    return ShelfEngine(pace=0.005)


@pytest.fixture
def studio(settings: Settings, engine: ShelfEngine) -> Iterator[Studio]:
    made = Studio(settings, (PARALLAX, *CARDS), finder(engine))
    yield made
    made.close()


def another(studio: Studio) -> Photo:
    """A photo that isn't the shot's own: an end frame, which not every model takes."""
    return studio.photos.take_in(photograph(studio.settings.home, seed=1), "other.jpg")


@pytest.fixture
def shot(studio: Studio) -> Shot:
    return Shot(studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg"), model=READY.id, seconds=1)


def state(studio: Studio, model: str) -> ModelState:
    return studio.models.state(model)


# How they stand -----------------------------------------------------------------------------------------------------------


def test_the_stand_in_keeps_models_and_the_true_engine_needs_none(studio: Studio) -> None:
    assert isinstance(studio.models.engine(READY), Shelf)
    assert not isinstance(studio.models.engine(PARALLAX), Shelf)


def test_every_card_has_a_state_in_the_order_of_the_cards(studio: Studio) -> None:
    states = studio.models.states()
    assert [one.id for one in states] == [card.id for card in studio.models.cards]
    assert [(one.disk, one.fits) for one in states] == [
        ("built in", "yes"), ("here", "yes"), ("here", "slowly"), ("missing", "yes"), ("missing", "yes"), ("here", "no")
    ]  # fmt: skip
    assert all(one.reason for one in states)
    assert state(studio, LARGE.id).remedy


def test_no_such_model_is_refused_everywhere(studio: Studio) -> None:
    models = studio.models
    for ask in (models.state, models.load, models.unload, models.quote, models.download, models.stop_download, models.delete):
        with pytest.raises(Refusal, match="no model called 'teapot'"):
            ask("teapot")


def test_what_is_built_in_is_neither_loaded_nor_deleted(studio: Studio) -> None:
    models = studio.models
    for ask in (models.load, models.unload, models.quote, models.download, models.delete):
        with pytest.raises(Refusal, match="built in"):
            ask("parallax")


def test_an_engine_that_cannot_be_had_leaves_the_other_models_alone(settings: Settings) -> None:
    def find(card, settings):
        if card.engine == "diffusion":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return Gradient()

    studio = Studio(settings, (PARALLAX, READY), find)
    assert [one.fits for one in studio.models.states()] == ["yes", "no"]
    assert "torch" in state(studio, READY.id).reason
    assert "pip install" in state(studio, READY.id).remedy
    assert studio.models.gauge() == Gauge()
    shot = Shot(studio.photos.take_in(photograph(settings.home), "a.png"), model=READY.id)
    with pytest.raises(Refusal, match="torch"):
        studio.submit(shot)
    studio.close()


def test_loading_and_unloading(studio: Studio, engine: ShelfEngine) -> None:
    studio.models.load(READY.id)
    assert state(studio, READY.id).memory == "loading"
    until(lambda: state(studio, READY.id).memory == "ram")
    assert state(studio, READY.id).held
    studio.models.unload(READY.id)
    assert state(studio, READY.id).memory == "out"
    engine.fails["load"] = ("The files are damaged.", "Download it again.")
    with pytest.raises(Refusal, match="damaged"):
        studio.models.load(READY.id)


def test_a_download_is_asked_for_stopped_and_gone_on_with(studio: Studio, shot: Shot) -> None:
    assert studio.models.quote(AWAY.id).missing == 40 * MB
    studio.models.download(AWAY.id)
    until(lambda: state(studio, AWAY.id).on_disk > 2 * MB)
    progress = state(studio, AWAY.id).progress
    assert progress and progress.total == 40
    with pytest.raises(Refusal, match="still being downloaded"):
        studio.submit(replace(shot, model=AWAY.id))
    studio.models.stop_download(AWAY.id)
    until(lambda: not state(studio, AWAY.id).downloading)
    here = state(studio, AWAY.id)
    assert (here.disk, here.download) == ("partly", 40 * MB - here.on_disk)
    with pytest.raises(Refusal, match="only partly"):
        studio.submit(replace(shot, model=AWAY.id))
    studio.models.download(AWAY.id)
    until(lambda: state(studio, AWAY.id).disk == "here")
    assert studio.submit(replace(shot, model=AWAY.id))
    assert studio.models.delete(AWAY.id) == 40 * MB
    assert state(studio, AWAY.id).disk == "missing"


def test_a_download_that_may_not_begin_or_breaks_says_why(studio: Studio, engine: ShelfEngine) -> None:
    with pytest.raises(Refusal, match="agreement"):
        studio.models.download(GATED.id)
    engine.fails["download"] = ("The network is gone.", "Try again later.")
    studio.models.download(AWAY.id)
    until(lambda: not state(studio, AWAY.id).downloading)
    assert state(studio, AWAY.id).problem == "The network is gone."


def test_a_folder_of_the_users_is_adopted_when_it_holds_the_model(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        studio.models.adopt(AWAY.id, tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    studio.models.adopt(AWAY.id, tmp_path)
    assert (state(studio, AWAY.id).disk, state(studio, AWAY.id).folder) == ("here", str(tmp_path))


# Watching -----------------------------------------------------------------------------------------------------------------


def test_the_version_changes_when_a_model_does_and_only_then(studio: Studio) -> None:
    studio.models.states()
    until(lambda: studio.version == studio.version)
    version = studio.version
    assert studio.version == version
    studio.models.load(READY.id)
    until(lambda: studio.version != version)
    until(lambda: state(studio, READY.id).memory == "ram")

    def quiet() -> bool:
        before = studio.version
        time.sleep(0.6)
        return studio.version == before

    until(quiet)


def test_looking_at_the_version_makes_no_engine(settings: Settings) -> None:
    made = []

    def find(card, settings):
        made.append(card.id)
        return ShelfEngine()

    studio = Studio(settings, (PARALLAX, *CARDS), find)
    assert (studio.version >= 0, studio.jobs()) == (True, ())
    assert made == []
    studio.close()


def test_looking_is_rare_however_often_the_version_is_asked(settings: Settings) -> None:
    class Counting(ShelfEngine):
        asked = 0

        def state(self, card):
            self.asked += 1
            return super().state(card)

    engine = Counting()
    studio = Studio(settings, CARDS, finder(engine))
    studio.models.states()
    before = engine.asked
    assert len({studio.version for _ in range(200)}) <= 2
    assert engine.asked - before <= 2 * len(CARDS)
    studio.close()


def test_closing_the_studio_closes_the_engine(settings: Settings, engine: ShelfEngine) -> None:
    studio = Studio(settings, (PARALLAX, *CARDS), finder(engine))
    studio.models.load(READY.id)
    studio.close()
    studio.close()
    assert engine.closed >= 1
    assert state(studio, READY.id).memory == "out"
    unused = Studio(settings, CARDS, finder(engine))
    count = engine.closed
    unused.close()
    assert engine.closed == count, "what was never made is not closed"


def test_the_machine_tells_what_the_engine_knows_of_the_gpu(studio: Studio) -> None:
    assert "Pretend 9000" in next(choice.value for choice in studio.machine() if choice.what == "GPU")
    assert studio.models.gauge().devices


# What a shot may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": AWAY.id}, f"not on this computer.*models download {AWAY.id}"),
        ({"model": LARGE.id}, "80 GB.*Parallax"),
        ({"steps": 100}, "2 to 20 steps"),
        ({"guidance": 25.0}, "guidance of 1 to 10"),
        ({"speedups": ("taylorseer",)}, "speed-up taylorseer.*first_block_cache"),
        ({"model": OTHER.id, "end": "photo"}, "where to end"),
        ({"model": "parallax", "end": "photo"}, "ends on the photo it began with.*end box"),
        ({"model": "parallax", "steps": 9}, "no steps"),
        ({"model": "parallax", "speedups": ("compile",)}, "speed-up compile"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_it_is_queued(
    studio: Studio, shot: Shot, changes: dict[str, object], words: str
) -> None:
    if changes.get("end") == "photo":
        changes = changes | {"end": Still(another(studio))}
    with pytest.raises(Refusal, match=words) as refused:
        studio.submit(replace(shot, **changes))
    assert refused.value.remedy
    assert studio.jobs() == ()


def test_rates_and_lengths_are_brought_to_what_the_model_makes(studio: Studio, shot: Shot) -> None:
    wanted = replace(shot, fps=60, seconds=30)
    plan = studio.plan(wanted)
    assert (plan.fps, plan.num_frames) == (24, 41)
    assert studio.submit(wanted).shot == wanted
    assert {choice.what for choice in studio.choices(wanted)} >= {"size", "length", "steps", "engine", "prompt", "encoder"}


def test_an_end_photo_is_taken_as_it_lies_here_and_must_be_here(studio: Studio, shot: Shot) -> None:
    end = studio.photos.take_in(photograph(studio.settings.home, 200, 300, seed=1), "dusk.jpg")
    lied = Still(replace(end, width=9, height=9), Crop(0.9, 0.9, 0.9, 0.1, "1:1"))
    kept = studio.submit(replace(shot, end=lied)).shot.end
    assert kept and kept.photo == end
    assert kept.crop.x + kept.crop.w <= 1
    with pytest.raises(Refusal, match="photo"):
        studio.submit(replace(shot, end=Still(replace(end, id="a" * 64))))


def test_a_model_that_takes_its_time_is_drafted_by_the_built_in_engine(studio: Studio, shot: Shot, engine: ShelfEngine) -> None:
    end = Still(another(studio))
    wanted = replace(shot, motion=Motion("gulls"), fps=8, seconds=30, steps=9, quality="best", end=end, model=AWAY.id)
    recipe = read_recipe(studio.preview(wanted))
    assert (recipe.model, recipe.size, recipe.end, recipe.steps) == ("parallax", "240p", None, None)
    assert studio.preview(wanted) == studio.preview(replace(wanted, model="parallax", steps=None, end=None, fps=24, seconds=5))
    assert studio.depth_view(wanted).is_file()
    assert engine.loads == []


def test_without_the_built_in_engine_there_is_no_draft(settings: Settings) -> None:
    studio = Studio(settings, CARDS, finder(ShelfEngine()))
    shot = Shot(studio.photos.take_in(photograph(settings.home), "a.png"), model=READY.id)
    with pytest.raises(Refusal, match="no quick preview"):
        studio.preview(shot)
    studio.close()


# What the user prefers ----------------------------------------------------------------------------------------------------


def test_preferences_are_kept_whole_and_damage_gives_defaults(studio: Studio) -> None:
    settings = studio.settings
    assert studio.models.preferences() == Preferences()
    wanted = Preferences(attention="native", placement={READY.id: "grouped"}, idle_minutes=5, ram_gb=12.5, preview=False)
    version = studio.version
    studio.models.prefer(wanted)
    assert preferences(settings) == wanted
    assert studio.version != version
    assert not list(settings.home.glob(".*.part"))
    for damage in (b"", b"{", b'{"idle_minutes": -1}', b'{"unheard": 1}', b"\xff\xfe", b"[]"):
        settings.preferences.write_bytes(damage)
        assert preferences(settings) == Preferences()
    prefer(settings, wanted)
    assert preferences(settings) == wanted


def test_a_preference_out_of_range_is_refused_and_the_old_ones_stay(studio: Studio) -> None:
    studio.models.prefer(Preferences(idle_minutes=7))
    with pytest.raises(Refusal, match="can't be used"):
        studio.models.prefer(Preferences(idle_minutes=10**6))
    assert studio.models.preferences().idle_minutes == 7


def test_two_changes_at_once_both_count(studio: Studio) -> None:
    """As when a person changes several settings faster than each is written."""

    def decide(model: str) -> None:
        studio.models.alter(lambda now: replace(now, folders={**now.folders, model: "somewhere"}))

    names = [f"model-{index}" for index in range(40)]
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(decide, names))
    assert sorted(studio.models.preferences().folders) == sorted(names)


def test_preferences_that_cannot_be_written_are_a_refusal(settings: Settings) -> None:
    settings.preferences.mkdir()
    (settings.preferences / "in the way").touch()
    with pytest.raises(Refusal, match="can't be written"):
        prefer(settings, Preferences())
    assert not list(settings.home.glob(".*.part"))


# The user's own cards -----------------------------------------------------------------------------------------------------


def own(folder: Path, name: str, words: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(words)
    return file


def test_cards_of_the_user_appear_and_a_broken_one_stops_nothing(tmp_path: Path) -> None:
    source = next((PRESETS / "models").glob("*parallax.toml")).read_text()
    home, more = tmp_path / "home", tmp_path / "more"
    own(home / "cards", "mine.toml", source.replace('id = "parallax"', 'id = "mine"'))
    own(more, "theirs.toml", source.replace('id = "parallax"', 'id = "theirs"'))
    own(more, "broken.toml", source.replace("licence", "license"))
    own(more, "twice.toml", source)
    studio = Studio(config.read(home=str(home), cards=[str(more)]), engines=only(Gradient()))
    ids = [card.id for card in studio.models.cards]
    assert ids[0] == "parallax", "what ships comes first"
    assert ids[-2:] == ["mine", "theirs"]
    assert {problem.value for problem in studio.models.problems()} == {"broken.toml", "twice.toml"}
    assert all(problem.reason for problem in studio.models.problems())
    shot = Shot(studio.photos.take_in(photograph(home), "a.png"), model="theirs", seconds=1)
    assert studio.submit(shot).shot.model == "theirs"
    studio.close()


def test_a_folder_of_cards_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="--cards"):
        config.read(home=str(tmp_path), cards=[str(tmp_path / "gone")])
