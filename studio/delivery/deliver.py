"""A clip's file made fit for one place: copied where it is already, else encoded anew; whole or not at all; checked."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from studio.clip import ffmpeg, sound
from studio.clip.file_probe import FileFacts, NotReadable, probe_file
from studio.clip.sound_reader import NoSound, read_sound
from studio.delivery.delivery_check import SOUNDS, check_file, is_fit
from studio.delivery.delivery_plan import DeliveryPlan, choose_file, plan_delivery
from studio.delivery.file_arguments import ENCODERS, MUXERS, Aim, list_picture, list_sound, size_of
from studio.delivery.size_search import find_aim
from studio.finish.soundtrack.coded_level import level_for_codec
from studio.frames import Sound
from studio.library import disk
from studio.nouns import Choice, Clip, Format, Progress, Refusal
from studio.platforms import DeliveryWish, FieldCheck, FileKind, Platform
from studio.system_errors import refuse_unwritten

Tick = Callable[[Progress], None]

DEMUXERS = {".mp4": "mov", ".mov": "mov", ".webm": "matroska", ".gif": "gif", ".webp": "webp_anim"}
"""ffmpeg's readers of the clips of a library and of what is made of them, by their endings."""

MISSING = 0.25
"""Seconds by which a clip's file may be shorter than it was: a GIF's last frame, a rounded time."""

SOUND_KBPS = 200
"""About what a sound track takes: AAC at 192 kb/s, and its container."""


class Written(NamedTuple):
    """One file for a place, what was found in it, and how it came about."""

    file: Path
    bytes: int
    checks: tuple[FieldCheck, ...]
    kind: FileKind
    plan: DeliveryPlan
    title: str


class Delivered(NamedTuple):
    """What was written for a place: its files, a still of the first frame or None, and what was done and why."""

    files: tuple[Written, ...]
    poster: Path | None
    choices: tuple[Choice, ...]

    @property
    def file(self) -> Path:
        """The first of its files."""
        return self.files[0].file

    @property
    def checks(self) -> tuple[FieldCheck, ...]:
        """Those of all its files."""
        return tuple(check for one in self.files for check in one.checks)


def deliver(
    source: Path, clip: Clip, place: Platform, dest: Path, tick: Tick, wish: DeliveryWish | None = None,
    earlier: Sequence[Written] = (),
) -> Delivered:  # fmt: skip
    """Make a clip's file fit for a place: at `dest` with the ending of each file that is written, the poster beside.

    earlier: files that were made of this clip for other places; one that meets this place too is copied. `tick` hears
    how far it is; what it raises ends it, and nothing is left of it. Raises `Refusal` where the place can't take the
    clip, a disk is full, or this ffmpeg lacks an encoder.
    """
    facts, kinds, plans = _plan_all(source, clip, place, wish or DeliveryWish())
    _require_room(dest.parent, kinds, plans)
    try:
        with tempfile.TemporaryDirectory(dir=dest.parent, prefix=".new-", ignore_cleanup_errors=True) as folder:
            work = _Work(source, facts, place, Path(folder), tick, earlier)
            made = [_write_file(work, kind, plan) for kind, plan in zip(kinds, plans, strict=True)]
            poster = _write_poster(made[0].file, work) if place.poster else None
            ready = [
                Written(_move(one.file, dest), one.bytes, one.checks, kind, one.plan, place.title)
                for one, kind in zip(made, kinds, strict=True)
            ]
            still = _move(poster, dest) if poster else None
    except OSError as error:
        raise refuse_unwritten(error) from error
    return Delivered(tuple(ready), still, tuple(dict.fromkeys(choice for one in made for choice in one.choices)))


def foresee(source: Path, clip: Clip, place: Platform, wish: DeliveryWish) -> tuple[Choice, ...]:
    """What a clip's delivery to a place would do to it and why. Raises `Refusal` where it can't be made."""
    _, _, plans = _plan_all(source, clip, place, wish)
    return tuple(dict.fromkeys(choice for plan in plans for choice in plan.choices))


def _plan_all(
    source: Path, clip: Clip, place: Platform, wish: DeliveryWish
) -> tuple[FileFacts, tuple[FileKind, ...], list[DeliveryPlan]]:
    try:
        facts = probe_file(source)
    except NotReadable:
        raise Refusal("The file of this clip can't be read.", "Make it again from its recipe.") from None
    if facts.seconds < clip.seconds - MISSING:
        reason = f"The file of this clip is damaged: it holds {facts.seconds:.3g} s of {clip.seconds:.3g}."
        raise Refusal(reason, "Make it again from its recipe.")
    kinds = choose_file(place, wish)
    is_loop = clip.shot.motion.camera.loop or bool(clip.shot.finish and clip.shot.finish.loop)
    for kind in kinds:
        require_encoder(kind)
    return facts, kinds, [plan_delivery(facts, place, kind, wish, is_loop) for kind in kinds]


def _move(file: Path, dest: Path) -> Path:
    return file.replace(dest.with_name(dest.name + file.suffix))


class _Work(NamedTuple):
    source: Path
    facts: FileFacts
    place: Platform
    folder: Path
    tick: Tick
    earlier: Sequence[Written]


class _Made(NamedTuple):
    file: Path
    bytes: int
    checks: tuple[FieldCheck, ...]
    plan: DeliveryPlan
    choices: tuple[Choice, ...]


def _write_file(work: _Work, kind: FileKind, plan: DeliveryPlan) -> _Made:
    file = work.folder / f"file.{kind.container}"
    twin = _copy_earlier(file, work, kind, plan)
    if twin:
        return twin
    track, encoded, about = _prepare_sound(work, kind, plan)
    source = _list_source(work.source, plan.times)
    bare = ["-map_metadata", "-1", "-map_chapters", "-1", *MUXERS[kind.container], "-y", f"file:{file}"]
    if is_fit(work.facts, work.place, kind, plan):
        copied = ["-map", "0:v:0", "-c:v", "copy"]
        _run([*source, *track, *copied, *encoded, *bare], plan.num_frames, work.tick)
        done = Choice("encoding", "kept as it is", f"{work.place.title} takes its picture without a new encoding")
        made = _check(file, work, kind, plan, (*about, done))
        if all(check.is_met or check.field in ("detail", "loudness", "true peak") for check in made.checks):
            return made

    def encode(aim: Aim) -> int:
        picture = list_picture(work.facts, plan, kind, aim)
        last: list[str] = []
        if aim.kbps and kind.codec == "h264":
            log = ["-passlogfile", str(work.folder / "passes")]
            _run([*source, *picture, "-pass", "1", *log, "-f", "null", "-"], plan.num_frames, work.tick)
            last = ["-pass", "2", *log]
        _run([*source, *track, *picture, *last, *encoded, *bare], plan.num_frames, work.tick)
        return file.stat().st_size

    found = find_aim(encode, plan, kind, round(SOUND_KBPS * 125 * plan.seconds) if track else 0)
    width, height = size_of(plan, found.aim)
    if (width, height) != (plan.width, plan.height):
        why = f"at {plan.width}x{plan.height} it would be larger than {disk.size(plan.most_bytes)}"
        about = (*about, Choice("size", f"{width}x{height}", why))
        plan = plan._replace(width=width, height=height)
    if found.aim.every > 1:
        rate = plan.rate / found.aim.every
        about = (*about, Choice("rate", f"{float(rate):g} fps", "with every frame the file would be too large"))
        plan = plan._replace(rate=rate)
    return _check(file, work, kind, plan, about)


def _check(file: Path, work: _Work, kind: FileKind, plan: DeliveryPlan, about: tuple[Choice, ...]) -> _Made:
    checks = check_file(file, work.place, kind, plan)
    return _Made(file, file.stat().st_size, checks, plan, (*plan.choices, *about))


def _copy_earlier(file: Path, work: _Work, kind: FileKind, plan: DeliveryPlan) -> _Made | None:
    """A file for another place that this one takes as it is, copied; None where there is none."""
    for one in work.earlier:
        same = one.plan._replace(most_bytes=plan.most_bytes, choices=plan.choices) == plan
        alike = (one.kind.container, one.kind.codec, one.kind.quality) == (kind.container, kind.codec, kind.quality)
        if not (same and alike and one.file.is_file()):
            continue
        shutil.copyfile(one.file, file)
        made = _check(file, work, kind, plan, (Choice("encoding", f"the file for {one.title}", "it meets this too"),))
        if all(check.is_met for check in made.checks if check.field != "detail"):
            return made
    return None


def _list_source(file: Path, times: int) -> list[str]:
    """The clip as ffmpeg's input: its format is named, and nothing else is fetched."""
    again = ["-stream_loop", str(times - 1)] if times > 1 else []
    return [*again, "-protocol_whitelist", "file,pipe", "-f", DEMUXERS[file.suffix], "-i", f"file:{file}"]


def _prepare_sound(work: _Work, kind: FileKind, plan: DeliveryPlan) -> tuple[list[str], list[str], tuple[Choice, ...]]:
    """The second input, where there is a sound track to encode; how it is, or that it is copied; what became of it."""
    place, heard = work.place, work.facts.sound
    if place.sound == "none" or kind.container not in SOUNDS:
        return [], [], (Choice("sound", "left out", f"{place.title} is played mute"),) if heard else ()
    if (
        place.loudness is None
        and plan.times == 1
        and (heard, work.facts.sound_rate) == (SOUNDS[kind.container], 48_000)
    ):
        return [], ["-map", "0:a:0", "-c:a", "copy"], ()
    made = _read_track(work, plan) if heard else None
    if made is None:
        silent = place.sound == "needed"
        given = sound.list_silence(plan.seconds) if silent else []
        return given, list_sound(kind) if silent else [], sound.explain_silence("mp4", place.silent_track)
    about: tuple[Choice, ...] = ()
    if place.loudness is not None:
        codec: Format = "webm" if kind.container == "webm" else "mp4"
        levelled = level_for_codec(made, place.loudness, place.true_peak, codec)
        made = levelled.sound
        why = f"{place.loudness:g} LUFS is the loudness for {place.title}; it was {levelled.before.integrated:.1f}"
        about = (Choice("loudness", f"{levelled.gain:+.1f} dB", why),) if abs(levelled.gain) >= 0.05 else ()
    file = work.folder / "sound.wav"
    sound.write_wav(made, plan.seconds, file)
    return ["-f", "wav", "-i", f"file:{file}"], list_sound(kind), about


def _read_track(work: _Work, plan: DeliveryPlan) -> Sound | None:
    """The clip's sound, as often as it is played; None where it is empty. Raises `Refusal`."""
    import numpy as np

    try:
        once = read_sound(work.source, 0.0, work.facts.seconds)
    except NoSound:
        raise Refusal("The sound of this clip can't be read.", "Make it again from its recipe.") from None
    if not once.samples.size:
        return None
    length = round(work.facts.seconds * once.rate)
    fitted = np.zeros((2, length), np.float32)
    fitted[:, : min(length, once.samples.shape[1])] = once.samples[:, :length]
    return Sound(np.tile(fitted, plan.times), once.rate)


def _write_poster(file: Path, work: _Work) -> Path:
    """The first frame as a JPEG: what a page shows until the film is there."""
    made = work.folder / "poster.jpg"
    source = _list_source(file, 1)
    full = "scale=in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc,format=yuvj420p"
    _run(
        [*source, "-map", "0:v:0", "-frames:v", "1", "-vf", full, "-q:v", "3", "-f", "mjpeg", "-y", str(made)],
        1,
        work.tick,
    )
    return made


def _require_room(folder: Path, kinds: tuple[FileKind, ...], plans: list[DeliveryPlan]) -> None:
    """What the pixels of all files may take: ProRes HQ has 3.6 bits for each (Apple's table), the others a tenth."""
    bits = [4.5 if kind.codec == "prores" else 0.5 for kind in kinds]
    pixels = [one.width * one.height * one.num_frames for one in plans]
    need = round(sum(each * count / 8 for each, count in zip(bits, pixels, strict=True))) + (16 << 20)
    disk.require(folder, need, "The export", "choose fewer places")


# ffmpeg ---------------------------------------------------------------------------------------------------------------


def require_encoder(kind: FileKind, known: frozenset[str] | None = None) -> None:
    """Raises `Refusal` where this ffmpeg can't write such a file. known: its encoders, those of the one here."""
    name = ENCODERS[kind.container, kind.codec]
    if name not in (ffmpeg.list_codecs() if known is None else known):
        raise Refusal(
            f"This ffmpeg can't write {kind.codec.upper()}: it was built without {name}.",
            "Run: pip install --force-reinstall imageio-ffmpeg, or name another with IMAGEIO_FFMPEG_EXE.",
        )


def _run(arguments: list[str], total: int, tick: Tick) -> None:
    """Run ffmpeg to its end; `tick` hears of every frame or two, and what it raises ends it. Raises `Refusal`."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = ffmpeg.launch_ffmpeg(
            ["-progress", "pipe:1", "-stats_period", "0.2", *arguments], errors, stdout=subprocess.PIPE
        )
        try:
            for line in process.stdout or ():
                name, _, value = line.partition(b"=")
                if name == b"frame":
                    done = min(total, int(value))
                    tick(Progress("encode", done, total, "", time.monotonic() - began))
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        if code:
            raise ffmpeg.explain_failure(code, errors)
