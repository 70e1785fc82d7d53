"""A made-up region written into an empty database, for `bench` to serve from."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.services.changes import note_all_changed
from app.services.embeddings import store_vectors
from matching.corpus import Evidence, Partner
from matching.encoders import Encoder
from matching.synthetic import Region, Request
from matching.text import bilingual_text, content_hash
from models import (
    Capability,
    Cluster,
    Confidentiality,
    Need,
    NeedKind,
    NeedStatus,
    Organisation,
    OrganisationKind,
    PartnerKind,
    Unavailability,
)
from models import Partner as PartnerRow
from models.base import new_id
from models.cluster import need_clusters, partner_clusters

ROWS: Final = 5_000
"""Written in one statement."""
KINDS: Final = {"support": PartnerKind.SUPPORT_INSTITUTION}
"""Of partners in a made-up region, where they are named otherwise than in the database."""

Ids = Mapping[str, UUID]


def fill(session: Session, region: Region, encoder: Encoder) -> list[UUID]:
    """Write the region and its vectors as those of the encoder, whose dimension must be the same;
    returns the ids of its needs, one for each request, all open and `staff_only`.
    """
    clusters, organisations = _places(session, region)
    partners = {partner.id: new_id() for partner in region.partners}
    _write_partners(session, region.partners, partners, organisations, clusters)
    rows = [_capability(piece, partners[piece.partner]) for piece in region.evidence]
    _write(session, Capability.__table__, rows)
    vectors = {row["content_hash"]: v for row, v in zip(rows, region.vectors, strict=True)}
    store_vectors(session, vectors, encoder, "passage")
    needs = _write_needs(session, region.requests, organisations, clusters)
    asked = {content_hash(request.query.text): request.vector for request in region.requests}
    store_vectors(session, asked, encoder, "query")
    note_all_changed(session)
    return needs


def _write(session: Session, table: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    remaining = iter(rows)
    while some := list(islice(remaining, ROWS)):
        session.connection().execute(insert(table), some)


def _places(session: Session, region: Region) -> tuple[Ids, Ids]:
    """Ids of the clusters and organisations that the region names, once they are written."""
    slugs, names = set[str](), set[str]()
    for partner in region.partners:
        slugs |= partner.clusters
        names |= {partner.organisation} if partner.organisation else set()
    for request in region.requests:
        slugs |= request.query.clusters
        names |= {request.query.organisation} if request.query.organisation else set()
    clusters = {slug: new_id() for slug in sorted(slugs)}
    organisations = {name: new_id() for name in sorted(names)}
    _write(
        session,
        Cluster.__table__,
        ({"id": key, "slug": slug, "name_en": slug} for slug, key in clusters.items()),
    )
    _write(
        session,
        Organisation.__table__,
        (
            {"id": key, "kind": OrganisationKind.COMPANY, "name_en": name, "external_id": name}
            for name, key in organisations.items()
        ),
    )
    return clusters, organisations


def _write_partners(
    session: Session, partners: Sequence[Partner], ids: Ids, organisations: Ids, clusters: Ids
) -> None:
    _write(
        session,
        PartnerRow.__table__,
        (
            {
                "id": ids[partner.id],
                "external_id": partner.id,
                "kind": KINDS.get(partner.kind) or PartnerKind(partner.kind),
                "name_en": f"Partner {partner.id}",
                "organisation_id": organisations.get(partner.organisation or ""),
                "languages": ["en"],
                "engagement_types": sorted(partner.engagement_types),
            }
            for partner in partners
        ),
    )
    _write(session, partner_clusters, _links("partner_id", partners, ids, clusters))
    _write(
        session,
        Unavailability.__table__,
        (
            {
                "id": new_id(),
                "partner_id": ids[partner.id],
                "start": period.start,
                "end": period.end,
            }
            for partner in partners
            for period in partner.unavailable
        ),
    )


def _links(
    column: str, partners: Sequence[Partner], ids: Ids, clusters: Ids
) -> Iterable[dict[str, UUID]]:
    for partner in partners:
        for slug in sorted(partner.clusters):
            yield {column: ids[partner.id], "cluster_id": clusters[slug]}


def _capability(piece: Evidence, partner_id: UUID) -> dict[str, Any]:
    title, _, text = piece.text.partition("\n")
    return {
        "id": new_id(),
        "partner_id": partner_id,
        "kind": piece.kind,
        "title_en": title,
        "text_en": text or None,
        "year": piece.year,
        "source": "bench",
        "external_id": piece.external_id,
        "content_hash": content_hash(bilingual_text(None, None, title, text or None)),
    }


def _write_needs(
    session: Session, requests: Sequence[Request], organisations: Ids, clusters: Ids
) -> list[UUID]:
    ids = [new_id() for _ in requests]
    rows = [
        {
            "id": key,
            "organisation_id": organisations[request.query.organisation or ""],
            "kind": NeedKind.TECHNOLOGY,
            "brief_en": request.query.text,
            "engagement_types": sorted(request.query.engagement_types),
            "prefecture": request.query.prefecture,
            "city": request.query.city,
            "confidentiality": Confidentiality.STAFF_ONLY,
            "status": NeedStatus.OPEN,
            "posted_on": request.query.posted_on,
            "excluded_evidence": sorted(request.query.excluded_evidence),
        }
        for key, request in zip(ids, requests, strict=True)
    ]
    _write(session, Need.__table__, rows)
    _write(
        session,
        need_clusters,
        (
            {"need_id": key, "cluster_id": clusters[slug]}
            for key, request in zip(ids, requests, strict=True)
            for slug in sorted(request.query.clusters)
        ),
    )
    return ids
