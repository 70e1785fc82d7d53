"""SQLAlchemy ORM, one table family a file."""

from models.account import Account, ApiKey, SignInSession
from models.audit import AuditEntry
from models.base import Base, new_id, utc_now
from models.capability import Capability
from models.cluster import (
    Cluster,
    account_clusters,
    need_clusters,
    organisation_clusters,
    partner_clusters,
)
from models.embedding import Embedding
from models.encoder import StoredEncoder
from models.enums import (
    Answer,
    Audience,
    AuditEvent,
    CapabilityKind,
    Confidentiality,
    ConsentMeans,
    DeclineReason,
    DigestFrequency,
    EncoderUse,
    EngagementType,
    HaltReason,
    IntroductionState,
    LicenceStatus,
    LinkPurpose,
    MailSection,
    MailState,
    NameKeyKind,
    NeedKind,
    NeedStatus,
    ObjectKind,
    OrganisationKind,
    Outcome,
    PartnerKind,
    Purpose,
    Role,
    RunKind,
    RunState,
    RunStep,
    Side,
    Withheld,
)
from models.erasure import Erasure, Suppression
from models.idempotency import IdempotentAnswer
from models.introduction import Introduction, IntroductionNote, IntroductionStep
from models.mail import Mail, MailConsent, MailItem, MailLink, MailReminder, MailSuppression
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
from models.passage_vector import PassageVector
from models.revision import CorpusRevision, CorpusSnapshot, PartnerChange
from models.run import MailHalt, Run
from models.suggestion import Suggestion, SuggestionAnswer

__all__ = [
    "Account",
    "Answer",
    "ApiKey",
    "Audience",
    "AuditEntry",
    "AuditEvent",
    "Base",
    "Capability",
    "CapabilityKind",
    "Cluster",
    "Confidentiality",
    "ConsentMeans",
    "CorpusRevision",
    "CorpusSnapshot",
    "DeclineReason",
    "DigestFrequency",
    "Disclosure",
    "DistinctPartners",
    "Embedding",
    "EncoderUse",
    "EngagementType",
    "Erasure",
    "HaltReason",
    "IdempotentAnswer",
    "Introduction",
    "IntroductionNote",
    "IntroductionState",
    "IntroductionStep",
    "LicenceStatus",
    "LinkPurpose",
    "Mail",
    "MailConsent",
    "MailHalt",
    "MailItem",
    "MailLink",
    "MailReminder",
    "MailSection",
    "MailState",
    "MailSuppression",
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
    "PartnerChange",
    "PartnerKind",
    "PassageVector",
    "Purpose",
    "Role",
    "Run",
    "RunKind",
    "RunState",
    "RunStep",
    "Side",
    "SignInSession",
    "StoredEncoder",
    "Suggestion",
    "SuggestionAnswer",
    "Suppression",
    "Unavailability",
    "Withheld",
    "account_clusters",
    "need_clusters",
    "need_staff",
    "new_id",
    "organisation_clusters",
    "organisation_name_keys",
    "partner_clusters",
    "partner_name_keys",
    "utc_now",
]
