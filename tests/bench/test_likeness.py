"""The coherence of real clips: what parts from its background shows no ghost, break or rim, and still goes its own way."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import coherence, film, hard
from bench.compare import parallax
from studio.config import ASSETS, Settings
from studio.engines.parallax.parallax_engine import ParallaxEngine


@pytest.mark.parametrize(
    ("file", "most", "least"),
    [
        (ASSETS / "samples" / "dogs.jpg", 2.5, 4.8),
        (ASSETS / "samples" / "dandelion.jpg", 1.0, 14.0),
        (hard.FOLDER / "hard" / "marigold.jpg", 4.0, 10.5),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else None,
)
def test_an_orbit_shows_what_the_photo_shows_and_the_subject_still_moves(
    file: Path, most: float, least: float, tmp_path: Path
) -> None:
    """most: per mille at the worst of both ends, where cutting along the outline alone has 11.4, 4.8 and 14.8; least: pixels of
    parallax between them, about 0.7 of what it has."""
    settings = Settings(tmp_path)
    settings.prepare()
    engine = ParallaxEngine(settings)
    image = np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)
    first, _, last = film.film(engine, image, "orbit_left", 0.6, "360p")
    photo = coherence.prepare(image, first.shape[1], first.shape[0])
    assert max(coherence.excess(frame, photo) for frame in (first, last)) < most
    subject = np.rint(255 * engine.read(image, film.shot(image, "orbit_left", 0.6, "360p")).masks["subject"]).astype(np.uint8)
    assert parallax(image, first, last, subject) > least
