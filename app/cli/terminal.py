"""How the command line shows things."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from app.cli.explanation import explanation_lines
from app.services.matches import Match, MatchList, NearMiss
from matching.explain import Passage
from matching.filters import REASONS
from matching.signals import Sentence
from matching.text import Language
from models import Need, Organisation, Partner

OUT = Console()
ERRORS = Console(stderr=True)


@contextmanager
def progress_bar(title: str, total: int | None, *, unit: str | None = None) -> Iterator["Bar"]:
    """A progress bar on standard error; a line at the end where there is no terminal.

    With a `unit` the bar measures bytes, and what is counted beside it are those.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if unit is None else DownloadColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERRORS) as progress:
        yield Bar(progress, title, total, unit)


class RateColumn(ProgressColumn):
    """How many a second: over the whole time, since pieces are finished in steps."""

    def render(self, task: Task) -> Text:
        """The rate, after the number where that is not what the bar measures."""
        counted, unit = task.fields["counted"], task.fields["unit"]
        number = task.completed if counted is None else counted
        seconds = task.finished_time or task.elapsed
        rate = f"{number / seconds:,.0f}/s" if seconds and number else "-/s"
        return Text(rate if counted is None else f"{counted:,} {unit}, {rate}")


class Bar:
    """Advances one line of a progress display."""

    def __init__(
        self, progress: Progress, title: str, total: int | None, unit: str | None = None
    ) -> None:
        self._progress = progress
        self._counted = None if unit is None else 0
        self._task = progress.add_task(title, total=total, counted=self._counted, unit=unit)

    def advance(self, amount: int = 1) -> None:
        """That much more is done."""
        self._progress.advance(self._task, amount)

    def count(self, amount: int) -> None:
        """So many more of the unit are done."""
        self._counted = (self._counted or 0) + amount
        self._progress.update(self._task, counted=self._counted)


def name_of(thing: Organisation | Partner) -> str:
    """Both names, or the one there is."""
    return " / ".join(name for name in (thing.name_ja, thing.name_en) if name)


def show_need(need: Need) -> None:
    """A need above its list."""
    title = " / ".join(title for title in (need.title_ja, need.title_en) if title)
    OUT.print(f"\n[bold]{escape(title or '(no title)')}[/bold]", highlight=False)
    OUT.print(f"[dim]{escape(name_of(need.organisation))} · {need.kind.value}[/dim]")
    for brief in (need.brief_ja, need.brief_en):
        if brief:
            OUT.print(escape(brief), highlight=False)


def show_matches(found: MatchList, *, language: Language) -> None:
    """A match list with its reasons, the sentences in that language."""
    if not found.matches:
        OUT.print("\nNo partner in the database has evidence for this.")
    for match in found.matches:
        _show_match(match, language)
        if match.explanation is not None:
            for line in explanation_lines(match.explanation, found.facets, language):
                OUT.print(f"   {escape(line)}", highlight=False)
    if found.advice is not None:
        OUT.print(f"\n[yellow]{escape(_in(found.advice, language))}[/yellow]", highlight=False)
    for near in found.near_misses:
        _show_near_miss(near, language)
    OUT.print()
    show_ruled_out(found.blocked)
    if found.pending:
        OUT.print(
            f"[yellow]{found.pending} pieces of evidence have no vector yet and were compared by "
            "words only: run `enmusubi embed`.[/yellow]"
        )


def show_ruled_out(blocked: Mapping[str, int]) -> None:
    """How many partners each hard constraint ruled out."""
    if blocked:
        ruled_out = "; ".join(f"{n} {REASONS[reason]}" for reason, n in blocked.items())
        OUT.print(f"[dim]Ruled out before ranking: {ruled_out}.[/dim]", highlight=False)


def _in(sentence: Sentence, language: Language) -> str:
    return sentence.ja if language == "ja" else sentence.en


def _show_near_miss(near: NearMiss, language: Language) -> None:
    name = escape(name_of(near.partner))
    OUT.print(
        f"   [bold]{name}[/bold]: {escape(_in(near.miss.sentence, language))}", highlight=False
    )
    for lack in near.miss.lacks:
        value = "?" if lack.value is None else f"{lack.value:.2f}"
        OUT.print(
            f"      [dim]{lack.signal} {value} < {lack.typical:.2f}: "
            f"{escape(_in(lack.detail, language))}[/dim]",
            highlight=False,
        )


def _show_match(match: Match, language: Language) -> None:
    partner = match.partner
    name = name_of(partner)
    home = "" if partner.organisation is None else name_of(partner.organisation)
    sure = "" if match.probability is None else f", probability {match.probability:.0%}"
    at_home = f", {home}" if home and home != name else ""
    OUT.print(
        f"\n[bold]{match.rank}. {escape(name)}[/bold][dim]{escape(at_home)} · "
        f"{partner.kind.value}[/dim]  [green]score {match.ranked.score:.3f}{sure}[/green]",
        highlight=False,
    )
    for passage in match.evidence:
        _show_passage(passage)
    for signal in match.ranked.signals:
        sentence = _in(signal.detail, language)
        OUT.print(
            f"   [dim]{signal.contribution:.3f} {signal.name:<14} {escape(sentence)}[/dim]",
            highlight=False,
        )


def _show_passage(passage: Passage) -> None:
    evidence = passage.evidence
    year = f" {evidence.year}" if evidence.year else ""
    title, _, _ = evidence.text.partition("\n")
    source = f" [dim]({evidence.external_id})[/dim]" if evidence.external_id else ""
    OUT.print(f"   [cyan]{evidence.kind}{year}[/cyan] {escape(title)}{source}", highlight=False)
    if passage.best.text != title:
        OUT.print(f"      → [italic]{escape(passage.best.text)}[/italic]", highlight=False)
