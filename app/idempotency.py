"""`Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): a write happens once.

A request that carries a key claims it in a short transaction of its own, so that a repetition sees
at once that it is under way. Its answer is stored in the transaction of its write: both are there,
or neither. `app.api_route.ApiRoute` puts the two ends around the endpoints.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect

from app.access import Action, Actor, Noun, rule_of
from app.auditing import acting, shown
from app.db import Database
from app.deps import CurrentActor, StatedPurpose, get_database
from app.errors import Problem, invalid
from app.services.idempotency import FIELD, Answer, Claim, claim_key, keep_answer, release_key
from models import ObjectKind

logger = logging.getLogger(__name__)

REPLAYED: Final = "Idempotency-Replayed"
"""Header of an answer that was given before."""

KEPT_HEADERS: Final = ("content-type", "etag", "cache-control", "location")

LONGEST: Final = 255

_VISIBLE = re.compile(r"[!-~]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')

DESCRIPTION: Final = (
    "A key of your own making for this request, such as a random UUID: 1 to 255 visible ASCII "
    "characters, bare or in quotes. The same request sent again with it within 24 hours is not "
    f"carried out again: it gets the first answer, marked `{REPLAYED}: true`, or 409 where that "
    "is not kept, as of introductions and briefs: then read the present state. Answers 409 with "
    "`Retry-After` while the first is under way, 422 if the key was used for another request."
)

F = TypeVar("F", bound=Callable[..., object])

_UNKEPT: Final = "__enmusubi_unkept_answer__"

_SHOW_A_NEED: Final = frozenset({Action.CREATE_NEED, Action.WRITE_NEED})
"""Whose answers are kept and are a need: a repetition shows it again."""

_UNKEPT_ACTIONS: Final = (
    frozenset(action for action in Action if action.noun in (Noun.NEED, Noun.INTRODUCTION))
    - _SHOW_A_NEED
)
"""Whose answers show what may be taken back at any time: contacts, briefs, kept lists."""


class Replayed(Exception):
    """The request was carried out before; `response` is what it was answered."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def secret_answer(endpoint: F) -> F:
    """Declare that an endpoint's answer holds a secret that is shown once: it is not kept.

    A repetition is told with 409 that the request was carried out.
    """
    setattr(endpoint, _UNKEPT, True)
    return endpoint


def read_key(values: Sequence[str]) -> str | None:
    """The key in the header's lines, None without any; Problem 422 unless it is one key."""
    if not values:
        return None
    key = values[0].strip()
    if key.startswith('"'):  # a string of structured fields (RFC 9651)
        quoted = _QUOTED.fullmatch(key)
        key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted is not None else ""
    if len(values) > 1 or not _VISIBLE.fullmatch(key) or len(key) > LONGEST:
        raise invalid(FIELD, f"send one key of 1 to {LONGEST} visible ASCII characters")
    return key


async def _body(request: Request) -> bytes:
    """The body, where there is a key to hold it against."""
    if FIELD not in request.headers:
        return b""
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "The request ended before its body.") from error


def claim_request(
    request: Request,
    actor: CurrentActor,
    database: Annotated[Database, Depends(get_database)],
    purpose: StatedPurpose,
    body: Annotated[bytes, Depends(_body)],
    _key: Annotated[
        str | None,
        Header(
            alias=FIELD,
            description=DESCRIPTION,
            examples=['"0192f5b0-7e4d-7a10-8000-3b1f0c2d4e5f"'],
        ),
    ] = None,
) -> Iterator[None]:
    """Claim the request's key for as long as it is under way; Replayed if it was answered.

    Entered before the write session and left after it: if the write fails, down to its commit, the
    key is free again.
    """
    key = read_key(request.headers.getlist(FIELD))
    if key is None:
        yield
        return
    fingerprint = _fingerprint(request, actor, body)
    with database.writing(actor) as session:
        acting(session, actor, purpose)
        claim = claim_key(session, account_id=actor.account_id, key=key, fingerprint=fingerprint)
        if isinstance(claim, Answer):
            _note_shown(session, request, claim)
    if isinstance(claim, Answer):
        raise Replayed(_again(claim))
    request.state.claim = claim
    try:
        yield
    except BaseException:
        _release(database, claim, actor)
        raise


def _fingerprint(request: Request, actor: Actor, body: bytes) -> str:
    """SHA-256 over the request and over whom the actor stands for, which may change in a day."""
    digest = hashlib.sha256()
    for part in (
        request.method.encode(),
        request.url.path.encode(),
        request.url.query.encode(),
        f"{actor.role} {actor.organisation_id} {actor.partner_id}".encode(),
        body,
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _note_shown(session: Session, request: Request, answer: Answer) -> None:
    """A need that staff is shown again by a repetition is read once more."""
    if rule_of(request.scope["endpoint"]) in _SHOW_A_NEED:
        shown(session, ObjectKind.NEED, [UUID(json.loads(answer.body)["id"])])


def _again(answer: Answer) -> Response:
    return Response(
        answer.body, answer.status, headers={**answer.headers, REPLAYED.lower(): "true"}
    )


def _release(database: Database, claim: Claim, actor: Actor) -> None:
    try:
        with database.writing(actor) as session:
            release_key(session, claim)
    except SQLAlchemyError:
        # The request has failed already, with an error that says more; the claim ends by itself.
        logger.exception("an idempotency key could not be released")


def keep_response(request: Request, response: Response) -> None:
    """Store the response to a request that has claimed a key, in the transaction of its write.

    Problem 409 if the claim was taken over; the write is then rolled back.
    """
    claim: Claim | None = getattr(request.state, "claim", None)
    if claim is None:
        return
    session: Session = request.state.write_session
    endpoint = request.scope["endpoint"]
    unkept = hasattr(endpoint, _UNKEPT) or rule_of(endpoint) in _UNKEPT_ACTIONS
    keep_answer(
        session,
        claim,
        status=response.status_code,
        headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
        body=None if unkept else bytes(response.body),
    )
