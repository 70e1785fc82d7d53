"""Facets: how many of the need's sub-problems does the partner's evidence take up?"""

import numpy as np

from matching.facets import coverage, covered, partner_coverage, weights
from matching.signals.protocol import Context, Reading, Sentence
from matching.splitting import split


def read(context: Context) -> Reading:
    """Mean over the need's facets, by their weights, of the share of each facet's telling words
    that the partner's best piece for it holds; missing if the need has no facet.

    By words alone, so that no sentence has to be embedded while a list is made.
    """
    facets = split(context.query.text)
    if not facets:
        return Reading(np.full(len(context.candidates), np.nan), _no_facet)
    shares = partner_coverage(
        coverage(facets, None, context.corpus, context.rows),
        context.owner,
        np.arange(len(context.candidates)),
    )
    answered = covered(shares).sum(axis=0)

    def detail(i: int) -> Sentence:
        return Sentence(
            f"Of the need's {len(facets)} parts, the evidence takes up {answered[i]} by its words.",
            f"ニーズの{len(facets)}項目のうち{answered[i]}項目の語句が業績に現れます。",
        )

    return Reading(weights(facets, context.corpus) @ shares, detail)


def _no_facet(_: int) -> Sentence:
    return Sentence("The need cannot be split into parts.", "ニーズを項目に分けられません。")
