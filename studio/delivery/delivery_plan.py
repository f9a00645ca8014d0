"""What has to be done to a clip so that a place takes it: size, crop, rate, how often it plays; or why it can't."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from studio.clip.file_probe import FileFacts
from studio.nouns import Choice, Refusal
from studio.photo.crop import RATIOS, SHORT_SIDES, fit_sides
from studio.platforms import DeliveryWish, FileKind, Platform, is_own_shape

EXACT_RATES = tuple(Fraction(rate) for rate in range(1, 121)) + tuple(
    Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)
)
"""Rates that a film may have: whole ones, and those of NTSC television."""

LOOP_RATES = (1, 2, 4, 5, 10, 20, 25, 50)
"""Rates whose frames last whole hundredths of a second, which is how a GIF tells time."""

ENLARGED_PLAINLY = 2.0
"""Enlarged more than so many times, a clip looks soft on the screen it is for, and the check of its file says so."""

SHAPE_SLACK = 0.005
"""How far a clip may be from its place's shape without being cropped: less than a pixel in two hundred."""


class DeliveryPlan(NamedTuple):
    """What a written file will be, and how it comes about.

    box: x, y, width and height of the part of the clip that is shown, in its pixels. times: how often the clip is
    played through. enlarged: how many times its pixels are, 1 or less where they aren't.
    """

    width: int
    height: int
    box: tuple[int, int, int, int]
    fit: str
    rate: Fraction
    times: int
    num_frames: int
    most_bytes: int
    enlarged: float
    choices: tuple[Choice, ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return float(self.num_frames / self.rate)


def choose_file(place: Platform, wish: DeliveryWish) -> tuple[FileKind, ...]:
    """The files that are written for a place. Raises `Refusal` for a kind of file that it doesn't take."""
    if wish.container:
        chosen = tuple(kind for kind in place.files if kind.container == wish.container)
        if not chosen:
            names = " or ".join(kind.container.upper() for kind in place.files)
            raise Refusal(f"{place.title} takes no {wish.container.upper()}.", f"Choose {names}.")
        return chosen
    return place.files[:1] if place.pick else place.files


def plan_delivery(facts: FileFacts, place: Platform, kind: FileKind, wish: DeliveryWish, is_loop: bool) -> DeliveryPlan:
    """How a clip is made fit for a place as this kind of file. is_loop: its end runs into its beginning.

    Raises `Refusal` for a clip that is too short and no loop, or too long.
    """
    rate, about_rate = _choose_rate(facts, place, kind)
    times, about_length = _choose_length(facts, place, is_loop)
    width, height, box, about_shape = _choose_frame(facts, place, kind, wish)
    shown = box[2:] if wish.fit == "crop" else (facts.width, facts.height)
    enlarged = min(width / shown[0], height / shown[1]) if wish.fit != "crop" else width / shown[0]
    most = min(each for each in (place.most_bytes, wish.under) if each) if place.most_bytes or wish.under else 0
    count = max(1, round(facts.seconds * times * rate))
    choices = (*about_shape, *about_rate, *about_length, *_explain_size(facts, place, (width, height), enlarged))
    return DeliveryPlan(width, height, box, wish.fit, rate, times, count, most, enlarged, choices)


def find_rate(facts: FileFacts) -> Fraction:
    """A film's rate as the exact one it is meant to be: 2997/100 is 30000/1001."""
    found = Fraction(*facts.rate) if facts.rate[0] else Fraction(1)
    near = min(EXACT_RATES, key=lambda rate: abs(rate - found))
    return near if abs(near / found - 1) < Fraction(1, 2500) else found.limit_denominator(1001)


def _choose_rate(facts: FileFacts, place: Platform, kind: FileKind) -> tuple[Fraction, tuple[Choice, ...]]:
    """The clip's own rate where the place takes it; a slower one shows each frame twice or more, which changes nothing
    that is seen."""
    own = find_rate(facts)
    if kind.container == "gif":
        rate = max(each for each in LOOP_RATES if each <= max(own, 1) and each <= 20)
        why = "the highest rate up to the clip's whose frames a GIF can show equally long"
        return Fraction(rate), () if rate == own else (Choice("rate", f"{rate} fps", why),)
    if not facts.steady and own not in EXACT_RATES:
        why = f"the clip's frames aren't equally long, {float(own):.4g} a second on average"
        return Fraction(place.fps), (Choice("rate", f"{place.fps} fps", why),)
    if place.min_fps <= own <= place.max_fps:
        return own, ()
    if own < place.min_fps:
        each = ceil(place.min_fps / own)
        if own * each <= place.max_fps:
            why = (
                f"{place.title} needs {place.min_fps} fps: each frame is shown {each} times, which changes no movement"
            )
            return own * each, (Choice("rate", f"{float(own * each):g} fps", why),)
    why = f"{place.title} takes {place.min_fps} to {place.max_fps} fps, and the clip has {float(own):.4g}"
    return Fraction(place.fps), (Choice("rate", f"{place.fps} fps", why),)


def _choose_length(facts: FileFacts, place: Platform, is_loop: bool) -> tuple[int, tuple[Choice, ...]]:
    least, most = place.min_seconds, place.max_seconds
    if facts.num_frames < 2:
        raise Refusal("This clip is a still picture.", "Make it at least two frames long, then export it.")
    if facts.seconds > most + 0.01:
        raise Refusal(
            f"{place.title} takes at most {most:g} s; this clip is {facts.seconds:.3g} s.", "Trim it in Finish first."
        )
    if facts.seconds >= least - 0.01:
        return 1, ()
    times = ceil((least - 0.01) / facts.seconds)
    if not is_loop or facts.seconds * times > most:
        raise Refusal(
            f"{place.title} needs at least {least:g} s; this clip is {facts.seconds:.3g} s.",
            f"Make it {least:g} s long, or a loop, which is repeated; or hold its last frame in Finish.",
        )
    why = f"{place.title} needs {least:g} s, and it is a loop of {facts.seconds:.3g} s"
    return times, (Choice("length", f"played {times} times", why),)


def _choose_frame(
    facts: FileFacts, place: Platform, kind: FileKind, wish: DeliveryWish
) -> tuple[int, int, tuple[int, int, int, int], tuple[Choice, ...]]:
    """Width and height of the file, the part of the clip that it shows, and what that leaves out."""
    own = facts.width / facts.height
    shape = _choose_shape(own, place)
    whole = (0, 0, facts.width, facts.height)
    box = whole if abs(own / shape - 1) <= SHAPE_SLACK else _cut(facts, shape, wish.centre or (0.5, 0.5))
    choices: tuple[Choice, ...] = ()
    if box != whole and wish.fit == "crop":
        left = 1 - box[2] * box[3] / (facts.width * facts.height)
        why = (
            f"the clip is {facts.width}x{facts.height}; {left:.0%} of it is left out (it can be shown whole: pad, blur)"
        )
        choices = (Choice("shape", f"cropped to {place.aspect}", why),)
    elif box != whole:
        ground = "black" if wish.fit == "pad" else "a blurred copy of itself"
        choices = (Choice("shape", f"whole, on {ground}", f"{place.title} shows {place.aspect}"),)
    short = SHORT_SIDES[place.size]
    if not place.enlarge:
        used = box[2:] if wish.fit == "crop" else whole[2:]
        short = min(short, min(used))
    width, height = fit_sides(short, shape, min(place.max_long, 4096))
    return width, height, box, choices


def _choose_shape(own: float, place: Platform) -> float:
    """Width over height of the file: the place's, or the clip's own where it is taken; one that is 9:16 but for the
    evenness of its pixels is 9:16, so that it is enlarged to 720x1280 and not to 720x1278."""
    if place.aspect == "photo":
        return own
    if not is_own_shape(place, own):
        return RATIOS[place.aspect]
    return next((ratio for ratio in RATIOS.values() if abs(own / ratio - 1) <= SHAPE_SLACK), own)


def _cut(facts: FileFacts, shape: float, centre: tuple[float, float]) -> tuple[int, int, int, int]:
    """The largest box of this shape around a centre, as near to it as the edges allow, on even pixels."""
    width = min(facts.width, 2 * round(facts.height * shape / 2))
    height = min(facts.height, 2 * round(facts.width / shape / 2))
    x = min(max(0, 2 * round((centre[0] * facts.width - width / 2) / 2)), facts.width - width)
    y = min(max(0, 2 * round((centre[1] * facts.height - height / 2) / 2)), facts.height - height)
    return x, y, width, height


def _explain_size(facts: FileFacts, place: Platform, made: tuple[int, int], enlarged: float) -> tuple[Choice, ...]:
    if enlarged <= 1.005:
        return ()
    why = (
        f"{place.title} shows {place.size}, and the clip is {facts.width}x{facts.height}: enlarged {enlarged:.2g} times"
    )
    soft = "; it will look soft, make it again larger for a sharp one" if enlarged > ENLARGED_PLAINLY else ""
    return (Choice("size", f"{made[0]}x{made[1]}", why + soft),)
