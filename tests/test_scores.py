"""Scores through the studio: in the background after a clip is made, from the command line, and broken clips made again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import pytest

from studio.clip.recipe import strip_recipe
from studio.comparison import Axis
from studio.config import Settings
from studio.nouns import Camera, Done, Motion, Move, Shot, replace
from studio.photo import crop
from studio.presets import card
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended, until

MODEL = card("wan22-ti2v-5b")
"""A card of a model that denoises. The stand-in paints its clips: gradients that have nothing to do with the photo."""


@pytest.fixture
def opened(settings: Settings) -> Iterator[Callable[..., Studio]]:
    made: list[Studio] = []

    def make(adopt: bool = True, limit: int = 0) -> Studio:
        studio = Studio(settings, (CARD, MODEL), finder(Gradient()))
        made.append(studio)
        studio.models.alter(lambda known: replace(known, remake_limit=limit))
        studio.start(adopt)
        return studio

    yield make
    for studio in made:
        studio.close()


def submit(studio: Studio, model: str = "gradient", **changes: object) -> str:
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    shot = Shot(photo, motion=Motion(prompt="waves"), model=model, size="240p", seconds=1, fps=16)
    return studio.submit(replace(shot, **changes)).id


def test_a_clip_is_scored_after_it_is_made_and_what_a_crash_left_is_picked_up(opened: Callable[..., Studio]) -> None:
    before = opened(adopt=False)
    left = submit(before)
    assert isinstance(ended(before, left).state, Done)
    before.close()
    studio = opened()
    made = submit(studio)
    until(lambda: studio.scores.get(made) is not None and studio.scores.get(left) is not None)
    found = studio.scores.get(made)
    assert found and found.broken, "what the stand-in paints has nothing to do with the photo"
    assert found == studio.scores.score_clip(made)
    assert len(studio.library.find()) == 2, "nothing is made again unless the user has said so"
    gone = studio.library.get(left)
    studio.library.file(gone).write_bytes(b"damaged")
    assert studio.scores.get(left) is not None, "the score stays"


def test_a_broken_clip_is_made_again_with_other_seeds_up_to_the_limit(opened: Callable[..., Studio]) -> None:
    studio = opened(limit=2)
    first = submit(studio, MODEL.id, seconds=2.0)
    until(lambda: len(studio.library.find()) == 3 and all(studio.scores.get(clip.id) for clip in studio.library.find()))
    clips = sorted(studio.library.find(), key=lambda clip: clip.made_at)
    assert len({clip.shot.seed for clip in clips}) == 3, "each has a seed of its own"
    told = [studio.scores.attempt(clip.id) for clip in clips]
    assert told[0] is None and [(one.first, one.number) for one in told[1:] if one] == [(first, 1), (first, 2)]
    same = submit(studio)
    until(lambda: studio.scores.get(same) is not None)
    assert studio.scores.attempt(same) is None and len(studio.library.find()) == 4, "the built-in engine's aren't made again"


def test_an_attempt_stays_in_its_cell_of_a_comparison(opened: Callable[..., Studio]) -> None:
    studio = opened(limit=1)
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    shot = Shot(photo, motion=Motion(prompt="waves"), model=MODEL.id, size="240p", seconds=2, fps=16)
    one = studio.comparisons.start(shot, (Axis("seed", ("1", "2")),))
    until(lambda: all(len(cell.jobs) == 2 for cell in studio.comparisons.get(one.id).cells))
    until(lambda: len(studio.library.find()) == 4)
    for cell in studio.comparisons.get(one.id).cells:
        attempt = studio.scores.attempt(cell.jobs[-1])
        assert attempt and attempt.first == cell.jobs[0]


def test_scores_from_the_command_line(stir: Callable[..., tuple[int, str, str]], samples: Path, tmp_path: Path) -> None:
    """One rendered clip: by its id, as a file with its recipe, with another recipe than it was made by, and without one."""
    flags = ("--move", "pan left", "--size", "240p", "--seconds", "2", "-o", "clip.mp4")
    assert stir("animate", samples / "fig.jpg", *flags)[0] == 0
    identity = json.loads(stir("library", "--json")[1])[0]["id"]
    code, out, _ = stir("score", identity[:8], "clip.mp4", "--json")
    kept, read = json.loads(out)
    assert code == 0 and not kept["broken"] and not kept["faults"] and kept["total"] > 0.8
    assert kept["measures"] == read["measures"], "the file in hand is the clip that is kept"
    assert {one["name"]: one["value"] for one in kept["measures"]}["camera"] > 0.9
    assert "camera moved as asked" in stir("score", "clip.mp4")[1]
    strip_recipe(tmp_path / "clip.mp4", tmp_path / "plain.mp4")
    plain = json.loads(stir("score", "plain.mp4", "--json")[1])[0]
    assert "camera" not in [one["name"] for one in plain["measures"]] and not plain["broken"]
    (tmp_path / "half.mp4").write_bytes((tmp_path / "clip.mp4").read_bytes()[:2000])
    code, out, err = stir("score", "half.mp4")
    assert (code, out) == (2, "") and "can't be read as a clip" in err
    whole = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])  # its index is there, half of its frames are not
    assert stir("score", "half.mp4")[0] == 2
    soften(tmp_path / "plain.mp4", tmp_path / "soft.mp4", 6)
    blind = json.loads(stir("score", "soft.mp4", "--json")[1])[0]
    assert [fault["kind"] for fault in blind["faults"]] == ["soft"] and blind["total"] < 0.5 * plain["total"]
    assert blind["lacks"] == plain["lacks"] == ["photo", "recipe"] and read["lacks"] == []
    words = stir("score", "soft.mp4")[1]
    assert "soft throughout" in words and "its photo isn't here" in words
    soften(tmp_path / "clip.mp4", tmp_path / "soft.mp4", 6)
    held = json.loads(stir("score", "soft.mp4", "--json")[1])[0]
    assert held["faults"][0]["kind"] == "soft" and held["total"] < 0.65 * read["total"]
    assert {one["name"]: one["value"] for one in held["measures"]}["sharpness"] < 0.7, "the first frame counts too"
    shutil.rmtree(tmp_path / "home" / "photos")
    alone = json.loads(stir("score", "clip.mp4", "--json")[1])[0]
    assert "likeness" not in [one["name"] for one in alone["measures"]], "without the photo nothing is said of likeness"


def soften(file: Path, to: Path, times: int) -> None:
    """The clip brought to a fraction of its size and back, as an upscaler leaves it; its recipe stays inside."""
    with av.open(str(file)) as clip, av.open(str(to), "w") as made:
        made.metadata.update(clip.metadata)
        stream = made.add_stream("libx264", rate=24, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = clip.streams.video[0].width, clip.streams.video[0].height, "yuv420p"
        for frame in clip.decode(video=0):
            whole = frame.to_ndarray(format="rgb24")
            small = cv2.resize(whole, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
            soft = cv2.resize(small, (whole.shape[1], whole.shape[0]), interpolation=cv2.INTER_CUBIC)
            made.mux(stream.encode(av.VideoFrame.from_ndarray(soft, format="rgb24")))
        made.mux(stream.encode())


def test_the_wrong_way_is_seen_in_a_rendered_clip(settings: Settings, samples: Path) -> None:
    studio = Studio(settings)
    try:
        studio.start(adopt=False)
        photo = studio.photos.take_in(samples / "dandelion.jpg", "dandelion.jpg")
        shot = Shot(photo, crop.find_largest(photo, "16:9"), size="240p", seconds=1.5, fps=24)
        shot = replace(shot, motion=Motion(camera=Camera((Move("orbit_left"),))))
        clip = studio.library.get(ended(studio, studio.submit(shot).id).id)
        right = studio.scores.score_clip(clip.id)
        studio.library.change(clip.id, shot=replace(shot, motion=Motion(camera=Camera((Move("orbit_right"),)))))
        wrong = studio.scores._score_kept(studio.library.get(clip.id))
    finally:
        studio.close()
    assert right and not right.faults
    assert wrong.faults[0].kind == "direction" and wrong.total < right.total
