"""`bench plan`: time and worth of a plan, on a made-up region or on judged folders."""

import json
import os
import platform
import resource
import shlex
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from app.cli.reporting import require_one_form, show_table, steps_of, write_markdown
from app.cli.terminal import OUT
from app.jobs.evaluating import build_tasks
from app.jobs.steps import Steps
from app.main import make_encoder_of
from app.services.model import load_model
from app.settings import get_settings
from matching.assignment import assign
from matching.filters import Filters
from matching.pairs import Limits, Pairs, Weights
from matching.plan_report import PLAN, PlanReport, report
from matching.score_matrix import Question, score_matrix
from matching.synthetic_pairs import SAYS, make_pairs
from matching.text import tokens

NO_LIMIT: Final = 10**9


def plan_command(
    folders: Annotated[
        list[Path] | None,
        typer.Option("--set", help="A judged folder in place of the made-up region; repeatable."),
    ] = None,
    needs: Annotated[int, typer.Option(min=1, help="Of the made-up region.")] = 1_000,
    partners: Annotated[int, typer.Option(min=1, help="Of the made-up region.")] = 10_000,
    candidates: Annotated[
        int, typer.Option(min=0, help="Partners that each made-up need has pairs with; 0: all.")
    ] = 0,
    seed: int = 1,
    per_need: Annotated[int, typer.Option(min=1, help="Pairs of a need of a set.")] = 3,
    per_partner: Annotated[int, typer.Option(min=1, help="Pairs of a partner of a set.")] = 4,
    fairness: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
    exposure: Annotated[float, typer.Option(min=0)] = 0.05,
    by_score: Annotated[
        bool, typer.Option("--by-score", help="Pairs of a set are worth their score.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="A GitHub Markdown table for each problem.")
    ] = False,
) -> None:
    """Time, memory and worth of a plan, beside lists made alone, the greedy choice and the bound.

    Of the made-up region a tenth of the partners count as seldom suggested. In a set each query is
    a need of its own organisation, and a pair is worth its probability. The columns: pairs, their
    value, its share of the bound, the best pair of the worst-served need, needs with a pair, most
    pairs of one partner, partners with more than they can bear, share of partners seen, and the
    Gini coefficient of the pairs per partner.
    """
    require_one_form("bench plan", as_json=as_json, as_markdown=as_markdown)
    problems: dict[str, Any] = {}
    if folders:
        limits = per_need, per_partner
        for folder in folders:
            with ExitStack() as bars:
                steps = steps_of(folder.resolve().name, bars)
                pairs, of_set = _scored(folder, steps, *limits, by_score=by_score)
            problems[folder.resolve().name] = _planned(pairs, of_set, Weights(fairness=fairness))
    else:
        pairs, of_region = make_pairs(needs, partners, candidates=candidates or None, seed=seed)
        weights = Weights(fairness, exposure, np.arange(partners) % 10 == 0)
        name = f"{needs} x {partners}"
        problems[name] = _planned(pairs, of_region, weights)
    machine = f"{_machine()}; {shlex.join(['enmusubi', *sys.argv[1:]])}"
    if as_json:
        found = {name: {**p, "report": p["report"].as_dict()} for name, p in problems.items()}
        json.dump({"machine": machine, "problems": found}, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    for number, (name, problem) in enumerate(problems.items()):
        _show(name, problem, as_markdown=as_markdown, first=number == 0)
    if not as_markdown:
        OUT.print("" if folders else SAYS, machine, sep="\n", highlight=False)


def _planned(pairs: Pairs, limits: Limits, weights: Weights) -> dict[str, Any]:
    before = _peak()
    start = time.perf_counter(), time.process_time()
    plan = assign(pairs, limits, weights=weights)
    wall, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    peak = _peak()
    return {
        "fairness": weights.fairness,
        "exposure": weights.exposure,
        "seconds": wall,
        "processor_seconds": processor,
        "peak_mb_before": before,
        "peak_mb": peak,
        "rounds": plan.rounds,
        "columns": plan.columns,
        "report": report(pairs, limits, plan, weights=weights),
    }


def _scored(
    folder: Path, steps: Steps, per_need: int, per_partner: int, *, by_score: bool
) -> tuple[Pairs, Limits]:
    """All answerable queries of a set against all its partners, by the ranker as it is shipped.

    Of a set in several profile variants the first is taken.
    """
    settings = get_settings()
    encoder = make_encoder_of(settings)
    model = load_model(settings.model, encoder.id)
    cache = settings.data_dir / "evaluation"
    cache.mkdir(parents=True, exist_ok=True)
    task = build_tasks(folder, encoder, cache=cache, steps=steps)[0]
    questions = [
        Question(judged.query, judged.vector, Filters())
        for judged in task.queries
        if tokens(judged.query.text)
    ]
    advance = steps.begin("scoring", len(questions))
    table = score_matrix(questions, task.corpus, model=model, progress=advance)
    n = len(questions)
    return table.pairs(by_score=by_score), Limits(
        per_need=np.full(n, per_need),
        per_partner=np.full(len(task.corpus.partners), per_partner),
        organisation=np.arange(n),
        per_organisation=np.full(n, per_need),
        per_organisation_and_partner=NO_LIMIT,
    )


def _show(name: str, problem: dict[str, Any], *, as_markdown: bool, first: bool) -> None:
    found: PlanReport = problem["report"]
    rows = found.lines()
    if as_markdown:
        rows[0][0] = name
        write_markdown(rows, first=first)
        return
    OUT.print(
        f"{name}: {found.needs} needs and {found.partners} partners have {found.pairs} pairs.",
        highlight=False,
    )
    show_table(rows, bold={PLAN})
    promised = found.promised_worst
    OUT.print(
        f"Planned in {problem['seconds']:.1f} s ({problem['processor_seconds']:.1f} s of the "
        f"processor), peak of the process {problem['peak_mb']:.0f} MB "
        f"({problem['peak_mb_before']:.0f} MB before); the program was solved "
        f"{problem['rounds']} times and held {problem['columns']} pairs.",
        f"Fairness {problem['fairness']}, exposure {problem['exposure']}; the worst-served need "
        f"can be promised {'nothing' if promised is None else f'{promised:.4f}'}.",
        sep="\n",
        highlight=False,
    )


def _peak() -> float:
    """Megabytes that the process has held at most so far."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )
