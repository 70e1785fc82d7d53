"""Where a run could be killed: every step beyond which something is stored, or has left.

The steps call `reached`, which does nothing; a test watches instead, and kills the process there.
"""

from collections.abc import Callable
from typing import Final

from app.emails.smtp import STEPS

RUN: Final = (
    "run.locked",
    "run.opened",
    "run.step",
    "run.entering",
    "run.entered",
    "run.plan.storing",
    "run.plan.stored",
    "run.compose.storing",
    "run.compose.stored",
    "run.finishing",
    "run.finished",
)
"""Of the steps before the delivery, and of its end. What ends in -ing is reached just before a
commit."""
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
"""In the order in which a mail meets them."""

SNAPSHOT: Final = ("snapshot.saving", "snapshot.saved", "snapshot.named", "snapshot.swept")
"""Of a snapshot of the corpus: its files are there before the database names it."""

IMPORT: Final = ("import.storing", "import.stored")
EMBEDDING: Final = ("embedding.encoded", "embedding.storing", "embedding.stored")

BACKUP: Final = ("backup.copied", "backup.described")
"""Of a copy of the database: the manifest is there before the copy gets its name."""

QUEUE: Final = ("queue.sharing", "queue.shared", "queue.taken", "queue.done")

NAMES: Final = (*RUN, *DELIVERY, *STEPS, *SNAPSHOT, *IMPORT, *EMBEDDING, *BACKUP, *QUEUE)
_KNOWN: Final = frozenset(NAMES)

watch: Callable[[str], None] | None = None
"""Told of each checkpoint; None but in tests."""


def reached(name: str) -> None:
    """Say that a checkpoint is reached; ValueError for one that is not in `NAMES`."""
    if name not in _KNOWN:
        raise ValueError(f"There is no checkpoint {name!r}: choose among {', '.join(NAMES)}.")
    if watch is not None:
        watch(name)
