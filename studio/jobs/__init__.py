"""Jobs: one worker that turns queued shots into kept clips, one at a time.

Knows what others may use of it. Refuses to know pages, and what any engine does inside.
"""

from __future__ import annotations

from studio.jobs.rooms import Photos, Rooms
from studio.jobs.worker import Worker, put_right

__all__ = ["Photos", "Rooms", "Worker", "put_right"]
