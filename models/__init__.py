"""SQLAlchemy ORM, one table family a file."""

from models.account import Account, ApiKey, SignInSession
from models.audit import AuditEntry
from models.base import Base, new_id, utc_now
from models.capability import Capability
from models.cluster import Cluster, need_clusters, organisation_clusters, partner_clusters
from models.embedding import Embedding
from models.encoder import StoredEncoder
from models.enums import (
    Audience,
    AuditEvent,
    CapabilityKind,
    Confidentiality,
    DeclineReason,
    EncoderUse,
    EngagementType,
    IntroductionState,
    LicenceStatus,
    NameKeyKind,
    NeedKind,
    NeedStatus,
    ObjectKind,
    OrganisationKind,
    Outcome,
    PartnerKind,
    Purpose,
    Role,
    Side,
)
from models.erasure import Erasure, Suppression
from models.idempotency import IdempotentAnswer
from models.introduction import Introduction, IntroductionNote, IntroductionStep
from models.match import Match, MatchRun
from models.name import (
    DistinctPartners,
    PartnerAlias,
    organisation_name_keys,
    partner_name_keys,
)
from models.need import Need, need_staff
from models.need_version import Disclosure, NeedVersion
from models.organisation import Organisation
from models.partner import Partner, Unavailability
from models.revision import CorpusRevision

__all__ = [
    "Account",
    "ApiKey",
    "Audience",
    "AuditEntry",
    "AuditEvent",
    "Base",
    "Capability",
    "CapabilityKind",
    "Cluster",
    "Confidentiality",
    "CorpusRevision",
    "DeclineReason",
    "Disclosure",
    "DistinctPartners",
    "Embedding",
    "EncoderUse",
    "EngagementType",
    "Erasure",
    "IdempotentAnswer",
    "Introduction",
    "IntroductionNote",
    "IntroductionState",
    "IntroductionStep",
    "LicenceStatus",
    "Match",
    "MatchRun",
    "NameKeyKind",
    "Need",
    "NeedKind",
    "NeedStatus",
    "NeedVersion",
    "ObjectKind",
    "Organisation",
    "OrganisationKind",
    "Outcome",
    "Partner",
    "PartnerAlias",
    "PartnerKind",
    "Purpose",
    "Role",
    "Side",
    "SignInSession",
    "StoredEncoder",
    "Suppression",
    "Unavailability",
    "need_clusters",
    "need_staff",
    "new_id",
    "organisation_clusters",
    "organisation_name_keys",
    "partner_clusters",
    "partner_name_keys",
    "utc_now",
]
