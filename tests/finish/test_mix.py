"""A mix is exactly as long as its clip, meets its platform, and holds every layer where it was put: no clicks, no seams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio import presets
from studio.clip.sound import RATE
from studio.finish.soundtrack.ducking import duck_under
from studio.finish.soundtrack.mix import Mixed, mix_sound, resample
from studio.finish.soundtrack.music import loop_to_length
from studio.frames import Sound
from studio.nouns import Ambience, Attachment, Mix, Refusal, Track, replace
from tests.fakes.sounds import Samples, drums, hear, noise, sine, speech, write_sound

Mixer = Callable[..., Mixed]
REELS = presets.platform("reels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files: a chord (music), syllables with a pause (voice), and no sound at all (damaged)."""
    made = tmp_path_factory.mktemp("sounds")
    write_sound(made / "music.flac", sine(-9, 4, 220) + sine(-9, 4, 330))
    write_sound(made / "voice.mp3", np.pad(speech(2.0), ((0, 0), (2 * RATE, 0))), "-b:a", "128k")
    (made / "damaged.wav").write_bytes(b"RIFF" + bytes(200))
    return made


def track(name: str, seconds: float = 4.0, **more: object) -> Track:
    names = ("music.flac", "voice.mp3", "damaged.wav")
    return replace(Track(Attachment(f"{names.index(name):064x}", name, "audio", seconds, 1000)), **more)


@pytest.fixture
def mixer(folder: Path) -> Mixer:
    names = ("music.flac", "voice.mp3", "damaged.wav")
    return lambda mix, seconds, own=None, **more: mix_sound(
        mix, seconds, own, find_file=lambda given: folder / names[int(given.id, 16)], **more
    )


def level(samples: Samples, start: float, end: float) -> float:
    part = samples[:, round(start * RATE) : round(end * RATE)]
    return float(20 * np.log10(max(np.sqrt((part**2).mean()), 1e-9)))


def share(samples: Samples, hertz: float, start: float, end: float) -> float:
    """How loud one frequency is, in dB."""
    part = samples[0, round(start * RATE) : round(end * RATE)]
    return float(20 * np.log10(np.abs(np.mean(part * np.exp(-2j * np.pi * hertz * np.arange(part.size) / RATE))) + 1e-9))


@pytest.mark.parametrize("seconds", [1.0, 5.04, 81 / 16])
def test_all_layers_together_fit_clip_and_platform(mixer: Mixer, seconds: float) -> None:
    mix = Mix(music=track("music.flac"), voice=track("voice.mp3"), ambience=(Ambience("rain"), Ambience("wind", 0.2)))
    made = mixer(mix, seconds, Sound(speech(seconds)[:, ::2], RATE // 2), platform=REELS)
    assert made.sound is not None and REELS is not None and REELS.loudness is not None
    samples = made.sound.samples
    assert (made.sound.rate, samples.shape, samples.dtype) == (RATE, (2, round(seconds * RATE)), np.float32)
    integrated, peak = hear(np.tile(samples, 1 if seconds > 3 else 6))
    assert integrated == pytest.approx(REELS.loudness, abs=0.3)
    assert peak <= REELS.true_peak
    assert np.abs(samples[:, [0, -1]]).max() < 0.01, "it begins and ends without a click"
    assert [choice.what for choice in made.choices] == ["music", "voice", "ambience", "ducking", "loudness"]


def test_music_fades_loops_and_steps_back_for_the_voice(mixer: Mixer) -> None:
    music = track("music.flac", fade_in=1.0, fade_out=1.0)
    made = mixer(Mix(music=music, voice=track("voice.mp3"), duck=0.5, loudness=False), 10.0).sound.samples
    assert share(made, 220, 0.0, 0.2) < share(made, 220, 1.2, 1.6) - 15, "fades in"
    assert share(made, 220, 9.8, 10.0) < share(made, 220, 6, 8) - 15, "fades out"
    assert share(made, 220, 2.3, 3.9) == pytest.approx(share(made, 220, 1.1, 1.7) - 10, abs=1.0), "10 dB under the voice"
    assert share(made, 220, 5.5, 8.5) == pytest.approx(share(made, 220, 1.1, 1.7), abs=1.5), "and back; its end is looped"
    assert share(made, 330, 2.3, 3.9) < share(made, 330, 1.1, 1.7) - 8


def test_music_without_a_loop_ends_and_is_cut_at_its_in_point(mixer: Mixer) -> None:
    made = mixer(Mix(music=track("music.flac", start=2.5, loop=False, fade_out=0.0), loudness=False), 4.0).sound.samples
    assert level(made, 0.1, 1.4) > -22
    assert level(made, 1.6, 4.0) < -100


def test_a_looping_clip_has_a_looping_sound(mixer: Mixer) -> None:
    mix = Mix(music=track("music.flac", fade_out=0.0), ambience=(Ambience("water"),))
    made = mixer(mix, 3.0, loops=True).sound.samples
    twice = np.tile(made, 2)[:, 2 * RATE : 4 * RATE]
    step = np.abs(np.diff(twice, n=2, axis=1)).max(axis=0)
    seam = RATE - 1
    assert step[seam - 2 : seam + 2].max() < np.percentile(step, 99.9), "no click where it begins again"
    assert abs(level(twice, 0.9, 1.1) - level(twice, 0.3, 0.8)) < 4, "and no gap"


def test_what_the_clip_sounds_like_stays_unless_it_goes(mixer: Mixer) -> None:
    own = Sound(sine(-20, 2, 880), RATE)
    kept = mixer(Mix(loudness=False), 2.0, own).sound.samples
    assert np.allclose(kept[:, 480:-480], own.samples[:, 480:-480], atol=1e-6)
    assert mixer(Mix(keep=False), 2.0, own).sound is None
    assert mixer(Mix(), 2.0).sound is None
    both = Mix(music=track("music.flac"), duck_own=1.0, loudness=False)
    assert share(mixer(both, 2.0, own).sound.samples, 220, 0.5, 1.5) < share(mixer(both, 2.0).sound.samples, 220, 0.5, 1.5) - 15


def test_what_cant_be_read_is_refused_with_its_remedy(mixer: Mixer) -> None:
    with pytest.raises(Refusal, match=r"damaged\.wav can't be read .* Save it again"):
        mixer(Mix(music=track("damaged.wav")), 2.0)
    with pytest.raises(Refusal, match=r"no sound left after its in-point at 30\.0 s"):
        mixer(Mix(voice=track("voice.mp3", start=30.0)), 2.0)


def test_a_beat_goes_on_through_the_seam_of_a_loop() -> None:
    for seconds in (8.0, 9.3):  # a loop of four bars, and a cut that breaks one
        times = np.arange(0.0, seconds - 0.1, 0.5)
        made = loop_to_length(drums(times.tolist(), seconds), 20 * RATE)[0]
        loud = np.abs(made).reshape(-1, 480).max(axis=1) > 0.2
        starts = np.flatnonzero(loud & ~np.roll(loud, 1)) / 100
        assert np.abs(starts / 0.5 - np.round(starts / 0.5)).max() < 0.06, "every drum is on the beat"
        assert set(range(40)) <= {round(start / 0.5) for start in starts}, "and none is missing"


def test_a_tone_goes_on_as_loud_through_the_seam_of_a_loop() -> None:
    """A chord whose file ends in the middle of a wave: where it begins again it would cancel itself out."""
    for seconds in (0.71, 2.013, 3.3):
        chord = sine(-18, seconds, 333.3) + sine(-18, seconds, 219.7)
        made = loop_to_length(chord, 12 * RATE)[0]
        loud = np.sqrt((made[RATE // 2 :].reshape(-1, RATE // 20) ** 2).mean(axis=1))
        assert 20 * np.log10(loud.min() / np.median(loud)) > -2.5
        assert np.abs(np.diff(made, n=2)).max() < 1.2 * np.abs(np.diff(chord, n=2)).max(), "without a click"


def test_ducking_is_smooth_and_done_before_the_first_word() -> None:
    key = np.zeros((2, 6 * RATE), np.float32)
    key[:, 2 * RATE : 3 * RATE] = noise(-20, 1.0)
    key[:, round(3.3 * RATE) : 4 * RATE] = noise(-20, 0.7)
    gain = duck_under(np.ones_like(key), key, 12.0)[0]
    decibels = 20 * np.log10(gain)
    assert decibels[[RATE, round(1.8 * RATE), round(5.5 * RATE)]] == pytest.approx([0, 0, 0], abs=0.1)
    assert decibels[round(1.995 * RATE) : 4 * RATE].max() < -11, "down before the word, and through the pause"
    assert np.abs(np.diff(gain)).max() < 1e-3


def test_a_model_s_rate_is_brought_to_48_khz() -> None:
    for rate in (16_000, 24_000, 44_100):
        tone = np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate).astype(np.float32)
        made = resample(Sound(tone, rate))
        assert made.shape[1] == pytest.approx(2 * RATE, abs=64)
        assert share(made, 440, 0.5, 1.5) == pytest.approx(-6.02, abs=0.1)
