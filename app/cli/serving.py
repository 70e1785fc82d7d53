"""`serve`, `migrate`, `demo`."""

import logging
import os
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
import uvicorn
from fastapi import FastAPI
from sqlalchemy import exists, select
from uvicorn.supervisors import Multiprocess

from app.access import Action
from app.cli.data import embed_all, import_path
from app.cli.listening import DIVIDES, OwnSocket
from app.cli.opening import TERMINAL, open_database, open_engines
from app.cli.opening import migrate as apply_migrations
from app.cli.terminal import OUT, show_matches, show_need
from app.clock import today
from app.contexts import SYSTEM
from app.errors import invalid
from app.log_format import logging_as
from app.main import create_app, make_engines, repeat_erasures
from app.schemas.explanation import Explain
from app.services.audit import shown
from app.services.corpus import Engine
from app.services.encoder_mismatch import find_mismatch
from app.services.engines import Engines
from app.services.matches import match_need
from app.services.needs import find_need, query_of
from app.settings import get_settings
from app.visibility import needs_for
from data.samples import REGION
from matching.filters import Filters
from matching.text import language_of
from models import Need, NeedStatus, ObjectKind, Partner

logger = logging.getLogger("uvicorn.error")

SHOWN_NEED: Final = "ms-n03"
"""Of the sample region."""

WORKERS: Final = "ENMUSUBI_WORKERS"
HANGING_SECONDS: Final = 120
"""A process that says nothing for so long is ended: reading a large corpus takes seconds."""
HEADER_BYTES: Final = 65_536
"""Of the address and the headers of a request together; larger ones are refused."""


def serve(
    host: Annotated[str | None, typer.Option(help="Default: ENMUSUBI_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: ENMUSUBI_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; default: ENMUSUBI_WORKERS.")
    ] = None,
) -> None:
    """Serve the API; its documentation is at /docs."""
    open_database()
    processes = workers or get_settings().workers
    # Made here in any case: what the settings name and cannot be used is said before the start.
    engines = make_engines(get_settings())
    if processes == 1:
        _serve(engines, host, port)
    else:
        _serve_by_many(engines, host, port, processes)


def _serve(engines: Engines, host: str | None, port: int | None) -> None:
    _quieten()
    _run(create_app(get_settings(), engines), host, port)


def _serve_by_many(engines: Engines, host: str | None, port: int | None, processes: int) -> None:
    """Serve by so many processes; this one looks after them, and starts one anew that ends."""
    # While nobody else has the file open, what an erasure left in it can be removed.
    repeat_erasures(engines.database, get_settings())
    engines.database.engine.dispose()
    os.environ[WORKERS] = str(processes)  # a worker has its settings from there
    with TemporaryDirectory(prefix="enmusubi-metrics-") as folder:
        # Whichever worker is asked for the metrics answers for all of them.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        _run("app.cli.serving:make_worker", host, port, workers=processes, factory=True)


def make_worker() -> FastAPI:
    """The application of one process among several."""
    _quieten()
    return create_app()


def _quieten() -> None:
    # A record that cannot be written is else printed as it is, past the formatters.
    logging.raiseExceptions = False


def _run(app: FastAPI | str, host: str | None, port: int | None, **options: Any) -> None:
    settings = get_settings()
    options |= {
        "host": host or settings.host,
        "port": port or settings.port,
        "log_config": logging_as(settings.log_format),
        "log_level": "info",
        "access_log": False,  # `app.request_log` tells of requests, without their addresses
        # The other implementation, httptools, takes headers of any size into memory.
        "http": "h11",
        "h11_max_incomplete_event_size": HEADER_BYTES,
        "server_header": False,
        "timeout_worker_healthcheck": HANGING_SECONDS,
    }
    if options.get("workers", 1) > 1 and DIVIDES:
        _run_on_sockets_of_their_own(uvicorn.Config(app, **options))
    else:
        uvicorn.run(app, **options)


def _run_on_sockets_of_their_own(config: uvicorn.Config) -> None:
    """As `uvicorn.run` with several processes, which has all of them listen on one socket."""
    try:
        own = OwnSocket.holding(config.host, config.port)
    except OSError as error:
        raise invalid("port", f"{config.port} cannot be listened on: {error.strerror}") from error
    message = "Uvicorn running on http://%s:%d (Press CTRL+C to quit)"
    logger.info(message, config.host, own.getsockname()[1])
    with suppress(KeyboardInterrupt):
        Multiprocess(config, sockets=[own]).run()


def migrate() -> None:
    """Create the database, or bring it up to this program's version."""
    apply_migrations()
    OUT.print("The database is up to date.")


def demo(
    then_serve: Annotated[
        bool, typer.Option("--serve", help="Go on to serve the API afterwards.")
    ] = False,
) -> None:
    """Load the fictional sample region into an empty database and print one real match list."""
    database = apply_migrations()
    with database.reading(SYSTEM) as session:
        sample = session.scalar(select(exists().where(Need.external_id == SHOWN_NEED)))
        empty = not session.scalar(select(exists().where(Partner.id.is_not(None))))
    if empty:
        OUT.print("Loading the sample region: its organisations and people are fictional.")
        import_path(database, REGION)
    elif not sample:
        OUT.print("This database holds your own data; the sample region was not loaded into it.")
    engines = open_engines()
    engine = _embedded(engines, may_wait=not then_serve)
    _show_one(engine, SHOWN_NEED if sample or empty else None)
    OUT.print(
        "\nMake an API key: [bold]enmusubi key create NAME --role coordinator[/bold] "
        "(in .venv/bin); then see /docs.",
    )
    if then_serve:
        _serve(engines, None, None)


def _embedded(engines: Engines, *, may_wait: bool) -> Engine:
    """The engine for the list that is shown, with all texts embedded.

    That of the encoder which serves, if a change to another would keep the service waiting.
    """
    if not may_wait:
        engines.open()
    with engines.database.reading(SYSTEM) as session:
        mismatch = find_mismatch(session, engines.own)
    if may_wait or mismatch is None:
        embed_all(engines)
    with engines.database.reading(SYSTEM) as session:
        engine = engines.current(session)
    if engine.encoder.id != engines.own.encoder.id:
        OUT.print(
            f"This list still comes from the encoder {engine.encoder.id}; the service changes "
            f"over to {engines.own.encoder.id} in the background.",
            soft_wrap=True,
        )
    return engine


def _show_one(engine: Engine, reference: str | None) -> None:
    with engine.database.reading(SYSTEM) as session:
        if reference is None:
            mine = needs_for(TERMINAL, Action.MATCH_NEED)
            is_open = Need.status == NeedStatus.OPEN
            statement = select(Need).where(is_open, mine).order_by(Need.id.desc())
            need = session.scalars(statement.limit(1)).first()
            if need is None:
                OUT.print("There is no open need to show a list for.")
                return
        else:
            need = find_need(session, reference, actor=TERMINAL)
        shown(session, ObjectKind.NEED, [need.id])
        show_need(need)
        found = match_need(
            session,
            engine,
            need,
            filters=Filters(available_on=today()),
            top=5,
            explain=Explain.BRIEF,
        )
        show_matches(found, language=language_of(query_of(need).text))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (serve, migrate, demo):
        app.command()(command)
