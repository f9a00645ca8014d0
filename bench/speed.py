"""How long a clip takes: against encoding its frames alone, against zooming tools, a draft against a final, and memory.

All on the same photo and machine, in turns, so that a busy moment falls on everyone; medians of five.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import clips, turns
from bench.clips import PHOTO, RUNS, middle, scratch, table, verdict
from studio.clip.encode import encode
from studio.clip.ffmpeg import find_ffmpeg
from studio.config import ROOT
from studio.frames import Frames
from studio.nouns import Shot

WIDTH, HEIGHT, FPS, SECONDS = 1280, 720, 24, 5.0
NUM_FRAMES = int(FPS * SECONDS)
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "19", "-pix_fmt", "yuv420p", "-movflags", "+faststart")

MOST_OVER_ENCODING, MOST_DRAFT, MOST_GROWTH, MOST_MB = 1.35, 0.4, 1.15, 1024


def zoompan(supersampling: int) -> None:
    """ffmpeg's Ken Burns: the photo scaled to the clip's size times `supersampling`, then zoompan."""
    large = f"scale={WIDTH * supersampling}:{HEIGHT * supersampling}:force_original_aspect_ratio=increase"
    cut = f"crop={WIDTH * supersampling}:{HEIGHT * supersampling}"
    zoom = f"zoompan=z='1+0.12*on/{NUM_FRAMES}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={NUM_FRAMES}:s={WIDTH}x{HEIGHT}:fps={FPS}"
    filters = ["-vf", f"{large},{cut},{zoom}", "-frames:v", str(NUM_FRAMES)]
    command = [find_ffmpeg(), "-loglevel", "error", "-y", "-i", str(PHOTO), *filters, *X264, str(scratch("zoompan.mp4"))]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def moviepy() -> None:
    """MoviePy's Ken Burns: an image clip resized by a function of time and cropped."""
    from moviepy import CompositeVideoClip, ImageClip

    photo = ImageClip(str(PHOTO)).with_duration(SECONDS)
    scale = max(WIDTH / photo.w, HEIGHT / photo.h)
    moving = photo.resized(lambda t: scale * (1 + 0.12 * t / SECONDS)).with_position("center")
    clip = CompositeVideoClip([moving], size=(WIDTH, HEIGHT))
    settings = {"fps": FPS, "codec": "libx264", "preset": "veryfast", "logger": None, "audio": False}
    clip.write_videofile(str(scratch("moviepy.mp4")), ffmpeg_params=["-crf", "19", "-movflags", "+faststart"], **settings)


def encode_alone(images: list[NDArray[np.uint8]], made: Frames, shot: Shot) -> None:
    """Encode frames that are in memory already."""
    again = Frames(iter(images), made.width, made.height, FPS, NUM_FRAMES, made.pixels)
    encode(again, scratch("alone.mp4"), shot, clips.ignore)


def in_turns(works: dict[str, Callable[[int], object]], runs: int) -> dict[str, float]:
    """The median time of each, every one run once a round."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(runs):
        for name, work in works.items():
            times[name].append(clips.seconds(lambda work=work, number=number: work(number)))
            print(".", end="", file=sys.stderr, flush=True)
    return {name: middle(each) for name, each in times.items()}


def clip_and_tools() -> None:
    """(a), (b) and (c): one table each."""
    clips.make(clips.unseen(99), "720p", SECONDS, FPS)  # warm: networks loaded, encoders probed
    frames, shot = clips.animate(PHOTO, "720p", SECONDS, FPS)
    images = [image.copy() for image in frames.images]
    # A new number for every run and work: nothing that was remembered of a photo may help the next.
    times = in_turns(
        {
            "alone": lambda number: encode_alone(images, frames, shot),
            "new": lambda number: clips.make(clips.unseen(100 + number), "720p", SECONDS, FPS),
            "read": lambda number: clips.make(clips.unseen(100 + number), "720p", SECONDS, FPS),
            "draft": lambda number: clips.make(clips.unseen(200 + number), "360p", 4.0, 16),
            "zoompan x4": lambda number: zoompan(4),
            "zoompan": lambda number: zoompan(1),
            "moviepy": lambda number: moviepy(),
        },
        RUNS,
    )
    _print_clip(times)
    _print_tools(times)


def other_photos() -> None:
    """(a) again: what it takes depends on the photo, in painting (layers, outlines) and in encoding (detail)."""
    rows: list[tuple[str, ...]] = []
    for photo in clips.OTHERS:
        frames, shot = clips.animate(photo, "720p", SECONDS, FPS)
        images = [image.copy() for image in frames.images]
        times = in_turns(
            {
                "alone": lambda number, i=images, f=frames, s=shot: encode_alone(i, f, s),
                "new": lambda number, p=photo: clips.make(clips.unseen(300 + number, p), "720p", SECONDS, FPS),
                "read": lambda number, p=photo: clips.make(clips.unseen(300 + number, p), "720p", SECONDS, FPS),
            },
            RUNS,
        )
        new, read = (verdict(times[key] / times["alone"], MOST_OVER_ENCODING) for key in ("new", "read"))
        rows.append((photo.stem, f"{times['alone']:.2f} s", f"{times['read']:.2f} s", read, f"{times['new']:.2f} s", new))
    head = ("photo", "encoding alone", "read before", "times encoding", "new", "times encoding")
    table("The same with other photos", head, rows)


def _print_clip(times: dict[str, float]) -> None:
    alone = times["alone"]
    rows = [
        (name, f"{times[key]:.2f} s", f"{NUM_FRAMES / times[key]:.0f}", verdict(times[key] / alone, MOST_OVER_ENCODING))
        for name, key in (("a new photo", "new"), ("a photo that was read before", "read"))
    ]
    rows.insert(0, ("encoding the same frames alone", f"{alone:.2f} s", f"{NUM_FRAMES / alone:.0f}", "1"))
    table("A 5 s 720p24 clip, photo on disk to playable MP4, engine warm", ("what", "time", "frames/s", "times encoding"), rows)
    draft = verdict(times["draft"] / times["new"], MOST_DRAFT)
    rows = [
        ("final, 1280x720, 24 fps, 5 s", f"{times['new']:.2f} s", "1"),
        ("draft, 640x360, 16 fps, 4 s", f"{times['draft']:.2f} s", draft),
    ]
    table("The first draft of a new photo", ("clip", "time", "of the final's"), rows)


def _print_tools(times: dict[str, float]) -> None:
    names = {
        "new": "Stir, parallax, a new photo",
        "read": "Stir, parallax, read before",
        "zoompan x4": "ffmpeg zoompan, 4x supersampling",
        "zoompan": "ffmpeg zoompan",
        "moviepy": "MoviePy, resized by a function",
    }
    rows = [(name, f"{times[key]:.2f} s", f"{NUM_FRAMES / times[key]:.0f}") for key, name in names.items()]
    title = "The same clip with tools that only zoom (same photo, size, length and libx264 settings)"
    table(title, ("tool", "time", "frames/s"), rows)


def _peak(seconds: float) -> tuple[float, float]:
    """Peak resident memory in MB of a fresh process that makes one 1080p30 clip, and of its largest child (ffmpeg)."""
    command = [sys.executable, "-m", "bench.memory", str(PHOTO), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    own, child = (int(word) / 2**20 for word in done.stdout.split()[-2:])
    return own, child


def memory() -> None:
    """(d): a long clip takes no more memory than a short one."""
    lengths = {seconds: _peak(seconds) for seconds in (3.0, 10.0)}
    short, long = lengths[3.0], lengths[10.0]
    rows = [(f"{length:g} s", f"{own:.0f} MB", f"{child:.0f} MB") for length, (own, child) in lengths.items()]
    rows.append(("10 s over 3 s", verdict(long[0] / short[0], MOST_GROWTH), f"{long[1] / short[1]:.2f}"))
    judged = "within" if max(short[0], long[0]) <= MOST_MB else "over"
    title = f"Peak memory of a 1080p30 clip, each in a fresh process ({judged} {MOST_MB} MB)"
    table(title, ("length", "Stir", "its ffmpeg"), rows)


def run(photo: Path = PHOTO) -> None:
    """Print every table of this bench, or with STIR_BENCH_BASE the one that compares with the build that is there."""
    print(f"\n## Speed ({photo.name})")
    older = os.environ.get("STIR_BENCH_BASE")
    if older:
        turns.run(Path(older))
        return
    clip_and_tools()
    other_photos()
    memory()
