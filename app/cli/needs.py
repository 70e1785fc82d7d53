"""`needs`: the other direction of `match`."""

import json
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.cli.opening import TERMINAL, open_engine
from app.cli.terminal import OUT, name_of
from app.clock import today
from app.contexts import SYSTEM
from app.presenting import need_match_list
from app.services.audit import shown
from app.services.matches import Match, MatchList, match_partner
from app.services.partners import find_partner
from matching.text import Language
from models import ObjectKind, Partner


def needs(
    partner: Annotated[str, typer.Argument(help="Id, external id or name of a partner.")],
    top: Annotated[int, typer.Option(min=1, max=200)] = 10,
    language: Annotated[Language, typer.Option(help="Of the reasons.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
) -> None:
    """Print the open needs for which a partner stands out most."""
    engine = open_engine()
    with engine.database.reading(SYSTEM) as session:
        stored = find_partner(session, partner, actor=TERMINAL)
        found = match_partner(
            session, engine, stored, actor=TERMINAL, today=today(), top=top, explain=as_json
        )
        needs = (match.need.id for match in found.matches if match.need is not None)
        shown(session, ObjectKind.NEED, needs)
        if as_json:
            body = need_match_list(stored.id, found)
            json.dump(body.model_dump(mode="json"), sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
            return
        _show(stored, found, language)


def _show(partner: Partner, found: MatchList, language: Language) -> None:
    OUT.print(f"\n[bold]{escape(name_of(partner))}[/bold] [dim]· {partner.kind.value}[/dim]")
    if found.matches:
        table = Table()
        for header in ("", "need", "score", "appeal", "place", "why"):
            table.add_column(header, overflow="fold")  # Japanese has no spaces to wrap at
        for match in found.matches:
            table.add_row(*map(escape, _row(match, language)))
        OUT.print(table)
    else:
        OUT.print("No open need fits, or the partner has no evidence yet.")
    if found.blocked:
        ruled_out = "; ".join(f"{n} ({reason})" for reason, n in found.blocked.items())
        OUT.print(f"[dim]Needs ruled out before ranking: {ruled_out}.[/dim]", highlight=False)


def _row(match: Match, language: Language) -> list[str]:
    standing, need = match.standing, match.need
    if standing is None or need is None:
        raise ValueError("a partner's list says how the partner stands for each need")
    title = " / ".join(title for title in (need.title_ja, need.title_en) if title)
    return [
        str(match.rank),
        title or need.external_id or str(need.id),
        f"{match.ranked.score:.3f}",
        f"{standing.appeal:.3f}",
        f"{'–' if standing.place is None else standing.place} of {standing.eligible}",
        standing.reason.ja if language == "ja" else standing.reason.en,
    ]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(needs)
