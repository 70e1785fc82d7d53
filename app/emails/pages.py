"""The pages behind the links of a mail: they show, and a press on their one button acts.

Plain forms that work without a script; nothing is loaded from anywhere.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from app.emails.content import Language
from app.emails.plain import plain
from app.emails.templating import asset, fill
from models import DeclineReason

PageKind = Literal["accept", "decline", "later", "stop", "done", "gone", "wrong"]
"""The first four ask; `done` says what was recorded, `gone` that the link has ended (used up,
expired, or its need has changed), `wrong` that there never was such a link."""

STYLE: Final = asset("page.css")

PAGE_STYLE_HASH: Final = (
    f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"
)
"""Of the style block, for a content security policy (there in single quotes)."""

PAGE_POLICY: Final = (
    f"default-src 'none'; style-src '{PAGE_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The content security policy under which the pages work."""

REASON_FIELD: Final = "reason"
"""Name of the form field that carries why an introduction is declined."""

DECLINE_REASONS: Final[Mapping[Language, tuple[tuple[str, str], ...]]] = {
    "ja": (
        (DeclineReason.NOT_MY_FIELD.value, "分野が合わない"),
        (DeclineReason.NO_TIME.value, "今は時間が取れない"),
        (DeclineReason.TERMS.value, "条件が合わない"),
        (DeclineReason.ALREADY_IN_TOUCH.value, "すでに連絡を取り合っている"),
        (DeclineReason.OTHER.value, "その他"),
    ),
    "en": (
        (DeclineReason.NOT_MY_FIELD.value, "Not the right field"),
        (DeclineReason.NO_TIME.value, "No time at present"),
        (DeclineReason.TERMS.value, "The terms do not suit"),
        (DeclineReason.ALREADY_IN_TOUCH.value, "Already in touch"),
        (DeclineReason.OTHER.value, "Another reason"),
    ),
}
"""Value of the form field and its words, in the order of the page."""


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """What one page says."""

    language: Language
    kind: PageKind
    about: tuple[str, ...] = ()
    """What it is about, line by line: the title, who."""
    action: str = ""
    """Where the form is posted to: the page's own path; only for those that ask."""
    reasons: tuple[tuple[str, str], ...] = ()
    """To choose from when declining; empty: `DECLINE_REASONS`."""
    message: str = ""
    """One sentence more, such as what was recorded, or what is missing in the form."""


@dataclass(frozen=True, slots=True)
class _Words:
    heading: str
    text: str
    button: str = ""


_ASKING: Final = frozenset({"accept", "decline", "later", "stop"})

_WORDS: Final[Mapping[Language, Mapping[PageKind, _Words]]] = {
    "ja": {
        "accept": _Words(
            "この紹介を希望しますか",
            "ボタンを押すと、事務局が紹介の準備を始めます。双方が同意し、事務局が確認するまで、"
            "互いの名前は伝わりません。",
            "希望する",
        ),
        "decline": _Words(
            "この紹介を見送りますか",
            "理由を選んでください。今後の候補を選ぶ参考にします。相手には伝わりません。",
            "見送る",
        ),
        "later": _Words(
            "あとで考えますか",
            "ボタンを押すと、今回は回答なしとして、しばらくしてから改めてご案内します。",
            "あとで考える",
        ),
        "stop": _Words(
            "メールの配信を停止しますか",
            "ボタンを押すと、候補をお知らせするメールは今後届きません。",
            "配信を停止する",
        ),
        "done": _Words("承りました", "このページは閉じてかまいません。"),
        "gone": _Words(
            "このリンクは使えなくなりました",
            "期限が過ぎたか、内容が変わったか、すでに募集が終わっています。"
            "新しいメールのリンクをお使いいただくか、事務局にお問い合わせください。",
        ),
        "wrong": _Words(
            "リンクが正しくありません",
            "メールのリンクが途中で切れていないか、お確かめください。",
        ),
    },
    "en": {
        "accept": _Words(
            "Would you like this introduction?",
            "Once you press the button, the office prepares it. Until both sides have agreed and "
            "the office has checked it, neither learns the other's name.",
            "Yes, go ahead",
        ),
        "decline": _Words(
            "Decline this introduction?",
            "Please choose why: it helps us to choose better. The other side is not told.",
            "Decline",
        ),
        "later": _Words(
            "Decide later?",
            "Pressing the button leaves it open for now; we will ask again after a while.",
            "Decide later",
        ),
        "stop": _Words(
            "Stop these mails?",
            "Pressing the button ends the mails that tell you of suggestions.",
            "Stop the mails",
        ),
        "done": _Words("Thank you", "You may close this page."),
        "gone": _Words(
            "This link no longer works",
            "It has expired, what it was about has changed, or it is already settled. Please use "
            "the links of a newer mail, or ask the office.",
        ),
        "wrong": _Words(
            "There is no such link",
            "Please check that the link from your mail was not cut off.",
        ),
    },
}


def answer_page(page: AnswerPage) -> str:
    """The page as HTML; what comes from others is escaped."""
    reasons = page.reasons or DECLINE_REASONS[page.language]
    return fill(
        "page.html",
        language=page.language,
        words=_WORDS[page.language][page.kind],
        style=STYLE,
        about=[line for line in map(plain, page.about) if line],
        message=plain(page.message),
        action=page.action if page.kind in _ASKING else "",
        reasons=reasons if page.kind == "decline" else (),
        reason_field=REASON_FIELD,
        service={"ja": "縁結び", "en": "Enmusubi"}[page.language],
    )
