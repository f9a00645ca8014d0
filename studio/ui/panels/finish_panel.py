"""Finish: the room where made clips are cut, sounded, titled and joined, each change previewed before it is written."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from studio import presets
from studio.clip.sound_reader import NoSound
from studio.finish_nouns import ClipId, Finish, Logo, Title, Track
from studio.finish_room import finish_shot
from studio.nouns import Clip, EffectName, Id, Noun, PressId, Refusal, Search, Shot, replace
from studio.studio import Studio
from studio.ui import theme
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.queue_snapshot import show_clip, show_clips
from studio.ui.uploads import make_attachment_calls

if TYPE_CHECKING:
    from studio.finish.finish_plan import FinishPlan

MOST, MOST_ALIKE, MOST_FOUND = 60, 500, 120
"""Clips in one reel, clips that one finish is used on at once, and clips that are shown to choose from."""

BATCHES = 6
"""Batches that are shown to choose from."""

Clips = Annotated[tuple[ClipId, ...], msgspec.Meta(max_length=MOST_ALIKE)]
FONTS = (
    ("sans", "Sans"), ("bold", "Bold"), ("serif", "Serif"), ("serif_italic", "Italic"), ("condensed", "Narrow"),
    ("mono", "Typewriter"),
)  # fmt: skip


FITTING: dict[EffectName, str] = {
    "ripple": "water", "flow": "water", "wind": "wind", "hair": "wind", "clouds": "wind", "rain": "rain",
    "snow": "wind", "embers": "fire", "dust": "room", "light": "room",
}  # fmt: skip
"""Which sound made here goes with which effect."""


class ClipsToFinish(Noun, frozen=True):
    """The clips that the room is opened with: one, or several for a reel."""

    ids: Annotated[tuple[ClipId, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class WantedFinish(Noun, frozen=True):
    """A finish of the clips that it names, and the place it is for."""

    finish: Finish
    platform: Id = ""


class PressedFinish(WantedFinish, frozen=True):
    """One press that writes it, on `others` as well."""

    press: PressId = ""
    others: Clips = ()


class TargetSearch(Noun, frozen=True):
    """Clips that the same finish may be used on, found by words, without those at hand."""

    words: Search = ""
    besides: Clips = ()


class FinishPanel:
    """One part, which draws nothing until a clip is opened in it."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("read_finish_sheet", Nothing, lambda _: self.read_sheet()),
            make_call("open_finish", ClipsToFinish, self.open),
            make_call("preview_finish", WantedFinish, self.preview),
            make_call("write_finish", PressedFinish, self.write),
            make_call("find_targets", TargetSearch, self.find_targets),
            *make_attachment_calls(self.studio),
        ]
        make_part("finish_panel", elem_id="finish", calls=calls)

    def read_sheet(self) -> dict[str, Any]:
        """The sheet's script and style, and what it draws with: plain values, letters, and places with what they
        cover.
        """
        from studio.finish.typesetting import SIZES, SPOTS

        names = ("id", "title", "label", "aspect", "shapes", "covers", "loudness")
        places = [{name: msgspec.to_builtins(getattr(one, name)) for name in names} for one in presets.platforms()]
        given: dict[str, Any] = {
            "plain": msgspec.to_builtins(Finish()), "fonts": FONTS, "places": places,
            "title": _list_defaults(Title), "track": _list_defaults(Track), "logo": _list_defaults(Logo),
            "sizes": SIZES, "usual": SPOTS,
        }  # fmt: skip
        return {**theme.read_sheet("finish"), "given": given}

    def open(self, ask: ClipsToFinish) -> dict[str, Any]:
        """The clips at hand with their finish so far; a finished clip opens with what it was made of. Raises
        `Refusal`.
        """
        studio = self.studio
        clips = [studio.library.get(one) for one in ask.ids]
        first, again = clips[0], None
        if len(clips) == 1 and first.shot.finish and first.shot.finish.clips:
            again = first.shot.finish
            clips = [studio.library.get(one) for one in again.clips]
        return {
            "clips": [show_clip(studio, one) for one in clips],
            "platform": first.shot.platform,
            "finish": msgspec.to_builtins(again) if again else None,
            "again": again is not None,
            "fitting": list_fitting(clips),
        }

    def _build(self, ask: WantedFinish) -> Shot:
        """The shot of the first of its clips, finished as asked. Raises `Refusal`."""
        if not ask.finish.clips:
            raise Refusal("There is no clip to finish.", "Open one of the library's.")
        return finish_shot(self.studio.library.get(ask.finish.clips[0]).shot, ask.finish, ask.platform)

    def preview(self, ask: WantedFinish) -> dict[str, Any]:
        """A quick small film of it, and what the file itself will be. Raises `Refusal`."""
        shot = self._build(ask)
        plan, made = self.studio.finishes.plan(shot), self.studio.finishes.preview(shot)
        return {
            "path": str(made), "loudness": describe_loudness(made),
            "format": shot.format, "width": plan.width, "height": plan.height, "fps": plan.fps, "seconds": plan.seconds,
            "choices": msgspec.to_builtins(plan.choices), "area": show_area(shot, plan),
            "titles": [
                {"of": msgspec.to_builtins(title), **stand._asdict()}
                for title, stand in zip(ask.finish.titles, self.studio.finishes.place_titles(shot, plan), strict=True)
            ],
        }  # fmt: skip

    def write(self, ask: PressedFinish) -> dict[str, list[str]]:
        """Queue it, and the same on the other clips. Raises `Refusal` before any is queued."""
        shots = [self._build(ask)]
        for one in ask.others:
            clip = self.studio.library.get(one)
            shots.append(finish_shot(clip.shot, replace(ask.finish, clips=(one,)), ask.platform))
            try:
                self.studio.finishes.accept(shots[-1])
            except Refusal as refusal:
                name = clip.title or clip.shot.photo.name
                raise Refusal(f"{name}: {refusal.reason}", f"{refusal.remedy} Or leave this clip out.") from refusal
        return {"jobs": [job.id for job in self.studio.submit_all(tuple(shots), ask.press)]}

    def find_targets(self, search: TargetSearch) -> dict[str, Any]:
        """Clips that the same finish may be used on."""
        found = self.studio.library.find(search.words[:200], limit=MOST_FOUND + len(search.besides))
        clips = tuple(one for one in found if one.id not in search.besides)[:MOST_FOUND]
        return {"clips": show_clips(self.studio, clips), "batches": self._list_batches(search.besides)}

    def _list_batches(self, besides: tuple[str, ...]) -> list[dict[str, Any]]:
        """The newest batches that have clips in the library, with these."""
        here = set(self.studio.library.ids()) - set(besides)
        found: list[dict[str, Any]] = []
        for batch in self.studio.batches.find(limit=BATCHES):
            made = [clip.job for row in self.studio.batches.rows(batch.id) for clip in row.clips if clip.job in here]
            if made:
                found.append({"name": batch.name, "clips": made[:MOST_ALIKE]})
        return found


def show_area(shot: Shot, plan: FinishPlan) -> dict[str, float]:
    """Where titles and logo stand in the finished frame, in fractions of it, clear of what the place covers.

    `middle` is the line that they are centred about.
    """
    from studio.finish.clip_frames import Facts
    from studio.finish.finish_plan import find_area
    from studio.finish.title_arrangement import LEAST_WIDTH, MARGIN

    facts = Facts(plan.width, plan.height, plan.num_frames, plan.fps)
    area, margin = find_area(presets.platform(shot.platform), facts), MARGIN * min(plan.width, plan.height)
    is_centred = 2 * min(0.5 - area.left, area.right - 0.5) >= LEAST_WIDTH
    return {
        "middle": 0.5 if is_centred else (area.left + area.right) / 2,
        "left": area.left + margin / plan.width, "top": area.top + margin / plan.height,
        "right": area.right - margin / plan.width, "bottom": area.bottom - margin / plan.height,
    }  # fmt: skip


@lru_cache(maxsize=64)
def describe_loudness(file: Path) -> str:
    """How loud a preview's sound is, measured: "-14.0 LUFS, peaks at -1.2 dBTP"; "" for one without sound."""
    from studio.finish.soundtrack.loudness import measure_file

    try:
        measured = measure_file(file)
    except NoSound:
        return ""
    if measured.is_silent:
        return "silent"
    return f"{measured.integrated:.1f} LUFS, peaks at {measured.true_peak:.1f} dBTP"


def _list_defaults(noun: type[Noun]) -> dict[str, Any]:
    """What the fields of a noun are where nothing is said, without those that have to be."""
    fields = msgspec.structs.fields(noun)
    return {one.name: one.default for one in fields if one.default is not msgspec.NODEFAULT}


def list_fitting(clips: list[Clip]) -> list[str]:
    """The sounds that fit what moves in the clips."""
    effects = {effect.name for clip in clips for effect in clip.shot.motion.effects}
    return sorted({FITTING[name] for name in effects if name in FITTING})
