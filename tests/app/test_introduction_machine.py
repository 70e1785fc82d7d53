"""Any sequence of steps by anybody, against a model of the states written down anew here.

No sequence shows a contact before the introduction, a name to the company, the need or its
organisation to the partner, or lets a step be taken out of order.
"""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete

from app.db import Database
from models import Introduction
from tests.app.asking import UNKNOWN
from tests.app.introducing import (
    CONTACTS,
    EVIDENCE,
    NAMES,
    NOTE,
    ORGANISATION,
    PATH,
    SECRET_OF_NEED,
    World,
    make_world,
)

FORWARD = {
    "suggested": ("staff", "release", "released"),
    "released": ("company", "consent", "company_consented"),
    "company_consented": ("partner", "consent", "partner_consented"),
    "partner_consented": ("staff", "introduce", "introduced"),
    "introduced": ("staff", "meet", "met"),
    "met": ("staff", "agree", "agreed"),
    "agreed": ("staff", "close", "closed"),
}
ORDER = [*FORWARD, "closed"]
INTRODUCED = {"introduced", "met", "agreed", "closed"}
STAFF = {"staff", "admin"}
SIDES = {"company", "partner"}
STEPS = ("release", "consent", "introduce", "meet", "agree", "close", "decline", "withdraw")
ACTORS = ("staff", "admin", "company", "rival", "partner", "colleague", "machine")
FIRST_TOLD = {"company": "released", "partner": "company_consented"}


def knows(who: str, state: str) -> bool:
    """True if an introduction in that state exists for somebody."""
    if who in STAFF:
        return True
    return who in SIDES and state in ORDER[ORDER.index(FIRST_TOLD[who]) :]


def after(who: str, step: str, state: str) -> str | None:
    """Where the step leads, None if it is out of order."""
    side = "staff" if who in STAFF else who
    if step == "decline":
        return None if state in {"closed", "declined"} else "declined"
    if step == "withdraw":
        given = side in SIDES and state in ORDER[ORDER.index(f"{side}_consented") :]
        return "declined" if given else None
    if step == "close" and state in {"introduced", "met", "agreed"}:
        return "closed"
    return FORWARD[state][2] if FORWARD.get(state, ())[:2] == (side, step) else None


def expected(who: str, step: str, state: str, *, fresh: bool) -> int:
    """The status of the answer."""
    if who == "machine" or (step == "consent" and who in STAFF):
        return 403
    if step not in {"consent", "decline", "withdraw"} and who not in STAFF:
        return 403
    if not knows(who, state):
        return 404
    if step == "withdraw" and who in STAFF:
        return 422
    if not fresh or after(who, step, state) is None:
        return 409
    return 204 if step in {"decline", "withdraw"} else 200


class Machine(RuleBasedStateMachine):
    """One introduction after the other of the same pair, and all who might call."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        with world.database.writing() as session:
            session.execute(delete(Introduction))
        self.key, self.state, self.revision = world.suggest(), "suggested", 1
        self.nothing = world.read("company", UNKNOWN).text

    @initialize(state=st.sampled_from(ORDER), fresh=st.booleans())
    def begin(self, state: str, fresh: bool) -> None:
        """Come as far as that by the right steps, then try all the wrong ones."""
        while self.state != state:
            who, step, _ = FORWARD[self.state]
            self._act(who, step)
        self._stumble(fresh=fresh)

    @rule()
    def forward(self) -> None:
        """The right step by the right one."""
        if self.state in FORWARD:
            who, step, _ = FORWARD[self.state]
            self._act(who, step)

    @rule(fresh=st.booleans())
    def stumble(self, fresh: bool) -> None:
        """All that is refused to those who know of it, or to all on another revision."""
        self._stumble(fresh=fresh)

    def _stumble(self, *, fresh: bool) -> None:
        for who in ("staff", "company", "partner"):
            for step in STEPS:
                if expected(who, step, self.state, fresh=fresh) >= 400:
                    self._act(who, step, fresh=fresh)

    @rule(who=st.sampled_from(ACTORS), step=st.sampled_from(STEPS), fresh=st.booleans())
    def act(self, who: str, step: str, fresh: bool) -> None:
        """Any step by anybody, on the present revision or another."""
        self._act(who, step, fresh=fresh)

    @rule(who=st.sampled_from(sorted(STAFF)))
    def suggest(self, who: str) -> None:
        """The pair anew, which only works once the former has ended."""
        answer = self.world.clients[who].post(
            f"/v1/needs/{self.world.need_id}/introductions",
            json={"partner_id": self.world.partner_id},
        )
        if self.state in {"closed", "declined"}:
            assert answer.status_code == 201
            self.key, self.state, self.revision = answer.json()["id"], "suggested", 1
        else:
            assert answer.status_code == 409

    @rule(who=st.sampled_from(ACTORS))
    def note(self, who: str) -> None:
        """A note, by staff alone."""
        answer = self.world.step(who, self.key, "notes", revision=1)
        assert answer.status_code == (201 if who in STAFF else 403)
        if who not in STAFF:
            assert NOTE not in answer.text

    @rule(who=st.sampled_from(["rival", "colleague", "machine"]))
    def look(self, who: str) -> None:
        """Who is no side sees nothing, one by one or in a list."""
        status = 403 if who == "machine" else 404
        assert self.world.read(who, self.key).status_code == status
        listed = self.world.clients[who].get(PATH)
        assert listed.json().get("items", []) == []

    @invariant()
    def nobody_sees_too_much(self) -> None:
        """Each side reads its own view, the others nothing."""
        for who in ("staff", "company", "partner"):
            answer = self.world.read(who, self.key)
            if knows(who, self.state):
                assert answer.json()["state"] == self.state
                assert answer.json()["revision"] == self.revision
            else:
                assert answer.status_code == 404
                assert answer.text == self.nothing
            self._search(who, answer)

    def _act(self, who: str, step: str, *, fresh: bool = True) -> None:
        body: dict[str, Any] | None = None
        if step == "withdraw":
            body = {"reason": "consent_withdrawn"}
        answer = self.world.step(
            who,
            self.key,
            "decline" if step == "withdraw" else step,
            body,
            revision=self.revision if fresh else self.revision - 1,
        )
        assert answer.status_code == expected(who, step, self.state, fresh=fresh), (who, step)
        if answer.is_success:
            reached = after(who, step, self.state)
            assert reached is not None
            self.state, self.revision = reached, self.revision + 1
        self._search(who, answer)

    def _search(self, who: str, answer: Response) -> None:
        """No word in the answer that is not for these eyes in this state."""
        introduced = self.state in INTRODUCED
        hidden: list[str] = []
        if not introduced or who not in {"staff", "admin", "company"}:
            hidden += CONTACTS["partner"]
        if not introduced or who not in {"staff", "admin", "partner"}:
            hidden += CONTACTS["company"]
        if who not in STAFF:
            hidden += [NOTE, EVIDENCE, *SECRET_OF_NEED]
            if who != "company" or not introduced:
                hidden += [*NAMES, self.world.partner_id]
            if who != "partner" or not introduced:
                hidden += [ORGANISATION]
        for word in hidden:
            assert word not in answer.text, (who, self.state, word)


@pytest.fixture
def world(anonymous: TestClient, database: Database) -> World:
    """Everybody with a key."""
    return make_world(anonymous, database)


def _run(world: World, *, examples: int, steps: int) -> None:
    class Here(Machine):
        def __init__(self) -> None:
            super().__init__(world)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_sequence_of_steps_shows_too_much(world: World) -> None:
    _run(world, examples=5, steps=4)


@pytest.mark.slow
def test_no_sequence_of_many_steps_shows_too_much(world: World) -> None:
    _run(world, examples=50, steps=20)
