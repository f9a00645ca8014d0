"""The manifest of a batch: what became of every photo, as CSV for people and as JSON for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec

from studio.batch.batch_nouns import Batch, BatchClip, BatchRow, ClipStanding, RowStanding, WrittenFile
from studio.nouns import Shot

COLUMNS = (
    "photo", "state", "platform", "file", "width", "height", "fps", "seconds", "bytes", "model", "motion", "words",
    "seed", "crop", "mends", "unmet", "reason", "remedy", "clip",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell of a CSV file begins with that spreadsheets read as a formula (OWASP, CSV injection)."""

Entry = dict[str, Any]


def list_entries(batch: Batch, rows: Sequence[BatchRow], standings: Sequence[RowStanding]) -> list[Entry]:
    """One entry for each file, and one for each photo or clip without any: by the columns, and the shot as `recipe`."""
    found: list[Entry] = []
    for row, standing in zip(rows, standings, strict=True):
        states = {one.key: one for one in standing.clips}
        if not row.clips or (standing.state in ("refused", "aside") and not standing.clips):
            found.append(_make_entry(row, standing.state, reason=standing.reason, remedy=standing.remedy))
        for clip in row.clips:
            found += _list_clip(row, clip, states.get(clip.key, ClipStanding(clip.key, "ready")), standing)
    return found


def _list_clip(row: BatchRow, clip: BatchClip, at: ClipStanding, standing: RowStanding) -> list[Entry]:
    state = "aside" if standing.state == "aside" else at.state
    told = _describe(clip.shot, at)
    reason, remedy = at.reason or (standing.reason if state == "aside" else ""), at.remedy
    if not clip.files:
        return [_make_entry(row, state, "+".join(clip.platforms), reason=reason, remedy=remedy, **told)]
    return [_make_file_entry(row, state, file, told) for file in clip.files]


def _make_entry(row: BatchRow, state: str, platform: str = "", file: str = "", **told: Any) -> Entry:
    return {"photo": row.name, "state": state, "platform": platform, "file": file, "reason": "", "remedy": "", **told}


def _make_file_entry(row: BatchRow, state: str, file: WrittenFile, told: Entry) -> Entry:
    more: Entry = {"others": file.others, "unmet": "; ".join(file.unmet), "reason": file.reason}
    if file.is_written:
        more |= {"width": file.width, "height": file.height, "fps": round(file.fps, 3), "bytes": file.bytes}
        more["seconds"] = round(file.seconds, 3)
    return _make_entry(row, state, file.platform, file.path, **{**told, **more})


def _describe(shot: Shot, at: ClipStanding) -> Entry:
    made = at.clip if not at.is_draft else None
    facts: Entry = {
        "model": shot.model, "motion": _name_motion(shot), "words": _join_words(shot), "seed": shot.seed,
        "crop": ",".join(f"{side:.4f}" for side in (shot.crop.x, shot.crop.y, shot.crop.w, shot.crop.h)),
        "mends": " ".join(f"{mend.name}:{mend.amount:g}" for mend in shot.mends),
        "clip": made.id if made else "", "recipe": msgspec.to_builtins(shot),
    }  # fmt: skip
    if made:
        facts |= {
            "width": made.width, "height": made.height, "fps": made.fps, "seconds": round(made.seconds, 3),
            "bytes": made.bytes,
        }  # fmt: skip
    return facts


def _name_motion(shot: Shot) -> str:
    """The moves and effects by name: "dolly in, orbit left; wind"."""
    legs = (shot.motion.camera.moves, *(leg.moves for leg in shot.motion.camera.then))
    moves = ", then ".join(", ".join(move.name for move in moves) for moves in legs if moves)
    effects = ", ".join(effect.name for effect in shot.motion.effects)
    return "; ".join(filter(None, (moves, effects))).replace("_", " ")


def _join_words(shot: Shot) -> str:
    motion = shot.motion
    slots = (f"{motion.subject} {motion.action}".strip(), motion.environment, motion.light, motion.still, motion.prompt)
    return ", ".join(filter(None, slots))


def write_csv(columns: Sequence[str], entries: Sequence[Entry]) -> bytes:
    """A CSV file (RFC 4180, UTF-8 with a mark, so that Excel reads it) in which no cell is a formula."""
    sheet = io.StringIO(newline="")
    table = csv.writer(sheet)
    table.writerow(columns)
    table.writerows([guard(entry.get(column, "")) for column in columns] for entry in entries)
    return sheet.getvalue().encode("utf-8-sig")


def guard(value: Any) -> Any:
    """A cell that no spreadsheet reads as a formula: words that begin like one have an apostrophe before them."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_json(batch: Batch, entries: Sequence[Entry]) -> bytes:
    """The same as JSON, with the batch's settings and each clip's recipe."""
    whole = {"batch": batch.name, "id": batch.id, "settings": msgspec.to_builtins(batch.settings), "clips": entries}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1)
