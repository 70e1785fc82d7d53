"""Tables saved from a spreadsheet: CSV with comma, tab or semicolon.

The header and its Japanese names are in `columns`, the words for closed lists in `vocabulary`, the
traps of spreadsheets in `cells`.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data.importers.cells import Row, read_cell, rows
from data.importers.collect import Collector, Item
from data.importers.columns import TABLES, expected_header, field_of, missing_columns
from data.importers.encodings import Encoding, encoding_of
from data.importers.kinds import KNOWN_CSV, RecordKind, kinds_by_name
from data.importers.reasons import quoted
from data.importers.result import Progress

_DELIMITERS: Final = ",\t;"
_REPLACED: Final = "\ufffd"
_PROGRESS_LINES: Final = 500


@dataclass(frozen=True, slots=True)
class _Table:
    """A header that was understood."""

    kind: RecordKind
    headers: list[str]
    fields: list[str | None]

    @property
    def known(self) -> set[str]:
        return {field for field in self.fields if field is not None}


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A file whose encoding, delimiter and header were understood."""

    path: Path
    encoding: Encoding
    delimiter: str
    line: int
    """Of the header."""
    table: _Table

    @property
    def kind(self) -> RecordKind:
        """What its rows are."""
        return self.table.kind


def open_table(path: Path, collector: Collector) -> OpenTable | None:
    """A table whose file's name tells what it holds, or else its header; None if that was reported.

    Raises OSError.
    """
    encoding = encoding_of(path)
    headers = _header(path, encoding)
    if headers is None:
        reason = "the file has no rows; the first line must be a header"
        collector.report((path.name, 1), reason)
        return None
    delimiter, header = headers
    table = _understood(path, header, collector)
    return None if table is None else OpenTable(path, encoding, delimiter, header.line, table)


def read_table(
    opened: OpenTable, collector: Collector, progress: Progress | None = None
) -> Iterator[Item]:
    """The records of a table, row by row; a bad row is a problem of the line where it starts."""
    name, damaged, table = opened.path.name, opened.encoding.damaged, opened.table
    headers = zip(table.fields, table.headers, strict=True)
    columns = {field: header for field, header in headers if field is not None}
    for row in rows(_lines(opened.path, opened.encoding, progress), opened.delimiter):
        if row.line > opened.line:
            place = (name, row.line)
            item = _add_row(row, table, columns, place, collector, damaged=damaged)
            if item is not None:
                yield item


def _lines(path: Path, encoding: Encoding, progress: Progress | None = None) -> Iterator[str]:
    """The lines of a file with their ends; `progress` is told how many bytes were read."""
    told = 0
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding.name, "replace", newline="")
        for number, line in enumerate(text, 1):
            yield encoding.clean(line)
            if progress is not None and number % _PROGRESS_LINES == 0:
                position = file.tell()
                progress(position - told)
                told = position
        if progress is not None:
            progress(path.stat().st_size - told)


def _header(path: Path, encoding: Encoding) -> tuple[str, Row] | None:
    """The delimiter under which the first row has most known columns, and that row."""
    first = [(sign, next(rows(_lines(path, encoding), sign), None)) for sign in _DELIMITERS]
    found = [(delimiter, row) for delimiter, row in first if row is not None]
    kinds = kinds_by_name(path) & TABLES.keys() or set(TABLES)

    def score(candidate: tuple[str, Row]) -> tuple[int, bool, int]:
        cells = candidate[1].cells
        known = max(sum(field_of(kind, cell) is not None for cell in cells) for kind in kinds)
        return known, candidate[1].fault is not None, len(cells)

    best = max(found, key=score, default=None)
    # Read with another separator, an empty row ",," is not blank.
    return best if best and (best[1].fault or any(map(_has_letters, best[1].cells))) else None


def _has_letters(cell: str) -> bool:
    return any(character.isalnum() for character in cell)


def _understood(path: Path, header: Row, collector: Collector) -> _Table | None:
    """The table behind the header, after its faults were reported; None if it cannot be read."""
    place = (path.name, header.line)
    if header.fault is not None:
        collector.report(place, f"the header cannot be read: {header.fault}")
        return None
    headers = [cell.strip() for cell in header.cells]
    while headers and not headers[-1]:
        headers.pop()
    kind = _kind(path, headers)
    if kind is None:
        collector.report(
            place, f"cannot tell what the table holds; name the file as one of {KNOWN_CSV}"
        )
        return None
    table = _Table(kind, headers, [field_of(kind, name) for name in headers])
    if missing := missing_columns(kind, table.known):
        collector.report(
            place,
            f"missing column: {'; '.join(missing)}; expected header: {expected_header(kind)}",
        )
        return None
    for number, name in enumerate(headers):
        field = table.fields[number]
        if field is None:
            fault = f"column {quoted(name)} is not known" if name else "a column has no name"
            reason = f"{fault} and is left out; known columns: {expected_header(kind)}"
            collector.report(place, f"column number {number + 1}: {reason}")
        elif field in table.fields[:number]:
            table.fields[number] = None
            collector.report(
                place, f"column {quoted(name)} is a second column for {field} and is left out"
            )
    return table


def _kind(path: Path, headers: list[str]) -> RecordKind | None:
    """By the file's name if one kind is clear; else the kind that knows most of the columns."""
    named = kinds_by_name(path) & TABLES.keys()
    if len(named) == 1:
        return named.pop()
    scores: dict[RecordKind, int] = {}
    for kind in named or TABLES:
        fields = {field for name in headers if (field := field_of(kind, name))}
        if not missing_columns(kind, fields):
            scores[kind] = len(fields)
    best = [kind for kind, score in scores.items() if score == max(scores.values())]
    return best[0] if len(best) == 1 else None


def _add_row(
    row: Row,
    table: _Table,
    columns: Mapping[str, str],
    place: tuple[str, int],
    collector: Collector,
    *,
    damaged: bool,
) -> Item | None:
    cells = row.cells[:]
    width = len(table.headers)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if row.fault is not None:
        collector.report(place, row.fault)
    elif len(cells) != width:
        few = "too few" if len(cells) < width else "too many"
        collector.report(
            place,
            f"{few} columns: {len(cells)} instead of {width}; put a cell that holds the separator"
            " or a line break between quotation marks",
        )
    elif damaged and any(_REPLACED in cell for cell in cells):
        collector.report(place, "some characters cannot be read; save the file as CSV UTF-8")
    else:
        values = {
            field: read_cell(field, cell)
            for field, cell in zip(table.fields, cells, strict=True)
            if field is not None
        }
        return collector.add(table.kind, place, values, columns)
    return None
