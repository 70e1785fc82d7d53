"""Each need exists in both languages, and a translation never replaces what a company wrote."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from data import importers
from data.importers import UnreadableImport
from data.records import NeedRecord
from data.samples import REGION
from data.translations import TRANSLATIONS, needs_in_both
from matching.text import has_japanese, language_of

JAPANESE = NeedRecord(id="n1", title_ja="塩が固まる", brief_ja="袋の中で石のようになる。")
BOTH = NeedRecord(id="n2", title_ja="塩", title_en="Salt")
ENGLISH = {"id": "n1", "title_en": "Salt sets", "brief_en": "Like stone in its bag."}


def write(folder: Path, *rows: Mapping[str, object]) -> Path:
    (folder / TRANSLATIONS).write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_the_texts_of_a_translated_need(tmp_path: Path) -> None:
    found = needs_in_both(write(tmp_path, ENGLISH), [JAPANESE, BOTH])

    assert found["n1"].ja == JAPANESE.query_text
    assert found["n1"].en == "Salt sets\nLike stone in its bag."
    assert (found["n2"].ja, found["n2"].en) == ("塩", "Salt")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "n1 has no title_en: add it to translations.jsonl"),
        ([{"id": "n1", "title_en": "Salt sets"}], "n1 has no brief_en"),
        ([ENGLISH | {"title_ja": "塩"}], "n1 a title_ja, and the need has its own"),
        ([ENGLISH, {"id": "n9", "title_en": "Salt"}], "translates n9"),
        ([ENGLISH, ENGLISH], "line 2: n1 was translated"),
        ([ENGLISH | {"titel_en": "Salt"}], "line 1: titel_en"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, rows: list[Mapping[str, object]], said: str
) -> None:
    with pytest.raises(UnreadableImport, match=said):
        needs_in_both(write(tmp_path, *rows), [JAPANESE])


def test_each_need_of_the_sample_region_exists_in_both_languages() -> None:
    needs = importers.read(REGION).needs

    found = needs_in_both(REGION, needs)

    assert len(found) == len(needs) == 48
    for need, texts in found.items():
        assert language_of(texts.ja) == "ja", need
        assert not has_japanese(texts.en), need
        assert texts.ja.count("\n") == texts.en.count("\n") == 1, need  # title and brief
        # A translation that lost a sentence would be conspicuously short.
        assert 1.5 < len(texts.en) / len(texts.ja) < 4, need


def test_the_translations_are_labelled_as_fictional() -> None:
    rows = [json.loads(line) for line in (REGION / TRANSLATIONS).read_text().splitlines()]

    assert len(rows) == 34
    assert all(row["fictional"] is True for row in rows)


def test_translations_are_not_imported_and_not_complained_of() -> None:
    read = importers.read(REGION)

    assert read.problems == []
    (monolingual,) = [need for need in read.needs if need.id == "food-n01"]
    assert monolingual.title_en is None
