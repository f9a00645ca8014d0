"""A written file against the place it is for, field by field: what was wanted, what is there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from studio.clip import codec_levels
from studio.clip.file_probe import FileFacts, NotReadable, probe_file
from studio.clip.sound_reader import NoSound
from studio.delivery.delivery_plan import ENLARGED_PLAINLY, EXACT_RATES, DeliveryPlan
from studio.finish.soundtrack.loudness import measure_file
from studio.nouns import Refusal
from studio.photo.crop import RATIOS
from studio.platforms import FieldCheck, FileKind, Platform, is_own_shape

SOUNDS = {"mp4": "aac", "webm": "opus", "mov": "pcm_s24le"}
"""What sound is in each container, as ffmpeg calls it."""

LOUDNESS_SLACK = 1.0
"""LU by which a file may be off its target: EBU R 128 allows half of it, and coding moves a short sound by some."""

BT709 = (1, 1, 1)
FILMS = ("mp4", "mov", "webm")


def check_file(
    file: Path, place: Platform, kind: FileKind | None = None, plan: DeliveryPlan | None = None
) -> tuple[FieldCheck, ...]:
    """Read a file and hold it against its place. kind: which of the place's files it is to be; the one of its container
    where nothing is said. plan: what was meant to be written, whose size and rate are then asked for exactly. Raises
    `Refusal` for a file that can't be read.
    """
    try:
        facts = probe_file(file)
    except NotReadable:
        raise Refusal("This file holds no film that can be read.", "Choose a clip, or export it again.") from None
    kind = kind or next((one for one in place.files if one.container == facts.container), place.files[0])
    checks = [*_check_codec(facts, kind), *_check_picture(facts, place, plan), *_check_time(facts, place, plan)]
    checks += [
        *_check_size(facts, place, kind, plan),
        *_check_layout(facts, kind),
        *_check_sound(file, facts, place, kind),
    ]
    return tuple(checks)


def is_fit(facts: FileFacts, place: Platform, kind: FileKind, plan: DeliveryPlan) -> bool:
    """Whether a clip's picture is already what its place takes, so that it can be copied undecoded."""
    checks = [*_check_codec(facts, kind), *_check_picture(facts, place, plan), *_check_time(facts, place, plan)]
    checks += [*_check_size(facts, place, kind, plan), *_check_layout(facts, kind)]
    same = plan.times == 1 and plan.box == (0, 0, facts.width, facts.height)
    layout = ("edit list", "index")  # those a copy puts right
    return same and facts.steady and all(one.is_met for one in checks if one.field not in layout)


def _check_codec(facts: FileFacts, kind: FileKind) -> list[FieldCheck]:
    made = [
        FieldCheck("container", kind.container.upper(), facts.container.upper(), facts.container == kind.container),
        FieldCheck("codec", kind.codec, facts.codec, facts.codec == kind.codec),
    ]
    if kind.profile:
        made.append(FieldCheck("profile", kind.profile, facts.profile or "none", facts.profile == kind.profile))
    if kind.level:
        good = bool(facts.level) and codec_levels.is_within(facts.level, kind.level)
        made.append(FieldCheck("level", f"{kind.level} or lower", facts.level or "unsaid", good))
    if kind.pixels:
        made.append(FieldCheck("pixels", kind.pixels, facts.pixels, facts.pixels == kind.pixels))
    if not kind.b_frames:
        made.append(FieldCheck("B frames", "none", "some" if facts.b_frames else "none", not facts.b_frames))
    return made


def _check_picture(facts: FileFacts, place: Platform, plan: DeliveryPlan | None) -> list[FieldCheck]:
    have = f"{facts.width}x{facts.height}"
    if plan:
        wanted = f"{plan.width}x{plan.height}"
        size = FieldCheck("size", wanted, have, wanted == have)
    else:
        good = min(facts.width, facts.height) >= place.min_short and max(facts.width, facts.height) <= place.max_long
        size = FieldCheck("size", f"{place.min_short} to {place.max_long} px a side", have, good)
    made = [size]
    if place.aspect != "photo":
        ratio = facts.width / facts.height
        asked = abs(ratio / RATIOS[place.aspect] - 1) <= 0.01
        wanted = (
            f"{place.aspect}, or {place.shapes[0]:.3g}:1 to {place.shapes[1]:.3g}:1" if place.shapes else place.aspect
        )
        found = place.aspect if asked else f"{ratio:.3f}:1"
        made.insert(0, FieldCheck("shape", wanted, found, asked or is_own_shape(place, ratio)))
    if facts.container in FILMS:
        found = "BT.709, limited" if facts.colours == BT709 and not facts.full_range else _describe_colours(facts)
        made.append(FieldCheck("colour", "BT.709, limited", found, found == "BT.709, limited"))
        made.append(FieldCheck("pixel shape", "square", "square" if facts.square else "not square", facts.square))
    if plan and plan.enlarged > ENLARGED_PLAINLY:
        short = min(plan.width, plan.height)
        wanted = f"{short / ENLARGED_PLAINLY:.0f} px of its own"
        made.append(
            FieldCheck("detail", wanted, f"{short / plan.enlarged:.0f} px, enlarged {plan.enlarged:.2g} times", False)
        )
    return made


def _describe_colours(facts: FileFacts) -> str:
    named = "unsaid" if 2 in facts.colours else "/".join(str(one) for one in facts.colours)
    return f"{named}, {'full' if facts.full_range else 'limited'}"


def _check_time(facts: FileFacts, place: Platform, plan: DeliveryPlan | None) -> list[FieldCheck]:
    have = Fraction(*facts.rate) if facts.rate[0] else Fraction(0)
    words = f"{have.numerator}/{have.denominator}"
    if plan:
        loose = facts.container in ("webp", "webm")  # they tell time in milliseconds
        good = abs(have / plan.rate - 1) < Fraction(1, 400) if loose else have == plan.rate
        rate = FieldCheck("rate", f"{plan.rate.numerator}/{plan.rate.denominator}", words, good and facts.steady)
    else:
        good = place.min_fps <= have <= place.max_fps and (have in EXACT_RATES or facts.container not in ("mp4", "mov"))
        rate = FieldCheck("rate", f"{place.min_fps} to {place.max_fps}, exact", words, good and facts.steady)
    long = place.min_seconds - 0.01 <= facts.seconds <= place.max_seconds + 0.01
    length = f"{place.min_seconds:g} to {place.max_seconds:g} s"
    begins = FieldCheck("first frame", "at 0 s", f"at {facts.start:.3f} s", abs(facts.start) < 0.0005)
    return [rate, FieldCheck("length", length, f"{facts.seconds:.3f} s", long), begins]


def _check_size(facts: FileFacts, place: Platform, kind: FileKind, plan: DeliveryPlan | None) -> list[FieldCheck]:
    made: list[FieldCheck] = []
    most = plan.most_bytes if plan else place.most_bytes
    if most:
        made.append(FieldCheck("file size", f"at most {most:,} bytes", f"{facts.bytes:,} bytes", facts.bytes <= most))
    if kind.most_mbps:
        good = facts.mbps <= kind.most_mbps
        made.append(FieldCheck("bit rate", f"at most {kind.most_mbps:g} Mbps", f"{facts.mbps:.2f} Mbps", good))
    if kind.key_seconds:
        good = facts.key_seconds <= kind.key_seconds + 0.05
        wanted, found = f"every {kind.key_seconds:g} s or sooner", f"every {facts.key_seconds:.2f} s"
        made.append(FieldCheck("key frames", wanted, found, good))
    return made


def _check_layout(facts: FileFacts, kind: FileKind) -> list[FieldCheck]:
    if kind.container not in ("mp4", "mov"):
        return []
    return [
        FieldCheck("edit list", "none", "one" if facts.edit_list else "none", not facts.edit_list),
        FieldCheck("index", "in front", "in front" if facts.index_first else "at the end", facts.index_first),
    ]


def _check_sound(file: Path, facts: FileFacts, place: Platform, kind: FileKind) -> list[FieldCheck]:
    found = f"{facts.sound}, {facts.sound_rate} Hz" if facts.sound else "none"
    if place.sound == "none" or kind.container not in SOUNDS:
        return [FieldCheck("sound", "none", found, not facts.sound)]
    wanted = f"{SOUNDS[kind.container]}, 48000 Hz"
    if not facts.sound:
        asked = wanted if place.sound == "needed" else f"{wanted}, or none"
        return [FieldCheck("sound", asked, "none", place.sound != "needed")]
    long = abs(facts.sound_seconds - facts.seconds) <= 0.1
    good = facts.sound == SOUNDS[kind.container] and facts.sound_rate == 48_000 and long
    made = [FieldCheck("sound", wanted, found if long else f"{found}, {facts.sound_seconds:.2f} s", good)]
    return made if place.loudness is None else made + _check_loudness(file, place, place.loudness)


def _check_loudness(file: Path, place: Platform, target: float) -> list[FieldCheck]:
    try:
        measured = measure_file(file)
    except NoSound:
        return [FieldCheck("loudness", f"{target:g} LUFS", "not readable", False)]
    if measured.is_silent:
        return [FieldCheck("loudness", f"{target:g} LUFS, or silent", "silent", True)]
    good = abs(measured.integrated - target) <= LOUDNESS_SLACK
    peak = measured.true_peak <= place.true_peak
    return [
        FieldCheck("loudness", f"{target:g} LUFS", f"{measured.integrated:.1f} LUFS", good),
        FieldCheck("true peak", f"{place.true_peak:g} dBTP at most", f"{measured.true_peak:.1f} dBTP", peak),
    ]
