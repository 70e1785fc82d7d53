"""A need, a partner, and everybody who might call: what tests of introductions begin with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import delete

from app.db import Database
from app.services.keys import create_key
from models import (
    Confidentiality,
    Introduction,
    IntroductionState,
    Need,
    OrganisationKind,
    Partner,
    Role,
)
from tests.app.asking import Body, create
from tests.conftest import with_key
from tests.factories import (
    make_capability,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)

PATH = "/v1/introductions"

COMPANY_CONTACT = {
    "name": "Canary Company Contact",
    "email": "canary-company@example.jp",
    "phone": "0985-11-4711",
}
PARTNER_CONTACT = {
    "name": "Canary Partner Contact",
    "email": "canary-partner@example.jp",
    "phone": "0985-22-4711",
}
CONTACTS = {
    "company": ["Canary Company Contact", "canary-company@", "0985-11-4711"],
    "partner": ["Canary Partner Contact", "canary-partner@", "0985-22-4711"],
}
"""By the side that gives them."""
ORGANISATION, NEED_TITLE, NEED_BRIEF = "Canary Brewery", "Canary need title", "Canary need brief"
PARTNER_NAME, PARTNER_HOME, EVIDENCE = "Canary Researcher", "Canary University", "Canary paper"
TEASER = "A drink changes colour within a few months."
NOTE = "Canary note of the office"
NAMES = [PARTNER_NAME, PARTNER_HOME]
SECRET_OF_NEED = [NEED_TITLE, NEED_BRIEF]


@dataclass(frozen=True, slots=True)
class World:
    """Ids, and clients by who calls."""

    need_id: str
    partner_id: str
    organisation_id: str
    version_id: str
    clients: dict[str, TestClient]
    database: Database

    def place(self, state: str) -> str:
        """Id of an introduction that is put into that state without its steps: the only one."""
        with self.database.writing() as session:
            session.execute(delete(Introduction))
            far = [after for *_, after in WAY].index(state)
            return str(
                make_introduction(
                    session,
                    session.get_one(Need, UUID(self.need_id)),
                    session.get_one(Partner, UUID(self.partner_id)),
                    state=IntroductionState(state),
                    version_id=UUID(self.version_id) if far >= 1 else None,
                    company_contact=COMPANY_CONTACT if far >= 2 else None,
                    partner_contact=PARTNER_CONTACT if far >= 3 else None,
                ).id
            )

    def suggest(self, **values: object) -> str:
        """Id of a new introduction of the partner for the need."""
        body = {"partner_id": self.partner_id, **values}
        made = create(self.clients["staff"], f"/v1/needs/{self.need_id}/introductions", body)
        return str(made["id"])

    def read(self, who: str, key: str) -> Response:
        """GET by somebody."""
        return self.clients[who].get(f"{PATH}/{key}")

    def revision(self, key: str) -> int:
        """The present one."""
        return int(self.read("staff", key).json()["revision"])

    def step(
        self,
        who: str,
        key: str,
        step: str,
        body: Body | None = None,
        *,
        revision: int | None = None,
    ) -> Response:
        """POST by somebody on that revision, the present one unless told otherwise."""
        at = self.revision(key) if revision is None else revision
        given: Body = {}
        if body is not None:
            given = body
        elif step in BODIES:
            given = BODIES[step](who)
        return self.clients[who].post(
            f"{PATH}/{key}/{step}", json=given, headers={"If-Match": f'"{at}"'}
        )

    def reach(self, state: str) -> str:
        """Id of a new introduction that has come so far, by the steps that lead there."""
        key = self.suggest()
        for who, step, after in WAY[: [after for *_, after in WAY].index(state) + 1]:
            if step != "suggest":
                answer = self.step(who, key, step)
                assert answer.status_code == 200, answer.text
                assert answer.json()["state"] == after
        return key


WAY = [
    ("staff", "suggest", "suggested"),
    ("staff", "release", "released"),
    ("company", "consent", "company_consented"),
    ("partner", "consent", "partner_consented"),
    ("staff", "introduce", "introduced"),
    ("staff", "meet", "met"),
    ("staff", "agree", "agreed"),
    ("staff", "close", "closed"),
]
"""Who takes which step, and where it leads."""


def _contact(who: str) -> Body:
    return {"contact": COMPANY_CONTACT if who in {"company", "rival"} else PARTNER_CONTACT}


BODIES: dict[str, Callable[[str], Body]] = {
    "consent": _contact,
    "close": lambda _: {"outcome": "joint_research"},
    "decline": lambda _: {"reason": "no_time"},
    "notes": lambda _: {"text": NOTE},
}


def make_world(
    anonymous: TestClient,
    database: Database,
    *,
    level: Confidentiality = Confidentiality.STAFF_ONLY,
) -> World:
    """Everybody has a key: two of staff, the company and a rival, the partner and a colleague,
    a machine."""
    with database.writing() as session:
        home = make_organisation(session, name_en=ORGANISATION)
        rival = make_organisation(session, name_en="A rival")
        need = make_need(
            session,
            organisation_id=home.id,
            title_en=NEED_TITLE,
            brief_en=NEED_BRIEF,
            confidentiality=level,
        )
        version = make_version(session, need, brief_en=TEASER)
        university = make_organisation(
            session, name_en=PARTNER_HOME, kind=OrganisationKind.UNIVERSITY
        )
        partner = make_partner(session, name_en=PARTNER_NAME, organisation_id=university.id)
        make_capability(session, partner, title_en=EVIDENCE)
        colleague = make_partner(session, name_en="A colleague", organisation_id=university.id)
        keys: Iterator[tuple[str, Role, UUID | None, UUID | None]] = iter(
            (
                ("staff", Role.COORDINATOR, None, None),
                ("admin", Role.ADMIN, None, None),
                ("company", Role.COMPANY, home.id, None),
                ("rival", Role.COMPANY, rival.id, None),
                ("partner", Role.PARTNER, None, partner.id),
                ("colleague", Role.PARTNER, None, colleague.id),
                ("machine", Role.MACHINE, None, None),
            )
        )
        clients = {}
        for name, role, organisation_id, partner_id in keys:
            _, secret = create_key(
                session,
                name=name,
                role=role,
                organisation_id=organisation_id,
                partner_id=partner_id,
            )
            clients[name] = with_key(anonymous, secret)
        return World(
            str(need.id), str(partner.id), str(home.id), str(version.id), clients, database
        )
