"""The data map of the tables that hold personal data: each of their columns."""

from dataclasses import dataclass
from typing import Final

MATCHING: Final = (
    "finding partners for companies' needs; legitimate interest of the region (GDPR 6(1)(f)), "
    "purpose made public (APPI 17, 21)"
)
ACCESS: Final = "knowing who acts; contract (GDPR 6(1)(b)), purpose told on joining (APPI 17, 21)"
CONSENT: Final = (
    "introducing two sides who both agreed; consent (GDPR 6(1)(a)), provision to a third party "
    "with consent (APPI 27)"
)
ACCOUNTABILITY: Final = (
    "proving who saw and changed what; legal duty and legitimate interest (GDPR 5(2), 6(1)(c), "
    "APPI 23, 29)"
)
MAILING: Final = (
    "sending suggestions to who agreed to get them; consent (GDPR 6(1)(a)), recorded as the act on "
    "specified electronic mail asks"
)
SUPPRESSING: Final = "keeping an erasure in force; legal duty (GDPR 6(1)(c), 17; APPI 35)"

WITH_PARTNER: Final = "deleted with the partner"
WITH_ACCOUNT: Final = "deleted with the account"
PARTNER: Final = "partners"
ACCOUNT: Final = "people who sign in"
LISTED: Final = "until the partner is removed or erased"


@dataclass(frozen=True, slots=True)
class DataTable:
    """One table: each of its columns stands in exactly one of the four lists."""

    name: str
    whose: str = ""
    """Empty if the table holds no personal data."""
    purpose: str = ""
    exported: str = ""
    erased: str = ""
    kept: str = ""
    personal: tuple[str, ...] = ()
    """Shown in an export."""
    withheld: tuple[str, ...] = ()
    """Personal, and in no export: `exported` says why."""
    mentions: tuple[str, ...] = ()
    """Texts about something else that may name somebody."""
    none: tuple[str, ...] = ()


PERSONAL: Final = (
    DataTable(
        "partners",
        PARTNER,
        MATCHING,
        "the row",
        "row deleted; digests of its identifiers and names kept as suppressions",
        LISTED,
        personal=(
            "id",
            "external_id",
            "kind",
            "name_ja",
            "name_en",
            "name_kana",
            "organisation_id",
            "orcid",
            "researchmap_id",
            "languages",
            "engagement_types",
            "created_at",
            "updated_at",
        ),
        withheld=("name_sort",),
    ),
    DataTable(
        "partner_clusters",
        PARTNER,
        MATCHING,
        "the rows",
        WITH_PARTNER,
        LISTED,
        personal=("partner_id", "cluster_id"),
    ),
    DataTable(
        "unavailabilities",
        PARTNER,
        MATCHING,
        "the rows",
        WITH_PARTNER,
        LISTED,
        personal=("id", "partner_id", "start", "end", "reason"),
    ),
    DataTable(
        "partner_aliases",
        PARTNER,
        "knowing a merged record at the next import; as partners",
        "the rows",
        WITH_PARTNER,
        LISTED,
        personal=(
            "id",
            "partner_id",
            "external_id",
            "name_ja",
            "name_kana",
            "name_en",
            "created_at",
            "updated_at",
        ),
    ),
    DataTable(
        "partner_name_keys",
        PARTNER,
        "search by name; as partners",
        "their number: they are made from the names",
        WITH_PARTNER,
        LISTED,
        withheld=("partner_id", "key", "kind"),
    ),
    DataTable(
        "distinct_partners",
        PARTNER,
        "not asking twice whether two records are one person; as partners",
        "their number: a pair names another person",
        WITH_PARTNER,
        LISTED,
        withheld=("first_id", "second_id", "created_at"),
    ),
    DataTable(
        "capabilities",
        PARTNER,
        MATCHING,
        "the rows",
        WITH_PARTNER,
        LISTED,
        personal=(
            "id",
            "partner_id",
            "kind",
            "title_ja",
            "title_en",
            "text_ja",
            "text_en",
            "year",
            "source",
            "external_id",
            "licence_status",
            "created_at",
            "updated_at",
        ),
        withheld=("content_hash",),
        mentions=(),
    ),
    DataTable(
        "embeddings",
        PARTNER,
        MATCHING,
        "number and encoders: vectors of texts are in no response, log or export",
        "deleted where no other partner or open need has the text",
        "until the text is gone",
        withheld=("content_hash", "encoder_id", "vector", "created_at"),
    ),
    DataTable(
        "passage_vectors",
        PARTNER,
        MATCHING,
        "their number: vectors of texts are in no response, log or export",
        WITH_PARTNER,
        LISTED,
        withheld=(
            "partner_id",
            "capability_id",
            "encoder_id",
            "content_hash",
            "speech",
            "vector",
        ),
    ),
    DataTable(
        "matches",
        PARTNER,
        MATCHING,
        "the rows",
        WITH_PARTNER,
        "until the need, the list or the partner is removed",
        personal=(
            "id",
            "run_id",
            "partner_id",
            "rank",
            "score",
            "probability",
            "signals",
            "evidence",
        ),
    ),
    DataTable(
        "introductions",
        "partners; people named in contact details",
        CONSENT,
        "the row without the other side's contact details",
        "row deleted with the partner; of a company's contact the details are removed",
        "until the need is removed or the partner erased",
        personal=(
            "id",
            "need_id",
            "partner_id",
            "version_id",
            "state",
            "revision",
            "company_contact",
            "partner_contact",
            "declined_by",
            "decline_reason",
            "outcome",
            "remind_on",
            "created_at",
            "updated_at",
        ),
    ),
    DataTable(
        "introduction_steps",
        "partners; people who sign in",
        CONSENT,
        "the rows, also the steps that an account took",
        "deleted with the introduction; the account in it is set to null",
        "as introductions",
        personal=("id", "introduction_id", "state", "side", "account_id", "taken_at"),
    ),
    DataTable(
        "introduction_notes",
        "partners; staff who wrote them",
        "remembering a conversation; legitimate interest (GDPR 6(1)(f), APPI 17)",
        "the notes on the person's introductions; of notes that an account wrote only when",
        "deleted with the introduction; the account in it is set to null",
        "as introductions",
        personal=("id", "introduction_id", "text", "created_at"),
        withheld=("account_id",),
    ),
    DataTable(
        "disclosures",
        "partners; people who sign in",
        ACCOUNTABILITY,
        "the rows",
        "partner and account in it are set to null: that a version was shown remains",
        "as long as the need",
        personal=("id", "version_id", "account_id", "role", "partner_id", "channel", "seen_at"),
    ),
    DataTable(
        "accounts",
        ACCOUNT,
        ACCESS,
        "the row without the hash of the password",
        "row deleted; a digest of the e-mail address kept as suppression",
        "until the account is removed or erased",
        personal=(
            "id",
            "name",
            "email",
            "role",
            "organisation_id",
            "partner_id",
            "language",
            "digest_frequency",
            "oidc_issuer",
            "oidc_subject",
            "failed_sign_ins",
            "locked_until",
            "last_sign_in_at",
            "disabled_at",
            "created_at",
            "updated_at",
        ),
        withheld=("password_hash",),
    ),
    DataTable(
        "account_clusters",
        ACCOUNT,
        MAILING,
        "the rows",
        WITH_ACCOUNT,
        "as accounts",
        personal=("account_id", "cluster_id"),
    ),
    DataTable(
        "mail_consents",
        ACCOUNT,
        MAILING,
        "the rows",
        WITH_ACCOUNT,
        "as accounts",
        personal=("id", "account_id", "given", "means", "at", "recorded_by", "recorded_at"),
    ),
    DataTable(
        "mails",
        ACCOUNT,
        MAILING,
        "the rows; the text of a mail is kept nowhere",
        WITH_ACCOUNT,
        "as accounts",
        personal=(
            "id",
            "run_id",
            "account_id",
            "message_id",
            "state",
            "attempts",
            "due_at",
            "queued_at",
            "settled_at",
            "smtp_code",
            "withheld",
        ),
        withheld=("claim",),
    ),
    DataTable(
        "mail_links",
        ACCOUNT,
        MAILING,
        "the rows without the hash",
        WITH_ACCOUNT,
        "as accounts",
        personal=(
            "id",
            "mail_id",
            "account_id",
            "suggestion_id",
            "purpose",
            "need_fingerprint",
            "expires_at",
            "used_at",
        ),
        withheld=("sha256",),
    ),
    DataTable(
        "mail_suppressions",
        "whose address a mail server refused for good",
        MAILING,
        "not shown: an address cannot be had from its digest",
        "the digests of the person's addresses are deleted",
        "until an administrator lifts it",
        withheld=("digest", "smtp_code", "suppressed_at"),
    ),
    DataTable(
        "suggestions",
        PARTNER,
        MATCHING,
        "the rows",
        WITH_PARTNER,
        "as partners",
        personal=(
            "id",
            "run_id",
            "need_id",
            "partner_id",
            "suggested_on",
            "score",
            "probability",
            "strong",
            "signals",
            "evidence",
        ),
        withheld=("need_fingerprint", "partner_fingerprint"),
    ),
    DataTable(
        "suggestion_answers",
        ACCOUNT,
        MATCHING,
        "the rows",
        "the account taken out, the answer stays; deleted with the partner",
        "as suggestions",
        personal=(
            "id",
            "suggestion_id",
            "account_id",
            "side",
            "answer",
            "reason",
            "answered_at",
        ),
    ),
    DataTable(
        "api_keys",
        ACCOUNT,
        ACCESS,
        "the rows without the hash",
        WITH_ACCOUNT,
        "as accounts",
        personal=(
            "id",
            "account_id",
            "name",
            "prefix",
            "scopes",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "created_at",
            "updated_at",
        ),
        withheld=("sha256",),
    ),
    DataTable(
        "sign_in_sessions",
        ACCOUNT,
        ACCESS,
        "the rows without the hash",
        WITH_ACCOUNT,
        "as accounts",
        personal=("id", "account_id", "created_at", "last_seen_at", "expires_at", "revoked_at"),
        withheld=("sha256",),
    ),
    DataTable(
        "idempotent_answers",
        "people who sign in; whoever an answer names",
        "answering a repeated request as the first time; as accounts",
        "the rows without the answers, which may name others",
        "every answer is emptied at every erasure, since an answer to anybody may name the person",
        "24 hours",
        personal=("account_id", "key", "status", "created_at"),
        withheld=("fingerprint", "headers", "body"),
    ),
    DataTable(
        "need_staff",
        "staff",
        ACCESS,
        "the rows",
        WITH_ACCOUNT,
        "as long as the need",
        personal=("need_id", "account_id"),
    ),
    DataTable(
        "audit_entries",
        ACCOUNT,
        ACCOUNTABILITY,
        "the entries by the account or about the person",
        "never: the chain would break; it holds ids, no names, and the ids lead nowhere any more",
        "as long as the office must answer for its reads",
        personal=(
            "seq",
            "at",
            "event",
            "role",
            "account_id",
            "object_kind",
            "object_id",
            "purpose",
            "fields",
        ),
        withheld=("previous", "mac"),
    ),
    DataTable(
        "need_versions",
        "staff",
        ACCOUNTABILITY,
        "id and times of the versions that an account drafted or released",
        "the account in it is set to null",
        "as long as the need",
        personal=("id", "drafted_by", "released_by", "released_at", "created_at"),
        mentions=("title_ja", "title_en", "brief_ja", "brief_en"),
        none=("need_id", "audience", "number", "withdrawn_at", "accepted_findings", "updated_at"),
    ),
    DataTable(
        "erasures",
        "erased persons",
        SUPPRESSING,
        "not: whoever is in it is not held any more",
        "never; an id that leads nowhere",
        "for good",
        withheld=("id", "subject_kind", "subject_id", "erased_at"),
    ),
    DataTable(
        "suppressions",
        "erased persons",
        SUPPRESSING,
        "not: a digest can be read by nobody",
        "`enmusubi person unsuppress`, at the person's wish",
        "for good",
        withheld=("digest", "kind", "created_at"),
    ),
)
