"""The sound of a finished clip: its own, music, a voice and ambience, mixed and brought to a platform's loudness."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.finish.soundtrack.ambient_sound import synthesise
from studio.finish.soundtrack.coded_level import level_for_codec
from studio.finish.soundtrack.ducking import DEEPEST, duck_under
from studio.finish.soundtrack.loudness import Levelled, as_stereo, measure_loudness
from studio.finish.soundtrack.music import REFERENCE, FindFile, fade, read_track
from studio.frames import Sound
from studio.nouns import Choice, Format, Mix, Track, replace
from studio.platforms import Platform

Samples = NDArray[np.float32]

MOST_SECONDS = 900.0
"""The longest sound that is mixed: 0.35 GB a layer. Longer ones raise `ValueError`."""

CEILING = -1.0
"""dBTP that no peak passes where no platform names a figure."""

_CLOSE, _GENTLE = 12.0, 0.25  # dB by which a clip's own sound is brought nearer the others; seconds ambience rises in


class Mixed(NamedTuple):
    """What a finished clip sounds like, None for nothing at all, and what was done."""

    sound: Sound | None
    choices: tuple[Choice, ...] = ()


def mix_sound(
    mix: Mix,
    seconds: float,
    own: Sound | None,
    *,
    find_file: FindFile,
    platform: Platform | None = None,
    loops: bool = False,
    seed: int = 0,
    kind: Format = "mp4",
) -> Mixed:
    """Mix the layers of `mix` to exactly `seconds`: float32 (2, samples) at 48 kHz, silent or softened at its edges.

    Music, voice and the clip's own sound start out equally loud (`REFERENCE`), so that a gain means the same with every
    file. own: what the clip sounds like already, at any rate. loops: the clip plays over and over, and so does the
    sound, without a seam. kind: the file it is for, whose codec raises peaks. Raises `Refusal` for a track that can't
    be read.
    """
    if seconds > MOST_SECONDS:
        raise ValueError(f"{seconds:.0f} s of sound are more than {MOST_SECONDS:.0f}")
    layers = _Layers(mix, seconds, find_file, loops)
    kept = layers.fit_own(own) if mix.keep and own is not None and own.samples.size else None
    if kept is None and not (mix.music or mix.voice or mix.ambience):
        return Mixed(None)
    if kept is not None and not (mix.music or mix.voice or mix.ambience):
        return _finish(kept, mix, platform, kind, ())
    return _finish(layers.add_up(kept, seed), mix, platform, kind, layers.describe())


def resample(sound: Sound) -> Samples:
    """A sound at 48 kHz: (2, samples) float32, by libswresample."""
    samples = as_stereo(sound.samples)
    if sound.rate == RATE or not samples.size:
        return samples
    import av

    mixer = av.AudioResampler("fltp", "stereo", RATE)
    made: list[NDArray[Any]] = []
    for at in range(0, samples.shape[1], sound.rate):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, at : at + sound.rate]), "fltp", "stereo")
        frame.sample_rate = sound.rate
        made += [part.to_ndarray() for part in mixer.resample(frame)]
    made += [part.to_ndarray() for part in mixer.resample(None)]
    return np.concatenate(made, axis=1).astype(np.float32, copy=False)


class _Layers:
    """The layers of one mix, each exactly as long as the clip."""

    def __init__(self, mix: Mix, seconds: float, find_file: FindFile, loops: bool) -> None:
        self.mix, self.seconds, self.find_file, self.loops = mix, seconds, find_file, loops
        self.length = round(seconds * RATE)

    def fit_own(self, own: Sound) -> Samples:
        """The clip's own sound, cut or followed by silence, without a click at either end."""
        made = np.zeros((2, self.length), np.float32)
        found = fade(resample(own)[:, : self.length], 0.0, 0.0)
        made[:, : found.shape[1]] = found
        return made

    def add_up(self, own: Samples | None, seed: int) -> Samples:
        """All layers together: music and ambience step back for the clip's own sound, and all of it for the voice."""
        mix = self.mix
        total = self._add_ambience(seed)
        if mix.music:
            total += read_track(mix.music, self.seconds, self.find_file, self.loops)
        if own is not None:
            total = duck_under(total, own, DEEPEST * mix.duck_own)
            total += bring_near(own)
        if mix.voice:
            voice = read_track(replace(mix.voice, loop=False), self.seconds, self.find_file)
            total = duck_under(total, voice, DEEPEST * mix.duck)
            total += voice
        return total

    def _add_ambience(self, seed: int) -> Samples:
        total = np.zeros((2, self.length), np.float32)
        for one in self.mix.ambience:
            total += synthesise(one, self.seconds, seed)[:, : self.length]
        return total if self.loops or not self.mix.ambience else fade(total, _GENTLE, _GENTLE)

    def describe(self) -> tuple[Choice, ...]:
        """What was mixed, for people."""
        mix = self.mix
        made = [_describe_track("music", mix.music, self.seconds)] if mix.music else []
        made += [_describe_track("voice", mix.voice, self.seconds)] if mix.voice else []
        if mix.ambience:
            names = " and ".join(one.kind.replace("room", "room tone") for one in mix.ambience)
            made.append(Choice("ambience", names, "synthesised here, free of rights"))
        if mix.voice and mix.duck:
            made.append(Choice("ducking", f"{DEEPEST * mix.duck:.0f} dB", "all else steps back while the voice speaks"))
        return tuple(made)


def _describe_track(what: str, track: Track, seconds: float) -> Choice:
    left = track.attachment.seconds - track.start
    looped = what == "music" and track.loop and left < seconds - 0.05
    why = f"looped: {max(0.0, left):.1f} s of music for {seconds:.1f} s" if looped else f"from {track.start:.1f} s on"
    return Choice(what, track.attachment.name, why)


def bring_near(own: Samples) -> Samples:
    """A clip's own sound, brought towards `REFERENCE` by at most `_CLOSE` dB."""
    found = measure_loudness(Sound(own, RATE))
    if found.is_silent:
        return own
    return own * np.float32(10 ** (max(-_CLOSE, min(_CLOSE, REFERENCE - found.integrated)) / 20))


def _finish(samples: Samples, mix: Mix, platform: Platform | None, kind: Format, choices: tuple[Choice, ...]) -> Mixed:
    """Brought to its platform's loudness where there is one, else only its peak held."""
    sound = Sound(samples, RATE)
    target = platform.loudness if platform and mix.loudness else None
    peak = platform.true_peak if platform else CEILING
    before = measure_loudness(sound)
    if target is None and before.true_peak <= peak - 1:
        return Mixed(sound, choices)
    made = level_for_codec(sound, before.integrated if target is None else target, peak, kind)
    return Mixed(made.sound, (*choices, _describe_level(made, target, platform)))


def _describe_level(made: Levelled, target: float | None, platform: Platform | None) -> Choice:
    """The loudness as it was measured afterwards, and why it isn't the one that was asked for where it isn't."""
    after = made.after
    if after.is_silent:
        return Choice("loudness", "silent", "there is nothing to be heard in it")
    why = f"{platform.title} plays at {target:g} LUFS" if platform and target is not None else "as it was, peaks held"
    short = target is not None and after.integrated < target - 0.5
    why += "; louder would tear its peaks or its noise open" if short else ""
    why += f"; peaks limited by up to {made.limited:.1f} dB" if made.limited > 0.1 else ""
    why += "; measured as it repeats, since it is shorter than 3 s" if after.repeated else ""
    return Choice("loudness", f"{after.integrated:.1f} LUFS, true peak {after.true_peak:.1f} dBTP", why)
