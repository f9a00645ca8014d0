"""Many clips: sorted, chosen by stars, changed at once, taken away in one zip; as quick from two thousand as from a hundred."""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from studio.config import Settings
from studio.library import database, disk
from studio.library.clips import ORDERS, Clips, Sort
from studio.library.file_names import apart, sorting
from studio.nouns import Clip, Photo, Refusal, Shot, replace
from studio.studio import Studio

NAMES = ("beach.jpg", "IMG_10.jpg", "IMG_9.jpg", "Äpfel.jpg", "zoo.jpg")


def made(number: int, **changes: object) -> Clip:
    """A clip; the larger its number, the newer."""
    shot = Shot(Photo(f"{number:064x}", 640, 480, NAMES[number % len(NAMES)]), seed=number)
    name = f"{number:032x}"
    seconds = 1.0 + number * 7 % 10
    clip = Clip(name, shot, name + ".mp4", name + ".png", 640, 480, 24.0, 24, seconds, 4, float(number), 1.0, rating=number % 6)
    return replace(clip, **changes)


def put(studio: Studio, clips: list[Clip]) -> None:
    """Keep clips in a studio's library, each with a file of its own."""
    work = studio.settings.home
    with closing(database.open(studio.settings.database)) as rows, rows.write():
        shelf = Clips(rows, studio.settings.clips)
        for clip in clips:
            (work / "a").write_bytes(b"clip " + clip.id.encode())
            (work / "b").write_bytes(b"poster")
            shelf.keep(clip, work / "a", work / "b")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    one = Studio(Settings(tmp_path / "home"))
    yield one
    one.close()


def called(clip: Clip) -> str:
    return sorting(clip.title or clip.shot.photo.name)


@pytest.mark.parametrize("sort", ORDERS)
def test_clips_are_sorted_and_no_page_misses_or_repeats_one(studio: Studio, sort: Sort) -> None:
    clips = [made(number) for number in range(50)]
    put(studio, clips)
    by = {
        "newest": lambda one: -one.made_at, "oldest": lambda one: one.made_at,
        "longest": lambda one: (-one.seconds, -one.made_at),
        "best": lambda one: (-one.rating, -one.made_at), "name": lambda one: (called(one), -one.made_at),
    }  # fmt: skip
    wanted = [clip.id for clip in sorted(clips, key=by[sort])]
    pages = [clip.id for start in range(0, 50, 7) for clip in studio.library.find(limit=7, offset=start, sort=sort)]
    assert pages == wanted
    assert list(studio.library.ids(sort=sort)) == wanted


def test_names_are_sorted_as_people_do(studio: Studio) -> None:
    put(studio, [made(number) for number in range(5)])
    found = [clip.shot.photo.name for clip in studio.library.find(sort="name")]
    assert found == ["Äpfel.jpg", "beach.jpg", "IMG_9.jpg", "IMG_10.jpg", "zoo.jpg"]


def test_only_so_many_stars_or_more(studio: Studio) -> None:
    put(studio, [made(number) for number in range(12)])
    assert {clip.rating for clip in studio.library.find(stars=4)} == {4, 5}
    assert (studio.library.count(stars=4), studio.library.count(stars=1), studio.library.count()) == (4, 10, 12)
    assert len(studio.library.ids(stars=4)) == 4
    studio.library.rate(studio.library.ids(stars=4), 1)
    assert studio.library.count(stars=4) == 0


def test_a_rating_and_a_title_move_a_clip_to_its_place(studio: Studio) -> None:
    put(studio, [made(number, rating=0) for number in range(3)])
    last = studio.library.find()[-1]
    studio.library.rate(last.id, 5)
    studio.library.retitle(last.id, "Aardvark")
    assert studio.library.find(sort="best")[0].id == studio.library.find(sort="name")[0].id == last.id


def test_several_go_to_the_trash_and_come_back_in_place(studio: Studio) -> None:
    put(studio, [made(number) for number in range(6)])
    before = studio.library.ids()
    studio.library.trash([before[1], before[4], "f" * 32])  # one is no longer here: the others are put away all the same
    assert studio.library.ids() == (before[0], before[2], before[3], before[5])
    assert set(studio.library.ids(trashed=True)) == {before[1], before[4]}
    studio.library.restore([before[1], before[4]])
    assert studio.library.ids() == before
    with pytest.raises(Refusal):
        studio.library.trash("f" * 32)


def test_a_library_of_an_older_stir_is_sorted_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    studio = Studio(Settings(home))
    clips = [made(number, title="" if number else "Aardvark") for number in range(6)]
    put(studio, clips)
    studio.close()
    with closing(sqlite3.connect(home / "stir.db")) as rows:  # as the first version kept it
        kept = rows.execute("SELECT id, file, made_at, trashed, words, clip FROM clips").fetchall()
        for (table,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows.execute(f"DROP TABLE {table}")
        database._create(rows)
        rows.executemany("INSERT INTO clips VALUES (?, ?, ?, ?, ?, ?)", kept)
        rows.execute("INSERT INTO clips VALUES ('broken', 'broken.mp4', 0, 0, '', '{')")
        rows.execute("PRAGMA user_version = 1")
        rows.commit()
    (home / "clips" / "broken.mp4").write_bytes(b"x")
    again = Studio(Settings(home))
    assert again.library.find(sort="name")[0].title == "Aardvark"
    assert [clip.rating for clip in again.library.find(sort="best")] == [5, 4, 3, 2, 1, 0]
    seconds = [clip.seconds for clip in again.library.find(sort="longest")]
    assert seconds == sorted(seconds, reverse=True)
    version = again.version
    again.library.rate(again.library.find()[0].id, 2)
    assert again.version != version  # the counter of changes is still there
    again.close()


# Several as one download ----------------------------------------------------------------------------------------------


def test_a_zip_keeps_every_clip_under_a_name_of_its_own(studio: Studio) -> None:
    clips = [made(number) for number in (0, 5, 10, 1)]  # three of one photo
    put(studio, clips)
    file = studio.exports.export_all([clip.id for clip in clips], True)
    assert file.name == "Stir, 4 clips.zip"
    assert file.is_relative_to(studio.settings.cache / "served")
    with zipfile.ZipFile(file) as zipped:
        assert zipped.namelist() == [
            "beach, dolly in, 480p.mp4", "beach, dolly in, 480p (2).mp4", "beach, dolly in, 480p (3).mp4",
            "IMG_10, dolly in, 480p.mp4",
        ]  # fmt: skip
        assert [zipped.read(name) for name in zipped.namelist()] == [b"clip " + clip.id.encode() for clip in clips]
        assert all(one.compress_type == zipfile.ZIP_STORED for one in zipped.infolist())


def test_names_stay_apart_on_systems_that_ignore_case() -> None:
    taken: set[str] = set()
    found = [apart(name, taken) for name in ("Sea.mp4", "sea.mp4", "sea (2).mp4", "SEA.mp4", "sea", "Sea")]
    assert found == ["Sea.mp4", "sea (2).mp4", "sea (2) (2).mp4", "SEA (3).mp4", "sea", "Sea (2)"]
    assert len({name.casefold() for name in found}) == len(found)


def test_a_zip_that_has_no_room_is_refused_before_it_is_begun(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    put(studio, [made(number) for number in range(2)])
    usage = shutil.disk_usage(studio.settings.home)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: usage._replace(free=disk.RESERVE))
    with pytest.raises(Refusal, match=r"The zip may need .* and the disk has") as refused:
        studio.exports.export_all(studio.library.ids(), True)
    assert "fewer clips" in refused.value.remedy
    assert list((studio.settings.cache / "served").iterdir()) == []


def test_a_zip_is_swept_with_what_else_is_served(studio: Studio) -> None:
    put(studio, [made(number) for number in range(3)])
    ids = studio.library.ids()
    first = studio.exports.export_all(ids[:2], True)
    assert studio.exports.export_all(ids[:2], True) == first  # again: in its own place, not beside it
    served = studio.settings.cache / "served"
    assert len(list(served.iterdir())) == 1
    for number in range(70):
        (studio.settings.home / "a").write_bytes(b"x")
        studio._served.keep(studio.settings.home / "a", f"other-{number}", "a")
    assert not first.exists()
    assert not any(studio._room.rglob("*.zip"))


# As quick from many as from few ---------------------------------------------------------------------------------------


def quickest(work: object, times: int = 21) -> float:
    """Processor seconds of this thread: other work on the machine doesn't count."""
    taken = []
    for _ in range(times):
        began = time.thread_time()
        work()  # pyright: ignore
        taken.append(time.thread_time() - began)
    return statistics.median(sorted(taken)[: times // 2])


@pytest.fixture(scope="module")
def few_and_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Studio]]:
    """Two studios, of a hundred clips and of two thousand, that are only looked at."""
    folder = tmp_path_factory.mktemp("sorted")
    few, many = Studio(Settings(folder / "few")), Studio(Settings(folder / "many"))
    put(few, [made(number * 5) for number in range(100)])  # all of the beach, so that both find a whole page
    put(many, [made(number) for number in range(2000)])
    yield few, many
    few.close()
    many.close()


@pytest.mark.parametrize(
    "how", [{}, {"words": "beach"}, {"sort": "name"}, {"sort": "longest"}, {"sort": "best", "stars": 2}], ids=str
)
def test_two_thousand_clips_are_as_quick_as_a_hundred(few_and_many: tuple[Studio, Studio], how: dict[str, object]) -> None:
    from studio.ui.panels.library_panel import ClipSearch, LibraryPanel

    few_panel, many_panel = map(LibraryPanel, few_and_many)
    search = msgspec.convert(how, ClipSearch)
    assert len(few_panel.find(search)["clips"]) == len(many_panel.find(search)["clips"])
    ratios = [quickest(lambda: many_panel.find(search)) / quickest(lambda: few_panel.find(search)) for _ in range(3)]
    assert min(ratios) <= 1.5
