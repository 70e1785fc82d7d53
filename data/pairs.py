"""Reads pairs of texts for evaluation: translations of each other, or rated for their likeness.

Pairs are a Japanese text and its English translation; rated pairs are two texts and the score
that people gave to their likeness. Both come as JSON (an object of set name to list, or a list)
or JSON lines, pairs also as tab-separated text, each also with `.gz`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from data.importers.result import UnreadableImport
from data.lines import json_lines, numbered_lines, parse_json, text_of
from matching.text import normalise

FORMS: Final = (".json", ".jsonl", ".ndjson", ".tsv")
PAIR: Final = '["日本語", "English"] or {"ja": …, "en": …}'
RATED: Final = '{"a": …, "b": …, "score": number}'

_PAIR_KEYS: Final = (("ja", "en"), ("japanese", "english"))
_RATED_KEYS: Final = (("a", "b", "score"), ("sentence1", "sentence2", "label"))


@dataclass(frozen=True, slots=True)
class RatedPair:
    """Two texts and how alike people found them."""

    one: str
    other: str
    score: float


@dataclass(frozen=True, slots=True)
class Sets:
    """What was found, by set name."""

    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """(Japanese, English)."""
    rated: dict[str, list[RatedPair]] = field(default_factory=dict)


def read_sets(path: Path) -> Sets:
    """The sets in a file, or in the files of a folder.

    A set is called by its name in the file, else by the file's, or by the folder's if that holds
    one file. Raises `UnreadableImport` with the place of the first thing that cannot be used: an
    accuracy over fewer texts is an easier one.
    """
    files = _files(path)
    found = Sets()
    for file in files:
        alone = path.resolve().name if path.is_dir() and len(files) == 1 else _stem(file)
        for name, items in _items(file):
            _add(found, name or alone, items, file.name)
    if not (found.pairs or found.rated):
        raise UnreadableImport(f"{path} holds no set")
    return found


def _files(path: Path) -> list[Path]:
    expected = f"expected {', '.join(FORMS)} (or those with .gz) with pairs {PAIR} or {RATED}"
    if path.is_dir():
        visible = (f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
        files = sorted(file for file in visible if _form(file) in FORMS)
        if not files:
            raise UnreadableImport(f"{path} holds no file of pairs; {expected}")
        return files
    if not path.is_file():
        raise UnreadableImport(f"{path} does not exist; {expected}")
    if _form(path) not in FORMS:
        raise UnreadableImport(f"{path.name} is not a file of pairs; {expected}")
    return [path]


def _form(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).suffix.casefold()


def _stem(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).stem


def _items(file: Path) -> Iterator[tuple[str | None, list[tuple[str, Any]]]]:
    """For each set its name, None where the file does not say, and its items with their places."""
    if _form(file) == ".tsv":
        rows = [(place, line.split("\t")) for place, line in numbered_lines(file)]
        header = tuple(cell.strip().casefold() for cell in rows[0][1][:2]) if rows else ()
        yield None, rows[1:] if header in _PAIR_KEYS else rows
    elif _form(file) == ".json":
        content = parse_json(text_of(file), file.name)
        sets = content if isinstance(content, dict) else {None: content}
        for name, items in sets.items():
            place = file.name if name is None else f"{file.name}, {name}"
            if not isinstance(items, list):
                raise UnreadableImport(f"{place}: expected a list of pairs, {PAIR}")
            yield name, [(f"{place}, item {n}", item) for n, item in enumerate(items, 1)]
    else:
        yield None, list(json_lines(file))


def _add(found: Sets, name: str, items: list[tuple[str, Any]], file: str) -> None:
    if name in found.pairs or name in found.rated:
        raise UnreadableImport(f"{file}: another file holds a set called {name}; rename one")
    if not items:
        raise UnreadableImport(f"{file}: the set {name} is empty")
    if _values(items[0][1], _RATED_KEYS) is None:
        found.pairs[name] = [_pair(item, place) for place, item in items]
    else:
        found.rated[name] = [_rated(item, place) for place, item in items]


def _pair(item: Any, place: str) -> tuple[str, str]:
    values = item if isinstance(item, list) else _values(item, _PAIR_KEYS)
    if not values or len(values) < 2 or not all(_is_text(value) for value in values[:2]):
        raise UnreadableImport(f"{place}: expected two texts, {PAIR}")
    return values[0], values[1]


def _rated(item: Any, place: str) -> RatedPair:
    values = _values(item, _RATED_KEYS)
    if not (values and _is_text(values[0]) and _is_text(values[1]) and _is_number(values[2])):
        raise UnreadableImport(f"{place}: expected {RATED}")
    return RatedPair(values[0], values[1], float(values[2]))


def _values(item: Any, choices: Sequence[tuple[str, ...]]) -> list[Any] | None:
    """The values under the first set of keys that an object has."""
    for keys in choices if isinstance(item, dict) else ():
        if all(key in item for key in keys):
            return [item[key] for key in keys]
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(normalise(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
