"""Industry readiness: does what fits include more than papers?"""

import numpy as np

from matching.aggregate import best_rows
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
    kinds = context.corpus.kinds
    # How telling each kind is: its place in APPLIED, or the place after the last.
    places = np.array([_place(kind) for kind in kinds.number], np.int64)
    nearest = best_rows(
        context.fit,
        group=context.owner,
        allowed=np.ones(len(context.rows), bool),
        best=LOOKED_AT,
    )
    found = np.full(len(context.candidates), len(APPLIED))
    telling = places[kinds.codes[context.rows[nearest]]]
    np.minimum.at(found, context.owner[nearest], telling)
    values = np.array([*(VALUES[kind] for kind in APPLIED), 0.0])[found]

    def detail(i: int) -> Sentence:
        kind = [*APPLIED, None][found[i]]
        if kind is None:
            return Sentence(
                "What fits best is published work only.", "最も近い業績は論文などの公表物のみです。"
            )
        named = APPLIED[kind]
        return Sentence(
            f"What fits best includes {named.en}.", f"最も近い業績に{named.ja}が含まれます。"
        )

    return Reading(values, detail)


def _place(kind: str) -> int:
    return list(APPLIED).index(kind) if kind in APPLIED else len(APPLIED)
