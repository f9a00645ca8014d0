"""The prompt cache: embeddings of prompts that were encoded, so that another seed doesn't need the text encoder again.

In memory only, the least recently used dropped first: a prompt is the user's, and is never written to the disk.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

Words = dict[str, Any]

MOST_BYTES = 256 * 1024 * 1024
"""What remembered prompts may take together: a prompt of UMT5-XXL is 4 MB (512 tokens of 4096 in bfloat16), so some
sixty.
"""


class PromptCache:
    """Prompt embeddings by everything they depend on, the least recently used forgotten first. Safe from any thread."""

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._prompts: OrderedDict[Hashable, tuple[Words, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], Words]) -> tuple[Words, bool]:
        """The embeddings of `key`, and whether they were remembered; `read` is called only when they weren't.

        What is handed out is a new dict of the same tensors: nobody writes into them.
        """
        with self._lock:
            if key in self._prompts:
                self._prompts.move_to_end(key)
                return dict(self._prompts[key][0]), True
        words = read()
        size = sum(tensor.numel() * tensor.element_size() for tensor in words.values())
        if size <= self._limit:
            with self._lock:
                self._prompts[key] = words, size
                self._prompts.move_to_end(key)
                while self._count_bytes() > self._limit:
                    self._prompts.popitem(last=False)
        return dict(words), False

    def clear(self) -> None:
        """Let go of every prompt."""
        with self._lock:
            self._prompts.clear()

    @property
    def held(self) -> int:
        """Bytes in use."""
        with self._lock:
            return self._count_bytes()

    def _count_bytes(self) -> int:
        return sum(size for _, size in self._prompts.values())
