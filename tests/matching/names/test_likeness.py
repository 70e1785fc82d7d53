"""Whether two records may be of one person."""

from typing import Any

from matching.names import name_keys
from matching.names.likeness import Likeness, Person, likeness


def person(
    ja: str | None = None, kana: str | None = None, en: str | None = None, **values: Any
) -> Person:
    keys = name_keys(ja, kana, en)
    stated = name_keys(None, kana, None).sounds
    return Person(written=keys.written, sounds=keys.sounds, stated=stated, **values)


def codes(found: Likeness | None) -> list[str]:
    return [] if found is None else [reason.code for reason in found.reasons]


def test_variant_kanji_are_one_name() -> None:
    assert codes(likeness(person("髙橋 太郎"), person("高橋太郎"))) == ["same_written_name"]


def test_romaji_meet_kanji_with_a_reading() -> None:
    found = likeness(person("高橋 太郎", "たかはし たろう"), person(en="Taro TAKAHASI"))
    assert codes(found) == ["same_sound"]


def test_other_names_are_no_pair() -> None:
    assert likeness(person("高橋 太郎"), person("高橋 次郎")) is None
    assert likeness(person(en="Taro Takahashi"), person(en="Jiro Takahashi")) is None


def test_other_kanji_of_one_sound_need_more() -> None:
    one, other = ("鈴木 浩", "すずき ひろし"), ("鈴木 博", "すずき ひろし")
    assert likeness(person(*one), person(*other)) is None
    shared = likeness(person(*one, organisation="u"), person(*other, organisation="u"))
    assert codes(shared) == ["same_sound_other_kanji", "same_organisation"]


def test_other_readings_of_one_name_need_more() -> None:
    one, other = ("河野 太郎", "こうの たろう"), ("河野 太郎", "かわの たろう")
    assert likeness(person(*one), person(*other)) is None
    texts = frozenset({"citrus"})
    assert codes(likeness(person(*one, texts=texts), person(*other, texts=texts))) == [
        "same_written_name",
        "same_texts",
    ]


def test_initials_need_more() -> None:
    one = person(en="T. Takahashi", only_initials=True)
    assert likeness(one, one) is None
    works = frozenset({"10.1/x"})
    known = person(en="T. Takahashi", only_initials=True, works=works)
    assert codes(likeness(known, known)) == ["same_sound", "same_works"]


def test_two_orcids_are_two_people() -> None:
    one = person("高橋 太郎", identities={"orcid": "1"})
    assert likeness(one, person("高橋 太郎", identities={"orcid": "2"})) is None
    assert likeness(one, person("高橋 太郎")) is not None


def test_more_in_common_is_stronger() -> None:
    def strength(**values: Any) -> float:
        found = likeness(person("高橋 太郎", **values), person("高橋 太郎", **values))
        assert found is not None
        return found.strength

    nothing, home = strength(), strength(organisation="u")
    work = strength(organisation="u", works=frozenset({"a", "b"}))
    assert 0 < nothing < home < work <= 1
    elsewhere = likeness(
        person("高橋 太郎", organisation="u"), person("高橋 太郎", organisation="v")
    )
    assert elsewhere is not None
    assert elsewhere.strength < nothing
    assert codes(elsewhere)[-1] == "other_organisation"
