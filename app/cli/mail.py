"""`mail consent`, `mail recipients`, `mail stop`, `mail go`: who may be mailed, and whether anybody
is.
"""

import json
import sys
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from app.cli.opening import open_database
from app.cli.terminal import OUT
from app.contexts import SYSTEM
from app.services import accounts, mail_consents, mail_halts
from app.services.recipients import withheld_from
from app.settings import get_settings
from models import ConsentMeans, utc_now

group = typer.Typer(help="Mail: who may get it, and the kill switch.", no_args_is_help=True)


@group.command()
def consent(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="E-mail address or id.")],
    means: Annotated[ConsentMeans, typer.Option(help="How it was given or withdrawn.")],
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day, as 2026-04-01.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="It was withdrawn.")] = False,
) -> None:
    """Record that somebody consented to be mailed on that day, or withdrew it.

    Where one day has several records, a withdrawal counts as its end and a consent as its
    beginning: in doubt nobody is mailed.
    """
    zone = ZoneInfo(get_settings().time_zone)
    at = datetime.combine(on.date(), time.min, zone).astimezone(UTC)
    if withdraw:
        end = datetime.combine(on.date() + timedelta(days=1), time.min, zone).astimezone(UTC)
        at = max(at, min(utc_now(), end - timedelta(microseconds=1)))
    with open_database().writing(SYSTEM) as session:
        found = accounts.find_account(session, account)
        mail_consents.record_by_office(
            session, found, given=not withdraw, means=means, at=at, recorded_by=None
        )
        counts = mail_consents.has_consent(session, found.id)
        name = found.name
    state = "has consented to be mailed" if counts else "has not consented to be mailed"
    OUT.print(f"Recorded: {name} {state}.", markup=False)


@group.command()
def recipients(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
) -> None:
    """Who would be mailed, how often and why not, by the id of the account; no names.

    Whether there is anything to say to somebody shows `enmusubi nightly --dry-run`.
    """
    with open_database().reading(SYSTEM) as session:
        rows = [
            {
                "account": str(account.id),
                "role": account.role.value,
                "frequency": account.digest_frequency.value,
                "withheld": None if reason is None else reason.value,
            }
            for account, reason in withheld_from(session, now=utc_now())
        ]
    if as_json:
        json.dump(rows, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    table = Table("account", "role", "frequency", "mailed")
    for row in rows:
        reason = row["withheld"]
        table.add_row(
            row["account"], row["role"], row["frequency"], f"no: {reason}" if reason else "yes"
        )
    OUT.print(table)


@group.command()
def stop() -> None:
    """Let no mail leave from now on, also none of a run under way."""
    with open_database().writing(SYSTEM) as session:
        mail_halts.halt(session, None)
    OUT.print("No mail leaves until `enmusubi mail go`.", markup=False)


@group.command()
def go() -> None:
    """Let mail leave again."""
    with open_database().writing(SYSTEM) as session:
        mail_halts.lift(session, None)
    OUT.print("Mail may leave again.", markup=False)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="mail")
