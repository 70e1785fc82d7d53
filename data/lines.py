"""Reads text files and JSON, also with `.gz`, with errors that name the place."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.importers.result import UnreadableImport


def text_of(file: Path) -> str:
    """The text of a UTF-8 file, with or without BOM, packed or not. Raises `UnreadableImport`."""
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableImport(f"{file.name} is not UTF-8; save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableImport(f"{file} cannot be read: {error}") from error


def numbered_lines(file: Path) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, with its place in words. Raises as `text_of` does."""
    for number, line in enumerate(text_of(file).split("\n"), 1):
        if line.strip():
            yield f"{file.name}, line {number}", line.rstrip("\r")


def json_lines(file: Path) -> Iterator[tuple[str, Any]]:
    """Each line of JSON lines with its place. Raises `UnreadableImport` at the first bad one."""
    for place, line in numbered_lines(file):
        yield place, parse_json(line, place)


def parse_json(text: str, place: str) -> Any:
    """A JSON value; raises `UnreadableImport` that names the place."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableImport(f"{place}: not valid JSON: {error}") from error
