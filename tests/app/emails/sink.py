"""A real mail server (aiosmtpd) on this machine, which fails as a test tells it to."""

import asyncio
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from app.emails.smtp_server import Security, Server
from tests.app.asking import eventually

Stage = Literal["mail", "rcpt", "command", "text"]
"""`command`: DATA was said; `text`: the whole text is there."""
DROP, STALL, TAKE_AND_DROP = "drop", "stall", "take and drop"
"""What a rule may have the server do instead of a reply: hang up, say nothing, or take the mail
and hang up."""

Rule = Callable[[Stage, str, int], str | None]
"""The reply, or one of the above, by stage, address and how often that address came there before;
None: all is well."""


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that the server took."""

    message_id: str
    recipients: tuple[str, ...]
    at: float
    """By time.monotonic()."""
    content: bytes


@dataclass
class Sink:
    """What came in, and how to reach the server."""

    rule: Rule = lambda *_: None
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    """TLS from the start, not by STARTTLS."""
    password: str | None = None
    keep_content: bool = True
    received: list[Received] = field(default_factory=list)
    stages: list[tuple[Stage, str]] = field(default_factory=list)
    connections: int = 0
    signed_in: int = 0
    open: int = 0
    port: int = 0
    seen: Counter[tuple[Stage, str]] = field(default_factory=Counter)

    @property
    def message_ids(self) -> Counter[str]:
        """How often each came."""
        return Counter(mail.message_id for mail in self.received)

    @property
    def recipients(self) -> list[str]:
        """Of all mails, in their order."""
        return [recipient for mail in self.received for recipient in mail.recipients]

    def server(self, security: Security = "none", **values: Any) -> Server:
        """How to reach it, with little patience."""
        values = {"timeout_seconds": 5.0} | values
        return Server("localhost", self.port, security, **values)

    def quiet(self) -> None:
        """Wait until nobody is connected: whatever came in has come in."""
        eventually(lambda: self.open == 0)

    def authenticate(self, *given: Any) -> AuthResult:
        """aiosmtpd's hook."""
        said = given[-1]
        good = said.login == b"office" and said.password == (self.password or "").encode()
        self.signed_in += good
        return AuthResult(success=good, handled=False)


class _Protocol(SMTP):
    """As aiosmtpd, with rules."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        super().__init__(
            _Handler(sink),
            hostname="sink.example",
            tls_context=None if sink.implicit else sink.tls,
            require_starttls=sink.tls is not None and not sink.implicit,
            authenticator=sink.authenticate if sink.password is not None else None,
            auth_require_tls=False,
            auth_exclude_mechanism=["LOGIN", "PLAIN"] if sink.password is None else [],
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:  # not the second time, when TLS starts
            self.sink.connections += 1
            self.sink.open += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.sink.open -= 1
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        recipients = self.envelope.rcpt_tos if self.envelope is not None else []
        reply = await ruled(self.sink, self, "command", ",".join(recipients))
        if reply is None:
            await super().smtp_DATA(arg)
        else:
            await self.push(reply)


class _Handler:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        reply = await ruled(self.sink, server, "mail", address)
        if reply is None:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802 - as above
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        reply = await ruled(self.sink, server, "rcpt", address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(  # noqa: N802 - as above
        self, server: _Protocol, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        mail = Received(
            str(BytesHeaderParser().parsebytes(content)["Message-ID"]),
            tuple(envelope.rcpt_tos),
            time.monotonic(),
            content if self.sink.keep_content else b"",
        )
        reply = await ruled(self.sink, server, "text", ",".join(envelope.rcpt_tos), mail)
        if reply is None:
            self.sink.received.append(mail)
        return reply or "250 OK"


async def ruled(
    sink: Sink, server: _Protocol, stage: Stage, address: str, mail: Received | None = None
) -> str | None:
    """The reply that the rule wants; None for the usual one."""
    before = sink.seen[stage, address]
    sink.seen[stage, address] += 1
    sink.stages.append((stage, address))
    wanted = sink.rule(stage, address, before)
    if wanted == TAKE_AND_DROP and mail is not None:
        sink.received.append(mail)
    if wanted == STALL:
        await asyncio.sleep(3600)
    if wanted in (DROP, TAKE_AND_DROP) and isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
        await asyncio.sleep(3600)  # the protocol ends this when it hears of it
    if wanted is not None and wanted.startswith("421") and server.transport is not None:
        asyncio.get_running_loop().call_later(0.05, server.transport.close)
    return wanted


@contextmanager
def running(sink: Sink | None = None) -> Iterator[Sink]:
    """The server in a thread of its own."""
    sink = sink or Sink()
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        tls = sink.tls if sink.implicit else None
        server = await loop.create_server(lambda: _Protocol(sink), "127.0.0.1", 0, ssl=tls)
        sink.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
