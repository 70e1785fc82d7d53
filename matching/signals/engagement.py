"""Engagement: does the partner accept the ways of working together that the need asks for?"""

import numpy as np

from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """Share of the engagement types wanted that the partner accepts; missing if not stated."""
    wanted = context.query.engagement_types
    accepted = [partner.engagement_types for partner in context.partners()]
    values = np.array(
        [len(wanted & some) / len(wanted) if wanted and some else np.nan for some in accepted],
        np.float64,
    )

    def detail(i: int) -> Sentence:
        if not wanted:
            return Sentence(
                "The need names no way of working together.", "ニーズに連携形態の指定がありません。"
            )
        if not accepted[i]:
            return Sentence(
                "The partner has not stated which ways of working together it accepts.",
                "候補が受け入れる連携形態は未登録です。",
            )
        shared = ", ".join(sorted(wanted & accepted[i])) or "none"
        return Sentence(
            f"Of the ways of working wanted, accepts: {shared}.",
            f"希望する連携形態のうち受け入れ可：{shared}。",
        )

    return Reading(values, detail)
