"""A film from elsewhere becomes a clip: kept as it came where it fits, else encoded anew; what is no film is refused."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from studio.clip import ffmpeg
from studio.clip.film_probe import probe_film
from studio.clip.received_film import take_film
from studio.clip.recipe import read_recipe
from studio.hosted_demo.demo_film import FilmShape, make_film
from studio.nouns import Format, Photo, Progress, Refusal, Shot, replace

SHOT = Shot(Photo("0" * 64, 320, 240, "a.jpg"), model="p-video", service="replicate")


def ignore(progress: Progress) -> None:
    """A watcher that never stops the work."""
    del progress


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second with sound."""
    photo = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)).save(photo, "JPEG")
    file = tmp_path_factory.mktemp("films") / "film.mp4"
    file.write_bytes(make_film(photo.getvalue(), FilmShape(320, 240, 1.0, 24, sound=True)))
    return file


def list_packets(file: Path, kind: str) -> list[bytes]:
    with av.open(str(file)) as clip:
        stream = getattr(clip.streams, kind)[0]
        return [bytes(packet) for packet in clip.demux(stream) if packet.size]


def has_sound(file: Path) -> bool:
    with av.open(str(file)) as clip:
        return bool(clip.streams.audio)


def test_what_fits_keeps_every_byte_of_its_pictures_and_sound(film: Path, tmp_path: Path) -> None:
    made = take_film(film, tmp_path / "clip.mp4", SHOT, ignore)
    assert list_packets(made.file, "video") == list_packets(film, "video")
    assert list_packets(made.file, "audio") == list_packets(film, "audio")
    assert read_recipe(made.file) == SHOT
    assert (made.outcome.num_frames, made.outcome.fps, made.outcome.width) == (24, 24.0, 320)
    assert made.poster.read_bytes().startswith(b"\x89PNG")
    assert made.choices[-1].value == "kept as it came"


def test_unwanted_sound_is_left_out_and_a_platform_gets_its_silent_track(film: Path, tmp_path: Path) -> None:
    quiet = replace(SHOT, sound=False)
    assert not has_sound(take_film(film, tmp_path / "quiet.mp4", quiet, ignore).file)
    silent = take_film(film, tmp_path / "silent.mp4", quiet, ignore, "it needs one")
    assert has_sound(silent.file) and silent.choices[-1].reason


@pytest.mark.parametrize("kind", ["webm", "gif", "webp"])
def test_another_format_is_encoded_anew(film: Path, tmp_path: Path, kind: Format) -> None:
    made = take_film(film, tmp_path / f"clip.{kind}", replace(SHOT, format=kind), ignore)
    assert made.outcome.num_frames > 5 and made.outcome.seconds == pytest.approx(1.0, abs=0.15)
    assert "encoded anew" in {choice.value for choice in made.choices}
    assert read_recipe(made.file).format == kind


def test_what_players_refuse_is_encoded_anew(tmp_path: Path) -> None:
    odd = tmp_path / "odd.mp4"
    with av.open(str(odd), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 322, 240, "yuv444p"
        for index in range(15):
            picture = np.full((240, 322, 3), index * 16, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    made = take_film(odd, tmp_path / "clip.mp4", SHOT, ignore)
    kept = probe_film(made.file)
    assert (kept.codec, kept.pixels, kept.num_frames) == ("h264", "yuv420p", 15)
    assert {choice.what: choice for choice in made.choices}["encoding"].reason.startswith("it arrived as h264 with yuv444p")


@pytest.mark.parametrize("content", [b"<html>Sign in</html>" * 50, b"\x00\x00\x00\x18ftypmp42" + bytes(500), b""])
def test_what_is_no_film_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(content)
    with pytest.raises(Refusal, match="not a film"):
        take_film(file, tmp_path / "clip.mp4", SHOT, ignore)
    assert list(tmp_path.iterdir()) == [file]


def test_a_film_cut_short_is_refused(film: Path, tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with pytest.raises(Refusal):
        take_film(file, tmp_path / "clip.mp4", SHOT, ignore)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_toned_to_what_it_was_made_from(tmp_path: Path, transfer: str) -> None:
    """Colour bars at the usual brightness (white at 203 nits) look the same after PQ or HLG and back."""
    film = tmp_path / "film.mp4"
    to_hdr = (
        "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,"
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709,zscale=t=linear:npl=203,format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p"
    )
    bars = ["-f", "lavfi", "-i", "smptehdbars=s=320x180:d=0.5:r=10", "-f", "lavfi", "-i", "sine=d=0.5"]
    ffmpeg.run_ffmpeg([*bars, "-vf", to_hdr, "-c:v", "libx264", "-crf", "8", "-c:a", "aac", "-y", f"file:{film}"], 60)
    assert probe_film(film).hdr
    made = take_film(film, tmp_path / "clip.mp4", SHOT, ignore)
    assert "HDR" in next(one.reason for one in made.choices if one.what == "encoding")
    after = probe_film(made.file)
    assert (after.hdr, after.matrix, after.sound, after.codec) == (False, 1, "aac", "h264")
    seen = [after.first[60, round(320 * at)].tolist() for at in (0.05, 0.18, 0.29, 0.4, 0.5, 0.6, 0.7, 0.8)]
    bars_of_75 = [[102] * 3, [191] * 3, [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]]
    assert np.abs(np.subtract(seen, bars_of_75)).max() < 45
    assert np.abs(np.subtract(seen, bars_of_75)).mean() < 12
