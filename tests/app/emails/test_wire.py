"""The last check before a mail leaves."""

from email import policy
from email.message import EmailMessage

import pytest

from app.emails.headers import MailFormatError
from app.emails.wire import WIRE, as_sent
from tests.app.emails.examples import DIGESTS, example_mail


def bare(**fields: str) -> EmailMessage:
    """A message that holds only what each must, and what is given, written as it is."""
    message = EmailMessage(policy=WIRE)
    given = {
        "From": "a@example.jp",
        "To": "b@example.jp",
        "Subject": "x",
        "Date": "Wed, 01 Apr 2026 06:00:00 +0000",
        "Message-ID": "<a@example.jp>",
    }
    for name, value in (given | {name.replace("_", "-"): v for name, v in fields.items()}).items():
        message._headers.append((name, value))  # type: ignore[attr-defined]  # past the policy
    message.set_content("本文", charset="utf-8", cte="base64")
    return message


@pytest.mark.parametrize("name", DIGESTS)
def test_our_mails_pass(name: str) -> None:
    sent = as_sent(example_mail(DIGESTS[name]))
    assert sent.isascii()
    assert sent.count(b"\n") == sent.count(b"\r\n") == sent.count(b"\r")


def test_a_bare_mail_passes() -> None:
    assert as_sent(bare()).startswith(b"From: a@example.jp\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"Subject": "a\r\nBcc: evil@example.jp"},
        {"Subject": "a\nBcc: evil@example.jp"},
        {"Bcc": "evil@example.jp"},
        {"Subject": "あ"},
        {"Subject": "a\x00b"},
        {"Subject": "a\n \n b"},
        {"Subject": "word " * 20},
        {"Subject": "x" * 1000},
        {"Subject": "=?utf-8?q?a=0ABcc:_evil?="},
        {"Subject": "=?iso-2022-jp?b?GyRCJCIbKEI=?="},
        {"Subject": "=?utf-8?b?YQpC?="},
        {"Subject": "=?utf-8?b?44E=?= =?utf-8?b?gg==?="},
        {"Subject": "=?utf-8?b?YWE?="},
        {"Subject": "x=?utf-8?b?YWE=?="},
        {"Subject": f"\n =?utf-8?b?{'YWFh' * 16}?="},
        {"Subject": "=?"},
    ],
    ids=lambda fields: str(next(iter(fields.values()))[:12].encode()),
)
def test_what_breaks_a_rule_does_not_leave(fields: dict[str, str]) -> None:
    with pytest.raises(MailFormatError) as refused:
        as_sent(bare(**fields))
    assert "evil" not in str(refused.value)


def test_a_field_that_is_missing_or_doubled_keeps_a_mail_back() -> None:
    missing, doubled = bare(), bare()
    del missing["Message-ID"]
    doubled._headers.append(("To", "c@example.jp"))  # type: ignore[attr-defined]  # as above
    for message in (missing, doubled):
        with pytest.raises(MailFormatError, match="missing, or stands there twice"):
            as_sent(message)


def test_a_body_with_long_lines_does_not_leave() -> None:
    message = bare()
    message.set_content("x" * 77, cte="7bit")
    with pytest.raises(MailFormatError, match="of the body"):
        as_sent(message)


def test_a_mail_that_the_library_folds_wrongly_does_not_leave() -> None:
    message = EmailMessage(policy=policy.SMTP)
    for name, value in bare().items():
        message[name] = str(value)
    message.replace_header("Subject", "=?utf-8?q?a=0ABcc:_evil=40example.com?=")
    with pytest.raises(MailFormatError):
        as_sent(message)


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\n \nb", "あ", "a\n b\n", "a\rb"])
def test_the_policy_takes_no_value_that_is_not_folded(value: str) -> None:
    message = EmailMessage(policy=WIRE)
    with pytest.raises(MailFormatError, match="fold and encode"):
        message["Subject"] = value
    assert "Subject" not in message
