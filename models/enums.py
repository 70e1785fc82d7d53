"""The closed lists of the domain."""

from enum import StrEnum


class OrganisationKind(StrEnum):
    """What an organisation is."""

    COMPANY = "company"
    UNIVERSITY = "university"
    PUBLIC_INSTITUTE = "public_institute"
    SUPPORT_INSTITUTION = "support_institution"
    GOVERNMENT = "government"
    TLO = "tlo"


class NeedKind(StrEnum):
    """What a company lacks."""

    TECHNOLOGY = "technology"
    MANAGEMENT_INFORMATION = "management_information"
    SALES_CHANNEL = "sales_channel"
    PEOPLE = "people"
    FUNDING = "funding"
    FACILITIES = "facilities"


class EngagementType(StrEnum):
    """Ways in which a company and a partner work together."""

    JOINT_RESEARCH = "joint_research"
    LICENCE = "licence"
    CONSULTING = "consulting"
    TESTING = "testing"
    EQUIPMENT = "equipment"
    PERSONNEL = "personnel"
    PILOT_CUSTOMER = "pilot_customer"


class Confidentiality(StrEnum):
    """Who may learn of a need, from everybody to named staff only."""

    PUBLIC = "public"
    MATCH_ONLY = "match_only"
    STAFF_ONLY = "staff_only"
    NAMED_STAFF = "named_staff"


class NeedStatus(StrEnum):
    """A need is matched while it is open."""

    DRAFT = "draft"
    OPEN = "open"
    MATCHED = "matched"
    CLOSED = "closed"


class PartnerKind(StrEnum):
    """Who could meet a need."""

    RESEARCHER = "researcher"
    LABORATORY = "laboratory"
    INSTITUTE = "institute"
    SUPPORT_INSTITUTION = "support_institution"
    COMPANY = "company"


class CapabilityKind(StrEnum):
    """What a piece of evidence is."""

    PAPER = "paper"
    PATENT = "patent"
    PROJECT = "project"
    EQUIPMENT = "equipment"
    SERVICE = "service"
    STATEMENT = "statement"


class LicenceStatus(StrEnum):
    """Whether a patent can be licensed."""

    AVAILABLE = "available"
    NON_EXCLUSIVE = "non_exclusive"
    EXCLUSIVE = "exclusive"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class NameKeyKind(StrEnum):
    """What of a name a key is (`matching.names`)."""

    WRITTEN = "written"
    """The whole name in kanji."""
    SOUND = "sound"
    """The whole name as it sounds."""
    PART = "part"


class Role(StrEnum):
    """What an account is."""

    COORDINATOR = "coordinator"
    COMPANY = "company"
    ADMIN = "admin"
    PARTNER = "partner"
    MACHINE = "machine"


class Audience(StrEnum):
    """For whom a version of a need's brief is written."""

    FULL = "full"
    TEASER = "teaser"
    PUBLIC = "public"


class Side(StrEnum):
    """Who takes a step of an introduction."""

    STAFF = "staff"
    COMPANY = "company"
    PARTNER = "partner"


class IntroductionState(StrEnum):
    """How far an introduction is."""

    SUGGESTED = "suggested"
    RELEASED = "released"
    COMPANY_CONSENTED = "company_consented"
    PARTNER_CONSENTED = "partner_consented"
    INTRODUCED = "introduced"
    MET = "met"
    AGREED = "agreed"
    CLOSED = "closed"
    DECLINED = "declined"


class DeclineReason(StrEnum):
    """Why an introduction was declined."""

    NOT_MY_FIELD = "not_my_field"
    NO_TIME = "no_time"
    TERMS = "terms"
    ALREADY_IN_TOUCH = "already_in_touch"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NEED_CLOSED = "need_closed"
    OTHER = "other"


class Outcome(StrEnum):
    """What became of an introduction that was closed."""

    JOINT_RESEARCH = "joint_research"
    LICENCE = "licence"
    CONSULTING = "consulting"
    CONTRACT = "contract"
    VENTURE = "venture"
    OTHER_AGREEMENT = "other_agreement"
    NO_AGREEMENT = "no_agreement"


class RunKind(StrEnum):
    """What a run is for."""

    SUGGESTIONS = "suggestions"


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    """Under way, or cut off and to be resumed."""
    FINISHED = "finished"
    HALTED = "halted"
    FAILED = "failed"


class RunStep(StrEnum):
    """The steps of a run, in their order; each can be taken again."""

    EMBED = "embed"
    SCORE = "score"
    PLAN = "plan"
    COMPOSE = "compose"
    DELIVER = "deliver"
    DONE = "done"


class HaltReason(StrEnum):
    """Why a run stopped before its end, on purpose."""

    SWITCHED_OFF = "switched_off"
    TOO_LATE = "too_late"
    VOLUME = "volume"


class MailState(StrEnum):
    """How far a mail is."""

    QUEUED = "queued"
    SENDING = "sending"
    """A runner has it in hand; nothing of it has left."""
    DATA = "data"
    """It may have left from here on: never sent again."""
    SENT = "sent"
    UNKNOWN = "unknown"
    """Cut off after `data`: nobody knows whether it was taken."""
    FAILED = "failed"
    WITHHELD = "withheld"
    """Not sent, since the recheck before sending spoke against it."""


class Withheld(StrEnum):
    """Why a mail that was queued did not leave."""

    NO_CONSENT = "no_consent"
    NEVER = "never"
    """The recipient wants none."""
    NO_ADDRESS = "no_address"
    SUPPRESSED = "suppressed"
    DISABLED = "disabled"
    NOTHING_LEFT = "nothing_left"
    """All that it was to say may not be said any more, or is settled."""
    OVERTAKEN = "overtaken"
    """Its run was closed before it could leave."""


class MailSection(StrEnum):
    """Where in a digest a suggestion stands."""

    NEW = "new"
    OPEN = "open"
    """Suggested before, and still not answered."""


class LinkPurpose(StrEnum):
    """What a link in a mail does."""

    ACCEPT = "accept"
    DECLINE = "decline"
    LATER = "later"
    STOP = "stop"
    """No more mail."""


class Answer(StrEnum):
    """What a recipient says of a suggestion."""

    ACCEPT = "accept"
    DECLINE = "decline"
    LATER = "later"


class DigestFrequency(StrEnum):
    """How often somebody wants digests."""

    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"


class ConsentMeans(StrEnum):
    """How a consent to be mailed was given or withdrawn."""

    WRITTEN = "written"
    """On paper or by letter."""
    SPOKEN = "spoken"
    E_MAIL = "e_mail"
    WEB_FORM = "web_form"
    BUSINESS_CARD = "business_card"
    SELF_SERVICE = "self_service"
    """By the person's own account, in this service."""
    STOP_LINK = "stop_link"
    ONE_CLICK = "one_click"
    """By the mail program's own button (RFC 8058)."""
    ADDRESS_CHANGED = "address_changed"
    """Withdrawn by the service: it was given for another address."""


class EncoderUse(StrEnum):
    """What a database uses an encoder for."""

    SERVING = "serving"
    WANTED = "wanted"


class AuditEvent(StrEnum):
    """What an entry of the audit log is about."""

    READ = "read"
    """Confidential text was shown to staff."""
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    IMPORT = "import"
    RELEASE = "release"
    WITHDRAW = "withdraw"
    MAIL = "mail"
    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    EXPORT = "export"
    ERASE = "erase"


class ObjectKind(StrEnum):
    """What kind of object an entry of the audit log names."""

    ACCOUNT = "account"
    API_KEY = "api_key"
    CAPABILITY = "capability"
    CLUSTER = "cluster"
    DISCLOSURE = "disclosure"
    ERASURE = "erasure"
    IMPORT = "import"
    INTRODUCTION = "introduction"
    INTRODUCTION_NOTE = "introduction_note"
    MAIL_CONSENT = "mail_consent"
    MAIL_HALT = "mail_halt"
    MATCH_RUN = "match_run"
    NEED = "need"
    NEED_VERSION = "need_version"
    ORGANISATION = "organisation"
    PARTNER = "partner"
    RUN = "run"
    SIGN_IN_SESSION = "sign_in_session"
    SUGGESTION_ANSWER = "suggestion_answer"


class Purpose(StrEnum):
    """What staff read a confidential text for, as they state it."""

    BROKERING = "brokering"
    REVIEW = "review"
    SUPPORT = "support"
    ERASURE_REQUEST = "erasure_request"
    AUDIT = "audit"
    OTHER = "other"
