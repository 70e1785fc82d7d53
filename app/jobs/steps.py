"""How a long job tells how far it is, whoever watches: bars, lines, or nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Steps:
    """Called as the work goes on: `begin(title, total)` gives the function that advances it."""

    begin: Callable[[str, int], Callable[[int], None]]
    warn: Callable[[str], None] = lambda _: None
    """Given a sentence where something should be known to who reads the result."""


QUIET: Final = Steps(lambda _title, _total: lambda _amount: None)
"""Shows nothing."""
