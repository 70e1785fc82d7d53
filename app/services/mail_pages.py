"""The pages behind the links of mails, put together from how a link stands."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from app.emails.content import Language
from app.emails.pages import (
    DECLINE_REASONS,
    PAGE_POLICY,
    REASON_FIELD,
    AnswerPage,
    PageKind,
    answer_page,
)
from app.services.mail_answers import FINAL, LinkState, Standing
from models import Answer, DeclineReason, LinkPurpose

POLICY: Final = PAGE_POLICY
"""The content security policy that the pages need, and no more."""

_KINDS: Final[dict[LinkPurpose, PageKind]] = {
    LinkPurpose.ACCEPT: "accept",
    LinkPurpose.DECLINE: "decline",
    LinkPurpose.LATER: "later",
    LinkPurpose.STOP: "stop",
}

_SAID: Final[dict[Answer, dict[Language, str]]] = {
    Answer.ACCEPT: {
        "ja": "「希望する」とのご回答を記録しています。",
        "en": "Your answer: you would like this introduction.",
    },
    Answer.DECLINE: {
        "ja": "「見送る」とのご回答を記録しています。",
        "en": "Your answer: you decline this introduction.",
    },
    Answer.LATER: {
        "ja": "「あとで考える」とのご回答を記録しています。メールの他のリンクは引き続き使えます。",
        "en": "Your answer: you will decide later. The other links in the mail go on working.",
    },
}
_BEFORE: Final[dict[Language, str]] = {
    "ja": "すでにご回答をいただいています。",
    "en": "You have answered before. ",
}
_TO_CHANGE: Final[dict[Language, str]] = {
    "ja": "変更をご希望のときは、担当のコーディネーターにお知らせください。",
    "en": " To change it, please tell your coordinator.",
}
_STOPPED: Final[dict[Language, str]] = {
    "ja": "メールの配信を停止しました。",
    "en": "You will get no more of these mails.",
}
_EXPIRED: Final[dict[Language, str]] = {
    "ja": "リンクの有効期限が過ぎました。",
    "en": "The link has expired.",
}
_REASON: Final[dict[Language, str]] = {
    "ja": "理由を一つお選びください。",
    "en": "Please choose one of the reasons.",
}
_UNREADABLE: Final = "送信内容を読み取れませんでした。The form could not be read."
_WRONG: Final = "There is no such link: please check that the link from your mail was not cut off."


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page, and the status with which it is answered."""

    status: HTTPStatus
    html: str


def page_of(state: LinkState, token: str, *, pressed: bool = False) -> Page:
    """What the link's holder is shown; `pressed`: after a press, which an open link has refused."""
    language: Language = "en" if state.language == "en" else "ja"
    if state.standing is Standing.OPEN:
        return _page(
            HTTPStatus.UNPROCESSABLE_ENTITY if pressed else HTTPStatus.OK,
            AnswerPage(
                language,
                _KINDS[state.purpose],
                about=state.lines,
                action=f"/mail/{token}",
                message=_REASON[language] if pressed else "",
            ),
        )
    if state.standing is Standing.DONE:
        said = _said(state, language)
        page = AnswerPage(language, "done", about=state.lines, message=said)
        return _page(HTTPStatus.OK, page)
    message = _EXPIRED[language] if state.standing is Standing.EXPIRED else ""
    return _page(HTTPStatus.GONE, AnswerPage(language, "gone", message=message))


def _said(state: LinkState, language: Language) -> str:
    if state.answer is None:
        return _STOPPED[language]
    before = "" if state.by_this else _BEFORE[language]
    change = _TO_CHANGE[language] if state.answer in FINAL else ""
    return before + _SAID[state.answer][language] + change


def wrong() -> Page:
    """For a token that is none: the same for all, in both languages."""
    return _page(HTTPStatus.NOT_FOUND, AnswerPage("ja", "wrong", message=_WRONG))


def unreadable(status: HTTPStatus) -> Page:
    """For a form that cannot be read."""
    return _page(status, AnswerPage("ja", "wrong", message=_UNREADABLE))


def reason_in(form: dict[str, str]) -> DeclineReason | None:
    """The reason that was chosen, None unless it is one of those that the page offers."""
    offered = {value for value, _ in DECLINE_REASONS["en"]}
    chosen = form.get(REASON_FIELD, "")
    return DeclineReason(chosen) if chosen in offered else None


def _page(status: HTTPStatus, page: AnswerPage) -> Page:
    return Page(status, answer_page(page))
