"""Studio: every door a face may use, with the stand-in engine where pictures don't matter and the true one where they do."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from studio import presets, previews
from studio.config import ROOT, Settings
from studio.exports import read_recipe
from studio.nouns import Camera, Clip, Crop, Done, Effect, Motion, Move, Photo, Progress, Refusal, Shot, Size, replace
from studio.photo.crop import SHORT_SIDES, find_ratio, settle_crop
from studio.platforms import Platform
from studio.studio import Studio, search_words
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended, painting, until


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    """A studio on the stand-in, at work."""
    made = Studio(settings, (CARD,), finder(Gradient()))
    made.start()
    yield made
    made.close()


@pytest.fixture
def shot(studio: Studio) -> Shot:
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    return Shot(photo, model="gradient", seconds=1, fps=16)


@pytest.fixture
def clip(studio: Studio, shot: Shot) -> Clip:
    return kept(studio, shot)


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[tuple[Studio, Shot]]:
    """A studio on the engine that ships, not at work, and a shot of two dogs."""
    studio = Studio(Settings(tmp_path_factory.mktemp("true") / "home"))
    yield studio, Shot(studio.photos.take_in(samples / "dogs.jpg"), size="360p")
    studio.close()


def kept(studio: Studio, shot: Shot) -> Clip:
    job = studio.submit(shot)
    assert ended(studio, job.id).state == Done(job.id)
    return studio.library.get(job.id)


def painted(side: int = 64) -> str:
    """What a brush sends: a grey PNG, base64."""
    sink = io.BytesIO()
    Pictures.fromarray(np.full((side, side), 255, np.uint8)).save(sink, "PNG")
    return base64.b64encode(sink.getvalue()).decode()


# What is accepted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "teapot"}, "no model called 'teapot'"),
        ({"seconds": 30.0}, "1 to 10 seconds, not 30"),
        ({"depth": "deep"}, "depth map isn't here"),
        ({"depth": "anything"}, "not on this computer"),
        ({"depth": "a" * 64}, "depth map isn't here"),
        ({"depth": "../../../etc/passwd"}, "depth map isn't here"),
        ({"photo": Photo("a" * 64, 10, 10)}, "photo is not"),
        ({"subject": "AAAA"}, "marked as the subject can't be read"),
        ({"subject": painted(257)}, "marked as the subject can't be read"),
        ({"motion": Motion(effects=(Effect("ripple", brush="AAAA"),))}, "can't be read"),
        ({"motion": Motion(effects=(Effect("ripple", brush="A=A="),))}, "can't be read"),
        ({"motion": Motion(effects=(Effect("ripple", brush=painted(257)),))}, "can't be read"),
        ({"fps": 0}, "can't be used"),
        ({"seconds": float("nan")}, "."),
        ({"size": "8K"}, "can't be used"),
    ],
)
def test_what_cannot_be_made_is_refused_before_it_is_queued(
    studio: Studio, shot: Shot, changes: dict[str, object], words: str
) -> None:
    fields = {name: getattr(shot, name) for name in shot.__struct_fields__} | changes
    with pytest.raises(Refusal, match=words) as refused:
        studio.submit(Shot(**fields))  # type: ignore[arg-type]
    assert refused.value.remedy
    assert studio.jobs() == ()


def test_rates_outside_the_card_are_refused(settings: Settings, shot: Shot) -> None:
    slow = replace(CARD, fps=(24, 30))
    with pytest.raises(Refusal, match="24 to 30 frames a second, not 16"):
        Studio(settings, (slow,), finder(Gradient())).submit(shot)


def test_a_painted_region_is_accepted(studio: Studio, shot: Shot) -> None:
    motion = Motion(effects=(Effect("ripple", brush=painted()), Effect("clouds")))
    assert isinstance(ended(studio, studio.submit(replace(shot, motion=motion)).id).state, Done)


def test_what_the_browser_says_of_photo_and_crop_is_not_trusted(studio: Studio, shot: Shot) -> None:
    lied = replace(shot, photo=replace(shot.photo, width=64000, height=2), crop=Crop(0.9, 0.9, 0.9, 0.1, "1:1"))
    job = studio.submit(lied)
    assert job.shot.photo == shot.photo
    box = job.shot.crop
    assert box.x + box.w <= 1
    assert box.y + box.h <= 1
    assert box.w * shot.photo.width / (box.h * shot.photo.height) == pytest.approx(find_ratio(shot.photo, "1:1"))


def test_a_photo_keeps_the_name_its_shot_gives_it(studio: Studio, shot: Shot) -> None:
    named = replace(shot, photo=replace(shot.photo, name="Pier at dawn"))
    assert studio.submit(named).shot.photo.name == "Pier at dawn"


def test_a_job_that_is_gone_is_a_refusal(studio: Studio) -> None:
    for ask in (studio.job, studio.retry):
        with pytest.raises(Refusal, match="no longer in the queue"):
            ask("nobody")
    studio.cancel("nobody")


# Before it is made --------------------------------------------------------------------------------------------------------


def test_a_preview_is_tiny_and_made_once(true: tuple[Studio, Shot]) -> None:
    studio, shot = true
    first = studio.preview(shot)
    made = first.stat().st_mtime_ns
    assert first.is_relative_to(studio.settings.cache / "served")
    recipe = read_recipe(first)
    assert (recipe.size, recipe.fps, recipe.seconds, recipe.num_frames) == ("240p", 16, 2.5, 40)
    assert recipe.photo.name == "", "a preview is no one's clip"
    told_apart = replace(shot, size="720p", seconds=9, motion=replace(shot.motion, prompt="words"))
    assert studio.preview(told_apart) == first
    assert first.stat().st_mtime_ns == made
    moved = replace(shot, motion=Motion(camera=Camera((Move("orbit_left"),))))
    assert studio.preview(moved) != first


def test_a_preview_leaves_out_what_waits_for_the_brush(true: tuple[Studio, Shot]) -> None:
    studio, shot = true
    waiting = replace(shot, motion=replace(shot.motion, effects=(Effect("ripple"),)))
    assert studio.preview(waiting) == studio.preview(shot)


def test_previews_may_be_asked_for_while_a_job_runs_and_by_many(settings: Settings, samples: Path) -> None:
    studio = Studio(settings)
    studio.start()
    shot = Shot(studio.photos.take_in(samples / "fig.jpg"), size="480p", seconds=5)
    job = studio.submit(shot)
    painting(studio, job.id)
    made: list[Path] = []
    threads = [threading.Thread(target=lambda: made.append(studio.preview(shot))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    assert len(made) == 3
    assert isinstance(ended(studio, job.id).state, Done)
    studio.close()


STILL = Camera((Move("static"),))


@pytest.mark.parametrize(
    "motion",
    [
        Motion(camera=STILL, effects=(Effect("clouds"),)),
        Motion(camera=STILL, effects=(Effect("ripple"),)),
        Motion(camera=STILL, environment="clouds drift across the sky"),
        Motion(camera=STILL, environment="waves roll in"),
    ],
    ids=["chip", "unpainted chip", "sentence", "sentence to paint"],
)
def test_what_finds_no_place_is_said_before_and_refused_where_nothing_else_moves(
    true: tuple[Studio, Shot], motion: Motion
) -> None:
    studio, shot = true
    still = replace(shot, motion=motion)
    found = studio.places(still)
    (lost,) = found.unplaced
    assert lost.says.startswith("No place for") and not found.moves
    for submit in (studio.submit, lambda one: studio.submit_all((shot, one))):
        with pytest.raises(Refusal, match="Nothing would move") as refused:
            submit(still)
        assert lost.says in refused.value.reason and "camera move" in refused.value.remedy
    assert studio.jobs() == ()
    moving = replace(still, motion=replace(motion, camera=Camera()))
    assert studio.places(moving).unplaced == (lost,) and studio.places(moving).moves
    by_hand = replace(still, motion=replace(motion, effects=(Effect(lost.effect, region="brush", brush=painted()),)))
    assert studio.places(by_hand).unplaced == () and studio.places(by_hand).moves


def test_a_downloaded_depth_network_is_used_by_photos_that_are_open(true: tuple[Studio, Shot]) -> None:
    """Its files are no network here, so that the photo's own depth is read; what is kept of it is told apart all the same."""
    from studio.engines.parallax import depth_anything

    studio, shot = true
    before = studio.preview(shot)
    assert studio.preview(shot) == before
    place = depth_anything.folder(studio.settings)
    place.mkdir(parents=True)
    for name in depth_anything.BEFORE:
        (place / name).write_text("{}")
    try:
        after = studio.preview(shot)
        assert after != before and studio.preview(shot) == after
        assert studio.preview(replace(shot, depth="builtin")) not in (after,)
    finally:
        shutil.rmtree(place)
    assert studio.preview(shot) == before


def test_after_a_draft_the_clip_finds_its_scene_read(true: tuple[Studio, Shot]) -> None:
    from studio.engines.prepare import prepare

    studio, shot = true
    card, shot = studio.models.card(shot.model), replace(shot, crop=settle_crop(shot.photo, Crop(0.1, 0.1, 0.6, 0.6)))
    studio.preview(shot)
    for thread in threading.enumerate():
        if thread.name == "read-ahead":
            thread.join(30)
    read: list[Progress] = []
    engine, image = studio.models.engine(card), studio.photos.pixels(shot.photo)
    assert isinstance(engine, previews.Reader)
    engine.read(image, prepare(shot, card).shot, read.append)
    assert not read
    engine.read(image, prepare(replace(shot, size="480p"), card).shot, read.append)
    assert read  # so a scene that is not there yet would have been noticed


def test_the_depth_can_be_seen_changed_and_given_back(true: tuple[Studio, Shot], tmp_path: Path) -> None:
    studio, shot = true
    view = studio.depth_view(shot)
    assert view == studio.depth_view(shot)
    grey = np.asarray(Pictures.open(view))
    assert grey.dtype == np.uint8
    assert int(grey.max()) - int(grey.min()) > 60
    Pictures.fromarray(255 - grey).save(tmp_path / "turned.png")
    identity = studio.depths.adopt(tmp_path / "turned.png")
    assert studio.depths.adopt(tmp_path / "turned.png") == identity
    turned = np.asarray(Pictures.open(studio.depth_view(replace(shot, depth=identity))))
    assert np.corrcoef(grey.ravel(), turned.ravel())[0, 1] < -0.9, "the engine uses the map it was given"


def test_a_depth_map_is_kept_as_16_bit_grey_over_the_whole_range(studio: Studio, tmp_path: Path) -> None:
    ramp = np.linspace(1000, 5000, 64 * 48).reshape(48, 64)
    Pictures.fromarray(ramp.astype(np.uint16)).save(tmp_path / "deep.png")
    Pictures.fromarray(ramp.astype(np.float32)).save(tmp_path / "deep.tiff")
    identity = studio.depths.adopt(tmp_path / "deep.png")
    deep = np.asarray(Pictures.open(studio.settings.depths / f"{identity}.png"))
    assert deep.dtype == np.uint16
    assert (deep.min(), deep.max(), len(np.unique(deep))) == (0, 65535, 48 * 64)
    floating = np.asarray(Pictures.open(studio.settings.depths / f"{studio.depths.adopt(tmp_path / 'deep.tiff')}.png"))
    assert np.abs(floating.astype(int) - deep).max() < 40


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", "flat", "svg"])
def test_what_is_no_depth_map_is_refused(studio: Studio, tmp_path: Path, content: bytes | str) -> None:
    file = tmp_path / "private name.png"
    if content == "flat":
        Pictures.new("L", (8, 8), 77).save(file)
    else:
        file.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>" if isinstance(content, str) else content)
    with pytest.raises(Refusal, match="depth") as refused:
        studio.depths.adopt(file)
    assert str(tmp_path) not in str(refused.value)
    assert list(studio.settings.depths.iterdir()) == []


def test_a_model_without_depth_says_so(studio: Studio, shot: Shot) -> None:
    with pytest.raises(Refusal, match="doesn't work with depth"):
        studio.depth_view(shot)


def test_every_automatic_choice_has_a_reason(true: tuple[Studio, Shot]) -> None:
    studio, shot = true
    choices = studio.choices(shot)
    assert {choice.what for choice in choices} >= {"size", "encoder", "layers"}
    assert all(choice.reason and choice.value for choice in choices)
    assert "draft" in next(choice.reason for choice in choices if choice.what == "encoder"), "360p, not what 720p would take"
    machine = studio.machine()
    said = {choice.what for choice in machine}
    assert said >= {"cores", "memory", "encoder", "depth", "free space"}
    assert said & {"GPU", "device"}, "whether there is a GPU, or why none is used"
    assert all(choice.reason and choice.value for choice in machine)


def test_the_plan_follows_the_crop(studio: Studio, shot: Shot) -> None:
    sizes: tuple[Size, ...] = ("240p", "480p")
    plans = [studio.plan(replace(shot, size=size)) for size in sizes]
    assert [(plan.width, plan.height) for plan in plans] == [(320, 240), (640, 480)]


def test_a_suggested_crop_has_the_aspect_that_was_asked_for(true: tuple[Studio, Shot]) -> None:
    studio, shot = true
    assert studio.advice.suggest_crop(shot.photo, "9:16").crop.aspect == "9:16"


# The library --------------------------------------------------------------------------------------------------------------


def test_clips_are_found_by_what_people_call_things(studio: Studio, shot: Shot) -> None:
    motion = Motion(prompt="Gulls over the pier", camera=Camera((Move("dolly_in"),), loop=True), effects=(Effect("clouds"),))
    found = kept(studio, replace(shot, motion=motion))
    kept(studio, replace(shot, motion=Motion(camera=Camera((Move("static"),))), format="gif"))
    for words in ("gulls", "push in", "drifting", "sky", "loop", "pier dolly", "mp4"):
        assert studio.library.find(words) == (found,), words
    assert studio.library.count("harbour gradient") == 2
    assert studio.library.count("still gif") == 1


def test_rate_title_trash_restore_empty(studio: Studio, clip: Clip) -> None:
    studio.library.rate(clip.id, 5)
    studio.library.retitle(clip.id, "  At\nlast " + "!" * 300)
    changed = studio.library.get(clip.id)
    assert (changed.rating, changed.title[:9], len(changed.title)) == (5, "At last !", 200)
    with pytest.raises(Refusal):
        studio.library.rate(clip.id, 9)
    version = studio.version
    studio.library.trash(clip.id)
    assert studio.version > version
    assert (studio.library.count(), studio.library.count(trashed=True)) == (0, 1)
    studio.library.restore(clip.id)
    assert studio.library.find() == (changed,)
    studio.library.trash(clip.id)
    assert studio.library.empty_trash() == 1
    assert list(studio.settings.clips.iterdir()) == []


def test_watching_costs_nothing_while_nothing_happens(studio: Studio, clip: Clip) -> None:
    until(lambda: studio.scores.get(clip.id) is not None)
    version = studio.version
    studio.jobs(), studio.library.find(), studio.preview(clip.shot)
    assert studio.version == version


def test_a_download_has_a_persons_name_and_the_recipe_if_wanted(studio: Studio, clip: Clip) -> None:
    whole, bare = studio.exports.export(clip.id, True), studio.exports.export(clip.id, False)
    assert whole.name == bare.name == "harbour, dolly in, 240p.mp4"
    assert read_recipe(whole) == clip.shot
    with pytest.raises(Refusal):
        read_recipe(bare)
    assert b"harbour" not in bare.read_bytes()
    assert whole.is_relative_to(studio.settings.cache / "served")
    assert whole.read_bytes() == studio.library.file(clip).read_bytes()
    studio.library.retitle(clip.id, "../../Dusk/*")
    assert studio.exports.export(clip.id, True).name == "Dusk, dolly in, 240p.mp4"
    with pytest.raises(Refusal):
        studio.exports.export("../../stir", True)


def test_several_are_one_zip_with_the_recipes_or_without(studio: Studio, clip: Clip, tmp_path: Path) -> None:
    kept(studio, clip.shot)
    ids = studio.library.ids()
    assert len(ids) == 2
    for with_recipe in (True, False):
        with zipfile.ZipFile(studio.exports.export_all(ids, with_recipe)) as zipped:
            assert sorted(zipped.namelist()) == ["harbour, dolly in, 240p (2).mp4", "harbour, dolly in, 240p.mp4"]
            for name in zipped.namelist():
                file = Path(zipped.extract(name, tmp_path))
                assert (b"harbour" in file.read_bytes()) == with_recipe
                if with_recipe:
                    assert read_recipe(file) == clip.shot
                else:
                    with pytest.raises(Refusal):
                        read_recipe(file)
    with pytest.raises(Refusal, match="no longer in the library"):
        studio.exports.export_all([*ids, "f" * 32], True)


def test_recipes_come_back_from_everything_that_carries_one(studio: Studio, clip: Clip, tmp_path: Path) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(clip.shot.to_json())
    for file in (studio.library.file(clip), studio.settings.clips / f"{clip.id}.json", bare):
        assert read_recipe(file) == clip.shot


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b'{"photo": 1}', b"\xff\xfe\x00", b"x" * 3_000_000])
def test_what_carries_no_recipe_is_refused(studio: Studio, tmp_path: Path, content: bytes) -> None:
    for name in ("strange.json", "strange.mp4"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Refusal):
            read_recipe(tmp_path / name)
    with pytest.raises(Refusal):
        read_recipe(tmp_path / "not there.json")


def test_again_and_vary(studio: Studio, clip: Clip) -> None:
    assert studio.again(clip.id).shot == clip.shot
    seeds = {studio.vary(clip.id).shot.seed for _ in range(5)}
    assert len(seeds) == 5
    assert clip.shot.seed not in seeds


def test_a_recipe_whose_photo_is_not_here_says_so(studio: Studio, clip: Clip) -> None:
    for file in studio.settings.photos.iterdir():
        file.unlink()
    with pytest.raises(Refusal, match="photo"):
        studio.again(clip.id)


# The house ----------------------------------------------------------------------------------------------------------------


def test_what_ships_is_offered(true: tuple[Studio, Shot]) -> None:
    studio, _ = true
    assert "parallax" in [card.id for card in studio.models.cards]
    assert len(presets.samples()) >= 5
    assert {place.id for place in presets.platforms()} >= {"reels", "tiktok", "shorts", "feed", "youtube"}
    reels = presets.platform("reels")
    assert reels is not None
    assert (reels.min_seconds, reels.min_fps, reels.formats) == (3.0, 23, ("mp4",))
    assert presets.platform("") is presets.platform("of a newer version") is None


@pytest.mark.parametrize("place", presets.platforms(), ids=lambda place: place.id)
def test_a_place_asks_for_what_it_takes(place: Platform) -> None:
    assert 0 < place.min_seconds < place.max_seconds
    assert 1 <= place.min_fps <= place.fps <= place.max_fps <= 60
    assert place.min_short <= SHORT_SIDES[place.size]
    assert "mp4" in place.formats
    assert place.source and place.read_on.year >= 2026
    assert (place.sound == "needed") == bool(place.silent_track)
    assert place.max_long >= 2 * place.min_short


def test_a_recipe_from_before_places_opens_and_one_with_a_place_keeps_it(true: tuple[Studio, Shot]) -> None:
    _, shot = true
    fields = json.loads(shot.to_json())
    assert fields.pop("platform") == ""
    assert Shot.from_json(json.dumps(fields)) == shot
    made_for = replace(shot, platform="reels")
    assert Shot.from_json(made_for.to_json()).platform == "reels"
    assert "Instagram Reels" in search_words(made_for)


def test_a_damaged_database_is_told_of_and_the_clips_are_back(settings: Settings, studio: Studio, clip: Clip) -> None:
    studio.library.rate(clip.id, 3)
    studio.close()
    settings.database.write_bytes(b"ruined" * 999)
    again = Studio(settings, (CARD,), finder(Gradient()))
    assert again.library.find() == (replace(clip, rating=3),)
    (told,) = [choice for choice in again.machine() if choice.what == "library"]
    assert "damaged" in told.reason
    again.close()


def test_importing_the_studio_loads_nothing_heavy() -> None:
    code = "import sys, json, studio.studio; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"cv2", "gradio", "torch", "PIL", "scipy", "pandas", "imageio_ffmpeg", "av", "psutil", "diffusers"}
    assert heavy & set(json.loads(done.stdout)) == set()
