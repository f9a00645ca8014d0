"""`reel` from the command line: photos and a clip become one, cut to a song; what can't be is refused before any work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.config import ASSETS
from tests.fakes.sounds import drums, hear, sine, write_sound

STREAM, FIG = ASSETS / "samples" / "stream.jpg", ASSETS / "samples" / "fig.jpg"
SMALL = ("--size", "240p", "--seconds", "2")

Say = Callable[..., tuple[int, str, str]]


def test_photos_become_a_reel_and_its_clips_another(stir: Say, tmp_path: Path) -> None:
    samples = drums(np.arange(0.25, 8.0, 0.5).tolist(), 8.0) * 0.5 + sine(-18, 8.0, 220)
    song = write_sound(tmp_path / "song.mp3", samples, "-b:a", "160k")
    code, out, err = stir("reel", STREAM, FIG, *SMALL, "--music", song, "--platform", "reels", "-o", "reel.mp4", "--json")
    assert code == 0, err
    (made,) = json.loads(out)
    assert made["path"] == "reel.mp4"
    said = {choice["what"]: choice["value"] for choice in made["choices"]}
    assert said["cuts"] == "on the beat of the music"
    assert said["music"] == "song.mp3"
    integrated, peak = hear(tmp_path / "reel.mp4")
    assert integrated == pytest.approx(-14, abs=0.4)
    assert peak <= -1
    finish = made["shot"]["finish"]
    assert (finish["join"]["how"], len(finish["clips"])) == ("beat", 2)
    one, other = finish["clips"]
    code, out, err = stir("reel", other[:12], one, "--cut", "dissolve", "--aspect", "1:1", "--size", "240p", "--json")
    assert code == 0, err
    (again,) = json.loads(out)
    assert (again["width"], again["height"], again["shot"]["finish"]["clips"]) == (240, 240, [other, one])


def test_what_cant_be_joined_is_refused_before_any_work(stir: Say, tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"no sound at all" * 100)
    for words, why in (
        ((STREAM, FIG, "--music", noise), "isn't a sound that can be read"),
        ((STREAM, FIG, "--platform", "myspace"), "no place called 'myspace'"),
        ((STREAM,), "two clips at least"),
        ((STREAM, "none.jpg"), "No clip is called"),
        ((STREAM, FIG, "--dissolve", "9"), "9 is not between 0 and 3"),
    ):
        code, _, err = stir("reel", *words, *SMALL)
        assert (code, why in err) == (2, True), err
