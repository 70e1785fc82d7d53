"""`audit verify`, `audit head`, `audit list`."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from app.cli.opening import open_database
from app.cli.terminal import ERRORS, OUT
from app.contexts import SYSTEM
from app.errors import invalid
from app.services.audit import list_entries
from app.services.audit_heads import export_head, read_head
from app.services.audit_verification import verify as verify_log
from app.settings import get_settings
from models import AuditEntry, AuditEvent

group = typer.Typer(
    help="The audit log: who read and changed what, chained so that nothing can be taken out.",
    no_args_is_help=True,
)


@group.command()
def verify(
    head: Annotated[
        Path | None, typer.Option(help="A head that was exported before, to notice a cut end.")
    ] = None,
) -> None:
    """Check every entry and their order; exit code 1 and the first bad entry if one is wrong."""
    database = open_database()
    exported = None if head is None else read_head(_read(head))
    with database.reading(SYSTEM) as session:
        verdict = verify_log(session, exported)
    if verdict.fault is not None:
        fault = verdict.fault
        ERRORS.print(
            f"Entry {fault.seq}, {fault.kind.value}: {fault.detail}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(code=1)
    against = (
        "its end is unchecked, for no head was given"
        if exported is None
        else f"its end reaches the head of {exported.at} (entry {exported.seq})"
    )
    OUT.print(
        f"{verdict.entries} entries are whole and in order; {against}.",
        highlight=False,
        soft_wrap=True,
    )


@group.command()
def head(
    out: Annotated[
        Path | None, typer.Option(help="File to write instead of standard output.")
    ] = None,
) -> None:
    """Export the end of the log as JSON, to be kept elsewhere."""
    with open_database().reading(SYSTEM) as session:
        line = export_head(session).as_json() + "\n"
    if out is None:
        sys.stdout.write(line)
        return
    try:
        out.write_text(line)
    except OSError as error:
        raise invalid("--out", f"{out} cannot be written: {error.strerror}") from error


@group.command("list")
def list_(
    since: Annotated[
        datetime | None, typer.Option(help="In the time zone of the settings: 2026-11-26.")
    ] = None,
    object_id: Annotated[UUID | None, typer.Option("--object", help="Id of an object.")] = None,
    account: Annotated[UUID | None, typer.Option(help="Id of who acted.")] = None,
    event: Annotated[AuditEvent | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show entries, the newest first: ids and names of fields, never a text."""
    if since is not None:
        since = since.replace(tzinfo=ZoneInfo(get_settings().time_zone))
    with open_database().reading(SYSTEM) as session:
        found = list_entries(
            session, since=since, event=event, object_id=object_id, account_id=account, limit=limit
        )
    if as_json:
        for entry in found:
            sys.stdout.write(json.dumps(_as_dict(entry)) + "\n")
        return
    table = Table()
    for header in ("entry", "at", "event", "object", "fields", "purpose", "role", "account"):
        table.add_column(header, overflow="fold")
    for entry in found:
        table.add_row(
            str(entry.seq),
            _at(entry),
            entry.event,
            f"{entry.object_kind} {entry.object_id or ''}",
            ", ".join(entry.fields),
            entry.purpose or "",
            entry.role,
            str(entry.account_id or ""),
        )
    OUT.print(table if found else "There is no such entry.")


def _at(entry: AuditEntry) -> str:
    return entry.at.astimezone(ZoneInfo(get_settings().time_zone)).isoformat(timespec="seconds")


def _as_dict(entry: AuditEntry) -> dict[str, str | int | list[str] | None]:
    return {
        "seq": entry.seq,
        "at": _at(entry),
        "event": entry.event,
        "role": entry.role,
        "account_id": None if entry.account_id is None else str(entry.account_id),
        "object_kind": entry.object_kind,
        "object_id": None if entry.object_id is None else str(entry.object_id),
        "purpose": entry.purpose,
        "fields": entry.fields,
    }


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise invalid("--head", f"{path} cannot be read") from error


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="audit")
