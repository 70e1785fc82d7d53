"""Relevance judgements (qrels): which answers to which need people judged right."""

import math
from pathlib import Path

from data.importers.prepare import identifier
from data.importers.result import UnreadableImport

_HEADER = "query_id, doc_id, score, separated by tabs"


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """Scores by query id and document (or partner) id, in the file's order.

    The first line is a header. Raises `UnreadableImport` with the line of the first bad row: a
    measure over half of the judgements would look like one over all of them.
    """
    judgements: dict[str, dict[str, float]] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise UnreadableImport(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableImport(f"{path.name} is not UTF-8; save it as UTF-8") from error
    header = lines[0].split("\t")
    if len(header) != 3 or _score(header[2]) is not None:
        raise UnreadableImport(f"{path.name}, line 1: expected the header {_HEADER}")
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            query, document, score = _row(line, f"{path.name}, line {number}")
            scores = judgements.setdefault(query, {})
            if scores.setdefault(document, score) != score:
                raise UnreadableImport(
                    f"{path.name}, line {number}: {query} and {document} were already judged"
                    f" {scores[document]:g}"
                )
    return judgements


def _row(line: str, place: str) -> tuple[str, str, float]:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != 3:
        raise UnreadableImport(f"{place}: {len(cells)} columns instead of 3 ({_HEADER})")
    query, document = identifier(cells[0]), identifier(cells[1])
    score = _score(cells[2])
    if not query or not document:
        raise UnreadableImport(f"{place}: an id is empty")
    if score is None:
        raise UnreadableImport(f"{place}: score {cells[2]!r} is not a number")
    return query, document, score


def _score(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
