"""`index status`, `index build`, `index remove`: the snapshots of the corpus on this machine."""

from http import HTTPStatus

import typer
from rich.markup import escape

from app.cli.opening import open_database, open_engine
from app.cli.terminal import OUT
from app.contexts import SYSTEM
from app.errors import Problem
from app.services.changes import state_of
from app.services.corpus_reading import LARGE
from app.services.snapshots import Snapshots
from app.settings import get_settings

group = typer.Typer(
    help="Snapshots of the corpus, from which the service starts without reading all rows.",
    no_args_is_help=True,
)

PATIENCE_SECONDS = 30.0


@group.command()
def status() -> None:
    """Print which snapshots of this database lie here, and what changed since."""
    snapshots = Snapshots(get_settings().data_dir)
    with open_database().reading(SYSTEM) as session:
        state = state_of(session)
        named = snapshots.named(session, state)
    OUT.print(f"The data are at revision {state.revision}.")
    found = snapshots.stored(state.identity)
    for one in sorted(found, key=lambda one: one.revision):
        size = sum(file.stat().st_size for file in one.path.iterdir()) / 2**20
        use = "in use" if one.id in named else "not in use, removed by the next start"
        line = f"revision {one.revision}: {size:.0f} MiB, {use}, {one.path}"
        OUT.print(escape(line), highlight=False, soft_wrap=True)
    if not found:
        OUT.print(f"No snapshot lies here. One is saved from {LARGE:,} texts on.")


@group.command()
def build() -> None:
    """Make the corpus anew from all rows and save it, for processes that start or follow."""
    engine = open_engine()
    with engine.database.reading(SYSTEM) as session:
        engine.corpora.current(session)
    engine.corpora.rebuild(engine.database)
    status()


@group.command()
def remove() -> None:
    """Remove every snapshot in the data folder; the next start reads all rows."""
    if not Snapshots(get_settings().data_dir).remove_all(PATIENCE_SECONDS):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "Another process is writing one: try again later."
        )
    OUT.print("No snapshot is left.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="index")
