"""The pages behind the links of a mail."""

import base64
import hashlib
import re
from typing import get_args

import pytest

from app.emails.content import Language
from app.emails.pages import (
    DECLINE_REASONS,
    PAGE_POLICY,
    PAGE_STYLE_HASH,
    REASON_FIELD,
    AnswerPage,
    PageKind,
    answer_page,
)
from models import DeclineReason
from tests.app.emails.test_digest import HOSTILE, Page

KINDS = get_args(PageKind)
ASKING = ("accept", "decline", "later", "stop")
ACTION = "/mail/abc"

kinds = pytest.mark.parametrize("kind", KINDS)
languages = pytest.mark.parametrize("language", ["ja", "en"])


@kinds
@languages
def test_a_page_that_asks_has_one_form_with_one_button(language: Language, kind: PageKind) -> None:
    page = Page(answer_page(AnswerPage(language, kind, about=("題",), action=ACTION)))
    asks = kind in ASKING
    assert page.tags.count("form") == page.tags.count("button") == int(asks)
    assert (
        (("method", "post") in page.attributes) == (("action", ACTION) in page.attributes) == asks
    )
    assert ("lang", language) in page.attributes
    chosen = [value for name, value in page.attributes if name == "value"]
    assert chosen == (
        ["not_my_field", "no_time", "terms", "already_in_touch", "other"]
        if kind == "decline"
        else []
    )
    assert "題" in page.text


@kinds
@languages
def test_it_works_under_its_policy(language: Language, kind: PageKind) -> None:
    html = answer_page(AnswerPage(language, kind, about=(HOSTILE,), action=ACTION, message=HOSTILE))
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" == PAGE_STYLE_HASH
    assert f"style-src '{PAGE_STYLE_HASH}'" in PAGE_POLICY
    page = Page(html)
    assert not set(page.tags) & {"script", "img", "link", "iframe", "a"}
    assert not {name for name, _ in page.attributes} & {"src", "href", "style", "onclick"}
    assert "url(" not in html
    assert "\u202e" not in html
    assert "<script>alert(1)</script>" in page.text


@languages
def test_the_reasons_are_reasons(language: Language) -> None:
    reasons = DECLINE_REASONS[language]
    assert all(DeclineReason(value) and label for value, label in reasons)
    html = answer_page(AnswerPage(language, "decline", action=ACTION, reasons=(("<x>", "<y>"),)))
    page = Page(html)
    assert ("value", "<x>") in page.attributes
    assert ("name", REASON_FIELD) in page.attributes
    assert "<y>" in page.text


def test_an_action_cannot_leave_its_attribute() -> None:
    page = Page(answer_page(AnswerPage("ja", "stop", action='/x" onfocus="alert(1)')))
    assert "onfocus" not in dict(page.attributes)
