"""Fingerprints of what was matched: another one says that a need or a partner has changed.

They are keyed digests, so that nobody who reads one can find out a text by guessing. Spelling that
the engine does not tell apart (spaces, full width, punctuation) changes nothing.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.keyring import digest
from app.services.needs import query_of
from matching.text import tokens
from models import Capability, Need, Partner


def need_fingerprint(need: Need) -> str:
    """Of the need's words, the ways of working it wants and whom it excludes (64 hex digits)."""
    query = query_of(need)
    return digest(
        "links",
        "need",
        " ".join(tokens(query.text)),
        "|".join(sorted(query.engagement_types)),
        "|".join(sorted(query.excluded_organisations)),
        "|".join(sorted(query.excluded_evidence)),
    )


def partner_fingerprints(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """By partner: of its evidence, the ways of working it accepts and its organisation."""
    texts: dict[UUID, list[str]] = {}
    # All are read: a list of thousands of ids is more than some databases take as parameters.
    for partner_id, text in session.execute(select(Capability.partner_id, Capability.content_hash)):
        texts.setdefault(partner_id, []).append(text)
    wanted = set(ids)
    rows = session.execute(select(Partner.id, Partner.engagement_types, Partner.organisation_id))
    return {
        row.id: digest(
            "links",
            "partner",
            "|".join(sorted(texts.get(row.id, ()))),
            "|".join(sorted(row.engagement_types)),
            str(row.organisation_id or ""),
        )
        for row in rows
        if row.id in wanted
    }
