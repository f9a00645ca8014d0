"""The library: clips sorted, found by words and stars; one or many rated, exported, trashed and restored."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Annotated, Any

import msgspec

from studio.compare.grid import MOST_IN_ROW
from studio.library.clips import Sort
from studio.nouns import Count, Id, Noun, Refusal, Search, Stars
from studio.studio import Studio
from studio.ui.clip_actions import ById, make_clip_calls
from studio.ui.comparison_snapshot import show_card
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.queue_snapshot import show_clips
from studio.ui.thumbnails import sweep_thumbs

PAGE = 60
"""Clips in one page of the grid."""


BESIDE = 6
"""Comparisons that stand in one row above the clips."""

MOST_LOOKED_AT = 24
"""Clips by which a page finds its place again: the first that is still there."""

MOST_MARKED = 10_000
"""Clips that something may be done to at once."""


class ClipSearch(Noun, frozen=True):
    """Which clips: the words they hold, the trash or the shelf, the least stars; how they are sorted, and which of
    them.
    """

    words: Search = ""
    trashed: bool = False
    sort: Sort = "newest"
    stars: Stars = 0
    offset: Count = 0
    limit: Annotated[int, msgspec.Meta(ge=0, le=1000)] = PAGE


class PlaceSearch(ClipSearch, frozen=True):
    """The same, and clips that are looked at, first to last."""

    ids: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=64)], ...], msgspec.Meta(max_length=MOST_LOOKED_AT)
    ] = ()


class SeveralClips(Noun, frozen=True):
    """Clips by their ids, and what is done to them all."""

    ids: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MOST_MARKED)]
    stars: Stars = 0
    recipe: bool = True


class LibraryPanel:
    """Its part asks for a page at a time, so that a thousand clips open as fast as ten."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        studio = self.studio
        calls = [
            *make_clip_calls(studio),
            make_call("find_clips", ClipSearch, self.find),
            make_call("trash_clip", ById, lambda ask: studio.library.trash(ask.id)),
            make_call("restore_clip", ById, lambda ask: studio.library.restore(ask.id)),
            make_call("find_ids", ClipSearch, self.find_ids),
            make_call("find_place", PlaceSearch, self.find_place),
            make_call("trash_clips", SeveralClips, lambda ask: studio.library.trash(ask.ids)),
            make_call("restore_clips", SeveralClips, lambda ask: studio.library.restore(ask.ids)),
            make_call("rate_clips", SeveralClips, lambda ask: studio.library.rate(ask.ids, ask.stars)),
            make_call("export_clips", SeveralClips, self.export),
            make_call("compare_clips", SeveralClips, lambda ask: studio.comparisons.start_from_clips(ask.ids).id),
            make_call("empty_trash", Nothing, lambda _: self.empty()),
        ]
        local = self.studio.settings.is_local
        if local:
            calls.append(make_call("open_folder", ById, lambda ask: open_folder(studio, ask.id)))
        self.part = make_part("library_panel", None, calls=calls, local=local, page=PAGE, most=MOST_IN_ROW)

    def empty(self) -> dict[str, int]:
        """Delete what is in the trash, small pictures and all."""
        count = self.studio.library.empty_trash()
        sweep_thumbs(self.studio)
        return {"count": count}

    def find(self, search: ClipSearch) -> dict[str, Any]:
        """One page of clips, and how many there are in all; with the first also the newest comparisons, by words."""
        words, studio = search.words[:200], self.studio
        clips = studio.library.find(words, search.trashed, search.limit, search.offset, search.sort, search.stars)
        count = studio.library.count(words, search.trashed, search.stars)
        found = {"clips": show_clips(studio, clips), "count": count, "trash": studio.library.count(trashed=True)}
        if search.offset or search.trashed or search.stars:
            return found
        room = studio.comparisons
        beside = [show_card(studio, one) for one in room.find(words, limit=BESIDE)]
        return {**found, "comparisons": beside, "compared": room.count(words)}

    def find_ids(self, search: ClipSearch) -> dict[str, Any]:
        """Every clip that is found, to mark them all."""
        ids = self.studio.library.ids(search.words[:200], search.trashed, search.sort, search.stars)
        return {"ids": ids[:MOST_MARKED]}

    def find_place(self, search: PlaceSearch) -> dict[str, Any]:
        """The first of some clips that is still found, and how many stand before it; nothing where none is."""
        which = search.words[:200], search.trashed, search.sort, search.stars
        for clip_id in search.ids:
            place = self.studio.library.find_place(clip_id, *which)
            if place is not None:
                return {"id": clip_id, "place": place}
        return {}

    def export(self, ask: SeveralClips) -> dict[str, str]:
        """One zip of several clips."""
        file = self.studio.exports.export_all(ask.ids, ask.recipe)
        return {"path": str(file), "name": file.name}


def open_folder(studio: Studio, clip_id: str) -> bool:
    """Show a clip in the system's file manager. Raises `Refusal`, naming the folder, where there is none."""
    folder = studio.library.file(studio.library.get(clip_id)).parent
    if sys.platform == "win32":
        os.startfile(folder)  # noqa: S606  a folder of our own, not a program
        return True
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        raise Refusal("This system has no file manager to open.", f"The clips are in {folder}.")
    subprocess.Popen([opener, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return True
