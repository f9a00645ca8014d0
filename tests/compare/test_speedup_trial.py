"""The trial of speed-ups: what is made for it, and how like the plain clip each is by PSNR of what the files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from studio import presets
from studio.clip.encode import encode
from studio.clip.psnr import MOST, measure_psnr
from studio.compare.speedup_trial import plan_trial
from studio.frames import Frames
from studio.nouns import Crop, Motion, Photo, Refusal, Shot

SHOT = Shot(Photo("a" * 64, 64, 64), Crop(), Motion("leaves stir"), "wan22-ti2v-5b", seconds=5, speedups=("compile",))


def film(folder: Path, name: str, frames: np.ndarray) -> Path:
    count, height, width, _ = frames.shape
    return encode(Frames(iter(frames), width, height, 24, count, "rgb24"), folder / name, SHOT, lambda progress: None).file


def test_a_short_plain_clip_and_one_with_each_speedup() -> None:
    shot, axis = plan_trial(SHOT, presets.card("wan22-ti2v-5b"))
    assert (shot.speedups, shot.seconds, shot.seed) == ((), 2.0, SHOT.seed)
    assert axis.values[0] == "none" and "vae_tiling" not in axis.values
    assert set(axis.values[1:]) <= set(presets.card("wan22-ti2v-5b").checkpoint.speedups)  # pyright: ignore
    with pytest.raises(Refusal, match="has no speed-ups"):
        plan_trial(SHOT, presets.card("parallax"))


def test_psnr_is_that_of_the_decoded_frames(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    plain = np.repeat(random.integers(60, 200, (1, 64, 96, 3), np.uint8), 5, axis=0)
    plain = np.repeat(np.repeat(plain[:, ::16, ::16], 16, 1), 16, 2)
    first, second = (
        film(tmp_path, "a.mp4", plain),
        film(tmp_path, "b.mp4", np.clip(plain.astype(int) + 9, 0, 255).astype(np.uint8)),
    )
    found = measure_psnr(first, second)
    read = [np.stack(decode(one)) for one in (first, second)]
    assert found == pytest.approx(peak_signal_noise_ratio(*read, data_range=255), abs=1e-6)
    assert 25 < found < 33
    assert measure_psnr(first, first) == MOST
    assert measure_psnr(first, film(tmp_path, "c.mp4", plain[:3])) is None
    assert measure_psnr(first, film(tmp_path, "d.mp4", plain[:, :32])) is None
    (tmp_path / "e.mp4").write_bytes(b"no film")
    assert measure_psnr(first, tmp_path / "e.mp4") is None


def decode(file: Path) -> list[np.ndarray]:
    import av

    with av.open(str(file)) as opened:
        return [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
