"""Made-up values of needs and partners, to measure plans on: nothing in them means anything.

What makes planning hard is like the real thing: popularity is skewed (log-normal), so that a few
stars lead nearly every list; a need has a few partners whom it fits well and many whom it fits
badly; companies have one need or several; some partners have no room left.
"""

from typing import Final

import numpy as np

from matching.pairs import Limits, Pairs

STARS: Final = 1.5
"""Spread of a partner's popularity, beside 1 of what is the pair's own."""
SAYS: Final = (
    "The region is made up, its popularity skewed: a pair's logit is 1.5 times the partner's "
    "popularity, which is normal, plus what is its own, normal too. Companies have 1.5 needs in "
    "the mean; each need may get 3 pairs, a partner 4, 2 or none, a company 10 and 2 with one "
    "partner."
)


def make_pairs(
    needs: int, partners: int, *, candidates: int | None, seed: int
) -> tuple[Pairs, Limits]:
    """The same values for the same numbers and seed.

    Each need has the `candidates` best of its partners as pairs, as a list of the ranker has; with
    None it has all of them.
    """
    random = np.random.default_rng(seed)
    popularity = random.standard_normal(partners)
    number = partners if candidates is None else min(candidates, partners)
    need = np.repeat(np.arange(needs), number)
    partner = np.empty(needs * number, np.int64)
    value = np.empty(needs * number)
    for row in range(needs):
        strength = STARS * popularity + random.standard_normal(partners) + random.normal(-6, 1)
        found = np.arange(partners)
        if number < partners:
            found = np.sort(np.argpartition(strength, -number)[-number:])
        part = slice(row * number, (row + 1) * number)
        partner[part] = found
        value[part] = 1 / (1 + np.exp(-strength[found]))
    organisation = np.sort(random.integers(max(needs * 2 // 3, 1), size=needs))
    return Pairs(need, partner, value), Limits(
        per_need=np.full(needs, 3),
        per_partner=random.choice([0, 2, 4, 4, 4], size=partners),
        organisation=organisation,
        per_organisation=np.full(max(needs * 2 // 3, 1), 10),
        per_organisation_and_partner=2,
    )
