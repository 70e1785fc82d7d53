"""What the audit log follows: each table of ours is named here, or left out with its reason."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

from models import (
    Account,
    ApiKey,
    AuditEntry,
    Base,
    Capability,
    Cluster,
    CorpusRevision,
    CorpusSnapshot,
    Disclosure,
    DistinctPartners,
    Embedding,
    Erasure,
    IdempotentAnswer,
    Introduction,
    IntroductionNote,
    IntroductionStep,
    Mail,
    MailConsent,
    MailHalt,
    MailItem,
    MailLink,
    MailReminder,
    MailSuppression,
    Match,
    MatchRun,
    Need,
    NeedVersion,
    ObjectKind,
    Organisation,
    Partner,
    PartnerAlias,
    PartnerChange,
    PassageVector,
    Run,
    SignInSession,
    StoredEncoder,
    Suggestion,
    SuggestionAnswer,
    Suppression,
    Unavailability,
    account_clusters,
    need_clusters,
    need_staff,
    organisation_clusters,
    organisation_name_keys,
    partner_clusters,
    partner_name_keys,
)


@dataclass(frozen=True, slots=True)
class Audited:
    """How rows of a table appear in the audit log."""

    kind: ObjectKind
    part: str | None = None
    """Rows that belong to another object: their changes are one of this field of it."""
    ids: tuple[str, ...] = ("id",)
    """Where the id of the object stands."""
    silent: frozenset[str] = frozenset()
    """Fields whose change alone makes no entry."""


AUDITED: Final[dict[type[Base], Audited]] = {
    Need: Audited(ObjectKind.NEED),
    NeedVersion: Audited(ObjectKind.NEED_VERSION),
    Disclosure: Audited(ObjectKind.DISCLOSURE),
    Introduction: Audited(ObjectKind.INTRODUCTION, silent=frozenset({"revision"})),
    IntroductionNote: Audited(ObjectKind.INTRODUCTION_NOTE),
    MatchRun: Audited(ObjectKind.MATCH_RUN),
    Organisation: Audited(ObjectKind.ORGANISATION),
    Partner: Audited(ObjectKind.PARTNER),
    Capability: Audited(ObjectKind.CAPABILITY),
    Cluster: Audited(ObjectKind.CLUSTER),
    # What failed and last worked is told by the entries sign_in and sign_in_failed.
    Account: Audited(ObjectKind.ACCOUNT, silent=frozenset({"failed_sign_ins", "last_sign_in_at"})),
    # Renewed by mere use, up to once a request.
    ApiKey: Audited(ObjectKind.API_KEY, silent=frozenset({"last_used_at"})),
    SignInSession: Audited(
        ObjectKind.SIGN_IN_SESSION, silent=frozenset({"last_seen_at", "expires_at"})
    ),
    Erasure: Audited(ObjectKind.ERASURE),
    # How far it is says the row itself; what it does is the entries of its mails.
    Run: Audited(
        ObjectKind.RUN,
        silent=frozenset(
            {"step", "encoder_id", "corpus_revision", "counts", "seconds", "report", "alerts"}
        ),
    ),
    MailHalt: Audited(ObjectKind.MAIL_HALT),
    MailConsent: Audited(ObjectKind.MAIL_CONSENT),
    SuggestionAnswer: Audited(ObjectKind.SUGGESTION_ANSWER),
    IntroductionStep: Audited(ObjectKind.INTRODUCTION, "steps", ("introduction_id",)),
    Match: Audited(ObjectKind.MATCH_RUN, "matches", ("run_id",)),
    Unavailability: Audited(ObjectKind.PARTNER, "unavailable", ("partner_id",)),
    PartnerAlias: Audited(ObjectKind.PARTNER, "aliases", ("partner_id",)),
    DistinctPartners: Audited(ObjectKind.PARTNER, "distinct", ("first_id", "second_id")),
}

SILENT: Final = frozenset({"updated_at", "name_sort", "content_hash"})
"""Of every table: set by the program along with the fields that it names."""

LINKS: Final[dict[Table, tuple[ObjectKind, str]]] = {
    need_staff: (ObjectKind.NEED, "staff"),
    need_clusters: (ObjectKind.NEED, "clusters"),
    organisation_clusters: (ObjectKind.ORGANISATION, "clusters"),
    partner_clusters: (ObjectKind.PARTNER, "clusters"),
    account_clusters: (ObjectKind.ACCOUNT, "clusters"),
}
"""Tables without a class, as a field of an object."""

UNAUDITED: Final[dict[str, str]] = {
    str(AuditEntry.__tablename__): "is the log itself",
    str(CorpusRevision.__tablename__): "counts the changes that the log names",
    str(PartnerChange.__tablename__): "ids of partners whose changes the log names",
    str(CorpusSnapshot.__tablename__): "names files that are made from the rows at any time",
    str(Embedding.__tablename__): "computed from texts, and again at any time",
    str(PassageVector.__tablename__): "a copy of embeddings, made for search",
    str(StoredEncoder.__tablename__): "state of the program: no person and no need stands in it",
    str(IdempotentAnswer.__tablename__): "copies of answers for a day; the writes have entries",
    str(Suggestion.__tablename__): "made by a run, which has its entry",
    str(Mail.__tablename__): "each has an entry of the event `mail` when it is about to leave",
    str(MailItem.__tablename__): "what is in a mail, as above",
    str(MailReminder.__tablename__): "what is in a mail, as above",
    str(MailLink.__tablename__): "made with a mail; what is done by one has entries",
    str(MailSuppression.__tablename__): "digests of addresses that a server refused",
    str(Suppression.__tablename__): "digests only, made with an erasure, which has its entry",
    organisation_name_keys.name: "computed from the names",
    partner_name_keys.name: "computed from the names",
}
"""Tables that the log leaves out, and why."""
