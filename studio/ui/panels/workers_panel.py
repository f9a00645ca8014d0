"""Workers of a Ray cluster on the settings tab: each one's device, memory, models and job; one may rest after its job.

Drawn only where the studio was started with --ray.
"""

from __future__ import annotations

from typing import Any

from studio.farm.farm_values import WorkerRow
from studio.nouns import Noun, Refusal, Short
from studio.studio import Studio
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.model_facts import format_bytes
from studio.ui.queue_snapshot import name_photo


class Rest(Noun, frozen=True):
    """Whether a worker is to begin no more jobs."""

    id: Short
    resting: bool


class WorkersPanel:
    """Its part asks every two seconds while it is seen."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [make_call("ask_workers", Nothing, lambda _: self.show()), make_call("rest", Rest, self.rest)]
        self.part = make_part("workers_panel", None, calls=calls)

    def show(self) -> dict[str, Any]:
        """The cluster's address, and its workers in words."""
        farm = self.studio.farm
        rows = farm.list_workers() if farm else ()
        address = str(farm.address) if farm else ""
        return {"address": address, "workers": [self._show_worker(row) for row in rows]}

    def rest(self, ask: Rest) -> dict[str, Any]:
        """Have a worker rest or work again. Raises `Refusal` where it has left."""
        if self.studio.farm:
            self.studio.farm.rest(ask.id, ask.resting)
        return self.show()

    def _show_worker(self, row: WorkerRow) -> dict[str, Any]:
        memory = f"{format_bytes(row.memory_used)} of {format_bytes(row.memory_total)}" if row.memory_total else ""
        return {
            "id": row.id, "machine": row.machine, "device": row.device, "state": row.state, "memory": memory,
            "models": list(row.models), "job": self._name_job(row.job), "resting": row.resting, "done": row.done,
            "ping": f"{row.ping:.0f} ms" if row.memory_total else "",
        }  # fmt: skip

    def _name_job(self, job: str) -> str:
        try:
            return name_photo(self.studio.queue.get(job).shot) if job else ""
        except Refusal:  # it was taken out of the queue meanwhile
            return ""
