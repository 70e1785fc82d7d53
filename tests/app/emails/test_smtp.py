"""The transport against a real server that fails in every way we can think of."""

import ssl
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from app.emails.replies import (
    Accepted,
    Deferred,
    Lost,
    Misconfigured,
    Refused,
    Taken,
    Unreachable,
    speaks_of_mailbox,
)
from app.emails.smtp import SmtpTransport
from app.emails.smtp_server import Server, SmtpSettingsError, server_of
from app.mail_settings import MailSettings
from tests.app.emails.certificates import make_certificate
from tests.app.emails.sink import DROP, STALL, TAKE_AND_DROP, Rule, Sink, Stage, running

SENDER, RECIPIENT = "office@office.example", "sato@example.jp"


def message(text: str = "Hello.\n", subject: str = "Suggestions") -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"], mail["To"] = SENDER, RECIPIENT
    mail["Message-ID"] = "<1@office.example>"
    mail.set_content(text, cte="7bit" if text.isascii() else "base64")
    return mail


def wire(mail: EmailMessage) -> bytes:
    return mail.as_bytes(policy=SMTP)


def replying(at: Stage, reply: str, *, times: int = 1000) -> Rule:
    return lambda stage, _, before: reply if stage == at and before < times else None


def test_a_mail_arrives_as_it_was_written() -> None:
    text = ".\n..dots\nline\n.hidden\n\n" + "あ" * 200 + "\n.\n"
    with running() as sink:
        transport = SmtpTransport(sink.server())
        assert transport.envelope(SENDER, RECIPIENT) == Accepted()
        assert transport.data(wire(message(text, "日本語の件名"))) == Accepted()
        transport.close()
    (mail,) = sink.received
    assert mail.recipients == (RECIPIENT,)
    assert mail.message_id == "<1@office.example>"
    assert mail.content == wire(message(text, "日本語の件名"))
    assert mail.content.isascii()


def test_a_text_of_dots_alone_does_not_end_the_mail() -> None:
    mail = message(".\n.\r\n..\nQUIT\n")
    content = wire(mail)
    assert b"\r\n.\r\n" in content
    with running() as sink:
        transport = SmtpTransport(sink.server())
        transport.envelope(SENDER, RECIPIENT)
        assert transport.data(content) == Accepted()
        transport.close()
    assert [each.content for each in sink.received] == [content]


def test_ends_of_lines_are_whole() -> None:
    head = b"Message-ID: <1@office.example>\n\n"
    with running() as sink:
        transport = SmtpTransport(sink.server())
        transport.envelope(SENDER, RECIPIENT)
        assert transport.data(head + b"a\nb\r\nc\n.\n.\rd") == Accepted()
        transport.close()
    (mail,) = sink.received
    assert mail.content.endswith(b"\r\n\r\na\r\nb\r\nc\r\n.\r\n.\r\nd\r\n")


def test_one_connection_carries_many_mails_and_is_renewed() -> None:
    with running() as sink:
        transport = SmtpTransport(sink.server(mails_per_connection=3))
        for _ in range(7):
            assert transport.envelope(SENDER, RECIPIENT) == Accepted()
            assert transport.data(wire(message())) == Accepted()
        transport.close()
    assert (len(sink.received), sink.connections) == (7, 3)


def test_an_envelope_is_taken_back() -> None:
    with running() as sink:
        transport = SmtpTransport(sink.server())
        transport.envelope(SENDER, "first@example.jp")
        transport.reset()
        transport.envelope(SENDER, "second@example.jp")
        transport.data(wire(message()))
        transport.close()
    assert sink.recipients == ["second@example.jp"]
    assert sink.connections == 1


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        pytest.param("mail", "451 later", Deferred(451), id="mail 4xx"),
        pytest.param(
            "mail",
            "553 5.7.1 not you",
            Misconfigured("The mail server takes no mail from our address.", 553),
            id="mail 5xx",
        ),
        pytest.param("rcpt", "450 4.2.0 greylisted", Deferred(450), id="rcpt 4xx"),
        pytest.param("rcpt", "550 no such user", Refused(550, mailbox=True), id="rcpt 5xx"),
        pytest.param(
            "rcpt", "554 5.7.1 relay access denied", Refused(554, mailbox=False), id="relay"
        ),
        pytest.param(
            "rcpt",
            "530 5.7.0 authentication required",
            Misconfigured("The mail server wants us to sign in.", 530),
            id="rcpt wants a sign-in",
        ),
        pytest.param("rcpt", "421 4.3.2 bye", Deferred(421), id="rcpt 421"),
        pytest.param("rcpt", DROP, Deferred(None), id="rcpt drop"),
        pytest.param("rcpt", STALL, Deferred(None), id="rcpt stall"),
        pytest.param("rcpt", "nonsense", Deferred(None), id="rcpt nonsense"),
    ],
)
def test_an_envelope_that_is_not_taken(
    stage: Stage, reply: str, expected: Deferred | Refused | Misconfigured
) -> None:
    with running(Sink(replying(stage, reply))) as sink:
        transport = SmtpTransport(sink.server(timeout_seconds=0.3))
        assert transport.envelope(SENDER, RECIPIENT) == expected
        sink.rule = lambda *_: None
        assert transport.envelope(SENDER, "next@example.jp") == Accepted()
        assert transport.data(wire(message())) == Accepted()
        transport.close()
    assert sink.recipients == ["next@example.jp"]


@pytest.mark.parametrize(
    ("stage", "reply", "expected", "arrived"),
    [
        pytest.param("command", "451 later", Deferred(451), 0, id="command 4xx"),
        pytest.param("command", "554 never", Refused(554, mailbox=False), 0, id="command 5xx"),
        pytest.param("command", DROP, Deferred(None), 0, id="command drop"),
        pytest.param("command", STALL, Deferred(None), 0, id="command stall"),
        pytest.param("text", "451 later", Deferred(451), 0, id="text 4xx"),
        pytest.param("text", "421 bye", Deferred(421), 0, id="text 421"),
        pytest.param("text", "554 spam", Refused(554, mailbox=False), 0, id="text 5xx"),
        pytest.param(
            "text", "550 5.1.1 gone", Refused(550, mailbox=True), 0, id="text 5xx of the mailbox"
        ),
        pytest.param("text", DROP, Lost(), 0, id="text drop"),
        pytest.param("text", TAKE_AND_DROP, Lost(), 1, id="text taken, then drop"),
        pytest.param("text", STALL, Lost(), 0, id="text stall"),
        pytest.param("text", "nonsense", Lost(), 0, id="text nonsense"),
    ],
)
def test_a_text_that_is_not_taken(
    stage: Stage, reply: str, expected: Taken, arrived: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.emails.smtp.PATIENCE", 1)
    with running(Sink(replying(stage, reply))) as sink:
        transport = SmtpTransport(sink.server(timeout_seconds=0.3))
        assert transport.envelope(SENDER, RECIPIENT) == Accepted()
        assert transport.data(wire(message())) == expected
        assert len(sink.received) == arrived
        sink.rule = lambda *_: None
        assert transport.envelope(SENDER, "next@example.jp") == Accepted()
        assert transport.data(wire(message())) == Accepted()
        transport.close()
    assert len(sink.received) == arrived + 1


def test_the_answer_to_a_text_may_take_longer() -> None:
    """A server that delivers before it answers must not look as if it were lost."""
    with running() as sink:
        transport = SmtpTransport(sink.server(timeout_seconds=0.2))
        transport.envelope(SENDER, RECIPIENT)

        def rule(stage: Stage, _address: str, _before: int) -> str | None:
            if stage == "text":
                time.sleep(0.5)
            return None

        sink.rule = rule
        assert transport.data(wire(message())) == Accepted()
        transport.close()


@pytest.mark.parametrize("reply", [DROP, "421 4.3.2 too many mails"])
def test_a_connection_that_was_dropped_meanwhile_is_renewed(reply: str) -> None:
    with running() as sink:
        transport = SmtpTransport(sink.server())
        transport.envelope(SENDER, "first@example.jp")
        transport.data(wire(message()))
        sink.rule = lambda stage, _, before: reply if (stage, before) == ("mail", 1) else None
        assert transport.envelope(SENDER, RECIPIENT) == Accepted()
        assert transport.data(wire(message())) == Accepted()
        transport.close()
    assert sink.connections == 2
    assert sink.recipients == ["first@example.jp", RECIPIENT]


def test_a_server_that_is_not_there() -> None:
    with running() as sink:
        port = sink.port
    transport = SmtpTransport(Server("127.0.0.1", port, "none", timeout_seconds=1))
    assert transport.envelope(SENDER, RECIPIENT) == Unreachable()
    transport.close()


class TestSafety:
    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_by_tls_signed_in(self, security: str, tmp_path: Path) -> None:
        context, known = make_certificate(tmp_path)
        sink = Sink(tls=context, implicit=security == "tls", password="secret")
        with running(sink):
            trust = ssl.create_default_context(cafile=known)
            server = sink.server(
                "tls" if security == "tls" else "starttls",
                trust=trust,
                user="office",
                password="secret",
            )
            transport = SmtpTransport(server)
            assert transport.envelope(SENDER, RECIPIENT) == Accepted()
            assert transport.data(wire(message())) == Accepted()
            transport.close()
        assert (sink.signed_in, len(sink.received)) == (1, 1)

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_certificate_that_nobody_vouches_for(self, security: str, tmp_path: Path) -> None:
        context, _ = make_certificate(tmp_path)
        with running(Sink(tls=context, implicit=security == "tls")) as sink:
            server = sink.server("tls" if security == "tls" else "starttls")
            reply = SmtpTransport(server).envelope(SENDER, RECIPIENT)
        assert reply == Misconfigured("The certificate of the mail server is not to be trusted.")
        assert not sink.stages

    def test_a_certificate_of_another_host(self, tmp_path: Path) -> None:
        context, known = make_certificate(tmp_path, "mail.example.jp")
        with running(Sink(tls=context)) as sink:
            server = sink.server("starttls", trust=ssl.create_default_context(cafile=known))
            reply = SmtpTransport(server).envelope(SENDER, RECIPIENT)
        assert reply == Misconfigured("The certificate of the mail server is not to be trusted.")

    def test_starttls_that_is_stripped(self) -> None:
        with running(Sink(password="secret")) as sink:
            server = sink.server("starttls", user="office", password="secret")
            reply = SmtpTransport(server).envelope(SENDER, RECIPIENT)
        assert isinstance(reply, Misconfigured)
        assert "offers no STARTTLS" in reply.problem
        assert (sink.signed_in, sink.stages) == (0, [])

    def test_tls_where_none_is_spoken(self) -> None:
        with running() as sink:
            reply = SmtpTransport(sink.server("tls", timeout_seconds=1)).envelope(SENDER, RECIPIENT)
        assert reply == Misconfigured("The mail server does not speak TLS as it should.")

    def test_a_wrong_password(self) -> None:
        with running(Sink(password="secret")) as sink:
            server = sink.server(user="office", password="wrong")
            reply = SmtpTransport(server).envelope(SENDER, RECIPIENT)
        assert reply == Misconfigured("The mail server refuses our user name and password.", 535)
        assert not sink.stages

    def test_a_password_in_other_letters(self) -> None:
        with running(Sink(password="secret")) as sink:
            server = sink.server(user="office", password="秘密")
            reply = SmtpTransport(server).envelope(SENDER, RECIPIENT)
        assert isinstance(reply, Misconfigured)

    def test_a_server_that_knows_no_sign_in(self) -> None:
        with running() as sink:
            server = sink.server(user="office", password="secret")
            reply = SmtpTransport(server).envelope(SENDER, RECIPIENT)
        assert reply == Misconfigured("The mail server offers no way to sign in that we know.")

    @pytest.mark.parametrize("host", ["mail.example.jp", "192.0.2.1", "localhost.example.jp"])
    def test_in_the_open_to_this_machine_alone(self, host: str) -> None:
        with pytest.raises(SmtpSettingsError, match="ENMUSUBI_SMTP_SECURITY is none"):
            Server(host, security="none")
        assert Server(host, security="none", plain_anywhere=True).host == host

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
    def test_this_machine(self, host: str) -> None:
        assert Server(host, security="none").host == host

    def test_by_the_settings(self) -> None:
        settings = MailSettings(smtp_host="mail.example.jp", smtp_user="office")
        assert server_of(settings).security == "starttls"
        assert "secret" not in repr(Server("mail.example.jp", password="secret"))
        with pytest.raises(SmtpSettingsError, match="ENMUSUBI_SMTP_HOST"):
            server_of(MailSettings())


@pytest.mark.parametrize(
    "address",
    [
        "佐藤@example.jp",
        "sato sato@example.jp",
        "a>b@example.jp",
        "x@y.jp>\r\nRCPT TO:<z@example.jp",
        "nobody",
        f"a@{'x' * 70}.jp",
    ],
    ids=["letters", "blank", "bracket", "injection", "no domain", "long label"],
)
def test_an_address_that_no_server_takes(address: str) -> None:
    with running() as sink:
        transport = SmtpTransport(sink.server())
        assert transport.envelope(SENDER, address) == Refused(553, mailbox=False)
        transport.close()
    assert not sink.stages


@pytest.mark.parametrize("address", ["o'neil@example.jp", "a,b@example.jp", "sato@例え.jp"])
def test_an_address_is_given_whole(address: str) -> None:
    with running() as sink:
        transport = SmtpTransport(sink.server())
        reply = transport.envelope(SENDER, address)
        transport.close()
    said = [who for stage, who in sink.stages if stage == "rcpt"]
    expected = address.replace("例え", "xn--r8jz45g")
    assert said == [expected] or (said == [] and isinstance(reply, Refused))


@pytest.mark.parametrize(
    ("code", "text", "at_recipient", "expected"),
    [
        (550, "5.1.1 unknown user", True, True),
        (550, "5.1.1 unknown user", False, True),
        (550, "5.2.1 mailbox disabled", True, True),
        (552, "5.2.2 mailbox full", True, False),
        (553, "5.1.8 bad sender", True, False),
        (550, "5.7.1 blocked by policy", True, False),
        (550, "5.0.0 no", True, True),
        (550, "no", True, True),
        (554, "no", True, True),
        (550, "no", False, False),
        (503, "bad sequence", True, False),
        (552, "too big", True, False),
    ],
)
def test_what_a_refusal_speaks_of(
    code: int, text: str, *, at_recipient: bool, expected: bool
) -> None:
    assert speaks_of_mailbox(code, text, at_recipient=at_recipient) is expected
