"""Mails of a dry run as files, with an index to open in a browser; nobody but their owner may read
them.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from app.emails.content import Digest
from app.emails.headers import MailFormatError
from app.emails.templating import asset, fill
from app.emails.wire import as_sent

INDEX: Final = "index.html"

_OURS: Final = re.compile(r"\d{3,}\.(eml|html|txt)|index\.html")
_STYLE: Final = asset("page.css")


@dataclass(frozen=True, slots=True)
class _Row:
    """One mail in the index; no name, no address."""

    name: str
    side: str
    language: str
    new: int
    open: int
    waiting: int
    left_out: int


def write_previews(folder: Path, mails: Iterable[tuple[Digest, EmailMessage]]) -> int:
    """Write each mail as it would leave, and its two parts; returns how many.

    `index.html` in the folder lists them. What an earlier preview left there is deleted, other
    files stay. Raises MailFormatError where the folder is a link, or a mail breaks the rules.
    """
    _prepare(folder)
    rows: list[_Row] = []
    for number, (digest, message) in enumerate(mails, start=1):
        name = f"{number:03d}"
        _write(folder / f"{name}.eml", as_sent(message))
        _write(folder / f"{name}.html", _part(message, "html"))
        _write(folder / f"{name}.txt", _part(message, "plain"))
        rows.append(_row(name, digest))
    _write(folder / INDEX, fill("previews.html", rows=rows, style=_STYLE).encode())
    return len(rows)


def _prepare(folder: Path) -> None:
    if folder.is_symlink():
        raise MailFormatError("the folder of the preview is a link: name the folder itself")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for file in folder.iterdir():
        if _OURS.fullmatch(file.name) and not file.is_dir():
            file.unlink()


def _write(file: Path, content: bytes) -> None:
    """A new file of mode 0600: none that somebody has laid there before is written into."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)


def _part(message: EmailMessage, subtype: str) -> bytes:
    part = message.get_body((subtype,))
    if part is None:
        raise MailFormatError(f"the mail has no part text/{subtype}")
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise MailFormatError(f"the part text/{subtype} holds no text")
    return content


def _row(name: str, digest: Digest) -> _Row:
    return _Row(
        name=name,
        side=digest.side.value,
        language=digest.language,
        new=digest.new,
        open=digest.open,
        waiting=len(digest.waiting),
        left_out=digest.left_out,
    )
