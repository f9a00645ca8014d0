"""The library: kept whole, found by words, given back after a crash, and quick with a thousand clips."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from studio.library import clips, database
from studio.library.clips import Clips
from studio.nouns import Camera, Clip, Effect, Motion, Move, Photo, Refusal, Shot, replace


def made(number: int, name: str = "photo.jpg", title: str = "", motion: Motion | None = None) -> Clip:
    """A clip as the worker describes it; the larger its number, the newer."""
    shot = Shot(Photo("0" * 64, 640, 480, name), motion=motion or Motion(), seed=number)
    identity = f"{number:032x}"
    return Clip(
        identity, shot, f"{identity}.mp4", f"{identity}.png", 640, 480, 24.0, 120, 5.0, 4, float(number), 1.0, title=title
    )  # fmt: skip


class Shelf:
    """A library in a folder of its own, and a way to put clips into it."""

    def __init__(self, folder: Path, describe: Callable[[Shot], str] = lambda _: "") -> None:
        self.folder = folder
        (folder / "clips").mkdir(parents=True, exist_ok=True)
        self.base = database.open(folder / "stir.db")
        self.clips = Clips(self.base, folder / "clips", describe)

    def put(self, clip: Clip) -> Clip:
        file, poster = self.folder / "work.mp4", self.folder / "work.png"
        file.write_bytes(b"clip")
        poster.write_bytes(b"poster")
        self.clips.keep(clip, file, poster)
        return clip

    def names(self) -> set[str]:
        return {file.name for file in (self.folder / "clips").iterdir()}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def numbers(found: tuple[Clip, ...]) -> list[int]:
    return [int(clip.id, 16) for clip in found]


def test_a_change_that_a_kill_cut_short_never_was(shelf: Shelf) -> None:
    """Killed between the recipe and its row: the row is what was told. And killed while the recipe was written."""
    clip, other = shelf.put(made(1)), shelf.put(made(2))
    beside = shelf.clips.folder / f"{clip.id}.json"
    beside.write_bytes(msgspec.json.encode(replace(clip, rating=5, trashed=True)))
    half = shelf.clips.folder / f".{other.id}.json.0123.part"
    half.write_bytes(b"{")
    shelf.clips.recover(set)
    assert msgspec.json.decode(beside.read_bytes(), type=Clip) == clip == shelf.clips.get(clip.id)
    assert not half.exists()


def test_a_kept_clip_is_listed_with_its_files(shelf: Shelf) -> None:
    clip = shelf.put(made(1))
    assert shelf.clips.find() == (clip,)
    assert shelf.clips.get(clip.id) == clip
    assert shelf.clips.file(clip).read_bytes() == b"clip"
    assert shelf.clips.poster(clip).read_bytes() == b"poster"
    assert clips.read_recipe_beside(shelf.folder / "clips" / f"{clip.id}.json") == clip.shot
    assert shelf.names() == {f"{clip.id}{ending}" for ending in (".mp4", ".png", ".json")}


def test_newest_first_and_in_pages(shelf: Shelf) -> None:
    for number in (3, 1, 4, 2):
        shelf.put(made(number))
    assert numbers(shelf.clips.find()) == [4, 3, 2, 1]
    assert numbers(shelf.clips.find(limit=2, offset=1)) == [3, 2]
    assert shelf.clips.find(limit=-5) == ()
    assert numbers(shelf.clips.find(offset=-5)) == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", [5, 4, 3, 2, 1]), ("harbour", [1]), ("HARB", [1]), ("cafe creme", [2]), ("café", [2]), ("snow falls", [3]),
        ("falls snow", [3]), ("dolly in", [5, 3, 2, 1]), ("orbit", [4]), ("ripple", [4]), ("title", [5]),
        ("parallax", [5, 4, 3, 2, 1]), ("harbour snow", []), ("%", [5]), ("_", []), ("100%", [5]),
        ("' OR 1=1 --", []), ("x" * 10_000, []), ("прилив", [5]),
    ],
)  # fmt: skip
def test_every_word_must_be_there(shelf: Shelf, words: str, found: list[int]) -> None:
    shelf.put(made(1, "Harbour.JPG"))
    shelf.put(made(2, "Café crème.png"))
    shelf.put(made(3, motion=Motion(prompt="Snow falls softly")))
    shelf.put(made(4, motion=Motion(camera=Camera((Move("orbit_left"),)), effects=(Effect("ripple"),))))
    shelf.put(made(5, title="My title, 100% Прилив"))
    assert numbers(shelf.clips.find(words)) == found
    assert shelf.clips.count(words) == len(found)


def test_more_words_can_be_given_to_find_a_shot_by(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, lambda shot: "push in" if shot.seed == 1 else "")
    shelf.put(made(1))
    shelf.put(made(2))
    assert numbers(shelf.clips.find("push")) == [1]


def test_rating_and_title_are_kept_in_the_row_and_beside_the_clip(shelf: Shelf) -> None:
    clip = shelf.put(made(1))
    shelf.clips.change(clip.id, rating=4)
    shelf.clips.change(clip.id, title="Evening")
    beside = msgspec.json.decode((shelf.folder / "clips" / f"{clip.id}.json").read_bytes(), type=Clip)
    assert beside == shelf.clips.get(clip.id) == replace(clip, rating=4, title="Evening")
    assert numbers(shelf.clips.find("evening")) == [1]
    with pytest.raises(Refusal):
        shelf.clips.change(clip.id, rating=6)
    assert shelf.clips.get(clip.id).rating == 4


def test_trash_and_restore_and_empty(shelf: Shelf) -> None:
    kept, gone = shelf.put(made(1)), shelf.put(made(2))
    shelf.clips.change(gone.id, trashed=True)
    assert numbers(shelf.clips.find()) == [1]
    assert numbers(shelf.clips.find(trashed=True)) == [2]
    shelf.clips.change(gone.id, trashed=False)
    assert numbers(shelf.clips.find()) == [2, 1]
    shelf.clips.change(gone.id, trashed=True)
    assert shelf.clips.empty_trash() == 1
    assert shelf.clips.empty_trash() == 0
    assert shelf.names() == {kept.file, kept.poster, f"{kept.id}.json"}
    for ask in (shelf.clips.get, lambda clip_id: shelf.clips.change(clip_id, rating=1)):
        with pytest.raises(Refusal, match="no longer in the library"):
            ask(gone.id)


def test_a_file_deleted_by_hand_is_a_refusal_and_forgotten_at_the_next_start(shelf: Shelf) -> None:
    clip = shelf.put(made(1))
    (shelf.folder / "clips" / clip.file).unlink()
    with pytest.raises(Refusal, match="outside Stir"):
        shelf.clips.file(clip)
    shelf.clips.recover(set)
    assert shelf.clips.count() == 0


# After a crash ------------------------------------------------------------------------------------------------------------


def test_a_lost_database_loses_no_clip(shelf: Shelf) -> None:
    expected = [shelf.put(made(number)) for number in (3, 2, 1)]
    shelf.clips.change(expected[0].id, rating=5, title="Best")
    shelf.clips.change(expected[2].id, trashed=True)
    shelf.base.close()
    (shelf.folder / "stir.db").write_bytes(b"ruined" * 1000)
    again = Shelf(shelf.folder)
    assert again.clips.recover(set) == 3
    assert again.clips.find() == (replace(expected[0], rating=5, title="Best"), expected[1])
    assert again.clips.find(trashed=True) == (replace(expected[2], trashed=True),)
    assert again.clips.recover(set) == 0


@pytest.mark.parametrize("arrived", [(), (".png",)])
def test_a_clip_that_did_not_arrive_is_cleared_away(shelf: Shelf, arrived: tuple[str, ...]) -> None:
    clip = made(1)
    for ending in arrived:
        (shelf.folder / "clips" / f"{clip.id}{ending}").write_bytes(b"half")
    (shelf.folder / "clips" / f"{clip.id}.json").write_bytes(msgspec.json.encode(clip))
    (shelf.folder / "clips" / f".{clip.id}.part").write_bytes(b"{")
    assert shelf.clips.recover(lambda: {clip.id}) == 0
    assert f"{clip.id}.json" in shelf.names(), "it is being kept at this moment"
    assert shelf.clips.recover(set) == 0
    assert shelf.names() == set()
    assert shelf.clips.count() == 0


def test_the_clips_own_file_comes_last(shelf: Shelf) -> None:
    clip = made(1)
    poster = shelf.folder / "work.png"
    poster.write_bytes(b"poster")
    with pytest.raises(Refusal):
        shelf.clips.keep(clip, shelf.folder / "not there.mp4", poster)
    assert shelf.names() == set()
    assert shelf.clips.count() == 0


def test_other_peoples_json_is_left_alone(shelf: Shelf) -> None:
    (shelf.folder / "precious.txt").write_text("outside")
    clip = made(1)
    hostile = {
        "notes.json": b'{"shopping": "milk"}',
        "broken.json": b"{",
        f"{made(2).id}.json": msgspec.json.encode(clip),  # named for another
        f"{clip.id}.json": msgspec.json.encode(replace(clip, file=f"../{clip.id}.mp4", poster="../precious.txt")),
    }
    for name, text in hostile.items():
        (shelf.folder / "clips" / name).write_bytes(text)
    (shelf.folder / f"{clip.id}.mp4").write_bytes(b"outside")
    assert shelf.clips.recover(set) == 0
    assert shelf.names() == set(hostile)
    assert (shelf.folder / "precious.txt").exists()
    assert (shelf.folder / f"{clip.id}.mp4").exists()


def test_a_clip_this_version_cannot_read_never_hides_the_others(shelf: Shelf) -> None:
    shelf.put(made(1))
    strange = shelf.put(made(2))
    shelf.base.read("UPDATE clips SET clip = '{\"film\": 35}' WHERE id = ?", (strange.id,))
    (shelf.folder / "clips" / f"{strange.id}.json").write_text('{"film": 35}')
    assert numbers(shelf.clips.find()) == [1]


# A thousand clips ---------------------------------------------------------------------------------------------------------


def median(work: Callable[[], object], times: int = 15) -> float:
    taken: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def test_a_thousand_clips_are_as_quick_as_reading_them(tmp_path: Path) -> None:
    large, small = Shelf(tmp_path / "large"), Shelf(tmp_path / "small")
    texts = []
    for shelf, count in ((large, 1000), (small, 60)):
        with shelf.base.write():
            for number in range(count):
                clip = made(number, f"photo {number}.jpg")
                texts.append(msgspec.json.encode(clip))
                shelf.put(clip)
    assert large.clips.count() == len(large.clips.find(limit=5000)) == 1000
    assert numbers(large.clips.find("photo 777")) == [777]
    page = median(lambda: small.clips.find())
    assert median(lambda: large.clips.find()) < 8 * page, "a page of a large library costs what a page of a small one does"
    assert median(lambda: large.clips.find("photo 77")) < 40 * page
    decode = median(lambda: [msgspec.json.decode(text, type=Clip) for text in texts[:1000]])
    assert median(lambda: large.clips.find(limit=1000)) < 6 * decode
