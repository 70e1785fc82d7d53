"""`bench rank`: time of a match request inside the engine, on a made-up region of any size."""

import json
import os
import platform
import resource
import shlex
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from app.bench.ranking import plain_way
from app.cli.terminal import OUT, progress_bar
from matching.corpus import Corpus
from matching.counting import count_texts
from matching.encoders import Vectors
from matching.explain import passages
from matching.ranker import prepare, rank, score
from matching.synthetic import DIMENSION, Region, Request, make_region

TOP: Final = 10
WHOLE: Final = "whole request"
PEER: Final = "peer"
PEER_IS: Final = (
    "The peer does the core of the same work as one would write it first: the product of all "
    "vectors with the query's in NumPy, bm25s over passages and over whole profiles, the mean of "
    "each partner's three best passages by a sort, a sum, the ten best. It filters nobody, reads "
    "no other signal and picks no sentences."
)

T = TypeVar("T")
Times = dict[str, list[NDArray[np.float64]]]
"""Seconds (2,) of each request by the clock and of the processor, by stage."""


def rank_command(
    partners: Annotated[int, typer.Option(min=1)] = 10_000,
    capabilities: Annotated[int, typer.Option(min=1)] = 100_000,
    queries: Annotated[int, typer.Option(min=2)] = 200,
    seed: int = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Time of a match request without embedding and HTTP, beside a plain NumPy and bm25s peer.

    The region is made up: texts of about 120 words, needs of a hundred.
    """
    setup: dict[str, NDArray[np.float64]] = {}
    setup["make texts"], region = _timed(
        lambda: make_region(partners, capabilities, queries, seed=seed)
    )
    with progress_bar("Counting words", capabilities) as bar:
        texts = [piece.text for piece in region.evidence]
        setup["count words"], terms = _timed(lambda: count_texts(texts, progress=bar.advance))
    setup["Corpus.build"], corpus = _timed(
        lambda: Corpus.build(region.partners, region.evidence, region.vectors, terms)
    )
    setup["first request"], _ = _timed(lambda: _list(corpus, region.requests[0]))
    memory = _memory(corpus)
    peer = plain_way(corpus, terms)
    times, stable = _measure(region, corpus, peer)
    report = {
        "machine": _machine(),
        "command": shlex.join(["enmusubi", *sys.argv[1:]]),
        "partners": partners,
        "capabilities": len(corpus.evidence),
        "queries": queries,
        "same_list_twice": stable,
        "setup_seconds": {name: float(seconds[0]) for name, seconds in setup.items()},
        "memory_mb": memory,
        "milliseconds": {name: _percentiles(seconds) for name, seconds in times.items()},
        "whole_over_peer": None if peer is None else _ratios(times),
    }
    if as_json:
        json.dump(report, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _show(report)


def _list(corpus: Corpus, request: Request) -> list[str]:
    ranking = rank(request.query, request.vector, corpus, filters=request.filters, top=TOP)
    return [match.partner.id for match in ranking.matches]


def _measure(
    region: Region, corpus: Corpus, peer: Callable[[Request], object] | None
) -> tuple[Times, int]:
    """Seconds by stage, request by request in turn with the peer; how many lists came out alike."""
    times: Times = defaultdict(list)
    encode = _encoder_without_work()
    stable = 0
    with progress_bar("Asking", len(region.requests)) as bar:
        for number, request in enumerate(region.requests):
            query, vector = request.query, request.vector
            seconds, (context, _) = _timed(
                lambda: prepare(query, vector, corpus, filters=request.filters)  # noqa: B023
            )
            times["filters and candidates"].append(seconds)
            seconds, scores = _timed(lambda: score(context))  # noqa: B023
            times["signals"].append(seconds)
            first = [corpus.partners[context.candidates[i]].id for i in scores.order[:TOP]]
            ranking_seconds, ranking = _timed(
                lambda: rank(query, vector, corpus, filters=request.filters, top=TOP)  # noqa: B023
            )
            stable += first == [match.partner.id for match in ranking.matches]
            options: dict[str, Any] = {"encode": encode, "vector": vector} if number % 2 else {}
            seconds, _ = _timed(lambda: passages(ranking, ranking.matches, **options))  # noqa: B023
            kind = "words and vectors" if number % 2 else "words"
            times[f"evidence, sentences by {kind}"].append(seconds)
            times[WHOLE].append(ranking_seconds + seconds)
            if peer is not None:
                times[PEER].append(_timed(lambda: peer(request))[0])  # noqa: B023
            bar.advance()
    return times, stable


def _timed(work: Callable[[], T]) -> tuple[NDArray[np.float64], T]:
    """Seconds (2,) by the clock and of the processor, all threads together, and the result.

    The second tells the work done from the waiting for a processor that others use too.
    """
    start = time.perf_counter(), time.process_time()
    result = work()
    return np.array([time.perf_counter(), time.process_time()]) - start, result


def _encoder_without_work() -> Callable[[Sequence[str]], Vectors]:
    """Sentence vectors out of memory, as for evidence that has been shown before."""
    kept = np.random.default_rng(0).standard_normal((2_000, DIMENSION), np.float32)
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    return lambda texts: kept[np.arange(len(texts)) % len(kept)]


def _memory(corpus: Corpus) -> dict[str, float]:
    """Megabytes of the large arrays, and the most the process has held so far."""
    held = (corpus.lexical, corpus.phrases.index)
    scored = (corpus.passage_impacts, corpus.profile_words.impacts, corpus.profile_phrases.impacts)
    unit = 1 if platform.system() == "Darwin" else 1024
    return {
        "vectors": corpus.vectors.at(np.arange(len(corpus.evidence))).nbytes / 1e6,
        "postings": sum(part.nbytes for i in held for part in i.parts) / 1e6,
        "stored scores": sum(part.nbytes for i in scored for part in i.parts) / 1e6,
        "peak of the process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6,
    }


def _percentiles(seconds: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    wall, processor = np.percentile(seconds, [50, 95, 99, 100], axis=0).T * 1e3
    names = ("p50", "p95", "p99", "max")
    found = dict(zip(names, map(float, wall), strict=True))
    return found | {"cpu_p50": float(processor[0]), "cpu_p95": float(processor[1])}


def _ratios(times: Times) -> dict[str, float]:
    """Of percentiles of the same run: below 1, the whole request is faster than the peer's core."""
    ours, peers = _percentiles(times[WHOLE]), _percentiles(times[PEER])
    return {name: ours[name] / peers[name] for name in ours if name != "max"}


def _machine() -> str:
    threads = os.environ.get("OMP_NUM_THREADS", "default")
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS {threads}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def _show(report: dict[str, Any]) -> None:
    table = Table("stage", "p50 ms", "p95 ms", "p99 ms", "max ms", "CPU p50", "CPU p95")
    for name, found in report["milliseconds"].items():
        bold = "bold" if name == WHOLE else None
        table.add_row(name, *(f"{value:.1f}" for value in found.values()), style=bold)
    OUT.print(table)
    setup = "; ".join(f"{name} {value:.2f} s" for name, value in report["setup_seconds"].items())
    memory = "; ".join(f"{name} {value:.0f} MB" for name, value in report["memory_mb"].items())
    ratios = report["whole_over_peer"]
    lines = [
        f"{report['partners']} partners, {report['capabilities']} capabilities.",
        f"The same list twice: {report['same_list_twice']} of {report['queries']} requests.",
        f"Before: {setup}. Memory: {memory}.",
        PEER_IS if ratios else "No peer: bm25s is not installed.",
        *(f"whole request / peer at {name}: {value:.2f}" for name, value in (ratios or {}).items()),
        f"{report['machine']}; {report['command']}",
    ]
    OUT.print("\n".join(lines), highlight=False)
