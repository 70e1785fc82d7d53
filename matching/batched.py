"""The nearest partners of many questions at once: one product of matrices for a tile of texts.

A single question has to read all vectors for itself; many share the reading, and what counts is how
fast the machine multiplies. Of the product only those cosines are looked at that may still belong
to a wanted partner, so nothing is held of all texts times all questions.

*Why it is exact.* The product gives a cosine that differs in its last bits from the one that a
single question works out, and that one is rounded. Let m be the most by which both may differ in
what they count. Of the `wanted` best partners by the product let e be the last one's value. Who is
more than 2m above e is one of the wanted, who is more than 2m below is none; of the few between
them the cosines are worked out again, as for a single question.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors
from matching.quantised import EPSILON, ROUNDINGS
from matching.standings import FloatArray, IntArray, Standings, in_rows
from matching.vectors import (
    DIGITS,
    Among,
    Asked,
    BoolArray,
    JoinedVectors,
    VectorIndex,
    VectorSearch,
    highest,
)

TILE: Final = 4096
"""Texts that are multiplied at once: with 256 questions the caches hold the product."""
SHARE: Final = 0.125
"""A question that allows less than this share of the texts is asked by itself."""
PATIENCE: Final = 16
"""Tiles after which a question that has not met enough partners is asked by itself."""
CROWD: Final = 16
"""A question with so many equals for each wanted partner is asked by itself."""
DENSE: Final = 0.05
"""Where more than this share of a tile is worth a look, its partners come first."""
WORD: Final = 8
"""Bytes looked at together."""


def nearest_each(
    vectors: VectorSearch, asked: Sequence[Asked], among: Sequence[Among], wanted: int
) -> list[IntArray]:
    """For each question what `vectors.nearest` says, for vectors of unit length.

    A search that does not hold its vectors here is asked question by question, and so is a question
    of which the reading of all would be a waste.
    """
    found: dict[int, IntArray] = {}
    together = _together(among, wanted) if _held(vectors) else []
    if len(together) > 1:
        block = _Block([asked[i] for i in together], [among[i] for i in together], vectors, wanted)
        found = {together[at]: each for at, each in block.nearest()}
    return [
        found[place] if place in found else vectors.nearest(*question, wanted)
        for place, question in enumerate(zip(asked, among, strict=True))
    ]


def _together(among: Sequence[Among], wanted: int) -> list[int]:
    """Questions to the same texts that allow many of them."""
    return [
        place
        for place, each in enumerate(among)
        if each.partner_of is among[0].partner_of
        and each.kind is among[0].kind
        and wanted < each.partners
        and np.count_nonzero(each.allowed) >= SHARE * len(each.allowed)
    ]


class _Block:
    """Questions (q,) on their way through the texts."""

    def __init__(
        self, asked: Sequence[Asked], among: Sequence[Among], vectors: VectorSearch, wanted: int
    ) -> None:
        self.asked, self.among, self.vectors, self.wanted = asked, among, vectors, wanted
        self.kind, self.partner_of = among[0].kind, among[0].partner_of
        self.slope = np.stack([each.slope for each in asked], axis=1)
        self.shift = np.stack([each.shift for each in asked], axis=1)
        self.margin = 2 * _margin(self.slope, self.shift, vectors.dimension)
        self.standings = Standings(len(asked), wanted)
        self.masks, self.mask_of = _masks([each.allowed for each in among], vectors.filled)
        self.open = np.ones(len(asked), bool)
        self.held = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        self.number, self.room = 0, 4 * len(asked) * wanted
        self.mask = np.zeros(-(-TILE * len(asked) // WORD) * WORD, bool)
        self.compared = np.empty((TILE, len(asked)), np.float32)
        self._lower()

    def nearest(self) -> Iterator[tuple[int, IntArray]]:
        """Each question's partners, but of those that are better asked by themselves."""
        start = 0
        for number, products in enumerate(self._products()):
            self._take(start, products)
            start += len(products)
            if number == PATIENCE:
                self._close(self.standings.least == -np.inf)
        return self._chosen()

    def _products(self) -> Iterator[Vectors]:
        """The cosines (t, q) of each tile; one is worked out while the last one is looked at."""
        across = np.ascontiguousarray(np.stack([each.vector for each in self.asked]).T)
        rooms = cycle([np.empty((TILE, len(self.asked)), np.float32) for _ in range(2)])
        ahead: Future[Vectors] | None = None
        with ThreadPoolExecutor(1) as pool:
            for tile, room in zip(_tiles(self.vectors), rooms, strict=False):
                coming = pool.submit(np.matmul, tile, across, out=room[: len(tile)])
                if ahead is not None:
                    yield ahead.result()
                ahead = coming
            if ahead is not None:
                yield ahead.result()

    def _take(self, start: int, products: Vectors) -> None:
        """Look at the cosines (t, q) of the texts from `start` on."""
        rows = slice(start, start + len(products))
        fresh = self.open & (self.standings.least == -np.inf)
        flat = self._worth_a_look(rows, products) if not fresh.any() else None
        if flat is None or len(flat) > DENSE * products.size:
            self._partners_first(rows, products, np.flatnonzero(self.open))
            flat = self._worth_a_look(rows, products)
            self._hold(start, products, flat, counted=True)
        else:
            self._hold(start, products, flat, counted=False)

    def _worth_a_look(self, rows: slice, products: Vectors) -> IntArray:
        """Positions in the flat `products` that reach what their questions want."""
        if len(self.cosine) == 1:
            least = self.cosine
        else:
            least = self.compared[: len(products)]
            np.take(self.cosine, self.kind[rows], axis=0, out=least, mode="clip")
        seen = self.mask[: products.size].reshape(products.shape)
        np.greater_equal(products, least, out=seen)
        self.mask[products.size :] = False
        words = np.flatnonzero(self.mask.view(np.uint64) != 0)
        bytes_ = np.flatnonzero(self.mask.reshape(-1, WORD)[words])
        return words[bytes_ // WORD] * WORD + bytes_ % WORD

    def _partners_first(self, rows: slice, products: Vectors, open_: IntArray) -> None:
        """Learn from the best of each partner of a tile what is worth a look."""
        partner = self.partner_of[rows]
        whole = self._whole(rows)
        starts = np.flatnonzero(np.diff(partner[:whole], prepend=-1))
        if not len(starts) or not len(open_):
            return
        kind = self.kind[rows][:whole] if len(self.slope) > 1 else slice(None)
        values = products[:whole] * self.slope.astype(np.float32)[kind]
        values += self.shift.astype(np.float32)[kind]
        if self.masks is not None:
            speak = np.stack([mask[rows][:whole] for mask in self.masks], axis=1)
            values[~speak[:, self.mask_of]] = -np.inf
        # One after the other: `reduceat` takes four times as long along this axis.
        best = np.stack([values[a:b].max(axis=0) for a, b in pairwise((*starts, whole))])
        self.standings.raise_by(open_, best.T[open_].astype(np.float64))
        self._lower()

    def _hold(self, start: int, products: Vectors, flat: IntArray, *, counted: bool) -> None:
        """Keep the best texts of each partner; `counted` if the standings know them already."""
        row, question = np.divmod(flat, len(self.asked))
        if self.masks is not None:
            rows = slice(start, start + len(products))
            speak = np.stack([mask[rows] for mask in self.masks])
            may = speak[self.mask_of[question], row]
            row, question, flat = row[may], question[may], flat[may]
        if not len(row):
            return
        order = np.argsort(question.astype(np.uint16), kind="stable")
        row, question, cosines = row[order], question[order], products.reshape(-1)[flat[order]]
        row += start
        values = self._levelled(row, question, cosines)
        partner = self.partner_of[row]
        starts, best = _runs(question, partner, values)
        if not counted:
            done = partner[starts] != self._unfinished(start + len(products))
            if self.standings.add(question[starts[done]], best[done]):
                self._lower()
        lengths = np.diff(starts, append=len(row))
        kept = values >= np.repeat(best, lengths) - self.margin[question]
        self.held.append((question[kept], row[kept], values[kept]))
        self.number += int(np.count_nonzero(kept))
        if self.number > self.room:
            self._sift()
            self.room = 2 * self.number + self.wanted * len(self.asked)

    def _levelled(self, row: IntArray, question: IntArray, cosines: Vectors) -> FloatArray:
        """What cosines (k,) count, not rounded."""
        place = question
        if len(self.slope) > 1:
            place = question + len(self.asked) * self.kind[row].astype(np.int64)
        values = self.slope.reshape(-1)[place]
        values *= cosines
        values += self.shift.reshape(-1)[place]
        return values

    def _whole(self, rows: slice) -> int:
        """How many texts of a tile belong to partners that end in it."""
        unfinished = self._unfinished(rows.stop)
        return (
            int(np.searchsorted(self.partner_of[rows], unfinished))
            if unfinished >= 0
            else (rows.stop - rows.start)
        )

    def _unfinished(self, end: int) -> int:
        """The partner that has texts on both sides of `end`, or -1.

        It counts in the tile where it ends, and so never twice.
        """
        if end < len(self.partner_of) and self.partner_of[end - 1] == self.partner_of[end]:
            return int(self.partner_of[end])
        return -1

    def _lower(self) -> None:
        """Work out the least cosine (kinds, q) that is worth a look."""
        least = np.where(self.open, self.standings.least, np.inf) - self.margin
        cosine = ((least - self.shift) / self.slope).astype(np.float32)
        cosine = np.nextafter(cosine, np.float32(-np.inf))
        self.cosine = cosine[:1] if (cosine == cosine[:1]).all() else cosine

    def _sift(self) -> None:
        """Leave out what can't be wanted any more, and questions that still hold too much."""
        question, row, values = (np.concatenate(parts) for parts in zip(*self.held, strict=True))
        least = self.standings.least - self.margin
        for _ in range(2):
            kept = (values >= least[question]) & self.open[question]
            question, row, values = question[kept], row[kept], values[kept]
            number = np.bincount(question, minlength=len(self.asked))
            crowded = number > CROWD * self.wanted
            if not crowded.any():
                break
            self._close(crowded)
        self.held, self.number = [(question, row, values)], len(values)

    def _close(self, some: BoolArray) -> None:
        self.open &= ~some
        self._lower()

    def _chosen(self) -> Iterator[tuple[int, IntArray]]:
        """The partners of each question that is still open."""
        self._sift()
        question, row, values = self.held[0]
        order = np.argsort(question.astype(np.uint16), kind="stable")
        question, row, values = question[order], row[order], values[order]
        partner = self.partner_of[row]
        starts, best = _runs(question, partner, values)
        owner = question[starts]
        table = in_rows(owner, best, len(self.asked))
        last = np.full(len(self.asked), -np.inf)
        if table.shape[1] >= self.wanted:
            last = np.partition(table, -self.wanted, axis=1)[:, -self.wanted]
        sure = best > (last + self.margin)[owner]
        maybe = (best >= (last - self.margin)[owner]) & ~sure
        ends = np.searchsorted(owner, np.arange(len(self.asked) + 1))
        texts = np.append(starts, len(row))
        leaders = partner[starts]
        for at in np.flatnonzero(self.open):
            own = slice(ends[at], ends[at + 1])
            surely, unsure = leaders[own][sure[own]], np.flatnonzero(maybe[own]) + ends[at]
            perhaps = leaders[unsure]
            if len(surely) + len(perhaps) > self.wanted:
                some = [np.arange(texts[one], texts[one + 1]) for one in unsure]
                best_now = self._again(int(at), [row[each] for each in some])
                perhaps = perhaps[highest(best_now, self.wanted - len(surely))]
            yield int(at), np.concatenate([surely, perhaps])

    def _again(self, at: int, rows: Sequence[IntArray]) -> FloatArray:
        """What some partners count, as a single question works it out, by the rows of each."""
        together = np.concatenate(rows)
        cosines = self.vectors.cosines(self.asked[at].vector, together)
        values = self.asked[at].level(cosines, self.kind[together])
        return np.maximum.reduceat(values, np.cumsum([0, *(len(each) for each in rows[:-1])]))


def _runs(question: IntArray, partner: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Where the texts of each partner begin, question by question, and the best of each."""
    new = np.ones(len(values), bool)
    np.not_equal(partner[1:], partner[:-1], out=new[1:])
    new[1:] |= question[1:] != question[:-1]
    starts = np.flatnonzero(new)
    return starts, np.maximum.reduceat(values, starts) if len(starts) else values


def _margin(slope: FloatArray, shift: FloatArray, dimension: int) -> FloatArray:
    """The most (q,) by which what a product counts differs from what a single question finds.

    Half of the last digit that is kept; two float32 sums of so many products, one of each; and what
    is lost where values are levelled.
    """
    largest = slope.max(axis=0)
    sums = 2 * (dimension + ROUNDINGS) * EPSILON * largest
    levelling = ROUNDINGS * EPSILON * (largest + np.abs(shift).max(axis=0))
    return np.asarray(0.5 * 10.0**-DIGITS + sums + levelling, np.float64)


def _masks(
    allowed: Sequence[BoolArray], filled: BoolArray
) -> tuple[list[BoolArray] | None, NDArray[np.int64]]:
    """Different masks of texts that may speak, and which one each question has; None if all may."""
    different = {id(mask): mask for mask in allowed}
    place = {key: at for at, key in enumerate(different)}
    mask_of = np.array([place[id(mask)] for mask in allowed])
    every = filled.all()
    if every and all(mask.all() for mask in different.values()):
        return None, mask_of
    return [mask if every else mask & filled for mask in different.values()], mask_of


def _held(vectors: VectorSearch) -> bool:
    """Whether all vectors are held here."""
    if isinstance(vectors, JoinedVectors):
        return all(_held(part) for part in vectors.parts)
    return isinstance(vectors, VectorIndex)


def _tiles(vectors: VectorSearch) -> Iterator[Vectors]:
    """All vectors that are held here, at most `TILE` at once."""
    if isinstance(vectors, JoinedVectors):
        for part in vectors.parts:
            yield from _tiles(part)
    elif isinstance(vectors, VectorIndex):
        for start in range(0, len(vectors.vectors), TILE):
            yield vectors.vectors[start : start + TILE]
