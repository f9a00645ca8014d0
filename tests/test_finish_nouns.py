"""The values of finishing: JSON in and out, bounded, and part of the recipe."""

from __future__ import annotations

import msgspec
import pytest

from studio.nouns import (
    Ambience,
    Attachment,
    Finish,
    Join,
    Logo,
    Mix,
    Photo,
    Refusal,
    Shot,
    SpeedPoint,
    Title,
    Track,
    Trim,
    replace,
)

SOUND = Attachment("a" * 64, "song.mp3", "audio", 12.5, 4000)
LOGO = Attachment("b" * 64, "logo.png", "image", 0.0, 900)
WHOLE = Finish(
    clips=("20261128-ab12",), trim=Trim(0.5, 4.0), reverse=True, speed=(SpeedPoint(0.0, 1.0), SpeedPoint(1.0, 0.25)),
    loop="flow", hold=1.0, fps=60, deflicker=0.5, keep_colour=0.5, grain=0.2, titles=(Title("Aare", kind="place"),),
    logo=Logo(LOGO), cover="sharpest", join=Join("beat", 0.3, "9:16"),
    mix=Mix(music=Track(SOUND, 3.0, gain=-6.0), ambience=(Ambience("water"),)),
)  # fmt: skip


def test_a_finish_is_part_of_the_recipe_and_read_back_whole() -> None:
    shot = Shot(Photo("4" * 64, 8, 8), finish=WHOLE)
    assert Shot.from_json(shot.to_json()) == shot
    old = msgspec.json.decode(shot.to_json())
    del old["finish"]
    assert Shot.from_json(msgspec.json.encode(old)).finish is None


@pytest.mark.parametrize(
    "changes",
    [
        {"clips": ("a",) * 61},
        {"clips": ("../a",)},
        {"fps": 61},
        {"hold": 11.0},
        {"speed": (SpeedPoint(0.0, 9.0),)},
        {"titles": (Title(""),)},
        {"cover": "best"},
        {"mix": Mix(ambience=(Ambience("water"),) * 6)},
    ],
)
def test_what_is_out_of_range_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="can't be used"):
        replace(WHOLE, **changes)
