"""Which parts of a text are Japanese and which English."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching.encoders.spans import Spans, split_by_language
from matching.text import has_japanese, normalise
from tests.matching.factories import repeatable

pieces = st.sampled_from(
    [
        *("焼酎", "発酵を", "カタカナ", "𠮷野家", "々", "。", "、", "「", "」", "・", "\n", ". "),
        *(
            "AI",
            "sensor",
            "gel strength",
            "Deep learning for fish quality",
            "2026",
            "5.2",
            "É",
            "мир",
        ),
        *(" ", " ", " ", "!", "ไทย", "😀"),
    ]
)
texts = st.lists(pieces, max_size=14).map("".join) | st.text()

JAPANESE_WITH_TERMS = "AIカメラとIoTセンサーを用いて冷凍すり身のゲル強度を測定する。"
TITLE = "Measuring the gel strength of frozen surimi"


@pytest.mark.parametrize(
    ("text", "japanese", "english"),
    [
        pytest.param(JAPANESE_WITH_TERMS, JAPANESE_WITH_TERMS, "", id="terms stay"),
        pytest.param(TITLE, "", TITLE, id="English alone"),
        pytest.param(
            "Feed made of the lees of 焼酎 for beef cattle",
            "焼酎",
            "Feed made of the lees of for beef cattle",
            id="an English sentence that names a thing",
        ),
        pytest.param(
            f"論文「{TITLE}」では冷凍すり身の物性を扱った。",
            "論文 では冷凍すり身の物性を扱った。",
            f"「{TITLE}」",
            id="a quoted title",
        ),
        pytest.param(
            "論文「Frozen surimi gels」では冷凍すり身の物性を扱った。",
            "論文「Frozen surimi gels」では冷凍すり身の物性を扱った。",
            "",
            id="three words are a term",
        ),
        pytest.param(
            f"冷凍すり身のゲル強度\n{TITLE}\n発酵も扱う。",
            "冷凍すり身のゲル強度\n発酵も扱う。",
            TITLE,
            id="lines of either language",
        ),
        pytest.param(
            "冷凍すり身\n2026\n—", "冷凍すり身\n2026\n—", "", id="numbers stay with the Japanese"
        ),
        pytest.param("2026", "", "2026", id="a number alone"),
        pytest.param("...!? 。", "", "", id="only signs"),
        pytest.param("", "", "", id="empty"),
        pytest.param("カメラ", "カメラ", "", id="katakana"),
        pytest.param("ｶﾒﾗ", "カメラ", "", id="half-width katakana"),
        pytest.param("Измерение прочности геля", "", "Измерение прочности геля", id="Cyrillic"),
        pytest.param(
            "The restaurant of 𠮷野 in the old town",
            "𠮷野",
            "The restaurant of in the old town",
            id="a kanji beyond the basic plane",
        ),
    ],
)
def test_parts(text: str, japanese: str, english: str) -> None:
    assert split_by_language(text) == Spans(japanese, english)


@given(texts)
@example("論文「one two three four five」と「one two three four」の比較。")
@repeatable
def test_every_letter_lands_in_one_part(text: str) -> None:
    found = split_by_language(text)
    whole = Counter(letter for letter in normalise(text) if letter.isalpha())
    parts = Counter(letter for letter in found.japanese + found.english if letter.isalpha())
    assert parts == whole


@given(texts)
@repeatable
def test_the_english_part_holds_no_japanese(text: str) -> None:
    assert not has_japanese(split_by_language(text).english)


@given(texts)
@repeatable
def test_a_part_weighs_something_if_there_is_anything_in_it(text: str) -> None:
    found = split_by_language(text)
    assert (found.japanese_weight > 0) == bool(found.japanese)
    assert (found.english_weight > 0) == bool(found.english)


@given(texts)
@repeatable
def test_normalising_first_changes_nothing(text: str) -> None:
    assert split_by_language(normalise(text)) == split_by_language(text)


def test_weights_are_words() -> None:
    assert Spans("発酵を測る", "").japanese_weight == 2.5
    assert Spans("AIで発酵", "").japanese_weight == 2.5
    assert Spans("", "gel strength of surimi").english_weight == 4
    assert Spans("", "2026").english_weight == 1
    assert Spans("", "").english_weight == Spans("", "").japanese_weight == 0
