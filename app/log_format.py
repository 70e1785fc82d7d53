"""How the service writes its log: no secrets, no query strings, no data in tracebacks.

A log is read by more people, and kept longer, than the database. What callers send appears in it
by accident: in the address of a request, in the message of an exception that quotes a row. So each
line is cleared as it is written, whoever logs.
"""

import copy
import json
import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

import uvicorn.config
from sqlalchemy.exc import OperationalError
from uvicorn.logging import AccessFormatter, DefaultFormatter

from app.request_ids import request_id
from app.tracing import trace_id
from matching.encoders import EncoderError

GONE: Final = "[...]"

_SECRETS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Our own keys, wherever they stand, also cut or percent-encoded.
        (r"\benm_[\w%~+/=-]+", f"enm_{GONE}"),
        (r"\b(Bearer|Basic)\s+[^\s'\",]+", rf"\1 {GONE}"),
        # Headers, as a line, a dict entry or a pair of an ASGI scope: to the end of the value.
        (
            (
                r"""\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-csrf-token)\b"""
                r"""(['"]?\s*[:=,]\s*b?)(?:(['"])(?:\\.|(?!\3)[^\\\n])*\3?|[^'"\n]+)"""
            ),
            rf"\1\2{GONE}",
        ),
        # Parameters and settings by name.
        (
            (
                r"\b([\w-]*(?:api_?key|secret|password|passwd|token|session|credential)[\w-]*)"
                r"(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;)}]+"
            ),
            rf"\1\2{GONE}",
        ),
        # Tokens of links in mails; `/v1/mail/` is an address of the API.
        (r"(?<!/v1)(/mail/)(?:(?!/one-click\b)[^\s?\"'])+", rf"\1{GONE}"),
        (r"(://[^\s/:@]*):[^\s/@]+@", rf"\1:{GONE}@"),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", GONE),  # a JSON web token
    )
)


def redact(text: str) -> str:
    """The text without API keys, credentials in headers, parameters and URLs, cookies, tokens."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def describe(error: BaseException) -> str:
    """The type of an exception, and its message only where that cannot quote data.

    Messages of validations and databases hold what was sent or stored.
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = ""
    if isinstance(error, OperationalError):  # "database is locked"; details stand below
        message = str(error.orig).partition("\n")[0]
    elif isinstance(error, EncoderError):
        message = str(error)
    elif isinstance(error, OSError):
        message = error.strerror or ""
    return f"{name}: {message}" if message else name


def _told(error: BaseException, seen: set[int]) -> Iterator[str]:
    """The lines of an exception, after those of what it came from."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (*inner, before):
        if other is not None and id(other) not in seen:
            yield from _told(other, seen)
            yield "\nwhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{describe(error)}\n"


def traceback_of(error: BaseException) -> str:
    """Where it was raised and from what, without the messages; see `describe`."""
    return "".join(_told(error, set())).rstrip("\n")


class _Clearing(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """The line, cleared, with the number of the request that it belongs to."""
        record = copy.copy(record)
        record.exc_text = None  # another formatter may have left the full text there
        number = request_id()
        if number is not None:
            record.msg, record.args = f"{record.getMessage()} [{number}]", None
        return redact(super().format(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """The stack without messages."""
        return "" if ei[1] is None else traceback_of(ei[1])


class ClearingFormatter(_Clearing, DefaultFormatter):
    """As uvicorn writes messages, cleared."""


class ClearingAccessFormatter(_Clearing, AccessFormatter):
    """As uvicorn writes requests, without the query, in which there are names and search words."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line of a request."""
        record = copy.copy(record)
        arguments: tuple[Any, ...] = tuple(record.args or ())
        address, query, _ = str(arguments[2]).partition("?")
        shown = f"{address}?{GONE}" if query else address
        record.args = (*arguments[:2], shown, *arguments[3:])
        return super().formatMessage(record)


class ClearingLineFormatter(_Clearing, logging.Formatter):
    """Lines for a person, cleared."""


class ClearingJsonFormatter(logging.Formatter):
    """One JSON object a line, cleared: `at`, `level`, `logger`, `message`, `trace` if raised.

    Within a request also `request_id`, and `trace_id` where traces are sent; in the line that tells
    of a request its `method`, `route`, `status`, `ms` and `actor`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        told |= {k: v for k, v in (("request_id", request_id()), ("trace_id", trace_id())) if v}
        told |= getattr(record, "fields", {})
        error = record.exc_info and record.exc_info[1]
        if error:
            told["trace"] = redact(traceback_of(error))
        return json.dumps(told, ensure_ascii=False)


_FORMS: Final = uvicorn.config.LOGGING_CONFIG["formatters"]
_TO_DEFAULT: Final = {"handlers": ["default"], "level": "INFO", "propagate": False}
LOGGING: Final[dict[str, Any]] = uvicorn.config.LOGGING_CONFIG | {
    "formatters": {
        "default": _FORMS["default"] | {"()": f"{__name__}.{ClearingFormatter.__name__}"},
        "access": _FORMS["access"] | {"()": f"{__name__}.{ClearingAccessFormatter.__name__}"},
    },
    "loggers": uvicorn.config.LOGGING_CONFIG["loggers"] | {"app": _TO_DEFAULT},
    "root": {"handlers": ["default"], "level": "WARNING"},
}
"""As uvicorn logs, cleared, with our own sentences and the warnings of all libraries."""


def logging_as(form: Literal["text", "json"]) -> dict[str, Any]:
    """`LOGGING`, as lines for a person or as one JSON object a line."""
    if form == "text":
        return LOGGING
    machine = {"()": f"{__name__}.{ClearingJsonFormatter.__name__}"}
    return LOGGING | {"formatters": {"default": machine, "access": machine}}
