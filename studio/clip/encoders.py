"""H.264 encoders: a hardware one when it has been seen to work here, otherwise libx264, each asked for the same
quality.

An encoder counts only when it has encoded a tenth of a second on this machine; drivers and names prove nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from functools import cache
from typing import IO, NamedTuple

from studio.clip import ffmpeg
from studio.nouns import Choice

DRAFT_SIDE = 360
"""The short side in pixels up to which a clip is a draft."""

_PATIENCE = 8.0  # seconds for one probe; a driver that hangs is a driver that doesn't work


class Encoder(NamedTuple):
    """An H.264 encoder: its ffmpeg name, a title, what goes before the input, the filter chain's end, its quality."""

    name: str
    title: str
    quality: tuple[str, ...]
    before: tuple[str, ...] = ()
    upload: str = "format=yuv420p"
    platforms: tuple[str, ...] = ("linux", "win32")


# Each asks for a constant quality near libx264 veryfast at crf 19; only V4L2 M2M knows no such thing and gets a bit
# rate.
HARDWARE = (
    Encoder("h264_nvenc", "NVIDIA NVENC", ("-preset", "p4", "-rc", "vbr", "-cq", "22", "-b:v", "0")),
    Encoder("h264_qsv", "Intel Quick Sync", ("-preset", "medium", "-global_quality", "21"), upload="format=nv12"),
    Encoder("h264_amf", "AMD AMF", ("-quality", "balanced", "-rc", "cqp", "-qp_i", "20", "-qp_p", "22", "-qp_b", "24")),
    Encoder(
        "h264_vaapi",
        "VA-API",
        ("-rc_mode", "CQP", "-qp", "21"),
        before=("-init_hw_device", "vaapi=card", "-filter_hw_device", "card"),
        upload="format=nv12,hwupload",
        platforms=("linux",),
    ),
    Encoder("h264_videotoolbox", "Apple VideoToolbox", ("-q:v", "68", "-allow_sw", "0"), platforms=("darwin",)),
    Encoder("h264_v4l2m2m", "V4L2 M2M", ("-b:v", "{rate}"), platforms=("linux",)),
)
_EVEN = "b-adapt=0:bframes=3:b-pyramid=none:aq-mode=3"
"""What keeps x264 from pulsing where hardly anything moves: always three B frames, none of them leant on, so that no
frame is much better than its neighbours; and more bits for the dark, where gradients band (aq-mode 3). On nine
near-still clips, with one key frame, 0.6 of the bytes that two-second groups and x264's own choice of B frames took,
0.8 dB more, in 0.9 of the time."""

SOFTWARE = Encoder(
    "libx264", "libx264", ("-preset", "veryfast", "-crf", "19", "-x264-params", f"rc-lookahead=15:{_EVEN}")
)
DRAFT = Encoder("libx264", "libx264", ("-preset", "superfast", "-crf", "21", "-x264-params", _EVEN))

_END = ((8, 5, 1.2), (4, 1, 1.5))
"""The last frames of a loop, counted from its end, and how many times the bits they get."""


def lift_end(num_frames: int) -> str:
    """x264's parameters for the end of a loop: more bits, since by macroblock tree it spends little on frames that
    nothing comes after, and a looped film's last ones then differ from its first. With them the seam of eight loops at
    720p was 0.9 of what it was without, with 1.06 of the bytes."""
    if num_frames < 2 * _END[0][0]:
        return ""
    return ":zones=" + "/".join(f"{num_frames - first},{num_frames - last},b={bits}" for first, last, bits in _END)


_lock = threading.Lock()
_broken: set[str] = set()


class Verdict(NamedTuple):
    """What a probe found: the encoder, whether it encoded, and the reason in a few words."""

    encoder: Encoder
    works: bool
    reason: str


def _start_probe(encoder: Encoder) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    errors = tempfile.TemporaryFile()  # noqa: SIM115  (read after the process has ended)
    source = ["-f", "lavfi", "-i", "testsrc=size=640x360:rate=30:duration=0.1"]
    quality = [word.format(rate=2_000_000) for word in encoder.quality]
    arguments = [*encoder.before, *source, "-vf", encoder.upload, "-c:v", encoder.name, *quality, "-f", "null", "-"]
    return ffmpeg.launch_ffmpeg(arguments, errors), errors


def _judge(encoder: Encoder, process: subprocess.Popen[bytes], errors: IO[bytes]) -> Verdict:
    try:
        code = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return Verdict(encoder, False, f"did not answer within {_PATIENCE:.0f} seconds")
    with errors:
        errors.seek(0)
        words = errors.read(4096).decode(errors="replace").strip().splitlines()
    if code == 0:
        return Verdict(encoder, True, "encoded a test picture on this machine")
    why = re.sub(r"^\[[^\]]*\]\s*|:\s*-?\d+\.?$|\.$", "", words[0])[:120] if words else f"it ended with {code}"
    return Verdict(encoder, False, why)


def try_out(candidates: Iterable[Encoder]) -> tuple[Verdict, ...]:
    """Have each encoder encode a tenth of a second, all at the same time. Raises `Refusal` without ffmpeg."""
    running = [(encoder, *_start_probe(encoder)) for encoder in candidates]
    return tuple(_judge(*one) for one in running)


@cache
def _probe_once() -> tuple[Verdict, ...]:
    return try_out(encoder for encoder in HARDWARE if sys.platform in encoder.platforms)


def probe_hardware() -> tuple[Verdict, ...]:
    """Every hardware encoder of this platform, all tried at once, once for the process. Raises `Refusal` without
    ffmpeg.
    """
    with _lock:
        return _probe_once()


def give_up(name: str) -> None:
    """Don't use this hardware encoder again in this process: it passed its probe and then failed at real work."""
    _broken.add(name)


def choose_encoder(width: int, height: int) -> tuple[Encoder, Choice]:
    """The H.264 encoder for frames of this size in pixels, and why."""
    if min(width, height) <= DRAFT_SIDE:
        return DRAFT, Choice(
            "encoder", "libx264 superfast", f"a draft ({DRAFT_SIDE}p or less) is done before hardware wakes up"
        )
    verdicts = [verdict for verdict in probe_hardware() if verdict.encoder.name not in _broken]
    for verdict in verdicts:
        if verdict.works:
            return verdict.encoder, Choice("encoder", verdict.encoder.title, f"it {verdict.reason}")
    tried = ", ".join(verdict.encoder.title for verdict in verdicts) or "none was left"
    return SOFTWARE, Choice("encoder", "libx264 veryfast", f"no hardware encoder worked here ({tried})")


def describe_encoders() -> tuple[Choice, ...]:
    """What is used for clips above a draft's size and why, then every hardware encoder that was tried."""
    _, chosen = choose_encoder(1280, 720)
    tried = (Choice(v.encoder.title, "works" if v.works else "not here", v.reason) for v in probe_hardware())
    return (chosen, *tried)
