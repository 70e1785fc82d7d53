"""What this machine can do at most: the rates that a scan and a product are held against."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

ROUNDS: Final = 5
READ_BYTES: Final = 1 << 29
"""More than any cache holds."""
SIDE: Final = 2048
"""Of the square matrices whose product gives the GEMM rate."""


@dataclass(frozen=True, slots=True)
class MachineLimits:
    """Measured in this run, the best of a few rounds."""

    read_bytes_per_second: float
    """One thread reading memory in order."""
    gemm_flops_per_second: float
    """One thread multiplying float32 matrices."""
    gemm_flops_all_cores: float


def measure_limits() -> MachineLimits:
    """The limits of this machine as it is now; other work on it lowers them."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only the bench needs it

    memory = np.ones(READ_BYTES // 8, np.uint64)
    with threadpool_limits(1):
        read = READ_BYTES / _best(memory.max)
        one = _gemm()
    return MachineLimits(read, one, _gemm())


def _gemm() -> float:
    matrix = np.ones((SIDE, SIDE), np.float32)
    return 2 * SIDE**3 / _best(lambda: matrix @ matrix)


def _best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few rounds, after one that warms up."""
    work()
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)
