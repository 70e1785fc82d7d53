"""Industry readiness: does what fits include more than papers?"""

import numpy as np

from matching.signals.protocol import Context, Reading, Sentence

APPLIED: dict[str, Sentence] = {
    "patent": Sentence("a patent", "特許"),
    "service": Sentence("a service", "支援・受託サービス"),
    "equipment": Sentence("equipment", "設備"),
    "project": Sentence("a project", "プロジェクト"),
}
"""Kinds of evidence that show work towards use, the most telling first."""
VALUES = {"patent": 1.0, "service": 1.0, "equipment": 0.8, "project": 0.6}
LOOKED_AT = 3
"""How many of the partner's nearest pieces are looked at."""


def read(context: Context) -> Reading:
    """1 for a patent or service among the three pieces that fit best, .8 for equipment, .6 for a
    project, 0 for papers and statements only.
    """
    corpus = context.corpus
    fit = context.fit
    found: list[str | None] = []
    for position in context.candidates:
        rows = np.arange(len(fit))[corpus.rows_of(int(position))]
        rows = rows[context.allowed[rows]]
        nearest = rows[np.argsort(-fit[rows], kind="stable")[:LOOKED_AT]]
        kinds = {corpus.evidence[row].kind for row in nearest}
        found.append(next((kind for kind in APPLIED if kind in kinds), None))
    values = np.array([0.0 if kind is None else VALUES[kind] for kind in found], np.float64)

    def detail(i: int) -> Sentence:
        kind = found[i]
        if kind is None:
            return Sentence(
                "What fits best is published work only.", "最も近い業績は論文などの公表物のみです。"
            )
        named = APPLIED[kind]
        return Sentence(
            f"What fits best includes {named.en}.", f"最も近い業績に{named.ja}が含まれます。"
        )

    return Reading(values, detail)
