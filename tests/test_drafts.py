"""Drafts of a shot before its model makes it, mended photos, and several shots at once: the true engine and one that pretends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio import presets
from studio.config import Settings
from studio.engines.base import Image as Pixels
from studio.nouns import Camera, Done, Effect, Mend, Motion, Move, Refusal, Shot, replace
from studio.photo.mend import derive_photo
from studio.studio import Studio
from tests.fakes.shelf import CARDS, READY, ShelfEngine, finder
from tests.fakes.waiting import ended

PARALLAX = presets.card("parallax")


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    made = Studio(settings, (PARALLAX, *CARDS), finder(ShelfEngine()))
    made.start()
    yield made
    made.close()


@pytest.fixture
def shot(studio: Studio, samples: Path) -> Shot:
    photo = studio.photos.take_in(samples / "stream.jpg", "stream.jpg")
    return Shot(photo, model=READY.id, seconds=2, fps=24, size="240p", steps=5, guidance=3.0, draft="parallax")


def test_a_draft_is_made_by_the_fast_model_and_keeps_the_whole_recipe(studio: Studio, shot: Shot) -> None:
    job = studio.submit(shot)
    assert ended(studio, job.id).state == Done(job.id)
    clip = studio.library.get(job.id)
    assert clip.shot == shot
    assert (clip.width, clip.height) == (studio.plan(shot).width, studio.plan(shot).height)
    assert "layers" in " ".join(choice.what for choice in clip.choices)  # the parallax engine's own


def test_one_press_makes_it_for_real(studio: Studio, shot: Shot) -> None:
    draft = studio.submit(shot)
    ended(studio, draft.id)
    real = studio.submit(replace(studio.library.get(draft.id).shot, draft=""))
    assert real.shot == replace(shot, draft="")
    ended(studio, real.id)
    made = studio.library.get(real.id)
    assert made.shot.steps == 5
    assert Done(real.id) == studio.job(real.id).state
    assert any(choice.value == "pretend" for choice in made.choices)


def test_a_draft_of_a_model_that_is_not_here_is_made_all_the_same(studio: Studio, shot: Shot) -> None:
    away = replace(shot, model="pretend-away")
    assert isinstance(ended(studio, studio.submit(away).id).state, Done)
    with pytest.raises(Refusal):
        studio.submit(replace(away, draft=""))


def test_drafts_are_queued_before_what_they_are_drafts_of(settings: Settings, samples: Path) -> None:
    resting = Studio(settings, (PARALLAX, *CARDS), finder(ShelfEngine()))
    photo = resting.photos.take_in(samples / "stream.jpg")
    shots = [Shot(photo, model=READY.id, seed=seed, draft=draft) for seed in (1, 2) for draft in ("", "parallax")]
    jobs = resting.submit_all(tuple(shots))
    assert [(job.shot.draft, job.shot.seed) for job in jobs] == [("parallax", 1), ("parallax", 2), ("", 1), ("", 2)]
    assert [job.id for job in resting.jobs()] == [job.id for job in jobs]
    with pytest.raises(Refusal):
        resting.submit_all((shots[1], replace(shots[1], model="nobody", draft="")))
    assert len(resting.jobs()) == len(jobs)  # all or none
    resting.close()


def test_what_the_words_ask_for_is_in_the_draft(studio: Studio, shot: Shot) -> None:
    still = Motion(camera=Camera((Move("static"),)))
    said = replace(still, environment="fog drifts by")
    assert studio.preview(replace(shot, motion=still)) != studio.preview(replace(shot, motion=said))
    shown = replace(still, effects=(Effect("fog"),))
    assert studio.preview(replace(shot, motion=said)) == studio.preview(replace(shot, motion=shown))


def test_mends_reach_the_engine_and_never_the_original(studio: Studio, shot: Shot, samples: Path) -> None:
    mended = replace(shot, mends=(Mend("contrast", 1.0),), draft="", model="parallax", steps=None, guidance=None)
    before = (samples / "stream.jpg").read_bytes()
    plain, changed = pixels(studio, replace(mended, mends=())), pixels(studio, mended)
    assert plain.shape == changed.shape
    assert float(np.abs(plain.astype(float) - changed).mean()) > 2
    assert studio.photos.pixels(shot.photo).flags.writeable is False
    assert (samples / "stream.jpg").read_bytes() == before
    job = ended(studio, studio.submit(mended).id)
    assert studio.library.get(job.id).shot.mends == (Mend("contrast", 1.0),)
    assert studio.library.get(job.id).shot.photo.id == shot.photo.id


def pixels(studio: Studio, shot: Shot) -> Pixels:
    """The poster of a clip of this shot."""
    job = studio.submit(replace(shot, motion=Motion(camera=Camera((Move("static"),)))))
    ended(studio, job.id)
    with Image.open(studio.library.poster(studio.library.get(job.id))) as poster:
        return np.asarray(poster.convert("RGB"))


def test_upscaling_makes_room_for_a_larger_clip(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "small.png"
    Image.effect_noise((300, 200), 60).convert("RGB").save(file)
    photo = studio.photos.take_in(file)
    shot = Shot(photo, size="360p")
    larger = replace(shot, mends=(Mend("upscale"),))
    assert studio.plan(shot).upscale == pytest.approx(1.8)
    assert studio.plan(larger).upscale == pytest.approx(0.9)
    assert studio.photos.mend(photo, larger.mends).shape == (400, 600, 3)


def test_nobody_is_shown_mends_that_could_not_be_made(studio: Studio, shot: Shot) -> None:
    for times, words in ((2, "twice"), (40, "length <= 8")):
        for look in (studio.advice.look, studio.advice.view, studio.preview):
            with pytest.raises(Refusal, match=words):
                look(replace(shot, mends=(Mend("upscale"),) * times))


def test_a_mended_photo_is_another_photo() -> None:
    from studio.nouns import Photo

    photo = Photo("0" * 64, 100, 80)
    one, other = derive_photo(photo, (Mend("denoise", 0.4),)), derive_photo(photo, (Mend("denoise", 0.5),))
    assert len({photo.id, one.id, other.id}) == 3
    assert (one.width, derive_photo(photo, (Mend("upscale"),)).width) == (100, 200)
    assert derive_photo(photo, ()) is photo


def test_own_depth_is_accepted_only_where_the_photo_has_it(studio, samples):
    photo = studio.photos.take_in(samples / "stream.jpg", "stream.jpg")
    with pytest.raises(Refusal, match="without depth of its own"):
        studio.depth_view(Shot(photo, depth="photo"))
