"""Engagement: does the partner accept the ways of working together that the need asks for?"""

import numpy as np

from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """Share of the engagement types wanted that the partner accepts; missing if not stated."""
    wanted = context.query.engagement_types
    accepted = context.corpus.columns.engagement_types
    shared = accepted.shared(wanted)[context.candidates]
    known = accepted.stated[context.candidates] & bool(wanted)
    values = np.where(known, shared / max(len(wanted), 1), np.nan)

    def detail(i: int) -> Sentence:
        if not wanted:
            return Sentence(
                "The need names no way of working together.", "ニーズに連携形態の指定がありません。"
            )
        accepts = context.corpus.partners[context.candidates[i]].engagement_types
        if not accepts:
            return Sentence(
                "The partner has not stated which ways of working together it accepts.",
                "候補が受け入れる連携形態は未登録です。",
            )
        named = ", ".join(sorted(wanted & accepts)) or "none"
        return Sentence(
            f"Of the ways of working wanted, accepts: {named}.",
            f"希望する連携形態のうち受け入れ可：{named}。",
        )

    return Reading(values, detail)
