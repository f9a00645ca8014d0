"""`finish` on the command line: flags into a Finish, what can't be meant, and a clip finished by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pictures

from studio.cli.arguments import build_parser
from studio.cli.finish_arguments import read_finish
from studio.cli.main import DONE, REFUSED, main
from studio.config import Settings
from studio.nouns import Ambience, Done, Finish, Logo, Mix, Refusal, Shot, SpeedPoint, Title, Track, Trim
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.sounds import sine, write_sound
from tests.fakes.waiting import ended


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio on the stand-in with one clip."""
    studio = Studio(Settings(tmp_path_factory.mktemp("command") / "home"), (CARD,), finder(Gradient()))
    studio.start()
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    job = studio.submit(Shot(photo, model="gradient", seconds=1, fps=24, size="240p"))
    assert ended(studio, job.id).state == Done(job.id)
    studio.close()
    return Studio(studio.settings, (CARD,), finder(Gradient()))


def read(studio: Studio, *flags: str) -> Finish:
    """The finish that flags ask for."""
    return read_finish(build_parser().parse_args(["finish", "3f2a", *flags]), studio)


def test_flags_become_a_finish(studio: Studio, tmp_path: Path) -> None:
    assert read(studio) == Finish()
    assert read(studio, "--loop").loop == "dissolve"
    assert read(studio, "--trim", "0.5-4", "--reverse", "--fps", "60").trim == Trim(0.5, 4.0)
    assert read(studio, "--trim", "1-").trim == Trim(1.0)
    assert read(studio, "--speed", "0.5").speed == (SpeedPoint(0.0, 0.5),)
    ramp = (SpeedPoint(0.0, 1.0), SpeedPoint(0.5, 0.3), SpeedPoint(1.0, 1.0))
    assert read(studio, "--speed", "1,0.3,1").speed == read(studio, "--speed", "0:1,0.5:0.3,1:1").speed == ramp
    titled = read(studio, "--date", "1 May", "--title", "Harbour\\nat six", "--place", "Bergen", "--font", "serif")
    assert [title.kind for title in titled.titles] == ["title", "place", "date"]
    assert titled.titles[0] == Title("Harbour\nat six", font="serif")
    assert (read(studio, "--cover", "sharpest").cover, read(studio, "--cover", "1.5").cover) == ("sharpest", 1.5)
    write_sound(tmp_path / "song.wav", sine(-12, 2))
    Pictures.new("RGBA", (20, 10), (255, 0, 0, 128)).save(tmp_path / "logo.png")
    sounded = read(
        studio, "--music", str(tmp_path / "song.wav"), "--music-fade", "0.5,2", "--music-gain", "-6", "--ambience", "rain:0.2",
        "--no-own-sound", "--logo", str(tmp_path / "logo.png"),
    )  # fmt: skip
    music = sounded.mix.music
    assert music is not None
    assert music.attachment.kind == "audio"
    assert sounded.mix == Mix(False, Track(music.attachment, 0.0, 0.5, 2.0, -6.0), ambience=(Ambience("rain", 0.2),))
    assert isinstance(sounded.logo, Logo)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--trim", "4"], "names no end"),
        (["--speed", "fast"], "takes a number"),
        (["--speed", "20"], "from 0.1 to 8"),
        (["--fps", "90"], "90 is not between 8 and 60"),
        (["--duck", "3"], "3 is not between 0 and 1"),
        (["--music-fade", "20,1", "--music", __file__], "0 to 10 seconds"),
        (["--voice-gain", "3"], "no voice. Give --voice FILE too"),
        (["--title", ""], "1 to 400 signs"),
        (["--ambience", "rain:7"], "from 0 to 1"),
        (["--music", "nowhere.mp3"], "no file"),
        (["--music-fade", "1", "--music", __file__], "2 numbers"),
        (["--music", __file__], "isn't a sound"),
        (["--logo", __file__], "isn't an image"),
        (["--ambience", "thunder"], "Choose from: water, wind, rain, fire, room"),
    ],
)
def test_what_cannot_be_meant_is_refused(studio: Studio, flags: list[str], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        read(studio, *flags)


def test_a_sound_is_not_begun_after_its_end(studio: Studio, tmp_path: Path) -> None:
    write_sound(tmp_path / "song.wav", sine(-12, 2))
    assert read(studio, "--music", str(tmp_path / "song.wav"), "--music-start", "1.5").mix.music is not None
    with pytest.raises(Refusal, match=r"song.wav lasts 2\.0 s: there is nothing at 2 s\. Give --music-start an earlier"):
        read(studio, "--music", str(tmp_path / "song.wav"), "--music-start", "2")


def test_a_clip_is_finished_from_the_command_line(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clip,) = studio.library.find()
    home = ["--home", str(studio.settings.home)]
    assert (
        main([*home, "finish", clip.id[:8], "--reverse", "--platform", "square", "--json", "-o", str(tmp_path / "back.mp4")])
        == DONE
    )
    said = capsys.readouterr()
    assert "Square feed needs at least 3 s; this is 1 s. --hold" in said.err
    (made,) = json.loads(said.out)
    assert made["path"] == str(tmp_path / "back.mp4")
    assert made["shot"]["finish"]["clips"] == [clip.id]
    assert made["shot"]["platform"] == "square"
    assert (tmp_path / "back.mp4").stat().st_size == made["bytes"]
    assert main([*home, "finish", clip.id[:8], "--like", made["id"], "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)[0]["shot"]["finish"] == made["shot"]["finish"]
    assert main([*home, "finish", clip.id[:8]]) == REFUSED
    assert "Nothing is asked for" in capsys.readouterr().err
    assert main([*home, "finish", clip.id[:8], "--platform", "moon"]) == REFUSED
    assert main([*home, "finish", clip.id[:8], "--trim", "3-4"]) == REFUSED
    assert "nothing at 3 s" in capsys.readouterr().err
