"""Cells as spreadsheets write them, and rows with the line where they start.

Spreadsheets leave traps: an apostrophe that marks a cell as text, `="001"` that saves leading
zeros, full-width digits and letters, thousands separators, units.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from matching.text import normalise

LIST_FIELDS: Final = frozenset(
    {"clusters", "languages", "engagement_types", "exclude_evidence", "unavailable", "variants"}
)
NUMBER_FIELDS: Final = frozenset(
    {"year", "trl_from", "trl_to", "budget_jpy", "latitude", "longitude"}
)
FREE_TEXTS: Final = frozenset(
    {"name", "title", "text", "brief", "description", "source", "prefecture", "city"}
)

_TEXT_FORMULA: Final = re.compile(r'="(.*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"'(?=[=+\-@＝＋－＠\t\r])")
_LIST_SEPARATOR: Final = re.compile(r"[;；、\n]")
_RANGE: Final = re.compile(r"\s*(?:\.\.+|[~〜])\s*")
_MOST_LINES: Final = 1000
"""Of one row: an unclosed quotation mark must not swallow a large file again for every row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, or why it cannot be read."""

    line: int
    cells: list[str]
    fault: str | None = None


def rows(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    """Rows with cells; blank lines are left out. After a bad row, reading goes on a line below.

    No more lines are held than those of one row.
    """
    window: deque[str] = deque()
    start = 0
    while True:
        reader = csv.reader(_fed(window, lines), delimiter=delimiter, strict=True)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # Resume below: with an unclosed quotation mark, good rows have been taken in.
            yield Row(start + 1, [], "a quotation mark is not closed, or not doubled inside a cell")
            window.popleft()
            start += 1
            continue
        if any(cell.strip() for cell in cells):
            yield Row(start + 1, cells)
        for _ in range(reader.line_num):
            window.popleft()
        start += reader.line_num


def _fed(window: deque[str], lines: Iterator[str]) -> Iterator[str]:
    """The lines in the window, and further ones, which come to stand in it."""
    for number in range(_MOST_LINES):
        if number == len(window):
            following = next(lines, None)
            if following is None:
                return
            window.append(following)
        yield window[number]


def read_cell(field: str, cell: str) -> Any:
    """The value of a cell for a field: text, cleaned text or list; empty cells are None."""
    text = cell.strip()
    if formula := _TEXT_FORMULA.fullmatch(text):
        text = formula[1].replace('""', '"')
    if field.removesuffix("_ja").removesuffix("_en") in FREE_TEXTS:
        return _ESCAPED.sub("", text, count=1) if _ESCAPED.match(text) else text or None
    text = normalise(text.removeprefix("'"))
    if field in LIST_FIELDS:
        items = [item.strip() for item in _LIST_SEPARATOR.split(text) if item.strip()]
        return ([_range(item) for item in items] if field == "unavailable" else items) or None
    if field in NUMBER_FIELDS:
        return _number(field, text)
    return text or None


def _number(field: str, text: str) -> str | None:
    """Digits without thousands separators and units; 0 is no year."""
    text = re.sub(r"^(?:¥|\\|FY|TRL) ?|(?:円|年度?)$", "", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text).strip()
    return None if field == "year" and text == "0" else text or None


def _range(text: str) -> dict[str, str]:
    """`2026-04-01..2026-09-30`, or one date from which on the partner is unavailable."""
    start, *end = _RANGE.split(text, maxsplit=1)
    return {"from": start, "to": end[0]} if end and end[0] else {"from": start}
