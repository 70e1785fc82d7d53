"""Cosines of many questions with all texts, tile after tile, as fast as the processor multiplies.

Processors with AMX multiply matrices of bfloat16, which keeps 8 binary digits of each number, four
to eight times as fast as float32. Such a cosine is good enough to tell which texts matter, and
`error` says how wrong it may be; who needs more works out the few again. All others multiply
float32.

*The error.* Let q' and x' be what is left of the question q and the text x, both of unit length.

    |q.x - q'.x'|  <=  |q - q'| |x'| + |q| |x - x'|

q - q' is known. Rounding to 8 digits changes a number by at most 2**-8 of it, so |x - x'| <= 2**-8.
The product itself is a float32 sum of d numbers, wrong by at most ``d 2**-24 |q'| |x'|`` (Higham
2002, section 3.1), in whatever order it is added. `ROUNDINGS` more stand for the lengths, which are
1 but for rounding, and for numbers so small that the processor takes them as 0.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Final, Literal, Protocol

import numkong as nk
import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors
from matching.quantised import EPSILON, ROUNDINGS
from matching.vectors import JoinedVectors, VectorIndex, VectorSearch

FloatArray = NDArray[np.float64]

TILE: Final = 1024
"""Texts that are multiplied at once: with 256 questions the innermost caches hold the product."""
LOOKED_AT: Final = 4 * TILE
"""Texts whose cosines are looked at together, since each look costs something by itself."""
OPENING: Final = 16 * TILE
"""As many at first: the more texts the first look knows, the fewer it takes for wanted."""
NARROWED: Final = 2.0**-8
"""Of a number, the most that bfloat16 loses."""
NARROW: Final = nk.get_capabilities().get("sapphireamx", False)
"""Whether this processor multiplies bfloat16 much faster than float32 (measured, decision 27)."""


class Product(Protocol):
    """Multiplies texts with q questions."""

    error: FloatArray
    """(q,) the most by which a cosine with a text of unit length is wrong."""

    def __call__(self, tile: Vectors, out: Vectors) -> None:
        """Cosines (t, q) of texts (t, d) into `out`."""


class Wide:
    """In float32, by NumPy."""

    def __init__(self, questions: Vectors) -> None:
        """Of questions (q, d)."""
        self._across = np.ascontiguousarray(questions.T)
        self.error = np.full(len(questions), sum_error(questions.shape[1]))

    def __call__(self, tile: Vectors, out: Vectors) -> None:
        """As `Product` says."""
        np.matmul(tile, self._across, out=out)


class Narrow:
    """In bfloat16 with float32 sums, by NumKong. One call at a time."""

    def __init__(self, questions: Vectors) -> None:
        """Of questions (q, d)."""
        dimension = questions.shape[1]
        self._room = np.empty((TILE, dimension), np.uint16)
        kept = np.empty(questions.shape, np.uint16)
        narrow = _bfloat16(kept)
        nk.astype(np.ascontiguousarray(questions), "bf16", out=narrow)
        self._packed = nk.dots_pack(narrow)
        left = (kept.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        lost = np.linalg.norm(questions - left, axis=1) * (1 + NARROWED)
        self.error = lost + NARROWED + sum_error(dimension) * (1 + NARROWED) ** 2

    def __call__(self, tile: Vectors, out: Vectors) -> None:
        """As `Product` says."""
        narrow = _bfloat16(self._room[: len(tile)])
        nk.astype(np.ascontiguousarray(tile), "bf16", out=narrow)
        nk.dots_packed(narrow, self._packed, out=_tensor(out, "float32"))


def cosines_each(vectors: VectorSearch, multiply: Product, questions: int) -> Iterator[Vectors]:
    """The cosines (t, q) of all texts, `LOOKED_AT` after `LOOKED_AT`, at first of `OPENING`.

    The next ones are worked out in a thread of its own while the last ones are looked at, and lie
    where those before the last lay.
    """
    rooms = cycle([np.empty((size, questions), np.float32) for size in (OPENING, LOOKED_AT)])
    ahead: Future[Vectors] | None = None

    def work(texts: Vectors, out: Vectors) -> Vectors:
        for start in range(0, len(texts), TILE):
            some = slice(start, start + TILE)
            multiply(texts[some], out[some])
        return out

    with ThreadPoolExecutor(1) as pool:
        for texts, room in zip(_pieces(vectors, OPENING), rooms, strict=False):
            coming = pool.submit(work, texts, room[: len(texts)])
            if ahead is not None:
                yield ahead.result()
            ahead = coming
        if ahead is not None:
            yield ahead.result()


def makers() -> Sequence[Callable[[Vectors], Product]]:
    """What makes products of questions (q, d): the fastest of this processor, then closer ones."""
    return (Narrow, Wide) if NARROW else (Wide,)


def sum_error(dimension: int) -> float:
    """The most by which a float32 sum is wrong that makes a cosine of unit vectors."""
    return (dimension + ROUNDINGS) * EPSILON


def held(vectors: VectorSearch) -> bool:
    """Whether all vectors are held here."""
    if isinstance(vectors, JoinedVectors):
        return all(held(part) for part in vectors.parts)
    return isinstance(vectors, VectorIndex)


def _pieces(vectors: VectorSearch, first: int) -> Iterator[Vectors]:
    """All vectors that are held here, at most `first` and then `LOOKED_AT` at once."""
    if isinstance(vectors, JoinedVectors):
        for part in vectors.parts:
            yield from _pieces(part, first)
            first = LOOKED_AT
    elif isinstance(vectors, VectorIndex):
        start = 0
        while start < len(vectors.vectors):
            yield vectors.vectors[start : start + first]
            start, first = start + first, LOOKED_AT


def _bfloat16(rows: NDArray[np.uint16]) -> nk.Tensor:
    return _tensor(rows, "bf16")


def _tensor(rows: NDArray[np.generic], kind: Literal["bf16", "float32"]) -> nk.Tensor:
    """The same memory, as NumKong sees it."""
    return nk.from_pointer(rows.ctypes.data, rows.shape, kind, owner=rows)
