"""Traces: spans of requests, statements and steps; nothing confidential in them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app import otlp, tracing
from app.db import Database
from app.errors import Problem
from app.jobs.nightly import run_nightly
from app.jobs.run_tools import Order
from app.log_format import ClearingJsonFormatter
from app.main import create_app
from app.services.corpus import Engine
from app.settings import Settings
from tests.app.asking import SECRET, create, get, need, organisation
from tests.app.emails.sink import running
from tests.app.jobs.night_region import Night
from tests.app.test_request_log import logged
from tests.conftest import engines_of

pytestmark = pytest.mark.slow


@contextmanager
def traced(settings: Settings, engine: Engine) -> Iterator[tuple[TestClient, InMemorySpanExporter]]:
    """The application, its spans kept in memory as they would leave."""
    spans = InMemorySpanExporter()
    wanted = settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:1"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(otlp, "OTLPSpanExporter", lambda endpoint: spans)
        app = create_app(wanted, engines_of(engine))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, spans
    assert tracing.trace_id() is None


@pytest.fixture
def finished(settings: Settings, engine: Engine, staff: TestClient) -> Sequence[ReadableSpan]:
    """Spans of a need that is created and matched, with canaries wherever one can be put."""
    key = staff.headers["Authorization"]
    with traced(settings, engine) as (client, spans):
        client.headers["Authorization"] = key
        home = create(client, "/v1/organisations", organisation(name_en=SECRET))["id"]
        stored = create(client, "/v1/needs", need(organisation_id=home, brief_en=SECRET))["id"]
        get(client, f"/v1/needs/{stored}/matches")
        client.get("/v1/partners", params={"name": SECRET}, headers={"User-Agent": SECRET})
        client.get(f"/mail/{SECRET}", headers={"tracestate": "a=confidential4711"})
        client.get(f"/{SECRET}/{SECRET}")
        client.get("/v1/needs", headers={"Host": f"{SECRET}.example"})
        client.post("/v1/match", json={"text": f"{SECRET} juice"})
        get(client, "/healthz")
        client.app.state.traces.provider.force_flush()  # type: ignore[attr-defined]
        return spans.get_finished_spans()


def test_spans_of_requests_statements_and_steps(finished: Sequence[ReadableSpan]) -> None:
    by_id = {span.context.span_id: span for span in finished if span.context}
    (matches,) = [s for s in finished if s.name == "GET /v1/needs/{need_id}/matches"]
    below = [s for s in finished if s.parent and by_id.get(s.parent.span_id) is matches]
    assert {"corpus", "encode", "rank", "evidence"} <= {span.name for span in below}
    names = {span.name for span in finished}
    assert {"POST /v1/needs", "SELECT", "INSERT", "GET /mail/{token}", "GET -"} <= names
    statements = [str((s.attributes or {}).get("db.statement", "")) for s in finished]
    assert any("FROM needs" in statement for statement in statements)
    assert not any("healthz" in name for name in names)


def test_they_hold_nothing_confidential(finished: Sequence[ReadableSpan]) -> None:
    for span in finished:
        told = span.to_json()
        assert SECRET not in told
        assert "confidential" not in told.replace("confidentiality", "")
        assert not span.events
        assert span.status.description is None
        assert not any(k.startswith(("url.", "http.url", "net.")) for k in span.attributes or {})


def test_an_error_is_told_without_its_message(
    settings: Settings, engine: Engine, staff: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    key = staff.headers["Authorization"]
    with traced(settings, engine) as (client, spans):
        monkeypatch.setattr("app.services.matches.rank", fail)
        answer = client.post("/v1/match", json={"text": "juice"}, headers={"Authorization": key})
        assert answer.status_code == 500
        client.app.state.traces.provider.force_flush()  # type: ignore[attr-defined]
        found = spans.get_finished_spans()
    assert [s.name for s in found if not s.status.is_ok]
    assert not [s for s in found if SECRET in s.to_json() or s.events]


def test_log_lines_name_the_trace(settings: Settings, engine: Engine) -> None:
    with logged(ClearingJsonFormatter()) as log, traced(settings, engine) as (client, _):
        client.get("/nowhere", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    assert f'"trace_id": "{"ab" * 16}"' in log.getvalue()


def test_the_steps_of_a_night(database: Database, engine: Engine, settings: Settings) -> None:
    """Against a real mail server; what it sends and to whom is in no span."""
    spans = InMemorySpanExporter()
    with running() as sink:
        night = Night.of(database, engine, settings, sink)
        traces = otlp.Traces(spans).of(database.engine)
        try:
            run_nightly(night.tools(), Order())
            traces.provider.force_flush()
            finished = spans.get_finished_spans()
        finally:
            traces.close()
    assert [s.name for s in finished if s.name.startswith("nightly.")] == [
        f"nightly.{step}" for step in ("embed", "score", "plan", "compose", "deliver")
    ]
    told = " ".join(span.to_json() for span in finished)
    assert sink.recipients
    assert not [address for address in sink.recipients if address in told]


def test_literals_leave_no_statement() -> None:
    values = {"db.statement": "SELECT 'it''s Canary', 4711 FROM needs WHERE id = :id_1"}
    (statement,) = otlp.cleared(values).values()
    assert statement == "SELECT ?, ? FROM needs WHERE id = :id_1"


def test_without_the_extra_it_says_what_to_install(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(tracing, "import_module", missing)
    wanted = settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:1"})
    with pytest.raises(Problem, match=r"install `enmusubi\[otel\]`"):
        create_app(wanted, engines_of(engine))
    assert create_app(settings, engines_of(engine)).state.traces is None


def test_a_collector_gets_them(settings: Settings, engine: Engine) -> None:
    """Over real HTTP, decoded by the protocol's own definition."""
    received: list[tuple[str, bytes]] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wanted = settings.model_copy(
        update={"otlp_endpoint": f"http://127.0.0.1:{server.server_port}/"}
    )
    try:
        with TestClient(create_app(wanted, engines_of(engine))) as client:
            client.get(f"/mail/{SECRET}")
    finally:
        server.shutdown()
        server.server_close()
    assert {path for path, _ in received} == {"/v1/traces"}
    names, services = set(), set()
    for _, body in received:
        assert SECRET.encode() not in body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            services |= {
                a.value.string_value
                for a in resource.resource.attributes
                if a.key == "service.name"
            }
            names |= {span.name for scope in resource.scope_spans for span in scope.spans}
    assert services == {"enmusubi"}
    assert "GET /mail/{token}" in names
