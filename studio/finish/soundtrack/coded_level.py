"""Sound brought to a target as it will be heard from the file: coded, measured, and corrected until its peaks hold.

AAC and Opus raise peaks, those of limited drums by over 1 dB, and drop what is too high to be heard of noise. How much
depends on the sound, so that it is tried.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from studio.clip import ffmpeg
from studio.clip.sound import CODECS, RATE, write_wav
from studio.finish.own_sound import read_sound as read_own_sound
from studio.finish.soundtrack.loudness import (
    HEADROOM,
    MOST_LIMITING,
    SHORT,
    SILENCE,
    Levelled,
    Loudness,
    level_sound,
    measure_loudness,
)
from studio.frames import Sound
from studio.nouns import Format

TRIES = 3
CLOSE = 0.15
"""LU by which a coded sound may miss its target."""

SPARE = 0.15
"""dB by which a peak is lowered further than it was too high."""

_SECONDS = 120.0  # that coding may take


def level_for_codec(sound: Sound, target: float, ceiling: float, kind: Format) -> Levelled:
    """Bring a sound to `target` LUFS with no true peak over `ceiling` dBTP once it is coded for a file of this kind.

    `after` is measured of the coded sound, before it is part of a film. Kinds without sound are only levelled.
    """
    aim, room = target, HEADROOM.get(kind, 0.0)
    made = level_sound(sound, aim, ceiling - room)
    if kind not in CODECS or made.before.is_silent:
        return made
    for _ in range(TRIES):
        heard = _measure_coded(made.sound, kind)
        over, short = heard.true_peak - ceiling, target - heard.integrated
        reached = abs(short) <= CLOSE or made.limited > MOST_LIMITING - 0.5
        if over <= 0 and reached:
            break
        room += over + SPARE if over > 0 else 0.0
        aim += 0.0 if reached else short
        made = level_sound(sound, aim, ceiling - room)
    else:
        heard = _measure_coded(made.sound, kind)
    return made._replace(after=heard)


def _measure_coded(sound: Sound, kind: Format) -> Loudness:
    with tempfile.TemporaryDirectory() as folder:
        plain, coded = Path(folder) / "plain.wav", Path(folder) / ("coded.m4a" if kind == "mp4" else "coded.webm")
        write_wav(sound, sound.samples.shape[-1] / sound.rate, plain)
        ffmpeg.run_ffmpeg(["-i", f"file:{plain}", *CODECS[kind][1], "-y", f"file:{coded}"], _SECONDS)
        heard = read_own_sound(coded)
    found = measure_loudness(heard) if heard else Loudness(SILENCE, SILENCE)
    return found._replace(repeated=sound.samples.shape[-1] < SHORT * RATE)
