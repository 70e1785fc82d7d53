"""How a long training tells what it is doing, and how a step is kept for a later run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Advance = Callable[[int], None]
"""Called with the number of things just done."""
Steps = Callable[[str, int], AbstractContextManager[Advance]]
"""Opens a progress bar: what is being done, and of how many things."""


def no_advance(_: int) -> None:
    """For callers that show no progress."""


@contextmanager
def silent_steps(_: str, __: int) -> Iterator[Advance]:
    """Progress bars for callers that show none."""
    yield no_advance
