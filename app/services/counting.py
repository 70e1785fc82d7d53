"""The words of a large corpus, counted beside the requests that go on meanwhile."""

import logging
import os
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from matching.counted import Counted
from matching.counting import count_texts

logger = logging.getLogger(__name__)

IN_PROCESSES: Final = 20_000
"""Texts from which on processes of their own count: it takes more than ten seconds."""
PROCESSES: Final = 4
"""At most."""


def count_many(texts: Sequence[str]) -> Counted:
    """The words of texts, of many by all processors and without holding up other threads."""
    processes = min(len(os.sched_getaffinity(0)), PROCESSES)
    if len(texts) >= IN_PROCESSES:
        try:
            return count_texts(texts, processes=processes)
        except (BrokenProcessPool, OSError) as error:
            logger.warning("No process counts words (%s): this one does.", type(error).__name__)
    return count_texts(texts)
