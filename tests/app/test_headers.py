import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from app.headers import ALWAYS, POLICY, policy_for
from app.main import create_app
from app.services import needs
from app.services.corpus import Engine
from app.settings import Settings
from tests.app.asking import UNKNOWN
from tests.conftest import engines_of


def _check(answer: Response) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value], name
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/needs", 200),
        ("POST", "/v1/needs", 422),
        ("GET", f"/v1/needs/{UNKNOWN}", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/needs", 405),
        ("OPTIONS", "/v1/needs", 405),
        ("GET", "/v1/needs?external_id=%00", 400),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
    ],
)
def test_every_answer_has_them(staff: TestClient, method: str, path: str, status: int) -> None:
    answer = staff.request(method, path)
    assert answer.status_code == status
    _check(answer)
    if path != "/docs":
        assert answer.headers["content-security-policy"] == POLICY


def test_without_a_key(anonymous: TestClient) -> None:
    _check(anonymous.get("/v1/needs"))


def test_unexpected_errors(staff: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starlette answers them outside of all middleware."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(needs, "list_needs", fail)
    answer = staff.get("/v1/needs")
    assert answer.status_code == 500
    _check(answer)


def test_too_large(staff: TestClient) -> None:
    answer = staff.post("/v1/needs", content=b"", headers={"Content-Length": "99999999"})
    assert answer.status_code == 413
    _check(answer)


def test_strict_transport_only_where_the_request_came_by_it(application: FastAPI) -> None:
    for scheme in ("http", "https"):
        client = TestClient(application, base_url=f"{scheme}://testserver")
        found = client.get("/healthz").headers.get("strict-transport-security", "")
        assert found == ("max-age=63072000" if scheme == "https" else "")


class _Page(HTMLParser):
    """The scripts of a page: addresses, and texts of inline ones; handlers in attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.inline: list[str] = []
        self.handlers: list[str] = []
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.handlers += [name for name in given if name.startswith("on")]
        if tag == "script" and given.get("src"):
            self.sources.append(str(given["src"]))
        self._open = tag == "script" and "src" not in given

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = False


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect"])
def test_the_documentation_still_runs(anonymous: TestClient, path: str) -> None:
    """Its own scripts may run: those from this server, and by hash those that stand in it."""
    answer = anonymous.get(path)
    policy = answer.headers["content-security-policy"]
    (scripts,) = re.findall(r"script-src ([^;]*)", policy)
    assert "unsafe" not in scripts
    page = _Page(answer.text)
    assert page.inline
    assert page.handlers == []
    for text in page.inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in scripts
    for source in page.sources:
        assert source.startswith("/")
        assert anonymous.get(source).status_code == 200
    assert answer.headers["content-length"] == str(len(answer.content))


def test_assets_may_be_kept(anonymous: TestClient) -> None:
    answer = anonymous.get("/static-offline-docs/swagger-ui.css")
    assert answer.status_code == 200
    assert "cache-control" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_script_that_was_added_has_another_hash() -> None:
    one = policy_for(b"<script>good()</script>")
    two = policy_for(b"<script>evil()</script>")
    assert one.count("sha256-") == two.count("sha256-") == 1
    assert one != two


ORIGIN = "https://portal.example.jp"


@pytest.fixture
def shared(settings: Settings, engine: Engine) -> TestClient:
    """The application that lets the pages of one origin in."""
    changed = settings.model_copy(update={"cors_origins": f"{ORIGIN}, https://b.example"})
    return TestClient(create_app(changed, engines_of(engine)))


def _preflight(client: TestClient, origin: str) -> Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    named = {"Access-Control-Request-Headers": "authorization, content-type"}
    return client.options("/v1/needs", headers=asked | named)


def test_other_origins_are_let_in_by_configuration_only(
    anonymous: TestClient, shared: TestClient
) -> None:
    for client, origin in ((anonymous, ORIGIN), (shared, "https://evil.example"), (shared, "null")):
        answer = client.get("/healthz", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        assert _preflight(client, origin).status_code in {400, 405}
        assert "access-control-allow-origin" not in _preflight(client, origin).headers


def test_a_configured_origin_is_let_in_without_credentials(shared: TestClient) -> None:
    answer = shared.get("/v1/needs", headers={"Origin": ORIGIN})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"
    preflight = _preflight(shared, ORIGIN)
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for headers in (answer.headers, preflight.headers):
        assert "access-control-allow-credentials" not in headers
