"""Who may be mailed: every reason against it, alone and among all."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.services.mail_suppressions import address_digest
from app.services.recipients import may_be_mailed, recipients
from models import (
    Account,
    DigestFrequency,
    MailSuppression,
    Role,
    Withheld,
    utc_now,
)
from tests.app.digesting import NOW, TODAY, consent, make_recipient
from tests.factories import make_organisation, make_partner

TUESDAY = date(2026, 12, 1)


def company(session: Session, **values: Any) -> Account:
    """A company's account."""
    return make_recipient(
        session, Role.COMPANY, organisation_id=make_organisation(session).id, **values
    )


def both(session: Session, account: Account) -> Withheld | None:
    """Why it may not be mailed, by the recheck; the list of a run must say the same."""
    reason = may_be_mailed(session, account, now=NOW)
    listed = recipients(session, now=NOW, day=TODAY, weekday="monday")
    assert (account in listed) == (reason is None)
    return reason


def test_staff_needs_no_consent(session: Session) -> None:
    assert both(session, make_recipient(session, consents=False)) is None


@pytest.mark.parametrize("role", [Role.COMPANY, Role.PARTNER])
def test_others_do(session: Session, role: Role) -> None:
    bound = (
        {"organisation_id": make_organisation(session).id}
        if role is Role.COMPANY
        else {"partner_id": make_partner(session).id}
    )
    account = make_recipient(session, role, consents=False, **bound)
    assert both(session, account) is Withheld.NO_CONSENT
    consent(session, account)
    assert both(session, account) is None
    consent(session, account, given=False, at=NOW)
    assert both(session, account) is Withheld.NO_CONSENT
    consent(session, account, at=NOW + timedelta(seconds=-1))
    assert both(session, account) is Withheld.NO_CONSENT, "recorded later, but of before"


def test_of_two_records_of_one_moment_the_later_counts(session: Session) -> None:
    account = company(session, consents=False)
    consent(session, account, at=NOW)
    consent(session, account, given=False, at=NOW)
    assert both(session, account) is Withheld.NO_CONSENT


def test_a_consent_of_tomorrow_is_none_yet(session: Session) -> None:
    account = company(session, consents=False)
    consent(session, account, at=NOW + timedelta(days=1))
    assert both(session, account) is Withheld.NO_CONSENT


def test_a_withdrawal_of_tomorrow_counts(session: Session) -> None:
    account = company(session)
    consent(session, account, given=False, at=NOW + timedelta(days=1))
    assert both(session, account) is Withheld.NO_CONSENT


def test_a_consent_is_nobody_elses(session: Session) -> None:
    company(session)
    assert both(session, company(session, consents=False)) is Withheld.NO_CONSENT


def _disable(account: Account) -> None:
    account.disabled_at = utc_now()


def _lose_address(account: Account) -> None:
    account.email = None


def _refuse(account: Account) -> None:
    account.digest_frequency = DigestFrequency.NEVER


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_disable, Withheld.DISABLED),
        (_lose_address, Withheld.NO_ADDRESS),
        (_refuse, Withheld.NEVER),
    ],
    ids=["disabled", "no address", "never"],
)
@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.COMPANY])
def test_what_speaks_against_it(
    session: Session, role: Role, change: Callable[[Account], None], reason: Withheld
) -> None:
    account = company(session) if role is Role.COMPANY else make_recipient(session)
    assert both(session, account) is None
    change(account)
    session.flush()
    assert both(session, account) is reason


def test_an_address_that_a_server_refused(session: Session) -> None:
    account, other = company(session), company(session)
    session.add(MailSuppression(digest=address_digest(str(account.email)), smtp_code=550))
    session.flush()
    assert both(session, account) is Withheld.SUPPRESSED
    assert both(session, other) is None
    account.email = "new@example.jp"
    session.flush()
    assert both(session, account) is None


def test_weekly_ones_have_their_day_in_which_they_are_listed(session: Session) -> None:
    daily = make_recipient(session)
    weekly = make_recipient(session, digest_frequency=DigestFrequency.WEEKLY)
    assert recipients(session, now=NOW, day=TODAY, weekday="monday") == [daily, weekly]
    assert recipients(session, now=NOW, day=TUESDAY, weekday="monday") == [daily]
    assert recipients(session, now=NOW, day=TUESDAY, weekday="tuesday") == [daily, weekly]
    assert may_be_mailed(session, weekly, now=NOW + timedelta(days=1)) is None


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MACHINE])
def test_other_roles_get_none(session: Session, role: Role) -> None:
    make_recipient(session, role)
    assert recipients(session, now=NOW, day=TODAY, weekday="monday") == []
