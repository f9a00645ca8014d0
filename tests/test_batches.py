"""Batches: many photos read, looked at, changed, queued, paused, resumed; one that is broken stops no other."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio import presets
from studio.batch.batch_nouns import Batch, BatchSettings
from studio.batch.photo_sources import clean_name, list_sources, open_source
from studio.batch.prompt_file import parse_prompts, read_prompts
from studio.config import Settings
from studio.nouns import Mend, Motion, Refusal, replace
from studio.studio import Studio
from tests.fakes import shelf
from tests.fakes.waiting import until
from tests.fakes.zoom import Zoom

Open = Callable[..., Studio]
SMALL = BatchSettings(model="gradient", size="240p", seconds=1.0, fps=8)


def photos(folder: Path, *names: str) -> Path:
    """A folder with a small photo of each name, no two alike."""
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).integers(40, 215, (6, 8, 3), np.uint8)
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC).save(file)
    return folder


def states(studio: Studio, one: Batch) -> Counter[str]:
    """How many rows are in each state."""
    return Counter(row.state for row in studio.batches.stand(one.id))


def read(studio: Studio, one: Batch) -> None:
    """Wait until every photo of a batch is read."""
    until(lambda: studio.batches.count_unread(one.id) == 0)


@pytest.fixture
def pretending(settings: Settings) -> Iterator[Studio]:
    """A studio with a model that denoises, or pretends to, and the built-in one."""
    zoom, pretend = Zoom(0.0), shelf.ShelfEngine(pace=0.0)
    find = lambda card, _: pretend if card.checkpoint else zoom  # noqa: E731
    with closing(Studio(settings, (*presets.cards(), *shelf.CARDS), find)) as studio:
        studio.start(score=False)
        yield studio


def test_a_folder_becomes_clips_and_a_broken_photo_stops_no_other(opened: Open, tmp_path: Path) -> None:
    studio = opened()
    folder = photos(tmp_path / "Lisbon", "b 10.jpg", "b 9.jpg", "sub/b 1.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    motion = Motion(prompt="{name} in {light}, {place}")
    one = studio.batches.create([folder], replace(SMALL, motion=motion, variations=2), press="p1")
    assert studio.batches.create([folder], SMALL, press="p1") == one
    assert (one.name, one.ignored) == ("Lisbon", 1)
    read(studio, one)
    rows = studio.batches.rows(one.id)
    assert [row.name for row in rows] == ["b 9.jpg", "b 10.jpg", "broken.jpg", "b 1.jpg"]
    refused = next(row for row in rows if row.refusal)
    assert refused.name == "broken.jpg" and refused.refusal and refused.refusal.remedy
    assert rows[0].clips[0].shot.motion.prompt == f"b 9 in {rows[0].light}, in Lisbon"
    told = studio.batches.estimate(one.id)
    assert (told.clips, told.total, told.unread, told.cost.lines) == (6, 6, 0, ()) and told.seconds > 0 < told.bytes

    studio.batches.take_anyway(one.id)
    read(studio, one)
    studio.batches.start(one.id)
    until(lambda: states(studio, one) == {"done": 3, "refused": 1})
    assert studio.batches.estimate(one.id).clips == 0
    assert {job.group for job in studio.jobs()} == {one.id} and len(studio.jobs()) == 6
    studio.batches.start(one.id)
    studio.batches.resume(one.id)
    assert len(studio.library.find()) == 6, "nothing is made twice"

    photos(folder, "broken.jpg")
    studio.batches.retry(one.id)
    until(lambda: states(studio, one)["done"] + states(studio, one)["aside"] == 4)
    assert studio.batches.find("lisbon") == (studio.batches.get(one.id),) and studio.batches.find("rome") == ()
    assert studio.batches.find_name(one.id) == studio.batches.rename(one.id, " Lisbon ").name
    studio.batches.forget(one.id)
    assert studio.batches.find() == () and len(studio.library.find()) >= 6


def test_rows_are_changed_and_only_what_changes_is_made_again(opened: Open, tmp_path: Path) -> None:
    studio = opened(pace=0.02)
    one = studio.batches.create([photos(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")], SMALL)
    read(studio, one)
    studio.batches.take_anyway(one.id)
    read(studio, one)
    a, b, c = studio.batches.rows(one.id)
    studio.batches.start(one.id)
    studio.batches.pause(one.id)
    until(lambda: states(studio, one)["running"] == 0)
    assert states(studio, one)["paused"] >= 2
    studio.batches.reorder(one.id, c.id, b.id)
    assert [row.name for row in studio.batches.rows(one.id)] == ["a.jpg", "c.jpg", "b.jpg"]
    studio.batches.edit_row(one.id, b.id, prompt="{subject} sways")
    read(studio, one)
    with pytest.raises(Refusal, match="own"):
        studio.batches.apply_to(one.id, None, clips=())
    with pytest.raises(Refusal, match="who"):
        studio.batches.apply_to(one.id, None, prompt="{who} sways")
    studio.batches.resume(one.id)
    until(lambda: states(studio, one) == {"done": 3})
    made = {clip.shot.photo.name: clip for clip in studio.library.find()}
    assert sorted(made) == ["a.jpg", "b.jpg", "c.jpg"] and len(studio.library.find()) == 3
    assert made["c.jpg"].made_at < made["b.jpg"].made_at and made["b.jpg"].shot.motion.action == "sways"

    studio.batches.set_settings(one.id, replace(SMALL, seed=7))
    until(lambda: states(studio, one) == {"done": 3} and studio.batches.count_unread(one.id) == 0)
    assert len(studio.library.find()) == 6 and studio.library.find()[0].shot.seed == 7
    studio.batches.remove(one.id, [a.id])
    assert len(studio.batches.rows(one.id)) == 2 and len(studio.library.find()) == 6


def test_a_stopped_batch_goes_on_where_it_was(opened: Open, tmp_path: Path) -> None:
    studio = opened(pace=0.05)
    one = studio.batches.create([photos(tmp_path / "in", "a.jpg", "b.jpg")], SMALL)
    studio.batches.start(one.id)
    read(studio, one)
    studio.batches.take_anyway(one.id)
    until(lambda: states(studio, one)["running"] > 0)
    studio.batches.stop(one.id)
    until(lambda: states(studio, one)["cancelled"] == 2)
    studio.batches.resume(one.id)
    until(lambda: states(studio, one) == {"done": 2})
    assert len(studio.library.find()) == 2


def test_doubtful_photos_stand_aside_until_they_are_mended(opened: Open, tmp_path: Path) -> None:
    studio = opened()
    folder = tmp_path / "in"
    folder.mkdir()
    blurred = np.full((480, 640, 3), 128, np.uint8)
    blurred[:, 320:] = np.linspace(120, 136, 320, dtype=np.uint8)[None, :, None]
    Image.fromarray(blurred).save(folder / "soft.jpg", quality=5)
    one = studio.batches.create([folder], SMALL)
    read(studio, one)
    (row,) = studio.batches.rows(one.id)
    assert row.aside and row.findings[0].hurts >= 0.6
    studio.batches.start(one.id)
    (stands,) = studio.batches.stand(one.id)
    assert stands.state == "aside" and stands.reason == row.findings[0].says and not studio.jobs()
    (mended,) = studio.batches.mend_all(one.id)
    assert not mended.is_read and any(isinstance(mend, Mend) for mend in mended.mends)
    until(lambda: states(studio, one) == {"done": 1})
    assert studio.library.find()[0].shot.mends == mended.mends


def test_what_no_place_would_take_is_told_before_it_is_made(pretending: Studio, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", "a.jpg")
    settings = replace(SMALL, model="pretend", draft="parallax", fps=None, platforms=("square",))
    one = pretending.batches.create([folder], settings)
    read(pretending, one)
    pretending.batches.take_anyway(one.id)
    read(pretending, one)
    (standing,) = pretending.batches.stand(one.id)
    assert standing.state == "refused" and "needs at least 3 s" in standing.reason and "loop" in standing.remedy
    pretending.batches.start(one.id)
    assert not pretending.jobs()


def test_drafts_come_first_and_are_counted_until_they_are_made(pretending: Studio, tmp_path: Path) -> None:
    settings = replace(SMALL, model="pretend", draft="parallax", fps=None)
    one = pretending.batches.create([photos(tmp_path / "in", "a.jpg", "b.jpg")], settings)
    read(pretending, one)
    pretending.batches.take_anyway(one.id)
    read(pretending, one)
    told = pretending.batches.estimate(one.id)
    assert (told.clips, told.total) == (4, 4)
    pretending.batches.start(one.id)
    until(lambda: states(pretending, one) == {"done": 2})
    told = pretending.batches.estimate(one.id)
    assert (told.clips, told.total) == (0, 4)
    made = sorted(pretending.library.find(), key=lambda clip: clip.made_at)
    assert [clip.shot.maker for clip in made] == ["parallax", "parallax", "pretend", "pretend"]


def test_a_zip_is_checked_before_it_is_unpacked(tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", "a.jpg")
    data, packed = (folder / "a.jpg").read_bytes(), tmp_path / "photos.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("Rome/a.jpg", "../../../etc/b.jpg", "/c.jpg", "C:\\d\u202egpj.jpg", "__MACOSX/._a.jpg", "x.txt"):
            archive.writestr(name, data)
        archive.writestr("Rome/a.txt", "the {subject} sways")
        archive.writestr("bomb.bmp", bytes(50_000_000))
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    found = {one.name: one for one in list_sources([packed]).photos}
    assert sorted(found) == ["a.jpg", "b.jpg", "bomb.bmp", "c.jpg", "dgpj.jpg", "link.jpg"]
    assert found["a.jpg"].prompt == "the {subject} sways" and found["a.jpg"].folder == "Rome"
    for name, why in (("bomb.bmp", "grow"), ("link.jpg", "link")):
        refusal = found[name].refusal
        assert refusal and why in refusal.reason
    with open_source(packed, found["b.jpg"].member, tmp_path, "photos.zip") as file:
        assert file.read_bytes() == data and file.parent.parent == tmp_path
    assert not file.exists() and clean_name("..\\..\\x\n.jpg") == "x.jpg"
    with pytest.raises(Refusal, match="no folder"):
        list_sources([tmp_path / "nowhere"])
    with pytest.raises(Refusal, match="no photos"):
        list_sources([photos(tmp_path / "empty")] if (tmp_path / "empty").mkdir() is None else [])

    whole = bytearray(packed.read_bytes())
    end = whole.rfind(b"PK\x05\x06")
    whole[end + 10 : end + 12] = (50_000).to_bytes(2, "little")
    (tmp_path / "many.zip").write_bytes(whole)
    with pytest.raises(Refusal, match="50000 files"):
        list_sources([tmp_path / "many.zip"])


def test_prompts_go_with_photos_by_number_and_by_name(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("one\n\n three  words\n", "utf-8")
    found = read_prompts(file)
    assert [found.find(at, "x.jpg") for at in range(4)] == ["one", "", "three words", ""]
    assert found.find_unused([("x.jpg", ""), ("y.jpg", "")]) == ("three words",)
    table = 'photo;prompt\r\nA.JPG;it sways\r\nb;"it, ""too"""\r\nRome/ä.jpg;there\r\nä;here\r\ngone.jpg;x\r\n'
    for data in (table.encode("utf-8-sig"), table.encode("utf-16"), table.replace(";", "\t").encode()):
        named = parse_prompts(data, called="p.csv")
        assert [named.find(9, name) for name in ("a.jpg", "b.png", "c.jpg")] == ["it sways", 'it, "too"', ""]
        assert [named.find(9, "a\u0308.jpg", folder) for folder in ("Rome", "Oslo")] == ["there", "here"]
        assert named.find_unused([("a.jpg", ""), ("b.jpg", ""), ("ä.jpg", "Rome")]) == ("gone.jpg",)
    with pytest.raises(Refusal, match="UTF-8"):
        parse_prompts(b"caf\xe9", called="p.txt")


def test_words_beside_photos_and_names_in_other_encodings_are_read_or_told(opened: Open, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")
    (folder / "a.txt").write_bytes("it swäys".encode("utf-16"))
    (folder / "b.txt").write_bytes(b"it sw\xe4ys")
    (folder / "c.txt").write_text("a" + "ä" * 9000, "utf-8")  # cut inside a letter
    (photos(folder, "e.jpg") / "e.txt").write_text("{who} sways", "utf-8")
    Path(os.fsdecode(os.fsencode(folder) + b"/d\xff.jpg")).write_bytes((folder / "a.jpg").read_bytes())
    studio = opened()
    one = studio.batches.create([folder], replace(SMALL, choose="prompts"))
    read(studio, one)
    rows = studio.batches.rows(one.id)
    said = {row.name: (row.beside[:8], row.refusal.reason if row.refusal else "") for row in rows}
    assert said.pop("a.jpg") == ("it swäys", "") and said.pop("c.jpg") == ("aäääääää", "")
    assert "{who}" in said.pop("e.jpg")[1]
    assert "UTF-8" in said.pop("b.jpg")[1] and "UTF-8" in said.pop("d.jpg")[1] and not said
