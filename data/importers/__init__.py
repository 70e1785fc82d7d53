"""Importers: files in, validated records and a list of problems out. No database.

`read` takes a folder or one file, JSON lines or CSV; see `jsonl` and `columns` for their forms.
"""

from pathlib import Path
from typing import Final

from data.importers.judgements import read_qrels
from data.importers.kinds import KNOWN_CSV, KNOWN_JSONL, kinds_by_name
from data.importers.result import Problem, Progress, ReadResult, UnreadableImport
from data.importers.stream import TABLES, RecordStream, collected, readable

__all__ = [
    "Problem",
    "Progress",
    "ReadResult",
    "RecordStream",
    "UnreadableImport",
    "import_size",
    "read",
    "read_qrels",
    "stream",
]

_EXPECTED: Final = f"expected a folder with, or one of: {KNOWN_JSONL}; {KNOWN_CSV}"
_JSONL: Final = frozenset({".jsonl", ".ndjson"})
_WORKBOOKS: Final = frozenset({".xlsx", ".xls", ".ods", ".numbers"})
_FOR_EVALUATION: Final = {
    "qrels": "holds judgements for `enmusubi evaluate`, nothing to import",
    "translations": "holds translations for `enmusubi evaluate bilingual`, nothing to import",
}
"""By a file's name without its ending: why it is not imported."""


def read(path: Path, *, progress: Progress | None = None) -> ReadResult:
    """Read a folder (not the folders in it) or one file into memory; `stream` reads it piecemeal.

    Bad rows are in `problems`, with their lines; the good ones are kept. `progress` is called
    with the number of bytes read since its last call. Raises `UnreadableImport` where nothing can
    be read at all.
    """
    return collected(stream(path, progress=progress))


def stream(path: Path, *, progress: Progress | None = None) -> RecordStream:
    """The records of a folder (not of the folders in it) or of one file, to be gone through once.

    In the order in which they can be stored: what others refer to comes first. Else as `read`.
    """
    with readable(path):
        files = _files(path)
        return RecordStream(path, files, _other_files(path), progress)


def import_size(path: Path) -> int:
    """Number of bytes that `read` will read: the end of a progress bar. Raises as `read` does."""
    with readable(path):
        return sum(file.stat().st_size for file in _files(path))


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
    if suffix in TABLES:
        return None
    if suffix in _JSONL:
        one = len(kinds_by_name(file)) == 1
        return None if one else f"is not a known name; known names are {KNOWN_JSONL}"
    if suffix in _WORKBOOKS:
        return "is a workbook; save each sheet as CSV UTF-8"
    return f"cannot be imported; {_EXPECTED}"


def _other_files(path: Path) -> list[Problem]:
    """The files that look like data but are not read; others, such as README, may lie by."""
    if not path.is_dir():
        return []
    found = []
    for file in _visible_files(path):
        reason = _why_not(file)
        looks_like_data = file.suffix.casefold() in _JSONL | _WORKBOOKS
        expected = file.stem.casefold() in _FOR_EVALUATION
        if reason is not None and looks_like_data and not expected:
            found.append(Problem(file.name, 1, f"the file {reason}"))
    return found
