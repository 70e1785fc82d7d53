"""The scores of the needs' own lists, remembered from one partner's list to the next."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence

from matching.corpus import Corpus, Query
from matching.encoders import Vectors
from matching.filters import Filters
from matching.reverse import NeedScores, need_scores
from matching.signals import SIGNALS, Signal

Key = tuple[Query, Filters]


class NeedScoresCache:
    """Keeps the `capacity` most recently used ones of one corpus; a new corpus empties it.

    A need is known by all that is matched of it, not by its id, so that an edited need is scored
    anew and nothing of the old text is kept for long. Whoever asks must be allowed to see the
    need: the cache knows nothing of actors.
    """

    def __init__(self, capacity: int, signals: Sequence[Signal] = SIGNALS) -> None:
        self._capacity = capacity
        self._signals = signals
        self._corpus: weakref.ref[Corpus] | None = None
        self._scores: OrderedDict[Key, NeedScores] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, corpus: Corpus, query: Query, vector: Vectors, *, filters: Filters) -> NeedScores:
        """As `need_scores`; `vector` is the query's, so that it takes no part in the key."""
        key = (query, filters)
        with self._lock:
            if self._corpus is None or self._corpus() is not corpus:
                self._scores.clear()
                self._corpus = weakref.ref(corpus)
            found = self._scores.get(key)
            if found is not None:
                self._scores.move_to_end(key)
                return found
        # Outside the lock: two requests may compute the same list, but none waits for another.
        found = need_scores(query, vector, corpus, filters=filters, signals=self._signals)
        with self._lock:
            if self._corpus() is corpus:
                self._scores[key] = found
                while len(self._scores) > self._capacity:
                    self._scores.popitem(last=False)
        return found
