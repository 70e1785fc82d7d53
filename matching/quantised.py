"""Short codes of vectors, and what a dot product can be at most by them.

Reading a million float32 vectors takes as long as the memory needs to deliver 1.5 GB. A vector's
code is one byte for each of its first `h` dimensions, after a rotation that puts most of all
vectors' lengths there. From it follows an upper bound of the vector's dot product with any query;
who searches reads the codes and then only the few vectors whose bound is high enough.

*The bound.* Let R be orthogonal, Rx = (a, t) with h and d - h dimensions, and Rq = (b, u). Since R
keeps dot products, ``q.x = b.a + u.t``. The code k of x with its step s leaves a = s k + e; the
query is rounded too, b = z l + f. So

    b.a = b.(s k) + b.e = z s (l.k) + f.(s k) + b.e

and by Cauchy-Schwarz, three times,

    q.x  <=  z s (l.k)  +  |u| |t|  +  |f| |s k|  +  |b| |e|.

l.k is a product of whole numbers, which NumKong computes exactly; s and |t| are kept for each
vector; of |s k| and |e| the greatest of all vectors is enough. All else is floating point: a sum of
d products in float32 is wrong by at most ``d 2**-24 |x| |q|`` (Higham 2002, section 3.1), so the
bound is raised by `ROUNDINGS` times as much for the rotations of both and the exact score itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numkong as nk
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

LEVELS: Final = 127
"""Codes are whole numbers from -127 to 127."""
ROUNDINGS: Final = 8
"""How many float32 sums of d products may be wrong at once, and then some."""
EPSILON: Final = 2.0**-24
LEAST: Final = 1e-30
"""A vector with a smaller step counts as one of zeros, and all of it as rounded away."""
ROWS: Final = 8192
"""Vectors that are coded at once: what the caches hold."""
SAMPLE: Final = 8192
"""Vectors by which the rotation and `h` are chosen."""
QUESTIONS: Final = 64
"""Of the sample, asked against the others."""
WANTED: Final = 200
"""Partners that a search wants: what the ranker takes."""
STEP: Final = 64
"""`h` is a multiple of the bytes that the processor reads at once."""
EXACT: Final = 7.0
"""Reading and multiplying a single float32 vector costs as much as this many bytes of codes for
each of its dimensions (measured, decision 27)."""


@dataclass(frozen=True)
class Asking:
    """A query as the codes are asked: ``bound = step * s * (l.k) + tail * |t| + slack``."""

    packed: nk.PackedMatrix
    """The query's code l."""
    step: float
    tail: float
    slack: float
    most: float
    """No bound is larger, nor any number on the way to it."""


@dataclass(frozen=True)
class Codes:
    """The codes of n vectors of d dimensions."""

    codes: NDArray[np.int8]
    """(n, h)."""
    steps: Vectors
    """(n,) what 1 in a vector's code is worth; 0 for a vector of zeros."""
    tails: Vectors
    """(n,) at least the length of what the code says nothing of; 0 where h = d."""
    rotation: Vectors
    """(h, d) with orthonormal rows; the identity where h = d."""
    limits: NDArray[np.float64]
    """(3,) greatest |e|, |s k| and |x| of all vectors."""

    @classmethod
    def build(cls, vectors: Vectors, filled: BoolArray) -> Self:
        """The codes of vectors (n, d); at least one is `filled` (n,), the others are zeros."""
        return cls.rotated(vectors, choose_rotation(vectors, np.flatnonzero(filled)))

    @classmethod
    def rotated(cls, vectors: Vectors, rotation: Vectors) -> Self:
        """The codes of vectors (n, d) after the `rotation` (h, d)."""
        number, width = len(vectors), len(rotation)
        codes = np.empty((number, width), np.int8)
        steps, tails = np.empty(number, np.float32), np.zeros(number, np.float32)
        limits = np.zeros(3)
        for start in range(0, number, ROWS):
            some = slice(start, start + ROWS)
            block = np.asarray(vectors[some], np.float32)
            head = block if width == block.shape[1] else block @ rotation.T
            step = np.abs(head).max(axis=1) / np.float32(LEVELS)
            step[step < LEAST] = 0
            inverse = np.divide(1, step, out=np.zeros_like(step), where=step > 0)
            whole = np.rint(head * inverse[:, None])
            steps[some], codes[some] = step, whole
            whole *= step[:, None]
            squares = _squares(block)
            if head is not block:
                unsure = ROUNDINGS * block.shape[1] * EPSILON * squares
                tails[some] = np.sqrt(np.maximum(squares - _squares(head), 0) + unsure)
            found = [_squares(head - whole), _squares(whole), squares]
            limits = np.maximum(limits, [np.sqrt(each.max()) for each in found])
        limits *= 1 + ROUNDINGS * vectors.shape[1] * EPSILON
        return cls(codes, steps, tails, rotation, limits)

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """From what `arrays` gave."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def arrays(self) -> dict[str, np.ndarray]:
        """All that is needed to make the same again."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def select(self, rows: IntArray) -> "Codes":
        """Those of some vectors, in the order given."""
        return Codes(
            self.codes[rows], self.steps[rows], self.tails[rows], self.rotation, self.limits
        )

    def asking(self, vector: Vectors) -> Asking:
        """A query's vector (d,) as `bounds` needs it."""
        wide = vector.astype(np.float64)
        whole = len(self.rotation) == len(wide)
        head = wide if whole else self.rotation.astype(np.float64) @ wide
        step = float(np.abs(head).max()) / LEVELS or 1.0
        code = np.rint(head / step)
        most_error, most_code, most = self.limits
        length = float(np.linalg.norm(wide))
        left = (
            max(length**2 - float(head @ head), 0.0) + ROUNDINGS * len(wide) * EPSILON * length**2
        )
        rounding = ROUNDINGS * (len(wide) + ROUNDINGS) * EPSILON * length * most
        slack = float(
            np.linalg.norm(head - step * code) * most_code
            + np.linalg.norm(head) * most_error
            + rounding
        )
        return Asking(
            packed=nk.dots_pack(code.astype(np.int8)[None]),
            step=step,
            tail=0.0 if whole else left**0.5,
            slack=slack,
            most=float(np.linalg.norm(step * code) * most_code + length * most) + slack,
        )


def choose_rotation(vectors: Vectors, rows: IntArray) -> Vectors:
    """The rotation (h, d) with which a search reads least, judged by a sample of `rows`.

    Its rows are the directions in which the vectors are longest (principal components, not
    centred). For each h, a question of the sample reads h bytes of every vector, and the whole of
    those whose bound reaches the cosine at which its list would end. Where the vectors are as long
    in all directions, that is all of them, and the whole vector is coded as it is.
    """
    dimension = vectors.shape[1]
    sample = vectors[rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)]]
    wide = sample.astype(np.float64)
    axes = np.linalg.eigh(wide.T @ wide)[1][:, ::-1].T.astype(np.float32)
    turned = np.ascontiguousarray(sample @ axes.T)
    every = max(1, len(sample) // QUESTIONS)
    asked = turned[::every]
    exact = asked @ turned.T
    exact[np.arange(len(asked)), np.arange(len(asked)) * every] = -np.inf
    place = min(max(1, round(WANTED * len(sample) / len(rows))), len(sample))
    least = np.partition(exact, -place, axis=1)[:, -place, None]
    left = np.sqrt(np.maximum(np.cumsum((turned**2)[:, ::-1], axis=1)[:, ::-1], 0))
    cost = {dimension: float(dimension)}
    for width in range(STEP, dimension, STEP):
        most = asked[:, :width] @ turned[:, :width].T
        most += left[::every, width, None] * left[:, width]
        cost[width] = width + EXACT * dimension * float((most >= least).mean())
    best = min(cost, key=cost.__getitem__)
    chosen: Vectors = np.eye(dimension, dtype=np.float32) if best == dimension else axes[:best]
    return chosen


def _squares(rows: Vectors) -> NDArray[np.float32]:
    """Squared length of each row."""
    found: NDArray[np.float32] = np.einsum("ij,ij->i", rows, rows)
    return found
