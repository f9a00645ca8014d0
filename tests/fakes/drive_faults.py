"""A studio with its page on a drive that fills up, is taken out and can only be read: `python -m tests.fakes.drive_faults FOLDER`
inside a mount namespace (drive.py). Prints a line of JSON for each stage and fault: what was told, what was left, what came of
the next try once the fault was over.
"""

from __future__ import annotations

import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from studio.batch.batch_nouns import BatchSettings
from studio.config import Settings
from studio.finish_nouns import Finish
from studio.library import database
from studio.library.backup import back_up
from studio.nouns import Failed, Queued, Refusal, Running, Shot, replace
from studio.preferences import Preferences
from studio.studio import Studio
from studio.system_errors import explain_system_error
from tests.fakes.drive import Drive
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import ended, until


class Filling(Gradient):
    """Fills the drive at a frame, but for so many bytes."""

    def __init__(self, drive: Drive) -> None:
        super().__init__()
        self.drive = drive
        self.at, self.free = -1, 0

    def _paint(self, shot: Shot, width: int, height: int, tick: Any) -> Iterator[np.ndarray]:
        for index, frame in enumerate(super()._paint(shot, width, height, tick)):
            if index == self.at:
                self.drive.fill(self.free)
            yield frame


class Trial:
    """The studio, its page and the drive."""

    def __init__(self, folder: Path) -> None:
        from studio.ui.page import build, launch_options

        self.folder, self.drive = folder, Drive(folder)
        self.home = self.drive.at / "home"
        self.engine = Filling(self.drive)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.studio = Studio(Settings(self.home, port=self.port), (CARD,), finder(self.engine))
        self.studio.start(score=False)
        self.page = build(self.studio)
        self.page.launch(prevent_thread_lock=True, **launch_options(self.studio))
        self.count = 0
        self.shot = Shot(self.take(), model="gradient", seconds=1, fps=16, size="240p")
        self.clip, self.other = self.make(), self.make()
        self.compared = self.studio.comparisons.start_from_clips([self.clip, self.other]).id
        self.batch = self.read_batch()
        self.studio.batches.take_anyway(self.batch)
        self.studio.batches.start(self.batch)
        until(lambda: self.studio.batches.count_jobs(self.batch).get("done", 0) == 2)
        self.harmed = self.harm()

    def take(self) -> Any:
        self.count += 1
        return self.studio.photos.take_in(photograph(self.folder, 640, 480, self.count), "harbour.jpg")

    def make(self, shot: Shot | None = None) -> str:
        self.count += 1
        job = ended(self.studio, self.studio.submit(replace(shot or self.shot, seed=self.count)).id)
        if isinstance(job.state, Failed):
            raise Refusal(job.state.reason, job.state.remedy)
        return job.id

    def read_batch(self) -> str:
        """A new batch of two photos. Raises `Refusal` for what became of one of them."""
        settings = BatchSettings(model="gradient", size="240p", seconds=1.0, fps=8)
        self.count += 2
        given = [photograph(self.folder, 640, 480, self.count + more) for more in range(2)]
        one = self.studio.batches.create(given, settings).id
        until(lambda: self.studio.batches.count_unread(one) == 0)
        for row in self.studio.batches.rows(one):
            if row.refusal:
                raise Refusal(row.refusal.reason, row.refusal.remedy)
        return one

    def finish(self) -> str:
        return self.make(replace(self.studio.library.get(self.clip).shot, finish=Finish(clips=(self.clip,), reverse=True)))

    def harm(self) -> Path:
        """A damaged database beside the home folder."""
        file = self.drive.at / "stir-harmed" / "stir.db"
        file.parent.mkdir()
        with closing(database.open(file)) as base:
            base.read("INSERT INTO comparisons VALUES ('kept', 1.0, 0, '', '', '{}')")
        file.write_bytes(b"harm" + file.read_bytes()[4:])
        return file

    def salvage(self) -> None:
        with closing(database.open(self.harmed)) as base:
            assert base.notes and base.read("SELECT id FROM comparisons") == [("kept",)]

    def deliver(self) -> None:
        sent = self.studio.deliveries.start([self.clip], ["product"])
        until(lambda: self.studio.deliveries.find(sent.id).is_over)
        item = self.studio.deliveries.find(sent.id).items[0]
        if item.state == "refused":
            raise Refusal(item.reason, item.remedy)
        self.studio.deliveries.zip_files(sent.id)

    def attach(self) -> None:
        self.count += 1
        self.studio.attachments.take_in(photograph(self.folder, 64, 48, self.count), "logo.png", "image")

    def upload(self) -> None:
        """What the page's own script sends. Raises `Refusal` with the page's answer."""
        self.count += 1
        data = photograph(self.folder, 900, 700, self.count).read_bytes()
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/gradio_api/upload", head + data + b"\r\n--x--\r\n",
            {"Content-Type": "multipart/form-data; boundary=x"},
        )  # fmt: skip
        try:
            urllib.request.urlopen(asked, timeout=30).close()
        except urllib.error.HTTPError as error:
            raise Refusal(json.load(error)["error"], f"{error.code}") from None

    def list_left(self) -> list[str]:
        """What is half made: in the folders of the home, in the uploads, and beside what jobs work in."""
        left = [file for file in self.home.rglob("*") if file.is_file() and (file.suffix == ".part" or file.name.startswith("."))]
        left += [file for file in (self.home / "cache/uploads").glob("*") if file.is_file()]
        return sorted(file.name for file in left)

    def say(self, fault: str, stage: str, does: Callable[[], Any], begin: Callable[[], None], end: Callable[[], None]) -> None:
        begin()
        told = _tell(does)
        with suppress(AssertionError):
            until(lambda: not self.list_left(), patience=2)
        left = self.list_left()
        end()
        print(json.dumps({"fault": fault, "stage": stage, "told": told, "left": left, "again": _tell(does)}), flush=True)


def _tell(does: Callable[[], Any]) -> str:
    try:
        does()
    except Refusal as refusal:
        return str(refusal)
    except OSError as error:
        return str(explain_system_error(error) or f"{type(error).__name__}: {error}")  # as the page's door says it
    return ""


def list_stages(trial: Trial) -> dict[str, Callable[[], Any]]:
    """What a person does in the studio that writes to the home folder."""
    studio = trial.studio
    fresh = lambda: replace(trial.shot, seed=1000 + trial.count)  # noqa: E731
    return {
        "start": lambda: Studio(studio.settings, (CARD,), finder(Gradient())).close(),
        "upload": trial.upload,
        "take in": trial.take,
        "preview": lambda: studio.preview(fresh()),
        "queue": lambda: studio.cancel(studio.submit(trial.shot).id),
        "job": trial.make,
        "finish": trial.finish,
        "rate": lambda: studio.library.rate(trial.clip, trial.count % 5),
        "trash": lambda: (studio.library.trash(trial.clip), studio.library.restore(trial.clip)),
        "export": lambda: studio.exports.export(trial.clip, False),
        "export all": lambda: studio.exports.export_all([trial.clip], True),
        "deliver": trial.deliver,
        "compare": lambda: studio.comparisons.trash(studio.comparisons.start_from_clips([trial.clip, trial.other]).id),
        "film of a comparison": lambda: studio.exports.export_grid(trial.compared),
        "sheet of a comparison": lambda: studio.exports.export_sheet(trial.compared),
        "attachment": trial.attach,
        "read a batch": trial.read_batch,
        "write a batch": lambda: studio.batches.write_out(trial.batch, trial.home / f"out {trial.count}"),
        "settings": lambda: studio.models.prefer(Preferences(hosted_at_once=1 + trial.count % 9)),
        "salvage": trial.salvage,
        "backup": lambda: back_up(studio.settings.database, trial.drive.at),
    }


def _is_still(studio: Studio, job_id: str, says: list[str]) -> bool:
    """Whether a job has ended, or says why it stands still; `says` is what it says."""
    state = studio.job(job_id).state
    if isinstance(state, Running):
        says[:] = [state.progress.note]
        return "full" in state.progress.note or "filled" in state.progress.note
    return not isinstance(state, Queued)


def fill_in_mid_job(trial: Trial) -> None:
    """The drive is full from a frame on, but for a little: wherever the clip, its poster, its recipe or its row is written."""
    for at, free in ((0, 0), (15, 0), (15, 8192), (15, 16_384), (15, 32_768), (15, 65_536)):
        trial.engine.at, trial.engine.free = at, free
        trial.count += 1
        job = trial.studio.submit(replace(trial.shot, seed=trial.count))
        says: list[str] = []
        until(lambda job_id=job.id, says=says: _is_still(trial.studio, job_id, says))
        trial.engine.at = -1
        trial.drive.clear()
        state = ended(trial.studio, job.id).state
        told = f"{state.reason} {state.remedy}" if isinstance(state, Failed) else " ".join(says)
        if isinstance(state, Failed):
            trial.studio.retry(job.id)
            state = ended(trial.studio, job.id).state
        again = "" if type(state).__name__ == "Done" else repr(state)
        print(json.dumps({"fault": "fills up", "stage": f"frame {at}, {free} bytes", "told": told, "left": [], "again": again}))


def obey(trial: Trial) -> None:
    """Print where the page is, and do to its drive what the lines of standard input say, until they end."""
    drive = trial.drive
    does: dict[str, Callable[[], object]] = {
        "fill": drive.fill, "clear": drive.clear, "take out": drive.take_out, "plug in": drive.plug_in,
        "plug in read-only": lambda: drive.plug_in(read_only=True), "harm": lambda: harm(trial.studio),
    }  # fmt: skip
    print(json.dumps({"page": f"http://127.0.0.1:{trial.port}/"}), flush=True)
    for line in sys.stdin:
        does[line.strip()]()
        print("done", flush=True)


def harm(studio: Studio) -> None:
    """Turn over all bits of a database and its log but for their first pages, and forget what was read of it."""
    database = studio.settings.database
    for file, start in ((database, 4096), (database.with_name(f"{database.name}-wal"), 56)):
        with file.open("r+b") as pages:
            pages.seek(start)
            turned = bytes(255 - byte for byte in pages.read())
            pages.seek(start)
            pages.write(turned)
    studio._database.read("PRAGMA shrink_memory")


def main(folder: str) -> None:
    trial = Trial(Path(folder))
    drive = trial.drive
    for stage, does in list_stages(trial).items():
        trial.say("full", stage, does, drive.fill, drive.clear)
    fill_in_mid_job(trial)
    kept = {clip.id for clip in trial.studio.library.find(limit=1000)}
    strays = {file.stem for file in trial.studio.settings.clips.iterdir()} - kept
    print(json.dumps({"fault": "full", "stage": "files without a clip", "told": "full", "left": sorted(strays), "again": ""}))
    before = len(kept)
    for stage, does in list_stages(trial).items():
        if stage not in ("start", "backup", "salvage"):  # another process would begin a home folder in the drive's place
            trial.say("taken out", stage, does, drive.take_out, drive.plug_in)
    assert sorted(file.name for file in drive.at.iterdir() if not file.name.startswith("stir-")) == ["home"]
    for stage, does in list_stages(trial).items():
        if stage in ("start", "upload", "take in", "export", "rate", "settings"):
            begin = lambda: (drive.take_out(), drive.plug_in(read_only=True))  # noqa: E731
            trial.say("read-only", stage, does, begin, lambda: (drive.take_out(), drive.plug_in()))
    assert len(trial.studio.library.find(limit=1000)) >= before, "no clip is lost"
    obey(trial)
    with suppress(Exception):
        trial.page.close(verbose=False)
    trial.studio.close()


if __name__ == "__main__":
    main(sys.argv[1])
