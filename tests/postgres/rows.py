"""Rows for tests of row-level security: every state of the policy, every protected table."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app.access import Actor, Noun, Relation, State, states
from models import (
    Answer,
    ApiKey,
    Audience,
    AuditEntry,
    Base,
    Confidentiality,
    ConsentMeans,
    Disclosure,
    Embedding,
    IdempotentAnswer,
    IntroductionNote,
    IntroductionState,
    IntroductionStep,
    LinkPurpose,
    Mail,
    MailConsent,
    MailHalt,
    MailItem,
    MailLink,
    MailReminder,
    MailSection,
    MailSuppression,
    Match,
    MatchRun,
    Need,
    NeedStatus,
    NeedVersion,
    Partner,
    Role,
    Run,
    RunKind,
    Side,
    SignInSession,
    Suggestion,
    SuggestionAnswer,
    account_clusters,
    need_staff,
    new_id,
    utc_now,
)
from tests.app.test_visibility import make_actor
from tests.factories import (
    make_cluster,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)

OPEN_TABLES = {
    "capabilities",
    "clusters",
    "corpus_revision",
    "corpus_snapshots",
    "distinct_partners",
    "encoders",
    "erasures",
    "organisation_clusters",
    "organisation_name_keys",
    "organisations",
    "partner_aliases",
    "partner_changes",
    "partner_clusters",
    "partner_name_keys",
    "partners",
    "passage_vectors",
    "suppressions",
    "unavailabilities",
}
"""The directory, and what says nothing of a need; all other tables are protected."""

PROTECTED = sorted(set(Base.metadata.tables) - OPEN_TABLES)


def ids(session: Session, table: str, column: str = "id") -> set[UUID]:
    """What a raw query shows: no condition of ours helps the database here."""
    return set(session.scalars(text(f"SELECT {column} FROM {table}")))


def count(session: Session | Connection, table: str) -> int:
    """Number of rows that are shown."""
    return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def refused() -> pytest.RaisesExc[ProgrammingError]:
    """The database refuses it."""
    return pytest.raises(
        ProgrammingError, match=r"row-level security|permission denied|must be owner"
    )


def match_run(need_id: UUID, partner_id: UUID) -> MatchRun:
    """A kept list of one match."""
    return MatchRun(
        need_id=need_id,
        encoder_id="e",
        corpus_revision=1,
        asked={},
        blocked={},
        weights={},
        matches=[Match(partner_id=partner_id, rank=1, score=1.0, signals=[], evidence=[])],
    )


def sign_in(session: Session, actor: Actor) -> None:
    """A key, a sign-in session and an idempotent answer of the actor's."""
    account_id = actor.account_id
    mark = account_id.hex
    session.add(ApiKey(account_id=account_id, name="x", prefix="x", sha256=mark, scopes=[]))
    session.add(SignInSession(account_id=account_id, sha256=mark, expires_at=utc_now()))
    session.add(IdempotentAnswer(account_id=account_id, key="x", fingerprint="x"))


def audit_entry(number: int) -> AuditEntry:
    """An entry without a true chain."""
    return AuditEntry(
        seq=number,
        at=utc_now(),
        event="read",
        role="coordinator",
        object_kind="need",
        fields=[],
        previous="",
        mac=str(number),
    )


def followers(introduction_id: UUID) -> tuple[IntroductionStep, IntroductionNote]:
    """A step and a note."""
    stage = IntroductionState.MET
    return (
        IntroductionStep(introduction_id=introduction_id, state=stage, side=Side.STAFF),
        IntroductionNote(introduction_id=introduction_id, text="x"),
    )


def fill(session: Session) -> Need:
    """At least one row in every protected table; returns the need, of the level public."""
    staff = make_actor(session, Role.COORDINATOR)
    need = make_need(session, confidentiality=Confidentiality.PUBLIC)
    need.clusters = [make_cluster(session)]
    session.execute(insert(need_staff).values(need_id=need.id, account_id=staff.account_id))
    version = make_version(session, need)
    session.add(Disclosure(version_id=version.id, role=Role.PARTNER))
    partner = make_partner(session)
    session.add(match_run(need.id, partner.id))
    session.add_all(followers(make_introduction(session, need, partner).id))
    session.add(Embedding(content_hash="a" * 64, encoder_id="e/query", vector=b"1234"))
    sign_in(session, staff)
    mail_rows(session, need, partner, staff.account_id)
    session.flush()
    return need


def mail_rows(session: Session, need: Need, partner: Partner, account_id: UUID) -> None:
    """A run with a suggestion, its answer, and a mail about it with all that hangs on it."""
    introduction = make_introduction(session, need, make_partner(session))
    run = Run(kind=RunKind.SUGGESTIONS, run_date=date(2026, 4, 1))
    suggestion = Suggestion(
        need=need,
        partner=partner,
        suggested_on=date(2026, 4, 1),
        score=0.5,
        signals=[],
        evidence=[],
        need_fingerprint="a" * 64,
        partner_fingerprint="b" * 64,
        answers=[SuggestionAnswer(side=Side.STAFF, answer=Answer.ACCEPT)],
    )
    session.add_all((run, MailHalt()))
    session.flush()
    suggestion.run_id = run.id
    session.add(suggestion)
    session.flush()
    mail = Mail(
        run=run,
        account_id=account_id,
        message_id="<1@example.jp>",
        items=[MailItem(suggestion_id=suggestion.id, section=MailSection.NEW, position=0)],
        reminders=[MailReminder(introduction_id=introduction.id)],
    )
    session.add(mail)
    session.flush()
    session.add_all(
        (
            MailLink(
                sha256="c" * 64,
                mail_id=mail.id,
                account_id=account_id,
                purpose=LinkPurpose.STOP,
                expires_at=utc_now(),
            ),
            MailConsent(account_id=account_id, given=True, means=ConsentMeans.WRITTEN),
            MailSuppression(digest="d" * 64, smtp_code=550),
        )
    )
    (cluster,) = need.clusters
    session.execute(insert(account_clusters).values(account_id=account_id, cluster_id=cluster.id))


@dataclass
class World:
    """An actor of each role, and an object in every state in which one of them can meet it."""

    actors: dict[Role, Actor] = field(default_factory=dict)
    needs: dict[Role, dict[UUID, State]] = field(default_factory=dict)
    introductions: dict[Role, dict[UUID, State]] = field(default_factory=dict)
    versions: dict[UUID, tuple[UUID, Audience, str]] = field(default_factory=dict)
    """Need, audience and `draft`, `released` or `withdrawn`."""
    children: list[Base] = field(default_factory=list)
    """Stored at the end, all at once."""


def make_world(session: Session) -> World:
    """All of it, with a match run, three versions and two followers for each."""
    world = World()
    strangers = make_organisation(session).id, make_partner(session)
    for role in Role:
        actor = world.actors[role] = make_actor(session, role)
        world.needs[role] = {
            _need_in(session, world, actor, state, strangers): state
            for state in states(Noun.NEED, role)
        }
        world.introductions[role] = {
            _introduction_in(session, world, actor, state, strangers): state
            for state in states(Noun.INTRODUCTION, role)
        }
        sign_in(session, actor)
    session.add_all(world.children)
    for key in ("e", "e/query"):
        session.add(Embedding(content_hash="a" * 64, encoder_id=key, vector=b"1234"))
    return world


Strangers = tuple[UUID, Partner]

STAGES = {
    Relation.OFFERED: IntroductionState.COMPANY_CONSENTED,
    Relation.INTRODUCED: IntroductionState.MET,
}


def _related(session: Session, actor: Actor, state: State, strangers: Strangers) -> Need:
    owns = state.relation is Relation.OWNER and actor.organisation_id is not None
    need = make_need(
        session,
        organisation_id=actor.organisation_id if owns else strangers[0],
        confidentiality=state.level,
        status=state.status or NeedStatus.OPEN,
    )
    if state.relation is Relation.NAMED:
        session.execute(insert(need_staff).values(need_id=need.id, account_id=actor.account_id))
    return need


def _need_in(
    session: Session, world: World, actor: Actor, state: State, strangers: Strangers
) -> UUID:
    need = _related(session, actor, state, strangers)
    if actor.partner_id is not None:
        # One that it does not know of yet changes nothing.
        stage = STAGES.get(state.relation, IntroductionState.RELEASED)
        make_introduction(session, need, session.get_one(Partner, actor.partner_id), state=stage)
    world.children.append(match_run(need.id, strangers[1].id))
    kinds = {
        "draft": {},
        "released": {"released_at": utc_now()},
        "withdrawn": {"released_at": utc_now(), "withdrawn_at": utc_now()},
    }
    for audience in Audience:
        for number, (kind, values) in enumerate(kinds.items()):
            key = new_id()
            world.children.append(
                NeedVersion(
                    id=key,
                    need_id=need.id,
                    audience=audience,
                    number=number,
                    title_en="x",
                    **values,
                )
            )
            world.versions[key] = need.id, audience, kind
    return need.id


def _introduction_in(
    session: Session, world: World, actor: Actor, state: State, strangers: Strangers
) -> UUID:
    need = _related(session, actor, state, strangers)
    owns = state.relation is Relation.OWNER and actor.partner_id is not None
    partner = session.get_one(Partner, actor.partner_id) if owns else strangers[1]
    introduction = make_introduction(session, need, partner, state=state.stage)
    world.children += followers(introduction.id)
    return introduction.id
