"""The pages behind the links of mails: to look changes nothing, a press acts once.

Whoever holds a token may use it: there is no sign-in, no cookie, and so nothing that a page from
elsewhere could borrow. Their router has no `ApiRoute`: a form carries no `Idempotency-Key`, and
each link acts once by itself.
"""

from email import message_from_bytes
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.requests import ClientDisconnect

from app.access import Action, rule
from app.deps import Today
from app.desks import CurrentLinkDesk
from app.errors import Problem
from app.services import mail_answers, mail_links, mail_pages
from app.services.mail_pages import POLICY, Page
from models import ConsentMeans, LinkPurpose, utc_now

router = APIRouter(tags=["mail"])

LARGEST_FORM: Final = 4096
"""Bytes; ours are a hundredth of it."""
_MOST_FIELDS: Final = 10

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
_FORM: Final = "application/x-www-form-urlencoded"
_PARTS: Final = "multipart/form-data"
"""In which RFC 8058 would have a mail program send its one field."""

Form = dict[str, str]


def _respond(page: Page) -> HTMLResponse:
    return HTMLResponse(page.html, status_code=page.status, headers=HEADERS)


async def _form(request: Request) -> Form | HTTPStatus:
    """The fields of the form that was sent, or why it cannot be read."""
    try:
        body = await request.body()
    except ClientDisconnect as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "The request ended before its body.") from error
    if len(body) > LARGEST_FORM:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return read_form(request.headers.get("content-type", _FORM), body)


def read_form(content_type: str, body: bytes) -> Form | HTTPStatus:
    """The fields of a form, the first of each name; the status that refuses another body."""
    kind = content_type.partition(";")[0].strip().lower()
    pairs: list[tuple[str, str]]
    try:
        if kind == _PARTS:
            head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
            message = message_from_bytes(head + body)
            pairs = [
                (
                    str(part.get_param("name", "", header="content-disposition")),
                    bytes(part.get_payload(decode=True) or b"").decode(),
                )
                for part in message.walk()
                if not part.is_multipart()
            ]
        elif kind == _FORM or not body:
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
            )
        else:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    except ValueError:  # not UTF-8, or too many fields
        return HTTPStatus.BAD_REQUEST
    return dict(reversed(pairs))


SentForm = Annotated[Form | HTTPStatus, Depends(_form)]


@router.api_route("/mail/{token}", methods=["GET", "HEAD"])
@router.api_route("/mail/{token}/one-click", methods=["GET", "HEAD"])
@rule(Action.ANSWER_LINK)
def show_page(token: str, desk: CurrentLinkDesk, today: Today) -> HTMLResponse:
    """What a link is about, and the button that does it; asked for ever so often, nothing changes.

    A mail program that knows no one-click opens that address in a browser instead.
    """
    with desk.look() as session:
        link = mail_links.find_link(session, token)
        if link is None:
            return _respond(mail_pages.wrong())
        state = mail_answers.state_of(session, link, now=utc_now(), today=today)
    return _respond(mail_pages.page_of(state, token))


@router.post("/mail/{token}")
@rule(Action.ANSWER_LINK)
def press_button(token: str, form: SentForm, desk: CurrentLinkDesk, today: Today) -> HTMLResponse:
    """Do what the link is for, once; said again, it answers the same."""
    if not _is_known(desk, token):
        return _respond(mail_pages.wrong())
    if isinstance(form, HTTPStatus):
        return _respond(mail_pages.unreadable(form))
    with desk.act() as session:
        link = mail_links.find_link(session, token, lock=True)
        if link is None:
            return _respond(mail_pages.wrong())
        now = utc_now()
        if link.purpose is LinkPurpose.STOP:
            state = mail_answers.stop(session, link, means=ConsentMeans.STOP_LINK, now=now)
        else:
            reason = mail_pages.reason_in(form)
            state = mail_answers.answer(session, link, reason=reason, now=now, today=today)
    return _respond(mail_pages.page_of(state, token, pressed=True))


@router.post("/mail/{token}/one-click")
@rule(Action.ANSWER_LINK)
def stop_by_one_click(token: str, form: SentForm, desk: CurrentLinkDesk) -> HTMLResponse:
    """Stop all mail to the recipient, as a mail program does for its user (RFC 8058)."""
    if not _is_known(desk, token):
        return _respond(mail_pages.wrong())
    if isinstance(form, HTTPStatus):
        return _respond(mail_pages.unreadable(form))
    if form.get("List-Unsubscribe", "").strip() != "One-Click":
        return _respond(mail_pages.unreadable(HTTPStatus.BAD_REQUEST))
    with desk.act() as session:
        link = mail_links.find_link(session, token, lock=True)
        if link is None or link.purpose is not LinkPurpose.STOP:
            return _respond(mail_pages.wrong())
        state = mail_answers.stop(session, link, means=ConsentMeans.ONE_CLICK, now=utc_now())
    return _respond(mail_pages.page_of(state, token))


def _is_known(desk: CurrentLinkDesk, token: str) -> bool:
    """True if there is such a link: whoever guesses must not hold up those who write."""
    with desk.look() as session:
        return mail_links.find_link(session, token) is not None
