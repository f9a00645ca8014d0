"""ffmpeg's arguments for each kind of file that a place takes: filters to its frame, encoder, container."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from studio.clip import codec_levels, formats
from studio.clip.file_probe import FileFacts
from studio.clip.sound import CODECS
from studio.delivery.delivery_plan import DeliveryPlan
from studio.platforms import FileKind

UNSAID = 2
"""The matrix of a film that doesn't name one (ISO/IEC 23091-4)."""

ENCODERS = {
    ("mp4", "h264"): "libx264", ("mp4", "hevc"): "libx265", ("mov", "prores"): "prores_ks", ("gif", "gif"): "gif",
    ("webm", "av1"): "libsvtav1", ("avif", "av1"): "libsvtav1", ("webp", "webp"): "libwebp_anim",
}  # fmt: skip
"""By container and codec. Software alone: it gives the same file on every machine."""

COLOURS = {256: 80, 128: 0}
"""Colours of a GIF's palette, and the quality from which on it has so many. With fewer a photograph turns grey: a
smaller picture looks better."""

MUXERS = {
    "mp4": formats.MP4_MUXER, "webm": formats.WEBM_MUXER, "avif": ("-loop", "0", "-f", "avif"),
    "mov": ("-movflags", "+faststart+write_colr", "-use_editlist", "0", "-f", "mov"),
    "webp": ("-loop", "0", "-f", "webp"), "gif": ("-loop", "0", "-f", "gif"),
}  # fmt: skip
"""How each container is laid out: its index in front, no edit list, played without end where that can be said."""

_TAGS = ("-color_range", "tv", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
_BUFFER_FULL = 0.9  # seconds at the highest rate that x264's and x265's buffers hold when a film begins
_BLUR_PART = 8  # the blurred ground is made at an eighth of its size: nothing of it is sharp


class Aim(NamedTuple):
    """What is tried: the encoder's quality (`FileKind.quality`), kilobits a second instead where that isn't 0, the
    sides as a share of those planned, and of every how many frames one is shown."""

    quality: int
    kbps: int = 0
    shrink: float = 1.0
    every: int = 1


def size_of(plan: DeliveryPlan, aim: Aim) -> tuple[int, int]:
    """Even width and height of what is written."""
    return (
        max(2, 2 * round(plan.width * aim.shrink / 2)),
        max(2, 2 * round(plan.height * aim.shrink / 2)),
    )


def list_picture(facts: FileFacts, plan: DeliveryPlan, kind: FileKind, aim: Aim) -> list[str]:
    """Filters and encoder. Input 0 is the clip."""
    width, height = size_of(plan, aim)
    graph = _frame(facts, plan, width, height)
    rate = f"fps={plan.rate.numerator}/{plan.rate.denominator * aim.every}"
    if facts.container == "webp" and plan.times > 1:  # its reader can't begin again
        once = round(facts.seconds * plan.rate / aim.every)
        rate += f",loop=loop={plan.times - 1}:size={once}:start=0"
    if kind.container == "gif":
        colours = next(count for count, least in COLOURS.items() if aim.quality >= least)
        last = (
            f"{_convert(facts, width, height, 'bgra')},split[a][b];[a]palettegen=max_colors={colours}:"
            "stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=3"
        )
    else:
        last = _convert(facts, width, height, "bgra" if kind.container == "webp" else kind.pixels)
    chain = f"[0:v:0]{rate}{graph}{last}[v]"
    return [
        "-filter_complex",
        chain,
        "-map",
        "[v]",
        "-frames:v",
        str(ceil(plan.num_frames / aim.every)),
        *_list_encoder(plan, kind, aim),
    ]


def _frame(facts: FileFacts, plan: DeliveryPlan, width: int, height: int) -> str:
    """Filters between the rate and the last scaling, with the commas around them."""
    x, y, wide, high = plan.box
    if plan.fit == "crop" or (wide, high) == (facts.width, facts.height):
        return f",crop={wide}:{high}:{x}:{y}:exact=1," if (wide, high) != (facts.width, facts.height) else ","
    scale = min(width / facts.width, height / facts.height)
    inner = [max(2, 2 * round(side * scale / 2)) for side in (facts.width, facts.height)]
    inside = f"scale={inner[0]}:{inner[1]}:flags=lanczos+accurate_rnd+full_chroma_int,setsar=1"
    if plan.fit == "pad":
        return f",{inside},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=black,"
    small = [max(2, 2 * round(side / _BLUR_PART / 2)) for side in (width, height)]
    ground = (
        f"scale={small[0]}:{small[1]}:force_original_aspect_ratio=increase,crop={small[0]}:{small[1]},setsar=1,"
        f"gblur=sigma=5,eq=brightness=-0.08,scale={width}:{height}:flags=bicubic,setsar=1"
    )
    return f",split[clip][copy];[copy]{ground}[ground];[clip]{inside}[inside];[ground][inside]overlay=(W-w)/2:(H-h)/2,"


def _convert(facts: FileFacts, width: int, height: int, pixels: str) -> str:
    """Scaling to the written size and its pixels: BT.709 of limited range that says so, or RGB."""
    guess = facts.colours[2] == UNSAID and facts.pixels.startswith("yuv") and min(facts.width, facts.height) >= 720
    matrix = ":in_color_matrix=bt709" if guess else ""
    scale = f"scale={width}:{height}:flags=lanczos+accurate_rnd+full_chroma_int{matrix}"
    if not pixels.startswith("yuv"):
        return f"{scale},setsar=1,format={pixels}"
    said = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,setsar=1"
    return f"{scale}:out_color_matrix=bt709:out_range=tv,format={pixels},{said}"


def _list_encoder(plan: DeliveryPlan, kind: FileKind, aim: Aim) -> list[str]:
    name = ENCODERS[kind.container, kind.codec]
    if kind.codec == "gif":
        return ["-c:v", name]
    if kind.codec == "webp":
        return ["-c:v", name, "-quality", str(aim.quality), "-compression_level", "4"]
    if kind.codec == "prores":
        return ["-c:v", name, "-profile:v", "3", "-vendor", "apl0", *_TAGS]
    keys = ceil(plan.rate * kind.key_seconds) if kind.key_seconds else plan.num_frames
    gop = ["-g", str(max(1, min(keys, plan.num_frames))), *_TAGS]
    if kind.codec == "av1":
        return _list_av1(name, kind, aim, gop)
    level = codec_levels.find_level(kind.codec, *size_of(plan, aim), float(plan.rate), kind.most_mbps)
    return _list_h26x(name, kind, aim, [*gop, "-profile:v", kind.profile.lower().replace(" ", "")], level, plan.seconds)


def _list_av1(name: str, kind: FileKind, aim: Aim, gop: list[str]) -> list[str]:
    """AV1 by SVT-AV1; a pyramid of three levels, so that what hardly moves doesn't pulse."""
    crf = aim.quality if kind.container == "webm" else round(63 - aim.quality * 0.55)
    head = ["-c:v", name, "-preset", "8", "-crf", str(crf), "-svtav1-params", "hierarchical-levels=3", *gop]
    if kind.most_mbps:
        head += ["-maxrate", f"{round(kind.most_mbps * 1000)}k"]
    return head


def _limit_rate(kind: FileKind, seconds: float) -> int:
    """Kilobits a second that keep a film below its place's bit rate: an encoder's buffer, here of a second, begins
    nearly full, and of a short film what it holds counts; 0 where nothing limits it."""
    return int(kind.most_mbps * 1000 * seconds / (seconds + _BUFFER_FULL))


def _list_h26x(name: str, kind: FileKind, aim: Aim, head: list[str], level: str, seconds: float) -> list[str]:
    """H.264 by x264, HEVC by x265: a quality that never passes the bit rate, or two passes at one rate."""
    asked = ["-b:v", f"{aim.kbps}k"] if aim.kbps else ["-crf", str(aim.quality)]
    most = min(each for each in (_limit_rate(kind, seconds), aim.kbps) if each) if kind.most_mbps or aim.kbps else 0
    if most:
        asked += ["-maxrate", f"{most}k", "-bufsize", f"{most}k"]
    frames = "0" if not kind.b_frames else "2"
    if kind.codec == "hevc":
        extra = f"log-level=error:bframes={frames}:open-gop=0:repeat-headers=0"
        made = ["-c:v", name, "-preset", "fast", "-tag:v", "hvc1", "-x265-params", extra]
    else:
        made = ["-c:v", name, "-preset", "faster", "-bf", frames, "-level:v", level or kind.level]
        made += ["-x264-params", "open-gop=0:aq-mode=3"]
    return [*made, *head, *asked]


def list_sound(kind: FileKind) -> list[str]:
    """The encoder of the sound, which is input 1."""
    if kind.container == "mov":
        return ["-map", "1:a:0", "-c:a", "pcm_s24le", "-ar", "48000"]
    return ["-map", "1:a:0", *CODECS["webm" if kind.container == "webm" else "mp4"][1]]
