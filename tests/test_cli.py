"""The command line: the real one, with the real engine on small clips; what it prints, where, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.cli.animate_commands import deliver
from studio.cli.report import Bar
from studio.clip import recipe
from studio.config import ASSETS, ROOT
from studio.nouns import Progress, Refusal, Shot
from tests.photo import phone_files

PHOTO = ASSETS / "samples" / "stream.jpg"
SMALL = ("--size", "240p", "--seconds", "1", "--fps", "16")

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one clip in it, and a copy of the clip beside it, made in a process of its own."""
    folder = tmp_path_factory.mktemp("kept")
    command = ["animate", str(PHOTO), "--move", "dolly in", "--effect", "fog", "--seed", "7", *SMALL, "-o", "clip.mp4"]
    done = subprocess.run(
        [sys.executable, "-m", "studio", "--home", str(folder / "home"), *command],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["clip.mp4"]
    assert done.stderr.startswith("stream: ")  # stages, as often as a second allows
    return folder


def one_line(err: str) -> str:
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err


def home_is_untouched(tmp_path: Path) -> bool:
    return not any((tmp_path / "home" / "clips").glob("*")) if (tmp_path / "home").exists() else True


def test_the_clip_holds_what_was_asked_for(kept: Path) -> None:
    shot = recipe.read_recipe(kept / "clip.mp4")
    assert [move.name for move in shot.motion.camera.moves] == ["dolly_in"]
    assert [effect.name for effect in shot.motion.effects] == ["fog"]
    assert (shot.seed, shot.size, shot.seconds, shot.fps) == (7, "240p", 1.0, 16)


def test_many_flags_reach_the_shot_and_json_tells_it_back(stir: Say, tmp_path: Path) -> None:
    flags = ("--move", "Push In", "--move", "orbit-left", "--amount", "0.3", "--ease", "ease in", "--aspect", "9x16", "--loop")
    code, out, _ = stir("animate", PHOTO, *flags, *SMALL, "--depth", "builtin", "-o", "new/clip.webp", "--json")
    assert code == 0
    (clip,) = json.loads(out)
    shot = Shot.from_json(json.dumps(clip["shot"]))
    assert [(move.name, move.amount) for move in shot.motion.camera.moves] == [("dolly_in", 0.3), ("orbit_left", 0.3)]
    assert (shot.motion.camera.ease, shot.motion.camera.loop, shot.depth, shot.format) == ("ease_in", True, "builtin", "webp")
    assert (shot.crop.aspect, clip["width"] < clip["height"]) == ("9:16", True)
    assert Path(clip["path"]) == Path("new/clip.webp")
    assert recipe.read_recipe(tmp_path / "new" / "clip.webp") == shot
    assert clip["choices"]


def test_several_photos_make_a_folder_of_clips_and_nothing_is_overwritten(stir: Say, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stream.gif").write_text("mine")
    copy = tmp_path / "other.png"
    with Image.open(PHOTO) as photo:
        photo.resize((320, 213)).save(copy)
    code, out, _ = stir("animate", PHOTO, copy, "--move", "static", *SMALL, "--format", "gif", "-o", "out")
    assert code == 0
    assert out.splitlines() == [str(Path("out") / "stream-2.gif"), str(Path("out") / "other.gif")]
    assert (tmp_path / "out" / "stream.gif").read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["other.gif", "stream-2.gif", "stream.gif"]


def test_a_clip_is_delivered_under_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    (clip := tmp_path / "kept.mp4").write_bytes(b"clip")
    (out := tmp_path / "out").mkdir()
    name = f"{'x' * 251}.mp4"
    assert deliver(clip, out / name).read_bytes() == b"clip"
    assert [path.name for path in out.iterdir()] == [name]
    clip.unlink()
    with pytest.raises(Refusal, match="can't be written"):
        deliver(clip, out / "other.mp4")
    assert [path.name for path in out.iterdir()] == [name], "nothing half-made stays"


def test_a_depth_map_and_a_brush_are_taken_in(stir: Say, tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    Image.fromarray(np.repeat(ramp[:, None], 300, 1)).save(tmp_path / "depth.png")
    Image.fromarray(np.repeat((ramp > 120)[:, None], 300, 1).astype(np.uint8) * 255).save(tmp_path / "water.png")
    code, out, err = stir(
        "animate", PHOTO, *SMALL, "--depth", "depth.png", "--effect", "ripple", "--brush", "water.png", "--json"
    )
    assert code == 0, err
    shot = json.loads(out)[0]["shot"]
    assert len(shot["depth"]) == 64
    assert shot["motion"]["effects"][0]["region"] == "brush"


def test_what_a_phones_portrait_brings_is_said_and_can_be_left(stir: Say, tmp_path: Path) -> None:
    extras = [
        phone_files.Extra(phone_files.DEPTH_URN, phone_files.eight(phone_files.nearness())),
        phone_files.Extra(phone_files.MATTE_URN, phone_files.eight(phone_files.disc())),
    ]
    (tmp_path / "portrait.heic").write_bytes(phone_files.phone_heif(phone_files.scene(), extras))
    code, out, err = stir("look", "portrait.heic")
    assert code == 0 and "its own depth map is used" in out and "its own portrait matte is used" in out, err
    code, out, err = stir("animate", "portrait.heic", *SMALL, "--json")
    assert code == 0 and "its own depth map is used" in err, err
    reasons = " ".join(one["reason"] for one in json.loads(out)[0]["choices"])
    assert "the phone measured it" in reasons and "the phone's portrait matte" in reasons
    code, out, _ = stir("animate", "portrait.heic", *SMALL, "--depth", "builtin", "--mark", "builtin", "--json")
    clip = json.loads(out)[0]
    assert (clip["shot"]["depth"], clip["shot"]["subject"]) == ("builtin", "builtin")
    assert "phone" not in " ".join(one["reason"] for one in clip["choices"])
    code, _, err = stir("animate", PHOTO, *SMALL, "--mark", "photo")
    assert code == 2 and "came without a portrait matte" in one_line(err)


def test_a_depth_map_of_another_shape_is_refused_before_any_work(stir: Say, tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "square.png")
    code, out, err = stir("animate", PHOTO, *SMALL, "--depth", "square.png")
    assert (code, out) == (2, "")
    assert "shape" in one_line(err)


def test_a_photo_that_fails_stops_no_other(stir: Say, tmp_path: Path) -> None:
    fig, mountains = PHOTO.with_name("fig.jpg"), PHOTO.with_name("mountains.jpg")
    code, out, _ = stir("animate", fig, *SMALL, "--json")
    assert code == 0
    (original,) = (tmp_path / "home" / "photos").glob(json.loads(out)[0]["shot"]["photo"]["id"] + ".jpg")
    original.write_bytes(b"its disk has lost it")
    code, out, err = stir("animate", fig, mountains, *SMALL, "--json")
    assert code == 1
    assert [made["shot"]["photo"]["name"] for made in json.loads(out)] == ["mountains.jpg"]
    assert "fig" in err


def test_the_subject_is_marked_by_a_place_or_a_picture(stir: Say, tmp_path: Path) -> None:
    fig = PHOTO.with_name("fig.jpg")
    code, out, err = stir("animate", fig, *SMALL, "--mark", "0.55,0.55", "--json")
    assert code == 0, err
    (made,) = json.loads(out)
    assert made["shot"]["subject"] and any("you marked" in one["reason"] for one in made["choices"])
    Image.fromarray(np.pad(np.full((60, 60), 255, np.uint8), ((60, 80), (20, 220)))).save(tmp_path / "mask.png")
    code, out, err = stir("animate", fig, *SMALL, "--mark", "mask.png", "--aspect", "9:16", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["shot"]["crop"]["x"] < 0.07
    for words in ("1.5,0.5", "nowhere.png"):
        code, out, err = stir("animate", fig, *SMALL, "--mark", words)
        assert (code, out) == (2, "") and one_line(err)


def test_an_effect_that_finds_no_place_is_said_before_and_refused_where_nothing_else_moves(stir: Say) -> None:
    fig, mountains = PHOTO.with_name("fig.jpg"), PHOTO.with_name("mountains.jpg")
    code, out, err = stir("animate", fig, mountains, *SMALL, "--effect", "clouds", "--json")
    assert code == 0 and len(json.loads(out)) == 2
    assert "Note: fig: No place for drifting clouds" in err and "mountains: No place" not in err
    for words in (("--effect", "clouds:sky"), ("--prompt", "clouds drift")):
        code, out, err = stir("animate", fig, *SMALL, "--move", "static", *words)
        assert (code, out) == (2, "") and "Nothing would move." in err
    assert "sky" in err


def test_water_without_a_brush_is_made_and_says_where(stir: Say) -> None:
    code, out, err = stir("animate", PHOTO, *SMALL, "--effect", "ripple", "--json")
    assert code == 0
    assert "--brush" in err
    assert json.loads(out)[0]["shot"]["motion"]["effects"][0]["region"] == "background"


@pytest.mark.parametrize("said", [("--prompt", "the water ripples"), ("--motion", "water-ripples")])
def test_water_asked_for_in_words_is_placed_like_an_effect(stir: Say, tmp_path: Path, said: tuple[str, str]) -> None:
    code, out, err = stir("animate", PHOTO, *SMALL, *said, "--json")
    assert (code, "--brush" in err) == (0, True)
    assert {one["region"] for one in json.loads(out)[0]["shot"]["motion"]["effects"]} <= {"background", "auto"}
    Image.new("L", (64, 64), 255).save(tmp_path / "water.png")
    code, out, _ = stir("animate", PHOTO, *SMALL, *said, "--brush", tmp_path / "water.png", "--json")
    assert code == 0
    assert json.loads(out)[0]["shot"]["motion"]["effects"][0]["region"] == "brush"


def test_a_place_gives_shape_size_rate_and_length_and_flags_win(stir: Say) -> None:
    code, out, err = stir("animate", PHOTO, "--for", "reels", *SMALL, "--json", "--force")
    assert code == 0
    assert "Note: Instagram Reels needs at least 3 s; this is 1 s." in err
    assert ", a silent AAC track; about" in err and "Note: a silent AAC track: Instagram fails" in err
    shot = json.loads(out)[0]["shot"]
    assert (shot["crop"]["aspect"], shot["size"], shot["fps"], shot["platform"]) == ("9:16", "240p", 16, "reels")


def test_what_will_be_made_and_how_long_it_takes_is_said_first(stir: Say) -> None:
    code, out, err = stir("animate", PHOTO, *SMALL, "--format", "gif", "--json")
    assert code == 0
    (clip,) = json.loads(out)
    promised = f"{clip['width']}x{clip['height']}, {clip['num_frames']} frames, {clip['seconds']:.2f} s at {clip['fps']:g} fps"
    assert err.splitlines()[0].startswith(f"stream: {promised}; about ")


REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "no such photo": (("animate", "gone.jpg"), "its folder"),
    "a text file": (("animate", ROOT / "LICENSE"), "JPG"),
    "one bad photo among good ones": (("animate", PHOTO, "gone.jpg"), "gone.jpg"),
    "no such move": (("animate", PHOTO, "--move", "teleport"), "dolly in"),
    "no such effect": (("animate", PHOTO, "--effect", "fire"), "ripple"),
    "no such region": (("animate", PHOTO, "--effect", "fog:moon"), "sky"),
    "no such aspect": (("animate", PHOTO, "--aspect", "5:17"), "16:9"),
    "no such size": (("animate", PHOTO, "--size", "9000p"), "720p"),
    "no such easing": (("animate", PHOTO, "--ease", "bouncy"), "smooth"),
    "no such place": (("animate", PHOTO, "--for", "myspace"), "reels"),
    "too short for a place": (("animate", PHOTO, "--for", "reels", "--seconds", "1"), "--seconds 3"),
    "too slow for a place": (("animate", PHOTO, "--for", "reels", "--fps", "16"), "--fps 30"),
    "a format no place takes": (("animate", PHOTO, "--for", "tiktok", "-o", "clip.gif"), "--format mp4"),
    "no such model": (("animate", PHOTO, "--model", "dream"), "parallax"),
    "no such depth map": (("animate", PHOTO, "--depth", "gone.png"), "builtin"),
    "a brush for nothing": (("animate", PHOTO, "--brush", PHOTO), "--effect"),
    "an amount out of range": (("animate", PHOTO, "--amount", "7"), "--help"),
    "a rate that is no number": (("animate", PHOTO, "--fps", "fast"), "--help"),
    "too long": (("animate", PHOTO, "--seconds", "45"), "length"),
    "an unknown flag": (("animate", PHOTO, "--sparkle"), "--help"),
    "an unknown command": (("paint",), "--help"),
    "no photo": (("animate",), "--help"),
    "several photos, one name": (("animate", PHOTO, PHOTO, "-o", "clip.mp4"), "folder"),
    "an ending that disagrees": (("animate", PHOTO, "-o", "clip.mp4", "--format", "gif"), "clip.gif"),
    "an ending that is not made here": (("animate", PHOTO, "-o", "clip.mov"), ".mp4"),
    "a place under a file": (("animate", PHOTO, "-o", PHOTO / "clip.mp4"), "-o"),
    "a place nobody can write": (("animate", PHOTO, "-o", "/proc/nowhere/clip.mp4"), "-o"),
    "a recipe of nothing": (("recipe", PHOTO), "clip made by Stir"),
    "a recipe of no file": (("recipe", "gone.mp4"), "name of the file"),
    "again of nothing": (("again", "no-such-id"), "library"),
    "find without words": (("library", "find"), "find dolly"),
    "list with words": (("library", "list", "dolly"), "library find dolly"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_line_with_a_remedy_and_no_work_is_done(stir: Say, tmp_path: Path, name: str) -> None:
    words, remedy = REFUSED[name]
    if "/proc/nowhere/clip.mp4" in words and not Path("/proc").is_dir():
        pytest.skip("no folder that even root can't write")
    code, out, err = stir(*words)
    assert (code, out) == (2, "")
    assert remedy in one_line(err)
    assert home_is_untouched(tmp_path)


def test_a_name_that_no_file_has_is_said(stir: Say) -> None:
    code, out, err = stir("look", "x" * 5000)
    assert (code, out) == (1, "") and one_line(err).strip() == "This name is too long for a file. Give a shorter one."


def test_a_home_that_cannot_be_used_is_refused(stir: Say) -> None:
    code, _, err = stir("library", "--home", PHOTO)
    assert code == 2
    assert "--home" in one_line(err)


def test_recipe_in_words_and_as_json(kept: Path, stir: Say) -> None:
    code, words, _ = stir("recipe", kept / "clip.mp4")
    assert code == 0
    assert "dolly in 0.6" in words
    assert "fog" in words
    code, out, _ = stir("recipe", kept / "clip.mp4", "--json")
    assert code == 0
    assert Shot.from_json(out) == recipe.read_recipe(kept / "clip.mp4")
    (beside,) = (kept / "home" / "clips").glob("*.json")
    assert stir("recipe", beside, "--json")[:2] == (0, out)


def test_again_makes_the_same_clip_from_the_file_and_from_the_library(kept: Path, stir: Say) -> None:
    home = ("--home", kept / "home")
    code, out, _ = stir("again", kept / "clip.mp4", "-o", "same.mp4", *home)
    assert (code, out.strip()) == (0, "same.mp4")
    assert Path("same.mp4").read_bytes() == (kept / "clip.mp4").read_bytes()
    clips = json.loads(stir("library", "--json", *home)[1])
    code, out, _ = stir("again", clips[-1]["id"][:8], "--json", *home)
    assert code == 0
    assert json.loads(out)[0]["shot"] == clips[-1]["shot"]


def test_again_without_the_photo_says_what_to_do(kept: Path, stir: Say) -> None:
    code, _, err = stir("again", kept / "clip.mp4")
    assert code == 2
    assert "python -m studio animate stream.jpg" in one_line(err)


def test_the_library_lists_and_finds(kept: Path, stir: Say) -> None:
    home = ("--home", kept / "home")
    code, out, _ = stir("library", *home)
    assert code == 0
    assert "stream.jpg, dolly in" in out
    found = json.loads(stir("library", "find", "dolly", "fog", "--json", *home)[1])
    assert found
    assert Path(found[0]["path"]).is_file()
    assert json.loads(stir("library", "find", "zeppelin", "--json", *home)[1]) == []
    assert json.loads(stir("library", "find", "dolly", "--stars", "1", "--json", *home)[1]) == []  # it has none yet
    assert json.loads(stir("library", "--sort", "longest", "--json", *home)[1]) == found
    assert "Nothing is here yet" in stir("library")[1]


def test_machine_says_what_and_why(stir: Say) -> None:
    code, out, _ = stir("machine", "--json")
    assert code == 0
    assert all(one["what"] and one["reason"] for one in json.loads(out))
    assert "encoder" in stir("machine")[1]


@pytest.mark.parametrize("command", ["", "animate", "recipe", "again", "machine", "library", "hosted-demo"])
def test_help_teaches_with_examples(stir: Say, tmp_path: Path, command: str) -> None:
    code, out, err = stir(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert f"python -m studio {command}".strip() in out
    assert out.count("python -m studio") >= 3
    assert not (tmp_path / "home").exists()


def test_nothing_typed_prints_the_help_and_starts_nothing(stir: Say, tmp_path: Path) -> None:
    code, out, _ = stir()
    assert code == 0
    assert "animate" in out
    assert not (tmp_path / "home").exists()


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom studio.cli.main import main\nmain(['animate', '--help'])\n"
        "print(sorted({'cv2', 'gradio', 'torch', 'PIL', 'sqlite3'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_output_that_nobody_reads_on_is_no_error(kept: Path) -> None:
    command = [sys.executable, "-m", "studio", "recipe", str(kept / "clip.mp4"), "--json"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout and running.stderr
    running.stdout.close()
    errors = running.stderr.read()
    assert (running.wait(30), errors) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C reaches a whole console there")
def test_ctrl_c_cancels_and_leaves_nothing(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "clip.mp4"
    flags = ("--size", "720p", "--seconds", "10", "--fps", "60", "--home", str(home), "-o", str(out))
    command = [sys.executable, "-m", "studio", "animate", str(PHOTO), *flags]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr
    for line in running.stderr:
        if "painting" in line:
            break
    asked = time.monotonic()
    running.send_signal(signal.SIGINT)
    rest = running.stderr.read()
    assert running.wait(30) == 130
    assert time.monotonic() - asked < 8
    assert "Stopped." in rest
    assert "Traceback" not in rest
    assert not out.exists()
    assert list((home / "clips").iterdir()) == []
    assert not [path for path in (home / "cache").rglob("*") if path.is_file() and path.suffix in (".part", ".mp4")]


def test_a_job_that_fails_exits_with_one(stir: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder is gone: the photo is fine and the shot is fine, and the work fails."""
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "no-such-program"))
    code, out, err = stir("animate", PHOTO, *SMALL)
    assert (code, out) == (1, "")
    assert "pip install" in err.splitlines()[-1]


def test_the_bar_says_stages_once_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    bar = Bar("harbour")
    for done in range(101):
        bar.draw(Progress("paint", done, 100))
    bar.clear()
    said = capfd.readouterr().err.splitlines()
    assert said == [f"harbour: painting {share} %" for share in (0, 25, 50, 75, 100)]


def test_two_boxes_reach_the_shot_the_clip_and_what_is_shown_of_it(stir: Say, tmp_path: Path) -> None:
    boxes = ("--start-box", "0,0,1,1", "--end-box", "0.4,0.3,0.4,0.4")
    code, out, err = stir("animate", PHOTO, *boxes, *SMALL, "--depth", "builtin", "-o", "box.mp4", "--json")
    assert code == 0, err
    shot = recipe.read_recipe(tmp_path / "box.mp4")
    assert shot.end is not None
    assert shot.end.photo.id == shot.photo.id
    assert (shot.end.crop.x, shot.end.crop.y, shot.end.crop.w, shot.end.crop.h) == pytest.approx((0.4, 0.3, 0.4, 0.4))
    assert (shot.crop.w, shot.crop.h) == (1, 1)
    assert any(choice["value"] == "from box to box" for choice in json.loads(out)[0]["choices"])
    assert "the same photo" in stir("recipe", "box.mp4")[1]


@pytest.mark.parametrize("words", ["0,0,1", "a,b,c,d", "0,0,2,1", "nan,0,1,1"])
def test_a_box_that_is_none_is_refused_in_one_line(stir: Say, words: str) -> None:
    code, _, err = stir("animate", PHOTO, "--end-box", words)
    assert code != 0
    assert "0.25,0.1,0.5,0.5" in one_line(err)


class Terminal(io.StringIO):
    """A terminal that keeps what was written to it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_drawn_over(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    bar = Bar("a photo with a name that is far too long for a line", unit=" MB")
    bar.draw(Progress("paint", 6, 24, "half asleep", 2.0, 59.6))
    bar.draw(Progress("paint", 7, 24))  # too soon after it
    assert terminal.getvalue().startswith("\r\x1b[Ka photo with a name that is…  ██████░")
    assert "painting  6/24 MB" in terminal.getvalue()
    assert len(terminal.getvalue()) <= len("\r\x1b[K") + 79, "a line that wraps can't be drawn over"
    bar.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert "\n" not in terminal.getvalue()
    other = Bar("harbour")
    other.draw(Progress("encode", elapsed=65.0))
    assert terminal.getvalue().rstrip().endswith("1:05")
