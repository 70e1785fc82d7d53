"""Who sees and does what: the whole policy, in one place.

`decide(actor, action, state)` answers with a `View`: how much of the object the actor may see, or
may see of it afterwards where the action changes it. The clauses below are read from the top, the
first that fits decides, and where none fits the answer is `View.NONE`. Queries are built from the
same answers (`app.visibility`), responses are chosen by them, and `enmusubi access table` prints
every cell. A test asks the running service for each of them.

In words:

1. Staff (coordinators and administrators) see needs of the levels public, match_only and
   staff_only. A need of the level named_staff is seen by the staff named for it alone; an
   administrator sees that it exists and may name staff, no more.
2. A company sees its own organisation and its own needs, and of the partners who fit a need only
   coarse, anonymous candidates. Once staff has released an introduction, the company may consent;
   names and contact details come when both sides have consented and staff has introduced them.
3. A partner sees its own profile; of open needs the released public version (level public) or the
   released teaser (level match_only). It learns of an introduction after the company's consent,
   then sees the released brief of that need at any level, and may consent.
4. A machine key reads and writes the directory (organisations, partners, their evidence, clusters)
   and never sees a need or an introduction.
5. What is not yours looks like what does not exist.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from itertools import product
from typing import Final, TypeVar
from uuid import UUID

from models import Confidentiality, IntroductionState, NeedStatus, Role


class Scope(StrEnum):
    """What a key can be used for; a key has some of its role's scopes, a signed-in person all."""

    DIRECTORY = "directory"
    DIRECTORY_WRITE = "directory:write"
    NEEDS = "needs"
    NEEDS_WRITE = "needs:write"
    INTRODUCTIONS = "introductions"
    ACCOUNTS = "accounts"
    AUDIT = "audit"
    METRICS = "metrics"


SCOPES_OF: Final[dict[Role, frozenset[Scope]]] = {
    Role.COORDINATOR: frozenset(
        {
            Scope.DIRECTORY,
            Scope.DIRECTORY_WRITE,
            Scope.NEEDS,
            Scope.NEEDS_WRITE,
            Scope.INTRODUCTIONS,
            Scope.METRICS,
        }
    ),
    Role.ADMIN: frozenset(Scope),
    Role.COMPANY: frozenset({Scope.DIRECTORY, Scope.NEEDS, Scope.NEEDS_WRITE, Scope.INTRODUCTIONS}),
    Role.PARTNER: frozenset(
        {Scope.DIRECTORY, Scope.DIRECTORY_WRITE, Scope.NEEDS, Scope.INTRODUCTIONS}
    ),
    Role.MACHINE: frozenset({Scope.DIRECTORY, Scope.DIRECTORY_WRITE, Scope.METRICS}),
}
"""The most that a key of each role can be given."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls: an account, by a key or a signed-in browser."""

    account_id: UUID
    role: Role
    organisation_id: UUID | None = None
    """Of a company: its own."""
    partner_id: UUID | None = None
    """Of a partner: itself."""
    scopes: frozenset[Scope] = frozenset(Scope)
    key_id: UUID | None = None
    session_id: UUID | None = None

    @property
    def is_staff(self) -> bool:
        """Coordinators and administrators of the licensing office."""
        return self.role in STAFF


class View(StrEnum):
    """How much is seen."""

    NONE = "none"
    """As if it did not exist."""
    STUB = "stub"
    """That it exists, its level and status: no word of it, nor whose it is."""
    PUBLIC = "public"
    """The released public version."""
    TEASER = "teaser"
    """The released teaser."""
    COARSE = "coarse"
    """Anonymous candidates; entries of the ledger without names."""
    PARTY = "party"
    """An introduction as one of its sides sees it before the contacts are exchanged."""
    CONTACTS = "contacts"
    """As `party`, with names and the contact details that the other side gave."""
    FULL = "full"


class Noun(StrEnum):
    """What an action is about; it decides which states there are."""

    NOTHING = "nothing"
    NEED = "need"
    INTRODUCTION = "introduction"
    ORGANISATION = "organisation"
    PARTNER = "partner"
    ACCOUNT = "account"


class Relation(StrEnum):
    """How the actor stands to the object."""

    STRANGER = "stranger"
    OWNER = "owner"
    """A company to its organisation and needs, a partner to itself, an account to itself."""
    NAMED = "named"
    """Staff named for the need."""
    OFFERED = "offered"
    """A partner to whom the need was offered: the company has consented to that introduction."""
    INTRODUCED = "introduced"
    """A partner who was introduced."""


RELATIONS: Final[dict[tuple[Noun, Role], tuple[Relation, ...]]] = {
    (Noun.NEED, Role.COORDINATOR): (Relation.NAMED, Relation.STRANGER),
    (Noun.NEED, Role.ADMIN): (Relation.NAMED, Relation.STRANGER),
    (Noun.NEED, Role.COMPANY): (Relation.OWNER, Relation.STRANGER),
    (Noun.NEED, Role.PARTNER): (Relation.INTRODUCED, Relation.OFFERED, Relation.STRANGER),
    (Noun.INTRODUCTION, Role.COORDINATOR): (Relation.NAMED, Relation.STRANGER),
    (Noun.INTRODUCTION, Role.ADMIN): (Relation.NAMED, Relation.STRANGER),
    (Noun.INTRODUCTION, Role.COMPANY): (Relation.OWNER, Relation.STRANGER),
    (Noun.INTRODUCTION, Role.PARTNER): (Relation.OWNER, Relation.STRANGER),
    (Noun.ORGANISATION, Role.COMPANY): (Relation.OWNER, Relation.STRANGER),
    (Noun.PARTNER, Role.PARTNER): (Relation.OWNER, Relation.STRANGER),
} | {(Noun.ACCOUNT, role): (Relation.OWNER, Relation.STRANGER) for role in Role}
"""How an actor can stand to an object, the closest first; elsewhere everybody is a stranger."""


@dataclass(frozen=True, slots=True)
class State:
    """Of an object, as far as the policy asks: None for what the noun does not have."""

    relation: Relation = Relation.STRANGER
    level: Confidentiality | None = None
    """Of a need, or of the need of an introduction."""
    status: NeedStatus | None = None
    stage: IntroductionState | None = None


class Action(Enum):
    """What can be asked for: its name in the table, the noun it is about, the scope it needs."""

    def __init__(self, label: str, noun: Noun, scope: Scope | None) -> None:
        self.label = label
        self.noun = noun
        self.scope = scope

    OPEN = ("be there for anybody, without a key", Noun.NOTHING, None)
    SIGN_IN = ("sign in", Noun.NOTHING, None)
    READ_ME = ("read and change one's own account, keys and sessions", Noun.NOTHING, None)
    MANAGE_ACCOUNTS = ("manage accounts and keys", Noun.NOTHING, Scope.ACCOUNTS)
    READ_AUDIT = ("read the audit log", Noun.NOTHING, Scope.AUDIT)
    READ_METRICS = ("read the figures of the service", Noun.NOTHING, Scope.METRICS)
    ANSWER_LINK = ("answer by a link in a mail", Noun.NOTHING, None)
    READ_RUNS = ("read nightly runs and the states of mails", Noun.NOTHING, Scope.INTRODUCTIONS)
    SWITCH_MAIL = ("stop all mail, and allow it again", Noun.NOTHING, Scope.ACCOUNTS)

    READ_CLUSTER = ("read clusters", Noun.NOTHING, Scope.DIRECTORY)
    WRITE_CLUSTER = ("create and change clusters", Noun.NOTHING, Scope.DIRECTORY_WRITE)
    READ_ORGANISATION = ("read an organisation", Noun.ORGANISATION, Scope.DIRECTORY)
    CREATE_ORGANISATION = ("create an organisation", Noun.NOTHING, Scope.DIRECTORY_WRITE)
    WRITE_ORGANISATION = ("change an organisation", Noun.ORGANISATION, Scope.DIRECTORY_WRITE)
    DELETE_ORGANISATION = ("delete an organisation", Noun.ORGANISATION, Scope.DIRECTORY_WRITE)
    READ_PARTNER = ("read a partner and its evidence", Noun.PARTNER, Scope.DIRECTORY)
    CREATE_PARTNER = ("create a partner", Noun.NOTHING, Scope.DIRECTORY_WRITE)
    WRITE_PARTNER = ("change a partner and its evidence", Noun.PARTNER, Scope.DIRECTORY_WRITE)
    DELETE_PARTNER = ("delete a partner", Noun.PARTNER, Scope.DIRECTORY_WRITE)
    WRITE_IN_BULK = ("write evidence in bulk", Noun.NOTHING, Scope.DIRECTORY_WRITE)
    RESOLVE_DUPLICATES = ("find and merge duplicates", Noun.NOTHING, Scope.DIRECTORY_WRITE)

    CREATE_NEED = ("submit a need", Noun.NOTHING, Scope.NEEDS_WRITE)
    READ_NEED = ("read a need", Noun.NEED, Scope.NEEDS)
    WRITE_NEED = ("change or close a need", Noun.NEED, Scope.NEEDS_WRITE)
    NAME_STAFF = ("name the staff of a need", Noun.NEED, Scope.NEEDS_WRITE)
    MATCH_NEED = ("ask for the partners of a need", Noun.NEED, Scope.NEEDS)
    KEEP_MATCHES = ("keep and read match runs, ask for teams", Noun.NEED, Scope.NEEDS)
    MATCH_TEXT = ("ask for the partners of a text", Noun.NOTHING, Scope.NEEDS)
    MATCH_PARTNER = ("ask for the needs of a partner", Noun.PARTNER, Scope.NEEDS)
    READ_BRIEFS = ("read the versions of a brief", Noun.NEED, Scope.NEEDS)
    WRITE_BRIEFS = ("draft, edit, release, withdraw briefs", Noun.NEED, Scope.NEEDS_WRITE)
    READ_LEDGER = ("read who has seen a need", Noun.NEED, Scope.NEEDS)

    SUGGEST = ("suggest an introduction for a need", Noun.NEED, Scope.INTRODUCTIONS)
    READ_INTRODUCTION = ("read an introduction", Noun.INTRODUCTION, Scope.INTRODUCTIONS)
    MOVE = (
        "release, introduce, note met and agreed, close an introduction",
        Noun.INTRODUCTION,
        Scope.INTRODUCTIONS,
    )
    CONSENT = ("consent to an introduction", Noun.INTRODUCTION, Scope.INTRODUCTIONS)
    DECLINE = (
        "decline an introduction or take consent back",
        Noun.INTRODUCTION,
        Scope.INTRODUCTIONS,
    )
    NOTE = ("write and read notes on an introduction", Noun.INTRODUCTION, Scope.INTRODUCTIONS)


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of the policy; None stands for all."""

    roles: frozenset[Role]
    actions: frozenset[Action]
    view: View
    relations: frozenset[Relation] | None = None
    levels: frozenset[Confidentiality] | None = None
    statuses: frozenset[NeedStatus] | None = None
    stages: frozenset[IntroductionState] | None = None

    def fits(self, role: Role, action: Action, state: State) -> bool:
        """True if the clause speaks of this case."""
        return (
            role in self.roles
            and action in self.actions
            and (self.relations is None or state.relation in self.relations)
            and (self.levels is None or state.level in self.levels)
            and (self.statuses is None or state.status in self.statuses)
            and (self.stages is None or state.stage in self.stages)
        )


STAFF: Final = frozenset({Role.COORDINATOR, Role.ADMIN})
EVERYBODY: Final = frozenset(Role)
_COORDINATOR, _ADMIN = frozenset({Role.COORDINATOR}), frozenset({Role.ADMIN})
_COMPANY, _PARTNER = frozenset({Role.COMPANY}), frozenset({Role.PARTNER})
_MACHINE = frozenset({Role.MACHINE})

_OWNER, _NAMED = frozenset({Relation.OWNER}), frozenset({Relation.NAMED})
_OFFERED = frozenset({Relation.OFFERED, Relation.INTRODUCED})

_PUBLIC = frozenset({Confidentiality.PUBLIC})
_MATCH_ONLY = frozenset({Confidentiality.MATCH_ONLY})
_ALL_STAFF = frozenset(Confidentiality) - {Confidentiality.NAMED_STAFF}
_OPEN = frozenset({NeedStatus.OPEN})

_S = IntroductionState
LIVE: Final = frozenset(_S) - {_S.CLOSED, _S.DECLINED}
"""Under way."""
TOLD_COMPANY: Final = frozenset(_S) - {_S.SUGGESTED, _S.DECLINED}
"""In which the company knows of the introduction."""
TOLD_PARTNER: Final = TOLD_COMPANY - {_S.RELEASED}
"""In which the partner does: after the company's consent."""
OFFERED_STAGES: Final = frozenset({_S.COMPANY_CONSENTED, _S.PARTNER_CONSENTED})
INTRODUCED_STAGES: Final = frozenset({_S.INTRODUCED, _S.MET, _S.AGREED, _S.CLOSED})
"""In which each side has the other's contact details; taking back a consent ends it."""

_A = Action
_DIRECTORY_READS = frozenset({_A.READ_CLUSTER, _A.READ_ORGANISATION, _A.READ_PARTNER})
_DIRECTORY_WRITES = frozenset(
    {
        _A.WRITE_CLUSTER,
        _A.CREATE_ORGANISATION,
        _A.WRITE_ORGANISATION,
        _A.CREATE_PARTNER,
        _A.WRITE_PARTNER,
        _A.WRITE_IN_BULK,
    }
)
_DIRECTORY_OFFICE = frozenset({_A.DELETE_ORGANISATION, _A.DELETE_PARTNER, _A.RESOLVE_DUPLICATES})
_NEED_OFFICE = frozenset(
    {
        _A.READ_NEED,
        _A.WRITE_NEED,
        _A.MATCH_NEED,
        _A.KEEP_MATCHES,
        _A.READ_BRIEFS,
        _A.WRITE_BRIEFS,
        _A.READ_LEDGER,
        _A.SUGGEST,
    }
)
_INTRODUCTION_OFFICE = frozenset({_A.READ_INTRODUCTION, _A.MOVE, _A.DECLINE, _A.NOTE})

CLAUSES: Final[tuple[Clause, ...]] = (
    # Whoever has an account, and the office's own matters.
    Clause(EVERYBODY, frozenset({_A.OPEN, _A.ANSWER_LINK, _A.SIGN_IN, _A.READ_ME}), View.FULL),
    Clause(_ADMIN, frozenset({_A.MANAGE_ACCOUNTS, _A.READ_AUDIT, _A.SWITCH_MAIL}), View.FULL),
    Clause(STAFF, frozenset({_A.READ_RUNS}), View.FULL),
    Clause(STAFF | _MACHINE, frozenset({_A.READ_METRICS}), View.FULL),
    # The directory: organisations, clusters, partners and their evidence.
    Clause(EVERYBODY, frozenset({_A.READ_CLUSTER}), View.FULL),
    Clause(STAFF | _MACHINE, _DIRECTORY_READS | _DIRECTORY_WRITES, View.FULL),
    Clause(STAFF, _DIRECTORY_OFFICE, View.FULL),
    Clause(_COMPANY, frozenset({_A.READ_ORGANISATION}), View.FULL, relations=_OWNER),
    Clause(_PARTNER, frozenset({_A.READ_PARTNER, _A.WRITE_PARTNER}), View.FULL, relations=_OWNER),
    # Needs, seen by the office.
    Clause(STAFF, _NEED_OFFICE, View.FULL, levels=_ALL_STAFF),
    Clause(STAFF, _NEED_OFFICE, View.FULL, relations=_NAMED),
    Clause(_ADMIN, frozenset({_A.READ_NEED}), View.STUB),
    Clause(STAFF, frozenset({_A.NAME_STAFF}), View.FULL, relations=_NAMED),
    Clause(STAFF, frozenset({_A.NAME_STAFF}), View.FULL, levels=_ALL_STAFF),
    Clause(_ADMIN, frozenset({_A.NAME_STAFF}), View.STUB),
    Clause(STAFF, frozenset({_A.CREATE_NEED, _A.MATCH_TEXT, _A.MATCH_PARTNER}), View.FULL),
    # Needs, seen by the company whose they are; of partners it sees anonymous candidates.
    Clause(_COMPANY, frozenset({_A.CREATE_NEED}), View.FULL),
    Clause(
        _COMPANY,
        frozenset({_A.READ_NEED, _A.WRITE_NEED, _A.READ_BRIEFS}),
        View.FULL,
        relations=_OWNER,
    ),
    Clause(_COMPANY, frozenset({_A.MATCH_NEED, _A.READ_LEDGER}), View.COARSE, relations=_OWNER),
    Clause(_COMPANY, frozenset({_A.MATCH_TEXT}), View.COARSE),
    # Needs, seen by partners: released versions alone.
    Clause(
        _PARTNER,
        frozenset({_A.READ_NEED}),
        View.PUBLIC,
        levels=_PUBLIC,
        statuses=_OPEN,
    ),
    Clause(
        _PARTNER,
        frozenset({_A.READ_NEED}),
        View.TEASER,
        levels=_MATCH_ONLY,
        statuses=_OPEN,
    ),
    Clause(_PARTNER, frozenset({_A.READ_NEED}), View.TEASER, relations=_OFFERED),
    # Introductions, brokered by the office, as far as it sees the need.
    Clause(STAFF, _INTRODUCTION_OFFICE, View.FULL, levels=_ALL_STAFF),
    Clause(STAFF, _INTRODUCTION_OFFICE, View.FULL, relations=_NAMED),
    # Introductions, as their two sides see them.
    Clause(
        _COMPANY | _PARTNER,
        frozenset({_A.READ_INTRODUCTION, _A.DECLINE}),
        View.CONTACTS,
        relations=_OWNER,
        stages=INTRODUCED_STAGES,
    ),
    Clause(
        _COMPANY,
        frozenset({_A.READ_INTRODUCTION, _A.CONSENT, _A.DECLINE}),
        View.PARTY,
        relations=_OWNER,
        stages=TOLD_COMPANY,
    ),
    Clause(
        _PARTNER,
        frozenset({_A.READ_INTRODUCTION, _A.CONSENT, _A.DECLINE}),
        View.PARTY,
        relations=_OWNER,
        stages=TOLD_PARTNER,
    ),
)

DENIED: Final[frozenset[tuple[Role, Action]]] = frozenset(
    {
        (role, a)
        for role in EVERYBODY - _ADMIN
        for a in (_A.MANAGE_ACCOUNTS, _A.READ_AUDIT, _A.SWITCH_MAIL)
    }
    | {(role, _A.READ_RUNS) for role in EVERYBODY - STAFF}
    | {(Role.COMPANY, a) for a in (_DIRECTORY_WRITES | _DIRECTORY_OFFICE | {_A.READ_PARTNER})}
    | {
        (Role.PARTNER, a)
        for a in (
            (_DIRECTORY_WRITES | _DIRECTORY_OFFICE | {_A.READ_ORGANISATION}) - {_A.WRITE_PARTNER}
        )
    }
    | {(role, _A.READ_METRICS) for role in (Role.COMPANY, Role.PARTNER)}
    | {(Role.MACHINE, a) for a in _DIRECTORY_OFFICE}
    | {
        (Role.COMPANY, a)
        for a in (
            _A.KEEP_MATCHES,
            _A.WRITE_BRIEFS,
            _A.SUGGEST,
            _A.NAME_STAFF,
            _A.MATCH_PARTNER,
        )
    }
    | {
        (Role.PARTNER, a)
        for a in (
            _NEED_OFFICE - {_A.READ_NEED}
            | {_A.NAME_STAFF, _A.CREATE_NEED, _A.MATCH_TEXT, _A.MATCH_PARTNER}
        )
    }
    | {(role, a) for role in (Role.COMPANY, Role.PARTNER) for a in (_A.MOVE, _A.NOTE)}
    | {(role, _A.CONSENT) for role in STAFF}
    | {
        (Role.MACHINE, a)
        for a in (
            _NEED_OFFICE
            | _INTRODUCTION_OFFICE
            | {_A.NAME_STAFF, _A.CREATE_NEED, _A.MATCH_TEXT, _A.MATCH_PARTNER, _A.CONSENT}
        )
    }
)
"""Who may never do what, said outright: a pair that neither a clause nor this set names is a gap,
and a test fails on it."""


def decide(role: Role, action: Action, state: State) -> View:
    """How much of an object in that state somebody in that role may see by that action."""
    for clause in CLAUSES:
        if clause.fits(role, action, state):
            return clause.view
    return View.NONE


@cache
def states(noun: Noun, role: Role) -> tuple[State, ...]:
    """All states in which somebody in that role can meet an object of that noun."""
    relations = RELATIONS.get((noun, role), (Relation.STRANGER,))
    if noun is Noun.NEED:
        cells: Iterable[State] = (
            State(relation, level, status)
            for relation, level, status in product(relations, Confidentiality, NeedStatus)
        )
    elif noun is Noun.INTRODUCTION:
        cells = (
            State(relation, level, None, stage)
            for relation, level, stage in product(relations, Confidentiality, IntroductionState)
        )
    else:
        cells = (State(relation) for relation in relations)
    return tuple(cells)


@cache
def may_ever(role: Role, action: Action) -> bool:
    """True if there is a state in which somebody in that role may do that."""
    return any(decide(role, action, state) is not View.NONE for state in states(action.noun, role))


F = TypeVar("F", bound=Callable[..., object])

RULE_ATTRIBUTE: Final = "__enmusubi_action__"


def rule(action: Action) -> Callable[[F], F]:
    """Declare which action an endpoint is; a test fails for an endpoint without one."""

    def declare(endpoint: F) -> F:
        setattr(endpoint, RULE_ATTRIBUTE, action)
        return endpoint

    return declare


def rule_of(endpoint: Callable[..., object]) -> Action | None:
    """The action that an endpoint declares."""
    return getattr(endpoint, RULE_ATTRIBUTE, None)


OPEN_ACTIONS: Final = frozenset({Action.OPEN, Action.ANSWER_LINK, Action.SIGN_IN})
"""Of endpoints that ask for no account; a link's token says who answers."""
