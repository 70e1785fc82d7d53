"""How much a region of a given size needs, from what was measured at two sizes.

Each quantity is taken to be ``fixed + each * n`` (bytes, seconds of building) or to grow with the
logarithm of n (a walk through an HNSW index); whatever lies beyond the larger measured size is
said to be extrapolated.
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
    """Of making them, on the measured machine."""
    search_ms: float
    """Of the nearest 200 partners, everything allowed; median."""


@dataclass(frozen=True, slots=True)
class Size:
    """What n capabilities need."""

    capabilities: int
    rows_gb: float
    originals_gb: float
    copies_gb: float
    index_gb: float
    build_hours: float
    search_ms: float
    memory_gb: float
    """Of a process that searches vectors itself: int8 for the search and float32 beside it."""
    is_extrapolated: bool


GIGA: Final = 10**9
IN_PROCESS_BYTES: Final = 5
"""Of each dimension in memory: one for the search, four for the rescoring."""


def sizes(
    capabilities: Sequence[int], small: Measured, large: Measured, *, dimension: int = 384
) -> list[Size]:
    """The sizing table for these numbers of capabilities.

    Raises ValueError if the two measurements are of one size.
    """
    if small.capabilities >= large.capabilities:
        raise ValueError("measure at two sizes, the smaller one first")

    def line(one: float, other: float, n: int) -> float:
        each = (other - one) / (large.capabilities - small.capabilities)
        return max(one + each * (n - small.capabilities), 0.0)

    def in_log(one: float, other: float, n: int) -> float:
        steps = log(large.capabilities / small.capabilities)
        return one + max(other - one, 0.0) * log(n / small.capabilities) / steps

    def gigabytes(name: str, n: int) -> float:
        return line(getattr(small, name), getattr(large, name), n) / GIGA

    return [
        Size(
            capabilities=n,
            rows_gb=gigabytes("row_bytes", n),
            originals_gb=gigabytes("original_bytes", n),
            copies_gb=gigabytes("copy_bytes", n),
            index_gb=gigabytes("index_bytes", n),
            build_hours=line(small.build_seconds, large.build_seconds, n) / 3600,
            search_ms=max(in_log(small.search_ms, large.search_ms, n), 0.0),
            memory_gb=n * dimension * IN_PROCESS_BYTES / GIGA,
            is_extrapolated=n > large.capabilities,
        )
        for n in capabilities
    ]


def markdown(rows: Sequence[Size]) -> str:
    """The table as a document has it; what is extrapolated has a star."""
    head = (
        "| Capabilities | Rows | Vectors float32 | Vectors 16 bit | HNSW | Making HNSW "
        "| Search | In-process vectors |\n|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(
        f"| {row.capabilities:,}{'*' if row.is_extrapolated else ''} | {row.rows_gb:.2f} GB"
        f" | {row.originals_gb:.2f} GB | {row.copies_gb:.2f} GB | {row.index_gb:.2f} GB"
        f" | {row.build_hours:.2f} h | {row.search_ms:.0f} ms | {row.memory_gb:.2f} GB |\n"
        for row in rows
    )
