"""Clusters."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import conflict, invalid
from app.schemas.cluster import ClusterIn
from app.services.paging import PageOf, page
from models import Cluster


def create_cluster(session: Session, values: ClusterIn) -> Cluster:
    """Store a new cluster; Problem 409 if the slug is taken."""
    if session.scalar(select(Cluster).where(Cluster.slug == values.slug)) is not None:
        raise conflict("There is already a cluster with this slug.")
    cluster = Cluster(**values.model_dump())
    session.add(cluster)
    session.flush()
    return cluster


def list_clusters(session: Session, *, cursor: str | None, limit: int) -> PageOf[Cluster]:
    """A page of clusters."""
    return page(session, select(Cluster), Cluster, cursor=cursor, limit=limit)


def clusters_by_slug(session: Session, slugs: Collection[str]) -> list[Cluster]:
    """The clusters named; Problem 422 that says which of them do not exist."""
    if not slugs:
        return []
    found = session.scalars(select(Cluster).where(Cluster.slug.in_(slugs))).all()
    unknown = set(slugs) - {cluster.slug for cluster in found}
    if unknown:
        places = ", ".join(str(n) for n, slug in enumerate(slugs, 1) if slug in unknown)
        raise invalid("clusters", f"number {places} does not exist: GET /v1/clusters lists all")
    return sorted(found, key=lambda cluster: cluster.slug)
