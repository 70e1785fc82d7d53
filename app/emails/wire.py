"""A mail as the bytes that go over the wire, and the check without which none goes."""

import base64
import binascii
import re
import unicodedata
from collections import Counter
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, Final

from app.emails.headers import LINE, MailFormatError

MOST_LINE: Final = 998
"""Most characters of any line (RFC 5321): servers may refuse more."""
BODY_LINE: Final = 76
"""Most characters of a line of the body (RFC 2045)."""
ENCODED_WORD: Final = 75
"""Most characters of an encoded word (RFC 2047)."""

FIELDS: Final = frozenset(
    {
        "Auto-Submitted",
        "Content-Language",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "MIME-Version",
        "Message-ID",
        "Precedence",
        "Subject",
        "To",
        "X-Auto-Response-Suppress",
    }
)
"""All header fields that a mail of ours can have; another one would be somebody else's."""
NEEDED: Final = frozenset({"Date", "From", "Message-ID", "Subject", "To"})

_FOREIGN: Final = re.compile(rb"[^\t\n\r\x20-\x7e]|\r(?!\n)|(?<!\r)\n")
_CONTINUES: Final = re.compile(r" \S")
_FIELD: Final = re.compile(r"([A-Za-z-]+):(.*)", re.DOTALL)
_ENCODED: Final = re.compile(r"(?<!\S)=\?utf-8\?b\?([A-Za-z0-9+/]+={0,2})\?=(?!\S)")


class WirePolicy(EmailPolicy):
    """Takes values that are folded already, and writes them as they are."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """The value as it is given; MailFormatError if it could become anything but one field."""
        folded = str(value)
        _, *more = folded.split("\n")
        if re.search(r"[^\n\x20-\x7e]", folded) or not all(map(_CONTINUES.match, more)):
            raise MailFormatError(f"{name}: fold and encode the value first")
        return name, folded


WIRE: Final = WirePolicy(linesep="\r\n", refold_source="none")
"""For messages whose values `app.emails.headers` has folded."""


def as_sent(message: EmailMessage) -> bytes:
    """The bytes of the message; MailFormatError where they break a rule of mail.

    Checked are the bytes themselves, whoever built the message: ASCII alone, line ends, lengths of
    lines and encoded words, whole letters in each word, and no field but those of `FIELDS`, each
    once. The message of the error names the field, never what stands in it.
    """
    try:
        sent = message.as_bytes(policy=WIRE)
    except UnicodeError:
        raise MailFormatError("a header field that is not ASCII") from None
    if _FOREIGN.search(sent):
        raise MailFormatError("a byte that is not printable ASCII, or half a line end")
    head, _, body = sent.decode("ascii").partition("\r\n\r\n")
    _check_fields(re.split(r"\r\n(?! )", head))
    if any(len(line) > BODY_LINE for line in body.split("\r\n")):
        raise MailFormatError(f"a line of the body has more than {BODY_LINE} characters")
    return sent


def _check_fields(fields: list[str]) -> None:
    seen: Counter[str] = Counter()
    for field in fields:
        found = _FIELD.fullmatch(field)
        if found is None or found[1] not in FIELDS:
            raise MailFormatError("a header field that no mail of ours has")
        seen[found[1]] += 1
        _check_lines(found[1], field)
        _check_encoded_words(found[1], found[2])
    if not seen.keys() >= NEEDED or max(seen.values()) > 1:
        raise MailFormatError("a header field is missing, or stands there twice")


def _check_lines(name: str, field: str) -> None:
    """Too long is a line that could have been folded: one with a space inside."""
    for line in field.split("\r\n"):
        if len(line) > MOST_LINE or (len(line) > LINE and " " in line.strip()):
            raise MailFormatError(f"{name}: a line is too long")
        if not line.strip():
            raise MailFormatError(f"{name}: a line is empty")


def _check_encoded_words(name: str, value: str) -> None:
    for found in _ENCODED.finditer(value):
        if len(found[0]) > ENCODED_WORD:
            raise MailFormatError(f"{name}: an encoded word is too long")
        try:
            text = base64.b64decode(found[1], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise MailFormatError(f"{name}: an encoded word does not hold whole letters") from error
        if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text):
            raise MailFormatError(f"{name}: an encoded word hides a control character")
    if "=?" in _ENCODED.sub("", value):
        raise MailFormatError(f"{name}: holds what a reader may take for an encoded word")
