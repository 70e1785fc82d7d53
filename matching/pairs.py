"""What a plan of introductions is made from: pairs with their values, limits, and weights.

The values are checked here once; `canonical` then puts them into an order that depends on who the
needs and partners are and not on the order in which they were given, so that a plan doesn't either.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The k pairs that may be suggested at all; what is not among them never is."""

    need: IntArray
    """(k,) position of each pair's need among the n needs."""
    partner: IntArray
    """(k,) position of its partner among the m partners."""
    value: FloatArray
    """(k,) what the pair is worth, in [0, 1]; one that is worth 0 is never chosen."""

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pairs each side can bear."""

    per_need: IntArray
    """(n,)."""
    per_partner: IntArray
    """(m,)."""
    organisation: IntArray
    """(n,) position of the organisation that each need belongs to, among the o organisations."""
    per_organisation: IntArray
    """(o,) pairs in one digest of the organisation, all its needs together."""
    per_organisation_and_partner: int
    """Pairs of all needs of one organisation with one partner: no company floods a partner."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What the operator may weigh beside the total value."""

    fairness: float = 0.0
    """In [0, 1]: 0 asks for the total value alone; above 0 each need gets at least one pair of at
    least this share of what it gets where the worst-served needs are raised as far as possible.
    """
    exposure: float = 0.0
    """At least 0: added to the value of the first pair of each partner in `seldom`."""
    seldom: BoolArray | None = None
    """Mask (m,) of the partners who are seldom suggested; None: nobody."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Checked pairs in canonical order: by need, then by partner, both by their own order."""

    need: IntArray
    """(k,) ascending."""
    partner: IntArray
    """(k,) ascending within a need."""
    value: FloatArray
    """(k,) above 0."""
    given: IntArray
    """(k,) position of each pair among those that were given."""
    starts: IntArray
    """(n + 1,): the pairs of need i lie at `starts[i]:starts[i + 1]`."""
    limits: Limits
    """In the order of the canonical needs and partners."""
    seldom: BoolArray
    """(m,)."""

    def __len__(self) -> int:
        return len(self.value)

    @property
    def needs(self) -> int:
        """n."""
        return len(self.limits.per_need)

    @property
    def partners(self) -> int:
        """m."""
        return len(self.limits.per_partner)

    @property
    def organisation(self) -> IntArray:
        """(k,) of each pair's need."""
        found: IntArray = self.limits.organisation[self.need]
        return found


def canonical(
    pairs: Pairs,
    limits: Limits,
    weights: Weights,
    *,
    need_order: IntArray | None = None,
    partner_order: IntArray | None = None,
) -> Problem:
    """The checked problem; pairs that no limit leaves room for or that are worth 0 are left out.

    `need_order` (n,) and `partner_order` (m,) are the place of each among all by its id, as
    `Corpus.id_order`; without them the order of the positions counts. Raises ValueError for shapes
    that do not fit, unknown positions, a pair that comes twice, a value outside [0, 1] or NaN, a
    negative limit.
    """
    n, m = len(limits.per_need), len(limits.per_partner)
    _check_limits(limits)
    _check_weights(weights, m)
    _check_pairs(pairs, n, m)
    own, theirs = _places(need_order, n, "need_order"), _places(partner_order, m, "partner_order")
    room = (limits.per_need[pairs.need] > 0) & (limits.per_partner[pairs.partner] > 0)
    kept = np.flatnonzero(room & (pairs.value > 0))
    key = own[pairs.need[kept]] * max(m, 1) + theirs[pairs.partner[kept]]
    if not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        kept, key = kept[order], key[order]
    if (key[1:] == key[:-1]).any():
        raise ValueError("A pair comes twice.")
    need = key // max(m, 1)
    back, forth = np.argsort(own), np.argsort(theirs)
    seldom = np.zeros(m, bool) if weights.seldom is None else weights.seldom
    return Problem(
        need=need,
        partner=key - need * max(m, 1),
        value=np.asarray(pairs.value[kept], np.float64),
        given=kept,
        starts=np.searchsorted(need, np.arange(n + 1)),
        limits=Limits(
            per_need=limits.per_need[back],
            per_partner=limits.per_partner[forth],
            organisation=_by_first_need(limits.organisation[back], limits.per_organisation)[0],
            per_organisation=_by_first_need(limits.organisation[back], limits.per_organisation)[1],
            per_organisation_and_partner=limits.per_organisation_and_partner,
        ),
        seldom=seldom[forth],
    )


def _by_first_need(organisation: IntArray, limit: IntArray) -> tuple[IntArray, IntArray]:
    """The organisations that have a need, renamed by the place of their first one; their limits."""
    names, first, inverse = np.unique(organisation, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[inverse], limit[names[order]]


def _places(order: IntArray | None, size: int, name: str) -> IntArray:
    if order is None:
        return np.arange(size)
    if not np.array_equal(np.sort(order), np.arange(size)):
        raise ValueError(f"{name} must hold each place from 0 to {size - 1} once.")
    return order


def _check_limits(limits: Limits) -> None:
    n, o = len(limits.per_need), len(limits.per_organisation)
    if len(limits.organisation) != n:
        raise ValueError(f"{len(limits.organisation)} organisations are named for {n} needs.")
    if n and not (limits.organisation.min() >= 0 and limits.organisation.max() < o):
        raise ValueError(f"A need belongs to an organisation that is none of the {o}.")
    for name in ("per_need", "per_partner", "per_organisation"):
        limit = getattr(limits, name)
        if limit.ndim != 1 or not np.issubdtype(limit.dtype, np.integer):
            raise ValueError(f"{name} must be a row of whole numbers.")
        if (limit < 0).any():
            raise ValueError(f"{name} holds a negative limit.")
    if limits.per_organisation_and_partner < 0:
        raise ValueError("per_organisation_and_partner is negative.")


def _check_weights(weights: Weights, m: int) -> None:
    if not 0 <= weights.fairness <= 1:  # also false for NaN
        raise ValueError(f"fairness must lie in [0, 1], not be {weights.fairness}.")
    if not 0 <= weights.exposure < np.inf:
        raise ValueError(f"exposure must be at least 0, not {weights.exposure}.")
    if weights.seldom is not None and (
        weights.seldom.shape != (m,) or weights.seldom.dtype != np.bool_
    ):
        raise ValueError(f"seldom must be a mask of the {m} partners.")


def _check_pairs(pairs: Pairs, n: int, m: int) -> None:
    k = len(pairs.value)
    if not pairs.need.shape == pairs.partner.shape == pairs.value.shape == (k,):
        raise ValueError("need, partner and value of the pairs must be rows of the same length.")
    if not k:
        return
    for name, places, size in (("need", pairs.need, n), ("partner", pairs.partner, m)):
        if not np.issubdtype(places.dtype, np.integer):
            raise ValueError(f"{name} must hold positions.")
        if places.min() < 0 or places.max() >= size:
            raise ValueError(f"A pair names a {name} that is none of the {size}.")
    if not ((pairs.value >= 0) & (pairs.value <= 1)).all():
        raise ValueError("The value of a pair is NaN or lies outside [0, 1].")
