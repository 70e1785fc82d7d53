import csv
import io
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.importers import read
from data.spreadsheets import BYTE_ORDER_MARK, Cell, cell, csv_lines, text_cell
from matching.text import normalise

DANGEROUS = "=+-@\u2212"
UNSEEN = "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
FORMULAS = [
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "＝1",
    "＋1",
    "－1",
    "＠SUM",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u3000=1",
    "\u200b=1",
    "\u202e=1",
    "\x00=1",
    "\ufeff=1",
    "\u2028=1",
    "a\n=1",
    "a;=1",
    "a; ＝1",
    'a"; =1',
    "﹢1",
    "⁺1",
    "﹣1",
    "⁻1",
    "﹦1",
    "﹫x",
]


def _computed(text: str) -> bool:
    """True if some spreadsheet could take the cell for a formula."""
    plain = "".join(
        c
        for c in unicodedata.normalize("NFKC", text)
        if unicodedata.category(c) not in {"Cc", "Zs", "Zl", "Zp"} and c not in UNSEEN
    )
    return plain.lstrip('"').startswith(tuple(DANGEROUS))


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_become_text(text: str) -> None:
    assert not _computed(text_cell(text))
    assert "'" in text_cell(text)


@pytest.mark.parametrize(
    "text", ["焼酎粕を飼料に", "a-b", "1+1=2", "x@example.jp", "", "'quoted'", "5 °C; below 0"]
)
def test_other_texts_stay(text: str) -> None:
    assert text_cell(text) == text


# Signs that matter are frequent, and whatever else there is.
TEXTS = st.text(st.one_of(st.sampled_from("=+-@＝＠;,\"'\n\t\r \u200b\u202ea1"), st.characters()))


@given(TEXTS)
@example("=\u0338")
def test_no_text_is_computed(text: str) -> None:
    safe = text_cell(text)
    assert not any(_computed(line) for line in safe.split("\n"))
    assert text_cell(safe) == safe


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_no_cell_of_a_file_is_computed_whatever_separates_them(
    rows: list[tuple[str, str]],
) -> None:
    written = "".join(csv_lines(["a", "b"], rows)).removeprefix(BYTE_ORDER_MARK)
    for delimiter in ",;\t":
        found = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
        assert not [text for row in found for text in row if _computed(text)]


@given(TEXTS)
def test_texts_are_found_again(text: str) -> None:
    (_, row) = csv.reader(io.StringIO("".join(csv_lines(["a"], [[text]])), newline=""))
    assert row == [text_cell(text)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (-5, "-5"),
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
        (date(2026, 4, 1), "2026-04-01"),
        ("-5", "'-5"),
    ],
)
def test_numbers_stay_numbers(value: Cell, written: str) -> None:
    assert cell(value) == written


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="1 cells instead of 2"):
        list(csv_lines(["a", "b"], [["x"]]))


@pytest.mark.parametrize("title", ["=SUM(A1)", "-5 °C storage", "＠home"])
def test_the_import_takes_the_mark_off(tmp_path: Path, title: str) -> None:
    file = tmp_path / "needs.csv"
    lines = csv_lines(["id", "title"], [["n1", title]])
    file.write_text("".join(lines), encoding="utf-8", newline="")
    (need,) = read(file).needs
    assert need.title_en == normalise(title)
