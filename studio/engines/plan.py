"""The plan of a run: what size, length, rate and steps a shot really has on a card, by the card's rules. Arithmetic,
and quick.

Shots are prepared for it in prepare.py.
"""

from __future__ import annotations

import math

from studio.cards import Checkpoint, ModelCard, Plan, Sizes
from studio.clip import formats
from studio.motion.camera_moves import is_still
from studio.nouns import Choice, Refusal, Shot, Still
from studio.photo import crop
from studio.photo.crop import Image

Pair = tuple[int, int]
Box = tuple[int, int, int, int]

NATIVE_CUT = 0.04
"""A size the model was trained at is taken when it costs at most this share of the crop."""

NEAR = 1.25
"""Two sizes are of one class when neither has more than this many times the other's pixels."""

MAX_RATIO = 4.0
"""The longest frame a bucketed model makes, long side over short side (HunyuanVideo 1.5)."""

DRAFT_SHARE = 0.5
"""A draft is at most this share of the length the model was trained at."""


def plan(shot: Shot, card: ModelCard) -> Plan:
    """What a run of `shot` on `card` will be, each decision with its reason.

    Raises `Refusal` for steps or guidance that the card doesn't allow. Sizes and lengths are never refused: they are
    brought to the nearest the card makes.
    """
    checkpoint = card.checkpoint
    if checkpoint is None:
        still = shot.end is None and is_still(shot.motion)
        count = 1 if still and shot.format in formats.TICKS else shot.num_frames
        looping, size = _describe_playback(shot, still), crop.find_output_size(shot)
        box = crop.find_pixel_box(shot.photo, shot.crop)
        return Plan(
            box, size.width, size.height, count, shot.fps, size.upscale, size=size.choice, length=looping, still=still
        )
    whole = crop.find_pixel_box(shot.photo, shot.crop)
    size, why = _choose_size(shot, checkpoint, (whole[2] - whole[0]) / (whole[3] - whole[1]))
    box, lost = cut_to_ratio(whole, size[0] / size[1])
    upscale = size[0] / (box[2] - box[0])
    fps = min(max(shot.fps, card.fps[0]), card.fps[1])
    num_frames, length = _choose_length(shot, checkpoint, fps)
    steps, pace = _choose_steps(shot, checkpoint)
    why += f"; {lost:.0%} of the crop falls away, nothing is stretched" if lost >= 0.005 else ""
    why += f"; enlarged {upscale:.1f} times" if upscale >= 1.095 else ""
    choice = Choice("size", f"{size[0]}x{size[1]}", why)
    return Plan(box, *size, num_frames, fps, upscale, steps, _choose_guidance(shot, checkpoint), choice, length, pace)


def _describe_playback(shot: Shot, still: bool) -> Choice | None:
    """What a GIF or WebP makes of length and rate; nothing of an MP4 or WebM."""
    title = formats.TITLES[shot.format]
    if shot.format not in formats.TICKS:
        return None
    if still:
        return Choice("length", "a still picture", f"nothing in this shot moves, so the {title} is one picture")
    why = f"the highest rate up to the one asked for at which the frames of a {title} last equally long"
    return Choice("rate", f"{shot.fps} fps", why)


def cut(image: Image, plan: Plan) -> Image:
    """The pixels a plan shows, as a view of `image`: (H, W, 3), the photo at its full size."""
    left, top, right, bottom = plan.box
    return image[top:bottom, left:right]


def cut_end(image: Image, still: Still, plan: Plan) -> Image:
    """The last frame's pixels: the still's crop, cut to the ratio of the plan's frame. `image` is its whole photo."""
    (left, top, right, bottom), _ = cut_to_ratio(crop.find_pixel_box(still.photo, still.crop), plan.width / plan.height)
    return image[top:bottom, left:right]


def cut_to_ratio(box: Box, ratio: float) -> tuple[Box, float]:
    """The largest box of this ratio in the middle of a box, and the share of the box that falls away."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width / height > ratio:
        new = max(1, round(height * ratio))
        left += (width - new) // 2
        return (left, top, left + new, bottom), 1 - new / width
    new = max(1, round(width / ratio))
    top += (height - new) // 2
    return (left, top, right, top + new), 1 - new / height


# Size ---------------------------------------------------------------------------------------------------------------


def _choose_size(shot: Shot, checkpoint: Checkpoint, ratio: float) -> tuple[Pair, str]:
    """Width and height for a crop of this ratio, and why."""
    sizes = checkpoint.sizes
    if sizes.rule == "bucket":
        size = min(buckets(sizes.bucket, sizes.step), key=lambda pair: _measure_loss(pair, ratio))
        return size, "the model picks its own size from the photo's ratio"
    if sizes.rule == "listed":
        size = min(sizes.native, key=lambda pair: _measure_loss(pair, ratio))
        return size, "the model makes only the sizes it was trained at, and this is the nearest to the crop"
    area, why = _area(shot, sizes)
    native = [
        pair
        for pair in _turn_sizes(sizes)
        if _measure_loss(pair, ratio) <= NATIVE_CUT and _is_alike(pair[0] * pair[1], area)
    ]
    if native:
        return min(native, key=lambda pair: _measure_loss(pair, ratio)), f"{why}, a size the model was trained at"
    return _fit_to_grid(sizes, area, ratio), f"{why}, on the model's grid of {sizes.step} pixels"


def _area(shot: Shot, sizes: Sizes) -> tuple[int, str]:
    """The pixels a frame should have, and why."""
    areas = sorted(width * height for width, height in sizes.native)
    default = sizes.native[0][0] * sizes.native[0][1]
    if shot.size == "auto":
        wanted = {"draft": areas[0], "good": default, "best": areas[-1]}[shot.quality]
        reason = {
            "draft": "a draft is small",
            "good": "the model's own size",
            "best": "the largest the model was trained at",
        }
        return wanted, reason[shot.quality]
    short = crop.SHORT_SIDES[shot.size]
    wanted = round(short * short * 16 / 9)
    if wanted > areas[-1] * NEAR:
        return areas[-1], f"{shot.size} was chosen, and this is the largest the model was trained at"
    return wanted, f"{shot.size} was chosen"


def _turn_sizes(sizes: Sizes) -> set[Pair]:
    """The native sizes, upright and lying."""
    return {pair for width, height in sizes.native for pair in ((width, height), (height, width))}


def _is_alike(one: int, other: int) -> bool:
    return max(one, other) <= NEAR * min(one, other)


def _measure_loss(pair: Pair, ratio: float) -> float:
    """The share of a crop of this ratio that falls away when it is cut to a size's ratio."""
    shape = pair[0] / pair[1]
    return 1 - min(shape, ratio) / max(shape, ratio)


def _fit_to_grid(sizes: Sizes, area: int, ratio: float) -> Pair:
    """The size on the grid that loses least: of the crop (which counts three times), and of the pixels that were
    wanted.
    """
    step = sizes.step
    sides = range(math.ceil(sizes.least / step) * step, sizes.most + 1, step)
    near = [(width, height) for width in sides for height in sides if width * height <= area * 1.05]
    smallest = (sides[0], sides[0])
    return min(near or [smallest], key=lambda pair: 3 * _measure_loss(pair, ratio) + abs(1 - pair[0] * pair[1] / area))


def buckets(base: int, step: int) -> list[Pair]:
    """The frame sizes HunyuanVideo 1.5 makes around `base` pixels squared, width and height, multiples of `step`.

    The rule is that of its own data code (hyvideo/utils/data_utils.py, generate_crop_size_list and get_closest_ratio,
    as in diffusers 0.42.1): walk down from the widest, keep what is within a ratio of 4. A size stays in the list only
    when the model would pick it for a picture of exactly that size, so that what is planned is what is made.
    """
    count = round((base / step) ** 2)
    wide, high = count, 1
    found: list[Pair] = []
    while wide > 0:
        if max(wide, high) / min(wide, high) <= MAX_RATIO:
            found.append((high * step, wide * step))
        if (high + 1) * wide <= count:
            high += 1
        else:
            wide -= 1
    return [pair for pair in found if _pick_size(pair, found) == pair]


def _pick_size(pair: Pair, found: list[Pair]) -> Pair:
    """The size the model picks for a picture of this size: the nearest ratio that isn't more extreme than the
    picture's.
    """
    tall = pair[1] / pair[0]
    ratios = [(round(height / width, 5), (width, height)) for width, height in found]
    milder = [(abs(one - tall), size) for one, size in ratios if (one <= tall if tall >= 1 else one >= tall)]
    return min(milder, key=lambda item: item[0])[1] if milder else found[0]


# Length and steps ---------------------------------------------------------------------------------------------------


def _choose_length(shot: Shot, checkpoint: Checkpoint, fps: int) -> tuple[int, Choice]:
    """Frames in the clip, and why."""
    lengths = checkpoint.lengths
    wanted = shot.seconds * fps
    draft = shot.quality == "draft" and wanted > lengths.default * DRAFT_SHARE
    if draft:
        wanted = lengths.default * DRAFT_SHARE
    low = math.ceil((lengths.least - lengths.first) / lengths.step)
    high = (lengths.most - lengths.first) // lengths.step
    frames = lengths.step * min(max(round((wanted - lengths.first) / lengths.step), low), high) + lengths.first
    value = f"{frames} frames, {frames / fps:.2f} s at {fps} fps"
    if draft:
        return frames, Choice("length", value, "a draft is at most half of the model's own length")
    if abs(frames - shot.seconds * fps) < 0.5:
        return frames, Choice("length", value, "as asked")
    if shot.seconds * fps > lengths.most:
        return frames, Choice("length", value, "the longest this model makes")
    return frames, Choice("length", value, f"the nearest this model makes to {shot.seconds:g} s")


def _choose_steps(shot: Shot, checkpoint: Checkpoint) -> tuple[int, Choice]:
    """Denoising steps, and why."""
    steps = checkpoint.steps
    if shot.steps is not None:
        if not steps.least <= shot.steps <= steps.most:
            raise Refusal(
                f"This model takes {steps.least} to {steps.most} steps, not {shot.steps}.", "Choose within that."
            )
        return shot.steps, Choice("steps", str(shot.steps), "chosen by hand")
    count = {"draft": steps.draft, "good": steps.default, "best": steps.best}[shot.quality]
    reason = {
        "draft": "enough for a draft",
        "good": "the model's own default",
        "best": "more than the default, for the best",
    }
    if count == steps.default:
        return count, Choice("steps", str(count), reason["good"])
    return count, Choice("steps", str(count), reason[shot.quality])


def _choose_guidance(shot: Shot, checkpoint: Checkpoint) -> float:
    scale = checkpoint.guidance
    if shot.guidance is None:
        return scale.default
    if not scale.least <= shot.guidance <= scale.most:
        raise Refusal(
            f"This model takes a guidance of {scale.least:g} to {scale.most:g}, not {shot.guidance:g}.",
            "Choose within that.",
        )
    return shot.guidance
