"""Clusters."""

from http import HTTPStatus

from fastapi import APIRouter

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentPage, ReadSession, WriteSession
from app.schemas.cluster import ClusterIn, ClusterOut
from app.schemas.common import Page
from app.services import clusters

router = APIRouter(prefix="/clusters", tags=["clusters"], route_class=ApiRoute)


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Action.WRITE_CLUSTER)
def create_cluster(body: ClusterIn, session: WriteSession, actor: CurrentActor) -> ClusterOut:
    """Add a regional theme."""
    return ClusterOut.model_validate(clusters.create_cluster(session, body))


@router.get("")
@rule(Action.READ_CLUSTER)
def list_clusters(session: ReadSession, actor: CurrentActor, page: CurrentPage) -> Page[ClusterOut]:
    """All regional themes."""
    found = clusters.list_clusters(session, cursor=page.cursor, limit=page.limit)
    return Page[ClusterOut].model_validate(found, from_attributes=True)
