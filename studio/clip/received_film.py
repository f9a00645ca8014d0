"""A film that somebody else has made, as a clip: kept as it came, with the recipe, where it fits; else encoded anew.

It fits when it is H.264 with 4:2:0 pixels of 8 bits, an even size of square pixels, a steady rate and AAC sound or
none: what every browser, phone and platform plays, and what Stir's own MP4s are.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.clip import ffmpeg, formats, sound
from studio.clip.encode import Encoded, encode, make_poster
from studio.clip.film_probe import Film, NoFilm, probe_film
from studio.clip.formats import read_outcome
from studio.clip.recipe import format_ffmetadata
from studio.frames import Frames, Sound
from studio.nouns import LONG_SIDES, Choice, Progress, Refusal, Shot

COPY_SECONDS = 120
MOST_FPS = 60
UNSAID = 2
"""The matrix of a film that doesn't name one."""

SOURCE = ("-protocol_whitelist", "file,pipe", "-f", "mov")
"""The format is named and only this file is allowed: a playlist in disguise makes ffmpeg fetch nothing."""


def take_film(
    file: Path,
    dest: Path,
    shot: Shot,
    tick: Callable[[Progress], None],
    silence: str = "",
    choices: tuple[Choice, ...] = (),
) -> Encoded:
    """Make a clip of a film: at `dest` in `shot.format`, its poster beside it. `choices` are said with it.

    silence: why a film that isn't heard gets a silent track, "" where it gets none. Raises `Refusal` for a file that is
    no film, and where it can't be written.
    """
    try:
        film = probe_film(file)
    except NoFilm:
        raise Refusal("What arrived is not a film that can be read.", "Try again, or choose another model.") from None
    why = _find_misfit(film, shot)
    if not why:
        return _copy_film(file, dest, film, shot, silence, choices)
    said = Choice("encoding", "encoded anew", why)
    return encode(_decode_film(file, film, shot, (*choices, said)), dest, shot, tick, silence)


def _find_misfit(film: Film, shot: Shot) -> str:
    """Why a film can't be kept as it came; "" where it can."""
    if shot.format != "mp4":
        return f"it arrived as MP4, and {formats.TITLES[shot.format]} was asked for"
    if not film.hdr and (film.codec != "h264" or film.pixels != "yuv420p"):
        return f"it arrived as {film.codec} with {film.pixels} pixels, which not every player shows"
    if film.hdr:
        return "it arrived in HDR, which most screens and platforms show wrongly: it is toned to theirs"
    if not film.square or film.width % 2 or film.height % 2 or max(film.width, film.height) > LONG_SIDES["mp4"]:
        return f"it arrived at {film.width}x{film.height}, which not every player shows"
    if not film.steady or film.rate > MOST_FPS + 1:
        return "its frames arrived at an uneven rate"
    return "" if film.sound in ("", "aac") else f"its sound arrived as {film.sound}"


def _copy_film(file: Path, dest: Path, film: Film, shot: Shot, silence: str, choices: tuple[Choice, ...]) -> Encoded:
    heard = bool(film.sound) and shot.sound
    silent = () if heard else sound.explain_silence("mp4", silence)
    with tempfile.TemporaryDirectory(dir=dest.parent) as folder:
        tags = Path(folder) / "recipe.txt"
        tags.write_text(format_ffmetadata(shot), encoding="utf-8")
        given = [*SOURCE, "-i", f"file:{file}", "-f", "ffmetadata", "-i", f"file:{tags}"]
        tracks = ["-map", "0:v:0", "-c:v", "copy"]
        if heard:
            tracks += ["-map", "0:a:0", "-c:a", "copy"]
        elif silent:
            given += sound.list_silence(film.seconds)
            tracks += ["-map", "2:a", *sound.CODECS["mp4"][1]]
        bare = ["-map_metadata", "1", "-map_chapters", "-1", *formats.MP4_MUXER]
        ffmpeg.run_ffmpeg([*given, *tracks, *bare, "-y", f"file:{dest}"], COPY_SECONDS)
    poster = dest.with_suffix(".png")
    poster.write_bytes(make_poster(film.first, "rgb24"))
    said = Choice(
        "encoding", "kept as it came", f"{film.codec} {film.width}x{film.height}, copied without a new encoding"
    )
    return Encoded(dest, poster, read_outcome(dest), dest.stat().st_size, (*choices, said, *silent))


def _decode_film(file: Path, film: Film, shot: Shot, choices: tuple[Choice, ...]) -> Frames:
    """The frames of a film at a whole rate and an even size."""
    scale = min(1.0, LONG_SIDES["mp4"] / max(film.width, film.height))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (film.width, film.height))
    fps = min(MOST_FPS, max(1, round(film.rate)))
    count = max(2, round(film.seconds * fps))
    heard = _read_sound(file) if film.sound and shot.sound and shot.format in ("mp4", "webm") else None
    images = _stream_frames(file, _find_chain(film, width, height, fps), (width, height), count)
    return Frames(images, width, height, fps, count, choices=choices, sound=heard)


def _find_chain(film: Film, width: int, height: int, fps: int) -> str:
    """ffmpeg's filters from a film to frames of BT.709: its own matrix, or what players take a film without one for;
    HDR is toned down with its middle tones as they are (white at 203 nits, ITU-R BT.2408).
    """
    guess = (":in_color_matrix=bt709" if min(film.width, film.height) >= 720 else "") if film.matrix == UNSAID else ""
    chain = f"fps={fps},scale={width}:{height}:flags=lanczos{guess}"
    if not film.hdr or "zscale" not in ffmpeg.list_filters():
        return chain
    toned = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:param=0.7:desat=0"
    return f"{chain},{toned},zscale=t=bt709:m=bt709:r=limited,format=yuv444p"


def _stream_frames(file: Path, chain: str, size: tuple[int, int], count: int) -> Iterator[NDArray[np.uint8]]:
    """`count` frames, (H, W, 3) RGB; the last stands where the film ends a frame early. Raises `Refusal`."""
    width, height = size
    command = [*SOURCE, "-i", f"file:{file}", "-map", "0:v:0", "-an", "-vf", chain, "-pix_fmt", "rgb24"]
    frame = None
    with _run([*command, "-f", "rawvideo", "pipe:1"]) as process:
        try:
            pipe = io.BufferedReader(process.stdout, width * height * 3)  # type: ignore[type-var]
            for _ in range(count):
                held = pipe.read(width * height * 3)
                if len(held) == width * height * 3:
                    frame = np.frombuffer(held, np.uint8).reshape(height, width, 3)
                elif frame is None or _was_killed(process):
                    raise Refusal("What arrived can't be decoded.", "Try again, or choose another model.")
                yield frame
        finally:
            process.kill()


def _read_sound(file: Path) -> Sound | None:
    """What a film sounds like, in stereo; None where it can't be decoded."""
    command = [*SOURCE, "-i", f"file:{file}", "-map", "0:a:0", "-ac", "2", "-ar", str(sound.RATE), "-t", "120"]
    with _run([*command, "-f", "f32le", "pipe:1"]) as process:
        assert process.stdout
        held = process.stdout.read()
        if _was_killed(process):
            raise Refusal("The sound of what arrived can't be decoded.", "Try again, or choose another model.")
    samples = np.frombuffer(held[: len(held) // 8 * 8], "<f4").reshape(-1, 2).T
    return Sound(np.ascontiguousarray(np.clip(samples, -1, 1), np.float32), sound.RATE) if samples.size else None


def _was_killed(process: subprocess.Popen[bytes]) -> bool:
    """Whether a signal has ended it, and not the film; asked once it says no more."""
    return process.wait() < 0


def _run(arguments: list[str]) -> subprocess.Popen[bytes]:
    return ffmpeg.launch_ffmpeg(arguments, subprocess.DEVNULL, stdout=subprocess.PIPE)
