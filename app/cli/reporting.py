"""How measurements are shown: tables for people, Markdown for documents, steps while they run."""

import os
import platform
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

from rich.markup import escape
from rich.table import Table

from app.cli.terminal import ERRORS, OUT, progress_bar
from app.errors import invalid
from app.jobs.steps import Steps

Rows = Sequence[Sequence[str]]
"""A header and the lines below it, all of one length."""


def require_one_form(command: str, *, as_json: bool, as_markdown: bool) -> None:
    """Problem 422 if both are asked for."""
    if as_json and as_markdown:
        raise invalid(command, "prints --json or --markdown, not both: choose one")


def steps_of(name: str, bars: ExitStack) -> Steps:
    """Progress bars, one at a time, and warnings, both on standard error under a set's name."""

    def begin(title: str, total: int) -> Callable[[int], None]:
        bars.close()  # one bar at a time
        return bars.enter_context(progress_bar(f"{name}: {title}", total)).advance

    def warn(sentence: str) -> None:
        ERRORS.print(f"{name}: {sentence}", style="yellow", markup=False, highlight=False)

    return Steps(begin, warn)


def machine() -> str:
    """Where a figure was measured, in words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}."


def show_table(rows: Rows, *, bold: Collection[str] = ()) -> None:
    """A table on standard output; lines whose first cell is in `bold` stand out."""
    header, *lines = rows
    table = Table(*(escape(cell) for cell in header))
    for line in lines:
        table.add_row(*(escape(cell) for cell in line), style="bold" if line[0] in bold else None)
    OUT.print(table)


def markdown_table(rows: Rows) -> str:
    """A GitHub table; nothing in a cell can end it."""
    header, *lines = rows
    columns = ["---", *["---:"] * (len(header) - 1)]
    cells = [[_cell(text) for text in row] for row in (header, *lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (cells[0], columns, *cells[1:]))


def write_markdown(rows: Rows, *, first: bool) -> None:
    """A table on standard output, after a blank line unless it is the first."""
    sys.stdout.write(("" if first else "\n") + markdown_table(rows))


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
