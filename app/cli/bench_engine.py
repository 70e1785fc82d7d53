"""`bench`: the engine beside its peers, at one size or several, as a table, JSON and a picture."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from app.bench.collection import Collection, make_collection
from app.bench.dense import NEAREST, TASK, dense, dense_partners
from app.bench.embedding import embedding, mixed_texts, static_rate
from app.bench.http import http
from app.bench.lexical import lexical
from app.bench.limits import MachineLimits, measure_limits
from app.bench.nightly import nightly
from app.bench.pgvector import pgvector
from app.bench.plot import missing, plot
from app.bench.ranking import PEER_IS, ranking
from app.bench.timing import OURS, Measured, Rows, ratios, timed
from app.cli.reporting import show_table
from app.cli.terminal import ERRORS, OUT
from app.errors import invalid
from app.services.counting import count_many
from matching.corpus import Corpus

TASKS: Final = ("dense", "lexical", "hybrid", "nightly", "embedding", "http")
DEFAULT_SIZE: Final = 100_000


def engine_command(
    context: typer.Context,
    size: Annotated[
        list[int] | None, typer.Option(min=100, help="Capabilities; repeatable.")
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder of public sets: real texts."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(TASKS)}.")] = None,
    questions: Annotated[int, typer.Option(min=4)] = 50,
    rounds: Annotated[int, typer.Option(min=1, help="Of bulk embedding.")] = 3,
    requests: Annotated[int, typer.Option(min=20, help="Of each load over HTTP.")] = 2000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer them.")] = 2,
    seed: int = 1,
    picture: Annotated[
        Path | None, typer.Option("--plot", help="A PNG of cost against size.")
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(help="postgresql://… of a server with pgvector, to measure that as well."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure speed on this machine: the engine beside what an engineer would pick instead.

    Dense and lexical search and the ranking run on one thread, question by question in turn with
    their peers; the nightly job's scoring and bulk embedding on all cores.
    """
    if context.invoked_subcommand is not None:
        return
    chosen = set(only or TASKS)
    if unknown := chosen - set(TASKS):
        raise invalid("--only", f"knows no {min(unknown)}: choose of {', '.join(TASKS)}")
    sizes = sorted(set(size or [DEFAULT_SIZE]))
    limits = measure_limits()
    rows: Rows = []
    source = ""
    if chosen - {"embedding", "http"}:
        whole = make_collection(sizes[-1], questions, folder=texts, seed=seed)
        source = whole.source
        for number in sizes:
            ERRORS.print(f"{number} capabilities: {', '.join(sorted(chosen))}", highlight=False)
            rows += _measure(whole.first(number), chosen, limits, questions, postgres)
    if "embedding" in chosen:
        mixed = mixed_texts(600)
        rows += embedding(mixed, rounds=rounds) + static_rate(mixed)
    if "http" in chosen:
        for number in sizes:
            rows += http(number, processes=workers, requests=requests, seed=seed)
    _report(rows, limits, source, as_json=as_json)
    if picture is not None:
        plot(rows, picture)


def _measure(
    collection: Collection,
    chosen: set[str],
    limits: MachineLimits,
    number: int,
    postgres: str | None,
) -> Rows:
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only the bench needs it

    rows: Rows = []
    asked = np.stack([request.vector for request in collection.requests])
    with threadpool_limits(1):
        if "dense" in chosen:
            both = np.concatenate([_tuning(collection, number), asked])
            rows += dense(collection, both, limits)
            rows += pgvector(collection.vectors, both, task=TASK, nearest=NEAREST, url=postgres)
            rows += dense_partners(collection, asked)
        if not chosen & {"lexical", "hybrid", "nightly"}:
            return rows
        counted, terms = timed(lambda: count_many([piece.text for piece in collection.evidence]))
        build, corpus = timed(
            lambda: Corpus.build(
                collection.partners, collection.evidence, collection.vectors, terms
            )
        )
        rows.append(_rate("count words", collection, counted))
        rows.append(_rate("build the corpus", collection, build))
        if "lexical" in chosen:
            rows += lexical(corpus, terms, collection.requests, build)
        if "hybrid" in chosen:
            rows += ranking(corpus, terms, collection.requests)
    if "nightly" in chosen:
        rows += nightly(corpus, collection.requests, limits)
    return rows


def _rate(task: str, collection: Collection, seconds: float) -> Measured:
    return Measured(task, OURS, collection.size, "per second", collection.size / seconds)


def _tuning(collection: Collection, number: int) -> np.ndarray:
    """Vectors near those of texts, by which the approximate peers are set."""
    random = np.random.default_rng(7)
    near = collection.vectors[random.integers(collection.size, size=number)]
    near = near + 0.03 * random.standard_normal(near.shape, np.float32)
    unit: np.ndarray = near / np.linalg.norm(near, axis=1, keepdims=True)
    return unit


def _report(rows: Rows, limits: MachineLimits, source: str, *, as_json: bool) -> None:
    faster = ratios(rows)
    measured = [row for row in rows if isinstance(row, Measured)]
    if as_json:
        report: dict[str, Any] = {
            "machine": _machine(),
            "command": shlex.join(["enmusubi", *sys.argv[1:]]),
            "texts": source,
            "limits": {
                "read_gb_per_second_one_thread": limits.read_bytes_per_second / 1e9,
                "gemm_gflops_one_thread": limits.gemm_flops_per_second / 1e9,
                "gemm_gflops_all_cores": limits.gemm_flops_all_cores / 1e9,
            },
            "rows": [
                row.as_dict() | {"times_as_fast": faster.get((row.task, row.size, row.engine))}
                for row in measured
            ],
            "missing": missing(rows),
        }
        json.dump(report, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    for task in dict.fromkeys(row.task for row in measured):
        lines = [
            _line(row, faster.get((row.task, row.size, row.engine)))
            for row in measured
            if row.task == task
        ]
        show_table(_filled([(task, *_HEADER), *lines]), bold={OURS})
    for sentence in missing(rows):
        OUT.print(sentence, highlight=False)
    notes = dict.fromkeys(f"{row.task}: {row.note}." for row in measured if row.note)
    notes |= dict.fromkeys(
        f"{row.task}: the limit is {row.limit}." for row in measured if row.limit
    )
    OUT.print(
        *notes,
        f"Texts: {source}." if source else "",
        PEER_IS,
        f"One thread reads {limits.read_bytes_per_second / 1e9:.1f} GB/s and multiplies "
        f"{limits.gemm_flops_per_second / 1e9:.0f} GFLOP/s of float32, all cores "
        f"{limits.gemm_flops_all_cores / 1e9:.0f}. {_machine()}",
        sep="\n",
        highlight=False,
    )


_HEADER: Final = ("size", "", "p50", "p95", "ours is", "recall", "of limit", "build s", "MB")


def _line(row: Measured, times: float | None) -> Sequence[str]:
    return [
        row.engine,
        f"{row.size:,}",
        row.unit,
        f"{row.p50:.4g}",
        _or_empty(row.p95, ".4g"),
        "" if times is None else f"{times:.2f} x",
        _or_empty(row.recall, ".3f"),
        _or_empty(row.share_of_limit, ".0%"),
        _or_empty(row.build_seconds, ".1f"),
        _or_empty(row.megabytes, ".0f"),
    ]


def _or_empty(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _filled(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same without columns that hold nothing."""
    header, *lines = rows
    kept = [column for column in range(len(header)) if any(line[column] for line in lines)]
    return [[row[column] for column in kept] for row in rows]


def _machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}."
    )
