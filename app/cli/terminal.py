"""How the command line shows things."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from app.services.matches import Match, MatchList
from matching.explain import Passage
from matching.filters import REASONS
from models import Need, Organisation, Partner

OUT = Console()
ERRORS = Console(stderr=True)


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator["Bar"]:
    """A progress bar on standard error; a line at the end where there is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERRORS) as progress:
        yield Bar(progress, title, total)


class Bar:
    """Advances one line of a progress display."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def advance(self, amount: int = 1) -> None:
        """That much more is done."""
        self._progress.advance(self._task, amount)


def name_of(thing: Organisation | Partner) -> str:
    """Both names, or the one there is."""
    return " / ".join(name for name in (thing.name_ja, thing.name_en) if name)


def show_need(need: Need) -> None:
    """A need above its list."""
    title = need.title_ja or need.title_en or "(no title)"
    second = need.title_en if need.title_ja and need.title_en else None
    OUT.print(
        f"\n[bold]{escape(title)}[/bold]" + (f"  [dim]{escape(second)}[/dim]" if second else "")
    )
    OUT.print(f"[dim]{escape(name_of(need.organisation))} · {need.kind.value}[/dim]")
    OUT.print(escape(need.brief_ja or need.brief_en or ""), highlight=False)


def show_matches(found: MatchList) -> None:
    """A match list with its reasons."""
    if not found.matches:
        OUT.print("\nNo partner in the database has evidence for this.")
    for match in found.matches:
        _show_match(match)
    OUT.print()
    if found.blocked:
        ruled_out = "; ".join(f"{n} {REASONS[reason]}" for reason, n in found.blocked.items())
        OUT.print(f"[dim]Ruled out before ranking: {ruled_out}.[/dim]")
    if found.pending:
        OUT.print(
            f"[yellow]{found.pending} pieces of evidence have no vector yet and were compared by "
            "words only: run `enmusubi embed`.[/yellow]"
        )


def _show_match(match: Match) -> None:
    partner = match.partner
    organisation = f", {name_of(partner.organisation)}" if partner.organisation else ""
    OUT.print(
        f"\n[bold]{match.rank:>2}. {escape(name_of(partner))}[/bold]"
        f"[dim]{escape(organisation)} · {partner.kind.value}[/dim]"
        f"  [green]score {match.ranked.score:.3f}[/green]",
        highlight=False,
    )
    for passage in match.evidence:
        _show_passage(passage)
    told = [s for s in match.ranked.signals if s.contribution >= 0.005]
    sentences = " ".join(signal.detail.en for signal in told)
    OUT.print(f"    [dim]{escape(sentences)}[/dim]", highlight=False)


def _show_passage(passage: Passage) -> None:
    evidence = passage.evidence
    year = f" {evidence.year}" if evidence.year else ""
    title, _, _ = evidence.text.partition("\n")
    OUT.print(f"    [cyan]{evidence.kind}{year}[/cyan] {escape(title)}", highlight=False)
    if passage.best.text != title:
        OUT.print(f"      [italic]“{escape(passage.best.text)}”[/italic]", highlight=False)
