"""Many photos at once: what is the same for all, a table of them, and how far each is. Its sheet comes when the tab is
first opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from studio import presets
from studio.batch.batch_nouns import (
    MOST_PHOTOS,
    MOST_VARIATIONS,
    PLACEHOLDERS,
    BatchSettings,
    Choosing,
    PostingPlan,
)
from studio.batch.prompt_file import MOST_BYTES, Prompts, parse_prompts
from studio.config import MAX_UPLOAD_BYTES
from studio.motion.compose import plain
from studio.nouns import (
    Aspect,
    Crop,
    Format,
    Id,
    Motion,
    Noun,
    PressId,
    Quality,
    Refusal,
    Search,
    Short,
    Size,
)
from studio.spending import Confirmation
from studio.studio import Studio
from studio.ui import batch_snapshot, theme
from studio.ui.batch_uploads import take_uploads
from studio.ui.clip_actions import ById
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.price_words import Paid, make_paid_call
from studio.ui.uploads import Upload, find_upload
from studio.ui.worded_motion import find_preset

MOST_FILES = 2 * MOST_PHOTOS
"""Files of one press: each photo may bring a text."""


class BatchForm(Noun, frozen=True):
    """What is the same for every photo, as the page has it; see `BatchSettings`. `draft`: each clip is tried out."""

    choose: Choosing = "same"
    preset: Short = ""
    words: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    platforms: Annotated[tuple[Short, ...], msgspec.Meta(max_length=24)] = ()
    aspect: Aspect = "photo"
    model: Id = "parallax"
    draft: bool = False
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    variations: Annotated[int, msgspec.Meta(ge=1, le=MOST_VARIATIONS)] = 1
    size: Size = "auto"
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)] = 5.0
    format: Format = "mp4"
    quality: Quality = "good"
    plan: PostingPlan | None = None


class NewBatch(Noun, frozen=True):
    """One press that makes a batch of uploads, or of a folder on this computer."""

    form: BatchForm
    files: Annotated[tuple[Upload, ...], msgspec.Meta(max_length=MOST_FILES)] = ()
    folder: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    prompts: Upload | None = None
    press: PressId = ""


class BatchWords(Noun, frozen=True):
    """Which batches: those whose names have the words."""

    words: Search = ""


class BatchLook(ById, frozen=True):
    """A look at a batch: the rows of one group from `offset` on."""

    show: batch_snapshot.Show = "all"
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0


class BatchRows(ById, frozen=True):
    """Rows of a batch; None is all of them."""

    rows: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MOST_PHOTOS)] | None = None
    paid: Paid | None = None


class RowChange(BatchRows, frozen=True):
    """What is changed of rows; what is None stays. `preset` "" takes a row's own motion away."""

    words: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    preset: Short | None = None
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None = None
    subject: Short | None = None
    light: Short | None = None
    place: Short | None = None
    crops: Annotated[tuple[Crop, ...], msgspec.Meta(max_length=len(get_args(Aspect)))] | None = None


class RowPlace(ById, frozen=True):
    """Where a row goes: right before another one, or last."""

    row: Id
    before: Id | None = None


class BatchName(ById, frozen=True):
    """A batch's new name."""

    name: Annotated[str, msgspec.Meta(max_length=200)]


class BatchFolder(ById, frozen=True):
    """Where a batch's files are written, on the studio's own computer; "" for the home folder."""

    folder: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class BatchChange(ById, frozen=True):
    """What is the same for every photo of a batch, from now on."""

    form: BatchForm


class BatchPanel:
    """One part. It asks for its sheet when the tab is opened, and then for one window of rows at a time."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        room = self.studio.batches
        calls = [
            make_call("open_batch_sheet", Nothing, lambda _: self.open()),
            make_call("find_batches", BatchWords, self.find),
            make_call("create_batch", NewBatch, self.create),
            make_call("show_batch", BatchLook, self.show),
            make_call("estimate_batch", ById, lambda ask: batch_snapshot.show_estimate(self.studio, ask.id)),
            make_call("set_batch", BatchChange, lambda ask: room.set_settings(ask.id, self._read(ask.form)).id),
            make_call("name_batch", BatchName, lambda ask: room.rename(ask.id, ask.name).name),
            make_call("change_rows", RowChange, self.change),
            make_call("mend_rows", BatchRows, lambda ask: len(room.mend_all(ask.id, ask.rows))),
            make_call("take_rows", BatchRows, lambda ask: len(room.take_anyway(ask.id, ask.rows))),
            make_call("remove_rows", BatchRows, lambda ask: room.remove(ask.id, ask.rows or ())),
            make_call("move_row", RowPlace, lambda ask: room.reorder(ask.id, ask.row, ask.before)),
            make_call("preview_row", RowPlace, self.preview),
            make_call("pause_batch", ById, lambda ask: room.pause(ask.id).id),
            make_call("stop_batch", ById, lambda ask: room.stop(ask.id).id),
            make_call("forget_batch", ById, lambda ask: room.forget(ask.id)),
            make_call("write_batch", BatchFolder, self.write),
            make_call("zip_batch", ById, self.zip),
            make_paid_call(self.studio, "start_batch", BatchRows, self.start, "Make them"),
            make_paid_call(self.studio, "retry_rows", BatchRows, self.retry, "Make them again"),
        ]
        self.part = make_part("batch_panel", calls=calls)

    def open(self) -> dict[str, Any]:
        """The sheet's style and script, and what it is given."""
        given = {
            "presets": [[one.id, one.title, plain(one.motion)] for one in presets.motions()],
            "platforms": [
                {"id": one.id, "label": one.label, "title": one.title, "aspect": one.aspect}
                for one in presets.platforms()
            ],
            "placeholders": PLACEHOLDERS, "most": MOST_PHOTOS, "largest": MAX_UPLOAD_BYTES,
            "variations": MOST_VARIATIONS, "local": self.studio.settings.is_local,
            "written": str(self.studio.settings.home / "batches"),
        }  # fmt: skip
        return {**theme.read_sheet("batch"), "given": given}

    def find(self, ask: BatchWords) -> list[dict[str, Any]]:
        """The batches that are here, newest first."""
        return [batch_snapshot.show_card(self.studio, one) for one in self.studio.batches.find(ask.words[:200])]

    def show(self, ask: BatchLook) -> dict[str, Any]:
        """A batch and some of its rows. Raises `Refusal` when it isn't here."""
        return batch_snapshot.show_batch(self.studio, self.studio.batches.get(ask.id), ask.show, ask.offset)

    def _read(self, form: BatchForm) -> BatchSettings:
        """The settings of a form. Raises `Refusal`."""
        card = self.studio.models.card(form.model)
        given = msgspec.structs.asdict(form)
        words, draft = given.pop("words"), given.pop("draft")
        motion = find_preset(form.preset).motion if form.preset else Motion()
        return BatchSettings(
            motion=motion,
            sentence=words,
            draft=self.studio.models.draft(card).id if draft and not card.is_built_in else "",
            **given,
        )

    def create(self, ask: NewBatch) -> str:
        """Make a batch; answers with its id. Raises `Refusal`."""
        settings, prompts = self._read(ask.form), self._read_prompts(ask)
        if ask.folder:
            if not self.studio.settings.is_local:
                raise Refusal("Folders of the studio's computer are named there.", "Drop the photos here instead.")
            return self.studio.batches.create([Path(ask.folder)], settings, prompts=prompts, press=ask.press).id
        if not ask.files or not ask.press:
            raise Refusal("There are no photos yet.", "Drop some, or choose a folder.")
        taken = take_uploads(self.studio, ask.files, ask.press)
        return self.studio.batches.create(
            taken.files, settings, names=taken.names, prompts=prompts, press=ask.press
        ).id  # fmt: skip

    def _read_prompts(self, ask: NewBatch) -> Prompts:
        if ask.prompts is None:
            return Prompts()
        file, name = find_upload(self.studio, ask.prompts), Path(ask.prompts.name).name
        try:
            with file.open("rb") as text:
                data = text.read(MOST_BYTES + 1)
        finally:
            file.unlink(missing_ok=True)
        if len(data) > MOST_BYTES:
            raise Refusal(f"{name} is too long for a file of prompts.", "Write one a line.")
        return parse_prompts(data, called=name)

    def change(self, ask: RowChange) -> int:
        """Change rows, all or some; how many. Raises `Refusal`."""
        changes: dict[str, Any] = {
            name: value
            for name in ("seconds", "seed", "subject", "light", "place", "crops")
            if (value := getattr(ask, name)) is not None
        }
        if ask.words is not None:
            changes["prompt"] = ask.words
        if ask.preset is not None:
            changes |= {"preset": ask.preset, "motion": find_preset(ask.preset).motion if ask.preset else None}
        return len(self.studio.batches.apply_to(ask.id, ask.rows, **changes))

    def preview(self, ask: RowPlace) -> dict[str, str]:
        """A tiny film of the move of a row's first clip; "" for one that has none. Raises `Refusal`."""
        row = next((one for one in self.studio.batches.rows(ask.id) if one.id == ask.row), None)
        if row is None or not row.clips:
            return {"path": ""}
        return {"path": str(self.studio.preview(row.clips[0].shot))}

    def write(self, ask: BatchFolder) -> dict[str, str]:
        """Write what is done to a folder; where that is, and its contact sheet. Raises `Refusal`."""
        if ask.folder and not self.studio.settings.is_local:
            raise Refusal("Folders of the studio's computer are named there.", "Download the files as a ZIP.")
        parent = Path(ask.folder) if ask.folder else self.studio.settings.home / "batches"
        folder = self.studio.batches.write_out(ask.id, parent)
        return {"folder": str(folder), "sheet": str(self.studio.exports.serve(folder / "contact-sheet.png", ask.id))}

    def zip(self, ask: ById) -> dict[str, str]:
        """All files of a batch in one, written anew if need be. Raises `Refusal`."""
        one = self.studio.batches.get(ask.id)
        parent = Path(one.folder).parent if one.folder else self.studio.settings.home / "batches"
        file = self.studio.exports.export_folder(self.studio.batches.write_out(ask.id, parent))
        return {"path": str(file), "name": file.name}

    def start(self, ask: BatchRows, paid: Confirmation | None) -> str:
        """Start a batch, or go on with one that was paused or stopped. Raises `Refusal`."""
        one = self.studio.batches.get(ask.id)
        going = self.studio.batches.resume if one.is_started else self.studio.batches.start
        return going(ask.id, paid).id

    def retry(self, ask: BatchRows, paid: Confirmation | None) -> str:
        """Make what failed once more. Raises `Refusal`."""
        return self.studio.batches.retry(ask.id, ask.rows, paid).id
