"""Clips sent to several places at once, in the background and from the command line: followed, stopped, zipped, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.config import ROOT, Settings
from studio.deliveries import Delivery
from studio.nouns import Camera, Clip, Done, Motion, Refusal, Shot, replace
from studio.photo.crop import find_largest
from studio.studio import Studio
from tests.fakes.gradient import photograph
from tests.fakes.waiting import ended, until

Open = Callable[..., Studio]
Say = Callable[..., tuple[int, str, str]]


def make_clip(studio: Studio, loop: bool = False) -> Clip:
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    motion = Motion(camera=Camera(loop=loop))
    job = studio.submit(Shot(photo, motion=motion, model="gradient", seconds=1, fps=16, size="240p"))
    assert ended(studio, job.id).state == Done(job.id)
    return studio.library.get(job.id)


def wait_for(studio: Studio, delivery: Delivery) -> Delivery:
    until(lambda: studio.deliveries.find(delivery.id).is_over)
    return studio.deliveries.find(delivery.id)


def test_one_clip_goes_to_several_places_and_what_one_refuses_keeps_no_other(opened: Open) -> None:
    studio = opened()
    clip = make_clip(studio)
    foreseen = studio.deliveries.foresee([clip.id], ["product", "reels"])
    assert [bool(one.reason) for one in foreseen] == [False, True]
    assert "needs at least 3 s; this clip is 1 s" in foreseen[1].reason and "loop" in foreseen[1].remedy
    sent = studio.deliveries.start([clip.id, clip.id], ["product", "reels", "master-h264"])
    assert not sent.is_over
    assert [(item.platform, item.state) for item in sent.items][1:] == [("reels", "waiting"), ("master-h264", "waiting")]
    over = wait_for(studio, sent)
    assert [item.state for item in over.items] == ["done", "refused", "done"]
    assert over.items[1].reason == foreseen[1].reason
    for item in (over.items[0], over.items[2]):
        (file,) = item.files
        assert item.is_met, [check for check in file.checks if not check.is_met]
        assert Path(file.path).stat().st_size == file.bytes
        assert Path(file.path).is_relative_to(studio.deliveries.folder)
    assert over.items[0].files[0].name == "harbour, Product.webp"
    with zipfile.ZipFile(studio.deliveries.zip_files(sent.id)) as zipped:
        assert zipped.namelist() == ["product/harbour, Product.webp", "master-h264/harbour, H.264 4K.mp4"]
        assert zipped.testzip() is None
    assert studio.deliveries.find(sent.id) == over, "a page that is loaded anew asks by the id"
    assert list(studio.deliveries.room.iterdir()) == []


def test_a_file_for_one_place_that_another_takes_is_made_once(opened: Open) -> None:
    studio = opened()
    clip = make_clip(studio)
    room = studio.deliveries.room
    once = studio.deliveries.write_to(clip.id, "product", room / "a", lambda progress: None)
    again = studio.deliveries.write_to(clip.id, "product", room / "b", lambda progress: None, None, once.files)
    assert again.file.read_bytes() == once.file.read_bytes()
    assert [choice.value for choice in again.choices if choice.what == "encoding"] == ["the file for Product loop"]
    other = studio.deliveries.write_to(clip.id, "master-h264", room / "c", lambda progress: None, None, once.files)
    assert not [choice for choice in other.choices if choice.value.startswith("the file for")]


def test_a_crop_keeps_the_subject_in_its_middle(opened: Open, samples: Path) -> None:
    """Two dogs left of the middle of the photo; the clip shows a part of it that begins further to the right."""
    studio = opened()
    photo = studio.photos.take_in(samples / "dogs.jpg")
    whole = find_largest(photo, "16:9")
    subject = studio.advice.suggest_crop(photo, "1:1").crop
    lefts: list[float] = []
    for crop in (whole, replace(whole, x=whole.x + whole.w / 4, w=whole.w * 3 / 4, h=whole.h * 3 / 4)):
        job = studio.submit(Shot(photo, crop, model="gradient", seconds=1, fps=16, size="240p"))
        assert ended(studio, job.id).state == Done(job.id)
        made = studio.deliveries.write_to(job.id, "product", studio.deliveries.room / job.id, lambda progress: None)
        x, _, wide, _ = made.files[0].plan.box
        clip = studio.library.get(job.id)
        middle = (subject.x + subject.w / 2 - crop.x) / crop.w * clip.width
        assert abs(x + wide / 2 - min(max(middle, wide / 2), clip.width - wide / 2)) <= 2
        lefts.append(x / clip.width)
    assert lefts[0] != lefts[1] != 0.5


def test_a_delivery_waits_for_its_turn_in_a_house(opened: Open) -> None:
    studio = opened()
    clip = make_clip(studio)
    with studio.guest.exporting:
        sent = studio.deliveries.start([clip.id], ["product"])
        until(lambda: studio.deliveries.find(sent.id).items[0].state == "working")
        assert studio.deliveries.find(sent.id).items[0].done == 0
        studio.deliveries.stop(sent.id)
        assert wait_for(studio, sent).items[0].state == "stopped"
    again = studio.deliveries.start([clip.id], ["product"])
    assert wait_for(studio, again).items[0].state == "done"


def test_a_stopped_delivery_leaves_nothing_half_written(opened: Open) -> None:
    studio = opened()
    clip = make_clip(studio, loop=True)
    sent = studio.deliveries.start([clip.id], ["cinema", "reels", "pinterest"])
    until(lambda: studio.deliveries.find(sent.id).items[0].state == "working")
    studio.deliveries.stop(sent.id)
    over = wait_for(studio, sent)
    assert {item.state for item in over.items} == {"stopped"}
    assert not any(studio.deliveries.folder.rglob("*.mp4"))
    assert list(studio.deliveries.room.iterdir()) == []
    with pytest.raises(Refusal, match="Nothing is written yet"):
        studio.deliveries.zip_files(sent.id)


def test_what_cannot_be_sent_is_refused_at_once(opened: Open) -> None:
    studio = opened(start=False)
    for clips, places, words in (
        ([], ["reels"], "nothing to export"), (["a"], ["reels"], "no longer in the library"),
        ([str(place) for place in range(401)], ["reels"], "401 files at once"),
    ):  # fmt: skip
        with pytest.raises(Refusal, match=words):
            studio.deliveries.start(clips, places)
    with pytest.raises(Refusal, match="no longer known"):
        studio.deliveries.find("nothing")
    with pytest.raises(Refusal, match=r"no place called 'moon'\. Choose from: reels, stories"):
        studio.deliveries.foresee(["a"], ["moon"])


def test_the_command_line_writes_a_file_for_each_place(stir: Say, opened: Open, settings: Settings, tmp_path: Path) -> None:
    clip = make_clip(studio := opened())
    studio.close()
    home = ("--home", settings.home)
    code, out, err = stir("export", clip.id[:8], clip.id, "--platform", "product,prores,product", "-o", "posts", "--json", *home)
    assert code == 0, err
    told = json.loads(out)
    assert [(one["platform"], one["is_met"], len(one["files"])) for one in told] == [("product", True, 1), ("prores", True, 1)]
    assert sorted(file.name for file in (tmp_path / "posts").iterdir()) == ["harbour, ProRes HQ.mov", "harbour, Product.webp"]
    code, out, _ = stir("export", settings.clips / clip.file, "--platform", "product", "--as", "gif", "--under", "1MB", *home)
    assert code == 0
    assert "harbour, Product.gif" in out and "9 of 9 checks met" in out
    for flags, words in (
        (("--platform", "reels"), "Make it 3 s long, or a loop"), (("--platform", "moon"), "no place called 'moon'"),
        (("--platform", "reels,pinterest"), "Make it 4 s long"), (("--platform", ","), "No place is named"),
        (("--platform", "product", "--under", "little"), "Give one such as 500KB"),
        (("--platform", "reels", "--as", "gif"), "Choose MP4"),
    ):  # fmt: skip
        code, _, err = stir("export", clip.id, *flags, *home)
        assert (code, err.count("\n")) == (2, 1)
        assert words in err
    assert "stir" not in {file.name for file in tmp_path.iterdir()}


def test_a_killed_export_leaves_no_file(opened: Open, settings: Settings, tmp_path: Path) -> None:
    """Killed while it writes; the next start sweeps what it left in the home folder."""
    clip, home, posts = make_clip(studio := opened(), loop=True), settings.home, tmp_path / "posts"
    studio.close()
    export = [sys.executable, "-m", "studio", "--home", str(home), "export", clip.id, "--platform", "cinema", "-o", str(posts)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(export, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: any(home.rglob(".new-*/file.mp4")))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(posts.iterdir()) == []
    studio = opened(start=False)
    assert list(studio.deliveries.room.parent.iterdir()) == [studio.deliveries.room]
    assert studio.deliveries.foresee([clip.id], ["cinema"])[0].reason == ""
