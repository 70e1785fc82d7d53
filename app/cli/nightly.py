"""`nightly`: the run of the night, for cron, a systemd timer or a CronJob."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from app import tracing
from app.cli.mendable import FORESEEN, MENDABLE
from app.cli.nightly_log import logged
from app.cli.nightly_progress import watched
from app.cli.opening import open_engines
from app.cli.terminal import OUT
from app.emails.smtp import SmtpTransport
from app.emails.smtp_server import server_of
from app.errors import invalid
from app.jobs.checkpoints import reached
from app.jobs.erasing import PREVIEW
from app.jobs.nightly import run_nightly
from app.jobs.previewing import preview
from app.jobs.run_tools import Ending, Order, Outcome, Tools
from app.jobs.steps import Steps
from app.services.engines import Engines
from app.settings import Settings, get_settings
from models import MailState

logger = logging.getLogger(__name__)

NEEDED: Final = (
    "public_url",
    "smtp_host",
    "mail_from",
    "mail_sender",
    "mail_postal_address",
    "mail_contact",
)
"""Settings without which no mail may leave: the law wants the sender named in each."""

TROUBLE: Final = 1
"""Exit code: mails failed or are unknown, or the run was cut off."""
HALTED: Final = 3
"""Exit code: it stopped on purpose."""


def nightly(
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Default: today, in the set time zone."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write the mails as files, send nothing, store nothing."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for --dry-run; default: nightly/ in the data folder")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was cut off or halted.")
    ] = False,
    late: Annotated[
        bool, typer.Option("--late", help="Run past ENMUSUBI_NIGHTLY_LATEST_START all the same.")
    ] = False,
    any_volume: Annotated[
        bool, typer.Option("--any-volume", help="Send although it is abnormally much.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Choose tonight's suggestions and mail each recipient one digest, once.

    Exit code 0: done, or nothing to do; 1: mails failed or are unknown, or it was cut off;
    2: it cannot start; 3: halted on purpose.
    """
    settings = get_settings()
    chosen = None if day is None else day.date()
    with logged(), _told_without_data(FORESEEN):
        if dry_run:
            _preview(settings, chosen, out, as_json=as_json)
            return
        _require_complete(settings)
        engines = open_engines()
        with _told_without_data(MENDABLE), _traced(settings, engines), watched() as steps:
            order = Order(chosen, resume=resume, late=late, any_volume=any_volume)
            outcome = run_nightly(tools_of(settings, engines, steps), order)
        for sentence in outcome.alerts:
            logger.error("%s", sentence)
    if as_json:
        _print_json(_told(outcome))
    else:
        _show(outcome)
    raise typer.Exit(exit_code(outcome))


@contextmanager
def _traced(settings: Settings, engines: Engines) -> Iterator[None]:
    traces = tracing.start(settings.otlp_endpoint, engines.database.engine)
    try:
        yield
    finally:
        if traces is not None:
            traces.close()


@contextmanager
def _told_without_data(foreseen: tuple[type[Exception], ...]) -> Iterator[None]:
    """Any other error is logged without its message, which may quote a row."""
    passed_on: tuple[type[Exception], ...] = (typer.Exit, *foreseen)
    try:
        yield
    except passed_on:
        raise
    except Exception:
        logger.exception("It was cut off by an error: --resume goes on with it.")
        raise typer.Exit(TROUBLE) from None


def _require_complete(settings: Settings) -> None:
    """Refuse what could not send a mail before anything is done."""
    missing = [f"ENMUSUBI_{name.upper()}" for name in NEEDED if not getattr(settings, name)]
    if missing:
        raise invalid(
            "nightly",
            f"set {', '.join(missing)} first: see the configuration table in README.md; --dry-run "
            "shows the mails without them",
        )
    server_of(settings)


def tools_of(settings: Settings, engines: Engines, steps: Steps) -> Tools:
    """What a run works with, by the settings."""
    zone = ZoneInfo(settings.time_zone)
    return Tools(
        database=engines.database,
        engine=engines.current,
        transport=lambda: SmtpTransport(server_of(settings), on_step=reached),
        settings=settings,
        folder=settings.data_dir,
        clock=lambda: datetime.now(zone),
        steps=steps,
    )


def exit_code(outcome: Outcome) -> int:
    """What the outcome tells whoever started it."""
    if outcome.ending is Ending.HALTED:
        return HALTED
    cut = outcome.ending in (Ending.CUT_OFF, Ending.CLOSED)
    bad = any(outcome.mails.get(state) for state in (MailState.FAILED, MailState.UNKNOWN))
    return TROUBLE if cut or bad or outcome.alerts else 0


SENTENCES: Final = {
    Ending.FINISHED: "The run is done.",
    Ending.BEFORE: "The run of this day was done before: nothing to do.",
    Ending.CLOSED: "The run of this day was closed before its end by a later one.",
    Ending.BUSY: "Another runner is at it: nothing to do here.",
    Ending.CUT_OFF: "The run was cut off: --resume goes on with it.",
    Ending.HALTED: "The run is halted.",
}


def _show(outcome: Outcome) -> None:
    OUT.print(SENTENCES[outcome.ending])
    if outcome.mails:
        table = Table("mails", "number")
        for state in MailState:
            if number := outcome.mails.get(state):
                table.add_row(state.value, str(number))
        OUT.print(table)


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "ending": outcome.ending.value,
        "run_id": None if outcome.run_id is None else str(outcome.run_id),
        "mails": dict(outcome.mails),
        "alerts": list(outcome.alerts),
    }


def _print_json(told: dict[str, Any]) -> None:
    json.dump(told, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def _preview(settings: Settings, day: date | None, out: Path | None, *, as_json: bool) -> None:
    engines = open_engines()
    with watched() as steps:
        tools = tools_of(settings, engines, steps)
        folder = out or settings.data_dir / PREVIEW
        written = preview(tools, day or tools.clock().date(), folder)
    if as_json:
        _print_json(asdict(written) | {"index": str(written.index)})
        return
    OUT.print(f"{written.mails} mails of {written.suggestions} suggestions; nothing was sent.")
    OUT.print(f"Open in a browser: {written.index}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(nightly)
