"""`encoder status`, `encoder forget`; `encoder train` is in `encoder_training`."""

import json
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

from app.cli.encoder_training import train
from app.cli.opening import open_database
from app.cli.terminal import OUT
from app.contexts import SYSTEM
from app.main import make_encoder_of, recipe_in
from app.services.embeddings import Stored, stored_vectors
from app.services.encoder_mismatch import find_mismatch, settings_of
from app.services.encoders import (
    Change,
    Offered,
    change_of,
    forget_change,
    recipe_of,
    serving,
    wanted,
)
from app.settings import get_settings
from matching.encoders import EncoderError
from models import StoredEncoder, utc_now

group = typer.Typer(
    help="Which encoder serves, a change to another, and the training of one.", no_args_is_help=True
)

QUIET: Final = timedelta(minutes=1)
"""Without a note of progress for so long, nobody is at work."""


@group.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Print which encoder serves this database, how far a change is, and what vectors there are."""
    with open_database().reading(SYSTEM) as session:
        present, coming, change = serving(session), wanted(session), change_of(session)
        stored = stored_vectors(session)
        mismatch = _mismatch(session)
    if as_json:
        body = {
            "serving": _named(present),
            "wanted": _named(coming),
            "change": None if change is None else _progress(change),
            "stored": [asdict(each) for each in stored],
            "mismatch": mismatch,
        }
        json.dump(body, sys.stdout, ensure_ascii=False, indent=1, default=str)
        sys.stdout.write("\n")
        return
    OUT.print(_vectors(stored, present, coming))
    if present is None:
        _say(
            "No encoder is known to serve yet: the next use adopts the one whose vectors are here."
        )
    else:
        _say(f"Serving: {present.encoder_id} ({settings_of(recipe_of(present)) or 'name unknown'})")
    if coming is not None and change is not None:
        _say(_words(change, settings_of(recipe_of(coming)) or coming.encoder_id))
    if mismatch is not None:
        _say(mismatch)


def _mismatch(session: Session) -> str | None:
    settings = get_settings()
    try:
        own = Offered(recipe_in(settings), make_encoder_of(settings))
    except EncoderError as error:
        return f"The encoder that the settings ask for cannot be made: {error}"
    return find_mismatch(session, own)


def _named(row: StoredEncoder | None) -> dict[str, str | None] | None:
    if row is None:
        return None
    return {"encoder": row.encoder_id, "settings": settings_of(recipe_of(row))}


def _progress(change: Change) -> dict[str, Any]:
    return asdict(change) | {"seconds_left": change.seconds_left}


def _vectors(
    stored: list[Stored], present: StoredEncoder | None, coming: StoredEncoder | None
) -> Table:
    uses = {row.encoder_id: row.use.value for row in (present, coming) if row is not None}
    table = Table("encoder", "use", "vectors", "MB")
    for each in stored:
        use = uses.get(each.encoder, "left over" if uses else "")
        table.add_row(escape(each.encoder), use, str(each.vectors), f"{each.bytes / 1e6:.1f}")
    return table


def _words(change: Change, settings: str) -> str:
    done = "not begun" if change.total is None else f"{change.embedded} of {change.total} texts"
    if change.worked_at is None or utc_now() - change.worked_at > QUIET:
        return (
            f"Changing to {change.encoder}: {done}; nobody is at work on it. `enmusubi serve` or "
            f"`enmusubi embed` with {settings} goes on, `enmusubi encoder forget` gives it up."
        )
    left = change.seconds_left
    pace = "" if left is None else f", {change.texts_per_second:.0f} a second, {left:.0f} s left"
    return f"Changing to {change.encoder}: {done}{pace}."


def _say(sentence: str) -> None:
    OUT.print(sentence, markup=False, highlight=False, soft_wrap=True)


@group.command()
def forget() -> None:
    """Give up an unfinished change, and forget vectors of encoders that do not serve."""
    with open_database().writing(SYSTEM) as session:
        number = forget_change(session)
    OUT.print(f"Forgot {number} vectors." if number else "There was nothing to forget.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group.command()(train)
    app.add_typer(group, name="encoder")
