"""Importers: files in, validated records and a list of problems out. No database.

`read` takes a folder or one file, JSON lines or CSV; see `jsonl` and `columns` for their forms.
"""

from pathlib import Path
from typing import Final

from data.importers.collect import Collector
from data.importers.jsonl import read_jsonl
from data.importers.judgements import read_qrels
from data.importers.kinds import KNOWN_CSV, KNOWN_JSONL, kinds_by_name
from data.importers.result import Problem, Progress, ReadResult, UnreadableImport
from data.importers.tabular import read_table

__all__ = [
    "Problem",
    "Progress",
    "ReadResult",
    "UnreadableImport",
    "import_size",
    "read",
    "read_qrels",
]

_EXPECTED: Final = f"expected a folder with, or one of: {KNOWN_JSONL}; {KNOWN_CSV}"
_JSONL: Final = frozenset({".jsonl", ".ndjson"})
_TABLES: Final = frozenset({".csv", ".tsv"})
_WORKBOOKS: Final = frozenset({".xlsx", ".xls", ".ods", ".numbers"})
_FOR_EVALUATION: Final = {
    "qrels": "holds judgements for `enmusubi evaluate`, nothing to import",
    "translations": "holds translations for `enmusubi evaluate bilingual`, nothing to import",
}
"""By a file's name without its ending: why it is not imported."""


def read(path: Path, *, progress: Progress | None = None) -> ReadResult:
    """Read a folder (not the folders in it) or one file.

    Bad rows are in `problems`, with their lines; the good ones are kept. `progress` is called
    with the number of bytes read since its last call. Raises `UnreadableImport` where nothing can
    be read at all.
    """
    collector = Collector()
    try:
        files = _files(path)
        if path.is_dir():
            _report_other_files(path, collector)
        for file in files:
            if file.suffix.casefold() in _TABLES:
                read_table(file, collector, progress)
            else:
                (kind,) = kinds_by_name(file)
                read_jsonl(file, kind, collector, progress)
    except OSError as error:
        raise UnreadableImport(f"{error.filename or path} cannot be read: {error}") from error
    return collector.result()


def import_size(path: Path) -> int:
    """Number of bytes that `read` will read: the end of a progress bar. Raises as `read` does."""
    try:
        return sum(file.stat().st_size for file in _files(path))
    except OSError as error:
        raise UnreadableImport(f"{error.filename or path} cannot be read: {error}") from error


def _files(path: Path) -> list[Path]:
    """The files that are read, by name."""
    if path.is_dir():
        files = [file for file in _visible_files(path) if _why_not(file) is None]
        if not files:
            raise UnreadableImport(f"{path} holds no file to import; {_EXPECTED}")
        return files
    if not path.is_file():
        raise UnreadableImport(f"{path} does not exist; {_EXPECTED}")
    if reason := _why_not(path):
        raise UnreadableImport(f"{path.name} {reason}")
    return [path]


def _visible_files(folder: Path) -> list[Path]:
    # Office programs leave hidden lock files beside the ones that are open.
    files = (file for file in folder.iterdir() if file.is_file())
    return sorted(file for file in files if not file.name.startswith((".", "~$")))


def _why_not(file: Path) -> str | None:
    """Why a file is not read, or None if it is."""
    suffix = file.suffix.casefold()
    if reason := _FOR_EVALUATION.get(file.stem.casefold()):
        return reason
    if suffix in _TABLES:
        return None
    if suffix in _JSONL:
        one = len(kinds_by_name(file)) == 1
        return None if one else f"is not a known name; known names are {KNOWN_JSONL}"
    if suffix in _WORKBOOKS:
        return "is a workbook; save each sheet as CSV UTF-8"
    return f"cannot be imported; {_EXPECTED}"


def _report_other_files(folder: Path, collector: Collector) -> None:
    """Name the files that look like data but are not read; others, such as README, may lie by."""
    for file in _visible_files(folder):
        reason = _why_not(file)
        looks_like_data = file.suffix.casefold() in _JSONL | _WORKBOOKS
        expected = file.stem.casefold() in _FOR_EVALUATION
        if reason is not None and looks_like_data and not expected:
            collector.report((file.name, 1), f"the file {reason}")
