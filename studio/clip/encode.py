"""Encoding: frames streamed to ffmpeg with sound, recipe and a PNG poster; the clip is there whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.cards import Outcome
from studio.clip import encoders as _encoders
from studio.clip import ffmpeg, formats, gif_webp, recipe, sound
from studio.clip.formats import read_outcome
from studio.frames import Frames, Pixels
from studio.nouns import Choice, Progress, Refusal, Shot
from studio.system_errors import explain_system_error, is_disk_full

_BITS_PER_PIXEL = 0.5  # more than libx264 at crf 19 needs for a busy picture, and MP4 is written before it is moved
_SPARE_BYTES = 16 << 20


class Encoded(NamedTuple):
    """A finished clip: the file, its PNG poster (the frame that `Frames.poster` says), what the file itself says it
    holds, and its bytes."""

    file: Path
    poster: Path
    outcome: Outcome
    bytes: int
    choices: tuple[Choice, ...]


def list_encoders() -> tuple[Choice, ...]:
    """The encoder that is used and why, then every hardware encoder that was tried here (once for the process)."""
    return _encoders.describe_encoders()


def encode(frames: Frames, dest: Path, shot: Shot, tick: Callable[[Progress], None], silence: str = "") -> Encoded:
    """Write `frames` to `dest` in `shot.format`, the poster to `dest` with .png and the recipe to `dest` with .json.

    Sound becomes a track of MP4 and WebM, as long as the picture; a GIF or WebP drops it and says so. silence: why a
    clip that isn't heard gets a silent track (presets.explain_silent_track); "" for none. Frames are
    rendered while earlier ones are encoded; memory doesn't grow with the clip. `tick` gets a `Progress` for every frame
    ("paint") and one while the file is closed ("encode"). Nothing appears under the final names before the clip is
    whole. Raises `Refusal` for a full disk, an unwritable folder, a missing or failing ffmpeg; whatever else is raised
    by `tick` or by the frames passes through. In every case ffmpeg is ended, `frames.images` closed and partial files
    gone.
    """
    parts = _name_parts(dest)
    try:
        _require_room(frames, dest)
        plan = formats.plan_encoding(frames, shot.format, shot.loops)
        parts.meta.write_text(recipe.format_ffmetadata(shot) if plan.tagged else "", encoding="utf-8", newline="\n")
        if frames.sound and sound.has_sound(frames, shot.format, shot.sound or shot.finish is not None):
            sound.write_wav(frames.sound, frames.num_frames / frames.fps, parts.sound)
        _stream(frames, plan, parts, _list_inputs(frames, shot, plan, parts, silence), tick)
        _set_delays(frames, shot, parts)
        recipe.embed_recipe(parts.clip, shot)
        parts.recipe.write_text(shot.to_json(), encoding="utf-8")
        size = parts.clip.stat().st_size
        poster, beside = dest.with_suffix(".png"), dest.with_suffix(".json")
        for part, final in ((parts.poster, poster), (parts.recipe, beside), (parts.clip, dest)):
            part.replace(final)
        heard = sound.explain_sound(frames, shot, silence)
        return Encoded(dest, poster, read_outcome(dest), size, (*frames.choices, *plan.choices, *heard))
    except OSError as error:
        refusal = _find_refusal(error, dest)
        if refusal is None:
            raise
        raise refusal from None
    finally:
        close = getattr(frames.images, "close", None)
        if close is not None:
            close()
        for part in parts:
            part.unlink(missing_ok=True)


class _Parts(NamedTuple):
    clip: Path
    poster: Path
    recipe: Path
    meta: Path
    sound: Path
    stills: Path


def _name_parts(dest: Path) -> _Parts:
    token = secrets.token_hex(4)
    return _Parts(
        *(dest.with_name(f".{token}.{kind}.part") for kind in ("clip", "poster", "recipe", "meta", "sound", "stills"))
    )


def _require_room(frames: Frames, dest: Path) -> None:
    need = round(frames.width * frames.height * frames.num_frames * _BITS_PER_PIXEL / 8) + _SPARE_BYTES
    if shutil.disk_usage(dest.parent).free < need:
        raise Refusal(
            "There isn't enough room on the disk for this clip.", f"Free about {need >> 20} MB, then try again."
        )


def _find_refusal(error: OSError, dest: Path) -> Refusal | None:
    if is_disk_full(error):
        return ffmpeg.refuse_full_disk()
    place = None if error.filename is None else Path(os.fsdecode(error.filename))
    if place is not None and dest.parent in (place, place.parent):
        why = error.strerror or type(error).__name__
        return explain_system_error(error) or Refusal(
            f"The folder {dest.parent.name} can't be written ({why}).", "Choose another folder, or allow writing to it."
        )
    return None


def _list_inputs(frames: Frames, shot: Shot, plan: formats.Plan, parts: _Parts, silence: str) -> list[str]:
    """What ffmpeg is given besides the frames, which are its first input: the sound, and the recipe as tags."""
    given: list[str] = []
    if parts.sound.exists():
        given += ["-f", "wav", "-i", f"file:{parts.sound}"]
    elif sound.explain_silence(shot.format, silence):
        given += sound.list_silence(frames.num_frames / frames.fps)
    has_track = bool(given)
    if plan.tagged:
        given += ["-f", "ffmetadata", "-i", f"file:{parts.meta}", "-map_metadata", "2" if has_track else "1"]
    if has_track:
        given += ["-map", "0:v", "-map", "1:a", *sound.CODECS[shot.format][1]]
    return given


def _set_delays(frames: Frames, shot: Shot, parts: _Parts) -> None:
    """Have a GIF or WebP show each frame as long as was promised. Raises `ValueError` when it hasn't the frames."""
    if shot.format == "gif":
        gif_webp.set_gif_delays(parts.clip, formats.list_delays(frames.fps, frames.num_frames, "gif"))
    elif shot.format == "webp":
        made = formats.foretell_outcome(frames.width, frames.height, frames.fps, frames.num_frames, "webp")
        shown = formats.list_delays(frames.fps, frames.num_frames, "webp")
        parts.clip.replace(parts.stills)
        gif_webp.join_webp(parts.stills, parts.clip, (made.width, made.height), shown)


def _stream(
    frames: Frames, plan: formats.Plan, parts: _Parts, given: list[str], tick: Callable[[Progress], None]
) -> None:

    size = f"{frames.width}x{frames.height}"
    raw = [
        "-f",
        "rawvideo",
        "-pixel_format",
        frames.pixels,
        "-video_size",
        size,
        "-framerate",
        f"{frames.fps}/{plan.step}",
    ]
    yields = min(frames.width, frames.height) > _encoders.DRAFT_SIDE
    pipe = ffmpeg.Pipe([*plan.before, *raw, "-i", "pipe:0", *given, *plan.after, "-y", f"file:{parts.clip}"], yields)
    began = time.monotonic()
    try:
        shown = _feed(frames, plan, pipe, lambda done: tick(_make_progress(frames, done, began)))
        pipe.end()
        tick(Progress("encode", frames.num_frames, frames.num_frames, "", time.monotonic() - began))
        parts.poster.write_bytes(make_poster(shown, frames.pixels))
        pipe.finish()
    except Refusal:
        if plan.hardware:
            _encoders.give_up(plan.hardware)
        raise
    finally:
        pipe.kill()


def _feed(frames: Frames, plan: formats.Plan, pipe: ffmpeg.Pipe, painted: Callable[[int], None]) -> NDArray[np.uint8]:
    """Send every `plan.step`th frame, and the first `plan.tail` once more. Returns the one for the poster."""
    expected = frames.width * frames.height * 3 // (1 if frames.pixels == "rgb24" else 2)
    shown, first = np.empty(0, np.uint8), []
    for index, frame in enumerate(frames.images):
        if frame.nbytes != expected:
            raise ValueError(f"frame {index} has {frame.nbytes} bytes where {expected} were promised")
        if index % plan.step == 0:
            pipe.write(frame)
        if index < plan.tail:
            first.append(frame.copy())
        if index == frames.poster:
            shown = frame
        painted(index + 1)
    for frame in first:
        pipe.write(frame)
    return shown


def _make_progress(frames: Frames, done: int, began: float) -> Progress:
    elapsed = time.monotonic() - began
    remaining = elapsed / done * max(0, frames.num_frames - done) if elapsed > 0.25 else None
    return Progress("paint", done, frames.num_frames, "", elapsed, remaining)


# Inverse of ITU-R BT.709-6 table 3 for limited range: Y 16..235, Cb and Cr 16..240; rows give B, G, R from (Y, Cb, Cr,
# 1).
_Y, _C = 255 / 219, 255 / 224
_BLUE, _GREEN_B, _GREEN_R, _RED = 1.8556 * _C, -0.187324 * _C, -0.468124 * _C, 1.5748 * _C
_TO_BGR = np.array(
    [
        [_Y, _BLUE, 0.0, -16 * _Y - 128 * _BLUE],
        [_Y, _GREEN_B, _GREEN_R, -16 * _Y - 128 * (_GREEN_B + _GREEN_R)],
        [_Y, 0.0, _RED, -16 * _Y - 128 * _RED],
    ]
)


def _convert_to_bgr(frame: NDArray[np.uint8], pixels: Pixels) -> NDArray[np.uint8]:
    if pixels == "rgb24":
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), np.uint8)
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = np.ascontiguousarray(frame[height:]).reshape(2, height // 2, width // 2)
    planes = [frame[:height], *(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in chroma)]
    return np.asarray(cv2.transform(cv2.merge(planes), _TO_BGR), np.uint8)


def make_poster(frame: NDArray[np.uint8], pixels: Pixels) -> bytes:
    """A frame as PNG bytes with an sRGB chunk. rgb24: (H, W, 3); yuv420p: (H * 3 // 2, W), BT.709 limited range."""
    _, made = cv2.imencode(".png", _convert_to_bgr(frame, pixels))
    picture = made.tobytes()
    body = b"sRGB\x00"  # perceptual intent, PNG specification 11.3.2.5
    chunk = struct.pack(">I", 1) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 12 + 13  # the signature, then IHDR with its length, type and checksum
    return picture[:header] + chunk + picture[header:]
