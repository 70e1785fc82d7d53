"""Digests as mails."""

import re
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

import pytest

from app.emails.content import Digest, Group, Language, Pair, Sender, Waiting
from app.emails.digest import digest_mail, lacks
from app.emails.headers import MailFormatError
from app.emails.wire import as_sent
from app.emails.wrapping import WIDTH, columns
from models import Side
from tests.app.emails.examples import (
    AT,
    COMPANY,
    COORDINATOR,
    DAY,
    DIGESTS,
    HOST,
    MESSAGE_ID,
    ONE_CLICK,
    PARTNER,
    PARTNER_EN,
    SENDER,
    STOP,
    example_mail,
    links,
    part,
)

HOSTILE: Final = (
    '<script>alert(1)</script><img src="https://evil.example/x.png">"\'&\r\nBcc: evil@example.com'
    "\r\n\r\nhttps://evil.example/ \u202ekcilc www.evil.example {{ 7*7 }} {% raw %} "
    "=?utf-8?q?=0A?= \ud800"
)

examples = pytest.mark.parametrize("digest", DIGESTS.values(), ids=DIGESTS)


class Page(HTMLParser):
    """What a browser would find in an HTML part."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def links(self) -> list[str]:
        """In their order."""
        return [value for name, value in self.attributes if name == "href"]

    @property
    def text(self) -> str:
        """All words."""
        return " ".join("".join(self.words).split())


def urls_in(text: str) -> list[str]:
    return re.findall(r"[a-z]+://[^\s\"<>]+", text)


def expected_links(digest: Digest) -> list[str]:
    """All that a mail with this digest must offer."""
    found = [
        link
        for group in digest.groups
        for pair in sorted(group.pairs, key=lambda pair: not pair.is_new)
        if pair.links
        for link in (pair.links.accept, pair.links.decline, pair.links.later)
    ]
    return [*found, STOP]


def mail(
    digest: Digest,
    *,
    stop_url: str | None = STOP,
    one_click_url: str | None = ONE_CLICK,
    sender: Sender = SENDER,
    message_id: str = MESSAGE_ID,
) -> EmailMessage:
    return digest_mail(
        digest,
        sender=sender,
        to="recipient@enmusubi.example",
        message_id=message_id,
        at=AT,
        stop_url=stop_url,
        one_click_url=one_click_url,
    )


def everywhere(text: str, digest: Digest = COORDINATOR) -> Digest:
    """The digest with that text in each place that others fill."""
    pair = Pair(text, text, text, is_new=True, links=links("z"))
    return replace(
        digest,
        recipient=text,
        groups=(Group(text, text, (pair,)),),
        waiting=(Waiting(text, text, text),),
    )


@examples
def test_both_parts_carry_all_links_and_no_others(digest: Digest) -> None:
    message = example_mail(digest)
    assert Page(part(message, "html")).links == expected_links(digest)
    assert urls_in(part(message, "plain")) == expected_links(digest)


@examples
def test_both_parts_say_the_same(digest: Digest) -> None:
    message = example_mail(digest)
    html = Page(part(message, "html")).text.replace(" ", "")
    text = part(message, "plain")
    flat = "".join(text.split())
    said = [digest.recipient]
    for group in digest.groups:
        said += [group.heading, group.about]
        said += [words for pair in group.pairs for words in (pair.who, pair.reason, pair.evidence)]
    said += [words for each in digest.waiting for words in (each.title, each.step, each.reference)]
    for words in said:
        assert "".join(words.split()) in html
        assert "".join(words.split()) in flat


@examples
def test_the_text_has_lines_to_read_and_links_on_lines_of_their_own(digest: Digest) -> None:
    for line in part(example_mail(digest), "plain").splitlines():
        assert columns(line) <= WIDTH or "://" in line
        assert "://" not in line or urls_in(line) == [line.strip()]


@examples
def test_nothing_is_loaded_from_anywhere(digest: Digest) -> None:
    html = part(example_mail(digest), "html")
    page = Page(html)
    assert not set(page.tags) & {"img", "script", "link", "iframe", "form", "object", "video"}
    assert not {name for name, _ in page.attributes} & {"src", "background", "srcset", "onclick"}
    assert "url(" not in html
    assert "@import" not in html
    assert {urlsplit(url).netloc for url in urls_in(html)} == {urlsplit(HOST).netloc}


@examples
def test_it_is_marked_as_mail_that_a_program_sent(digest: Digest) -> None:
    read = message_from_bytes(as_sent(example_mail(digest)), policy=policy.default)
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["List-Unsubscribe"].strip() == f"<{ONE_CLICK}>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read["Content-Language"] == digest.language
    assert read["Message-ID"] == MESSAGE_ID
    assert read["Date"].datetime == AT
    assert [address.addr_spec for address in read["To"].addresses] == ["recipient@enmusubi.example"]
    assert [address.addr_spec for address in read["From"].addresses] == [SENDER.address]
    assert read.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in read.iter_parts()] == ["text/plain", "text/html"]
    assert [p.get_content_charset() for p in read.iter_parts()] == ["utf-8", "utf-8"]
    assert f'<html lang="{digest.language}">' in part(example_mail(digest), "html")


@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_each_mail_names_its_sender_and_the_way_out(subtype: str) -> None:
    for digest in DIGESTS.values():
        said = part(mail(digest), subtype)
        assert SENDER.name in said
        assert SENDER.postal_address in said
        assert SENDER.contact in said
        assert STOP in said
    assert "同意された方" in part(mail(PARTNER), subtype)
    assert "同意された方" in part(mail(COMPANY), subtype)
    assert "コーディネーターとして" in part(mail(COORDINATOR), subtype)


@pytest.mark.parametrize("lacking", ["name", "address", "postal_address", "contact"])
def test_a_sender_who_is_not_named_sends_nothing(lacking: str) -> None:
    sender = replace(SENDER, **{lacking: " " if lacking != "address" else ""})
    assert lacks(sender) == [lacking]
    with pytest.raises(MailFormatError, match=lacking):
        mail(COORDINATOR, sender=sender)


@pytest.mark.parametrize(
    ("digest", "subject"),
    [
        (COORDINATOR, "[縁結び] 新しい候補 2件、手続き待ちの紹介 1件（2026年4月1日）"),
        (COMPANY, "[縁結び] 新しい候補 2件（2026年4月1日）"),
        (PARTNER, "[縁結び] 新しいニーズ 1件、手続き待ちの紹介 1件（2026年4月1日）"),
        (PARTNER_EN, "[Enmusubi] 1 new need, 1 April 2026"),
        (
            replace(COORDINATOR, language="en"),
            "[Enmusubi] 2 new suggestions, 1 introduction waiting for you, 1 April 2026",
        ),
        (
            replace(PARTNER_EN, groups=(), waiting=COORDINATOR.waiting * 2, day=date(2026, 12, 31)),
            "[Enmusubi] 2 introductions waiting for you, 31 December 2026",
        ),
        (
            replace(PARTNER, groups=(Group("", "", (PARTNER_EN.groups[0].pairs[1],)),), waiting=()),
            "[縁結び] 回答待ちのニーズ 1件（2026年4月1日）",
        ),
    ],
)
def test_the_subject_says_what_is_new(digest: Digest, subject: str) -> None:
    assert str(mail(digest)["Subject"]) == subject


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_no_header_holds_a_title_or_who_is_suggested(side: Side, language: Language) -> None:
    canary = "canary-4711"
    digest = replace(everywhere(canary), side=side, language=language, recipient="Jane")
    message = mail(digest)
    head = as_sent(message).partition(b"\r\n\r\n")[0].decode()
    assert canary not in head
    assert canary not in str(message["Subject"])
    assert canary in part(message, "plain")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_hostile_texts_stay_texts(language: Language) -> None:
    message = mail(replace(everywhere(HOSTILE), language=language))
    sent = as_sent(message)
    assert b"evil@" not in sent.partition(b"\r\n\r\n")[0]
    read = message_from_bytes(sent, policy=policy.default)
    assert sorted(read.keys()) == sorted(example_mail(COORDINATOR).keys())
    html = part(message, "html")
    page = Page(html)
    assert not set(page.tags) & {"script", "img"}
    assert not {name for name, _ in page.attributes} & {"src", "onclick", "onerror"}
    assert {urlsplit(url).netloc for url in urls_in(html)} == {urlsplit(HOST).netloc}
    assert {urlsplit(url).netloc for url in urls_in(part(message, "plain"))} == {
        urlsplit(HOST).netloc
    }
    for said in (page.text, part(message, "plain")):
        assert "{{ 7*7 }}" in said
        assert "<script>alert(1)</script>" in said
        assert "\u202e" not in said


@pytest.mark.parametrize("text", ["あ" * 5000, "x" * 5000, "\x00", "\ud800", "=?utf-8?q?=0A?="])
def test_odd_texts_are_sent_right(text: str) -> None:
    as_sent(mail(everywhere(text)))


@pytest.mark.parametrize("bad", ["javascript:alert(1)", "https://a/ b", 'https://a/"><b>', ""])
def test_a_link_that_is_none_is_refused(bad: str) -> None:
    group = COORDINATOR.groups[0]
    pair = replace(group.pairs[0], links=replace(links("a"), later=bad))
    digest = replace(COORDINATOR, groups=(replace(group, pairs=(pair,)),))
    with pytest.raises(MailFormatError, match="link"):
        mail(digest)
    with pytest.raises(MailFormatError, match="link"):
        mail(COORDINATOR, stop_url=bad or "x")


def test_one_click_needs_https() -> None:
    message = mail(COORDINATOR, one_click_url="http://localhost:8000/mail/x/one-click")
    assert message["List-Unsubscribe"].strip() == f"<{STOP}>"
    assert "List-Unsubscribe-Post" not in message


def test_what_is_new_stands_first_and_is_marked() -> None:
    group = COORDINATOR.groups[0]
    turned = replace(COORDINATOR, groups=(replace(group, pairs=group.pairs[::-1]),))
    text = part(mail(turned), "plain")
    assert text.index("1. [新着] 黒木") < text.index("2. 児湯")
    assert "2026年3月18日に提案、回答待ち" in text
    assert text.count("[新着]") == 1


@pytest.mark.parametrize(
    ("left_out", "said"), [(0, None), (1, "One more is left out"), (7, "7 more are left out")]
)
def test_it_is_said_how_many_were_left_out(left_out: int, said: str | None) -> None:
    message = mail(replace(PARTNER_EN, left_out=left_out))
    for subtype in ("plain", "html"):
        text = part(message, subtype)
        assert said in text if said else "left out" not in text


def test_a_long_mail_names_the_way_out_at_its_start_too() -> None:
    """Some mail programs cut off the end."""
    group = COORDINATOR.groups[0]
    for pairs, first in ((20, links("a").accept), (21, STOP)):
        digest = replace(COORDINATOR, groups=(replace(group, pairs=group.pairs[:1] * pairs),))
        html = part(mail(digest), "html")
        found = Page(html).links
        assert found[0] == first
        assert found[-1] == STOP
        start = html.partition(links("a").accept)[0]
        assert (SENDER.postal_address in start) == (first == STOP)


def test_a_preview_says_that_it_is_one_and_links_to_nothing() -> None:
    pair = replace(COMPANY.groups[0].pairs[0], links=None)
    digest = replace(COMPANY, groups=(replace(COMPANY.groups[0], pairs=(pair,)),))
    nobody = Sender(name="", address="", postal_address="", contact="")
    message = mail(digest, stop_url=None, one_click_url=None, sender=nobody)
    assert "List-Unsubscribe" not in message
    for subtype in ("plain", "html"):
        assert "これは見本です" in part(message, subtype)
        assert "未設定" in part(message, subtype)
        assert not urls_in(part(message, subtype))
    assert not Page(part(message, "html")).links
    as_sent(message)


def test_the_same_mail_is_made_again_to_the_byte() -> None:
    assert as_sent(example_mail(PARTNER)) == as_sent(example_mail(PARTNER))


def test_the_date_is_that_of_the_digest() -> None:
    assert COORDINATOR.day == DAY
    assert "2026年4月1日" in part(mail(COORDINATOR), "html")


def luminance(colour: str) -> float:
    """Relative, by WCAG 2."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str) -> float:
    high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_letters_stand_out_from_what_is_behind_them() -> None:
    block, html = part(example_mail(COORDINATOR), "html").split("</style>")
    inks = set(re.findall(r"[\";]color:(#[0-9a-f]{6})", html)) - {"#ffffff"}
    own = set(re.findall(r"background:(#[0-9a-f]{6});color:(#[0-9a-f]{6})", html))
    assert inks
    assert own
    assert min(contrast(ink, "#ffffff") for ink in inks) >= 4.5
    assert min(contrast(ink, ground) for ground, ink in own) >= 4.5
    dark = set(re.findall(r"\{color:(#[0-9a-f]{6})!important\}", block))
    assert min(contrast(ink, "#1c242b") for ink in dark) >= 4.5
