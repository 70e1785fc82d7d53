"""A digest as a mail: text and HTML, for one recipient."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from email.message import EmailMessage
from typing import Final

from app.emails.content import Digest, Group, Language, Links, Pair, Sender, Waiting
from app.emails.headers import (
    MailFormatError,
    checked_url,
    date_header,
    mailbox_header,
    message_id_header,
    text_header,
    url_header,
)
from app.emails.plain import plain
from app.emails.templating import asset, fill
from app.emails.wire import WIRE
from app.emails.words import SIDE_WORDS, WORDS, counts, day_in_words, subject

_BOUNDARY: Final = "=_alternative"
"""No line of base64 holds `_`. The same each time, so that a mail made again is the same."""

_MANY: Final = 20
"""Suggestions. Some mail programs cut HTML of more than 102,400 bytes off; one takes some 2,000."""

_STYLE: Final = asset("digest.css")

_NOWHERE: Final = "office@example.invalid"
"""Sender of a preview where none is set."""


def digest_mail(
    digest: Digest,
    *,
    sender: Sender,
    to: str,
    message_id: str,
    at: datetime,
    stop_url: str | None,
    one_click_url: str | None,
    until: date | None = None,
) -> EmailMessage:
    """The mail to the address `to`; hand it on by `app.emails.wire.as_sent`.

    `stop_url` is the page that ends the mails, `one_click_url` where a mail program posts to do
    the same (RFC 8058); without `stop_url` the mail is a preview. `until`: last day of the links.

    Raises MailFormatError where a value cannot stand in a mail, or the sender is not named as the
    law asks.
    """
    if stop_url is not None and (lacking := lacks(sender)):
        raise MailFormatError(f"the sender lacks {', '.join(lacking)}, which the law wants named")
    digest = _harmless(digest)
    message = EmailMessage(policy=WIRE)
    message["From"] = mailbox_header(
        "From",
        display=sender.name,
        address=sender.address if stop_url else sender.address or _NOWHERE,
    )
    message["To"] = mailbox_header("To", display=digest.recipient, address=to)
    message["Subject"] = text_header("Subject", subject(digest))
    message["Date"] = date_header(at)
    message["Message-ID"] = message_id_header("Message-ID", message_id)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message["Precedence"] = "bulk"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # what Exchange heeds
    for name, value in _ways_out(stop_url, one_click_url).items():
        message[name] = value
    values = _values(digest, sender, stop_url, until)
    message.set_content(fill("digest.txt", **values), charset="utf-8", cte="base64")
    message.make_alternative(boundary=_BOUNDARY)
    message.add_alternative(
        fill("digest.html", **values), subtype="html", charset="utf-8", cte="base64"
    )
    message["Content-Language"] = digest.language
    return message


def lacks(sender: Sender) -> list[str]:
    """What must still be said of the sender before mail may leave: names of its fields."""
    named = {
        "name": sender.name,
        "address": sender.address,
        "postal_address": sender.postal_address,
        "contact": sender.contact,
    }
    return [name for name, value in named.items() if not plain(value)]


def _ways_out(stop_url: str | None, one_click_url: str | None) -> dict[str, str]:
    """For the mail program's own button; RFC 8058 lets it post to https alone."""
    if stop_url is None:
        return {}
    if one_click_url is None or not one_click_url.startswith("https://"):
        return {"List-Unsubscribe": url_header("List-Unsubscribe", stop_url)}
    return {
        "List-Unsubscribe": url_header("List-Unsubscribe", one_click_url),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _values(
    digest: Digest, sender: Sender, stop_url: str | None, until: date | None
) -> Mapping[str, object]:
    """Of the templates."""
    language: Language = digest.language
    words = WORDS[language]
    return {
        "digest": digest,
        "words": words,
        "side": SIDE_WORDS[language][digest.side],
        "subject": subject(digest),
        "is_long": digest.new + digest.open > _MANY,
        "counts": counts(digest),
        "day": day_in_words(digest.day, language),
        "until": None if until is None else day_in_words(until, language),
        "suggested_on": lambda day: words.suggested_on.format(day=day_in_words(day, language)),
        "style": _STYLE,
        "stop_url": None if stop_url is None else checked_url(stop_url),
        "footer": [
            (words.sender, " ".join(filter(None, (plain(sender.name), _in_brackets(sender))))),
            (words.postal_address, plain(sender.postal_address) or words.not_set),
            (words.contact, plain(sender.contact) or words.not_set),
        ],
    }


def _in_brackets(sender: Sender) -> str:
    return f"<{sender.address}>" if sender.address else ""


def _harmless(digest: Digest) -> Digest:
    """The digest with its texts on one line each and its links checked, what is new first."""
    return replace(
        digest,
        recipient=plain(digest.recipient),
        groups=tuple(map(_harmless_group, digest.groups)),
        waiting=tuple(
            Waiting(plain(each.title), plain(each.step), plain(each.reference))
            for each in digest.waiting
        ),
    )


def _harmless_group(group: Group) -> Group:
    pairs = sorted(group.pairs, key=lambda pair: not pair.is_new)
    return Group(
        heading=plain(group.heading),
        about=plain(group.about),
        pairs=tuple(map(_harmless_pair, pairs)),
    )


def _harmless_pair(pair: Pair) -> Pair:
    links = pair.links
    return replace(
        pair,
        who=plain(pair.who),
        reason=plain(pair.reason),
        evidence=plain(pair.evidence),
        links=links
        and Links(
            accept=checked_url(links.accept),
            decline=checked_url(links.decline),
            later=checked_url(links.later),
        ),
    )
