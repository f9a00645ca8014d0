"""A shot as the request that a hosted model is sent: its own fields, nothing that it doesn't declare, and the files.

The photo leaves as it is used and no larger: cropped, scaled to what the model makes, within the service's limits, as a
JPEG without metadata.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.cards import ModelCard, Plan
from studio.engines.hosted.field_values import (
    FieldValues,
    find_attachment,
    find_short_side,
    find_values,
    list_slots,
)
from studio.engines.hosted.service import Endpoint, File
from studio.engines.hosted.ways import choose_way
from studio.engines.plan import cut, cut_end
from studio.engines.prepare import Prepared
from studio.hosted_cards import Slot, SlotName, Value, Way
from studio.nouns import Attachment, Refusal, Shot

Image = NDArray[np.uint8]

LONGEST = 1920
"""The longest side of a photo that is sent where nobody says what size the model makes."""

QUALITIES = (92, 85, 75, 60)
"""JPEG qualities, tried in turn until the photo is within the service's limit of bytes."""

MEDIA_TYPES = {
    "mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg",
    "flac": "audio/flac", "webm": "video/webm", "mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska",
}  # fmt: skip


class HostedRequest(NamedTuple):
    """What a service is sent: the model's endpoint, its fields by name, and the files, by the field each goes into."""

    endpoint: Endpoint
    fields: dict[str, Value]
    files: dict[str, File]


def write_request(
    prepared: Prepared, image: Image, end: Image | None, attachments: dict[SlotName, Path]
) -> HostedRequest:
    """The request of a prepared shot. `image` and `end` are the whole mended photos, (H, W, 3) uint8 RGB; `attachments`
    are where the files of its slots lie. Raises `Refusal` for what the model doesn't take.
    """
    shot, card = prepared.shot, prepared.card
    way = choose_way(shot, card)
    check_request(shot, card, way)
    found = find_values(shot, card, way)
    fields = {one.name: found.values[one.name] for one in way.fields if one.name in found.values and not one.in_ref}
    fields |= way.fixed
    if (field := way.find_field("prompt")) and (words := write_prompt(shot, way, found)):
        fields[field.name] = words
    files = {way.slots["first_frame"].field: _fit_photo(cut(image, prepared.plan), way, "first_frame", found, prepared)}
    if end is not None and shot.end and "last_frame" in way.slots:
        part = cut_end(end, shot.end, prepared.plan)
        files[way.slots["last_frame"].field] = _fit_photo(part, way, "last_frame", found, prepared)
    for name in list_slots(shot, way):
        if given := find_attachment(shot, name):
            files[way.slots[name].field] = File(attachments[name], find_media_type(given))
    places = {one.name: found.values[one.name] for one in way.fields if one.in_ref}
    return HostedRequest(Endpoint(way.ref.format(**places), way.version), fields, files)


def write_prompt(shot: Shot, way: Way, found: FieldValues) -> str:
    """The words for a model: those of the motion, and what is spoken and heard between the tags the model wants them
    in.
    """
    said = [found.words.prompt]
    for option, tag in way.tags.items():
        if words := " ".join(str(shot.options.get(option, "")).split()):
            said.append(tag.format(words))
    return " ".join(part for part in said if part)


def find_media_type(attachment: Attachment) -> str:
    """The media type of a kept file, by the ending that its name was given when it was looked into."""
    return MEDIA_TYPES.get(_find_ending(attachment), "application/octet-stream")


# What has to be there -------------------------------------------------------------------------------------------------


def check_request(shot: Shot, card: ModelCard, way: Way) -> None:
    """Raises `Refusal` for what a way in needs and the shot lacks, and for files and words beyond its limits."""
    found = find_values(shot, card, way)
    for name, slot in way.slots.items():
        given = find_attachment(shot, name)
        if name in ("audio", "motion_video") and given is None and slot.required:
            raise Refusal(*_LACKS[name](card.title))
        if given:
            _check_attachment(given, name, slot, card)
    field, words = way.find_field("prompt"), write_prompt(shot, way, found)
    if field and field.required and not words:
        raise Refusal(f"{card.title} has to be told what moves.", "Write it, or choose a camera move.", "words")
    if field and field.most and len(words) > field.most:
        much = f"{len(words):,} of the {field.most:,.0f} characters that it reads"
        raise Refusal(f"The words for {card.title} have {much}.", "Write fewer.", "words")


_LACKS = {
    "audio": lambda title: (f"{title} speaks with a voice that you give it.", "Record one, or add a sound file."),
    "motion_video": lambda title: (f"{title} moves as somebody does in a film.", "Add a film to move like."),
}


def _check_attachment(given: Attachment, name: SlotName, slot: Slot, card: ModelCard) -> None:
    what = "sound" if name == "audio" else "film"
    ending = _find_ending(given)
    if given.kind != ("audio" if name == "audio" else "video"):
        raise Refusal(f"{given.name} isn't a {what}.", f"Add a {what} for {card.title}.")
    if slot.types and ending not in slot.types:
        raise Refusal(
            f"{card.title} takes no {ending.upper() or 'such'} file as its {what}.",
            f"Give it as one of: {', '.join(one.upper() for one in slot.types)}.",
        )
    if slot.most_bytes and given.bytes > slot.most_bytes:
        most = f"{slot.most_bytes / 1e6:.0f} MB"
        raise Refusal(
            f"This {what} has {given.bytes / 1e6:.1f} MB; {card.title} takes {most}.", f"Give one of at most {most}."
        )
    short, long = slot.seconds
    if long and not short - 0.05 <= given.seconds <= long + 0.05:
        raise Refusal(
            f"This {what} lasts {given.seconds:.1f} s; {card.title} takes {short:g} to {long:g} s.",
            "Give one within that.",
        )


def _find_ending(attachment: Attachment) -> str:
    return attachment.name.rpartition(".")[2].lower() if "." in attachment.name else ""


# The photo ------------------------------------------------------------------------------------------------------------


def _fit_photo(part: Image, way: Way, name: SlotName, found: FieldValues, prepared: Prepared) -> File:
    """The part of a photo that is used, as a JPEG within the limits of a slot."""
    import cv2

    from studio.photo.downscale import reduce_by_factor

    slot = way.slots[name]
    height, width = part.shape[:2]
    size = find_photo_size((width, height), prepared.plan, find_short_side(way, found.values), slot)
    if size != (width, height):
        method = cv2.INTER_AREA if size[0] < width else cv2.INTER_CUBIC
        part = np.asarray(cv2.resize(reduce_by_factor(part, min(size)), size, interpolation=method), np.uint8)
    bgr = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2BGR)
    for quality in QUALITIES:
        ok, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if ok and (not slot.most_bytes or len(coded) <= slot.most_bytes):
            return File(coded.tobytes(), "image/jpeg")
    raise Refusal(f"The photo can't be sent to {prepared.card.title}: it stays too large.", "Choose a smaller size.")


def find_photo_size(have: tuple[int, int], plan: Plan, short: int | None, slot: Slot) -> tuple[int, int]:
    """The size in which a cut photo is sent: what the model makes of it, never enlarged but for the service's least."""
    width, height = have
    scale = min(1.0, plan.width / width if short else LONGEST / max(have))
    if slot.most_side:
        scale = min(scale, slot.most_side / max(have))
    if slot.least_side:
        scale = max(scale, slot.least_side / min(have))
    return max(1, round(width * scale)), max(1, round(height * scale))
