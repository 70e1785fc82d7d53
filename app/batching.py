"""Work that several threads have at once, done in one go by one of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Share(Generic[T]):
    """What one thread brought."""

    items: Sequence[T]
    done: bool = False
    error: BaseException | None = None


class Batches(Generic[T]):
    """Group commit: while one thread commits, what others bring waits and then goes together.

    A thread alone waits for nobody. Nothing is kept from one batch to the next.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        """Held by the thread that works."""
        self._guard = threading.Lock()
        """Of the list, for a moment only."""
        self._waiting: list[_Share[T]] = []

    def do(self, items: Sequence[T], work: Callable[[Sequence[T]], object]) -> None:
        """Return when `work` has been done with these items, in the order in which they came.

        It is called with the items of this thread and of all that waited, by this thread or by
        another one. What it raises is raised in every thread whose items were with it.
        """
        share = _Share(items)
        with self._guard:
            self._waiting.append(share)
        with self._turn:
            if not share.done:
                with self._guard:
                    batch, self._waiting = self._waiting, []
                _do(batch, work)
        if share.error is not None:
            raise share.error


def _do(batch: Sequence[_Share[T]], work: Callable[[Sequence[T]], object]) -> None:
    error: BaseException | None = None
    try:
        work([item for share in batch for item in share.items])
    except BaseException as raised:
        error = raised
    for share in batch:
        share.done, share.error = True, error
