"""Frames of an engine kept without loss on the disk, for a finish that needs them twice, backwards, or beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.clip import ffmpeg
from studio.finish.clip_frames import ClipFile, LiveFrames
from studio.frames import Sound
from studio.library import disk
from studio.nouns import Progress

BYTES_PER_PIXEL = 0.7
"""Of a scratch film, generously: H.264 without loss of a busy photograph that moves takes 0.5."""

KEYS = 12
"""Frames from one key frame to the next."""


class ScratchFilm(ClipFile):
    """A film of an engine's frames, exactly as they were, and the sound that came with them."""

    def __init__(self, file: Path, heard: Sound | None) -> None:
        super().__init__(file)
        self._heard = heard

    @property
    def sound(self) -> Sound | None:
        """What the model made together with the picture."""
        return self._heard


def keep_scratch(frames: LiveFrames, file: Path, tick: Callable[[Progress], None]) -> ScratchFilm:
    """Write an engine's frames to a scratch film, which is read back exactly. Raises `Refusal` for want of room.

    The engine is let go of.
    """
    facts = frames.facts
    disk.require(file.parent, round(facts.width * facts.height * facts.num_frames * BYTES_PER_PIXEL))
    raw = ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{facts.width}x{facts.height}"]
    rate = ["-framerate", f"{round(facts.rate)}", "-i", "pipe:0"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-g", str(KEYS), "-bf", "0"]
    tags = ["-color_range", "tv", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]
    pipe = ffmpeg.Pipe([*raw, *rate, *codec, *tags, "-f", "mp4", "-y", f"file:{file}"])
    try:
        for index in range(facts.num_frames):
            pipe.write(frames.read(index))
            tick(Progress("paint", index + 1, facts.num_frames))
        pipe.end()
        pipe.finish()
    finally:
        pipe.kill()
        frames.close()
    return ScratchFilm(file, frames.sound)
