"""The words that files use for the closed lists, in English and Japanese.

A word that is in no table is left as it is, so that the validation names it and the choices:
guessing here could publish a confidential need.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from matching.text import normalise
from models.enums import (
    CapabilityKind,
    Confidentiality,
    EngagementType,
    LicenceStatus,
    NeedKind,
    NeedStatus,
    OrganisationKind,
    PartnerKind,
)

_SEPARATORS: Final = re.compile(r"[\s\-‐‑–_]+")


def _key(word: str) -> str:
    return _SEPARATORS.sub("_", normalise(word).casefold())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The choices of one closed list, and other words for them."""

    choices: frozenset[str]
    words: Mapping[str, str]

    def choice(self, value: Any) -> Any:
        """The choice that `value` means, or `value` itself where it means none.

        Case, width and the signs between words do not matter: "Joint research" is joint_research.
        """
        if not isinstance(value, str):
            return value
        key = _key(value)
        return key if key in self.choices else self.words.get(key, value)


def _vocabulary(choices: Iterable[str], table: Mapping[str, str]) -> Vocabulary:
    """`table` maps each choice to other words for it, separated by spaces."""
    words = {_key(word): choice for choice, line in table.items() for word in line.split()}
    return Vocabulary(frozenset(choices), words)


ORGANISATION_KINDS: Final = _vocabulary(
    OrganisationKind,
    {
        "company": "企業 会社 株式会社 民間企業 firm business",
        "university": "大学 高専 高等専門学校 大学院 college",
        "public_institute": "公設試 公設試験研究機関 公的研究機関 研究機関 試験研究機関 institute",
        "support_institution": "支援機関 産業支援機関 商工会議所 商工会 support",
        "government": "行政 官公庁 自治体 地方自治体 国 県 市町村 municipality",
        "tlo": "技術移転機関 技術移転機構",
    },
)
PARTNER_KINDS: Final = _vocabulary(
    PartnerKind,
    {
        "researcher": "研究者 教員 教授 研究員 person",
        "laboratory": "研究室 ラボ lab",
        "institute": "公設試 公設試験研究機関 公的研究機関 研究機関 試験研究機関 研究所"
        " public_institute",
        "support_institution": "支援機関 産業支援機関 商工会議所 商工会 support",
        "company": "企業 会社 株式会社 民間企業 firm business",
    },
)
CAPABILITY_KINDS: Final = _vocabulary(
    CapabilityKind,
    {
        "paper": "論文 学術論文 発表論文 article publication",
        "patent": "特許 特許出願 実用新案",
        "project": "プロジェクト 課題 研究課題 研究プロジェクト 科研費 助成事業 grant",
        "equipment": "設備 機器 装置 施設 研究設備 facility facilities",
        "service": "サービス 依頼試験 技術相談 受託サービス",
        "statement": "自己紹介 記述 説明 紹介文 研究紹介",
    },
)
LICENCE_STATUSES: Final = _vocabulary(
    LicenceStatus,
    {
        "available": "実施許諾可 許諾可 許諾可能 ライセンス可 ライセンス可能 開放 開放特許",
        "non_exclusive": "非独占 非独占的 通常実施権 nonexclusive",
        "exclusive": "独占 独占的 専用実施権",
        "expired": "失効 消滅 満了 権利消滅",
        "unknown": "不明 未確認",
    },
)
NEED_KINDS: Final = _vocabulary(
    NeedKind,
    {
        "technology": "技術 技術開発 研究開発 technical",
        "management_information": "経営情報 経営 情報 management",
        "sales_channel": "販路 販路開拓 販売 sales sales_channels",
        "people": "人材 人手 人 採用 personnel",
        "funding": "資金 資金調達 補助金 finance money",
        "facilities": "施設 設備 施設設備 施設・設備 施設/設備 場所 facility equipment",
    },
)
ENGAGEMENT_TYPES: Final = _vocabulary(
    EngagementType,
    {
        "joint_research": "共同研究 共同開発 collaborative_research",
        "licence": "ライセンス 実施許諾 許諾 特許実施許諾 技術移転 license licensing",
        "consulting": "コンサルティング 技術相談 技術指導 相談 助言 学術指導 consultation",
        "testing": "試験 依頼試験 受託試験 分析 評価 測定 test tests",
        "equipment": "設備 設備利用 機器 機器利用 施設 施設利用 facilities",
        "personnel": "人材 人材派遣 人材交流 インターンシップ people",
        "pilot_customer": "実証 試験導入 実証先 パイロット顧客 モニター pilot",
    },
)
CONFIDENTIALITIES: Final = _vocabulary(
    Confidentiality,
    {
        "public": "公開",
        "match_only": "マッチング限定 マッチングのみ",
        "staff_only": "職員限定 職員限り 事務局限定 事務局限り 非公開",
        "named_staff": "担当者限定 担当者限り 担当者のみ",
    },
)
NEED_STATUSES: Final = _vocabulary(
    NeedStatus,
    {
        "draft": "下書き 作成中",
        "open": "募集中 受付中 公開中 継続中 対応中",
        "matched": "成立 マッチング済 マッチング済み マッチング成立",
        "closed": "終了 完了 締切済 取下げ",
    },
)
LANGUAGES: Final = _vocabulary(
    ("ja", "en"), {"ja": "日本語 和文 japanese jp", "en": "英語 英文 english"}
)
