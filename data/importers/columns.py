"""The headers of tables: the field names of the records, and other names for them.

| Table | Required columns |
|---|---|
| clusters.csv | id |
| organisations.csv | id, kind, one of name, name_ja, name_en |
| partners.csv | id |
| capabilities.csv | id, partner (the partner's id), one of title, text (also with _ja, _en) |
| needs.csv | id, one of title, brief (also with _ja, _en) |

Lists are separated by `;`. A partner's `unavailable` holds ranges such as
`2026-04-01..2026-09-30`. The Japanese and other names are in `_ALIASES`; each text column may say
its language: 題名(日本語), 題名(英語). Case, width and spaces do not matter.
"""

import re
from collections.abc import Mapping
from typing import Final

from data.importers.kinds import RecordKind
from data.importers.prepare import PLAIN_NAMES
from data.records import (
    CapabilityRecord,
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
    Record,
)
from matching.text import normalise

TABLES: Final[Mapping[RecordKind, type[Record]]] = {
    RecordKind.CLUSTER: ClusterRecord,
    RecordKind.ORGANISATION: OrganisationRecord,
    RecordKind.PARTNER: PartnerRecord,
    RecordKind.CAPABILITY: CapabilityRecord,
    RecordKind.NEED: NeedRecord,
}


def _in_languages(*fields: str) -> frozenset[str]:
    return frozenset(field + ending for field in fields for ending in ("", "_ja", "_en"))


REQUIRED: Final[Mapping[RecordKind, tuple[frozenset[str], ...]]] = {
    RecordKind.CLUSTER: (frozenset({"id"}),),
    RecordKind.ORGANISATION: (frozenset({"id"}), frozenset({"kind"}), _in_languages("name")),
    RecordKind.PARTNER: (frozenset({"id"}),),
    RecordKind.CAPABILITY: (
        frozenset({"id"}),
        frozenset({"partner"}),
        _in_languages("title", "text"),
    ),
    RecordKind.NEED: (frozenset({"id"}), _in_languages("title", "brief")),
}
"""Of each group, one column must be there."""

_EVERYWHERE: Final = {
    "id": "番号 管理番号 識別子",
    "kind": "種別 種類 区分 type",
    "clusters": "クラスター クラスタ cluster",
    "year": "年 年度 西暦 発行年 出願年 登録年",
    "prefecture": "都道府県 県",
    "city": "市町村 市区町村 市",
    "engagement_types": "連携形態 連携方法 連携の種類 engagement engagement_type",
}
_KANA: Final = " フリガナ ふりがな カナ かな よみ 読み よみがな 読み仮名 kana reading"
_ALIASES: Final[Mapping[RecordKind, Mapping[str, str]]] = {
    RecordKind.CLUSTER: {"name": "名称 クラスター名 氏名", "description": "説明 概要 本文"},
    RecordKind.ORGANISATION: {
        "name": "名称 企業名 会社名 機関名 組織名 氏名 企業",
        "name_kana": "企業名カナ 会社名カナ 機関名カナ 名称カナ 名称(カナ)" + _KANA,
        "latitude": "緯度",
        "longitude": "経度",
    },
    RecordKind.PARTNER: {
        "name": "氏名 名称 名前 研究者名",
        "name_kana": "氏名カナ 氏名かな 氏名(カナ) 氏名(かな) 氏名フリガナ" + _KANA,
        "affiliation": "所属 企業 所属機関 所属id organisation organization organisation_id",
        "researchmap_id": "researchmap リサーチマップ",
        "languages": "言語 対応言語 language",
        "unavailable": "不在 不在期間 対応不可期間 休止期間",
    },
    RecordKind.CAPABILITY: {
        "partner": "パートナー 研究者 研究者番号 研究者id パートナーid partner_id",
        "title": "題名 タイトル 表題 論文名 発明の名称 名称",
        "text": "本文 概要 要旨 抄録 内容 説明 abstract",
        "source": "出典 情報源",
        "licence_status": "実施許諾 ライセンス ライセンス状況 license_status",
    },
    RecordKind.NEED: {
        "title": "題名 タイトル 表題 件名",
        "brief": "本文 概要 内容 課題 詳細 text",
        "organisation": "企業 所属 会社 企業id 組織 organization organisation_id company",
        "trl_from": "trl下限",
        "trl_to": "trl上限",
        "budget_jpy": "予算 予算額 予算(円) budget",
        "deadline": "期限 締切 希望期限",
        "confidentiality": "公開範囲 公開区分 機密区分",
        "status": "状態 状況",
        "exclude_evidence": "除外業績",
    },
}

_LANGUAGE_ENDINGS: Final = {
    **dict.fromkeys(("(日本語)", "(和文)", "(和)", "(ja)"), "_ja"),
    **dict.fromkeys(("(英語)", "(英文)", "(英)", "(en)"), "_en"),
}
_SPACES: Final = re.compile(r"[\s\-_]+")


def field_of(kind: RecordKind, header: str) -> str | None:
    """The field that a header stands for, or None if it is not known."""
    key = _SPACES.sub("_", normalise(header).casefold())
    for ending, language in _LANGUAGE_ENDINGS.items():
        if key.endswith(ending):
            plain = _FIELDS[kind].get(key.removesuffix(ending).rstrip("_"))
            named = f"{plain}{language}"
            return named if named in TABLES[kind].model_fields else None
    return _FIELDS[kind].get(key)


def missing_columns(kind: RecordKind, fields: set[str]) -> list[str]:
    """What the table lacks, in words; empty if every row can be read."""
    groups = (group for group in REQUIRED[kind] if not group & fields)
    return [" or ".join(sorted(group, key=lambda field: (len(field), field))) for group in groups]


def expected_header(kind: RecordKind) -> str:
    """All columns that the table may have."""
    return ", ".join(dict.fromkeys(_FIELDS[kind].values()))


def _names(kind: RecordKind) -> dict[str, str]:
    """Field by header; the first that are listed are the fields' own names."""
    partner = ["partner"] if kind is RecordKind.CAPABILITY else []
    # A text column has one name here: "abstract" beside "text" would hide one of the two.
    plain = dict.fromkeys(PLAIN_NAMES[kind].values())
    fields = [field for field in TABLES[kind].model_fields if field != "evidence"]
    names = {field: field for field in [fields[0], *partner, *plain, *fields[1:]]}
    for field, line in {**_EVERYWHERE, **_ALIASES[kind]}.items():
        if field in names:
            names |= {_SPACES.sub("_", normalise(word).casefold()): field for word in line.split()}
    return names


_FIELDS: Final = {kind: _names(kind) for kind in TABLES}
