"""What a batch writes: files by platform, the manifest, the contact sheet, the posting plan; whole after any kill."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import vobject
from PIL import Image

from studio.batch.batch_manifest import guard
from studio.batch.batch_nouns import PostingPlan, WrittenFile
from studio.batch.batch_writer import BatchWriter
from studio.batch.posting_plan import Post, find_zone, lay_out, read_plan, write_ical
from studio.batch.row_planner import list_shapes
from studio.nouns import Refusal, replace
from studio.studio import Studio
from tests.fakes.batch_process import kill_and_go_on, require_whole
from tests.fakes.waiting import until
from tests.test_batches import SMALL, photos, read, states

Open = Callable[..., Studio]


def test_a_batch_is_written_by_platform_and_never_over_anything(opened: Open, tmp_path: Path) -> None:
    studio = opened()
    folder = photos(tmp_path / "=Rome", "harbour.jpg", "inner/harbour.jpg", "=1+1.jpg")
    (folder / "broken.jpg").write_bytes(b"nothing")
    plan = PostingPlan((0, 2), "2026-10-19", zone="Europe/Lisbon", platforms=("master-h264",))
    settings = replace(SMALL, platforms=("master-h264", "master-hevc"), plan=plan)
    one = studio.batches.create([folder], settings)
    read(studio, one)
    studio.batches.take_anyway(one.id)
    studio.batches.start(one.id)
    until(lambda: states(studio, one) == {"done": 3, "refused": 1})
    assert len(studio.library.find()) == 3, "both masters are made of one clip"
    out = studio.batches.write_out(one.id, tmp_path / "out")
    for place, ending in (("master-h264", "mp4"), ("master-hevc", "mp4")):
        assert {file.name for file in (out / place).iterdir()} == {f"{name}.{ending}" for name in ("harbour", "harbour-2", "1 1")}
    shown = list(csv.DictReader(io.StringIO((out / "manifest.csv").read_text("utf-8-sig"))))
    assert len(shown) == 3 * 2 + 1 and {row["photo"] for row in shown} >= {"'=1+1.jpg", "broken.jpg"}
    assert all((out / row["file"]).stat().st_size == int(row["bytes"]) for row in shown if row["platform"])
    kept = json.loads((out / "manifest.json").read_bytes())
    assert kept["clips"][0]["recipe"]["platform"] and kept["settings"]["platforms"]
    with Image.open(out / "contact-sheet.png") as sheet:
        assert sheet.width > 600 and len(sheet.convert("RGB").getcolors(1 << 24)) > 50

    (out / "master-h264/harbour.mp4").unlink()
    (out / "master-h264/harbour-2.mp4").write_bytes(b"the user's own")
    assert studio.batches.write_out(one.id, tmp_path / "out") == out and (out / "master-h264/harbour.mp4").exists()
    assert len(list(out.rglob("*.*p*"))) == 6 + 1
    assert (out / "master-h264/harbour-2.mp4").read_bytes() == b"the user's own"

    calendar = vobject.readOne((out / "posting-plan.ics").read_text("utf-8"))
    events = [part for part in calendar.components() if part.name == "VEVENT"]
    starts = [event.dtstart.value for event in events]
    assert [f"{at:%a %d %b %H:%M}" for at in starts] == ["Mon 19 Oct 18:00", "Wed 21 Oct 18:00", "Mon 26 Oct 18:00"]
    assert starts[2] - starts[1] == timedelta(days=5, hours=1), "18:00 stays 18:00 when the clocks change"


def test_what_was_made_before_a_kill_is_told_as_it_is(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = opened()
    one = studio.batches.create([photos(tmp_path / "in", "a.jpg")], replace(SMALL, platforms=("square",)))
    read(studio, one)
    studio.batches.take_anyway(one.id)
    studio.batches.start(one.id)
    until(lambda: states(studio, one) == {"done": 1})
    note = BatchWriter._note

    def die(self: BatchWriter, batch: str, row: str, clip: str, file: WrittenFile) -> None:
        if file.is_written:
            raise KeyboardInterrupt
        note(self, batch, row, clip, file)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(BatchWriter, "_note", die)
        studio.batches.write_out(one.id, tmp_path / "out")
    out = studio.batches.write_out(one.id, tmp_path / "out")
    other = studio.batches.create([tmp_path / "in"], SMALL)
    claims = {studio.batches.claim_folder(batch.id, tmp_path / "out").name for batch in (one, other)}
    assert claims == {"in", "in-2"} and not any((tmp_path / "out/in-2").iterdir())
    third = studio.batches.create([tmp_path / "in"], SMALL)
    assert studio.batches.claim_folder(third.id, tmp_path / "out").name == "in-3", "in-2 is empty and the other's"
    (entry,) = json.loads((out / "manifest.json").read_bytes())["clips"]
    assert entry["bytes"] == (out / entry["file"]).stat().st_size and (entry["width"], entry["height"]) == (1080, 1080)
    assert [file.name for file in (out / "square").iterdir()] == ["a.mp4"]


def test_places_that_agree_share_a_clip() -> None:
    """One clip for each shape, size, rate and length; each place's own limits are kept."""
    wanted = replace(SMALL, size="auto", fps=None, seconds=1.0, platforms=("reels", "tiktok", "square", "youtube", "shorts"))
    found = {shape.platforms: (shape.aspect, shape.size, shape.fps, shape.seconds) for shape in list_shapes(wanted)}
    assert found == {
        ("reels", "tiktok"): ("9:16", "1080p", 30, 3.0), ("square",): ("1:1", "1080p", 30, 3.0),
        ("youtube",): ("16:9", "1080p", 30, 1.0), ("shorts",): ("9:16", "1080p", 30, 1.0),
    }  # fmt: skip


def test_a_posting_plan_is_read_from_words_and_imports_into_calendars() -> None:
    today = date(2026, 11, 28)  # a Saturday
    plan = read_plan("Three a week to Reels and Shorts from Monday, 18:00", today, "America/New_York")
    assert plan == PostingPlan((0, 2, 4), "2026-11-30", ("18:00",), "America/New_York", ("reels", "shorts"))
    assert read_plan("twice a day from 2027-01-02 at 9:30 and 21:00", today, "UTC").times == ("09:30", "21:00")
    assert read_plan("3 times a day", today, "UTC").times == ("09:00", "15:00", "21:00")
    assert read_plan("on mon, wed and fri to tiktok from today", today, "UTC").days == (0, 2, 4)
    assert read_plan("every weekday to YouTube Shorts & X at 7:30 pm", today, "UTC") == PostingPlan(
        (0, 1, 2, 3, 4), "2026-11-29", ("19:30",), "UTC", ("shorts", "x")
    )
    assert read_plan("weekly, at 9", today, "UTC").times == read_plan("daily 9.00", today, "UTC").times == ("09:00",)
    for words in (
        "often", "9 a week", "two a week from someday", "two a week to nowhere from monday", "99 a day", "daily at noon",
        "two a week from 1 december", "daily at 25:00", "daily from 9999-12-31",
        "daily from 2026-03-23",
    ):  # fmt: skip
        with pytest.raises(Refusal):
            read_plan(words, today, "UTC")
    with pytest.raises(Refusal, match="time zone"):
        read_plan("daily", today, "Atlantis/Capital")
    assert find_zone()

    skipped = PostingPlan((6,), "2026-03-08", ("02:30",), "America/New_York")
    posts = [
        Post(f"id{at}", f"фото {at}.jpg", f"Ünïcode, title; {'long ' * 20}{at}", (("", f"clips/{at}.mp4"),)) for at in range(3)
    ]
    planned = lay_out(skipped, posts)
    assert [f"{one.at:%H:%M}" for one in planned] == ["03:30", "02:30", "02:30"], "a time that is skipped is an hour later"
    data = write_ical("Posts", skipped, planned, datetime(2026, 3, 1, tzinfo=UTC))
    assert all(len(line) <= 75 for line in data.split(b"\r\n")) and data.endswith(b"END:VCALENDAR\r\n")
    calendar = vobject.readOne(data.decode())
    parts = {name: [part for part in calendar.components() if part.name == name] for name in ("VTIMEZONE", "VEVENT")}
    assert [zone.tzid.value for zone in parts["VTIMEZONE"]] == ["America/New_York"]
    for event, one in zip(parts["VEVENT"], planned, strict=True):
        assert event.uid.value == f"{one.post.uid}@stir" and event.dtstart.value == one.at
        assert event.summary.value == f"Post {one.post.title}" and event.dtstamp.value.tzinfo is not None
    assert write_ical("Posts", skipped, planned, datetime(2026, 3, 1, tzinfo=UTC)).count(b"id0@stir") == 1


def test_no_cell_is_a_formula() -> None:
    for words in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"):
        assert guard(words) == f"'{words}"
    assert guard("a=1") == "a=1" and guard(-1) == -1


def test_a_batch_comes_to_its_end_whatever_kills_it(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    folder = photos(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")
    seed = random.randrange(10**6)
    record_property("seed", seed)
    print(f"seed {seed}")
    kill_and_go_on(tmp_path / "home", folder, tmp_path / "out", 0.01, kills=3, seed=seed, longest=4.0)
    assert require_whole(tmp_path / "home", folder, tmp_path / "out") == {"clips": 6}


def test_the_command_makes_a_batch_and_goes_on_with_it(stir: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    folder = photos(tmp_path / "Rome", "a.jpg")
    (folder / "broken.jpg").write_bytes(b"nothing")
    small = ("--size", "240p", "--seconds", "1", "--fps", "16", "--json")
    code, out, _ = stir("batch", folder, "--prompt", "{name} sways in {light}", "--dry-run", *small)
    told = json.loads(out)
    assert code == 0 and told["estimate"]["clips"] <= 1 and told["folder"] == ""
    assert {photo["state"] for photo in told["photos"]} <= {"ready", "aside", "refused"}
    code, out, _ = stir("batch", "--resume", told["id"][:8], "--take-doubtful", "-o", tmp_path / "out", "--json")
    made = json.loads(out)
    assert code == 0 and sorted(photo["state"] for photo in made["photos"]) == ["done", "refused"]
    assert (Path(made["folder"]) / "clips/a.mp4").stat().st_size > 1000
    assert "a sways" in (Path(made["folder"]) / "manifest.csv").read_text("utf-8-sig")
    code, out, said = stir("batch", "--show", told["id"][:8])
    assert code == 0 and "clips/a.mp4" in out and "broken.jpg\trefused" in out
    assert stir("batch", "--list")[1].count("Rome") == 1
    code, out, _ = stir("batch", "--resume", told["id"][:8], "--json")
    assert json.loads(out)["folder"] == made["folder"], "it goes on where it was written"
    (tmp_path / "words.txt").write_text("a\nb\nfor nobody", "utf-8")
    _, _, said = stir("batch", folder, "--prompts", tmp_path / "words.txt", "--dry-run")
    assert "without a photo: 1, such as for nobody" in said
    (tmp_path / "no folder").write_bytes(b"")
    code, _, said = stir("batch", folder, "-o", tmp_path / "no folder")
    assert code == 2 and "can't be written" in said
    for words, why in ((["{who} sways"], "who"), (["x", "--for", "nowhere"], "nowhere"), (["x", "--plan", "soon"], "often")):
        code, _, said = stir("batch", folder, "--prompt", *words)
        assert code == 2 and why in said
