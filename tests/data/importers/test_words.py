"""The words of closed lists, and dates."""

from datetime import date

import pytest

from data.importers.kinds import VOCABULARIES, RecordKind
from data.importers.prepare import as_date
from data.importers.vocabulary import Vocabulary

TABLES = [table for fields in VOCABULARIES.values() for table in fields.values()]


@pytest.mark.parametrize(
    ("kind", "field", "word", "choice"),
    [
        (RecordKind.NEED, "engagement_types", "Joint research", "joint_research"),
        (RecordKind.NEED, "engagement_types", "JOINT-RESEARCH", "joint_research"),
        (RecordKind.NEED, "engagement_types", "共同研究", "joint_research"),
        (RecordKind.NEED, "engagement_types", "設備", "equipment"),
        (RecordKind.NEED, "kind", "設備", "facilities"),
        (RecordKind.NEED, "kind", "施設・設備", "facilities"),
        (RecordKind.NEED, "kind", "技術", "technology"),
        (RecordKind.NEED, "kind", "経営情報", "management_information"),
        (RecordKind.NEED, "kind", "販路", "sales_channel"),
        (RecordKind.NEED, "kind", "人材", "people"),
        (RecordKind.NEED, "kind", "資金", "funding"),
        (RecordKind.NEED, "engagement_types", "人材", "personnel"),
        (RecordKind.PARTNER, "kind", "公設試", "institute"),
        (RecordKind.PARTNER, "kind", " 研究者 ", "researcher"),
        (RecordKind.PARTNER, "kind", "企業", "company"),
        (RecordKind.ORGANISATION, "kind", "公設試", "public_institute"),
        (RecordKind.ORGANISATION, "kind", "ＴＬＯ", "tlo"),
        (RecordKind.CAPABILITY, "kind", "特許", "patent"),
        (RecordKind.CAPABILITY, "kind", "論文", "paper"),
        (RecordKind.CAPABILITY, "licence_status", "Non-exclusive", "non_exclusive"),
    ],
)
def test_words_by_field(kind: RecordKind, field: str, word: str, choice: str) -> None:
    assert VOCABULARIES[kind][field].choice(word) == choice


@pytest.mark.parametrize("value", ["resercher", "秘密", 5, None, ["公開"]])
def test_what_is_not_known_is_left_as_it_is(value: object) -> None:
    assert VOCABULARIES[RecordKind.NEED]["confidentiality"].choice(value) == value


@pytest.mark.parametrize("table", TABLES)
def test_every_word_leads_to_a_choice(table: Vocabulary) -> None:
    assert set(table.words.values()) <= table.choices
    assert not table.words.keys() & table.choices


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-04-01", date(2026, 4, 1)),
        ("2026/4/1", date(2026, 4, 1)),
        ("２０２６．４．１", date(2026, 4, 1)),
        ("2026年4月1日", date(2026, 4, 1)),
        ("20260401", date(2026, 4, 1)),
        (20260401, date(2026, 4, 1)),
        ("令和8年4月1日", date(2026, 4, 1)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("R8.4.1", date(2026, 4, 1)),
        ("2026-02-30", "2026-02-30"),
        (0, "0 (a number)"),
        ("86400", "86400 (a number)"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_dates(written: object, read_as: object) -> None:
    assert as_date(written) == read_as
