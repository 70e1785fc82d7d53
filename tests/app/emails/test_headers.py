"""Header fields, written and read again by real parsers."""

import base64
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.emails.headers import (
    LINE,
    MOST_TEXT,
    MailFormatError,
    checked_url,
    date_header,
    mailbox_header,
    message_id_header,
    text_header,
    url_header,
)
from app.emails.wire import WIRE
from tests.matching.factories import repeatable

MANY: Final = 10_000

JAPANESE: Final = (
    "あいうえおかがきぎぱぴっゃゅょアイウエオカガヴヶーｱｲｳﾊﾟ"
    "縁結需要候補産学連携技術焼酎材料半導体髙﨑神祥侮①②㈱㍿～－’“”「」『』（）、。・…々〆"
)
FAR: Final = "𠮷𠀋𩸽😀👩‍🔬é한글ßЖ"
LATIN: Final = "abcXYZ0189 -_.,:;/\\\"'()<>@[]=?!#%&*+"

often: Final = settings(repeatable, max_examples=500)

hostile = st.text(
    st.sampled_from('a あ=?\r\n\x00\x0b\x85\u2028\u2029\u202e\u2066\ud800\udfff"\\,;<>@utf8qB_0A\t')
)
any_text = st.text() | hostile


def japanese_texts(seed: int) -> Iterator[str]:
    """So many texts: Japanese, with Latin letters and rare signs among them, short and long."""
    chance = random.Random(seed)
    for _ in range(MANY):
        letters = JAPANESE * 3 + LATIN + FAR if chance.random() < 0.5 else JAPANESE
        length = chance.choice((1, 5, 14, 15, 16, 30, 30, 45, 60, chance.choice((60, 120, 250))))
        text = "".join(chance.choices(letters, k=length))
        yield re.sub(" +", " ", text.replace("=?", "= ?").replace("://", "")).strip(" ") or "縁"


def written(name: str, value: str) -> bytes:
    """The field as it goes over the wire, and the rules of each of its lines checked."""
    message = EmailMessage(policy=WIRE)
    message[name] = value
    sent = message.as_bytes()
    assert sent.isascii()
    assert sent.endswith(b"\r\n\r\n")
    lines = sent.decode()[:-4].split("\r\n")
    assert lines[0].startswith(f"{name}: ")
    assert all(re.match(r" \S", line) for line in lines[1:])
    assert not any(sign in line for line in lines for sign in "\r\n\0")
    assert all(len(line) <= LINE for line in lines)
    for word in re.findall(r"=\?\S*", "\n".join(lines)):
        assert re.fullmatch(r"=\?utf-8\?b\?[A-Za-z0-9+/=]+\?=", word)
        assert len(word) <= 75
        base64.b64decode(word[10:-2], validate=True).decode()  # whole letters, each by itself
    return sent


def subject_read(sent: bytes) -> set[str]:
    """By the new parser and by the old one, which are two implementations."""
    new = message_from_bytes(sent, policy=policy.default)
    old = message_from_bytes(sent, policy=policy.compat32)
    assert new.keys() == old.keys() == ["Subject"]
    return {str(new["Subject"]), str(make_header(decode_header(old["Subject"])))}


def mailbox_read(sent: bytes, *, twice: bool = True) -> tuple[str, str]:
    """As above: name and address; if not `twice`, by the old parser alone, which is far quicker.

    Of names in several encoded words, the new parser of Python 3.11 keeps the folding space, which
    RFC 2047 wants left out: its name is compared without spaces.
    """
    old = message_from_bytes(sent, policy=policy.compat32)
    encoded, addr_spec = parseaddr(old["To"])
    display = str(make_header(decode_header(encoded)))
    assert old.keys() == ["To"]
    if not twice:
        return display, addr_spec
    new = message_from_bytes(sent, policy=policy.default)
    assert new.keys() == ["To"]
    header = new["To"]
    assert isinstance(header, AddressHeader)
    (address,) = header.addresses
    assert address.addr_spec == addr_spec
    assert address.display_name.replace(" ", "") == display.replace(" ", "")
    return display, addr_spec


@pytest.mark.slow
def test_ten_thousand_subjects_come_back_as_they_were() -> None:
    for text in japanese_texts(1):
        assert subject_read(written("Subject", text_header("Subject", text))) == {text}


@pytest.mark.slow
def test_ten_thousand_names_come_back_as_they_were() -> None:
    address = "taro.yamada@example.jp"
    for number, text in enumerate(japanese_texts(2)):
        sent = written("To", mailbox_header("To", display=text, address=address))
        assert mailbox_read(sent, twice=number % 10 == 0) == (text, address)


@often
@given(any_text)
@example("=?utf-8?q?a=0ABcc:_evil=40example.com?=")
@example("a\r\nBcc: evil@example.com")
@example("x" * 2000)
@example("\ud800")
def test_no_text_becomes_more_than_its_subject(text: str) -> None:
    sent = written("Subject", text_header("Subject", text))
    for read in subject_read(sent):
        assert len(read) <= MOST_TEXT * 2
        assert "=?" not in read
        assert read.isprintable() or not set(read) & set("\r\n\0\x0b\x85\u2028\u2029\u202e\u2066")


@often
@given(any_text)
@example('"><script>')
@example("a@b.example, c")
@example("evil <evil@example.com>,")
@example("\\")
def test_no_name_becomes_more_than_a_name(text: str) -> None:
    sent = written("To", mailbox_header("To", display=text, address="a.b@example.jp"))
    assert mailbox_read(sent)[1] == "a.b@example.jp"


def test_no_encoded_word_adds_a_header() -> None:
    """As Python's own folding lets this one (seen in 3.11.7), which is why it is not used."""
    sent = written("Subject", text_header("Subject", "=?utf-8?q?a=0ABcc:_evil=40example.com?="))
    assert message_from_bytes(sent).keys() == ["Subject"]


def test_what_reads_a_subject_and_writes_it_anew_adds_nothing_either() -> None:
    sent = written("Subject", text_header("Subject", "縁=?utf-8?q?a=0ABcc:_evil=40x?="))
    again = EmailMessage(policy=policy.SMTP)
    again["Subject"] = str(message_from_bytes(sent, policy=policy.default)["Subject"])
    assert message_from_bytes(again.as_bytes()).keys() == ["Subject"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 new suggestions", "3 new suggestions"),
        ("two  spaces", "two spaces"),
        ("a\r\nb\x00c\u202ed", "a bcd"),
        ("縁", "=?utf-8?b?57iB?="),
        ("=?x?=", "= ?x?="),
        ("", ""),
    ],
)
def test_a_subject_is_written_like_this(text: str, value: str) -> None:
    assert text_header("Subject", text) == value


@pytest.mark.parametrize(
    ("display", "value"),
    [
        ("", "a@example.jp"),
        ("Jane Doe", "Jane Doe <a@example.jp>"),
        ('Doe, "J."', '"Doe, \\"J.\\"" <a@example.jp>'),
        ("佐藤　明", "=?utf-8?b?5L2Q6Jek44CA5piO?= <a@example.jp>"),
        ("x" * 90, f"=?utf-8?b?{'eHh4' * 15}?=\n =?utf-8?b?{'eHh4' * 15}?=\n <a@example.jp>"),
    ],
)
def test_a_mailbox_is_written_like_this(display: str, value: str) -> None:
    assert mailbox_header("To", display=display, address="a@example.jp") == value


def test_a_text_that_is_too_long_is_cut() -> None:
    sent = written("Subject", text_header("Subject", "縁" * 5000))
    assert subject_read(sent) == {"縁" * (MOST_TEXT - 1) + "…"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@example.jp",
        "a@example.jp\r\nBcc: b@example.jp",
        "a@example.jp\n",
        "a@example.jp, b@example.jp",
        "a b@example.jp",
        "<a@example.jp>",
        "佐藤@example.jp",
        "a@例え.jp",
        "a..b@example.jp",
        '"a"@example.jp',
        "a@[127.0.0.1]",
        "x" * 65 + "@example.jp",
        "a@" + "x" * 260 + ".jp",
        "a\x00@example.jp",
        "a\u2028@example.jp",
    ],
)
def test_an_address_that_cannot_be_written_is_refused(address: str) -> None:
    with pytest.raises(MailFormatError, match="To: ") as refused:
        mailbox_header("To", display="x", address=address)
    assert not address or address == "a" or address not in str(refused.value)


@pytest.mark.parametrize("text", ["", "x", "<x>", "<a@b>\r\nX: y", "<a b@c>", "<あ@b>", "<a=?b@c>"])
def test_a_message_id_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MailFormatError, match="Message-ID"):
        message_id_header("Message-ID", text)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "mailto:a@example.jp",
        "https://",
        "https://a b/",
        "https://example.jp/\r\nX: y",
        "https://example.jp/>",
        'https://example.jp/"onclick=',
        "https://user@example.jp/",
        "https://例え.jp/",
        "https://example.jp/=?utf-8?q?x?=",
    ],
)
def test_a_link_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(MailFormatError):
        checked_url(url)
    with pytest.raises(MailFormatError):
        url_header("List-Unsubscribe", url)


def test_a_long_link_stands_on_a_line_of_its_own() -> None:
    url = "https://enmusubi.example/mail/" + "x" * 120
    value = url_header("List-Unsubscribe", url)
    message = EmailMessage(policy=WIRE)
    message["List-Unsubscribe"] = value
    assert message.as_bytes().split(b"\r\n")[1] == f" <{url}>".encode()
    assert message_from_bytes(message.as_bytes())["List-Unsubscribe"].strip() == f"<{url}>"


def test_a_time_without_a_zone_is_refused() -> None:
    assert date_header(datetime(2026, 4, 1, 6, tzinfo=UTC)) == "Wed, 01 Apr 2026 06:00:00 +0000"
    with pytest.raises(MailFormatError, match="time zone"):
        date_header(datetime(2026, 4, 1, 6))  # noqa: DTZ001  # what is tested
