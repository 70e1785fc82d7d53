"""Variant kanji."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from matching.names.kanji import _STANDARD, fold_kanji, has_kanji, is_kanji_word


def test_no_standard_form_is_a_variant_itself() -> None:
    assert not {ord(standard) for standard in _STANDARD.values()} & _STANDARD.keys()
    assert len(_STANDARD) > 190


def test_variants_are_what_normalisation_leaves() -> None:
    assert all(unicodedata.normalize("NFKC", chr(v)) == chr(v) for v in _STANDARD)


def test_small_words_inside_a_name() -> None:
    assert fold_kanji("井之上") == fold_kanji("井ノ上") == fold_kanji("井の上")
    assert fold_kanji("博之") == "博之"
    assert fold_kanji("佐々木") == "佐佐木"
    assert fold_kanji("々") == "々"


@given(st.text(alphabet="髙橋々ヶノの之一がケ𠮷a", max_size=12))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold_kanji(fold_kanji(text)) == fold_kanji(text)


def test_kanji_words() -> None:
    assert is_kanji_word("一ノ瀬")
    assert is_kanji_word("𠮷")
    assert not is_kanji_word("ノ")
    assert not is_kanji_word("黒木はるか")
    assert has_kanji("黒木はるか")
    assert not has_kanji("はるか")
