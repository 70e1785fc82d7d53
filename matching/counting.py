"""Counting the words of many texts: chunk by chunk, so that memory is bounded, in processes."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import current_process, get_context, parent_process
from typing import Final

from matching.counted import Counted
from matching.term_counts import count_terms
from matching.text import BIGRAMS, words_id

CHUNK: Final = 2_000
"""Texts counted at a time by one process: some 10 MB once they are counted."""
AHEAD: Final = 4
"""Chunks for each process that are read before the first is done."""

NICE: Final = 5
"""How far the processes stand back behind others."""


def count_texts(
    texts: Iterable[str],
    *,
    processes: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Counted:
    """The counted words of texts, in their order; `progress` is told how many more are done.

    With several `processes`, new ones are started (not forked: threads may be running), which cost
    a second each, give way to others, and end when this one ends, however it does. Raises
    BrokenProcessPool if one of them is killed, or OSError if none can be started. Japanese words
    other than pairs of characters are counted in this process, since what cuts them belongs to it.
    """
    chunks = _chunks(texts)
    counted = []
    is_own = not words_id().endswith(BIGRAMS.id)
    if processes <= 1 or is_own or current_process().daemon:  # a daemon may not start any
        for chunk in chunks:
            counted.append(_count(chunk))
            progress(len(chunk))
        return Counted.joined(counted or [Counted.of([])])
    with ProcessPoolExecutor(processes, get_context("spawn"), _start) as pool:
        waiting = [pool.submit(_count, chunk) for chunk in islice(chunks, processes * AHEAD)]
        while waiting:
            found = waiting.pop(0).result()
            waiting += [pool.submit(_count, chunk) for chunk in islice(chunks, 1)]
            counted.append(found)
            progress(len(found))
    return Counted.joined(counted or [Counted.of([])])


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(texts)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _count(texts: list[str]) -> Counted:
    return Counted.of([count_terms(text) for text in texts])


def _start() -> None:
    """In a new process: requests go before it, and it does not outlive whoever asked for it."""
    os.nice(NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
