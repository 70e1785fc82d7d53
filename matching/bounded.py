"""The partners with the nearest texts, by upper bounds of what each text counts.

First the bound of every allowed text (`matching.quantised`); then the exact cosines of those with
the highest bounds, from which it follows what the last partner of the list counts at least; then
the exact cosines of all others whose bound reaches that. A text that is left out counts less than
each of the `wanted` best partners: leaving it out changes neither who they are nor, since equal
ones are looked at too, who comes first among equals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numkong as nk
import numpy as np
from numpy.typing import NDArray

from matching.quantised import Asking, Codes, Vectors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BLOCK: Final = 16384
"""Texts whose bounds are worked out at once: the caches hold all but their codes."""
CHUNK: Final = 64
"""Neighbouring texts of which the highest bound is taken, so that few are compared."""
ROOMY: Final = 4
"""Times as many chunks as are looked at first, at least: of few texts, chunks are smaller."""
SEEDS: Final = 4
"""Chunks looked at first for each wanted partner."""
MORE: Final = 4
"""Times as many where those belonged to too few partners."""
LOWEST: Final = np.float32(-np.inf)

Exact = Callable[[IntArray], FloatArray]
"""For texts (r,) what the partners (m,) count by them, -inf without one."""


@dataclass(frozen=True)
class Buffers:
    """Room for the bounds of so many texts, used by one search after the other."""

    room: int
    bounds: Vectors = field(init=False)
    products: NDArray[np.int32] = field(init=False)
    scratch: Vectors = field(init=False)

    def __post_init__(self) -> None:
        """Take the room, in whole chunks."""
        whole = -(-self.room // CHUNK) * CHUNK
        object.__setattr__(self, "bounds", np.empty(whole, np.float32))
        object.__setattr__(self, "products", np.empty(BLOCK, np.int32))
        object.__setattr__(self, "scratch", np.empty(BLOCK, np.float32))


@dataclass(frozen=True, slots=True)
class Counting:
    """What a bound counts by the kind of its text, as in `matching.vectors.Asked`."""

    slope: FloatArray
    shift: FloatArray
    kind: NDArray[np.uint8]
    """(r,)."""
    refused: NDArray[np.bool_] | None
    """(r,) texts that may not speak; None if all may."""


def bounds_of(
    codes: Codes, asking: Asking, counting: Counting, rows: IntArray | None, buffers: Buffers
) -> Vectors:
    """At least what the texts at `rows` (r,), or all, count; -inf for those that may not speak.

    In whole chunks of `buffers.bounds`, the last one filled up with -inf.
    """
    number = len(counting.kind)
    gain = (counting.slope * asking.step).astype(np.float32)
    ratio = np.float32(asking.tail / asking.step)
    base = (counting.slope * asking.slack + counting.shift).astype(np.float32)
    uniform = bool((gain == gain[:1]).all() and (base == base[:1]).all())
    for start in range(0, number, BLOCK):
        end = min(start + BLOCK, number)
        some = slice(start, end) if rows is None else rows[start:end]
        bounds, scratch = buffers.bounds[start:end], buffers.scratch[: end - start]
        products = buffers.products[: end - start]
        out = nk.from_pointer(products.ctypes.data, (end - start, 1), "int32", owner=products)
        nk.dots_packed(codes.codes[some], asking.packed, out=out)
        np.multiply(products, codes.steps[some], out=bounds, casting="unsafe", dtype=np.float32)
        if ratio:
            bounds += np.multiply(codes.tails[some], ratio, out=scratch)
        if uniform:
            bounds *= gain[0]
            bounds += base[0]
        else:
            kind = counting.kind[start:end]
            bounds *= np.take(gain, kind, out=scratch, mode="clip")
            bounds += np.take(base, kind, out=scratch, mode="clip")
        if counting.refused is not None:
            np.putmask(bounds, counting.refused[start:end], LOWEST)
    whole = buffers.bounds[: -(-number // CHUNK) * CHUNK]
    whole[number:] = LOWEST
    return whole


def best_by_bounds(
    bounds: Vectors, exact: Exact, *, rows: IntArray | None, wanted: int, margin: float
) -> FloatArray:
    """What partners (m,) count, exactly for each that may be among the `wanted` best.

    A text counts at most its bound plus `margin`. `rows` are the texts the bounds belong to, None
    if to all.
    """

    def texts(where: NDArray[np.bool_]) -> IntArray:
        found = np.flatnonzero(where)
        return found if rows is None else rows[found]

    seeds = SEEDS * wanted
    chunk = CHUNK
    while chunk > 1 and len(bounds) < ROOMY * seeds * chunk:
        chunk //= 2
    highest = bounds.reshape(-1, chunk).max(axis=1)
    while seeds < len(highest):
        edge = np.partition(highest, -seeds)[-seeds]
        if edge == LOWEST:
            break
        best = exact(texts(bounds >= edge))
        known = best[best > LOWEST]
        if len(known) >= wanted:
            least = np.float32(np.partition(known, -wanted)[-wanted] - margin)
            if least < edge:
                np.maximum(best, exact(texts((bounds >= least) & (bounds < edge))), out=best)
            return best
        seeds *= MORE
    return exact(texts(bounds > LOWEST))
