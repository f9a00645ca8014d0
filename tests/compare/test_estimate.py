"""What a comparison is said to take before it starts: behind a queue, on a disk that is too small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.compare.estimate import describe
from studio.comparison import Axis
from studio.config import Settings
from studio.library import disk
from studio.nouns import Shot, replace
from studio.photo import crop
from studio.studio import Studio

AXES = [Axis("amount", ("0.3", "0.6", "0.9"))]


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    made = Studio(settings)
    yield made
    made.close()


def take(studio: Studio, samples: Path) -> Shot:
    photo = studio.photos.take_in(samples / "fig.jpg", "fig.jpg")
    return Shot(photo, crop.find_largest(photo, "16:9"), size="360p", seconds=2.0)


def test_what_waits_is_counted_and_a_small_disk_is_said(studio: Studio, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot = take(studio, samples)
    alone = studio.comparisons.estimate(shot, AXES)
    assert (alone.waiting, alone.wait, alone.fits) == (0, 0.0, True)
    assert "wait" not in describe(alone) and "free" not in describe(alone)
    for seed in range(3):
        studio.submit(replace(shot, seed=seed, seconds=10.0, size="1080p"))
    behind = studio.comparisons.estimate(shot, AXES)
    assert (behind.waiting, behind.seconds) == (3, alone.seconds)
    assert behind.wait > alone.seconds
    assert "after 3 that wait (about" in describe(behind)
    small = replace(behind, free=behind.bytes)
    assert not small.fits, "some of the disk is kept for the rest of the machine"
    assert f"has only {disk.size(small.free)} free: free some space first" in describe(small)
