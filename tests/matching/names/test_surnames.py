"""The table of surnames."""

import pytest

from matching.names.kanji import fold_kanji
from matching.names.sounds import is_kana_word
from matching.names.surnames import _TABLE, split_surname, surname_readings, surname_sounds

ENTRIES = [entry.split() for entry in _TABLE.replace("\n", ";").split(";") if entry.strip()]


def test_every_entry_has_readings_in_hiragana_and_is_there_once() -> None:
    assert len(ENTRIES) >= 300
    assert len({fold_kanji(kanji) for kanji, *_ in ENTRIES}) == len(ENTRIES)
    for kanji, *readings in ENTRIES:
        assert readings, kanji
        assert all(map(is_kana_word, readings)), kanji
        assert len(set(readings)) == len(readings), kanji


def test_readings() -> None:
    assert surname_readings("河野") == ("こうの", "かわの")
    assert surname_sounds("東") == {"higasi", "azuma"}
    assert surname_readings("無い名") == ()
    assert surname_sounds("無い名") == frozenset()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("高橋太郎", ("高橋", "太郎")),
        ("佐土原健", ("佐土原", "健")),
        ("林健", ("林", "健")),
        ("高橋", None),
        ("宮崎県工業技術センター", None),
        ("未知太郎", None),
    ],
)
def test_split(name: str, parts: tuple[str, str] | None) -> None:
    assert split_surname(name) == parts
