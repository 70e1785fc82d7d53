"""`match`."""

import json
import sys
from typing import Annotated

import typer

from app.cli.opening import TERMINAL, open_engine
from app.cli.terminal import show_matches, show_need
from app.clock import today
from app.contexts import SYSTEM
from app.errors import invalid
from app.presenting import match_list
from app.schemas.explanation import Explain
from app.services.audit import shown
from app.services.matches import match_need, match_text
from app.services.needs import find_need, query_of, require_open
from matching.corpus import Query
from matching.filters import Filters
from matching.text import Language, language_of, normalise
from models import ObjectKind


def match(
    need: Annotated[str | None, typer.Argument(help="Id or external id of a need.")] = None,
    text: Annotated[str | None, typer.Option(help="A text instead of a stored need.")] = None,
    top: Annotated[int, typer.Option(min=1, max=200)] = 10,
    language: Annotated[
        Language | None, typer.Option(help="Of the reasons; default: the need's own.")
    ] = None,
    explain: Annotated[
        Explain, typer.Option(help="none, brief, or full: what would change each rank.")
    ] = Explain.BRIEF,
    as_json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
) -> None:
    """Print the partners that fit a need or a text best, with the reasons."""
    if (need is None) == (text is None):
        raise invalid("match", "give either a NEED or --text")
    if text is not None and not normalise(text):
        raise invalid("--text", "is empty: describe what is needed")
    engine = open_engine()
    filters = Filters(available_on=today())
    with engine.database.reading(SYSTEM) as session:
        if text is not None:
            stored = None
            query = Query(text=text, posted_on=today())
            found = match_text(session, engine, query, filters=filters, top=top, explain=explain)
        else:
            stored = find_need(session, need or "", actor=TERMINAL)
            require_open(stored)
            shown(session, ObjectKind.NEED, [stored.id])
            found = match_need(session, engine, stored, filters=filters, top=top, explain=explain)
        if as_json:
            body = match_list(None if stored is None else stored.id, found)
            json.dump(body.model_dump(mode="json"), sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
            return
        if stored is not None:
            show_need(stored)
        asked = query.text if stored is None else query_of(stored).text
        show_matches(found, language=language or language_of(asked))


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(match)
