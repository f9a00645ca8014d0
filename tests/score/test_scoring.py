"""The score: a clean film is sound, each damage is named and ranks below, what was asked for is no fault, and words say why."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from bench.damage_kinds import DAMAGES, PARTS, Film, Part, open_seam
from studio.clip_score import ClipFault, FaultKind, Score
from studio.nouns import Camera, Effect, Leg, Motion, Move, Shot, replace
from studio.score.explain import FAULTS, explain
from studio.score.reference import use_first_frame
from studio.score.scoring import RULES, score_footage
from tests.score.films import FRAMES, PAN, paint, pan, read, refer

PICTURE = paint()
CLEAN = pan(PICTURE)
OTHER = pan(paint(5))


def judge(film: Film, shot: Shot = PAN) -> Score:
    footage = read(film)
    return score_footage(footage, refer(PICTURE, footage, shot), shot)


SOUND = judge(CLEAN)


def asked(motion: Motion) -> Shot:
    return replace(PAN, motion=motion)


def test_a_clean_film_is_sound() -> None:
    assert SOUND.faults == () and not SOUND.broken and SOUND.total > 0.85
    camera, amount = SOUND.measure("camera"), SOUND.measure("motion")
    assert camera and camera.value > 0.95
    assert amount and 0.5 < amount.value < 2
    assert SOUND.measure("seam") is None, "nobody asked for a loop"
    assert judge(CLEAN) == SOUND, "the same clip has the same score"


@pytest.mark.parametrize("strong", [False, True], ids=["mild", "strong"])
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damage_is_named_and_ranks_below(kind: str, strong: bool) -> None:
    harm, names = DAMAGES[kind]
    found = judge(harm(CLEAN, strong, OTHER))
    assert found.total < SOUND.total
    assert found.faults and found.faults[0].kind in names
    assert found.broken == (found.faults[0].kind in ("frozen", "cut", "noise", "black", "far"))


def test_a_cut_and_a_freeze_are_found_where_they_are() -> None:
    half = FRAMES / 2 / 24
    assert judge(DAMAGES["cut"][0](CLEAN, True, OTHER)).faults[0] == ClipFault("cut", pytest.approx(half, abs=0.1))
    assert judge(DAMAGES["freeze"][0](CLEAN, True, OTHER)).faults[0].at_second == pytest.approx(0.8, abs=0.15)


def test_a_short_freeze_is_seen_between_samples_and_a_pause_is_none() -> None:
    """Eight seconds of which every fourth frame was read."""

    def watch(film: Film, camera: Camera) -> Score:
        footage = read(film)
        sampled = footage._replace(frame=4 * footage.frame, at=4 * footage.at, num_frames=4 * len(film))
        return score_footage(sampled, refer(PICTURE, sampled), asked(Motion(camera=camera)))

    frozen = [*CLEAN[:20], *[CLEAN[20]] * 4, *CLEAN[24:]]
    straight = Camera((Move("pan_left", 0.5),), ease="linear")
    assert watch(CLEAN, straight).faults == ()
    found = watch(frozen, straight)
    assert found.broken and found.faults[0] == ClipFault("frozen", pytest.approx(20 * 4 / 24, abs=0.2))
    paused = [*CLEAN[:18], *[CLEAN[18]] * 12, *CLEAN[18:36]]
    stops = Camera(straight.moves, then=(Leg((Move("static"),)), Leg(straight.moves)), ease="linear")
    assert "frozen" not in [fault.kind for fault in watch(paused, stops).faults]
    assert watch(paused, straight).faults[0].kind == "frozen"


def backwards(film: Film) -> Film:
    return film[::-1]


def blacken(film: Film) -> Film:
    black = np.concatenate([np.full((180, 320), 16, np.uint8), np.full((90, 320), 128, np.uint8)])
    return [*film[:30], *[black] * 18]


def stand(film: Film) -> Film:
    return [film[0]] * len(film)


@pytest.mark.parametrize(("change", "kind"), [(backwards, "direction"), (blacken, "black"), (stand, "frozen")])
def test_what_is_no_damage_of_the_set_is_named_too(change: Callable[[Film], Film], kind: FaultKind) -> None:
    found = judge(change(CLEAN))
    assert found.faults[0].kind == kind and found.total < SOUND.total


def test_another_picture_is_far_from_the_photo() -> None:
    found = judge(OTHER)
    assert found.broken and found.faults[0].kind == "far"


def test_a_white_ground_that_greys_drifts_and_narrow_white_stripes_do_not() -> None:
    for wide, drifts in ((12, False), (240, True)):
        picture = np.minimum(PICTURE, 200)
        for left in range(100, 520, 280 if drifts else 28):
            picture[60:300, left : left + wide] = 255
        film = pan(picture)
        soft = [frame if at < 6 else cv2.GaussianBlur(frame, (0, 0), 2.0) for at, frame in enumerate(film)]
        grey = [np.where(frame > 215, frame - 12, frame).astype(np.uint8) for frame in film]
        footage = read(grey if drifts else soft)
        found = score_footage(footage, refer(picture, footage), PAN)
        assert ("drift" in [fault.kind for fault in found.faults]) == drifts, found.measure("exposure")


def test_a_loop_closes_or_jumps() -> None:
    shot = asked(Motion(camera=Camera((Move("pan_left", 0.5),), loop=True)))
    looped = pan(PICTURE, loop=True)
    closed, open_one = judge(looped, shot), judge(open_seam(looped, True, []), shot)
    assert closed.faults == ()
    assert open_one.faults[0].kind == "seam" and open_one.total < closed.total


def test_what_was_asked_for_is_no_fault() -> None:
    """A hand may tremble, grain is grain, and a clip that is to stand still may."""
    chance = np.random.default_rng(4)
    noisy = [np.clip(frame + chance.normal(0, 4, frame.shape), 0, 255).astype(np.uint8) for frame in CLEAN]
    grain = replace(PAN, motion=replace(PAN.motion, effects=(Effect("grain", 1.0),)))
    assert "grain" in [fault.kind for fault in judge(noisy).faults]
    assert judge(noisy, grain).faults == ()
    assert judge([CLEAN[0]] * FRAMES, asked(Motion(camera=Camera((Move("static"),))))).faults == ()
    moved = judge(CLEAN, asked(Motion(camera=Camera((Move("static"),)), effects=(Effect("rain"),))))
    assert "camera" in [fault.kind for fault in moved.faults], "a camera that was to hold still did not"


def test_a_film_of_which_nothing_is_known_gets_the_measures_that_need_nothing() -> None:
    footage = read(CLEAN)
    found = score_footage(footage, use_first_frame(footage), None)
    assert {measure.name for measure in found.measures} == {"flicker", "noise", "crispness", "wobble", "doubled", "still"}
    assert found.faults == ()
    still = read(CLEAN[:1] * 12)
    assert score_footage(still, use_first_frame(still), None).broken, "nothing at all moves"


def test_lettering_that_melts_is_named_and_a_camera_move_melts_none() -> None:
    board = cv2.rectangle(PICTURE.copy(), (190, 120), (450, 220), (30, 35, 40), -1)
    board = cv2.putText(board, "OPEN", (215, 200), cv2.FONT_HERSHEY_DUPLEX, 2.6, (240, 238, 230), 6, cv2.LINE_AA)
    film = pan(board)
    mask = np.zeros((180, 320), np.float32)
    mask[60:110, 82:212] = 1  # where the board is in the first frame
    melted = PARTS["lettering melts"][0](film, True, Part(mask, 27.0))
    sound, harmed = (score_footage(footage, refer(board, footage), PAN) for footage in (read(film), read(melted)))
    kept, lost = sound.measure("lettering"), harmed.measure("lettering")
    assert kept and lost and kept.value > 0.95 > 0.8 > lost.value
    assert "lettering" not in [fault.kind for fault in sound.faults]
    assert harmed.faults[0].kind == "lettering" and harmed.total < sound.total


def test_a_subject_that_wobbles_by_itself_is_named() -> None:
    mask = np.zeros((180, 320), np.float32)
    mask[40:140, 100:220] = 1
    still = [CLEAN[0]] * FRAMES
    wobbling = PARTS["subject wobbles"][0](CLEAN, True, Part(mask, 180.0))
    half = cv2.resize(mask, (160, 90), interpolation=cv2.INTER_AREA)
    for film, wobbles in ((CLEAN, False), (wobbling, True), (still, False)):
        footage = read(film)
        found = score_footage(footage, refer(PICTURE, footage)._replace(subject=half), PAN)
        assert ("unrest" in [fault.kind for fault in found.faults]) == wobbles
    footage = read(wobbling)
    acting = asked(replace(PAN.motion, action="dances"))
    found = score_footage(footage, refer(PICTURE, footage, acting)._replace(subject=half), acting)
    assert "unrest" not in [fault.kind for fault in found.faults], "a dancer may"


def test_words_say_why() -> None:
    assert explain(judge(DAMAGES["cut"][0](CLEAN, True, OTHER))).startswith("another picture from 1.0 s")
    assert "the camera moved as asked" in explain(SOUND)
    shaken = judge(DAMAGES["wobble"][0](CLEAN, True, []))
    assert explain(SOUND, [shaken]).startswith("steadier picture")
    assert explain(SOUND, [SOUND]) == explain(SOUND)
    assert {rule.fault for rule in RULES.values()} - {None} <= FAULTS.keys()
