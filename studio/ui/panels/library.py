"""The library: every clip, newest first, found by words, rated, put away and brought back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Any

from studio.nouns import Noun, Refusal
from studio.studio import Studio
from studio.ui.board import clip_cards
from studio.ui.clip_calls import One, clip_calls
from studio.ui.parts.part import call, part
from studio.ui.thumbs import sweep

PAGE = 60
"""Clips in one page of the grid."""


class Search(Noun, frozen=True):
    """Which clips: the words they hold, the trash or the shelf, and where the page begins."""

    words: str = ""
    trashed: bool = False
    offset: int = 0


class LibraryPanel:
    """Its part asks for a page at a time, so that a thousand clips open as fast as ten."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        studio = self.studio
        calls = [
            *clip_calls(studio),
            call("find_clips", Search, self.find),
            call("trash_clip", One, lambda ask: studio.trash(ask.id)),
            call("restore_clip", One, lambda ask: studio.restore(ask.id)),
            call("empty_trash", dict[str, str], lambda _: self.empty()),
        ]
        local = self.studio.settings.user == ""
        if local:
            calls.append(call("open_folder", One, lambda ask: open_folder(studio, ask.id)))
        self.part = part("library", None, calls=calls, local=local, page=PAGE)

    def empty(self) -> dict[str, int]:
        """Delete what is in the trash, small pictures and all."""
        count = self.studio.empty_trash()
        sweep(self.studio)
        return {"count": count}

    def find(self, search: Search) -> dict[str, Any]:
        """One page of clips, and how many there are in all."""
        words = search.words[:200]
        clips = self.studio.clips(words, search.trashed, PAGE, max(0, search.offset))
        cards = clip_cards(self.studio, clips)
        return {"clips": cards, "count": self.studio.count(words, search.trashed), "trash": self.studio.count(trashed=True)}


def open_folder(studio: Studio, clip_id: str) -> bool:
    """Show a clip in the system's file manager. Raises `Refusal`, naming the folder, where there is none."""
    folder = studio.clip_file(studio.clip(clip_id)).parent
    if sys.platform == "win32":
        os.startfile(folder)  # noqa: S606  a folder of our own, not a program
        return True
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        raise Refusal("This system has no file manager to open.", f"The clips are in {folder}.")
    subprocess.Popen([opener, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return True
