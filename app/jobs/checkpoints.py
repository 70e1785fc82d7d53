"""Where a run could be killed: every step beyond which something is stored, or has left.

The steps call `reached`, which does nothing; a test watches instead, and kills the process there.
"""

from collections.abc import Callable
from typing import Final

from app.emails.smtp import STEPS

DELIVERY: Final = (
    "delivery.recovering",
    "delivery.recovered",
    "delivery.claiming",
    "delivery.claimed",
    "delivery.enveloped",
    "delivery.composed",
    "delivery.marking",
    "delivery.marked",
    "delivery.answered",
    "delivery.settling",
    "delivery.settled",
)
"""In the order in which a mail meets them. What ends in -ing is reached just before a commit."""

NAMES: Final = (*DELIVERY, *STEPS)
_KNOWN: Final = frozenset(NAMES)

watch: Callable[[str], None] | None = None
"""Told of each checkpoint; None but in tests."""


def reached(name: str) -> None:
    """Say that a checkpoint is reached; ValueError for one that is not in `NAMES`."""
    if name not in _KNOWN:
        raise ValueError(f"There is no checkpoint {name!r}: choose among {', '.join(NAMES)}.")
    if watch is not None:
        watch(name)
