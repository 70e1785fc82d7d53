"""For whom a transaction reads and writes.

On PostgreSQL, row-level security stands behind the policy of `app.access`: each transaction says
for whom it acts, and the database shows and takes no other rows (migration 0007). Whoever says
nothing sees nothing. SQLite has no such thing and serves a single office.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.access import Actor

KEY: Final = "context"
"""Of a context in `Session.info`."""

APPLICATION_ROLE: Final = "enmusubi_app"
"""The PostgreSQL role that every transaction takes on: it owns no table."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the database is told of a transaction; empty fields stand for none."""

    context: str = ""
    """`actor`, `system` or `authentication`."""
    role: str = ""
    account: str = ""
    organisation: str = ""
    partner: str = ""


NOBODY: Final = Context()
"""Sees no row that is protected."""
SYSTEM: Final = Context("system")
"""The program itself: commands, the worker, the nightly job. It sees every row."""
AUTHENTICATION: Final = Context("authentication")
"""Finding out who calls: accounts, keys and sign-in sessions, nothing else."""


def context_of(who: Actor | Context) -> Context:
    """The context of one who acts."""
    if isinstance(who, Context):
        return who
    return Context(
        "actor",
        who.role.value,
        str(who.account_id),
        str(who.organisation_id or ""),
        str(who.partner_id or ""),
    )


_DECLARE: Final = text(
    f"SELECT set_config('role', '{APPLICATION_ROLE}', true),"
    " set_config('enmusubi.context', :context, true),"
    " set_config('enmusubi.role', :role, true),"
    " set_config('enmusubi.account', :account, true),"
    " set_config('enmusubi.organisation', :organisation, true),"
    " set_config('enmusubi.partner', :partner, true)"
)
"""All as SET LOCAL: at the end of the transaction the connection forgets them."""

_DECLARE_WITH_LIMITS: Final = text(
    f"{_DECLARE.text}, set_config('statement_timeout', '60s', true),"
    " set_config('lock_timeout', '10s', true),"
    " set_config('idle_in_transaction_session_timeout', '5min', true)"
)
"""For requests: a statement or a lock that takes so long is given up, and answered 503. The last
ends what a process that is gone without a word has left open, with its locks."""


_BOUND_WAITING: Final = text(
    "SELECT set_config('lock_timeout', '10s', true), set_config('statement_timeout', '60s', true)"
)


def bound_waiting(connection: Connection) -> None:
    """Have what the program itself does for a request wait no longer than the request may."""
    if connection.dialect.name == "postgresql":
        connection.execute(_BOUND_WAITING)


def declare(connection: Connection, context: Context) -> None:
    """Tell PostgreSQL for whom the connection's transaction acts; nothing on SQLite."""
    if connection.dialect.name == "postgresql":
        declaration = _DECLARE if context == SYSTEM else _DECLARE_WITH_LIMITS
        connection.execute(declaration, asdict(context))


@contextmanager
def as_system(session: Session, *, with_pending: bool = False) -> Iterator[None]:
    """Let the program itself act in the middle of an actor's transaction.

    For what an action must touch beyond the actor's sight, such as the kept lists of all needs
    when two partners are merged. What was changed before is flushed first, as the actor's, unless
    it is to go `with_pending`; what is changed inside is flushed as the system's.
    """
    before = session.info.get(KEY, NOBODY)
    if not with_pending:
        session.flush()
    _change(session, SYSTEM)
    try:
        yield
        session.flush()
    except BaseException:
        session.info[KEY] = before
        with suppress(SQLAlchemyError):  # if it has failed, nothing can be read in it any more
            declare(session.connection(), before)
        raise
    _change(session, before)


def _change(session: Session, context: Context) -> None:
    session.info[KEY] = context
    declare(session.connection(), context)
