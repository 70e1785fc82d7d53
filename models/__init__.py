"""SQLAlchemy ORM, one table family a file."""

from models.api_key import ApiKey
from models.base import Base, new_id, utc_now
from models.capability import Capability
from models.cluster import Cluster, need_clusters, organisation_clusters, partner_clusters
from models.embedding import Embedding
from models.encoder import StoredEncoder
from models.enums import (
    CapabilityKind,
    Confidentiality,
    EncoderUse,
    EngagementType,
    LicenceStatus,
    NameKeyKind,
    NeedKind,
    NeedStatus,
    OrganisationKind,
    PartnerKind,
    Role,
)
from models.match import Match, MatchRun
from models.name import (
    DistinctPartners,
    PartnerAlias,
    organisation_name_keys,
    partner_name_keys,
)
from models.need import Need
from models.organisation import Organisation
from models.partner import Partner, Unavailability
from models.revision import CorpusRevision

__all__ = [
    "ApiKey",
    "Base",
    "Capability",
    "CapabilityKind",
    "Cluster",
    "Confidentiality",
    "CorpusRevision",
    "DistinctPartners",
    "Embedding",
    "EncoderUse",
    "EngagementType",
    "LicenceStatus",
    "Match",
    "MatchRun",
    "NameKeyKind",
    "Need",
    "NeedKind",
    "NeedStatus",
    "Organisation",
    "OrganisationKind",
    "Partner",
    "PartnerAlias",
    "PartnerKind",
    "Role",
    "StoredEncoder",
    "Unavailability",
    "need_clusters",
    "new_id",
    "organisation_clusters",
    "organisation_name_keys",
    "partner_clusters",
    "partner_name_keys",
    "utc_now",
]
