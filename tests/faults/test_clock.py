"""The clock is set back: what is newest stays first, nothing that was just made is let go of, and what waits isn't kept waiting.

A clock can't be set back here; what was made before that seems to come from the future, and that can be written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from studio.attachments import KEPT_DAYS
from studio.engines.hosted.service import ServiceRefusal
from studio.jobs.service_pauses import ServicePauses
from studio.library.file_cache import FileCache
from studio.nouns import Done, Shot, replace
from studio.studio import Studio
from studio.ui.page import sweep_uploads
from studio.visitors.signed_cookie import CookieSigner
from studio.wall_clock import measure_age
from tests.fakes.gradient import photograph
from tests.fakes.waiting import ended

AN_HOUR = 3600.0


def test_what_is_newest_stays_first(opened: Callable[..., Studio], tmp_path: Path) -> None:
    studio = opened()
    shot = Shot(studio.photos.take_in(photograph(tmp_path), "harbour.jpg"), model="gradient", seconds=1, fps=8, size="240p")

    def make(seed: int) -> str:
        job = studio.submit(replace(shot, seed=seed))
        assert isinstance(ended(studio, job.id).state, Done)
        return job.id

    first = make(1)
    before = studio.comparisons.start_from_clips([first, make(2)])
    for table in ("clips", "jobs", "comparisons"):
        studio._database.read(f"UPDATE {table} SET made_at = made_at + {AN_HOUR}")
    studio._database.read("UPDATE clips SET made_at = 1e300 WHERE id = ?", (first,))
    later = [make(seed) for seed in (3, 4)]
    after = studio.comparisons.start_from_clips(later)
    newest = studio.library.find()
    assert [clip.id for clip in newest[1:3]] == later[::-1], "but for the one whose time is nonsense"
    assert newest[1].made_at - newest[2].made_at >= newest[1].took, "their distance is true"
    assert [job.id for job in studio.jobs()][:2] == later[::-1]
    assert [one.id for one in studio.comparisons.find()] == [after.id, before.id]


def test_what_was_just_made_is_kept_and_what_is_left_over_goes_in_time(opened: Callable[..., Studio], tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", most=3)
    ahead = time.time() + AN_HOUR
    for key in ("one", "two", "three"):
        cache.keep(photograph(tmp_path), key, "a.png")
        os.utime(tmp_path / "cache" / key, (ahead, ahead))
    assert cache.keep(photograph(tmp_path), "fresh", "a.png").is_file()
    assert cache.find("two") and cache.keep(photograph(tmp_path), "fresher", "a.png").is_file()
    assert cache.find("two") and cache.find("fresh"), "the least used has gone"

    studio = opened(start=False)
    left = studio.settings.uploads / "left"
    left.mkdir()
    attached = studio.attachments.take_in(photograph(tmp_path), "logo.png", "image")
    for file in (left, *studio.settings.attachments.iterdir()):
        os.utime(file, (ahead, ahead))
    sweep_uploads(studio.settings)
    assert studio.attachments.sweep() == 0
    assert measure_age(left) < AN_HOUR, "it is left over an hour from now, not from then"
    for file in (left, *studio.settings.attachments.iterdir()):
        os.utime(file, (time.time() - 86_401 * KEPT_DAYS,) * 2)
    sweep_uploads(studio.settings)
    assert studio.attachments.sweep() == 1 and not left.exists() and not (studio.settings.attachments / attached.id).exists()


def test_signing_out_ends_the_cookies_of_before(tmp_path: Path) -> None:
    signer = CookieSigner(bytes(32), tmp_path / "ends.json")
    now, anna = 10_000.0, "a" * 32
    cookies = [signer.sign(anna, now), signer.sign(anna, now + AN_HOUR)]
    assert [signer.read(one, now, 60.0) for one in cookies] == [anna, anna], "nobody has to sign in again"
    signer.end(anna, now)
    assert [signer.read(one, now, 60.0) for one in cookies] == ["", ""]
    again = CookieSigner(bytes(32), tmp_path / "ends.json")
    assert again.read(again.sign(anna, now), now, 60.0) == anna


def test_a_press_ends_a_pause_of_before() -> None:
    pauses = ServicePauses()
    pauses.note_refusal("fal", ServiceRefusal("no_credit", "No credit.", "Buy some."))
    pauses._pauses["fal"].at += AN_HOUR
    assert "No credit" in pauses.explain("fal", pressed_at=time.time() - 1)
    assert pauses.explain("fal", pressed_at=time.time() + 1) == ""
