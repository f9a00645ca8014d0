"""The home folder and the disk: what is written where, who can be read from it, and what happens when it can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import config
from studio.config import Settings
from studio.nouns import Done, Motion, Refusal, Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended, until


def at_work(settings: Settings) -> Studio:
    studio = Studio(settings, (CARD,), finder(Gradient()))
    studio.start()
    return studio


def everything(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_a_home_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refusal, match="can't be written") as refused:
        Studio(Settings(tmp_path / "file" / "home"))
    assert "--home" in refused.value.remedy


def test_nothing_is_written_outside_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("work", "tmp", "user"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    studio = at_work(Settings(tmp_path / "home"))
    shot = Shot(studio.photos.take_in(photograph(tmp_path / "home"), "a.jpg"), model="gradient", seconds=1, fps=16)
    job = studio.submit(shot)
    assert isinstance(ended(studio, job.id).state, Done)
    studio.preview(shot)
    studio.exports.export(job.id, False)
    studio.close()
    assert {path.parts[0] for path in everything(tmp_path)} == {"home"}


def test_no_temporary_file_outlives_its_use(settings: Settings) -> None:
    studio = at_work(settings)
    shot = Shot(studio.photos.take_in(photograph(settings.home), "a.jpg"), model="gradient", seconds=1, fps=16)
    for format_ in ("mp4", "gif", "webp"):
        job = studio.submit(Shot(shot.photo, model="gradient", seconds=1, fps=16, format=format_))
        assert isinstance(ended(studio, job.id).state, Done)
        studio.exports.export(job.id, False)
    studio.preview(shot)
    until(lambda: everything(settings.cache / "work") == set())
    studio.close()
    assert list((settings.cache / "work").iterdir()) == []
    assert list((settings.home / "locks").iterdir()) == []
    assert not [path for path in everything(settings.home) if path.name.startswith(".")]


def test_what_a_crash_left_is_gone_at_the_next_start_and_what_is_finished_stays(settings: Settings) -> None:
    left = settings.cache / "work" / "0123" / "tmp" / ".ab.clip.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a clip")
    (settings.cache / "served").mkdir()
    shown = settings.cache / "served" / "preview-1" / "preview.mp4"
    shown.parent.mkdir()
    shown.write_bytes(b"a preview")
    studio = at_work(settings)
    assert not left.exists()
    assert shown.exists()
    studio.close()


def test_the_log_knows_nobody(settings: Settings) -> None:
    studio = at_work(settings)
    photo = studio.photos.take_in(photograph(settings.home), "Anna on the pier.jpg")
    for prompt in ("Anna waves", "break", "refuse"):
        ended(studio, studio.submit(Shot(photo, motion=Motion(prompt=prompt), model="gradient", seconds=1, fps=16)).id)
    studio.close()
    text = (settings.home / "logs" / "stir.log").read_text()
    assert text.count("job ") >= 6
    for private in ("Anna", "pier", photo.id, photo.id[:12], str(settings.home)):
        assert private not in text


@pytest.mark.parametrize(
    "name", ["../../escape.jpg", "/etc/passwd", "a\x00b.jpg", "<img src=x onerror=alert(1)>.jpg", "CON", "x" * 4000]
)
def test_a_hostile_name_leads_nowhere(settings: Settings, name: str) -> None:
    studio = at_work(settings)
    shot = Shot(studio.photos.take_in(photograph(settings.home), name), model="gradient", seconds=1, fps=16)
    job = studio.submit(shot)
    assert isinstance(ended(studio, job.id).state, Done)
    for with_recipe in (True, False):
        file = studio.exports.export(job.id, with_recipe)
        assert file.resolve().parent.parent == (settings.cache / "served").resolve()
        assert not set(file.name) & set("<>/\\:\x00")
    studio.close()


def test_ids_are_never_paths(settings: Settings) -> None:
    studio = at_work(settings)
    for attempt in ("../stir.db", "..", "", "/etc/passwd", "%"):
        for door in (studio.library.get, studio.job, studio.photos.get, studio.again, studio.library.trash):
            with pytest.raises(Refusal):
                door(attempt)
    studio.close()


def test_the_page_stays_on_this_computer_unless_there_is_a_password() -> None:
    assert config.read().host == "127.0.0.1"
    for user, password in ((None, None), ("anna", None), (None, "secret")):
        with pytest.raises(Refusal, match="user name and a password"):
            config.read(host="0.0.0.0", user=user, password=password)
    open_to_all = config.read(host="0.0.0.0", user="anna", password="secret")
    assert "secret" not in repr(open_to_all)
