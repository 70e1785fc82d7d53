"""Words of digests for what is no text of anybody's: kinds, levels, steps; and cutting texts."""

from collections.abc import Mapping
from typing import Final

from app.emails.content import Language
from matching.signals import Sentence
from models import (
    CapabilityKind,
    Confidentiality,
    IntroductionState,
    Need,
    NeedKind,
    NeedVersion,
    PartnerKind,
)

TITLE: Final = 120
"""Characters of a title that are shown."""
NAME: Final = 80
SENTENCE: Final = 160
"""The longest sentence that is quoted: a longer one is left out, since half of it may mislead."""

ANY_PARTNER: Final = Sentence("a partner of the region", "地域のパートナー")
CANDIDATE: Final = Sentence("Candidate", "候補")

PARTNER_KINDS: Final[Mapping[PartnerKind, Sentence]] = {
    PartnerKind.RESEARCHER: Sentence("a researcher", "研究者"),
    PartnerKind.LABORATORY: Sentence("a laboratory", "研究室"),
    PartnerKind.INSTITUTE: Sentence("an institute", "研究機関"),
    PartnerKind.SUPPORT_INSTITUTION: Sentence("a support institution", "支援機関"),
    PartnerKind.COMPANY: Sentence("a company", "企業"),
}

CAPABILITY_KINDS: Final[Mapping[CapabilityKind, Sentence]] = {
    CapabilityKind.PAPER: Sentence("paper", "論文"),
    CapabilityKind.PATENT: Sentence("patent", "特許"),
    CapabilityKind.PROJECT: Sentence("project", "プロジェクト"),
    CapabilityKind.EQUIPMENT: Sentence("equipment", "設備"),
    CapabilityKind.SERVICE: Sentence("service", "支援・受託サービス"),
    CapabilityKind.STATEMENT: Sentence("statement", "紹介文"),
}

NEED_KINDS: Final[Mapping[NeedKind, Sentence]] = {
    NeedKind.TECHNOLOGY: Sentence("A need for technology", "技術に関するニーズ"),
    NeedKind.MANAGEMENT_INFORMATION: Sentence(
        "A need for management information", "経営情報に関するニーズ"
    ),
    NeedKind.SALES_CHANNEL: Sentence("A need for sales channels", "販路に関するニーズ"),
    NeedKind.PEOPLE: Sentence("A need for people", "人材に関するニーズ"),
    NeedKind.FUNDING: Sentence("A need for funding", "資金に関するニーズ"),
    NeedKind.FACILITIES: Sentence("A need for facilities", "設備・施設に関するニーズ"),
}

LEVELS: Final[Mapping[Confidentiality, Sentence]] = {
    Confidentiality.PUBLIC: Sentence("public", "公開"),
    Confidentiality.MATCH_ONLY: Sentence("teaser for partners", "パートナーには概要のみ"),
    Confidentiality.STAFF_ONLY: Sentence("office only", "事務局限り"),
    Confidentiality.NAMED_STAFF: Sentence("named staff only", "指名された担当者限り"),
}

STEPS: Final[Mapping[IntroductionState, Sentence]] = {
    IntroductionState.SUGGESTED: Sentence(
        "Decide whether to release it to the company.",
        "企業に打診するかどうかをお決めください。",
    ),
    IntroductionState.RELEASED: Sentence(
        "Say whether you wish to be introduced to this candidate.",
        "この候補への紹介を希望されるかどうかをお知らせください。",
    ),
    IntroductionState.COMPANY_CONSENTED: Sentence(
        "Say whether you wish to be introduced to this company.",
        "この企業への紹介を希望されるかどうかをお知らせください。",
    ),
    IntroductionState.PARTNER_CONSENTED: Sentence(
        "Introduce the two: both have consented.",
        "双方の同意が得られています。両者をお引き合わせください。",
    ),
    IntroductionState.INTRODUCED: Sentence(
        "Note whether the two have met, or close it.",
        "面談の有無を記録するか、終了してください。",
    ),
    IntroductionState.MET: Sentence(
        "Note whether the two have agreed, or close it.",
        "合意の有無を記録するか、終了してください。",
    ),
    IntroductionState.AGREED: Sentence(
        "Close it with its outcome.", "結果を記録して終了してください。"
    ),
}
"""What whoever an introduction in that state waits for is asked to do."""


def said(sentence: Sentence, language: Language) -> str:
    """The sentence in that language."""
    return sentence.ja if language == "ja" else sentence.en


def either(ja: str | None, en: str | None, language: Language) -> str:
    """The text in that language, or else in the other; empty if there is none."""
    return (ja or en if language == "ja" else en or ja) or ""


def title_of(row: Need | NeedVersion, kind: NeedKind, language: Language) -> str:
    """The title of a need or of a version of it; where it has none, the beginning of its brief, or
    the kind of the need.
    """
    title = either(row.title_ja, row.title_en, language)
    brief = either(row.brief_ja, row.brief_en, language)
    return cut(title or brief or said(NEED_KINDS[kind], language), TITLE)


def cut(text: str, most: int) -> str:
    """The text on one line of at most `most` characters, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def in_brackets(text: str, language: Language) -> str:
    """The text in brackets, to follow another one; empty if it is."""
    if not text:
        return ""
    return f"（{text}）" if language == "ja" else f" ({text})"
