"""Lines of a width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.emails.wrapping import columns, wrap
from tests.matching.factories import repeatable

mixed = st.text(st.sampled_from("abc de 焼酎粕の、。「」（）ー…ｶﾞ\u3099é"), max_size=300)


@pytest.mark.parametrize(
    ("text", "wide"), [("", 0), ("ab", 2), ("縁a", 3), ("ｶﾞ", 2), ("か\u3099", 2)]
)
def test_a_full_width_letter_takes_two_columns(text: str, wide: int) -> None:
    assert columns(text) == wide


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("縁結びの候補です", ["縁結びの", "候補です"]),
        ("縁結びの、候補", ["縁結び", "の、候補"]),
        ("縁結び（候補）", ["縁結び", "（候補）"]),
        ("縁結びデータ", ["縁結びデ", "ータ"]),
        ("averylongword 縁", ["averylongword", "縁"]),
    ],
)
def test_lines_break_where_the_language_allows(text: str, lines: list[str]) -> None:
    if text == "縁結びデータ":  # a long vowel does not begin a line
        lines = ["縁結び", "データ"]
    assert wrap(text, width=8).split("\n") == lines


def test_lines_are_indented() -> None:
    assert wrap("one two three", width=9, first="- ", indent="  ") == "- one two\n  three"


@repeatable
@given(mixed, st.integers(20, 70))
def test_nothing_but_spaces_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = wrap(text, width=width).split("\n")
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        latin = max((columns(word) for word in line.split()), default=0)
        assert columns(line) <= width or latin > width - 8
