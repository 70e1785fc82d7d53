"""A mail server, and how one connects to it: safely, or not at all."""

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal

from app.emails.replies import Misconfigured, Unreachable
from app.mail_settings import MailSettings

Security = Literal["starttls", "tls", "none"]

_NO_SIGN_IN: Final = "The mail server offers no way to sign in that we know."


class SmtpSettingsError(ValueError):
    """No mail can be sent by these settings; the message says what to set."""


class _NotOffered(OSError):
    """The server lacks what we need; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that takes our mail, and how to speak to it; SmtpSettingsError if that is unsafe."""

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = 30
    """For each reply but that to a text, which has longer."""
    mails_per_connection: int = 100
    trust: ssl.SSLContext | None = None
    """Whose certificates are believed; None for those of the system."""
    plain_anywhere: bool = False
    """Let mail, and the password, cross the network readable by all."""

    def __post_init__(self) -> None:
        if not self.host:
            raise SmtpSettingsError("No mail server is set: set ENMUSUBI_SMTP_HOST.")
        if self.security == "none" and not self.plain_anywhere and not _on_this_machine(self.host):
            raise SmtpSettingsError(
                "ENMUSUBI_SMTP_SECURITY is none, which is for a mail server on this machine alone:"
                " set it to starttls or tls."
            )


def server_of(settings: MailSettings) -> Server:
    """The server of the settings; SmtpSettingsError if there is none or it would be unsafe."""
    return Server(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        timeout_seconds=settings.smtp_timeout_seconds,
    )


def connect(server: Server) -> smtplib.SMTP | Unreachable | Misconfigured:
    """A connection that is greeted, encrypted and signed in as the server is to be spoken to."""
    try:
        connection = _dialled(server)
    except (OSError, UnicodeError) as error:
        return _meaning(error)
    try:
        _enter(connection, server)
    except (OSError, UnicodeError) as error:
        connection.close()
        return _meaning(error)
    except BaseException:
        connection.close()
        raise
    return connection


def _dialled(server: Server) -> smtplib.SMTP:
    wait = server.timeout_seconds
    if server.security == "tls":
        trust = _trust(server)
        return smtplib.SMTP_SSL(server.host, server.port, timeout=wait, context=trust)
    return smtplib.SMTP(server.host, server.port, timeout=wait)


def _enter(connection: smtplib.SMTP, server: Server) -> None:
    if connection.sock is not None:
        # The end of a text follows it in a packet of its own, which must not wait.
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        if not connection.has_extn("starttls"):
            raise _NotOffered("The mail server offers no STARTTLS: nothing is sent in the open.")
        connection.starttls(context=_trust(server))
        connection.ehlo_or_helo_if_needed()
    if server.user:
        if not connection.has_extn("auth"):
            raise _NotOffered(_NO_SIGN_IN)
        connection.login(server.user, server.password)


def _trust(server: Server) -> ssl.SSLContext:
    return server.trust or ssl.create_default_context()


_MEANINGS: Final[tuple[tuple[type[Exception], str | None], ...]] = (
    (ssl.SSLEOFError, None),
    (ssl.SSLZeroReturnError, None),
    (ssl.SSLCertVerificationError, "The certificate of the mail server is not to be trusted."),
    (ssl.SSLError, "The mail server does not speak TLS as it should."),
    (smtplib.SMTPServerDisconnected, None),
    (smtplib.SMTPException, _NO_SIGN_IN),
    (UnicodeError, "The mail server's user name or password is not written in ASCII."),
)
"""What went wrong by the first type that fits; None: there is no connection for now."""


def _meaning(error: Exception) -> Unreachable | Misconfigured:
    if isinstance(error, smtplib.SMTPResponseException):
        return _unwelcome(error)
    if isinstance(error, _NotOffered):
        return Misconfigured(str(error))
    problem = next((said for kind, said in _MEANINGS if isinstance(error, kind)), None)
    return Unreachable() if problem is None else Misconfigured(problem)


def _unwelcome(error: smtplib.SMTPResponseException) -> Unreachable | Misconfigured:
    """The server answered, but not as to a welcome guest."""
    code = error.smtp_code
    if not 500 <= code < 600:
        return Unreachable(code if 400 <= code < 500 else None)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Misconfigured("The mail server refuses our user name and password.", code)
    return Misconfigured("The mail server does not want to speak to us.", code)


def _on_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
