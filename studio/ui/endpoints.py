"""The typed endpoints for programs on the running app, and the same as tools of an MCP server with --mcp.

Everything begins at once and answers with an id; `status` follows it. Whatever else the page listens to stays private.
A wrong input is Gradio's `Error` with the reason and the remedy; what nobody foresaw is logged and named. README's
"For programs" shows their use.
"""

import asyncio
import functools
import inspect
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import gradio as gr
from gradio.events import api

from studio.compare.axis_values import TITLES
from studio.comparison import Axis, AxisName
from studio.library.logbook import report_fault
from studio.motion.camera_moves import normalise
from studio.nouns import Photo, Refusal, replace
from studio.platforms import DeliveryWish
from studio.studio import Studio
from studio.ui import endpoint_inputs
from studio.ui.endpoint_inputs import ShotRequest
from studio.ui.endpoint_values import (
    IN_PROGRESS,
    ClipValue,
    Standings,
    Started,
    describe_batch,
    describe_clip,
    describe_comparison,
    describe_delivery,
    describe_job,
)  # fmt: skip

T = TypeVar("T")

LONGEST_FOLLOW = 3600.0
"""Seconds that one call of `status` follows at most."""

MOST_FOLLOWED = 32
"""Calls of `status` that are open at once of one home folder: each looks into its database several times a second."""

LOOK = 0.15
"""Seconds between looks at what is followed."""

Given = str | dict[str, Any]
"""A photo as programs give it; see `endpoint_inputs.receive_photo`."""


class Endpoints:
    """What programs may ask of one studio. The docstrings are what they are told of it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._followed: Counter[Path] = Counter()  # how many calls of status stay open, by the home folder

    def publish(self) -> None:
        """Add the endpoints to the page that is being built."""
        for does in (self.animate, self.compare, self.batch, self.finish, self.export, self.cancel, self.library):
            api(self._guard(does), api_name=does.__name__, concurrency_limit=4)
        api(self._stream(self.status), api_name="status", concurrency_limit=None)

    # The endpoints ----------------------------------------------------------------------------------------------------

    def animate(
        self, photo: Given, prompt: str = "", motion: str = "", model: str = "parallax", platform: str = "",
        aspect: str = "", size: str | None = None, seconds: float | None = None, fps: int | None = None,
        seed: int | None = None, format: str | None = None, recipe: dict[str, Any] | None = None,  # noqa: A002
        pay: float = 0.0, pay_unknown: bool = False,
    ) -> Started:  # fmt: skip
        """Turn a photo into a short video clip. Answers at once with the id of the job; follow it with status, whose
        last answer holds the file. Costs nothing with models that run on this machine, as the built-in one does.

        Args:
            photo: The photo: the address of a file uploaded to this studio, a data URL (data:image/jpeg;base64,...),
                the id of a photo that is here, or what gradio_client's handle_file gives.
            prompt: What should move, in words, such as "slow push in, the water ripples, the house stays still".
            motion: The id or title of a motion that ships, such as "slow-push"; the prompt changes it.
            model: The id of the model that makes it; "parallax" is built in and quick.
            platform: The place it is for, such as "reels" or "youtube": sets aspect, size, rate and length.
            aspect: The clip's shape: photo, 16:9, 9:16, 1:1, 4:5, 3:4 or 21:9; the crop is put around the subject.
            size: auto, 240p, 360p, 480p, 720p, 1080p, 1440p or 2160p.
            seconds: The clip's length, 1 to 60; 5 unless the platform says otherwise.
            fps: Frames a second, 1 to 60; 24 unless the platform says otherwise.
            seed: A number that makes a clip come out the same again.
            format: mp4, webm, gif or webp.
            recipe: Any other fields of a Shot, as the recipe in a clip has them; they win over what is given here.
            pay: The most it may cost in dollars, confirmed by whoever pays. Only for models with a price.
            pay_unknown: Whether a model may be used whose price nobody says. Only for models with a price.
        """
        studio = self._studio
        taken = endpoint_inputs.receive_photo(studio, photo)
        fields = {"model": model, "size": size, "seconds": seconds, "fps": fps, "seed": seed, "format": format}
        ask = ShotRequest(prompt, motion, platform, aspect, fields, recipe)
        shot = endpoint_inputs.build_shot(studio, taken, ask)
        endpoint_inputs.require_fitting(studio, shot)
        total = studio.spending.quote([studio.spending.settle(shot)])
        job = studio.submit(shot, confirmation=endpoint_inputs.require_payment(total, pay, pay_unknown))
        unplaced = [one.says for one in studio.places(job.shot).unplaced]
        return self._start(job.id, "job", taken, unplaced)

    def compare(
        self, photo: Given, axes: dict[str, list[str]], prompt: str = "", motion: str = "", model: str = "parallax",
        platform: str = "", aspect: str = "", size: str | None = None, seconds: float | None = None,
        seed: int | None = None, recipe: dict[str, Any] | None = None, paired: bool = False, baseline: bool = False,
        name: str = "", pay: float = 0.0, pay_unknown: bool = False,
    ) -> Started:  # fmt: skip
        """Make several clips of one photo that differ in one thing or two, to look at side by side. Answers at once
        with the id of the comparison; follow it with status.

        Args:
            photo: The photo, given as animate takes it.
            axes: What differs, one or two of model, seed, amount, move, effect, prompt, depth, steps, guidance,
                strength, size and speedup, each with its values: {"seed": ["1", "2", "3"]}.
            prompt: What should move, in words.
            motion: The id or title of a motion that ships.
            model: The id of the model that makes them, where it isn't what differs.
            platform: The place they are for, such as "reels".
            aspect: The clips' shape, as animate takes it.
            size: Their size, as animate takes it.
            seconds: Their length, 1 to 60.
            seed: The seed, where it isn't what differs.
            recipe: Any other fields of a Shot, fps and format among them.
            paired: Two axes are walked together, first with first, instead of every value with every other.
            baseline: A clip of the shot as it is, untouched, stands beside them.
            name: What the comparison is called.
            pay: The most they may cost together in dollars, as animate takes it.
            pay_unknown: Whether models may be used whose price nobody says.
        """
        studio = self._studio
        taken = endpoint_inputs.receive_photo(studio, photo)  # first: its upload goes, whatever is refused
        chosen = _read_axes(axes)
        fields = {"model": model, "size": size, "seconds": seconds, "seed": seed}
        shot = endpoint_inputs.build_shot(studio, taken, ShotRequest(prompt, motion, platform, aspect, fields, recipe))
        total = studio.comparisons.quote(shot, chosen, paired=paired, baseline=baseline)
        one = studio.comparisons.start(
            shot, chosen, paired=paired, baseline=baseline, name=str(name)[:200],
            confirmation=endpoint_inputs.require_payment(total, pay, pay_unknown),
        )  # fmt: skip
        refused = {f"{cell.refusal[0]} {cell.refusal[1]}".strip() for cell in one.cells if cell.refusal}
        return self._start(one.id, "comparison", taken, sorted(refused))

    def batch(
        self, photos: list[Given] | None = None, prompt: str = "", motion: str = "", choose: bool = False,
        platforms: list[str] | None = None, model: str = "parallax", size: str | None = None,
        seconds: float | None = None, seed: int | None = None, variations: int | None = None, name: str = "",
        id: str = "", mend: bool = False, take: bool = False, pay: float = 0.0, pay_unknown: bool = False,  # noqa: A002
    ) -> Started:  # fmt: skip
        """Turn many photos into clips. Answers at once with the id of the batch, which is made while its photos are
        looked at; doubtful ones stand aside with their reason. Follow it with status; with its id go on with it.

        Args:
            photos: The photos, each given as animate takes a file, or uploaded ZIPs of them; at most 2000.
            prompt: What should move, in words; {name}, {subject}, {light} and {place} stand for each photo's own.
            motion: The id or title of a motion that ships, which the prompt is added to.
            choose: A motion is chosen for each photo that fits what it shows.
            platforms: The places they go to, such as ["reels", "youtube"]: a clip for each shape among them.
            model: The id of the model that makes them.
            size: auto, 240p, 360p, 480p, 720p, 1080p, 1440p or 2160p.
            seconds: Their length, 1 to 60.
            seed: The first seed.
            variations: Clips of each photo, 1 to 8.
            name: What the batch is called.
            id: A batch that is there, to go on with: what failed or was stopped is made again.
            mend: With an id: apply the remedies of what stands aside, and make it.
            take: With an id: take what stands aside as it is, and make it.
            pay: The most it may cost in dollars, confirmed by whoever pays; with an id, once all photos are looked at.
            pay_unknown: Whether a model may be used whose price nobody says.
        """
        if id:
            return self._go_on(str(id)[:64], mend, take, (pay, pay_unknown))
        fields = {"sentence": prompt, "preset": motion, "choose": "each" if choose else "same", "seconds": seconds}
        fields |= {"platforms": platforms, "model": model, "size": size, "seed": seed, "variations": variations}
        return self._begin_batch(photos, fields, str(name)[:200])

    def _begin_batch(self, photos: object, fields: dict[str, Any], name: str) -> Started:
        """Make a batch; it is begun at once where it costs nothing."""
        files, names = endpoint_inputs.receive_photos(self._studio, photos)
        try:
            settings = endpoint_inputs.build_settings(fields)
            hosted = self._studio.models.card(settings.model).hosted
            one = self._studio.batches.create(files, settings, names=names, name=name)
        except BaseException:
            shutil.rmtree(files[0].parent, ignore_errors=True)
            raise
        if not hosted:
            self._studio.batches.start(one.id)
        later = ["It costs money: once its photos are looked at, call again with its id and pay."] if hosted else []
        return {"id": one.id, "kind": "batch", "photo": "", "notes": later}

    def _go_on(self, batch_id: str, mend: object, take: object, payment: tuple[object, object]) -> Started:
        """Go on with a batch that is there."""
        room = self._studio.batches
        one = room.get(batch_id)
        if mend is True:
            room.mend_all(one.id)
        if take is True:
            room.take_anyway(one.id)
        confirmed = endpoint_inputs.require_payment(room.quote(one.id), *payment)
        (room.retry(one.id, None, confirmed) if one.is_started else room.start(one.id, confirmed))
        return {"id": one.id, "kind": "batch", "photo": "", "notes": []}

    def finish(
        self, clips: list[str], finish: dict[str, Any] | None = None, music: Given | None = None,
        voice: Given | None = None, platform: str = "", format: str | None = None,  # noqa: A002
    ) -> Started:  # fmt: skip
        """Finish a clip of the library, or join several into a reel: loop, trim, speed, hold, titles, music, loudness.
        The originals stay. Answers at once with the id of the job; follow it with status.

        Args:
            clips: The ids of the clips, in their order; library lists them.
            finish: What is done, by the fields of a Finish: {"loop": "dissolve"}, {"trim": {"start": 1, "end": 4}},
                {"reverse": true}, {"speed": [{"at": 0, "factor": 0.5}]}, {"hold": 1}, {"fps": 60},
                {"titles": [{"text": "Lisbon"}]}, {"join": {"how": "beat"}}, {"mix": {"ambience": [{"kind": "water"}]}}.
            music: A sound file that is added, given as animate takes a photo; it is looped to the clip's length.
            voice: A sound file with a voice; all else steps back while it speaks.
            platform: The place it is for, such as "reels": its loudness and what it leaves uncovered.
            format: mp4, webm, gif or webp; the first clip's own unless it is given.
        """
        sounds = {
            name: endpoint_inputs.receive_sound(self._studio, one) for name, one in (("music", music), ("voice", voice))
        }
        place = endpoint_inputs.find_place(platform)
        done = endpoint_inputs.build_finish(self._studio, clips, finish, sounds)
        shot = self._studio.library.get(done.clips[0]).shot
        job = self._studio.submit(
            replace(shot, finish=done, platform=place.id if place else "", format=format or shot.format)
        )
        return {"id": job.id, "kind": "job", "photo": shot.photo.id, "notes": []}

    def export(self, clips: list[str], platforms: list[str], aspect_fit: str = "crop") -> Started:
        """Write clips as the places they go to want them: shape, codec, rate, level, length, loudness, size. Answers at
        once with the id of the export; follow it with status, whose files are probed against each place.

        Args:
            clips: The ids of the clips; library lists them.
            platforms: The places, such as ["reels", "shorts", "prores"].
            aspect_fit: How a clip of another shape is made to fit: crop, pad or blur.
        """
        places = [
            place.id for one in endpoint_inputs.read_list(platforms) if (place := endpoint_inputs.find_place(one))
        ]
        wish = replace(DeliveryWish(), fit=aspect_fit)
        one = self._studio.deliveries.start([str(clip)[:64] for clip in endpoint_inputs.read_list(clips)], places, wish)
        return {"id": one.id, "kind": "export", "photo": "", "notes": []}

    async def status(self, id: str, follow: float = 0.0) -> AsyncIterator[Standings]:  # noqa: A002
        """Say how something stands that was begun, with its finished clips and where to fetch their files. It can
        follow: then it answers with every change until the work has ended, and as an MCP tool reports the progress.

        Args:
            id: The id that animate, compare, batch, finish or export has answered with.
            follow: How many seconds to follow it, at most 3600; 0 answers at once.
        """
        until = time.monotonic() + _read_seconds(follow)
        meter, seen = gr.Progress(), None
        with self._count_follow(self._studio.settings.home):
            while True:
                now = await anyio.to_thread.run_sync(self._stand, id)
                over = now["state"] not in IN_PROGRESS or time.monotonic() >= until
                if over or now != seen:
                    meter((now["done"], now["total"] or None), desc=now["stage"] or now["state"])
                    yield now
                if over:
                    return
                seen = now
                await asyncio.sleep(LOOK)

    def cancel(self, id: str) -> Standings:  # noqa: A002
        """Stop something that was begun and has not ended; clips that are finished stay. Answers with how it stands.

        Args:
            id: The id that animate, compare, batch, finish or export has answered with.
        """
        found = self._stand(id)
        studio = self._studio
        stops = {"job": studio.cancel, "batch": studio.batches.stop, "export": studio.deliveries.stop}
        stops.get(found["kind"], studio.cancel_group)(found["id"])
        return self._stand(id)

    def library(self, words: str = "", limit: int = 20, offset: int = 0, stars: int = 0) -> list[ClipValue]:
        """List the clips that are here, newest first, each with its file's address and its whole recipe.

        Args:
            words: Only clips that have all of these words in their photo's name, prompt, model or moves.
            limit: How many clips at most, 1 to 200.
            offset: How many to skip, to read on where the last answer ended.
            stars: Only clips with at least this many stars, 0 to 5.
        """
        most, skip, least = (_read_count(value) for value in (limit, offset, stars))
        found = self._studio.library.find(str(words)[:400], limit=min(max(most, 1), 200), offset=skip, stars=least)
        return [describe_clip(self._studio, clip) for clip in found]

    # What they share --------------------------------------------------------------------------------------------------

    def _start(self, identity: str, kind: str, photo: Photo, notes: list[str]) -> Started:
        return {"id": identity, "kind": kind, "photo": photo.id, "notes": [*photo.notes, *notes]}

    @contextmanager
    def _count_follow(self, home: Path) -> Generator[None]:
        """While one call of `status` is open. Raises `Refusal` where too many of this home's are."""
        if self._followed[home] >= MOST_FOLLOWED:
            raise Refusal(f"You follow {MOST_FOLLOWED} things already.", "Wait until one of them has ended.")
        self._followed[home] += 1
        try:
            yield
        finally:
            self._followed[home] -= 1
            self._followed += Counter()  # those that none is open of go

    def _stand(self, identity: object) -> Standings:
        """How whatever has this id stands. Raises `Refusal` when nothing has."""
        if isinstance(identity, str) and 0 < len(identity) <= 64:
            if self._studio.comparisons.name(identity):
                return describe_comparison(self._studio, self._studio.comparisons.get(identity))
            if self._studio.batches.find_name(identity):
                return describe_batch(self._studio, self._studio.batches.get(identity))
            with suppress(Refusal):
                return describe_job(self._studio, self._studio.job(identity))
            with suppress(Refusal):
                return describe_delivery(self._studio.deliveries.find(identity))
        raise Refusal("Nothing has this id.", "Give an id that one of the other endpoints has answered with.")

    def _guard(self, does: Callable[..., T]) -> Callable[..., T]:
        """An endpoint whose refusals are Gradio's errors, and whose faults are logged and named."""

        @functools.wraps(does)
        def answer(*values: Any) -> T:
            try:
                return does(*values)
            except Exception as error:
                raise self._tell(error, does.__name__) from None

        answer.__doc__ = _unfold(inspect.getdoc(does) or "")
        return answer

    def _stream(self, does: Callable[..., AsyncIterator[T]]) -> Callable[..., AsyncIterator[T]]:
        """The same of an endpoint that answers several times; it is described by what each answer is."""

        @functools.wraps(does)
        async def answer(*values: Any) -> AsyncIterator[T]:
            try:
                async for value in does(*values):
                    yield value
            except Exception as error:
                raise self._tell(error, does.__name__) from None

        answer.__doc__ = _unfold(inspect.getdoc(does) or "")
        plain = inspect.signature(does)
        answer.__signature__ = plain.replace(return_annotation=Standings)  # pyright: ignore
        return answer

    def _tell(self, error: Exception, name: str) -> gr.Error:
        known = error if isinstance(error, Refusal) else report_fault(
            self._studio.log, "this request was answered", error, f"the endpoint {name}"
        )  # fmt: skip
        return gr.Error(str(known), title="Refused", print_exception=False)


def _unfold(text: str) -> str:
    """A docstring with each argument on a line of its own, as Gradio reads them."""
    return re.sub(r"\n {8,}", " ", text)


def _read_seconds(value: object) -> float:
    """How long to follow, within what is allowed; 0 for anything that is no number."""
    return min(value, LONGEST_FOLLOW) if isinstance(value, int | float) and value > 0 else 0.0


def _read_count(value: object) -> int:
    """A whole number from 0. Raises `Refusal` for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Refusal("limit, offset and stars are whole numbers from 0.", "Give numbers.")
    return value


def _read_axes(given: object) -> tuple[Axis, ...]:
    """The axes of a comparison. Raises `Refusal` for a name that isn't one, and where values are missing."""
    known: dict[str, AxisName] = {normalise(word): name for name, title in TITLES.items() for word in (name, title)}
    if not isinstance(given, dict) or not 1 <= len(given) <= 2:
        raise Refusal("One thing differs in a comparison, or two.", 'Give axes such as {"seed": ["1", "2"]}.')
    found: list[Axis] = []
    for words, values in given.items():
        name = known.get(normalise(str(words)[:80]))
        if name is None:
            raise Refusal(f"{str(words)[:80]!r} is no axis.", f"The names are: {', '.join(TITLES)}.")
        if not isinstance(values, list) or not all(isinstance(value, str | int | float) for value in values):
            raise Refusal(f"The values of {words} are no list.", 'Give them such as ["0.3", "0.6"].')
        found.append(replace(Axis(name, tuple(str(value)[:4000] for value in values))))
    return tuple(found)
