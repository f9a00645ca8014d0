"""One paid job on its way: sent once, watched, fetched; or looked for where its answer was lost, and never sent again.

Each step says when the next is due. What can't be asked again is written down before it is done, so that the process
may end at any moment: a job is taken up where its row in paid_jobs stands.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.cards import ModelCard
from studio.engines.base import Stopped, Tick
from studio.engines.hosted.service import Endpoint, File, Remote, Service, ServiceRefusal, Uploaded
from studio.engines.prepare import prepare
from studio.jobs.clip_maker import ClipMaker, describe_clip
from studio.jobs.deadlines import USUAL
from studio.jobs.job_progress import JobProgress
from studio.jobs.service_pauses import SPELLS, ServicePauses
from studio.jobs.watched_work import run_watched
from studio.library.paid_jobs import PaidJob, PaidJobs
from studio.nouns import Attachment, Cancelled, Choice, Done, Failed, Job, Progress, Refusal, State
from studio.presets import explain_silent_track

if TYPE_CHECKING:
    from studio.clip.encode import Encoded
    from studio.photo.photo_store import PhotoStore

Stage = Literal["send", "note", "look", "poll", "fetch", "cancel", "over"]

DEADLINE = 1800.0
"""Seconds after which the service ends a request, which Replicate does anyway."""

GRACE = 120.0
"""Seconds after that in which Stir still asks, should the service be late."""

KEPT = 3600.0
"""Seconds that a service keeps what it made: so long after its deadline one that doesn't answer is still asked."""

POLL_SECONDS = 2.0
TRANSIENT = ("unreachable", "service", "rate_limited")
"""Kinds of refusals after which something free is asked again."""

TOKENLESS = ("no_token", "bad_token")
"""Those that last until the user has given another token."""

TOKEN_SECONDS = 20.0
"""How long a job that is under way waits until it asks again whether there is a token."""

BEGINNINGS: dict[str, Stage] = {"confirmed": "send", "sending": "look", "uncertain": "look", "sent": "poll"}
"""Where a job is taken up, by its row's state."""

UPLOAD_TRIES, FETCH_TRIES, LOOK_TRIES, CANCEL_TRIES = 3, 12, 4, 3
LONGEST_PAUSE = 60.0
CLOCKS = 300.0
"""Seconds that the service's clock may differ from this computer's."""


@dataclass(frozen=True)
class HostedTools:
    """What every paid job needs. `find_file` says where an attachment lies; `token` is this process's."""

    maker: ClipMaker
    paid: PaidJobs
    photos: Callable[[], PhotoStore]
    find_service: Callable[[str], Service]
    find_file: Callable[[Attachment], Path]
    token: str
    pauses: ServicePauses = field(default_factory=ServicePauses)


class HostedJob:
    """A paid job in this process. One thread at a time takes a step; any may ask for an end by `watch.stop`.

    `due` is when the next step of `stage` is to be taken, by time.monotonic.
    """

    def __init__(self, job: Job, row: PaidJob, tools: HostedTools) -> None:
        self.job, self.row, self._tools = job, row, tools
        self.watch = JobProgress(job, tools.maker.queue)
        self.stage: Stage = BEGINNINGS.get(row.state, "cancel")
        self.due = 0.0
        self.is_busy = False
        self.closing = False
        self.ended: State | None = None
        self._remote: Remote | None = None
        self._tries = 0
        tools.paid.change(job.id, owner=tools.token)

    @property
    def _service(self) -> Service:
        return self._tools.find_service(self.row.service)

    @property
    def _card(self) -> ModelCard:
        return self._tools.maker.card(self.job.shot.maker)

    @property
    def _endpoint(self) -> Endpoint:
        return Endpoint(self.row.ref)

    def step(self) -> None:
        """Take the next step. Raises `Refusal` only where the end of it can't be written: it is taken again."""
        try:
            if self.watch.is_stopped and self.stage not in ("cancel", "note"):
                raise Stopped
            {"send": self._send, "note": self._note_sent, "look": self._look, "poll": self._poll,
             "fetch": self._fetch, "cancel": self._cancel}[self.stage]()  # fmt: skip
        except Stopped:
            self._stop()
        except Exception as error:
            self._fail(error)

    def _change(self, **values: Any) -> None:
        self._tools.paid.change(self.job.id, **values)
        self.row = self.row._replace(**values)

    def _go(self, stage: Stage, seconds: float = 0.0) -> None:
        if stage != self.stage:
            self._tries = 0
        self.stage, self.due = stage, time.monotonic() + seconds

    def _again(self, pause: float = 0.0) -> None:
        """Take this step again, later each time."""
        self._tries += 1
        self.due = time.monotonic() + min(LONGEST_PAUSE, max(pause, POLL_SECONDS * 1.5**self._tries))

    # Sending ----------------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        from studio.engines.hosted.request import write_request

        shot, tools = self.job.shot, self._tools
        self.watch.tick(Progress("load", note="Preparing the photo"))
        card = self._card
        prepared = prepare(shot, card)
        image = tools.photos().mend(shot.photo, shot.mends)
        end = tools.photos().pixels(shot.end.photo) if shot.end else None
        files = {
            name: tools.find_file(given)
            for name, given in (("audio", shot.audio), ("motion_video", shot.motion_video))
            if given
        }
        request = write_request(prepared, image, end, files)  # type: ignore[arg-type]
        fields: dict[str, Any] = dict(request.fields)
        try:
            for name, file in request.files.items():
                fields[name] = self._upload(file).value
        except ServiceRefusal as refusal:
            return self._hold_back(refusal)
        self.watch.tick(Progress("load", note=f"Sending it to {self._service.title}"))
        if tools.pauses.explain(self.row.service):
            return self._wait_in_queue()
        self._create(request.endpoint, fields, request.fields)
        return None

    def _create(self, endpoint: Endpoint, fields: dict[str, Any], plain: dict[str, Any]) -> None:
        """Send the one request that costs money. From here on the job is never sent again, whatever fails."""
        began = self._tools.paid.begin(self.job.id, self._tools.token, endpoint.ref, plain)
        if began is None:
            if isinstance(self._tools.maker.queue.get(self.job.id).state, Cancelled):
                raise Stopped
            self.stage = "over"  # it is another process's by now
            return
        self.row = self.row._replace(state="sending", at=began, ref=endpoint.ref, inputs=plain)
        self._go("look")
        try:
            remote = self._service.create(endpoint, fields, DEADLINE)
        except ServiceRefusal as refusal:
            if refusal.kind == "uncertain":
                return
            if refusal.kind == "unreachable":
                self._change(state="confirmed")
                self._hold_back(refusal)
                return
            self._tools.pauses.note_refusal(self.row.service, refusal)
            self._change(state="failed", note="Nothing was started, so nothing is charged.")
            raise
        self._tools.pauses.note_success(self.row.service)
        self.row = self.row._replace(state="sent", remote_id=remote.id)
        self._go("note")
        self._note_sent()

    def _note_sent(self) -> None:
        """Write down what the service calls the request; until that is written, it is tried again."""
        try:
            self._change(state="sent", remote_id=self.row.remote_id)
        except Refusal:
            return self._again()
        return self._go("poll", POLL_SECONDS / 2)

    def _hold_back(self, refusal: ServiceRefusal) -> None:
        """Nothing was sent that costs money: wait in the queue where that passes, or fail."""
        self._tools.pauses.note_refusal(self.row.service, refusal)
        if refusal.kind not in SPELLS:
            raise refusal
        self._wait_in_queue()

    def _wait_in_queue(self) -> None:
        self._tools.maker.queue.release(self.job.id)
        self.stage = "over"
        self.delete_uploads()

    def _upload(self, file: File) -> Uploaded:
        for attempt in range(1, UPLOAD_TRIES + 1):
            self.watch.tick(Progress("load", note=f"Sending the photo to {self._service.title}"))
            try:
                put = self._service.upload(file)
                break
            except ServiceRefusal as refusal:
                if refusal.kind not in TRANSIENT or attempt == UPLOAD_TRIES:
                    raise
                time.sleep(min(5.0, max(refusal.wait, 0.5 * attempt)))
        if put.id:
            self._change(uploads=(*self.row.uploads, put.id))
        return put

    # Looking for what was lost ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Find the request in the account's own list: the only one of this model with these fields, made then, that is
        no other job's.
        """
        service = self._service
        self.watch.tick(Progress("wait", note=f"Looking for it in your list at {service.title}"))
        if not service.can_list:
            raise self._doubt()
        try:
            listed = service.list_recent(self.row.at - CLOCKS)
        except ServiceRefusal as refusal:
            if refusal.kind in TRANSIENT and self._tries < 3 * LOOK_TRIES:
                return self._again(refusal.wait)
            raise self._doubt() from None
        is_ambiguous = self._is_ambiguous()  # first: what is known of another job by now is then left out of `found`
        found = [one for one in listed if self._is_own(one)]
        if len(found) == 1 and not is_ambiguous:
            self._change(state="sent", remote_id=found[0].id)
            return self._go("poll")
        if self._tries >= LOOK_TRIES:
            raise self._doubt()
        return self._again()

    def _is_own(self, one: Remote) -> bool:
        sent = {name: value for name, value in self.row.inputs.items() if name in one.inputs}
        return (
            one.ref == self.row.ref
            and abs(one.made_at - self.row.at) <= CLOCKS
            and bool(sent)
            and all(one.inputs[name] == value for name, value in sent.items())
            and not self._tools.paid.knows(self.row.service, one.id)
        )

    def _is_ambiguous(self) -> bool:
        """Whether another job of the same fields is lost as well: one can't tell which of them was found."""
        lost = self._tools.paid.find("sending", "uncertain")
        return any(
            other.job != self.job.id and (other.ref, other.inputs) == (self.row.ref, self.row.inputs)
            and abs(other.at - self.row.at) <= 2 * CLOCKS
            for other in lost
        )  # fmt: skip

    def _doubt(self) -> Refusal:
        service = self._service
        where = f" Look at {service.billing_page}." if service.billing_page else ""
        note = f"Whether {service.title} has started it isn't known: it may be charged.{where}"
        self._change(state="uncertain", note=note)
        return Refusal(
            f"{service.title}'s answer was lost: this clip may have been started, and may be billed.",
            f"It isn't sent again by itself. Retry only looks for it.{where}",
        )

    # Watching ---------------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        service = self._service
        try:
            remote = self._remote = service.poll(self._endpoint, self.row.remote_id)
        except ServiceRefusal as refusal:
            return self._wait_for_answer(refusal)
        self._tries = 0
        if remote.status == "succeeded":
            self.watch.tick(Progress("denoise", 100, 100, service.title))
            return self._go("fetch")
        if remote.is_over:
            raise self._explain(remote)
        if self._measure_age() > DEADLINE + GRACE:
            raise self._give_up(service)
        share = round(100 * remote.progress) if remote.progress is not None else 0
        known = Progress("denoise", share, 100 if share else 0, service.title)
        self.watch.tick(Progress("wait", note=f"Waiting at {service.title}") if remote.status == "starting" else known)
        return self._go("poll", POLL_SECONDS)

    def _measure_age(self) -> float:
        """Seconds since it was sent; where the clock was set back before that, since now."""
        self.row = self.row._replace(at=min(self.row.at, time.time()))
        return time.time() - self.row.at

    def _wait_for_answer(self, refusal: ServiceRefusal) -> None:
        """A poll that failed: it is asked again as long as what was made may be there. This computer may have slept."""
        if self._measure_age() > DEADLINE + KEPT:
            raise self._give_up(self._service)
        if refusal.kind == "not_found":
            self._change(state="failed", note="The service no longer knows the request: it may have been charged.")
            raise refusal
        self.watch.tick(Progress("wait", note=refusal.reason))
        if refusal.kind in TRANSIENT:
            return self._again(refusal.wait)
        return self._go("poll", TOKEN_SECONDS)

    def _explain(self, remote: Remote) -> Refusal:
        """What a request came to that made no clip."""
        title = self._service.title
        self._change(
            state="failed" if remote.status == "failed" else "canceled",
            note=f"Whether {title} charges for it isn't known.",
        )
        if remote.status == "failed":
            said = f" It says: {remote.error}" if remote.error else ""
            return Refusal(
                f"{title} couldn't make this clip.{said}", "Change the words or the photo, then animate again."
            )
        how = "cancelled there" if remote.status == "canceled" else "given up there before it was done"
        return Refusal(f"The request was {how}, not by Stir.", f"Look at your account at {title}, then animate again.")

    def _give_up(self, service: Service) -> Refusal:
        try:
            end = self._end_remote(service)
        except ServiceRefusal as refusal:
            end = f"{service.title} could not be told to stop: {refusal.reason}"
        self._change(state="failed", note=f"{end} Whether {service.title} charges for it isn't known.")
        return Refusal(
            f"{service.title} didn't finish this clip within {DEADLINE / 60:.0f} minutes.", "Animate it again later."
        )

    # Fetching ---------------------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        assert self._remote
        maker, service = self._tools.maker, self._service
        try:
            with tempfile.TemporaryDirectory(dir=maker.room, ignore_cleanup_errors=True) as folder:
                film = Path(folder) / "film.mp4"
                service.download(self._remote, film, self._tell_arrival)
                self._keep(film, Path(folder))
        except ServiceRefusal as refusal:
            if refusal.kind in TRANSIENT and self._tries < FETCH_TRIES:
                return self._again(refusal.wait)
            if refusal.kind in ("too_large", "foreign", "wrong_content"):
                self._change(
                    state="failed", note=f"{service.title} has made and charged it; what it made can't be kept."
                )
            raise
        self._finish(Done(self.job.id))
        return None

    def _tell_arrival(self, done: int, total: int | None) -> None:
        share = round(100 * done / total) if total else 0
        self.watch.tick(Progress("read", share, 100 if share else 0, "Fetching the clip"))

    def _keep(self, film: Path, folder: Path) -> None:
        from studio.clip.received_film import take_film

        job, maker = self.job, self._tools.maker
        dest = folder / f"{'plain' if job.shot.finish else 'clip'}.{job.shot.format}"
        silence = explain_silent_track(job.shot.platform)

        def take(tick: Tick) -> Encoded:
            made = take_film(film, dest, job.shot, tick, silence, self._describe())
            return self._finish_film(made, folder) if job.shot.finish else made

        made = run_watched(f"job {job.id[:8]}", take, USUAL, log=maker.log, watch=self.watch)
        clip = describe_clip(job, made, made.choices, max(0.0, time.time() - self.row.at))
        self.watch.tick(Progress("keep"))
        arrived = lambda: self._tools.paid.change(job.id, state="arrived", note="")  # noqa: E731
        maker.keep(job, clip, made.file, made.poster, self.watch, arrived)
        self.row = self.row._replace(state="arrived")

    def _finish_film(self, made: Encoded, folder: Path) -> Encoded:
        """The film with the shot's finish done; the film as it came where that can't be done: it is paid for."""
        try:
            done = self._tools.maker.renderer.finish([made.file], self.job.shot, False, folder, self.watch.tick).encoded
        except Refusal as refusal:
            left = Choice("finish", "left out", f"{refusal.reason} {refusal.remedy}")
            return made._replace(choices=(*made.choices, left))
        return done._replace(choices=(*made.choices, *done.choices))

    def _describe(self) -> tuple[Choice, ...]:
        """Where a clip was made, and what for."""
        service, row = self._service, self.row
        price = "unknown" if row.price is None else f"about ${row.price:.2f}"
        said = [
            Choice("service", service.title, f"{row.ref}, request {row.remote_id}"),
            Choice("price", price, "as it was confirmed before it was sent"),
        ]
        if service.is_stand_in:
            said.append(Choice("stand-in", service.title, "an imitation on this computer: nothing was paid"))
        return tuple(said)

    # Ending -----------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """The user has cancelled it, or the studio closes: then what was sent goes on, and is taken up again."""
        if self.closing:
            self._tools.maker.queue.release(self.job.id)
            self.stage = "over"
        else:
            self._go("cancel")

    def _cancel(self) -> None:
        """End what was sent, and say what is known of its charge. Where the service can't be told, its row stays
        "sent": the lane's sweep tells it again.
        """
        service, state = self._service, self.row.state
        if state == "sent":
            try:
                note = f"{self._end_remote(service)} Whether {service.title} charges for it isn't known."
                self._change(state="canceled", note=note)
            except ServiceRefusal as refusal:
                if refusal.kind in TRANSIENT and self._tries < CANCEL_TRIES:
                    return self._again(refusal.wait)
                late = refusal.kind in (*TRANSIENT, *TOKENLESS)
                note = f"{service.title} could not be told to stop: {refusal.reason}"
                self._change(note=note) if late else self._change(state="canceled", note=note)
        elif state in ("sending", "uncertain"):
            self._change(state="uncertain")
        elif state == "confirmed":
            self._change(state="canceled", note="It wasn't sent, so nothing is charged.")
        return self._finish(Cancelled())

    def _end_remote(self, service: Service) -> str:
        """Have the service end what was sent, and say so. Raises `ServiceRefusal`."""
        remote = service.cancel(self._endpoint, self.row.remote_id)
        if remote.status == "succeeded":
            return f"{service.title} had made it already."
        return f"{service.title} was told to stop."

    def _fail(self, error: Exception) -> None:
        """It ends with what went wrong. Sent and not told what of, it may be billed; sent and lost on the way here, it
        can be fetched again.
        """
        if self.closing and self.row.state in BEGINNINGS:
            return self._stop()
        if self.row.state == "sending":
            error = self._doubt()
        if self.row.state == "confirmed":
            self._change(state="failed", note="Nothing was sent, so nothing is charged.")
        state = self._tools.maker.explain_failure(self.job, error)
        if self.row.state == "sent":
            kept = f"{state.reason} The clip is made and paid for."
            state = Failed(kept, f"{state.remedy} Retry fetches it, within the hour, and costs nothing.".strip())
        return self._finish(state)

    def _finish(self, state: State) -> None:
        if not isinstance(state, Done):
            self._tools.maker.queue.become(self.job.id, state)
        self.ended, self.stage = state, "over"
        self.delete_uploads()

    def delete_uploads(self) -> None:
        """Remove from the service what was put there for this job, as far as it lets itself be; else it is tried again
        later.
        """
        delete_uploads(self.row, self._tools)


def delete_uploads(row: PaidJob, tools: HostedTools) -> None:
    """Remove a job's files from its service, and note what is left."""
    left = []
    for upload in row.uploads:
        try:
            tools.find_service(row.service).delete(Uploaded("", upload))
        except ServiceRefusal as refusal:
            left += [] if refusal.kind == "not_found" else [upload]
        except Refusal:
            left.append(upload)
    if row.uploads != tuple(left):
        tools.paid.change(row.job, uploads=tuple(left))


def end_abandoned(row: PaidJob, tools: HostedTools) -> None:
    """Cancel a request that nobody waits for any more."""
    service = tools.find_service(row.service)
    if row.state == "sending":
        tools.paid.change(
            row.job, state="uncertain", note=f"Whether {service.title} has started it isn't known: it may be charged."
        )
        return
    try:
        service.cancel(Endpoint(row.ref), row.remote_id)
    except ServiceRefusal as refusal:
        if refusal.kind in (*TRANSIENT, *TOKENLESS):
            return
    tools.paid.change(
        row.job, state="canceled", note=f"{service.title} was told to stop. Whether it charges isn't known."
    )
