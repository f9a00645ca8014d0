"""Formats: what each kind of clip asks of ffmpeg, and the choices that were made for it.

Knows sizes, rates, colour and encoder settings. Refuses to know files and processes.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from studio.clip import encoders
from studio.frames import Frames
from studio.nouns import Choice, Format

LOOP_RATE = 16  # frames a second of a GIF or animated WebP: enough for a slow camera, a third of the bytes
LOOP_SIDE = 640  # pixels along its long side

_BT709 = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
_TAGS = ("-color_range", "tv", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")


class Plan(NamedTuple):
    """How frames become a file: ffmpeg's arguments before the input and after it, every how many frames one is used
    (`step`), whether the recipe goes in by ffmetadata, the hardware encoder that is relied on (or ""), and the choices."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    step: int
    tagged: bool
    hardware: str
    choices: tuple[Choice, ...]


def plan(frames: Frames, kind: Format) -> Plan:
    """The way to encode these frames in this format. Raises `Refusal` when ffmpeg is missing."""
    if kind == "mp4":
        return _mp4(frames)
    if kind == "webm":
        return _webm(frames)
    return _gif(frames) if kind == "gif" else _webp(frames)


def _to_bt709(frames: Frames) -> str:
    """Filters after which the frames are BT.709 limited-range 4:2:0 and say so."""
    if frames.pixels == "yuv420p":
        return _BT709
    return f"scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_inp,format=yuv420p,{_BT709}"


def _mp4(frames: Frames) -> Plan:
    encoder, choice = encoders.choose(frames.width, frames.height)
    rate = max(1_000_000, round(frames.width * frames.height * frames.fps * 0.12))
    quality = [word.format(rate=rate) for word in encoder.quality]
    chain = _to_bt709(frames)
    if encoder.name != "libx264":
        chain += f",{encoder.upload}"
    after = ("-vf", chain, "-c:v", encoder.name, *quality, "-g", str(frames.fps * 2), *_TAGS)
    hardware = "" if encoder.name == "libx264" else encoder.name
    return Plan(encoder.before, (*after, "-movflags", "+faststart", "-f", "mp4"), 1, True, hardware, (choice,))


def _webm(frames: Frames) -> Plan:
    # Measured on two cores at 720p, a forest dolly: SVT-AV1 preset 10 crf 25 SSIM 0.968, 72 fps, 1.3 MB;
    # VP9 realtime cpu-used 8 crf 28 SSIM 0.966, 55 fps, 2.4 MB.
    quality = ("-c:v", "libsvtav1", "-preset", "10", "-crf", "25", "-g", str(frames.fps * 2))
    after = ("-vf", _to_bt709(frames), *quality, *_TAGS, "-f", "webm")
    why = "quicker than VP9 here and half its size at the same quality; MP4 is for what can't play AV1"
    return Plan((), after, 1, True, "", (Choice("encoder", "SVT-AV1", why),))


def _gif(frames: Frames) -> Plan:
    size, step, choice = _small(frames, "GIF")
    colour = "" if frames.pixels == "rgb24" else f"{_BT709},"
    chain = f"{colour}{size},split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=3"
    return Plan((), ("-filter_complex", chain, "-loop", "0", "-f", "gif"), step, False, "", (choice,))


def _webp(frames: Frames) -> Plan:
    size, step, choice = _small(frames, "WebP")
    quality = ("-c:v", "libwebp_anim", "-quality", "78", "-compression_level", "3", "-loop", "0")
    # libwebp decodes with BT.601 whatever a file says, so it is given RGB and does the conversion itself.
    colour = "" if frames.pixels == "rgb24" else f"{_BT709},"
    return Plan((), ("-vf", f"{colour}{size},format=bgra", *quality, "-f", "webp"), step, False, "", (choice,))


def _small(frames: Frames, name: str) -> tuple[str, int, Choice]:
    step = ceil(frames.fps / LOOP_RATE)
    scale = min(1.0, LOOP_SIDE / max(frames.width, frames.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (frames.width, frames.height))
    rate = f"{frames.fps / step:g}"
    why = f"an animated {name} grows quickly: at most {LOOP_SIDE} px and {LOOP_RATE} fps; MP4 keeps full size"
    return f"scale={width}:{height}:flags=lanczos+accurate_rnd", step, Choice("size", f"{width}x{height}, {rate} fps", why)
