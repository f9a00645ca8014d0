"""What a coherent frame is: a doubled thing has no likeness in the photo, one that only went elsewhere or grew has."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import coherence, hard

Image = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 180


def meadow() -> Image:
    """A textured picture, four times as large as the frames: blurred noise with a bright disc."""
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.integers(0, 255, (HEIGHT * 4, WIDTH * 4, 3)).astype(np.float32), (0, 0), 24)
    picture = np.clip(110 + 40 * (noise - noise.mean()), 0, 255).astype(np.uint8)
    cv2.circle(picture, (WIDTH * 2, HEIGHT * 2), 100, (240, 230, 220), -1, cv2.LINE_AA)
    return picture


def seen(picture: Image, scale: float = 1.0, across: float = 0.0, down: float = 0.0) -> Image:
    """The picture at the frame's size, grown about its middle and moved by pixels of the frame."""
    grow = scale / 4
    shift = [[grow, 0, (1 - scale) * WIDTH / 2 + across], [0, grow, (1 - scale) * HEIGHT / 2 + down]]
    flags = cv2.INTER_AREA if scale == 1 and not across and not down else cv2.INTER_LINEAR
    soft = cv2.GaussianBlur(picture, (0, 0), 1.2) if flags == cv2.INTER_LINEAR else picture
    if flags == cv2.INTER_AREA:
        return np.asarray(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=flags), np.uint8)
    return np.asarray(cv2.warpAffine(soft, np.array(shift), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def test_what_moved_or_grew_as_a_whole_has_its_likeness() -> None:
    picture = meadow()
    photo = coherence.prepare(picture, WIDTH, HEIGHT)
    inner = np.s_[30:-30, 50:-50]  # what came in over the border was never in the photo
    for frame in (seen(picture), seen(picture, across=37, down=-13.5), seen(picture, scale=1.06, across=-5.4)):
        assert coherence.strangers(frame, photo)[inner].mean() < 0.001


def test_two_layers_that_parted_have_their_likeness_and_a_ghost_has_none() -> None:
    picture = meadow()
    photo = coherence.prepare(picture, WIDTH, HEIGHT)
    still, moved = seen(picture), seen(picture, across=22)
    ghost = np.asarray(still // 2 + moved // 2, np.uint8)  # everything is there twice, half as strong
    assert coherence.excess(ghost, photo) > 100
    parted = still.copy()
    parted[:, WIDTH // 2 :] = moved[:, WIDTH // 2 :]
    found = coherence.strangers(parted, photo)
    assert found[:, WIDTH // 2 + 8 : -8].mean() < 0.002
    assert found[:, 8 : WIDTH // 2 - 8].mean() < 0.002
    assert found[:, WIDTH // 2 - 4 : WIDTH // 2 + 4].mean() > 0.2  # but the seam shows


def test_a_likeness_further_off_than_any_camera_goes_is_none() -> None:
    picture = meadow()
    cv2.rectangle(picture, (80, 400), (240, 520), (10, 20, 30), 12)
    photo = coherence.prepare(picture, WIDTH, HEIGHT)
    patch = seen(picture)
    patch[10:45, 240:290] = patch[97:132, 15:65]
    assert coherence.strangers(patch, photo)[12:43, 242:288].mean() > 0.3
    patch = seen(picture)
    patch[80:115, 55:105] = patch[97:132, 15:65].copy()
    assert coherence.strangers(patch, photo)[84:111, 59:101].mean() < 0.01


def test_a_third_of_the_hard_photos_is_held_out_and_each_says_whose_it_is() -> None:
    photos = hard.photos()
    assert len(photos) >= 20
    assert 1 / 4 < sum(one.held_out for one in photos.values()) / len(photos) < 1 / 2
    credit = (hard.FOLDER / "CREDITS.md").read_text("utf-8")
    for name, one in photos.items():
        assert one.file.is_file() and one.hard
        assert f"| hard/{name}.jpg | {one.by} | {one.licence} | {one.package} |" in credit
