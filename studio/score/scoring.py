"""A clip's score: every measure that can be taken of it, the faults that are seen, and one number that orders clips.

The number is the cube of the weighted geometric mean of the measures' goodness: what is bad in one way isn't made good
by the rest. What a shot asks for itself, such as film grain or the unrest of a hand, is allowed for.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from studio.clip.clip_reader import Footage
from studio.clip_score import BREAKING, ClipFault, FaultKind, Lack, Measure, MeasureName, Score
from studio.motion.camera_moves import is_shaken, is_still
from studio.nouns import EffectName, Shot
from studio.score import camera_obedience, fidelity, steadiness
from studio.score.parts import measure_parts
from studio.score.reference import Reference
from studio.score.steadiness import Pairs, Reading


class Rule(NamedTuple):
    """How a measure is judged. Its loss is its value, or what it lacks of 1 where more is better ("lack"), or how many
    times it is off in doublings ("times"). half: the loss at which goodness is a half; limit: the loss from which it
    is a fault, of `fault`'s kind; weight: its share in the one number."""

    unit: str
    loss: Literal["value", "lack", "times"]
    half: float
    limit: float
    fault: FaultKind | None
    weight: float = 1.0


RULES: dict[MeasureName, Rule] = {
    "likeness": Rule("share found", "lack", 0.5, 9.0, None, 0.7),
    "nearness": Rule("share found", "lack", 0.4, 0.45, "far"),
    "flicker": Rule("grey levels", "value", 1.5, 1.15, "flicker"),
    "noise": Rule("grey levels", "value", 5.0, 2.6, "grain"),
    "sharpness": Rule("of the photo", "lack", 0.3, 0.25, "blur", 2.0),
    "crispness": Rule("of a sharp photo", "lack", 0.15, 0.23, "soft"),
    "exposure": Rule("grey levels", "value", 12.0, 4.5, "drift"),
    "colour": Rule("chroma levels", "value", 7.0, 3.2, "cast"),
    "wobble": Rule("pixels a frame", "value", 0.8, 0.5, "wobble"),
    "doubled": Rule("share of frames", "value", 0.25, 0.15, "doubled"),
    "still": Rule("seconds", "value", 0.5, 0.29, "frozen"),
    "motion": Rule("of what was asked", "times", 2.6, 3.2, "motion", 0.7),
    "camera": Rule("cosine", "lack", 0.9, 0.8, "camera", 1.4),
    "seam": Rule("of a step", "value", 2.0, 1.35, "seam"),
    "subject": Rule("share found", "lack", 0.45, 0.5, "subject"),
    "unrest": Rule("pixels a frame", "value", 0.2, 0.057, "unrest"),
    "face": Rule("likeness", "lack", 0.25, 0.155, "face"),
    "lettering": Rule("likeness", "lack", 0.25, 0.12, "lettering"),
}
"""Limits were set on clean and damaged clips of two thirds of the photos, and hold on the others:
`python -m bench damage`."""

ALLOWED: dict[EffectName, dict[MeasureName, float]] = {
    "grain": {"noise": 4.0}, "light": {"exposure": 12.0, "colour": 4.0, "flicker": 0.4},
    "shadow": {"exposure": 30.0, "colour": 8.0}, "fog": {"exposure": 20.0, "colour": 4.0, "sharpness": 0.15},
    "steam": {"exposure": 8.0, "colour": 2.0, "sharpness": 0.1, "unrest": 0.1},
    "snow": {"exposure": 10.0, "colour": 4.0, "noise": 1.0, "unrest": 0.2},
    "rain": {"exposure": 8.0, "colour": 3.0, "noise": 1.0, "unrest": 0.2}, "embers": {"exposure": 6.0, "colour": 5.0},
    "dust": {"exposure": 4.0, "colour": 3.0}, "focus": {"sharpness": 0.5}, "clouds": {"exposure": 6.0, "colour": 2.0},
    "wind": {"wobble": 0.3, "unrest": 0.3}, "hair": {"wobble": 0.3, "unrest": 0.3},
    "ripple": {"wobble": 0.3, "unrest": 0.3, "exposure": 3.0}, "flow": {"wobble": 0.3, "unrest": 0.3, "exposure": 3.0},
}  # fmt: skip
"""How much of a measure an effect of amount 1 may take up without being a flaw."""

ACTING: dict[MeasureName, float] = {"subject": 0.3, "unrest": 1.0, "face": 0.3}
"""How much of a measure may be taken up by a subject that is asked, in words, to do something."""

UNREST = 0.5
"""How much wobble a hand of amount 1 may have, pixels a frame."""

DROWNED = 12.0
"""Noise, in grey levels, from which a clip is of no use."""

WRONG_WAY = -0.2
"""The cosine below which a camera goes the wrong way, and not only otherwise."""

HELD = 0.02
"""How far a camera that is to hold still may go, in diagonals of the frame, for half of its goodness."""

FREEZE = 0.3
"""Seconds from which a standstill inside a move counts, from sample to sample: one of 0.5 s is always seen in a clip of
up to 100 frames, one of 0.75 s in a longer one, where samples are up to 9 frames apart."""

FIRST_SECONDS = 2.0

_EXPLAINED: dict[FaultKind, tuple[FaultKind, ...]] = {
    "black": ("cut", "far", "flicker", "noise", "grain", "drift", "cast", "blur", "wobble", "doubled"),
    "cut": ("far", "flicker", "noise", "grain", "drift", "cast", "blur", "wobble", "doubled", "frozen", "seam"),
    "far": ("drift", "cast", "blur"),
    "noise": ("far", "flicker", "blur", "wobble", "drift", "cast"),
    "frozen": ("doubled", "wobble", "seam"),
    "doubled": ("wobble", "flicker", "unrest"),
    "wobble": ("flicker", "grain", "seam", "unrest"),
    "flicker": ("drift", "grain", "seam"),
    "drift": ("seam",),
    "cast": ("seam",),
    "seam": ("motion", "camera"),
}
"""Faults that go without saying where the first one is seen."""

_OF_CONTENT: tuple[FaultKind, ...] = ("subject", "unrest", "face", "lettering", "motion", "camera", "direction")
"""Faults that are only looked at in a clip that is whole."""


def score_footage(footage: Footage, reference: Reference, shot: Shot | None) -> Score:
    """Score what was read of a clip. Pure; 0.1 s for 5 s of 720p.

    Without a photo in the reference, likeness and nearness are left out; without a shot, what was asked for.
    """
    pairs = steadiness.follow(footage, reference.near, reference.subject)
    readings = _measure_steadiness(footage, pairs, shot) | _measure_fidelity(footage, reference, shot)
    if shot is not None:
        readings |= _measure_obedience(pairs, reference, shot)
        if shot.motion.camera.loop:
            readings["seam"] = steadiness.measure_seam(footage)
    measures = tuple(_judge(name, readings[name], shot) for name in RULES if name in readings)
    weights = [RULES[one.name].weight for one in measures]
    logs = [math.log(max(one.goodness, 1e-4)) * weight for one, weight in zip(measures, weights, strict=True)]
    total = math.exp(3 * math.fsum(logs) / math.fsum(weights))
    faults = _find_faults(footage, pairs, readings, shot)
    broken = Score(0.0, (), faults).broken
    lacks: list[Lack] = [*(() if reference.is_photo else ("photo",)), *(() if shot else ("recipe",))]
    return Score(round(total * (0.3 if broken else 1.0), 4), measures, faults, tuple(lacks))


def _measure_steadiness(footage: Footage, pairs: Pairs, shot: Shot | None) -> dict[MeasureName, Reading]:
    copies = steadiness.find_copies(pairs)
    found: dict[MeasureName, Reading] = {
        "flicker": steadiness.measure_flicker(pairs),
        "noise": steadiness.measure_noise(pairs),
        "wobble": steadiness.measure_wobble(pairs, copies),
        "doubled": steadiness.measure_copies(pairs, copies),
        "still": _measure_still(footage, pairs, shot),
    }
    unrest = steadiness.measure_unrest(pairs, copies) if shot else None
    return found | {"unrest": unrest} if unrest else found


def _measure_still(footage: Footage, pairs: Pairs, shot: Shot | None) -> Reading:
    """The longest stretch in which nothing changes though something should, in seconds. Where it is known what was
    asked: at least FREEZE inside a camera's way, or 0.4 s at its ends if that is an eighth of the way; where nothing is
    known, at least 1 s (of a shorter clip nearly all)."""
    seconds = footage.seconds
    stills, freezes = steadiness.find_stills(pairs), steadiness.find_freezes(pairs)
    if shot is None:
        least = min(1.0, 0.8 * seconds)
        long = [(end - start, start) for start, end in (*stills, *freezes) if end - start >= least]
    elif shot.end is not None or is_still(shot.motion):
        return Reading(0.0)
    else:
        whole = camera_obedience.foretell_way(shot, 0.0, seconds, seconds)
        least = max(0.005, 0.12 * whole)
        long = [
            (end - start, start)
            for start, end in stills
            if end - start >= 0.4 and camera_obedience.foretell_way(shot, start, end, seconds) > least
        ]
        long += [
            (end - start, start)
            for start, end in freezes
            if end - start >= FREEZE and camera_obedience.goes_on(shot, start, end, seconds)
        ]
    return Reading(*max(long)) if long else Reading(0.0)


def _measure_fidelity(footage: Footage, reference: Reference, shot: Shot | None) -> dict[MeasureName, Reading]:
    """What has to do with the photo; only the beginning where the clip ends on another one."""
    looks = fidelity.find_photo(footage, reference)
    found: dict[MeasureName, Reading] = {}
    elsewhere = shot is not None and shot.end is not None
    if reference.is_photo:
        found["likeness"] = fidelity.measure_likeness(looks)
        first = min(FIRST_SECONDS, footage.seconds / 4) if elsewhere else FIRST_SECONDS
        found["nearness"] = fidelity.measure_nearness(looks, first)
    else:
        found["crispness"] = fidelity.measure_crispness(footage)
    if elsewhere or (shot is None and not reference.is_photo):
        return found
    found["sharpness"] = fidelity.measure_sharpness(footage, reference)
    found["exposure"], found["colour"] = fidelity.measure_drift(footage, reference, looks)
    parts: dict[MeasureName, Reading | None] = {
        "subject": None if reference.subject is None else fidelity.measure_subject(looks, reference.subject),
        "face": measure_parts(footage, reference, looks, reference.faces),
        "lettering": measure_parts(footage, reference, looks, reference.lettering),
    }
    return found | {name: reading for name, reading in parts.items() if reading}


def _measure_obedience(pairs: Pairs, reference: Reference, shot: Shot) -> dict[MeasureName, Reading]:
    if not camera_obedience.is_judged(shot):
        return {}
    way = camera_obedience.compare_ways(shot, pairs, reference.near is not None)
    camera, amount = camera_obedience.measure_camera(way), camera_obedience.measure_amount(way)
    if amount is None and not any(is_shaken(move.name) for move in shot.motion.camera.moves):
        went = camera_obedience.measure_drift_of_still(way)
        camera = Reading(1 / (1 + (went.value / HELD) ** 2), went.at)
    found: dict[MeasureName, Reading] = {"camera": camera} if camera else {}
    if amount:
        found["motion"] = amount
    return found


def _find_loss(name: MeasureName, value: float, shot: Shot | None) -> float:
    """How far a measure is from perfect, less what the shot asks for."""
    match RULES[name].loss:
        case "lack":
            loss = max(0.0, 1 - value)
        case "times":
            loss = max(0.0, abs(math.log2(max(value, 1e-3))) - 0.6)
        case "value":
            loss = value
    if shot is None:
        return loss
    moves = (*shot.motion.camera.moves, *(move for leg in shot.motion.camera.then for move in leg.moves))
    allowed = sum(effect.amount * ALLOWED[effect.name].get(name, 0.0) for effect in shot.motion.effects)
    if name in ("wobble", "unrest"):
        allowed += UNREST * sum(move.amount for move in moves if is_shaken(move.name))
    if shot.motion.action or shot.motion.prompt:
        allowed += ACTING.get(name, 0.0)
    return max(0.0, loss - allowed)


def _judge(name: MeasureName, reading: Reading, shot: Shot | None) -> Measure:
    loss = _find_loss(name, reading.value, shot)
    rule = RULES[name]
    goodness = 1 / (1 + (loss / rule.half) ** 2)
    return Measure(name, round(float(reading.value), 4), rule.unit, round(float(goodness), 5))


def _find_faults(
    footage: Footage, pairs: Pairs, readings: dict[MeasureName, Reading], shot: Shot | None
) -> tuple[ClipFault, ...]:
    """Every fault that is seen and not explained by another: first those with which a clip is of no use, the worst
    first."""
    found: list[tuple[float, ClipFault]] = []
    for name, reading in readings.items():
        rule = RULES[name]
        severity = _find_loss(name, reading.value, shot) / rule.limit
        if rule.fault and severity > 1:
            kind = _name_fault(rule.fault, reading)
            found.append((severity, ClipFault(kind, round(float(reading.at), 2))))
    black, cut = steadiness.find_black(footage), steadiness.find_cut(pairs)
    if black:
        found.append((100.0, ClipFault("black", round(black.at, 2))))
    if cut:
        found.append((50.0, ClipFault("cut", round(cut.at, 2))))
    ordered = [fault for _, fault in sorted(found, key=lambda one: (one[1].kind not in BREAKING, -one[0]))]
    kinds: set[FaultKind] = {fault.kind for fault in ordered}
    hidden = {other for kind in kinds for other in _EXPLAINED.get(kind, ()) if _comes_first(kind, other)}
    if Score(0.0, (), tuple(ordered)).broken:
        hidden |= set(_OF_CONTENT)
    return tuple(fault for fault in ordered if fault.kind not in hidden)


def _comes_first(kind: FaultKind, other: FaultKind) -> bool:
    """Whether one fault explains another, and isn't itself explained by it."""
    order = list(_EXPLAINED)
    return other not in order or kind not in _EXPLAINED[other] or order.index(kind) < order.index(other)


def _name_fault(kind: FaultKind, reading: Reading) -> FaultKind:
    if kind == "grain" and reading.value > DROWNED:
        return "noise"
    if kind == "blur" and reading.at == 0:
        return "soft"
    return "direction" if kind == "camera" and reading.value < WRONG_WAY else kind
