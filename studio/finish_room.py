"""Finishing clips of the library: what a finish makes is foretold, previewed small, checked before it is queued, and
used on other clips. The queue makes it, as any other clip (jobs/clip_maker.py).
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cards import Outcome, Plan
from studio.clip import formats
from studio.jobs.watched_work import run_watched
from studio.library.file_cache import FileCache
from studio.nouns import Attachment, Finish, Progress, Refusal, Shot, replace
from studio.presets import platform

if TYPE_CHECKING:
    from studio.finish.clip_frames import Source
    from studio.finish.finish_plan import FinishPlan, Stand
    from studio.library.clips import Clips

PREVIEW_SIDE = 270
"""Pixels of a preview's shorter side."""

PREVIEW_FLOW = 256 * 144
"""Pixels at which a preview's motion is looked for."""

SILENT = ("gif", "webp")


class FinishRoom:
    """`room` is where half-made files lie, `served` where the page may look; `find_file` says where an attachment
    is; `deadline`: seconds in which a preview has to give a sign of life."""

    def __init__(
        self, library: Clips, served: FileCache, room: Path, find_file: Callable[[Attachment], Path], deadline: float
    ) -> None:
        self._library, self._served, self._room, self._find_file = library, served, room, find_file
        self._deadline = deadline
        self._making = threading.Lock()

    def accept(self, shot: Shot) -> Shot:
        """The recipe of a finish that can be made here and now. Raises `Refusal` for any other, with its remedy."""
        self.plan(shot)
        return replace(shot, draft="", service="", speedups=())

    def plan(self, shot: Shot) -> FinishPlan:
        """What the finish of a shot makes of the clips it names. Quick: nothing is decoded. Raises `Refusal`."""
        from studio.finish.finish_plan import plan_finish

        sources = self._library.get_sources(shot)
        if not sources:
            raise Refusal("No clip is named that could be finished.", "Choose one of the library.")
        self._check_attachments(shot)
        wraps = len(sources) == 1 and sources[0].shot.loops
        return plan_finish(shot, self._open(shot).facts, wraps, platform(shot.platform), self._find_file)

    def check(self, shot: Shot, planned: Plan) -> None:
        """Whether the finish of a shot that its own model makes first can be done, by the plan of that. Raises
        `Refusal`."""
        self.foretell(shot, planned)
        self._check_attachments(shot)

    def foretell(self, shot: Shot, planned: Plan) -> FinishPlan:
        """What the finish makes of what a model will have made. Raises `Refusal`."""
        from studio.finish.clip_frames import Facts
        from studio.finish.finish_plan import plan_finish

        facts = Facts(planned.width, planned.height, planned.num_frames, float(planned.fps))
        return plan_finish(shot, facts, shot.motion.camera.loop, platform(shot.platform), self._find_file)

    def outcome(self, shot: Shot, planned: Plan | None = None) -> Outcome:
        """What the finished file will hold; `planned` is what the shot's own model makes first, None for clips that
        are there. Raises `Refusal`."""
        made = self.foretell(shot, planned) if planned else self.plan(shot)
        return formats.foretell_outcome(made.width, made.height, made.fps, made.num_frames, shot.format)

    def place_titles(self, shot: Shot, plan: FinishPlan) -> list[Stand]:
        """Where the words of each title will stand in the finished frame. Raises `Refusal`."""
        from studio.finish.finish_plan import place_titles

        return place_titles(shot, plan, platform(shot.platform), self._find_file)

    def _check_attachments(self, shot: Shot) -> None:
        finish = shot.finish or Finish()
        tracks = [track for track in (finish.mix.music, finish.mix.voice) if track]
        if shot.format in SILENT and adds_sound(finish):
            raise Refusal(f"A {shot.format.upper()} is silent.", "Make it an MP4, or take the sound away.")
        for given in (*(track.attachment for track in tracks), *((finish.logo.attachment,) if finish.logo else ())):
            self._find_file(given)

    def _open(self, shot: Shot) -> Source:
        from studio.finish.open_clips import open_clips

        return open_clips([self._library.file(clip) for clip in self._library.get_sources(shot)], shot, self._find_file)

    # Preview and redo -------------------------------------------------------------------------------------------------

    def preview(self, shot: Shot) -> Path:
        """A small, quick film of the finish in the served folder, made once for a recipe: 270 pixels, at the clip's own
        rate. Raises `Refusal`."""
        from studio.clip.encode import encode
        from studio.finish.apply_finish import Tools, apply_finish
        from studio.finish.small_frames import SmallFrames

        self.accept(shot)
        sources = self._library.get_sources(shot)
        finish = replace(shot.finish or Finish(), fps=None)
        tiny = replace(shot, finish=finish, format="mp4", photo=replace(shot.photo, name="", notes=()))
        key = f"finish-{hashlib.sha256(tiny.to_json().encode()).hexdigest()[:32]}"
        with self._making, tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True) as folder:
            if found := self._served.find(key):
                return found
            wraps = len(sources) == 1 and sources[0].shot.loops

            def make(tick: Callable[[Progress], None]) -> Path:
                small = SmallFrames(self._open(shot), PREVIEW_SIDE)
                frames = apply_finish(small, tiny, Tools(Path(folder), self._find_file, tick, PREVIEW_FLOW), wraps)
                return encode(frames, Path(folder) / "preview.mp4", tiny, tick).file

            return self._served.keep(run_watched("finish preview", make, self._deadline), key, "preview.mp4")

    def finish_alike(self, clip_id: str, others: Sequence[str]) -> tuple[Shot, ...]:
        """The shots that do to each of the other clips what was done to this one. Raises `Refusal`."""
        done = self._library.get(clip_id).shot
        if done.finish is None:
            raise Refusal("Nothing was done to this clip that could be done to others.", "Choose a finished clip.")
        kept = replace(done.finish, clips=())
        return tuple(
            finish_shot(self._library.get(other).shot, replace(kept, clips=(other,)), done.platform) for other in others
        )


def finish_shot(shot: Shot, finish: Finish, platform: str) -> Shot:
    """A clip's shot with a finish for a place; of a GIF or WebP, which are silent, an MP4 where sound is added."""
    kind = "mp4" if shot.format in SILENT and adds_sound(finish) else shot.format
    return replace(shot, finish=finish, platform=platform, format=kind)


def adds_sound(finish: Finish) -> bool:
    """Whether a finish has sound besides the clip's own."""
    return bool(finish.mix.music or finish.mix.voice or finish.mix.ambience)
