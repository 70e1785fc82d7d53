"""An encoder that remembers the latest texts it has seen, in memory."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from matching.encoders.protocol import Encoder, Progress, Role, Vectors, ignore_progress
from matching.text import content_hash


class CachedEncoder:
    """Wraps an encoder; keeps the `capacity` most recently used vectors by content hash.

    Meant for what is asked again and again but is not stored: queries and evidence sentences.
    """

    def __init__(self, encoder: Encoder, capacity: int) -> None:
        self._encoder = encoder
        self._capacity = capacity
        self._vectors: OrderedDict[tuple[str, Role], Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        return self._encoder.id

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        keys = [(content_hash(text), role) for text in texts]
        found = self._recall(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            fresh = self._encoder.encode(list(missing.values()), role=role)
            # Copied: a row that is a view would keep its whole batch in memory.
            rows = {key: row.copy() for key, row in zip(missing, fresh, strict=True)}
            found |= rows
            self._remember(rows)
        (progress or ignore_progress)(len(texts))
        if not keys:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([found[key] for key in keys])

    @property
    def remembered(self) -> int:
        """How many texts it remembers."""
        return len(self._vectors)

    def forget(self) -> None:
        """Forget every text."""
        with self._lock:
            self._vectors.clear()

    def _recall(self, keys: list[tuple[str, Role]]) -> dict[tuple[str, Role], Vectors]:
        with self._lock:
            found = {key: self._vectors[key] for key in keys if key in self._vectors}
            for key in found:
                self._vectors.move_to_end(key)
            return found

    def _remember(self, fresh: dict[tuple[str, Role], Vectors]) -> None:
        with self._lock:
            self._vectors |= fresh
            while len(self._vectors) > self._capacity:
                self._vectors.popitem(last=False)
