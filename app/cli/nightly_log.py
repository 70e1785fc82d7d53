"""The log of the nightly run on standard error: lines for a person, JSON objects for a machine."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.cli.terminal import ERRORS
from app.log_format import ClearingJsonFormatter, ClearingLineFormatter

OURS: Final = "app"
"""The logger of all our modules."""


@contextmanager
def logged() -> Iterator[None]:
    """Log there meanwhile: our own sentences, and the warnings of all libraries."""
    handler = _handler()
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(before)
        root.removeHandler(handler)


def _handler() -> logging.Handler:
    for_a_person = ERRORS.is_terminal
    handler = _Printing(for_a_person=for_a_person)
    handler.setFormatter(
        ClearingLineFormatter("%(levelname)s: %(message)s")
        if for_a_person
        else ClearingJsonFormatter()
    )
    return handler


class _Printing(logging.Handler):
    def __init__(self, *, for_a_person: bool) -> None:
        super().__init__()
        self._for_a_person = for_a_person

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line, on a terminal above the bars."""
        try:
            line = self.format(record)
            if self._for_a_person:
                ERRORS.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leave out what cannot be written: logging would print it as it is, uncleared."""
