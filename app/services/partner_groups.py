"""How many partners of the region share what a company may see of one of them."""

from collections import Counter
from collections.abc import Collection
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Cluster, Partner, partner_clusters

Group = tuple[str | None, str | None]
"""Kind and cluster of partners; None stands for any."""

ANYBODY: Final[Group] = (None, None)


def count_groups(session: Session, *, clusters: Collection[str] | None = None) -> dict[Group, int]:
    """The number of partners in each group, by two statements; `clusters`: of no others."""
    counted: Counter[Group] = Counter()
    kinds = select(Partner.kind, func.count()).group_by(Partner.kind)
    for kind, number in session.execute(kinds):
        counted[ANYBODY] += number
        counted[kind.value, None] += number
    members = (
        select(Partner.kind, Cluster.slug, func.count())
        .join(partner_clusters, partner_clusters.c.partner_id == Partner.id)
        .join(Cluster, Cluster.id == partner_clusters.c.cluster_id)
        .group_by(Partner.kind, Cluster.slug)
    )
    if clusters is not None:
        members = members.where(Cluster.slug.in_(clusters))
    for kind, slug, number in session.execute(members):
        counted[kind.value, slug] += number
        counted[None, slug] += number
    return dict(counted)
