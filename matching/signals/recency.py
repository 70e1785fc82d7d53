"""Recency: is the matching work still going on?"""

import numpy as np

from matching.aggregate import group_maximum
from matching.signals.protocol import Context, Reading, Sentence

HALF_LIFE = 8.0
"""Years after which evidence counts half."""
RELEVANT_SHARE = 0.5
"""A piece tells of recency if it fits at least this share of what the partner's best one does."""


def read(context: Context) -> Reading:
    """``2 ** (-age / 8)`` with the age in years of the newest piece that fits the need.

    Later evidence than the need's own date counts as of that date.
    """
    fit, years = context.fit, context.corpus.years[context.rows]
    groups = len(context.candidates)
    everything = np.ones(len(fit), bool)
    best = group_maximum(fit, group=context.owner, groups=groups, allowed=everything)
    relevant = (fit > 0) & (fit >= RELEVANT_SHARE * best[context.owner])
    newest = group_maximum(
        years, group=context.owner, groups=groups, allowed=relevant & ~np.isnan(years)
    )
    age = np.clip(context.query.posted_on.year - newest, 0, None)
    values = np.where(np.isinf(newest), np.nan, 2.0 ** (-age / HALF_LIFE))

    def detail(i: int) -> Sentence:
        if np.isnan(values[i]):
            return Sentence(
                "The evidence that fits has no date.", "該当する業績に日付がありません。"
            )
        return Sentence(
            f"The newest evidence that fits is of {newest[i]:.0f}.",
            f"該当する業績のうち最新のものは{newest[i]:.0f}年です。",
        )

    return Reading(values, detail)
