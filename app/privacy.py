"""The data map: what every column and file holds of persons, and what becomes of it.

Declared once in `app.privacy_tables`, `app.privacy_others` and `app.privacy_files`. The export
takes its columns from here and the erasure its search for mentions; `enmusubi person data-map`
prints it. A column that is not named here fails the tests.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from app.privacy_files import FILES, DataFile
from app.privacy_others import OTHERS
from app.privacy_tables import PERSONAL, DataTable

__all__ = ["FILES", "TABLES", "DataFile", "DataTable", "exported_columns", "markdown", "mentions"]


TABLES: Final = (*PERSONAL, *OTHERS)
"""Every table of the database."""


def exported_columns(table: str) -> tuple[str, ...]:
    """The columns of a table that an export shows."""
    return _table(table).personal


def mentions() -> Iterator[tuple[str, str]]:
    """(table, column) of the texts in which somebody may be named."""
    for table in TABLES:
        yield from ((table.name, column) for column in table.mentions)


def _table(name: str) -> DataTable:
    return next(table for table in TABLES if table.name == name)


def markdown() -> str:
    """The map as a document."""
    return _HEAD + _tables() + _columns() + _files()


_HEAD = """# Data map

Made by `enmusubi person data-map`; a test compares it with the program. It says what every column
of the database and every file holds of persons, under which ground (a proposal for the office that
operates the service, which decides it), how it is shown to the person and how it is erased.

Persons are researchers and other partners who are one person, the people who sign in (staff,
companies, partners) and the people named in contact details.
"""


def _tables() -> str:
    held = [table for table in TABLES if table.whose]
    rows = [(f"`{t.name}`", t.whose, t.purpose, t.exported, t.erased, t.kept) for t in held]
    head = ("Table", "Whose", "Purpose and ground", "In an export", "Erased by", "Kept")
    return "\n## Tables that hold personal data\n\n" + _grid([head, *rows])


def _columns() -> str:
    rows = [
        (
            f"`{table.name}`",
            _names(table.personal),
            _names(table.withheld),
            _names(table.mentions),
            _names(table.none),
        )
        for table in TABLES
    ]
    head = ("Table", "Personal", "Personal, in no export", "Texts that may name somebody", "None")
    return (
        "\n## Every column\n\nTexts that may name somebody are searched at an erasure; what is "
        "found is listed for the operator and not changed.\n\n" + _grid([head, *rows])
    )


def _files() -> str:
    rows = [(f.name, f.holds, f.erased, f.kept) for f in FILES]
    return "\n## Every file\n\n" + _grid([("File", "Holds", "Erased by", "Kept"), *rows])


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _grid(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"
