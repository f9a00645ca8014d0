"""The order in which a comparison's jobs are done: drafts first, then model by model, so that each is loaded once."""

from __future__ import annotations

from collections.abc import Iterable

from studio.library.queue import Queue
from studio.nouns import Job, Queued, Shot


def arrange(shots: Iterable[Shot], loaded: Iterable[str] = ()) -> tuple[Shot, ...]:
    """Shots in the order in which they are best made, each once: drafts first, then by model.

    Models that are in memory (`loaded`) come first, the others as they first appear. Within a model come together those
    that share what is read of a photo: its mends, crop, size and depth.
    """
    wanted = list(dict.fromkeys(shots))
    ready = set(loaded)
    makers = list(dict.fromkeys(shot.maker for shot in wanted))
    scenes = list(dict.fromkeys(identify_scene(shot) for shot in wanted))
    return tuple(
        sorted(
            wanted,
            key=lambda shot: (
                not shot.draft, shot.maker not in ready, makers.index(shot.maker), scenes.index(identify_scene(shot)),
            ),
        )
    )  # fmt: skip


def identify_scene(shot: Shot) -> tuple[object, ...]:
    """What of a shot decides which scene the built-in engine reads of its photo."""
    parted = any(effect.amount > 0 for effect in shot.motion.effects)
    return shot.photo.id, shot.mends, shot.crop, shot.end, shot.subject, shot.size, shot.depth, parted


def insert_beside(queue: Queue, job: Job) -> None:
    """Move a job that was just queued behind the waiting ones of its own group and model, where there are any."""
    waiting = [one for one in queue.jobs() if isinstance(one.state, Queued) and one.id != job.id]
    alike = [at for at, one in enumerate(waiting) if one.group == job.group and one.shot.maker == job.shot.maker]
    if alike and alike[-1] + 1 < len(waiting):
        queue.move(job.id, before=waiting[alike[-1] + 1].id)
