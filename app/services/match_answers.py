"""Finished answers of match lists, remembered, and computed once where many ask at once."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from app.access import View
from app.schemas.explanation import Explain
from matching.corpus import Corpus, Query
from matching.filters import Filters

MOST_BYTES: Final = 64_000_000
"""Of the answers remembered for one corpus: some 1,500 lists of ten partners with evidence."""
OVERHEAD: Final = 2_000
"""Bytes that an entry takes beside its answer and the need's text, rounded up."""


@dataclass(frozen=True, slots=True)
class AskedList:
    """All that an answer hangs on beside the corpus, its revision and the engine that ranks."""

    need_id: UUID
    query: Query
    """The need as it is now, not only its id: an edited need is another question."""
    view: View
    """What the policy has just given the caller: staff and companies never share an answer."""
    filters: Filters
    top: int
    explain: Explain
    day: date


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Kept:
    """An answer that is remembered; whoever refers to it weakly sees it go when it is forgotten."""

    asked: AskedList
    body: bytes


class MatchAnswers:
    """Keeps the most recently used answers of one corpus at one revision; another empties it.

    Not every change makes another corpus: the name of an organisation is shown and never matched.
    It knows nothing of actors: whoever asks must have been given the view by the policy in this
    very request. Needs for named staff must not be brought here.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._held = 0
        self._corpus: weakref.ref[Corpus] | None = None
        self._revision = -1
        self._answers: OrderedDict[AskedList, Kept] = OrderedDict()
        self._under_way: dict[AskedList, Future[bytes]] = {}
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Of the answers and the texts they are kept under, about."""
        return self._held

    def follow(self, corpus: Corpus, revision: int) -> None:
        """Forget what was of another corpus or revision, even if nobody asks again.

        Of somebody who was erased, names are in answers.
        """
        with self._lock:
            self._follow(corpus, revision)

    def find(self, corpus: Corpus, revision: int, asked: AskedList) -> bytes | None:
        """The answer, if it is remembered for this corpus as of this revision of the data."""
        kept = self.kept(corpus, revision, asked)
        return None if kept is None else kept.body

    def kept(self, corpus: Corpus, revision: int, asked: AskedList) -> Kept | None:
        """What is remembered, as `find`."""
        with self._lock:
            self._follow(corpus, revision)
            found = self._answers.get(asked)
            if found is not None:
                self._answers.move_to_end(asked)
            return found

    def use(self, kept: Kept) -> None:
        """Count it as used now, so that it is not the next to be forgotten."""
        with self._lock:
            if self._answers.get(kept.asked) is kept:
                self._answers.move_to_end(kept.asked)

    def get(
        self, corpus: Corpus, revision: int, asked: AskedList, compute: Callable[[], bytes]
    ) -> bytes:
        """The answer, remembered, or computed here or by another thread that is at it.

        `compute` must read rows of this revision, which the corpus is of: its answer is given to
        all who ask the same of this corpus. What it raises is raised here alone; who waited for it
        then computes for himself.
        """
        with self._lock:
            self._follow(corpus, revision)
            found = self._answers.get(asked)
            if found is not None:
                return found.body
            waiting = self._under_way.get(asked)
            if waiting is None:
                mine = self._under_way[asked] = Future[bytes]()
        if waiting is not None:
            return compute() if waiting.exception() is not None else waiting.result()
        return self._compute(corpus, revision, asked, compute, mine)

    def _compute(
        self,
        corpus: Corpus,
        revision: int,
        asked: AskedList,
        compute: Callable[[], bytes],
        mine: Future[bytes],
    ) -> bytes:
        try:
            answer = compute()
        except BaseException as error:
            self._end(asked, mine)
            mine.set_exception(error)
            raise
        with self._lock:
            if self._is_of(corpus, revision):
                self._keep(asked, answer)
        self._end(asked, mine)
        mine.set_result(answer)
        return answer

    def _is_of(self, corpus: Corpus, revision: int) -> bool:
        held = None if self._corpus is None else self._corpus()
        return held is corpus and self._revision == revision

    def _follow(self, corpus: Corpus, revision: int) -> None:
        if not self._is_of(corpus, revision):
            self._answers.clear()
            # Those who are at it go on for who waits already; nobody else joins them.
            self._under_way = {}
            self._held = 0
            self._corpus = weakref.ref(corpus)
            self._revision = revision

    def _end(self, asked: AskedList, mine: Future[bytes]) -> None:
        with self._lock:
            if self._under_way.get(asked) is mine:
                del self._under_way[asked]

    def _keep(self, asked: AskedList, answer: bytes) -> None:
        size = _size(asked, answer)
        if size > self._most or asked in self._answers:
            return
        self._answers[asked] = Kept(asked, answer)
        self._held += size
        while self._held > self._most:
            _, oldest = self._answers.popitem(last=False)
            self._held -= _size(oldest.asked, oldest.body)


def _size(asked: AskedList, answer: bytes) -> int:
    return len(answer) + 4 * len(asked.query.text) + OVERHEAD
