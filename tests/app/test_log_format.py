import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.exceptions import ResponseValidationError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from app.log_format import (
    LOGGING,
    ClearingAccessFormatter,
    ClearingFormatter,
    describe,
    redact,
    traceback_of,
)
from app.schemas.need import NeedIn
from app.services.keys import MARK
from matching.encoders import EncoderError

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cr3t-4711-value"
KEY = f"{MARK}Mwgi-XFPh_ERe"


@pytest.mark.parametrize(
    "line",
    [
        f"key {KEY}",
        f"GET /v1/needs?key={KEY}&x=1",
        f"GET /v1/needs/{KEY}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}",
        f"'authorization': 'Bearer {SECRET}'",
        f"headers=[(b'authorization', b'Bearer {SECRET}'), (b'host', b'x')]",
        f"Proxy-Authorization: {SECRET}",
        f"Cookie: session={SECRET}; other={SECRET}",
        f"Set-Cookie: enm_session={SECRET}; HttpOnly",
        f"(b'cookie', b'a={SECRET}')",
        f'{{"cookie": "a={SECRET}"}}',
        f"X-API-Key: {SECRET}",
        f"x-csrf-token={SECRET}",
        f"/confirm?token={SECRET}&lang=ja",
        f"/callback?access_token={SECRET}",
        f"password={SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"ENMUSUBI_SECRET_KEY={SECRET}",
        f"client_secret: {SECRET}",
        f"postgresql+psycopg://user:{SECRET}@db.example/enmusubi",
        f"smtp://:{SECRET}@mail.example",
        f"eyJhbGciOiJI.eyJzdWIiOiIx.{SECRET}",
        f"GET /mail/{SECRET} HTTP/1.1",
        f"HEAD /MAIL/{SECRET}?x=1",
        f"https://enmusubi.example.jp/mail/{SECRET}/one-click",
        f"/mail//{SECRET}",
        f"/mail/%20{SECRET}/x/{SECRET}",
    ],
)
def test_secrets_are_taken_out(line: str) -> None:
    told = redact(line)
    assert SECRET not in told
    assert KEY not in told
    assert "[...]" in told


@pytest.mark.parametrize(
    "line",
    [
        "The encoder bilingual1:table:ab08 serves now.",
        "embedding failed; it is tried again in 30 s",
        'File "app/services/keys.py", line 12, in create_key',
        "enmusubi serve",
        "sqlite:////srv/enmusubi/enmusubi.db",
        "https://enmusubi.example.jp:8000/docs",
        "PUT /v1/mail/switch",
        "GET /v1/me/mail",
        'File "app/services/mail_links.py", line 12, in find_link',
    ],
)
def test_other_lines_stay(line: str) -> None:
    assert redact(line) == line


@given(st.text("ABCxyz019_-", min_size=1, max_size=40), st.text(max_size=20))
def test_no_key_is_left(rest: str, around: str) -> None:
    line = f"{around} {MARK}{rest} {around}"
    assert f"{MARK}{rest}" not in redact(line).replace(around, "")


def _invalid() -> None:
    NeedIn.model_validate({"kind": SECRET, "title_en": SECRET * 100})


def _chained() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


def _grouped() -> None:
    raise ExceptionGroup(SECRET, [ValueError(SECRET), KeyError(SECRET)])


def _raise(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        error.add_note(SECRET)
        raise error

    return fail


QUOTING: list[Callable[[], None]] = [
    _invalid,
    _chained,
    _grouped,
    _raise(KeyError(SECRET)),
    _raise(ResponseValidationError([{"input": SECRET}], body=SECRET)),
    _raise(IntegrityError("INSERT", {"brief": SECRET}, Exception(f"DETAIL: ({SECRET})"))),
    _raise(DataError("INSERT", {"brief": SECRET}, Exception(f'invalid input: "{SECRET}"'))),
    _raise(OperationalError("SELECT", {}, Exception(f"deadlock detected\nDETAIL: {SECRET}"))),
    _raise(FileNotFoundError(2, "No such file or directory", SECRET)),
    _raise(UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET)),
]


@pytest.mark.parametrize("fail", QUOTING)
def test_tracebacks_do_not_quote(fail: Callable[[], None]) -> None:
    """Messages of exceptions hold what was sent or stored; where they came from is told."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        fail()
    failure = (caught.type, caught.value, caught.tb)
    record = logging.LogRecord("app", logging.ERROR, __file__, 1, "unexpected", (), failure)
    record.exc_text = SECRET  # another formatter was here before
    line = ClearingFormatter("%(levelprefix)s %(message)s").format(record)
    assert record.exc_text == SECRET  # that one's business
    for text in (traceback_of(caught.value), line):
        assert SECRET not in text
        assert "test_log_format.py" in text
        assert caught.type.__name__ in text


def test_what_an_operator_can_mend_is_told() -> None:
    locked = OperationalError("SELECT", {}, Exception("database is locked"))
    assert describe(locked) == "sqlalchemy.exc.OperationalError: database is locked"
    assert describe(EncoderError("the weights are gone")).endswith(": the weights are gone")
    assert describe(PermissionError(13, "Permission denied", "x")) == (
        "PermissionError: Permission denied"
    )
    with pytest.raises(RuntimeError) as caught:
        _chained()
    told = traceback_of(caught.value)
    assert told.index("ValueError") < told.rindex("RuntimeError")


def test_validation_errors_do_not_quote_even_by_themselves() -> None:
    """Whoever prints one, the data is not in it."""
    with pytest.raises(ValidationError) as caught:
        _invalid()
    assert SECRET not in str(caught.value)


def _access(path: str) -> str:
    record = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        __file__,
        1,
        '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:1", "GET", path, "1.1", 200),
        None,
    )
    form: str = LOGGING["formatters"]["access"]["fmt"]
    return ClearingAccessFormatter(form).format(record)


def test_requests_are_logged_without_their_queries() -> None:
    """Names of people are searched for there."""
    assert _access("/v1/needs") == 'INFO:     127.0.0.1:1 - "GET /v1/needs HTTP/1.1" 200 OK'
    line = _access(f"/v1/partners?name={SECRET}&api_key={KEY}")
    assert SECRET not in line
    assert KEY not in line
    assert "/v1/partners?[...] HTTP/1.1" in line
    assert KEY not in _access(f"/v1/needs/{KEY}")


def test_requests_are_logged_without_the_tokens_of_mails() -> None:
    assert '"GET /mail/[...] HTTP/1.1"' in _access(f"/mail/{SECRET}")
    assert '"GET /mail/[...]/one-click HTTP/1.1"' in _access(f"/mail/{SECRET}/one-click")
    assert '"GET /v1/mail/switch HTTP/1.1"' in _access("/v1/mail/switch")


@given(st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True))
def test_no_token_of_a_mail_is_left(token: str) -> None:
    assert token not in redact(f'"GET /mail/{token} HTTP/1.1" and /mail/{token}/one-click')


def test_every_handler_of_the_service_clears() -> None:
    for handler in LOGGING["handlers"].values():
        form: dict[str, Any] = LOGGING["formatters"][handler["formatter"]]
        assert form["()"].startswith("app.log_format.Clearing")
    assert LOGGING["root"]["handlers"] == ["default"]


LOGGERS = ("app.errors", "uvicorn.error", "sqlalchemy.pool", "some.library", "py.warnings")
PROGRAM = f"""
import logging.config
from app.log_format import LOGGING
logging.config.dictConfig(LOGGING)
for name in {LOGGERS!r}:
    try:
        int({SECRET!r})
    except ValueError:
        logging.getLogger(name).exception("failed with %s, password=%s", {KEY!r}, {SECRET!r})
"""


def test_whoever_logs() -> None:
    """In a process of its own, since pytest takes the log of this one."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout == ""
    assert run.stderr.count("failed with enm_[...], password=[...]") == len(LOGGERS)
    assert run.stderr.count("\nValueError\n") == len(LOGGERS)
    assert SECRET not in run.stderr
    assert KEY not in run.stderr
