"""Formats (MP4, WebM, GIF, WebP): ffmpeg's arguments, the choices made, and what a file holds, foretold and read."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple

from studio.cards import Outcome
from studio.clip import encoders, gif_webp
from studio.frames import Frames
from studio.nouns import LONG_SIDES, Choice, Format

LOOP_RATE = 20
"""The most frames a second of a GIF or animated WebP: smooth, and a 60 Hz screen shows each for three of its own."""

LOOP_RATES = (1, 2, 4, 5, 10, LOOP_RATE)
"""The rates whose frames last whole hundredths of a second, which is how a GIF tells time. 24 would be 4 or 5 of them
in turn.
"""

MOST_BETWEEN_KEYS, LARGE_BETWEEN_KEYS = 10.0, 6.0
"""The most seconds from one key frame to the next, up to a megapixel and above. A key frame is drawn anew, so its grain
isn't that of the frame before it: where hardly anything moves that is a pulse. Up to this length a clip has only its
first. It costs seeking, for which a player decodes from the key frame on: in 10 s at 720p Chromium takes 0.3 s on two
busy cores, with a key frame every two seconds 0.1 s; at 1080p twice that."""

LOOP_TAIL = 9
"""Frames of a loop's beginning that SVT-AV1 is given once more after its end, and whose packets are dropped: it spends
less on frames that nothing comes after, and a looped film's last ones then differ from its first. One more than it
takes together at three levels; of AV1 every beginning can be shown. With them the seam of eight loops at 720p was 0.8
of what it was without, with 1.03 of the bytes."""

LOOP_SIDE = LONG_SIDES["gif"]
TICKS: dict[Format, int] = {"gif": gif_webp.GIF_TICKS, "webp": gif_webp.WEBP_TICKS}
TITLES: dict[Format, str] = {"mp4": "MP4", "webm": "WebM", "gif": "GIF", "webp": "WebP"}

_BT709 = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,setsar=1"
RGB_TO_BT709 = (
    f"scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_inp,format=yuv420p,{_BT709}"
)
"""ffmpeg's filters after which RGB frames are BT.709 limited-range 4:2:0 with square pixels, and say so; its default is
BT.601, unsaid."""
MP4_MUXER = ("-movflags", "+faststart+negative_cts_offsets", "-use_editlist", "0", "-f", "mp4")
"""How an MP4 is laid out: its index in front, and no edit list: Meta's rules forbid what ffmpeg writes to hide that B
frames come late. Instead a frame may be shown before the time at which it is decoded (ISO/IEC 14496-12, 8.6.1.3,
version 1), so that the first is shown at 0."""
WEBM_MUXER = ("-cues_to_front", "1", "-disposition:v", "default", "-f", "webm")
"""How a WebM is laid out: its index in front, and its picture's track marked as the one to play."""
_TAGS = ("-color_range", "tv", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")


class Plan(NamedTuple):
    """How frames become a file: ffmpeg's arguments before the input and after it, every how many frames one is used
    (`step`), whether the recipe goes in by ffmetadata, the hardware encoder that is relied on (or ""), the choices, and
    how many of the first frames are sent once more after the last (`tail`).
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    step: int
    tagged: bool
    hardware: str
    choices: tuple[Choice, ...]
    tail: int = 0


def plan_encoding(frames: Frames, kind: Format, loop: bool) -> Plan:
    """The way to encode these frames in this format. loop: the first frame follows the last one, and the seam between
    them is looked after. Raises `Refusal` when ffmpeg is missing.
    """
    if kind == "mp4":
        return _plan_mp4(frames, loop)
    if kind == "webm":
        return _plan_webm(frames, loop)
    return _plan_gif(frames) if kind == "gif" else _plan_webp(frames)


def choose_key_interval(frames: Frames, tail: int = 0) -> int:
    """Every how many frames one is a key frame: the clip in equal parts of at most MOST_BETWEEN_KEYS, so in one up to
    that. tail: so many frames come after it, of which none is to be one.
    """
    most = MOST_BETWEEN_KEYS if frames.width * frames.height <= 1_000_000 else LARGE_BETWEEN_KEYS
    return ceil((frames.num_frames + tail) / ceil(frames.num_frames / (frames.fps * most)))


def _convert_to_bt709(frames: Frames) -> str:
    """Filters after which the frames are BT.709 limited-range 4:2:0 and say so."""
    if frames.pixels == "yuv420p":
        return _BT709
    return RGB_TO_BT709


def _plan_mp4(frames: Frames, loop: bool) -> Plan:
    encoder, choice = encoders.choose_encoder(frames.width, frames.height)
    rate = max(1_000_000, round(frames.width * frames.height * frames.fps * 0.12))
    quality = [word.format(rate=rate) for word in encoder.quality]
    if loop and encoder == encoders.SOFTWARE:
        quality[-1] += encoders.lift_end(frames.num_frames)
    chain = _convert_to_bt709(frames)
    if encoder.name != "libx264":
        chain += f",{encoder.upload}"
    after = ("-vf", chain, "-c:v", encoder.name, *quality, "-g", str(choose_key_interval(frames)), *_TAGS)
    hardware = "" if encoder.name == "libx264" else encoder.name
    return Plan(encoder.before, (*after, *MP4_MUXER), 1, True, hardware, (choice,))


def _plan_webm(frames: Frames, loop: bool) -> Plan:
    # Measured on two cores at 720p, a forest dolly: SVT-AV1 preset 10 crf 25 SSIM 0.968, 72 fps, 1.3 MB;
    # VP9 realtime cpu-used 8 crf 28 SSIM 0.966, 55 fps, 2.4 MB.
    # A pyramid of three levels instead of five: frames differ less in quality, so that what hardly moves doesn't pulse.
    quality = ("-c:v", "libsvtav1", "-preset", "10", "-crf", "23", "-svtav1-params", "hierarchical-levels=3")
    tail = min(LOOP_TAIL, frames.num_frames) if loop else 0
    cut = ("-bsf:v", f"noise=drop=gte(n\\,{frames.num_frames})") if tail else ()
    keys = ("-g", str(choose_key_interval(frames, tail)))
    after = ("-vf", _convert_to_bt709(frames), *quality, *keys, *cut, *_TAGS, *WEBM_MUXER)
    why = "quicker than VP9 here and half its size at the same quality; MP4 is for what can't play AV1"
    return Plan((), after, 1, True, "", (Choice("encoder", "SVT-AV1", why),), tail)


def _plan_gif(frames: Frames) -> Plan:
    size, step, choices = _shrink(frames, "gif")
    colour = "" if frames.pixels == "rgb24" else f"{_BT709},"
    chain = f"{colour}{size},split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=3"
    return Plan((), ("-filter_complex", chain, "-loop", "0", "-f", "gif"), step, False, "", choices)


def _plan_webp(frames: Frames) -> Plan:
    size, step, choices = _shrink(frames, "webp")
    # Every frame as a picture of its own; gif_webp.join_webp makes one file of them.
    quality = ("-c:v", "libwebp", "-quality", "78", "-compression_level", "3", "-f", "image2pipe")
    # libwebp decodes with BT.601 whatever a file says, so it is given RGB and does the conversion itself.
    colour = "" if frames.pixels == "rgb24" else f"{_BT709},"
    return Plan((), ("-vf", f"{colour}{size},format=bgra", *quality), step, False, "", choices)


def _shrink(frames: Frames, kind: Format) -> tuple[str, int, tuple[Choice, ...]]:
    """The filter that makes frames small enough to loop, every how many of them one is used, and why where that is a
    change.
    """
    made = foretell_outcome(frames.width, frames.height, frames.fps, frames.num_frames, kind)
    scale = f"scale={made.width}:{made.height}:flags=lanczos+accurate_rnd,setsar=1"
    step = ceil(frames.fps / LOOP_RATE)
    if (made.width, made.height, step) == (frames.width, frames.height, 1):
        return scale, step, ()
    rate = f", {made.fps:.3g} fps" if made.fps else ""
    why = f"an animated {TITLES[kind]} grows quickly: at most {LOOP_SIDE} px and {LOOP_RATE} fps; MP4 keeps full size"
    return scale, step, (Choice("size", f"{made.width}x{made.height}{rate}", why),)


# What a file will hold ----------------------------------------------------------------------------------------------


def foretell_outcome(width: int, height: int, fps: int, num_frames: int, kind: Format) -> Outcome:
    """What a file of this format holds of so many frames of this size: what `read_outcome` reads from it once it is
    made.

    MP4 and WebM hold all of them. A GIF or WebP is made small, holds every second or third frame of a rate over
    LOOP_RATE and lasts as long; of one frame it is a still picture.
    """
    if kind not in TICKS:
        return Outcome(width, height, num_frames, float(fps), num_frames / fps)
    scale = min(1.0, LOOP_SIDE / max(width, height))
    small = [max(2, round(side * scale / 2) * 2) for side in (width, height)]
    shown = list_delays(fps, num_frames, kind)
    if len(shown) == 1:
        return Outcome(small[0], small[1], 1, 0.0, 0.0)
    seconds = sum(shown) / TICKS[kind]
    return Outcome(small[0], small[1], len(shown), len(shown) / seconds, seconds)


def list_delays(fps: int, num_frames: int, kind: Format) -> list[int]:
    """How long each frame of a GIF or WebP is shown, in `TICKS` of a second: together as long as the frames they come
    from, and all alike where the format can say that."""
    count = ceil(num_frames / ceil(fps / LOOP_RATE))
    if count == 1:
        return [0]
    total = max(count, round(num_frames / fps * TICKS[kind]))
    ends = [round(total * index / count) for index in range(count + 1)]
    return [end - start for start, end in pairwise(ends)]


def choose_loop_rate(fps: int) -> int:
    """The rate that a GIF or WebP is painted at when this one is wished for: the highest up to it whose frames all last
    equally long. Each frame more is that much more to send: 3 s of a detailed photo are 11 MB at 20, half of that at
    10."""
    return max(rate for rate in LOOP_RATES if rate <= max(fps, 1))


def read_outcome(file: Path) -> Outcome:
    """A clip's own facts. A GIF or WebP of one frame is a still picture: no rate, no length. Raises `OSError`,
    `ValueError`.
    """
    with file.open("rb") as source:
        head = source.read(16)
        if head[:4] == b"GIF8":
            return _describe_loop(*gif_webp.read_gif_delays(source), gif_webp.GIF_TICKS)
        if head[8:12] == b"WEBP":
            return _describe_loop(*gif_webp.read_webp_delays(source), gif_webp.WEBP_TICKS)
    return _read_video(file)


def _describe_loop(width: int, height: int, delays: list[int], ticks: int) -> Outcome:
    if len(delays) < 2:
        return Outcome(width, height, len(delays), 0.0, 0.0)
    seconds = sum(delays) / ticks
    return Outcome(width, height, len(delays), len(delays) / seconds if seconds else 0.0, seconds)


def _read_video(file: Path) -> Outcome:
    """Of the video track: packets are counted, not decoded, and the rate is the track's own."""
    import av

    with av.open(str(file)) as video:
        stream = video.streams.video[0]
        count = sum(1 for packet in video.demux(stream) if packet.size)
        rate = float(stream.average_rate or 0)
        return Outcome(
            stream.codec_context.width, stream.codec_context.height, count, rate, count / rate if rate else 0.0
        )
