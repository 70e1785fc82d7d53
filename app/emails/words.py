"""What a digest says besides its values, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.emails.content import Digest, Language
from models import Side

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Words:
    """The same for all sides."""

    service: str
    greeting: str
    """With `{name}`."""
    new: str
    reason: str
    evidence: str
    suggested_on: str
    """With `{day}`: of one that waits for an answer."""
    waiting: str
    waiting_step: str
    reference: str
    left_out: str
    """With `{count}`."""
    left_out_one: str
    works: str
    """Of the links: that they work without signing in, and are for the recipient alone."""
    until: str
    """With `{day}`."""
    preview: str
    sender: str
    postal_address: str
    contact: str
    not_set: str
    stop: str
    stop_button: str


@dataclass(frozen=True, slots=True)
class SideWords:
    """Those for one side."""

    intro: str
    accept: str
    decline: str
    later: str
    how: str
    """How to take the next step of an introduction that waits."""
    why: str
    """Why one gets the mail."""


WORDS: Final[Mapping[Language, Words]] = {
    "ja": Words(
        service="縁結び",
        greeting="{name} 様",
        new="新着",
        reason="理由",
        evidence="根拠",
        suggested_on="{day}に提案、回答待ち",
        waiting="お手続きをお待ちしている紹介",
        waiting_step="次の手続き",
        reference="照会番号",
        left_out="このほかに{count}件ありますが、今回は載せていません。",
        left_out_one="このほかに1件ありますが、今回は載せていません。",
        works="リンクはログインせずに使えます。開いただけでは何も起こらず、"
        "開いたページのボタンを押すと回答になります。"
        "リンクはご本人専用です。このメールは転送しないでください。",
        until="リンクの期限: {day}",
        preview="これは見本です。送信されておらず、リンクは働きません。",
        sender="送信者",
        postal_address="住所",
        contact="お問い合わせ・苦情の窓口",
        not_set="（未設定）",
        stop="今後このメールが不要な場合は、次のページで停止できます（ログイン不要）。",
        stop_button="配信を停止する",
    ),
    "en": Words(
        service="Enmusubi",
        greeting="Dear {name},",
        new="New",
        reason="Why",
        evidence="Evidence",
        suggested_on="Suggested on {day}, not answered yet",
        waiting="Introductions that wait for you",
        waiting_step="Next step",
        reference="Reference",
        left_out="{count} more are left out this time.",
        left_out_one="One more is left out this time.",
        works="The links work without signing in. Opening one changes nothing; the button on "
        "its page does. They are for you alone: please do not forward this mail.",
        until="The links work until {day}",
        preview="This is a preview: it was not sent, and its links do nothing.",
        sender="Sent by",
        postal_address="Postal address",
        contact="Questions and complaints",
        not_set="(not set)",
        stop="If you do not want these mails, you can stop them on this page, without signing in.",
        stop_button="Stop these mails",
    ),
}

SIDE_WORDS: Final[Mapping[Language, Mapping[Side, SideWords]]] = {
    "ja": {
        Side.STAFF: SideWords(
            intro="ご担当のニーズに合いそうな候補です。"
            "「進める」と回答すると紹介の準備に入ります。相手方にはまだ何も伝わりません。",
            accept="進める",
            decline="見送る",
            later="あとで",
            how="サービスにログインしてお進めください。",
            why="コーディネーターとして登録されている方にお送りしています。",
        ),
        Side.COMPANY: SideWords(
            intro="貴社のニーズに合いそうな候補です。"
            "双方が同意し、事務局が確認するまで、候補の名前は表示されません。",
            accept="希望する",
            decline="見送る",
            later="あとで",
            how="サービスにログインするか、照会番号を添えて事務局にお知らせください。",
            why="紹介の案内を受け取ることに同意された方にお送りしています。",
        ),
        Side.PARTNER: SideWords(
            intro="ご専門に合いそうなニーズです。"
            "関心があるとお答えになっても、双方が同意し、事務局が確認するまで、"
            "お名前が相手に伝わることはありません。",
            accept="関心がある",
            decline="見送る",
            later="あとで",
            how="サービスにログインするか、照会番号を添えて事務局にお知らせください。",
            why="紹介の案内を受け取ることに同意された方にお送りしています。",
        ),
    },
    "en": {
        Side.STAFF: SideWords(
            intro="These partners may suit the needs in your care. Going ahead begins the "
            "introduction with the office; nobody outside is told yet.",
            accept="Go ahead",
            decline="Decline",
            later="Later",
            how="Sign in to the service to take it.",
            why="You get this mail because you are registered as a coordinator.",
        ),
        Side.COMPANY: SideWords(
            intro="These candidates may suit your needs. Until both sides have agreed and the "
            "office has checked it, they are shown without their names.",
            accept="Ask for an introduction",
            decline="Decline",
            later="Later",
            how="Sign in to the service, or tell the office, with the reference.",
            why="You get this mail because you agreed to be told of introductions.",
        ),
        Side.PARTNER: SideWords(
            intro="These needs may suit your field. If you are interested, your name still stays "
            "with the office until both sides have agreed and the office has checked it.",
            accept="Interested",
            decline="Decline",
            later="Later",
            how="Sign in to the service, or tell the office, with the reference.",
            why="You get this mail because you agreed to be told of introductions.",
        ),
    },
}


def day_in_words(day: date, language: Language) -> str:
    """Such as 2026年4月1日, 1 April 2026."""
    if language == "ja":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def counts(digest: Digest) -> list[str]:
    """What the digest holds, in numbers: new, still open, waiting; what there is none of is not
    named.
    """
    thing = _THINGS[digest.language][digest.side is Side.PARTNER]
    forms = _COUNTS[digest.language]
    numbers = (digest.new, digest.open, len(digest.waiting))
    return [
        form[number != 1].format(number=number, thing=thing[number != 1])
        for form, number in zip(forms, numbers, strict=True)
        if number
    ]


_THINGS: Final[Mapping[Language, tuple[tuple[str, str], tuple[str, str]]]] = {
    "ja": (("候補", "候補"), ("ニーズ", "ニーズ")),
    "en": (("suggestion", "suggestions"), ("need", "needs")),
}
"""Of staff and companies, of partners; one and many."""

_COUNTS: Final[Mapping[Language, tuple[tuple[str, str], ...]]] = {
    "ja": (
        ("新しい{thing} {number}件",) * 2,
        ("回答待ちの{thing} {number}件",) * 2,
        ("手続き待ちの紹介 {number}件",) * 2,
    ),
    "en": (
        ("{number} new {thing}",) * 2,
        ("{number} {thing} still open",) * 2,
        ("{number} introduction waiting for you", "{number} introductions waiting for you"),
    ),
}


def subject(digest: Digest) -> str:
    """What is new, in numbers: no title, since subjects stand on lock screens and in logs."""
    parts = counts(digest)
    day = day_in_words(digest.day, digest.language)
    if digest.new and digest.open:
        del parts[1]  # what is new is reason enough to open it
    if digest.language == "ja":
        return f"[縁結び] {'、'.join(parts)}（{day}）"
    return f"[Enmusubi] {', '.join([*parts, day])}"
