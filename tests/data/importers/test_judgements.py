"""Relevance judgements."""

from pathlib import Path

import pytest

from data.importers import UnreadableImport, read_qrels

HEADER = b"query_id\tdoc_id\tscore\n"


def test_scores_by_query_and_document(tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + HEADER + "q1\t弘前大学\t1\r\nq1\td 2\t0.5\n\n".encode())
    assert read_qrels(path) == {"q1": {"弘前大学": 1.0, "d 2": 0.5}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: expected the header"),
        (b"q1\td1\t1\n", "line 1: expected the header"),
        (HEADER + b"q1\td1\t1\nq1\td1\n", "line 3: 2 columns instead of 3"),
        (HEADER + b"q1\td1\thigh\n", "line 2: score 'high' is not a number"),
        (HEADER + b"q1\td1\tnan\n", "line 2: score 'nan' is not a number"),
        (HEADER + b"\td1\t1\n", "line 2: an id is empty"),
        (HEADER + b"q1\td1\t1\nq1\td1\t2\n", "line 3: q1 and d1 were already judged 1"),
        (HEADER + b"\xff\t1\t1\n", "not UTF-8"),
    ],
)
def test_bad_rows_are_errors_with_their_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_bytes(content)
    with pytest.raises(UnreadableImport, match=words):
        read_qrels(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImport, match="cannot be read"):
        read_qrels(tmp_path / "qrels.tsv")
