"""Fingerprints: what counts as a change, and what does not."""

import pytest
from sqlalchemy.orm import Session

from app.services.fingerprints import need_fingerprint, partner_fingerprints
from tests.factories import make_capability, make_need, make_partner


def test_spelling_that_is_not_told_apart_changes_nothing(session: Session) -> None:
    need = make_need(session, title_en="Citrus juice turns brown", title_ja=None)
    before = need_fingerprint(need)
    need.title_en = "Ｃｉｔｒｕｓ  juice, turns brown!"
    assert need_fingerprint(need) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title_en", "Citrus juice turns bitter"),
        ("engagement_types", ["licence"]),
        ("excluded_organisations", ["x"]),
        ("excluded_evidence", ["x"]),
    ],
)
def test_what_is_matched_changes_it(session: Session, field: str, value: object) -> None:
    need = make_need(session, title_en="Citrus juice turns brown", title_ja=None)
    before = need_fingerprint(need)
    setattr(need, field, value)
    assert need_fingerprint(need) != before


def test_more_evidence_changes_a_partner(session: Session) -> None:
    partner, other = make_partner(session), make_partner(session)
    before = partner_fingerprints(session, [partner.id, other.id])
    make_capability(session, partner)
    after = partner_fingerprints(session, [partner.id, other.id])
    assert after[partner.id] != before[partner.id]
    assert after[other.id] == before[other.id]


def test_only_those_asked_for_are_given(session: Session) -> None:
    partner = make_partner(session)
    make_partner(session)
    assert set(partner_fingerprints(session, [partner.id])) == {partner.id}
