"""Every family through the whole studio: photo, crop, shot, MP4. Tiny random-weight checkpoints of the real classes, offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from studio import presets
from studio.cards import ModelCard
from studio.cli.main import main
from studio.comparison import Axis
from studio.config import ASSETS, Settings
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.exports import read_recipe
from studio.nouns import Cancelled, Clip, Crop, Done, Motion, Progress, Refusal, Running, Shot, Still, replace
from studio.photo import crop
from studio.studio import Studio
from tests.fakes import tiny as checkpoints
from tests.fakes.waiting import ended, until

Tiny = Callable[[str], ModelCard]
PHOTO = ASSETS / "samples" / "fig.jpg"


@pytest.fixture
def open_with(settings: Settings, tiny: Tiny) -> Iterator[Callable[..., Studio]]:
    """Opens a studio at work whose picker shows these tiny checkpoints beside the built-in engine."""
    made: list[Studio] = []

    def make(*names: str) -> Studio:
        studio = Studio(settings, (presets.card("parallax"), *(tiny(name) for name in names)))
        made.append(studio)
        studio.start()
        return studio

    yield make
    for studio in made:
        studio.close()


def shot_of(studio: Studio, card: ModelCard, **changes: object) -> Shot:
    """A square shot of a photo, a second and a bit, in words."""
    photo = studio.photos.take_in(PHOTO, "fig.jpg")
    shot = Shot(photo, crop.find_largest(photo, "1:1"), Motion("leaves stir"), card.id, seconds=1, fps=card.fps[0])
    return replace(shot, **changes)


def kept(studio: Studio, shot: Shot) -> Clip:
    job = ended(studio, studio.submit(shot).id)
    assert job.state == Done(job.id), job.state
    return studio.library.get(job.id)


def pictures(studio: Studio, clip: Clip) -> list[np.ndarray]:
    with av.open(str(studio.library.file(clip))) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


@pytest.mark.parametrize("name", sorted(checkpoints.BUILDERS))
def test_a_photo_becomes_an_mp4(open_with: Callable[..., Studio], tiny: Tiny, name: str) -> None:
    studio, card = open_with(name), tiny(name)
    state = studio.models.state(card.id)
    assert (state.disk, state.fits in ("yes", "slowly")) == ("here", True), state.reason
    shot = shot_of(studio, card, quality="draft")
    plan = studio.plan(shot)
    clip = kept(studio, shot)
    assert (clip.width, clip.height, clip.num_frames) == (plan.width, plan.height, plan.num_frames)
    assert clip.fps == plan.fps
    with av.open(str(studio.library.file(clip))) as video:
        track = video.streams.video[0]
        assert (track.width, track.height, track.average_rate) == (plan.width, plan.height, plan.fps)
        assert sum(1 for _ in video.decode(video=0)) == plan.num_frames
        assert bool(video.streams.audio) == ("sound" in card.supports)
        assert video.duration == pytest.approx(plan.seconds * 1e6, abs=1e6 / plan.fps)
        if video.streams.audio:
            (sound,) = video.streams.audio
            assert float(sound.duration * sound.time_base) == pytest.approx(plan.seconds, abs=1 / plan.fps)
    assert read_recipe(studio.library.file(clip)) == clip.shot
    assert {"size", "length", "steps"} <= {choice.what for choice in clip.choices}
    assert all(choice.reason for choice in clip.choices)


def test_two_cards_are_resident_and_switched(open_with: Callable[..., Studio], tiny: Tiny) -> None:
    studio = open_with("wan21_i2v", "ltx_i2v")
    cards = tiny("wan21_i2v"), tiny("ltx_i2v")
    clips = [kept(studio, shot_of(studio, card, quality="draft", seed=5)) for card in (*cards, *cards)]
    assert {studio.models.state(card.id).memory for card in cards} <= {"ram", "gpu"}
    for first, second in ((0, 2), (1, 3)):
        assert np.array_equal(pictures(studio, clips[first]), pictures(studio, clips[second])), "the same seed, the same frames"
    studio.models.unload(cards[0].id)
    assert studio.models.state(cards[0].id).memory == "out"
    assert studio.models.state(cards[1].id).memory in ("ram", "gpu")


def test_cancelled_in_mid_step_the_next_is_as_if_nothing_had_been(open_with: Callable[..., Studio], tiny: Tiny) -> None:
    studio, card = open_with("wan21_i2v"), tiny("wan21_i2v")
    wanted = shot_of(studio, card, seed=3, quality="draft")
    fresh = pictures(studio, kept(studio, wanted))
    job = studio.submit(shot_of(studio, card, seed=3, steps=8, seconds=2))
    seen: list[Progress] = []

    def denoising() -> bool:
        state = studio.job(job.id).state
        if isinstance(state, Running):
            seen.append(state.progress)
        return bool(seen) and seen[-1].stage in ("denoise", "decode")

    until(denoising)
    studio.cancel(job.id)
    again = pictures(studio, kept(studio, wanted))
    assert studio.job(job.id).state == Cancelled()
    assert np.array_equal(fresh, again)
    assert studio.library.count() == 2


def test_an_end_photo_changes_how_it_ends(open_with: Callable[..., Studio], tiny: Tiny) -> None:
    studio, card = open_with("wan21_flf2v"), tiny("wan21_flf2v")
    start = shot_of(studio, card, quality="draft", seed=1)
    ends = [studio.photos.take_in(ASSETS / "samples" / name) for name in ("stream.jpg", "dandelion.jpg")]
    clips = [pictures(studio, kept(studio, replace(start, end=Still(end, Crop(aspect="photo"))))) for end in ends]
    assert not np.array_equal(clips[0][-1], clips[1][-1])


def test_a_folder_that_loses_a_file_is_refused_before_it_is_queued(
    settings: Settings, tmp_path: Path, open_with: Callable[..., Studio]
) -> None:
    from tests.fakes import tiny_cards

    repo = checkpoints.build("wan21_i2v", tmp_path)
    card = tiny_cards.card("wan21_i2v", repo)
    next((repo / "transformer").glob("*.safetensors")).unlink()
    studio = Studio(settings, (presets.card("parallax"), card))
    assert studio.models.state(card.id).disk == "partly"
    with pytest.raises(Refusal):
        studio.submit(shot_of(studio, card))
    assert studio.jobs() == ()
    studio.close()


# The same from the command line -------------------------------------------------------------------------------------------


def without_none(value: Any) -> Any:
    """What TOML can say: it has no word for nothing."""
    if isinstance(value, dict):
        return {name: without_none(one) for name, one in value.items() if one is not None}
    return [without_none(one) for one in value] if isinstance(value, list | tuple) else value


def test_a_card_of_the_users_own_runs_from_the_command_line(
    tiny: Tiny, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STIR_HOME", str(tmp_path / "home"))
    cards = tmp_path / "cards"
    cards.mkdir()
    mine = replace(tiny("wan21_i2v"), id="my-own-wan")
    (cards / "wan.toml").write_bytes(msgspec.toml.encode(without_none(msgspec.to_builtins(mine))))
    assert main(["models", "--json", "--cards", str(cards)]) == 0
    (listed,) = [one for one in json.loads(capfd.readouterr().out) if one["id"] == "my-own-wan"]
    assert (listed["state"]["disk"], listed["state"]["fits"] != "no") == ("here", True)
    out = tmp_path / "clip.mp4"
    typed = ["animate", str(PHOTO), "--cards", str(cards), "--model", "my-own-wan", "--prompt", "leaves stir", "--aspect", "1:1"]
    assert main([*typed, "--steps", "1", "--seconds", "1", "-o", str(out)]) == 0
    said = capfd.readouterr()
    assert said.out.strip() == str(out)
    assert "fig: 64x64, 9 frames, 1.12 s at 8 fps, 1 step" in said.err
    with av.open(str(out)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 9


def test_a_comparison_loads_each_model_once(open_with: Callable[..., Studio], tiny: Tiny) -> None:
    """However the axes are ordered, and though only one of the three is allowed in memory at a time."""
    names = ("wan21_i2v", "ltx_i2v", "cogvideox_i2v")
    studio, cards = open_with(*names), [tiny(name) for name in names]
    largest = max(card.checkpoint.needs.weights for card in cards if card.checkpoint)
    studio.models.alter(lambda now: replace(now, ram_gb=largest * 1.2))
    axes = [Axis("seed", ("1", "2")), Axis("model", tuple(card.id for card in cards))]
    wanted = shot_of(studio, cards[0], quality="draft")
    told = studio.comparisons.estimate(wanted, axes)
    assert (told.clips, set(told.unknown)) == (6, {card.id for card in cards})
    one = studio.comparisons.start(wanted, axes)
    until(lambda: all(each.state == "done" for each in studio.comparisons.stand(one).values()))
    engine = studio.models.engine(cards[0])
    assert isinstance(engine, DiffusionEngine)
    assert engine.manager.loads == 3
    clips = [standing.clip for standing in studio.comparisons.stand(one).values()]
    assert all(clip and clip.memory > 0 for clip in clips)
    again = studio.comparisons.estimate(wanted, axes)
    assert (again.unknown, again.seconds > 0) == ((), True)
