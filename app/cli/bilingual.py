"""`evaluate bilingual`."""

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from app.cli.reporting import require_one_form, show_table, steps_of, write_markdown
from app.cli.terminal import ERRORS
from app.errors import invalid
from app.jobs.bilingual import Measured, evaluate_bilingual
from app.jobs.floors import Bounds, bounds_for, breaches, read_floors
from app.main import make_encoder_of
from app.services.model import load_model
from app.settings import get_settings
from data.samples import REGION
from matching.list_agreement import ListAgreement
from matching.pair_retrieval import Retrieval
from matching.sentence_similarity import Similarity

BREACHED: Final = 1
"""Exit code when a figure is beyond its bound."""


def bilingual(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files or folders of Japanese-English pairs or of rated pairs, or judged folders"
            " with translations.jsonl. [default: the sample region]",
            show_default=False,
        ),
    ] = None,
    floor: Annotated[
        Path | None,
        typer.Option(help="JSON of what each encoder's figures must reach; exit code 1 if not."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="A GitHub Markdown table for each set.")
    ] = False,
) -> None:
    """Measure whether Japanese finds English and English finds Japanese."""
    require_one_form("evaluate bilingual", as_json=as_json, as_markdown=as_markdown)
    settings = get_settings()
    bounds = None if floor is None else bounds_for(settings.encoder, read_floors(floor))
    measured = _measure(paths or [REGION])
    for number, (name, found) in enumerate(measured.items()):
        if as_markdown:
            write_markdown(table_of(name, found), first=number == 0)
        elif not as_json:
            show_table(table_of(name, found))
    wrong = [] if bounds is None else breaches(measured, bounds)
    if as_json:
        sets = {name: _as_json(found) for name, found in measured.items()}
        report = {"encoder": settings.encoder, "sets": sets, "breaches": wrong}
        json.dump(report, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    if bounds is not None:
        _judge(wrong, bounds, measured)


def _measure(paths: list[Path]) -> dict[str, Measured]:
    settings = get_settings()
    encoder = make_encoder_of(settings)
    model = load_model(settings.model, encoder.id)
    cache = settings.data_dir / "evaluation"
    cache.mkdir(parents=True, exist_ok=True)
    measured: dict[str, Measured] = {}
    for path in paths:
        with ExitStack() as bars:
            found = evaluate_bilingual(
                path,
                encoder,
                cache=cache,
                steps=steps_of(path.resolve().name, bars),
                signals=model.signals,
            )
        if twice := measured.keys() & found.keys():
            raise invalid(str(path), f"a set called {min(twice)} was measured before: rename one")
        measured |= found
    return measured


def _judge(wrong: list[str], bounds: Bounds, measured: dict[str, Measured]) -> None:
    """Say which bounds hold; exit code 1 if one does not."""
    for sentence in wrong:
        ERRORS.print(sentence, style="red", markup=False, highlight=False)
    if unmeasured := [name for name in bounds if name not in measured]:
        ERRORS.print(f"Not measured, though they have floors: {', '.join(unmeasured)}.")
    if wrong:
        raise typer.Exit(BREACHED)
    held = sum(len(figures) for name, figures in bounds.items() if name in measured)
    ERRORS.print(f"{held} floors hold.")


def _as_json(found: Measured) -> dict[str, object]:
    kind = {Retrieval: "pairs", Similarity: "rated", ListAgreement: "needs"}[type(found)]
    figures = {
        key: round(value, 6) if isinstance(value, float) else value
        for key, value in asdict(found).items()
    }
    return {"kind": kind, **figures}


def table_of(name: str, found: Measured) -> list[list[str]]:
    """The header and the lines of a set's table."""
    if isinstance(found, Retrieval):
        return _retrieval(name, found)
    if isinstance(found, Similarity):
        return _similarity(name, found)
    return _agreement(name, found)


def _retrieval(name: str, found: Retrieval) -> list[list[str]]:
    return [
        [f"{name}: {found.pairs} pairs", "accuracy@1", "accuracy@10", "not read"],
        [
            "Japanese → English",
            f"{found.ja_en_at_1:.3f}",
            f"{found.ja_en_at_10:.3f}",
            f"{found.ja_unread} Japanese texts",
        ],
        [
            "English → Japanese",
            f"{found.en_ja_at_1:.3f}",
            f"{found.en_ja_at_10:.3f}",
            f"{found.en_unread} English texts",
        ],
    ]


def _similarity(name: str, found: Similarity) -> list[list[str]]:
    return [
        [f"{name}: {found.pairs} rated pairs", "Spearman", "Pearson", "not read"],
        ["cosine", f"{found.spearman:.3f}", f"{found.pearson:.3f}", f"{found.unread} pairs"],
        ["words (TF-IDF)", f"{found.lexical_spearman:.3f}", f"{found.lexical_pearson:.3f}", ""],
        ["cosine and words", f"{found.fused_spearman:.3f}", f"{found.fused_pearson:.3f}", ""],
    ]


def _agreement(name: str, found: ListAgreement) -> list[list[str]]:
    change = None
    if found.ndcg_ja is not None and found.ndcg_en is not None:
        change = found.ndcg_en - found.ndcg_ja
    return [
        [f"{name}: {found.lists} pairs of lists", "Japanese need", "English need", "together"],
        ["shared by the first 10", "", "", f"{found.shared_of_10:.2f} of 10"],
        ["rank-biased overlap", "", "", f"{found.rbo:.3f}"],
        [
            "Japanese-only in first 10",
            _text(found.ja_only_for_ja, "{:.1%}"),
            _text(found.ja_only_for_en, "{:.1%}"),
            _text(found.ja_only_gap, "{:.1f} points apart"),
        ],
        [
            "English-only in first 10",
            _text(found.en_only_for_ja, "{:.1%}"),
            _text(found.en_only_for_en, "{:.1%}"),
            _text(found.en_only_gap, "{:.1f} points apart"),
        ],
        [
            f"nDCG@10, {found.judged} judged",
            _text(found.ndcg_ja, "{:.4f}"),
            _text(found.ndcg_en, "{:.4f}"),
            _text(change, "{:+.4f}"),
        ],
    ]


def _text(value: float | None, form: str) -> str:
    return "none" if value is None else form.format(value)
