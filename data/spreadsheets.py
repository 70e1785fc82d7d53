"""Tables for spreadsheets in which no text is taken for a formula.

A spreadsheet computes a cell that begins with = + - or @, and a formula can send the rest of the
table to an address or start a program. Every table that leaves the service is written here.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from matching.text import normalise

Cell = str | int | float | bool | date | None

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel reads UTF-8 as the local code page."""

# At the start of the cell, of a line in it, or behind a semicolon: where that separates cells, a
# program that reads the file by its own rules begins a new one there.
_FORMULA: Final = re.compile(r"(^|[\n;])(?=[\s\"]*[=+\-\u2212@])")


def text_cell(text: str) -> str:
    """A text that spreadsheets show and do not compute.

    Normalised, since a full-width ＝ becomes one, and without tabs, control and invisible signs,
    behind which one could hide. An apostrophe marks it as text; `data.importers` takes a leading
    one off again.
    """
    return _FORMULA.sub(r"\1'", normalise(text))


def cell(value: Cell) -> str:
    """Any value as the content of a cell; a number stays one, also a negative one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | date):
        return str(value)
    return text_cell(value)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines of a CSV file for Excel and others: UTF-8 with its mark, every cell quoted.

    Raises ValueError of a row that is not as long as the header.
    """
    yield BYTE_ORDER_MARK + _line(header)
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} cells instead of {len(header)}")
        yield _line(row)


def _line(row: Sequence[Cell]) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow([cell(value) for value in row])
    return written.getvalue()
