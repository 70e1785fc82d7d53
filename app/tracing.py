"""Traces: what a request or a night's run spent its time on, for a collector of OpenTelemetry.

Off unless `start` is given an endpoint; only then are the libraries loaded. Until then a span costs
one comparison. A span's name and figures are chosen here in the program; what a library adds goes
through a list of what may leave (`app.otlp`).
"""

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Protocol

from app.errors import invalid


class Tracing(Protocol):
    """What `app.otlp` provides."""

    def span(self, name: str, figures: dict[str, int]) -> AbstractContextManager[object]:
        """A span around a block."""

    def trace_id(self) -> str | None:
        """Of the span that is open here, 32 hex digits."""

    def close(self) -> None:
        """Send what is left, and trace no more."""


_tracing: Tracing | None = None


def start(endpoint: str, engine: Any, application: Any = None) -> Tracing | None:
    """Trace an engine's statements and an application's requests; None without an endpoint.

    The application must not have been called yet. Problem 422 if the extra `otel` is missing.
    """
    if not endpoint:
        return None
    try:
        module = import_module("app.otlp")
    except ImportError as error:
        raise invalid(
            "ENMUSUBI_OTLP_ENDPOINT",
            "is set, and the libraries that send traces are not installed: install "
            "`enmusubi[otel]` (from a checkout: pip install '.[otel]'), or leave it empty",
        ) from error
    tracing: Tracing = module.Traces.start(endpoint, engine, application)
    return tracing


def use(tracing: Tracing | None) -> None:
    """Send spans there from now on; None: nowhere."""
    global _tracing  # noqa: PLW0603 - one for the process, as its log
    _tracing = tracing


def span(name: str, **figures: int) -> AbstractContextManager[object]:
    """A span around a block: a fixed name and numbers, nothing that anybody wrote."""
    return nullcontext() if _tracing is None else _tracing.span(name, figures)


def trace_id() -> str | None:
    """Of the span that is open here; None where nothing is traced."""
    return None if _tracing is None else _tracing.trace_id()
