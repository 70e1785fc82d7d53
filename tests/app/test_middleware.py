import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from starlette.types import Message, Receive, Scope, Send

from app import middleware
from app.db import Database
from app.main import create_app
from app.middleware import RequestGuard
from app.services.corpus import Engine
from app.services.keys import create_key
from app.settings import Settings
from models import Role
from tests.app.asking import cluster, everything, problem
from tests.conftest import engines_of, serving, with_key

LIMIT = 2000


@pytest.fixture(scope="module")
def strict(migrated_file: Path) -> FastAPI:
    """The application with a small limit, built once; `serving` gives it an engine."""
    return create_app(
        Settings(
            _env_file=None,
            data_dir=migrated_file.parent,
            encoder="hashing",
            rate_limits=False,
            max_body_bytes=LIMIT,
        )
    )


@pytest.fixture
def limited(strict: FastAPI, engine: Engine, database: Database) -> Iterator[TestClient]:
    """The application with a small limit, called by a coordinator."""
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR)
    with serving(strict, engine) as client:
        keyed = with_key(client, secret)
        keyed.headers["Content-Type"] = "application/json"
        yield keyed


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


GOOD = b'{"slug": "a", "name_en": "A"}'


def _send(client: TestClient, body: bytes, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/clusters", content=body, headers=named)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "GZIP", "identity, gzip", "x"])
def test_packed_bodies_are_not_taken(limited: TestClient, coding: str) -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    answer = _send(limited, packed, content_encoding=coding)
    assert "without Content-Encoding" in problem(answer, 415)["detail"]
    assert _send(limited, GOOD, content_encoding="identity").status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "application/",
        "json",
        "",
        "x" * 1000,
    ],
)
def test_the_api_takes_json_only(limited: TestClient, kind: str) -> None:
    """A form can be sent from any page on the web without being asked for."""
    problem(_send(limited, GOOD, content_type=kind), 415)
    assert everything(limited, "/v1/clusters") == []


@pytest.mark.parametrize(
    "kind",
    ["application/json", "APPLICATION/JSON; charset=utf-8", "application/merge-patch+json"],
)
def test_kinds_of_json(limited: TestClient, kind: str) -> None:
    assert _send(limited, GOOD, content_type=kind).status_code == 201


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[" * 1000, "nested too deeply"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested too deeply"),
        (b'{"slug": "a", "slug": "b", "name_en": "A"}', "twice"),
        (b'{"slug": "a", "name_en": NaN}', "NaN"),
        (b'{"slug": "a", "name_en": -Infinity}', "NaN"),
        (b'{"slug": "\xff"}', "UTF-8"),
        ('{"slug": "a"}'.encode("utf-16"), "UTF-8"),
        ('{"slug": "a"}'.encode("utf-32-le"), "UTF-8"),
        (b'{"slug": "\x00"}', "null bytes"),
        (b'{"slug": "a\tb"}', "not JSON"),
        (b"{\"slug\": 'a'}", "not JSON"),
    ],
)
def test_json_that_is_not_read(limited: TestClient, body: bytes, message: str) -> None:
    body_fault = problem(_send(limited, body), 422, "body")
    assert message in body_fault["detail"]


@pytest.mark.parametrize("address", ["/v1/needs?external_id=%00", "/v1/needs/%00", "/%00"])
def test_null_characters_in_the_address(limited: TestClient, address: str) -> None:
    """PostgreSQL refuses them with an error that is none of the caller's business."""
    problem(limited.get(address), 400)


def test_two_lengths(limited: TestClient) -> None:
    headers = {"Content-Length": "5", "Transfer-Encoding": "chunked"}
    problem(limited.post("/v1/clusters", content=GOOD, headers=headers), 400)


def test_the_settings_name_the_hosts(settings: Settings, engine: Engine) -> None:
    changed = settings.model_copy(update={"allowed_hosts": "a.example, *.b.example"})
    client = TestClient(create_app(changed, engines_of(engine)))  # not started: no need of it
    for host, status in (("a.example", 200), ("x.b.example", 200), ("testserver", 400)):
        answer = client.get("/healthz", headers={"Host": host})
        assert answer.status_code == status
    assert "testserver" not in problem(answer, 400)["detail"]


# By itself, without FastAPI around it.


async def _reads_all(_: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def _call(
    pieces: list[Message], headers: list[tuple[bytes, bytes]], guard: RequestGuard | None = None
) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        if not pieces:
            await asyncio.sleep(60)
        return pieces.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run((guard or RequestGuard(_reads_all, maximum=10, api="/v1/"))(scope, receive, send))
    return sent


def _requests(*pieces: bytes) -> list[Message]:
    last = len(pieces) - 1
    return [
        {"type": "http.request", "body": piece, "more_body": i < last}
        for i, piece in enumerate(pieces)
    ]


@pytest.mark.parametrize(
    ("pieces", "headers", "status"),
    [
        ([b"0123456789"], [], 200),
        ([b"01234", b"56789"], [], 200),
        ([b"01234", b"", b"56789", b""], [], 200),
        ([b"01234", b"56789", b"x"], [], 413),
        ([b"01234", b"56789", b"x"], [(b"content-length", b"3")], 413),
        ([b""], [(b"content-length", b"11")], 413),
        ([b""], [(b"content-length", b"9" * 5000)], 413),
        ([b""], [(b"content-length", b"10")], 200),
    ],
)
def test_alone(pieces: list[bytes], headers: list[tuple[bytes, bytes]], status: int) -> None:
    sent = _call(_requests(*pieces), headers)
    assert sent[0]["status"] == status
    if status == 200:
        assert sent[1]["body"] == b"".join(pieces)


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("", "anything", 200),
        ("a.example", "a.example", 200),
        ("a.example", "A.example:8000", 200),
        ("a.example", "b.example", 400),
        ("a.example", "a.example.evil", 400),
        ("a.example", "xa.example", 400),
        ("a.example", "", 400),
        ("*.example", "b.example", 200),
        ("*.example", "example", 400),
        ("*.example", "example.evil", 400),
        ("a.example, [::1]", "[::1]:8000", 200),
    ],
)
def test_host_names(allowed: str, host: str, status: int) -> None:
    hosts = [name for name in allowed.split(", ") if name]
    guard = RequestGuard(_reads_all, maximum=10, api="/v1/", hosts=hosts)
    assert _call(_requests(b""), [(b"host", host.encode())], guard)[0]["status"] == status


def test_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.01)
    sent = _call(_requests(b"0", b"1")[:1], [])
    assert sent[0]["status"] == 408


def test_a_caller_who_goes_away_is_passed_on() -> None:
    sent = _call([*_requests(b"0", b"1")[:1], {"type": "http.disconnect"}], [])
    assert sent[1]["body"] == b""


def test_too_many_large_bodies_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are read before the key is looked at: anybody could fill the memory."""
    monkeypatch.setattr(middleware, "HELD_BODIES", 1)
    inner: list[Message] = []

    async def meanwhile(scope: Scope, receive: Receive, send: Send) -> None:
        if not inner:
            inner.append({})  # the second call comes while the first one holds its body

            async def again() -> Message:
                return _requests(b"y")[0]

            async def keep(message: Message) -> None:
                inner.append(message)

            await guard(scope, again, keep)
        await _reads_all(scope, receive, send)

    guard = RequestGuard(meanwhile, maximum=10, api="/v1/")
    assert _call(_requests(b"0123456789"), [], guard)[0]["status"] == 200
    assert inner[1]["status"] == 503
    assert _call(_requests(b"0123456789"), [], guard)[0]["status"] == 200  # all is given back


def test_other_scopes_pass() -> None:
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    guard = RequestGuard(app, maximum=0, api="/v1/")
    asyncio.run(guard({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]
