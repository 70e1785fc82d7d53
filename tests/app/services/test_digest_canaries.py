"""Canary words of every need, version, name and piece of evidence, looked for in every mail.

What a recipient may be told is taken from the policy (`decide`, over every level, status and stage)
and from what the API shows it of a need, not from a list made here.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.access import Action, Actor, Relation, Scope, State, View, decide
from app.contexts import SYSTEM
from app.db import Database
from app.jobs.composing import compose_run
from app.services.actors import actor_of
from app.services.introduction_steps import waits_for
from app.services.introduction_views import show
from app.services.mail_composing import compose_mail
from app.services.outside import list_briefs
from app.settings import Settings, get_settings
from app.visibility import introduction_state
from models import (
    Account,
    Audience,
    Confidentiality,
    Disclosure,
    Introduction,
    IntroductionState,
    Mail,
    Need,
    NeedStatus,
    NeedVersion,
    Partner,
    Role,
    Run,
    Side,
    Withheld,
    need_staff,
    new_id,
    utc_now,
)
from tests.app.digesting import (
    NOW,
    SIGNALS,
    TODAY,
    mailing,
    make_crowd,
    make_recipient,
    make_run,
    make_suggestion,
    text_of,
)
from tests.conftest import Fresh
from tests.factories import (
    make_capability,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)
from tests.servers import SystemDatabase

CANARY = re.compile(r"canary[0-9]+x")
TEXTS = ("title_ja", "title_en", "brief_ja", "brief_en")
SIDES = {Role.COORDINATOR: Side.STAFF, Role.COMPANY: Side.COMPANY, Role.PARTNER: Side.PARTNER}


@dataclass(slots=True)
class World:
    """What there is, by its canaries, and what everybody was mailed."""

    gives_away: dict[str, tuple[str, UUID]] = field(default_factory=dict)
    """By canary: what kind of text it is of, and whose."""
    companies: list[UUID] = field(default_factory=list)
    partners: list[Partner] = field(default_factory=list)
    mails: dict[UUID, str] = field(default_factory=dict)
    """By account."""
    logged: list[str] = field(default_factory=list)

    def canary(self, kind: str, whose: UUID) -> str:
        """A word that stands nowhere else."""
        word = f"canary{len(self.gives_away)}x"
        self.gives_away[word] = kind, whose
        return word

    def told(self, account: Account, kind: str) -> set[UUID]:
        """Ids of that kind of which the account's mail tells."""
        found = map(self.gives_away.__getitem__, CANARY.findall(self.mails.get(account.id, "")))
        return {whose for of, whose in found if of == kind}

    def need(self, session: Session, company: UUID, **values: object) -> Need:
        """A need in four canaries."""
        key = new_id()
        texts = {name: self.canary("need", key) for name in TEXTS}
        return make_need(session, id=key, organisation_id=company, **texts, **values)

    def version(
        self, session: Session, need: Need, audience: Audience, state: str, number: int = 1
    ) -> NeedVersion:
        """A version in four canaries."""
        key = new_id()
        return make_version(
            session,
            need,
            id=key,
            audience=audience,
            number=number,
            released_at=None if state == "drafted" else utc_now(),
            withdrawn_at=utc_now() if state == "withdrawn" else None,
            **{name: self.canary("version", key) for name in TEXTS},
        )

    def partner(self, session: Session) -> Partner:
        """A partner with names, a home and evidence in canaries."""
        home = make_organisation(session)
        partner = make_partner(session, organisation_id=home.id)
        home.name_en = self.canary("partner", partner.id)
        partner.name_en = self.canary("partner", partner.id)
        partner.name_ja = self.canary("partner", partner.id)
        make_capability(session, partner, title_en=self.canary("evidence", partner.id))
        session.flush()
        return partner

    def company(self, session: Session) -> UUID:
        """A company with its names in canaries."""
        company = make_organisation(session)
        company.name_en = self.canary("company", company.id)
        company.name_ja = self.canary("company", company.id)
        session.flush()
        return company.id


def _make_needs(session: Session, world: World) -> None:
    """Of each company, level and status, with versions in each state."""
    states = ("none", "drafted", "released", "withdrawn")
    for company, level, status, state in product(
        world.companies, Confidentiality, NeedStatus, states
    ):
        need = world.need(session, company, confidentiality=level, status=status)
        for audience in () if state == "none" else Audience:
            world.version(session, need, audience, state)
            world.version(session, need, audience, "drafted", number=2)


def _make_introductions(session: Session, world: World) -> None:
    """Of each level and stage, all due, the chosen brief released or withdrawn since."""
    cells = enumerate(product(Confidentiality, IntroductionState))
    for (number, (level, stage)), state in product(cells, ("released", "withdrawn")):
        need = world.need(session, world.companies[number % 2], confidentiality=level)
        audience = Audience.PUBLIC if level is Confidentiality.PUBLIC else Audience.TEASER
        contact = {"name": world.canary("contact", need.id), "email": "contact@example.jp"}
        make_introduction(
            session,
            need,
            world.partners[(number + number // len(IntroductionState)) % 3],
            state=stage,
            version_id=world.version(session, need, audience, state).id,
            company_contact=contact,
            partner_contact=contact,
            remind_on=TODAY - timedelta(days=1),
        )


def _suggest_all(session: Session, world: World) -> None:
    """Every partner for every need: what is kept back is not kept back by the plan."""
    run = make_run(session)
    pieces = {
        p.id: make_capability(session, p, title_ja="仮", title_en=None) for p in world.partners
    }
    for piece in pieces.values():
        piece.title_ja = world.canary("evidence", piece.partner_id)
    for need in session.scalars(select(Need).order_by(Need.id)).all():
        for partner in world.partners:
            word = world.canary("signals", need.id)
            make_suggestion(
                session,
                run,
                need,
                partner,
                signals=[{**each, "detail": {"en": word, "ja": word}} for each in SIGNALS],
                evidence=[{"capability_id": str(pieces[partner.id].id), "start": 0, "end": 5}],
            )


def _make_recipients(session: Session, world: World) -> None:
    """Two coordinators, of whom one is named for half of the hidden needs; all the others."""
    named = make_recipient(session)
    make_recipient(session, language="ja")
    hidden = select(Need.id).where(
        Need.confidentiality == Confidentiality.NAMED_STAFF,
        Need.organisation_id == world.companies[0],
    )
    rows = [{"need_id": key, "account_id": named.id} for key in session.scalars(hidden)]
    session.execute(insert(need_staff), rows)
    for language, company in zip(("ja", "en"), world.companies, strict=True):
        make_recipient(session, Role.COMPANY, organisation_id=company, language=language)
    for language, partner in zip(("ja", "en", "ja"), world.partners, strict=True):
        make_recipient(session, Role.PARTNER, partner_id=partner.id, language=language)


class Heard(logging.Handler):
    """All that is logged, down to the smallest."""

    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self._into += [record.getMessage(), str(record.args)]


@contextmanager
def listening(into: list[str]) -> Iterator[None]:
    """Hear all that is logged meanwhile."""
    root, handler = logging.getLogger(), Heard(into)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, fresh: Fresh
) -> Iterator[tuple[World, Database]]:
    """All mails of a run, made once as they would leave, for tests that only look."""
    folder = tmp_path_factory.mktemp("canaries")
    world = World()
    with fresh(folder) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENMUSUBI_DATA_DIR", str(folder))
        patch.setenv("ENMUSUBI_DATABASE_URL", url)
        get_settings.cache_clear()
        settings = mailing(get_settings(), nightly_per_coordinator=2000)
        database = SystemDatabase.at(settings.url)
        with database.writing() as session:
            _make_all(session, world)
        with listening(world.logged):
            _mail_all(database, world, settings)
        get_settings.cache_clear()
        patch.undo()
        yield world, database
        database.engine.dispose()


def _make_all(session: Session, world: World) -> None:
    world.companies = [world.company(session) for _ in range(2)]
    world.partners = [world.partner(session) for _ in range(3)]
    make_crowd(session)
    _make_needs(session, world)
    _make_introductions(session, world)
    _suggest_all(session, world)
    _make_recipients(session, world)


def _mail_all(database: Database, world: World, settings: Settings) -> None:
    with database.writing(SYSTEM) as session:
        compose_run(session, session.scalars(select(Run)).one(), settings=settings, now=NOW)
    with database.writing(SYSTEM) as session:
        for mail in session.scalars(select(Mail)).all():
            made = compose_mail(session, mail, settings=settings, now=NOW)
            assert not isinstance(made, Withheld), made
            world.mails[mail.account_id] = text_of(made.message)


@pytest.fixture
def world(made: tuple[World, Database]) -> World:
    """With a mail for each of the seven."""
    assert len(made[0].mails) == 7
    return made[0]


@pytest.fixture
def session(made: tuple[World, Database], settings: Settings) -> Iterator[Session]:
    """What there is after the mails were made."""
    assert settings.data_dir
    with made[1].reading(SYSTEM) as session:
        yield session


def recipients(session: Session) -> list[tuple[Account, Actor]]:
    """All seven."""
    accounts = session.scalars(select(Account).order_by(Account.id)).all()
    return [(account, actor_of(account, scopes=frozenset(Scope))) for account in accounts]


def is_named(session: Session, actor: Actor, need: Need) -> bool:
    """Whether the actor is named for the need."""
    if need.confidentiality is not Confidentiality.NAMED_STAFF:
        return False
    named = select(need_staff).where(
        need_staff.c.need_id == need.id, need_staff.c.account_id == actor.account_id
    )
    return session.execute(named).first() is not None


def state_of(session: Session, actor: Actor, need: Need) -> State:
    """The need as the policy is asked about it for somebody in the office or of a company."""
    relation = Relation.STRANGER
    if actor.is_staff and is_named(session, actor, need):
        relation = Relation.NAMED
    if actor.organisation_id == need.organisation_id:
        relation = Relation.OWNER
    return State(relation, need.confidentiality, need.status)


def sees_need(session: Session, actor: Actor, need: Need, action: Action) -> bool:
    """Whether the policy shows it its whole text."""
    return decide(actor.role, action, state_of(session, actor, need)) is View.FULL


def versions_shown(session: Session, actor: Actor, *, waiting: bool | None = None) -> set[UUID]:
    """Versions that the API shows the actor: of needs, and of introductions."""
    found: list[UUID] = []
    if waiting is not True:
        page = list_briefs(session, actor=actor, cursor=None, limit=10_000)
        found += [brief.version.id for brief in page.items]
    for introduction in session.scalars(select(Introduction)) if waiting is not False else ():
        show(session, introduction, actor=actor, disclosed=found.append)
    return set(found)


def test_no_mail_tells_what_the_policy_hides(session: Session, world: World) -> None:
    needs = {need.id: need for need in session.scalars(select(Need))}
    for account, actor in recipients(session):
        for key in world.told(account, "need"):
            assert sees_need(session, actor, needs[key], Action.READ_NEED)
        for key in world.told(account, "signals"):
            assert sees_need(session, actor, needs[key], Action.MATCH_NEED)
        if world.told(account, "version"):
            assert actor.role is Role.PARTNER
            assert world.told(account, "version") <= versions_shown(session, actor)
        for key in world.told(account, "partner") | world.told(account, "evidence"):
            relation = Relation.OWNER if actor.partner_id == key else Relation.STRANGER
            assert decide(actor.role, Action.READ_PARTNER, State(relation)) is View.FULL
        for key in world.told(account, "company"):
            relation = Relation.OWNER if actor.organisation_id == key else Relation.STRANGER
            assert decide(actor.role, Action.READ_ORGANISATION, State(relation)) is View.FULL
        assert not world.told(account, "contact")


def test_each_is_told_of_every_need_that_it_may(session: Session, world: World) -> None:
    for account, actor in recipients(session):
        if actor.role is Role.PARTNER:
            continue
        suggested = {
            need.id
            for need in session.scalars(select(Need))
            if need.status is NeedStatus.OPEN
            and sees_need(session, actor, need, Action.READ_NEED)
            and decide(actor.role, Action.MATCH_NEED, state_of(session, actor, need))
            is not View.NONE
        }
        waiting = {each.need_id for each in waiting_for(session, actor)}
        assert len(suggested) > 10
        assert len(waiting) > 2
        told = suggested | waiting
        if not actor.is_staff:  # all staff sees who was mailed, so these are not told to companies
            hidden = Need.confidentiality == Confidentiality.NAMED_STAFF
            told -= set(session.scalars(select(Need.id).where(hidden)))
            assert told
        assert world.told(account, "need") == told


def waiting_for(session: Session, actor: Actor) -> list[Introduction]:
    """Introductions in which it is the actor's turn, by the policy."""
    acts = Action.MOVE if actor.is_staff else Action.CONSENT
    found = []
    for each in session.scalars(select(Introduction)):
        state = introduction_state(actor, each, named=is_named(session, actor, each.need))
        if waits_for(each.state) is SIDES[actor.role] and (
            decide(actor.role, acts, state) is not View.NONE
        ):
            found.append(each)
    return found


def test_partners_are_told_of_every_version_that_they_may(session: Session, world: World) -> None:
    for account, actor in recipients(session):
        if actor.role is not Role.PARTNER:
            continue
        own = {
            each.need_id
            for each in session.scalars(select(Introduction))
            if each.partner_id == actor.partner_id
        }
        of_strangers = {
            key
            for key in versions_shown(session, actor, waiting=False)
            if session.get_one(NeedVersion, key).need_id not in own
        }
        of_waiting: list[UUID] = []
        for introduction in waiting_for(session, actor):
            show(session, introduction, actor=actor, disclosed=of_waiting.append)
        assert len(of_strangers) >= 4
        assert of_waiting
        assert world.told(account, "version") == of_strangers | set(of_waiting)
        assert world.told(account, "evidence") == {actor.partner_id}
        assert not world.told(account, "need")


def test_the_ledger_has_each_version_that_was_mailed(session: Session, world: World) -> None:
    written: dict[UUID | None, set[UUID]] = {}
    for entry in session.scalars(select(Disclosure)):
        assert entry.channel == "mail"
        assert entry.role is Role.PARTNER
        written.setdefault(entry.account_id, set()).add(entry.version_id)
    assert written == {
        account.id: world.told(account, "version")
        for account, actor in recipients(session)
        if actor.role is Role.PARTNER
    }


def test_no_log_has_a_word_of_it(world: World) -> None:
    said = "\n".join(world.logged)
    assert not CANARY.findall(said)
    assert "@example.jp" not in said
