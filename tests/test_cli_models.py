"""`models` and what `animate` asks of a model that denoises: with the engine that ships, and with one that pretends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from studio import presets
from studio.cards import ModelCard, ModelState
from studio.cli import animate_commands, arguments, model_commands, shot_arguments
from studio.cli.report import Failure
from studio.config import ASSETS, PRESETS, ROOT, Settings
from studio.nouns import Clip, Refusal
from studio.studio import Studio
from tests.fakes.shelf import AWAY, CARDS, GATED, LARGE, MB, READY, ShelfEngine, finder

PHOTO = ASSETS / "samples" / "stream.jpg"
OTHER_PHOTO = ASSETS / "samples" / "sunset.jpg"
Say = Callable[..., tuple[int, str, str]]
Ask = Callable[..., tuple[str, str]]


@pytest.fixture
def engine() -> ShelfEngine:
    return ShelfEngine(pace=0.01)


@pytest.fixture
def studio(settings: Settings, engine: ShelfEngine) -> Iterator[Studio]:
    made = Studio(settings, (presets.card("parallax"), *CARDS), finder(engine))
    yield made
    made.close()


@pytest.fixture
def ask(studio: Studio, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Ask `models` of the studio that pretends; returns stdout and stderr."""

    def run(*typed: object) -> tuple[str, str]:
        capfd.readouterr()
        model_commands.answer(studio, arguments.build_parser().parse_args(["models", *(str(word) for word in typed)]))
        said = capfd.readouterr()
        return said.out, said.err

    return run


# What is listed -----------------------------------------------------------------------------------------------------------


def test_every_card_that_ships_is_listed_with_what_it_needs_and_why(stir: Say) -> None:
    code, out, _ = stir("models")
    assert code == 0
    for card in presets.cards():
        assert f"{card.id}  {card.title}: " in out
        assert card.licence in out
    code, text, _ = stir("models", "--json")
    assert code == 0
    listed = json.loads(text)
    assert [one["id"] for one in listed] == [card.id for card in presets.cards()]
    for one in listed:
        state = msgspec.convert(one.pop("state"), ModelState)
        assert msgspec.convert(one, ModelCard).id == state.id
        assert state.reason
        assert state.fits != "no" or state.remedy


def test_each_model_says_where_licence_disk_fit_and_time(ask: Ask) -> None:
    out, _ = ask()
    for said in (
        "pretend  Pretend: ", "local; Apache-2.0", "on disk: 40 MB", "needs 0.05 GB of video memory", "40 MB to download",
        "Community licence (free up to 1 M a year)", "fits, slowly: its weights are streamed", "out of reach: needs 80 GB",
        "about 0:40 a clip (made up for tests)", "Out of reach? Use the built-in Parallax",
    ):  # fmt: skip
        assert said in out, said


def test_cards_of_the_user_are_listed_wherever_the_flag_stands_and_broken_ones_are_noted(stir: Say, tmp_path: Path) -> None:
    source = next((PRESETS / "models").glob("*parallax.toml")).read_text()
    for name, id_ in (("one", "mine"), ("two", "theirs")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.toml").write_text(source.replace('id = "parallax"', f'id = "{id_}"'))
    (tmp_path / "two" / "broken.toml").write_text("id = 7")
    code, out, err = stir("--cards", tmp_path / "one", "models", "--json", "--cards", tmp_path / "two")
    assert code == 0
    assert [one["id"] for one in json.loads(out)][-2:] == ["mine", "theirs"]
    assert err.startswith("Note: broken.toml is left out.")
    assert err.count("\n") == 1
    code, out, _ = stir("animate", PHOTO, "--model", "mine", "--size", "240p", "--seconds", 1, "--cards", tmp_path / "one")
    assert code == 0, out


# What is done -------------------------------------------------------------------------------------------------------------


def test_a_quote_is_told_and_fetches_nothing(ask: Ask, studio: Studio) -> None:
    out, _ = ask("quote", AWAY.id)
    assert "7 files, 40 MB; 40 MB to fetch, 900 MB free" in out
    assert "agreement" in ask("quote", GATED.id)[0]
    assert json.loads(ask("quote", AWAY.id, "--json")[0])["total"] == 40 * MB
    assert studio.models.state(AWAY.id).disk == "missing"


def test_a_download_shows_how_far_it_is_and_what_to_do_then(ask: Ask, studio: Studio) -> None:
    out, err = ask("download", AWAY.id)
    assert f"animate photo.jpg --model {AWAY.id}" in out
    assert "40 MB to fetch, 900 MB free; licence: Apache-2.0." in err
    assert "fetching" in err
    assert studio.models.state(AWAY.id).disk == "here"
    out, _ = ask("delete", AWAY.id)
    assert "40 MB are free again" in out


def test_a_download_that_breaks_is_a_failure_with_its_remedy(ask: Ask, engine: ShelfEngine) -> None:
    engine.fails["download"] = ("The network is gone.", "Try again later.")
    with pytest.raises(Failure, match=r"network is gone. Try again later"):
        ask("download", AWAY.id)
    with pytest.raises(Refusal, match="agreement"):
        ask("download", GATED.id)


def test_weights_are_converted_with_the_disk_before_and_after(ask: Ask, engine: ShelfEngine) -> None:
    engine.wide[READY.id] = 15 * MB
    out, err = ask("convert", READY.id)
    assert "55 MB on the disk now; about 15 MB will be free again." in err and "converting" in err
    assert "55 MB before, 40 MB now" in out
    engine.fails["convert"] = ("The disk is full.", "Free some space, then try again.")
    with pytest.raises(Refusal, match="disk is full"):
        ask("convert", READY.id)


def test_a_folder_is_adopted(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"model_index\.json"):
        ask("adopt", AWAY.id, tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    assert "nothing was copied" in ask("adopt", AWAY.id, tmp_path)[0]
    assert json.loads(ask("adopt", AWAY.id, tmp_path, "--json")[0])["folder"] == str(tmp_path)


DOWNLOADING = """
import signal
import sys
from pathlib import Path
from studio.cli import arguments
from studio.cli import model_commands
from studio.cli.main import REFUSED, STOPPED
from studio.config import Settings
from studio.studio import Studio
from tests.fakes.shelf import AWAY, CARDS, ShelfEngine, finder
studio = Studio(Settings(Path(sys.argv[1])), CARDS, finder(ShelfEngine(pace=0.1)))
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background are told to ignore it
try:
    model_commands.answer(studio, arguments.build_parser().parse_args(["models", "download", AWAY.id]))
except KeyboardInterrupt:
    print(studio.models.state(AWAY.id).disk, studio.models.state(AWAY.id).downloading)
finally:
    studio.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C reaches a whole console there")
def test_ctrl_c_stops_a_download_that_can_be_gone_on_with(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DOWNLOADING, str(tmp_path / "home")]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout and running.stderr
    for line in running.stderr:
        if "fetching" in line:
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert out.split() == ["partly", "False"]
    assert "goes on from there" in err
    assert "Traceback" not in err


REFUSALS: dict[str, tuple[tuple[object, ...], str]] = {
    "no model named": (("models", "download"), "models download ID"),
    "a model for the list": (("models", "list", "parallax"), "models quote parallax"),
    "adopt without a folder": (("models", "adopt", "svd-xt"), "adopt ID FOLDER"),
    "a folder for another": (("models", "delete", "svd-xt", "/tmp"), "adopt ID FOLDER"),
    "no such model": (("models", "quote", "teapot"), "parallax"),
    "what is built in": (("models", "download", "parallax"), "nothing to load, download or delete"),
    "no such deed": (("models", "polish", "svd-xt"), "--help"),
    "no such folder of cards": (("models", "--cards", "gone"), "--cards"),
    "no such speed-up": (("animate", PHOTO, "--speedup", "magic"), "first_block_cache"),
    "a speed-up for parallax": (("animate", PHOTO, "--speedup", "compile"), "Leave it out"),
    "steps for parallax": (("animate", PHOTO, "--steps", 9), "denoises"),
    "an end for parallax": (("animate", PHOTO, "--end", OTHER_PHOTO), "end frame"),
    "no such end": (("animate", PHOTO, "--end", "gone.jpg"), "gone.jpg"),
    "no such quality": (("animate", PHOTO, "--quality", "superb"), "--help"),
    "too strong": (("animate", PHOTO, "--strength", 2), "--help"),
    "too many words": (("animate", PHOTO, "--prompt", "x" * 5000), "range"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_line_with_a_remedy(stir: Say, name: str) -> None:
    typed, remedy = REFUSALS[name]
    code, out, err = stir(*typed)
    assert (code, out) == (2, "")
    assert remedy in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_help_teaches(stir: Say) -> None:
    code, out, _ = stir("models", "--help")
    assert code == 0
    assert out.count("python -m studio models") >= 5
    assert "--may-shrink" in stir("animate", "--help")[1]
    assert "python -m studio models" in stir()[1]


# Animating ----------------------------------------------------------------------------------------------------------------


def test_the_flags_of_a_model_that_denoises_reach_the_shot(studio: Studio) -> None:
    typed = [
        "animate", str(PHOTO), "--model", READY.id, "--prompt", "gulls", "--avoid", "blur", "--quality", "draft", "--steps", "5",
        "--guidance", "3.5", "--strength", "0.8", "--speedup", "mag cache", "--speedup", "vae tiling",
        "--no-sound", "--may-shrink", "--aspect", "1:1",
    ]  # fmt: skip
    flags = arguments.build_parser().parse_args(typed)
    photo, end = studio.photos.take_in(PHOTO), studio.photos.take_in(ASSETS / "samples" / "fig.jpg")
    shot = shot_arguments.build_shot(shot_arguments.read_flags(flags), photo, "auto", "mp4", studio, end)
    assert (shot.motion.prompt, shot.motion.negative_prompt, shot.model) == ("gulls", "blur", READY.id)
    assert (shot.quality, shot.steps, shot.guidance, shot.strength) == ("draft", 5, 3.5, 0.8)
    assert (shot.speedups, shot.sound, shot.may_shrink) == (("mag_cache", "vae_tiling"), False, True)
    assert shot.end
    assert (shot.end.photo, shot.end.crop.aspect) == (end, "1:1")
    studio.submit(shot)


def test_what_a_model_will_really_make_is_said_first(studio: Studio, capfd: pytest.CaptureFixture[str]) -> None:
    flags = arguments.build_parser().parse_args(
        ["animate", str(PHOTO), "--model", READY.id, "--seconds", "1.2", "--prompt", "slow"]
    )
    shot = shot_arguments.build_shot(shot_arguments.read_flags(flags), studio.photos.take_in(PHOTO), "auto", "mp4", studio)
    animate_commands.make(studio, [shot], ["stream"], None, True)
    said = capfd.readouterr()
    assert "29 frames, 1.21 s at 24 fps, 6 steps; a clip takes about 0:40 here (made up for tests)." in said.err
    assert "denoising" in said.err
    (made,) = json.loads(said.out)
    made.pop("path")
    assert msgspec.convert(made, Clip).num_frames == 29


def test_a_model_that_does_not_fit_is_refused_before_any_work(studio: Studio) -> None:
    flags = arguments.build_parser().parse_args(["animate", str(PHOTO), "--model", LARGE.id])
    shot = shot_arguments.build_shot(shot_arguments.read_flags(flags), studio.photos.take_in(PHOTO), "auto", "mp4", studio)
    with pytest.raises(Refusal, match="80 GB"):
        animate_commands.make(studio, [shot], ["stream"], None, False)
    assert studio.jobs() == ()


def test_listing_models_loads_neither_torch_nor_a_picture_library(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom studio.cli.main import main\ncode = main(['models', '--json'])\n"
        "print(code, sorted({'gradio', 'torch', 'diffusers', 'transformers', 'PIL'} & set(sys.modules)), file=sys.stderr)"
    )
    env = {**os.environ, "STIR_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1].startswith("0 ")
    if "NVIDIA" not in done.stdout:
        assert done.stderr.splitlines()[-1] == "0 []"


def test_a_recipe_tells_what_was_asked_of_the_model(studio: Studio, stir: Say, tmp_path: Path) -> None:
    typed = [
        "animate",
        str(PHOTO),
        "--model",
        READY.id,
        "--quality",
        "draft",
        "--steps",
        "5",
        "--no-sound",
        "--speedup",
        "mag cache",
    ]
    flags = arguments.build_parser().parse_args(typed)
    photo = studio.photos.take_in(PHOTO)
    shot = shot_arguments.build_shot(
        shot_arguments.read_flags(flags), photo, "auto", "mp4", studio, studio.photos.take_in(OTHER_PHOTO, "dusk.jpg")
    )
    (tmp_path / "clip.json").write_text(shot.to_json())
    code, out, _ = stir("recipe", tmp_path / "clip.json")
    assert code == 0
    assert "draft, 5 steps, mag_cache, no sound" in out
    assert "dusk.jpg" in out


def test_the_page_takes_folders_of_cards_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import app

    assert app.main(["--home", str(tmp_path), "--cards", str(tmp_path / "gone")]) == 2
    assert "--cards" in capfd.readouterr().err
