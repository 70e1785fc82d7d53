"""Mail by SMTP (RFC 5321), in the caller's thread: one connection for many mails.

What the server says goes nowhere but into `app.emails.replies`: its sentences hold addresses.
"""

import contextlib
import re
import smtplib
from collections.abc import Callable
from typing import Final, TypeVar

from app.emails.replies import (
    Accepted,
    Deferred,
    Envelope,
    Lost,
    Misconfigured,
    Refused,
    Taken,
    speaks_of_mailbox,
)
from app.emails.smtp_server import Server, connect

STEPS: Final = ("smtp.connected", "smtp.mail", "smtp.rcpt", "smtp.data", "smtp.text", "smtp.end")
"""What `on_step` is told, when it was just done: connected and signed in, sender accepted,
recipient accepted, text asked for, text sent without its end, end sent."""

PATIENCE: Final = 10
"""How many times longer than for other replies we wait for the one to a text. The server may
deliver before it answers, and who hangs up too early never knows (RFC 5321, 4.5.3.2.6)."""

_SIGN_IN: Final = frozenset({530, 534, 535, 538})
"""Codes that ask for another way of signing in, whenever they come (RFC 4954)."""

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_DOT = re.compile(rb"(?m)^\.")

Reply = TypeVar("Reply")


class SmtpTransport:
    """One connection, opened when it is needed and again when it was lost; for one thread."""

    def __init__(self, server: Server, *, on_step: Callable[[str], None] = lambda _: None) -> None:
        self._server = server
        self._on_step = on_step
        self._connection: smtplib.SMTP | None = None
        self._offered = 0
        """Envelopes on this connection."""

    def envelope(self, sender: str, recipient: str) -> Envelope:
        """Offer a mail; a connection that was idle and is gone is replaced without a word."""
        address = _in_ascii(recipient)
        if address is None:
            return Refused(553, mailbox=False)
        if self._offered >= self._server.mails_per_connection:
            self.close()
        used = self._connection is not None
        reply = self._offer(sender, address)
        if used and reply in (Deferred(None), Deferred(421)):
            reply = self._offer(sender, address)
        return reply

    def data(self, content: bytes) -> Taken:
        """Send the text: `Lost` only if its end may have been on its way."""
        connection = self._connection
        if connection is None:
            return Deferred(None)
        try:
            code, text = connection.docmd("DATA")
        except OSError:
            return self._drop(Deferred(None))
        if code != 354:
            reply = self._verdict(code, text, at_recipient=False) or self._drop(Deferred(None))
            self.reset()
            return reply
        self._on_step("smtp.data")
        try:
            code, text = self._send(connection, content)
        except OSError:
            return self._drop(Lost())
        if 200 <= code < 300:
            return Accepted()
        return self._verdict(code, text, at_recipient=False) or self._drop(Lost())

    def reset(self) -> None:
        """RSET; hangs up where that is not understood."""
        try:
            if self._connection is not None and self._connection.rset()[0] != 250:
                self.close()
        except OSError:
            self._drop(None)

    def close(self) -> None:
        """QUIT, if the server still listens."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.quit()
            self._drop(None)

    def _offer(self, sender: str, recipient: str) -> Envelope:
        """MAIL and RCPT, on a connection that is made if there is none."""
        if self._connection is None:
            made = connect(self._server)
            if not isinstance(made, smtplib.SMTP):
                return made
            self._connection = made
            self._on_step("smtp.connected")
        self._offered += 1
        try:
            code, text = self._connection.docmd("MAIL", f"FROM:<{sender}>")
            if 500 <= code < 600:
                self.close()
                return Misconfigured("The mail server takes no mail from our address.", code)
            if 200 <= code < 300:
                self._on_step("smtp.mail")
                code, text = self._connection.docmd("RCPT", f"TO:<{recipient}>")
        except OSError:
            return self._drop(Deferred(None))
        return self._answered(code, text)

    def _answered(self, code: int, text: bytes) -> Envelope:
        """What the reply to RCPT means, or one to MAIL that was no yes."""
        if 200 <= code < 300:
            self._on_step("smtp.rcpt")
            return Accepted()
        if code in _SIGN_IN:
            self.close()
            return Misconfigured("The mail server wants us to sign in.", code)
        reply = self._verdict(code, text, at_recipient=True) or self._drop(Deferred(None))
        self.reset()
        return reply

    def _send(self, connection: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
        """The text and its end; returns the reply. OSError if the connection goes or none comes."""
        sock = connection.sock
        if sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        sock.settimeout(self._server.timeout_seconds * PATIENCE)
        connection.send(_DOT.sub(b"..", _in_lines(content)))
        self._on_step("smtp.text")
        connection.send(b".\r\n")
        self._on_step("smtp.end")
        reply = connection.getreply()
        sock.settimeout(self._server.timeout_seconds)
        return reply

    def _verdict(self, code: int, text: bytes, *, at_recipient: bool) -> Deferred | Refused | None:
        """What a refusal means; None for what is none."""
        if 500 <= code < 600:
            said = text.decode("ascii", "replace")
            return Refused(code, speaks_of_mailbox(code, said, at_recipient=at_recipient))
        if 400 <= code < 500:
            reply = Deferred(code)
            return self._drop(reply) if code == 421 else reply  # 421: the server hangs up
        return None

    def _drop(self, reply: Reply) -> Reply:
        """Forget the connection, and pass the reply on."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._offered = None, 0
        return reply


def _in_lines(content: bytes) -> bytes:
    """The text with a CR LF at the end of each line and nowhere a CR or LF alone, so that no two
    servers find the end of the text in different places.
    """
    whole = _BARE.sub(b"\r\n", content)
    return whole if whole.endswith(b"\r\n") else whole + b"\r\n"


def _in_ascii(address: str) -> str | None:
    """The address with its domain as the network writes it; None if SMTP cannot carry it.

    Addresses in other letters before the @ need SMTPUTF8, which many servers lack.
    """
    name, at, domain = address.rpartition("@")
    try:
        written = f"{name}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return None
    whole = name and written.isascii() and written.isprintable()
    return written if whole and not set(written) & set(' <>"') else None
