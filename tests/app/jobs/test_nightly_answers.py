"""From one night to the next: what is answered by a mail's links, and what the log tells."""

import email
import email.policy
import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.nightly import run_nightly
from app.jobs.run_tools import Ending, Order
from app.services.corpus import Engine
from app.services.mail_answers import answer
from app.services.mail_links import find_link
from app.settings import Settings
from models import Account, DeclineReason, LinkPurpose, Mail, Need, Role, Suggestion
from tests.app.emails.sink import Received, Sink, running
from tests.app.jobs.night_region import SUBJECTS, Night

SINK = "mail.log"
"""Logger of the server that stands in for the world, in the same process."""
TOKENS = re.compile(r"/mail/([\w-]{43})")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running() as sink:
        yield sink


@pytest.fixture
def night(database: Database, engine: Engine, settings: Settings, sink: Sink) -> Night:
    return Night.of(database, engine, settings, sink)


def text_of(received: Received) -> str:
    """Its part of plain text, as a mail program reads it."""
    message = email.message_from_bytes(received.content, policy=email.policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def suggestions_of(night: Night, partner: Account) -> int:
    with night.database.reading(SYSTEM) as session:
        mine = select(func.count()).where(Suggestion.partner_id == partner.partner_id)
        return session.scalar(mine) or 0


def declined(night: Night, account: Account, received: Received, reason: DeclineReason) -> None:
    """Press the first link to decline that is in the mail."""
    with night.database.writing(SYSTEM) as session:
        links = [
            find_link(session, token, lock=True) for token in TOKENS.findall(text_of(received))
        ]
        link = next(each for each in links if each and each.purpose is LinkPurpose.DECLINE)
        assert link.account_id == account.id
        answer(session, link, reason=reason, now=night.now, today=night.now.date())


def test_a_partner_without_time_is_left_alone(night: Night, sink: Sink) -> None:
    assert run_nightly(night.tools(), Order()).ending is Ending.FINISHED
    with night.database.reading(SYSTEM) as session:
        statement = select(Account).join(Mail, Mail.account_id == Account.id)
        found = session.scalars(statement.where(Account.role == Role.PARTNER).limit(2)).all()
    partner, other = found
    (received,) = (each for each in sink.received if each.recipients == (partner.email,))
    before = suggestions_of(night, partner), suggestions_of(night, other)
    night.now += timedelta(hours=6)
    declined(night, partner, received, DeclineReason.NO_TIME)
    night.now += timedelta(hours=18)
    assert run_nightly(night.tools(), Order()).ending is Ending.FINISHED
    assert suggestions_of(night, partner) == before[0]
    assert suggestions_of(night, other) > before[1], "as it would have been"


def test_no_text_name_address_or_token_stands_in_the_log(
    night: Night, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        run_nightly(night.tools(), Order())
    ours = [each for each in caplog.records if each.name != SINK]
    told = "\n".join(caplog.handler.format(record) for record in ours)
    assert "state=sent" in told
    with night.database.reading(SYSTEM) as session:
        titles = session.scalars(select(Need.title_en)).all()
        people = session.execute(select(Account.name, Account.email)).all()
    tokens = {token for each in sink.received for token in TOKENS.findall(text_of(each))}
    assert len(tokens) > 12
    secrets = [*titles, *SUBJECTS, *(text for row in people for text in row), *tokens]
    assert [text for text in secrets if text and text in told] == []
