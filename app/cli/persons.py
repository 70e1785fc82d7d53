"""`person export`, `person erase`, `person unsuppress`, `person data-map`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from app.cli.opening import open_database
from app.cli.terminal import ERRORS, OUT, name_of
from app.contexts import SYSTEM
from app.db import BUSY_TIMEOUT_SECONDS, Database
from app.errors import invalid
from app.jobs.erasing import REASONS, Outcome, cleanse, erase, export_file, readmit
from app.privacy import markdown
from app.services import audit
from app.services.erasure_ledger import Ledger
from app.services.person_export import export_person
from app.services.persons import Person, email_of, find_person
from app.services.suppressions import Identifiers, PersonName, some
from app.settings import get_settings
from matching.text import has_japanese, is_reading
from models import AuditEvent, ObjectKind, PartnerKind

group = typer.Typer(
    help="Personal data: what is held of somebody, and its erasure.", no_args_is_help=True
)
Reference = Annotated[
    str,
    typer.Argument(
        help="Id or external id of a partner, ORCID iD, researchmap id, id or e-mail address of an "
        "account, e-mail address in contact details."
    ),
]
LEFT_BEHIND = 3
"""Exit code: the rows are gone, the bytes are not yet."""


@group.command()
def export(
    reference: Reference,
    out: Annotated[
        str | None,
        typer.Option(help="A file, or - for standard output; default: exports/ in the data folder"),
    ] = None,
) -> None:
    """Write all that is held of a person into one JSON file."""
    with open_database().writing(SYSTEM) as session:
        person = find_person(session, reference)
        found = export_person(session, person)
        held = [(ObjectKind.PARTNER, one) for one in sorted(person.partner_ids)]
        held += [(ObjectKind.ACCOUNT, one) for one in sorted(person.account_ids)]
        for kind, one in held:
            audit.record(session, event=AuditEvent.EXPORT, object_kind=kind, object_id=one)
    if out == "-":
        sys.stdout.write(_json(found))
        return
    path = _default_file(person) if out is None else Path(out)
    _write_private(path, found)
    OUT.print(f"Written to {path}: it can be read by you alone.", markup=False, soft_wrap=True)


def _default_file(person: Person) -> Path:
    subjects = (*sorted(person.partner_ids), *sorted(person.account_ids))
    if not subjects:
        raise invalid("out", "say where to write: only contact details are held of this person")
    return export_file(get_settings().data_dir, subjects[0])


def _write_private(path: Path, found: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # an old one may be open to others
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise invalid("out", f"cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_json(found))


def _json(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1, default=str) + "\n"


@group.command("erase")
def erase_(
    reference: Annotated[
        str | None, typer.Argument(help="As of `person export`; none with --finish.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option(help=f"For the ledger: {', '.join(REASONS)}.")] = "request",
    finish: Annotated[
        bool,
        typer.Option("--finish", help="Only remove bytes that an earlier erasure had to leave."),
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for other processes.")
    ] = BUSY_TIMEOUT_SECONDS,
) -> None:
    """Erase a person: rows, vectors, answers, exports and every byte in the database's files.

    He or she is known again at an import and left out. Exit code 3: the rows are gone, but another
    process holds the file; run it again with --finish.
    """
    if (reference is None) is not finish:
        raise invalid("person", "say who, or --finish")
    database = open_database()
    ledger = Ledger(get_settings().ledger)
    if reference is not None:
        _confirm(database, reference, yes=yes)
        _show(erase(database, ledger, reference, reason=reason))
    if not ledger.is_pending():
        OUT.print("Nothing is left to remove.")
        return
    if not cleanse(database, ledger, folder=get_settings().data_dir, patience=wait):
        ERRORS.print(
            "The rows are gone, but another process holds the database file: old bytes of it are "
            "still there. They are removed at the next start of the service, or by "
            "`enmusubi person erase --finish` when it does not run.",
            style="red",
            soft_wrap=True,
        )
        raise typer.Exit(code=LEFT_BEHIND)
    if database.engine.dialect.name == "sqlite":
        OUT.print("No byte is left in the database, its log, exports and evaluation sets.")
    else:
        OUT.print(
            "The rows are gone. PostgreSQL keeps their bytes until it reuses the pages (autovacuum "
            "or VACUUM FULL) and in its log archive: see docs/operations.md."
        )
    OUT.print(
        "Backups, files that you imported or exported elsewhere, and logs that you keep are yours "
        "to look after. A restored backup is erased again before it serves."
    )


def _confirm(database: Database, reference: str, *, yes: bool) -> None:
    with database.reading(SYSTEM) as session:
        person = find_person(session, reference)
        for partner in person.partners:
            home = "" if partner.organisation is None else f", {name_of(partner.organisation)}"
            OUT.print(f"partner  {escape(name_of(partner) + home)} ({partner.id})", highlight=False)
            if partner.kind is not PartnerKind.RESEARCHER:
                OUT.print(f"         It is a {partner.kind.value}, not a person.", highlight=False)
        for account in person.accounts:
            OUT.print(
                f"account  {escape(account.name)}, {account.role.value} ({account.id})",
                highlight=False,
            )
        if not person.ids:
            OUT.print("Only contact details in introductions.")
    if not yes:
        typer.confirm("Erase this person? This cannot be undone.", abort=True)


def _show(done: Outcome) -> None:
    counts = ", ".join(f"{number} {table}" for table, number in done.erased.counts.items())
    OUT.print(f"Erased: {counts or 'nothing but the record of it'}.", highlight=False)
    if done.erased.mentions:
        OUT.print("These texts still name the person; they are not changed unasked:")
    for mention in done.erased.mentions:
        OUT.print(f"   {mention.table} {mention.id}: {mention.column}", highlight=False)
    if done.erased.namesakes:
        OUT.print("These partners have the same name at the same organisation; the same person?")
    for partner_id in done.erased.namesakes:
        OUT.print(f"   {partner_id}", highlight=False)
    if done.erased.unstaffed_needs:
        OUT.print("Nobody is named for these needs any more; an administrator names staff:")
    for need_id in done.erased.unstaffed_needs:
        OUT.print(f"   {need_id}", highlight=False)


@group.command()
def unsuppress(
    email: Annotated[str | None, typer.Option()] = None,
    orcid: Annotated[str | None, typer.Option()] = None,
    researchmap: Annotated[str | None, typer.Option()] = None,
    external_id: Annotated[str | None, typer.Option(help="Id in the imported file.")] = None,
    name: Annotated[str | None, typer.Option(help="In kanji, kana or Latin letters.")] = None,
    organisation: Annotated[
        str | None, typer.Option(help="With --name: the affiliation's name.")
    ] = None,
) -> None:
    """Let somebody who was erased be entered again; only with his or her consent.

    One identifier is enough: the others of the same erasure are lifted with it.
    """
    known = Identifiers(
        email=some(None if email is None else email_of(email)),
        orcid=some(orcid),
        researchmap=some(researchmap),
        external_id=some(external_id),
        names=() if name is None else (_name(name, organisation),),
    )
    if known == Identifiers():
        raise invalid("person", "say by what he or she is known, such as --orcid")
    lifted = readmit(open_database(), Ledger(get_settings().ledger), known)
    if not lifted:
        ERRORS.print("No erased person is known by this.", style="red")
        raise typer.Exit(code=1)
    OUT.print("The person can be entered again.")


def _name(name: str, organisation: str | None) -> PersonName:
    home = () if organisation is None else (organisation,)
    if is_reading(name):
        return PersonName(kana=name, organisation=home)
    if has_japanese(name):
        return PersonName(ja=name, organisation=home)
    return PersonName(en=name, organisation=home)


@group.command("data-map")
def data_map() -> None:
    """Print what every column and file holds of persons, as Markdown."""
    sys.stdout.write(markdown())


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="person")
