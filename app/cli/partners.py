"""`partner find`, `partner duplicates`, `partner merge`, `partner dismiss`."""

import json
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.cli.opening import TERMINAL, open_database
from app.cli.terminal import ERRORS, OUT, name_of
from app.contexts import SYSTEM
from app.schemas.duplicate import PossibleDuplicatesOut
from app.services.duplicates import (
    PossibleDuplicate,
    dismiss_duplicates,
    possible_duplicates,
)
from app.services.merging import differing_fields, merge_partners
from app.services.partners import find_partner, list_partners
from matching.text import Language
from models import Partner

group = typer.Typer(help="Partners: find them, decide on duplicates.", no_args_is_help=True)
Reference = Annotated[str, typer.Argument(help="Id, external id or name of a partner.")]


@group.command()
def find(
    name: Annotated[str, typer.Argument(help="A name or a part of it: kanji, kana or romaji.")],
    top: Annotated[int, typer.Option(min=1, max=200)] = 20,
) -> None:
    """Show the partners of a name, however it is written."""
    table = Table("name", "reading", "organisation", "kind", "id")
    with open_database().reading(SYSTEM) as session:
        found = list_partners(
            session, actor=TERMINAL, cursor=None, limit=top, name=name, order="name"
        )
        for partner in found.items:
            home = "" if partner.organisation is None else name_of(partner.organisation)
            named = (name_of(partner), partner.name_kana or "", home, partner.kind.value)
            table.add_row(*map(escape, (*named, _id(partner))))
    OUT.print(table if found.items else "No partner has this name.")
    if found.next_cursor:
        OUT.print("There are more: ask with --top.")


@group.command()
def duplicates(
    top: Annotated[int, typer.Option(min=1, max=200)] = 20,
    language: Annotated[Language, typer.Option(help="Of the reasons.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
) -> None:
    """Show pairs of partners who may be one person, strongest first."""
    with open_database().reading(SYSTEM) as session:
        found = possible_duplicates(session, limit=top)
        if as_json:
            body = PossibleDuplicatesOut.model_validate(found).model_dump(mode="json")
            json.dump(body, sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
            return
        for pair in found.items:
            _show(pair, language)
    if not found.total:
        OUT.print("No two partners look like one person.")
        return
    OUT.print(
        f"\n{len(found.items)} of {found.total}. Decide with [bold]enmusubi partner merge KEPT "
        "DUPLICATE[/bold] or [bold]enmusubi partner dismiss ONE OTHER[/bold]."
    )


@group.command()
def merge(
    kept: Reference,
    duplicate: Reference,
    keep_differing: Annotated[
        bool,
        typer.Option(help="Where kind or organisation differ, keep those of the first."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Merge the second record into the first: what it holds is moved, then it is removed."""
    database = open_database()
    with database.reading(SYSTEM) as session:
        one, other = (
            find_partner(session, kept, actor=TERMINAL),
            find_partner(session, duplicate, actor=TERMINAL),
        )
        OUT.print(f"keep    {_line(one)}", highlight=False)
        OUT.print(f"remove  {_line(other)}", highlight=False)
        if not keep_differing:
            for field in differing_fields(one, other):
                ERRORS.print(f"They differ in {field}.", style="yellow", highlight=False)
    if not yes:
        typer.confirm("Merge them? This cannot be undone.", abort=True)
    with database.writing(SYSTEM) as session:
        merged = merge_partners(
            session,
            find_partner(session, str(one.id), actor=TERMINAL),
            find_partner(session, str(other.id), actor=TERMINAL),
            keep_differing=keep_differing,
        )
        OUT.print(f"Merged into {_line(merged)}.", highlight=False)


@group.command()
def dismiss(one: Reference, other: Reference) -> None:
    """Remember that two partners are two people: the pair is not shown again."""
    with open_database().writing(SYSTEM) as session:
        first, second = (
            find_partner(session, one, actor=TERMINAL),
            find_partner(session, other, actor=TERMINAL),
        )
        dismiss_duplicates(session, first.id, second.id)
        OUT.print(f"Two people: {_line(first)}; {_line(second)}.", highlight=False)


def _show(pair: PossibleDuplicate, language: Language) -> None:
    OUT.print(f"\n[bold]{pair.strength:.2f}[/bold]", highlight=False)
    for partner in pair.partners:
        OUT.print(f"   {_line(partner)}", highlight=False)
    for reason in pair.reasons:
        sentence = reason.detail.ja if language == "ja" else reason.detail.en
        OUT.print(f"   [dim]{escape(sentence)}[/dim]", highlight=False)


def _line(partner: Partner) -> str:
    home = "" if partner.organisation is None else f", {name_of(partner.organisation)}"
    return escape(f"{name_of(partner)}{home} ({_id(partner)})")


def _id(partner: Partner) -> str:
    return partner.external_id or str(partner.id)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="partner")
