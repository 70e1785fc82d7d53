"""Sends traces to a collector by OTLP over HTTP; needs the extra `otel`, and is loaded by
`app.tracing` where they are wanted.

Libraries put addresses with ids and tokens, callers' headers, file names and messages of exceptions
into spans. So what leaves is not what they made: each span is made anew from a short list of
attributes, its statement without literals, its events and its status without words.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import Any, Final, Self

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from sqlalchemy import Engine

from app import tracing

OURS: Final = "enmusubi."
"""Prefix of the figures that the program itself adds."""
KEPT: Final = frozenset(
    {
        "db.system",
        "db.system.name",
        "error.type",
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.status_code",
    }
)
"""Attributes that leave as they are: each has a handful of values."""
STATEMENTS: Final = frozenset({"db.statement", "db.query.text"})
"""SQL with placeholders; the values never stand in it, and literals are taken out besides."""
UNTRACED: Final = "/healthz$,/readyz$,/metrics$"
LONGEST: Final = 2000
"""Characters of a statement."""

_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|\b\d+\b")


def clear(span: ReadableSpan) -> ReadableSpan:
    """The span as it may leave: see the module."""
    attributes = dict(cleared(span.attributes or {}))
    ours = any(key.startswith(OURS) for key in attributes)
    kind = span.kind
    # A library names its spans after what it found: the route, the database's file.
    name = span.name
    if kind is trace.SpanKind.SERVER:
        method = attributes.get("http.method") or attributes.get("http.request.method") or "HTTP"
        name = f"{method} {attributes.get('http.route', '-')}"
    elif kind is trace.SpanKind.CLIENT:
        name = span.name.partition(" ")[0][:20]
    elif not ours:
        name = "internal"
    return ReadableSpan(
        name=name,
        context=_plain(span.context),
        parent=_plain(span.parent),
        resource=span.resource,
        attributes=attributes,
        kind=kind,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def cleared(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes that may leave, statements without their literals."""
    kept = {key: v for key, v in attributes.items() if key in KEPT or key.startswith(OURS)}
    for key in STATEMENTS & attributes.keys():
        kept[key] = _LITERAL.sub("?", str(attributes[key]))[:LONGEST]
    return kept


def _plain(context: Any) -> Any:
    """Without the state that a caller may have sent along."""
    if context is None:
        return None
    return trace.SpanContext(
        context.trace_id, context.span_id, context.is_remote, context.trace_flags
    )


class Clearing(SpanExporter):
    """An exporter that gives another one cleared spans only."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans, cleared."""
        return self._inner.export([clear(span) for span in spans])

    def shutdown(self) -> None:
        """Close the other one."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True if nothing is left in the other one."""
        return self._inner.force_flush(timeout_millis)


class Traces:
    """Traces of this process, from `start` to `close`."""

    def __init__(self, exporter: SpanExporter) -> None:
        described = {"service.name": "enmusubi", "service.version": version("enmusubi")}
        self.provider = TracerProvider(resource=Resource.create(described))
        self.provider.add_span_processor(BatchSpanProcessor(Clearing(exporter)))
        self._tracer = self.provider.get_tracer("enmusubi")

    @classmethod
    def start(cls, endpoint: str, engine: Engine, app: FastAPI | None = None) -> Self:
        """Trace the statements of an engine, and the requests to an application."""
        return cls(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")).of(engine, app)

    def of(self, engine: Engine, app: FastAPI | None = None) -> Self:
        """Trace these; the application must not have been called yet."""
        if app is not None:
            FastAPIInstrumentor.instrument_app(
                app,
                tracer_provider=self.provider,
                excluded_urls=UNTRACED,
                exclude_spans=["receive", "send"],
            )
        # Not by SQLAlchemyInstrumentor: its check knows SQLAlchemy up to 2.0 and skips others
        # without a word, and past the check it wants greenlet, which we do without.
        unused = NoOpMeter("enmusubi").create_up_down_counter("connections")
        EngineTracer(self._tracer, engine, unused)  # type: ignore[no-untyped-call]
        tracing.use(self)
        return self

    def span(self, name: str, figures: dict[str, int]) -> AbstractContextManager[object]:
        """A span around a block."""
        return self._tracer.start_as_current_span(
            name,
            attributes={f"{OURS}{key}": value for key, value in ({"step": name} | figures).items()},
            record_exception=False,
        )

    def trace_id(self) -> str | None:
        """Of the span that is open here."""
        context = trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else None

    def close(self) -> None:
        """Send what is left, and trace no more."""
        tracing.use(None)
        EngineTracer.remove_all_event_listeners()  # type: ignore[no-untyped-call]
        self.provider.shutdown()
