"""Headers of a mail as they go over the wire, and the check that none goes otherwise.

The standard library's own folding is not used. Python 3.11.7 takes `=?utf-8?q?a=0Ab?=` in a
subject for an encoded word, decodes it, and writes its line break as a line of its own: whoever
chose that subject has added a header. It also writes encoded words that are longer than the 75
characters RFC 2047 allows. The functions here return values that are ASCII and folded already,
with `\n` between the lines; `app.emails.wire` hands them on as they are.
"""

import base64
import re
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from app.emails.plain import plain

LINE: Final = 78
"""Most characters of a header line (RFC 5322); only what has no space to fold at may be longer."""
MOST_TEXT: Final = 300
"""Most characters of a subject or a name; what is longer is cut."""

_PREFIX: Final = "=?utf-8?b?"
_SUFFIX: Final = "?="
_WORD: Final = 75

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOMAIN: Final = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_DOMAIN}")
_MESSAGE_ID: Final = re.compile(rf"<{_ATOM}(?:\.{_ATOM})*@{_DOMAIN}>")
_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:[/?#][A-Za-z0-9._~%/?#&=+:,;@!-]*)?")
_ATOMS: Final = re.compile(rf"{_ATOM}(?: {_ATOM})*")


class MailFormatError(ValueError):
    """A value that must not stand in a mail, or a mail whose lines break the rules."""


def text_header(name: str, text: str) -> str:
    """The value of an unstructured field, folded: as it is if it is plain ASCII, else encoded."""
    text = _tamed(text)
    words = text.split()
    if text.isascii() and all(len(word) < LINE for word in words):
        return _folded(name, words)
    return _folded(name, _encoded_words(text, first=LINE - len(name) - 2))


def mailbox_header(name: str, *, display: str, address: str) -> str:
    """The value of an address field with one mailbox, folded.

    Raises MailFormatError where the address has no plain form that every server takes.
    """
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise MailFormatError(f"{name}: this is no e-mail address that can be written to")
    display = _tamed(display)
    if not display:
        return _folded(name, [address])
    room = LINE - len(name) - 2
    if _ATOMS.fullmatch(display) and len(display) <= room:
        words = display.split(" ")
    elif display.isascii() and len(_quoted(display)) <= room:
        words = [_quoted(display)]
    else:
        words = _encoded_words(display, first=room)
    return _folded(name, [*words, f"<{address}>"])


def message_id_header(name: str, message_id: str) -> str:
    """The value of a field with one message id; MailFormatError if it is none."""
    if not _MESSAGE_ID.fullmatch(message_id) or "=?" in message_id:
        raise MailFormatError(f"{name}: a message id looks like <letters@domain>")
    return _folded(name, [message_id])


def url_header(name: str, url: str) -> str:
    """The value of a field with one link in angle brackets; MailFormatError if it is none."""
    return _folded(name, [f"<{checked_url(url)}>"])


def date_header(at: datetime) -> str:
    """The value of `Date`; `at` knows its time zone."""
    if at.tzinfo is None:
        raise MailFormatError("Date: the time needs a time zone")
    return format_datetime(at)


def checked_url(url: str) -> str:
    """The link itself; MailFormatError where it is none, or holds what a header may not."""
    if not _URL.fullmatch(url) or "=?" in url:
        raise MailFormatError("a link in a mail is a plain http or https address")
    return url


def _tamed(text: str) -> str:
    """For a header: on one line, no encoded word of its own, not too long.

    `=?` is broken up although it would be encoded: what reads our header and writes it anew, as
    mailing lists do, may meet the fault described above.
    """
    text = plain(text)
    if len(text) > MOST_TEXT:
        text = text[: MOST_TEXT - 1] + "…"
    return text.replace("=?", "= ?")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _encoded_words(text: str, *, first: int) -> list[str]:
    """Encoded words of whole letters; the first is at most that long, the others `_WORD`."""
    words: list[str] = []
    held = b""
    room = _bytes_in(min(first, _WORD))
    for letter in text:
        more = letter.encode()
        if held and len(held) + len(more) > room:
            words.append(_encoded_word(held))
            held, room = b"", _bytes_in(_WORD)
        held += more
    return [*words, _encoded_word(held)] if held else words


def _bytes_in(length: int) -> int:
    """How many bytes an encoded word of that length can carry."""
    return (length - len(_PREFIX) - len(_SUFFIX)) // 4 * 3


def _encoded_word(held: bytes) -> str:
    return _PREFIX + base64.b64encode(held).decode("ascii") + _SUFFIX


def _folded(name: str, words: list[str]) -> str:
    """The words in lines of at most `LINE` characters, as far as the words allow."""
    lines = [""]
    taken = len(name) + 1
    for word in words:
        if taken + 1 + len(word) > LINE:
            lines.append("")
            taken = 0
        lines[-1] += f" {word}"
        taken += 1 + len(word)
    return "\n".join(lines).removeprefix(" ")
