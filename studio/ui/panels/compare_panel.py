"""Comparisons: the list, and one of them side by side on one clock, from the first look to the winner."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

import msgspec

from studio.clip.packet_index import index_packets
from studio.nouns import Count, Id, Noun, Refusal, Search, Short
from studio.studio import Studio
from studio.ui.clip_actions import ById, PressedById, make_clip_calls
from studio.ui.comparison_snapshot import show_card, show_comparison
from studio.ui.film_exports import FilmExports
from studio.ui.html_part import make_call, make_part
from studio.ui.price_words import make_paid_call

PAGE = 60
"""Comparisons in one page of the list."""


class ComparisonSearch(Noun, frozen=True):
    """Which comparisons: the words they have, and whether those in the trash."""

    words: Search = ""
    trashed: bool = False
    offset: Count = 0


class CellById(PressedById, frozen=True):
    """A cell of a comparison; "" is none of them."""

    cell: Id = ""


class ClipIds(Noun, frozen=True):
    """Clips by their ids."""

    ids: Annotated[tuple[Id, ...], msgspec.Meta(max_length=60)]


class ComparisonName(ById, frozen=True):
    """A comparison's new name."""

    name: Short


class ComparePanel:
    """One part. It asks for a comparison when it is opened and whenever one of its jobs or clips has changed."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        room = self.studio.comparisons
        calls = [
            *make_clip_calls(self.studio),
            make_call("find_comparisons", ComparisonSearch, self.find),
            make_call("show_comparison", ById, lambda ask: show_comparison(self.studio, room.get(ask.id))),
            make_call("name_comparison", ComparisonName, lambda ask: room.rename(ask.id, ask.name).name),
            make_paid_call(
                self.studio,
                "retry_cell",
                CellById,
                lambda ask, paid: room.retry(ask.id, ask.cell, confirmation=paid).id,
                "Make it again",
            ),
            make_call("pick_cell", CellById, lambda ask: show_comparison(self.studio, room.pick(ask.id, ask.cell))),
            make_call("reveal_comparison", ById, lambda ask: show_comparison(self.studio, room.show(ask.id))),
            make_call("trash_losers", ById, lambda ask: len(room.trash_losers(ask.id).losers)),
            make_call("restore_losers", ById, self.restore_losers),
            make_call("trash_comparison", ById, lambda ask: room.trash(ask.id).id),
            make_call("restore_comparison", ById, lambda ask: room.restore(ask.id).id),
            make_call("measure_likeness", ById, lambda ask: room.measure_likeness(room.get(ask.id))),
            make_call("index_packets", ClipIds, self.index_packets),
            *FilmExports(self.studio).list_calls(),
        ]
        self.part = make_part("compare_panel", None, calls=calls, page=PAGE)

    def restore_losers(self, ask: ById) -> int:
        """Bring back the losers of a comparison from the trash, and how many those are."""
        losers = self.studio.comparisons.get(ask.id).losers
        self.studio.comparisons.restore_losers(ask.id)
        return len(losers)

    def index_packets(self, ask: ClipIds) -> dict[str, Any]:
        """Where the frames of clips lie in their files, for the browser's decoder: by id, without those that can't be
        read.
        """
        library, found = self.studio.library, {}
        for clip in library.get_all(ask.ids).values():
            with suppress(Refusal):
                found[clip.id] = index_packets(library.file(clip))._asdict()
        return found

    def find(self, search: ComparisonSearch) -> dict[str, Any]:
        """One page of comparisons, and how many there are in all."""
        words, room = search.words[:200], self.studio.comparisons
        found = room.find(words, search.trashed, PAGE, search.offset)
        return {
            "comparisons": [show_card(self.studio, one) for one in found],
            "count": room.count(words, search.trashed),
            "trash": room.count(trashed=True),
        }
