"""How much a region of a given size needs, from what was measured at some sizes.

A measured size is shown as it was measured. Between and beyond, the two nearest measured sizes
tell: bytes grow by a line, ``fixed + each * n``; the work of making an HNSW index by a power of n
(a little above 1: each vector walks through a graph that grows); the work of a search with the
logarithm of n. Whatever is not measured is said to be computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured with n capabilities in PostgreSQL."""

    capabilities: int
    row_bytes: int
    """Of the table `capabilities` with its indexes and texts."""
    original_bytes: int
    """Of `embeddings` with its index."""
    copy_bytes: int
    """Of `passage_vectors` with its key, without HNSW."""
    index_bytes: int
    """Of the HNSW indexes."""
    build_seconds: float
    """Processor time of the server for making them."""
    search_ms: float
    """Processor time of server and client for the nearest 200 partners, everything allowed; mean
    of the queries."""


@dataclass(frozen=True, slots=True)
class Size:
    """What n capabilities need."""

    capabilities: int
    rows_gb: float
    originals_gb: float
    copies_gb: float
    index_gb: float
    build_hours: float
    """Of one core."""
    search_ms: float
    """Of one core."""
    memory_gb: float
    """Of a process that searches vectors itself: int8 for the search and float32 beside it."""
    is_measured: bool


GIGA: Final = 10**9
IN_PROCESS_BYTES: Final = 5
"""Of each dimension in memory: one for the search, four for the rescoring."""

MEASURED: Final = (
    Measured(10_000, 8_241_152, 22_544_384, 11_681_792, 11_755_520, 3.7, 29.0),
    Measured(100_000, 80_838_656, 224_460_800, 114_278_400, 117_080_064, 81.5, 75.0),
    Measured(1_000_000, 798_416_896, 2_244_657_152, 1_139_056_640, 1_170_317_312, 1120.2, 447.0),
)
"""On two cores of a shared virtual machine: docs/decisions/0030-pgvector.md says how."""

SHOWN: Final = (10_000, 100_000, 1_000_000, 100_000_000)
"""The sizes of the table in docs/scaling.md."""


def sizes(
    capabilities: Sequence[int], measured: Sequence[Measured], *, dimension: int = 384
) -> list[Size]:
    """The sizing table for these numbers of capabilities.

    Raises ValueError unless the measurements are of two sizes or more, in ascending order.
    """
    numbers = [each.capabilities for each in measured]
    if len(numbers) < 2 or sorted(set(numbers)) != numbers:
        raise ValueError("measure at two sizes or more, the smallest first")
    return [_size(n, *_nearest(n, measured), dimension) for n in capabilities]


def _nearest(n: int, measured: Sequence[Measured]) -> tuple[Measured, Measured]:
    above = next((at for at, each in enumerate(measured) if each.capabilities >= n), None)
    last = len(measured) - 1 if above is None else max(above, 1)
    return measured[last - 1], measured[last]


def _size(n: int, small: Measured, large: Measured, dimension: int) -> Size:
    steps = log(large.capabilities / small.capabilities)
    place = log(n / small.capabilities) / steps
    """0 at the smaller size and 1 at the larger one, in the logarithm."""

    def gigabytes(name: str) -> float:
        one, other = getattr(small, name), getattr(large, name)
        each = (other - one) / (large.capabilities - small.capabilities)
        return max(float(one + each * (n - small.capabilities)), 0.0) / GIGA

    return Size(
        capabilities=n,
        rows_gb=gigabytes("row_bytes"),
        originals_gb=gigabytes("original_bytes"),
        copies_gb=gigabytes("copy_bytes"),
        index_gb=gigabytes("index_bytes"),
        build_hours=small.build_seconds
        * (large.build_seconds / small.build_seconds) ** place
        / 3600,
        search_ms=max(small.search_ms + (large.search_ms - small.search_ms) * place, 0.0),
        memory_gb=n * dimension * IN_PROCESS_BYTES / GIGA,
        is_measured=n in (small.capabilities, large.capabilities),
    )


def markdown(rows: Sequence[Size]) -> str:
    """The table as a document has it; what is computed has a star."""
    head = (
        "| Capabilities | Rows | Vectors float32 | Vectors 16 bit | HNSW | Making HNSW "
        "| Search | In-process vectors |\n|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(
        f"| {row.capabilities:,}{'' if row.is_measured else '*'} | {_gigabytes(row.rows_gb)}"
        f" | {_gigabytes(row.originals_gb)} | {_gigabytes(row.copies_gb)}"
        f" | {_gigabytes(row.index_gb)} | {_hours(row.build_hours)} | {row.search_ms:.0f} ms"
        f" | {_gigabytes(row.memory_gb)} |\n"
        for row in rows
    )


def _gigabytes(number: float) -> str:
    return f"{number:.2f} GB" if number < 10 else f"{number:,.0f} GB"


def _hours(number: float) -> str:
    return f"{number * 60:.1f} min" if number < 1 else f"{number:,.0f} h"
