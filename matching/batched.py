"""The nearest partners of many questions at once: one product of matrices after the other.

A single question has to read all vectors for itself; many share the reading, and what counts is how
fast the machine multiplies. Of the product only those cosines are looked at that may still belong
to a wanted partner, so nothing is held of all texts times all questions.

*Why it is exact.* The product gives a cosine that differs a little from the one that a single
question works out (`matching.products` says how much), and that one is rounded. Let m be the most
by which both may differ in what they count. Of the `wanted` best partners by the product let e be
the last one's value. Who is more than 2m above e is one of the wanted, who is more than 2m below is
none; of the few between them the cosines are worked out again, as for a single question.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors
from matching.products import Product, cosines_each, held, makers, sum_error
from matching.quantised import EPSILON, ROUNDINGS
from matching.standings import FloatArray, IntArray, Standings, in_rows
from matching.vectors import (
    DIGITS,
    Among,
    Asked,
    BoolArray,
    VectorSearch,
    highest,
)

SHARE: Final = 0.125
"""A question that allows less than this share of the texts is asked by itself."""
PATIENCE: Final = 65_536
"""Texts after which a question that has not met enough partners is asked by itself."""
CROWD: Final = 16
"""A question with so many equals for each wanted partner is asked by itself."""
DENSE: Final = 0.05
"""Where more than this share of a piece is worth a look, its partners come first."""
TOGETHER: Final = 128
"""Partners whose texts are levelled at once, so that the caches hold them."""
LOWEST: Final = np.float32(-np.inf)
WORD: Final = 8
"""Bytes looked at together."""


def nearest_each(
    vectors: VectorSearch, asked: Sequence[Asked], among: Sequence[Among], wanted: int
) -> list[IntArray]:
    """For each question what `vectors.nearest` says, for vectors of unit length.

    A search that does not hold its vectors here is asked question by question, and so is a question
    of which the reading of all would be a waste. Questions that have too many texts within a
    product's error are asked again with one that is less wrong, before they are asked one by one.
    """
    found: dict[int, IntArray] = {}
    together = _together(among, wanted) if held(vectors) else []
    for make in makers():
        if len(together) > 1:
            vectors_asked = np.stack([asked[i].vector for i in together])
            block = _Block(
                [asked[i] for i in together],
                [among[i] for i in together],
                vectors,
                make(vectors_asked),
                wanted,
            )
            found |= {together[at]: each for at, each in block.nearest()}
            together = [together[at] for at in np.flatnonzero(block.crowded)]
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
        self,
        asked: Sequence[Asked],
        among: Sequence[Among],
        vectors: VectorSearch,
        multiply: Product,
        wanted: int,
    ) -> None:
        self.asked, self.among, self.vectors, self.wanted = asked, among, vectors, wanted
        self.kind, self.partner_of = among[0].kind, among[0].partner_of
        self.slope = np.stack([each.slope for each in asked], axis=1)
        self.shift = np.stack([each.shift for each in asked], axis=1)
        self.multiply = multiply
        self.margin = 2 * _margin(self.slope, self.shift, self.multiply.error, vectors.dimension)
        self.levelled = bool((self.slope != 1).any() or self.shift.any())
        self.standings = Standings(len(asked), wanted)
        self.masks, self.mask_of = _masks([each.allowed for each in among], vectors.filled)
        self.open, self.crowded = np.ones(len(asked), bool), np.zeros(len(asked), bool)
        self.held = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        self.number, self.room = 0, 4 * len(asked) * wanted
        self.mask, self.compared = np.zeros(0, bool), np.zeros((0, len(asked)), np.float32)
        self._lower()

    def nearest(self) -> Iterator[tuple[int, IntArray]]:
        """Each question's partners, but of those that are better asked by themselves."""
        start = 0
        for products in cosines_each(self.vectors, self.multiply, len(self.asked)):
            self._take(start, products)
            start += len(products)
            if start >= PATIENCE:
                self._close(self.standings.least == -np.inf)
        yield from self._chosen()

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
        least = self.cosine
        if len(least) > 1:
            if len(self.compared) < len(products):
                self.compared = np.empty_like(products)
            least = self.compared[: len(products)]
            np.take(self.cosine, self.kind[rows], axis=0, out=least, mode="clip")
        whole = -(-products.size // WORD) * WORD
        if len(self.mask) < whole:
            self.mask = np.zeros(whole, bool)
        mask = self.mask[:whole]
        mask[products.size :] = False
        np.greater_equal(products, least, out=mask[: products.size].reshape(products.shape))
        words = np.flatnonzero(mask.view(np.uint64) != 0)
        bytes_ = np.flatnonzero(mask.reshape(-1, WORD)[words])
        return words[bytes_ // WORD] * WORD + bytes_ % WORD

    def _partners_first(self, rows: slice, products: Vectors, open_: IntArray) -> None:
        """Learn from the best of each partner of a piece what is worth a look."""
        starts = np.flatnonzero(np.diff(self.partner_of[rows], prepend=-1))
        ends = np.append(starts[1:], len(products))
        if self._unfinished(rows.stop) >= 0:
            starts, ends = starts[:-1], ends[:-1]
        if not len(starts) or not len(open_):
            return
        best = np.empty((len(starts), len(self.asked)), np.float32)
        cuts = (*range(0, len(starts), TOGETHER), len(starts))
        for a, b in pairwise(cuts):
            first = int(starts[a])
            values = self._counted(
                slice(rows.start + first, rows.start + int(ends[b - 1])),
                products[first : ends[b - 1]],
            )
            # One after the other: `reduceat` takes four times as long along this axis.
            for at in range(a, b):
                values[starts[at] - first : ends[at] - first].max(axis=0, out=best[at])
        self.standings.raise_by(open_, _highest_of(best, self.wanted)[open_])
        self._lower()

    def _counted(self, rows: slice, products: Vectors) -> Vectors:
        """What the texts count, (t, q) in float32; -inf where they may not speak."""
        values = products
        if self.levelled:
            kind = self.kind[rows] if len(self.slope) > 1 else np.zeros(1, np.uint8)
            values = products * np.take(self.slope.astype(np.float32), kind, axis=0)
            values += np.take(self.shift.astype(np.float32), kind, axis=0)
        if self.masks is not None:
            refused = np.ascontiguousarray(np.stack([~mask[rows] for mask in self.masks]).T)
            if len(self.masks) < len(self.asked):
                refused = np.take(refused, self.mask_of, axis=1)
            values = values.copy() if values is products else values
            np.putmask(values, refused, LOWEST)
        return values

    def _hold(self, start: int, products: Vectors, flat: IntArray, *, counted: bool) -> None:
        """Keep the best texts of each partner; `counted` if the standings know them already."""
        row = flat // len(self.asked)
        question = flat - row * len(self.asked)
        order = np.argsort(question.astype(np.uint16), kind="stable")
        row, question, flat = row[order] + start, question[order], flat[order]
        if self.masks is not None:
            may = self._may_speak(row, question)
            row, question, flat = row[may], question[may], flat[may]
        if not len(row):
            return
        cosines = products.reshape(-1)[flat]
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

    def _may_speak(self, row: IntArray, question: IntArray) -> BoolArray:
        """Which of these texts (k,) their questions (k,), in order, allow."""
        masks = self.masks or []
        if len(masks) == 1:
            return masks[0][row]
        ends = np.searchsorted(question, np.arange(len(self.asked) + 1)).tolist()
        return np.concatenate(
            [masks[m][row[a:b]] for m, (a, b) in zip(self.mask_of, pairwise(ends), strict=True)]
        )

    def _levelled(self, row: IntArray, question: IntArray, cosines: Vectors) -> FloatArray:
        """What cosines (k,) count, not rounded."""
        place = question
        if len(self.slope) > 1:
            place = question + len(self.asked) * self.kind[row].astype(np.int64)
        values = self.slope.reshape(-1)[place]
        values *= cosines
        values += self.shift.reshape(-1)[place]
        return values

    def _unfinished(self, end: int) -> int:
        """The partner that has texts on both sides of `end`, or -1.

        It counts in the piece where it ends, and so never twice.
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
            self.crowded |= crowded & self.open
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
        lengths, leaders = np.diff(texts), partner[starts]
        for at in np.flatnonzero(self.open):
            own = slice(ends[at], ends[at + 1])
            surely, perhaps = leaders[own][sure[own]], leaders[own][maybe[own]]
            if len(surely) + len(perhaps) > self.wanted:
                some = row[texts[own.start] : texts[own.stop]]
                some = some[np.repeat(maybe[own], lengths[own])]
                best_now = self._again(int(at), some, lengths[own][maybe[own]])
                perhaps = perhaps[highest(best_now, self.wanted - len(surely))]
            yield int(at), np.concatenate([surely, perhaps])

    def _again(self, at: int, rows: IntArray, lengths: IntArray) -> FloatArray:
        """What partners count, as a single question works it out, by the rows of one after other.

        `lengths` says how many rows belong to each.
        """
        cosines = self.vectors.cosines(self.asked[at].vector, rows)
        values = self.asked[at].level(cosines, self.kind[rows])
        return np.maximum.reduceat(values, np.cumsum(lengths) - lengths)


def _runs(question: IntArray, partner: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Where the texts of each partner begin, question by question, and the best of each."""
    new = np.ones(len(values), bool)
    np.not_equal(partner[1:], partner[:-1], out=new[1:])
    new[1:] |= question[1:] != question[:-1]
    starts = np.flatnonzero(new)
    return starts, np.maximum.reduceat(values, starts) if len(starts) else values


def _highest_of(best: Vectors, wanted: int) -> FloatArray:
    """The `wanted` highest values of each column of `best` (p, q), as rows."""
    rows = np.ascontiguousarray(best.T)
    if rows.shape[1] > wanted:
        rows = np.partition(rows, -wanted, axis=1)[:, -wanted:]
    return rows.astype(np.float64)


def _margin(slope: FloatArray, shift: FloatArray, error: FloatArray, dimension: int) -> FloatArray:
    """The most (q,) by which what a product counts differs from what a single question finds.

    Half of the last digit that is kept; the `error` (q,) of the product and that of a single
    question's cosine; and what is lost where values are levelled.
    """
    largest = slope.max(axis=0)
    cosines = (error + sum_error(dimension)) * largest
    levelling = ROUNDINGS * EPSILON * (largest + np.abs(shift).max(axis=0))
    return np.asarray(0.5 * 10.0**-DIGITS + cosines + levelling, np.float64)


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
