"""Text of others, made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.emails.plain import plain
from tests.matching.factories import repeatable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("焼酎\u3000粕の　乾燥", "焼酎\u3000粕の　乾燥"),
        ("one\r\ntwo\u2028three\x85four\x0bfive\tsix", "one two three four five six"),
        ("a\x00b\x1bc\x7fd", "abcd"),
        ("pay\u202eoohay\u202c \u2066x\u2069", "payoohay x"),
        ("hid\u200bden\ufeff \U000e0041tag\U000e007f", "hidden tag"),
        ("\ud800 half", "\ufffd half"),
        ("👩\u200d🔬 葛\U000e0100", "👩\u200d🔬 葛\U000e0100"),
        ("see https://evil.example/x", "see https: //evil.example/x"),
        ("WWW.evil.example", "WWW .evil.example"),
        ("  ", ""),
        ("a://", "a: //"),
    ],
)
def test_it_is_shown_like_this(text: str, shown: str) -> None:
    assert plain(text) == shown


@repeatable
@given(st.text())
def test_it_is_one_line_that_can_be_written(text: str) -> None:
    shown = plain(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Zl", "Zp", "Cs"}
    assert not {unicodedata.bidirectional(sign) for sign in shown} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }
    assert plain(shown) == shown
