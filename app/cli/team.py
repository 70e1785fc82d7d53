"""`team`."""

import json
import sys
from typing import Annotated

import typer
from rich.markup import escape

from app.cli.explanation import in_language
from app.cli.opening import TERMINAL, open_engine
from app.cli.terminal import OUT, name_of, show_need, show_ruled_out
from app.clock import today
from app.contexts import SYSTEM
from app.presenting import team_out
from app.services.audit import shown
from app.services.needs import find_need, query_of, require_open
from app.services.teams import TeamFound, team_for_need
from matching.counterfactual import title
from matching.filters import Filters
from matching.greedy import LARGEST, SIZE
from matching.signals import Sentence
from matching.text import Language, language_of
from models import ObjectKind

UNSERVED = Sentence("nobody in the team", "チームに対応できる者なし")
UNKNOWN = Sentence("nobody of those who fit best", "最も合う候補に対応できる者なし")


def team(
    need: Annotated[str, typer.Argument(help="Id or external id of a need.")],
    size: Annotated[int, typer.Option(min=1, max=LARGEST, help="Members at most.")] = SIZE,
    language: Annotated[
        Language | None, typer.Option(help="Of the reasons; default: the need's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
) -> None:
    """Print a small set of partners who together cover a need, and who covers what."""
    engine = open_engine()
    with engine.database.reading(SYSTEM) as session:
        stored = find_need(session, need, actor=TERMINAL)
        require_open(stored)
        shown(session, ObjectKind.NEED, [stored.id])
        filters = Filters(available_on=today())
        found = team_for_need(session, engine, stored, filters=filters, size=size)
        if as_json:
            body = team_out(stored.id, found).model_dump(mode="json")
            json.dump(body, sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
            return
        show_need(stored)
        _show(found, language or language_of(query_of(stored).text))


def _show(found: TeamFound, language: Language) -> None:
    answer = found.answer
    names = {}
    for number, listed in enumerate(found.members, 1):
        member, partner = listed.member, listed.partner
        names[member.match.partner.id] = name = name_of(partner)
        OUT.print(
            f"\n[bold]{number}. {escape(name)}[/bold][dim] · {partner.kind.value}[/dim]  "
            f"[green]rank {member.rank}, adds {member.gain:.3f}[/green]",
            highlight=False,
        )
        for each in member.answers:
            if each.evidence is not None:
                part = found.facets[each.facet].wording(language)
                by = title(each.evidence, language)
                OUT.print(f"   {each.share:.2f} {escape(part)} ← {escape(by)}", highlight=False)
    OUT.print()
    for facet, served in zip(found.facets, answer.facets, strict=True):
        able = (answer.members[i].match.partner.id for i in served.members)
        who = " · ".join(names[i] for i in able if i in names)
        if not who:
            who = in_language(UNSERVED if served.others else UNKNOWN, language)
        OUT.print(f"{served.weight:.0%} {escape(facet.wording(language))}", highlight=False)
        OUT.print(f"    [cyan]→ {escape(who)}[/cyan]", highlight=False)
    OUT.print()
    for sentence in answer.says:
        OUT.print(in_language(sentence, language), highlight=False)
    show_ruled_out(found.blocked)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(team)
