"""Match lists asked for again: what was granted a moment ago is granted again, at little cost.

The ordinary way of a request leads through a dozen dependencies, three threads and eight queries,
and ends with a commit to the audit log. Most lists are asked for again before anything has changed.
Such a request takes the place of all that with one look at the database and, if staff reads, with
its entry in the log, both in one transaction that it shares with the requests beside it.

*Why nobody is shown more than on the ordinary way.* A grant is kept under all of a request that the
ordinary way looks at: the key, the need, the query string and the purpose. It holds for one state
of the database, the one in which the key was found good, the policy was asked and the list made:
the same corpus revision (all that is matched or shown), the same access number (accounts, keys and
needs, `app.changes`), the same encoder. That state is read after the request has come, before its
answer leaves. A key that has expired, another day, a need for named staff, a browser's session, an
answer that is forgotten, and whatever else is not exactly as it was, take the ordinary way.
"""

import asyncio
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy.orm import Session

from app.access import Actor
from app.api_route import ApiRoute
from app.audit_chain import Draft, append
from app.auditing import PURPOSE, reading_of
from app.clock import today
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.gate import Gate
from app.limiting import count_key
from app.services.corpus import Engine
from app.services.encoders import Moment, moment_of
from app.services.engines import Engines
from app.services.keys import Holder, digest_of, may_be_key
from app.services.match_answers import AskedList, Kept
from matching.corpus import Corpus
from models import ObjectKind, Purpose, utc_now

MOST: Final = 10_000
"""Grants that are kept, of some 500 bytes each, without any text; the oldest go first."""
SECONDS: Final = 60.0
"""After which the ordinary way is taken once again. An earlier version of this program, which may
run beside this one during an upgrade, does not raise the access number."""
PAUSE: Final = 0.001
"""Seconds between two transactions, in which others come to write and more requests gather."""

JSON: Final = "application/json"
_SECRETS: Final = (b"authorization", b"x-api-key")
_LOOKED_AT: Final = (*_SECRETS, b"x-purpose")
_BEARER: Final = b"bearer "

Question = tuple[str, str, bytes, bytes | None]
"""Hash of the key, path, query string, purpose: all that the ordinary way looks at."""


@dataclass(frozen=True, slots=True)
class Grant:
    """That somebody was given an answer, and the state in which it was."""

    actor: Actor
    purpose: Purpose | None
    expires_at: datetime | None
    moment: Moment
    corpus: "weakref.ref[Corpus]"
    answer: "weakref.ref[Kept]"
    """Weakly: what is forgotten elsewhere, be it since somebody was erased, is forgotten here."""
    until: float

    def draft(self, answer: Kept) -> Draft | None:
        """The entry of the audit log that it takes to show the answer, if any."""
        return reading_of(self.actor, self.purpose, ObjectKind.NEED, answer.asked.need_id)


@dataclass(frozen=True, slots=True)
class Claim:
    """A grant that holds if the database still stands where it stood."""

    moment: Moment
    draft: Draft | None


class Repeats:
    """The grants of one process; `app.state.repeats`."""

    def __init__(self) -> None:
        self._grants: OrderedDict[Question, Grant] = OrderedDict()
        self._lock = threading.Lock()
        self._together: dict[bool, Together] = {}
        """With entries in the audit log and without, so that companies wait for no entry."""

    def remember(
        self, request: Request, session: Session, engine: Engine, asked: AskedList
    ) -> None:
        """Keep what the ordinary way grants in this session, if the request can be known again."""
        question = question_of(request)
        holder: Holder | None = getattr(request.state, "holder", None)
        loaded = engine.corpora.held
        if question is None or holder is None or loaded is None or not engine.reads:
            return  # without an encoder the ordinary way looks each time whether there is one
        moment = moment_of(session)
        # The key was found in an earlier transaction: only if nothing has changed since.
        if moment.access != holder.access or moment.revision != loaded.revision:
            return
        answer = engine.answers.kept(loaded.corpus, loaded.revision, asked)
        if answer is None:
            return
        grant = Grant(
            holder.actor,
            session.info.get(PURPOSE),
            holder.expires_at,
            moment,
            weakref.ref(loaded.corpus),
            weakref.ref(answer),
            monotonic() + SECONDS,
        )
        with self._lock:
            self._grants[question] = grant
            self._grants.move_to_end(question)
            while len(self._grants) > MOST:
                self._grants.popitem(last=False)

    async def answer(self, request: Request) -> Response | None:
        """The answer, recorded; None if the request must take the ordinary way.

        Problem 429 if its key has asked too often, 503 if the audit log cannot be written.
        """
        question = question_of(request)
        grant = None if question is None else self._grants.get(question)
        if question is None or grant is None:
            return None
        engines: Engines = request.app.state.engines
        answer = _still_there(grant, engines)
        if answer is not None:
            count_key(request, str(grant.actor.key_id))
            request.state.counted = True
            claim = Claim(grant.moment, grant.draft(answer))
            if await self._beside_others(engines.database, claim).do(claim):
                _note_caller(request, grant.actor)
                return Response(answer.body, media_type=JSON)
        with self._lock:
            if self._grants.get(question) is grant:
                del self._grants[question]
        return None

    def _beside_others(self, database: Database, claim: Claim) -> "Together":
        records, loop = claim.draft is not None, asyncio.get_running_loop()
        together = self._together.get(records)
        if together is None or together.loop is not loop or together.database is not database:
            together = self._together[records] = Together(loop, database)
        return together


def _note_caller(request: Request, actor: Actor) -> None:
    """As `app.deps.get_actor`."""
    gate: Gate = request.app.state.gate
    request.state.caller = f"{actor.role.value}/key"
    gate.uses.note(actor)


def _still_there(grant: Grant, engines: Engines) -> Kept | None:
    """The granted answer, if nothing that this process knows of stands against it."""
    answer, engine = grant.answer(), engines.held
    if answer is None or engine is None:
        return None
    loaded = engine.corpora.held
    if loaded is None or loaded.corpus is not grant.corpus():
        return None
    if monotonic() > grant.until or answer.asked.day != today():
        return None
    if grant.expires_at is not None and grant.expires_at <= utc_now():
        return None
    engine.answers.use(answer)
    return answer


def question_of(request: Request) -> Question | None:
    """What the ordinary way looks at; None if a header is doubled, or nothing is like a key."""
    found: dict[bytes, bytes] = {}
    for name, value in request.scope["headers"]:
        if name in _LOOKED_AT:
            if name in found:
                return None
            found[name] = value
    secret = found.get(b"x-api-key")
    if secret is None:
        header = found.get(b"authorization", b"")
        secret = header[len(_BEARER) :] if header[: len(_BEARER)].lower() == _BEARER else b""
    key, scope = secret.decode("latin-1"), request.scope
    if not may_be_key(key):
        return None
    return digest_of(key), scope["path"], scope["query_string"], found.get(b"x-purpose")


class Together:
    """Group commit: one look at the database, and one commit, for all requests that wait.

    It belongs to an event loop; a thread does one batch after the other.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, database: Database) -> None:
        self.loop, self.database = loop, database
        self._waiting: list[tuple[Claim, asyncio.Future[bool]]] = []
        self._working: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="repeats")

    async def do(self, claim: Claim) -> bool:
        """True once the claim is found to hold and is recorded; False if it does not hold.

        Problem 503 if the audit log cannot be written.
        """
        done: asyncio.Future[bool] = self.loop.create_future()
        self._waiting.append((claim, done))
        if self._working is None:
            self._working = self.loop.create_task(self._work())
        return await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._settle(batch)
                if self._waiting:
                    await asyncio.sleep(PAUSE)
        finally:
            self._working = None

    async def _settle(self, batch: list[tuple[Claim, asyncio.Future[bool]]]) -> None:
        claims = [claim for claim, _ in batch]
        try:
            held = await self.loop.run_in_executor(self._thread, self._record, claims)
        except BaseException as error:
            for _, done in batch:
                if not done.done():
                    done.set_exception(error if isinstance(error, Exception) else _cut_off())
            if not isinstance(error, Exception):
                raise
            return  # it is raised where the requests wait for it
        for (_, done), holds in zip(batch, held, strict=True):
            if not done.done():  # nobody waits any more
                done.set_result(holds)

    def _record(self, claims: Sequence[Claim]) -> list[bool]:
        """Which claims hold; those that do are in the audit log."""
        drafts = any(claim.draft is not None for claim in claims)
        database = self.database
        with database.recording() if drafts else database.reading(SYSTEM) as session:
            moment = moment_of(session)
            held = [claim.moment == moment for claim in claims]
            pairs = zip(claims, held, strict=True)
            shown = [claim.draft for claim, holds in pairs if holds and claim.draft is not None]
            if shown:
                append(session, shown)
        return held


def _cut_off() -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The service is ending: try again shortly.")


class RepeatedRoute(ApiRoute):
    """A route whose endpoint tells `Repeats` what it grants."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint's handler, behind what was granted before."""
        ordinary = super().get_route_handler()

        async def handle(request: Request) -> Response:
            repeats: Repeats = request.app.state.repeats
            return await repeats.answer(request) or await ordinary(request)

        return handle
