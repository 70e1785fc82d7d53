import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from app.db import Database
from app.main import create_app
from app.middleware import BodyLimit
from app.services.corpus import Engine
from app.services.keys import create_key
from app.settings import Settings
from models import Role
from tests.app.asking import cluster, everything, problem
from tests.conftest import engines_of

LIMIT = 2000


@pytest.fixture
def limited(settings: Settings, engine: Engine, database: Database) -> Iterator[TestClient]:
    """The application with a small limit, called by a coordinator."""
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR)
    app = create_app(settings.model_copy(update={"max_body_bytes": LIMIT}), engines_of(engine))
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        yield client


def _body(size: int) -> bytes:
    body = json.dumps(cluster(description_en="")).encode()
    return json.dumps(cluster(description_en="x" * (size - len(body)))).encode()


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 500):
        yield body[start : start + 500]


def test_the_limit_itself_is_allowed(limited: TestClient) -> None:
    assert len(_body(LIMIT)) == LIMIT
    assert limited.post("/v1/clusters", content=_body(LIMIT)).status_code == 201


def test_one_byte_more_is_refused(limited: TestClient) -> None:
    problem(limited.post("/v1/clusters", content=_body(LIMIT + 1)), 413)
    assert everything(limited, "/v1/clusters") == []


def test_chunks_without_length(limited: TestClient) -> None:
    answer = limited.post("/v1/clusters", content=_pieces(_body(LIMIT + 1)))
    assert "content-length" not in answer.request.headers
    problem(answer, 413)
    assert everything(limited, "/v1/clusters") == []
    assert limited.post("/v1/clusters", content=_pieces(_body(LIMIT))).status_code == 201


def test_a_false_length(limited: TestClient) -> None:
    for stated in ("5", "x", "-1", ""):
        answer = limited.post(
            "/v1/clusters",
            content=_pieces(_body(LIMIT + 1)),
            headers={"Content-Length": stated},
        )
        problem(answer, 413)
    assert everything(limited, "/v1/clusters") == []


# By itself, without FastAPI around it.


async def _reads_all(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def _answers_first(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await _reads_all(scope, receive, send)


def _call(app: Any, pieces: list[bytes], headers: list[tuple[bytes, bytes]]) -> list[Message]:
    sent: list[Message] = []
    waiting = [
        {"type": "http.request", "body": piece, "more_body": i < len(pieces) - 1}
        for i, piece in enumerate(pieces)
    ]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(BodyLimit(app, maximum=10)(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("pieces", "headers", "status"),
    [
        ([b"0123456789"], [], 200),
        ([b"01234", b"56789"], [], 200),
        ([b""], [(b"content-length", b"11")], 413),
        ([b""], [(b"content-length", b"10")], 200),
    ],
)
def test_alone(pieces: list[bytes], headers: list[tuple[bytes, bytes]], status: int) -> None:
    sent = _call(_reads_all, pieces, headers)
    assert [m["status"] for m in sent if m["type"] == "http.response.start"] == [status]


@pytest.mark.parametrize("app", [_reads_all, _answers_first])
@pytest.mark.parametrize("headers", [[], [(b"content-length", b"3")]])
def test_too_much_is_raised_where_the_body_is_read(
    app: Any, headers: list[tuple[bytes, bytes]]
) -> None:
    """The application's handlers answer it; an answer that has begun is not begun again."""
    with pytest.raises(HTTPException) as caught:
        _call(app, [b"01234", b"56789", b"x"], headers)
    assert caught.value.status_code == 413


def test_other_scopes_pass() -> None:
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    asyncio.run(BodyLimit(app, maximum=0)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]
