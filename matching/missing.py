"""Facts that a partner may not have stated, and what is supposed in their place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from matching.corpus import Partner, Query
from matching.signals import Sentence


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that a partner has not stated, and what is supposed in its place."""

    signal: str
    """Whose value is missing."""
    asked: Callable[[Query], bool]
    """Whether the need asks for it at all."""
    supposed: Callable[[Query, Partner], Partner]
    dated: bool
    """Whether its undated evidence is supposed to be of the need's year."""
    says: Callable[[Query], Sentence]


def _year(query: Query) -> Sentence:
    year = query.posted_on.year
    return Sentence(
        f"If its undated evidence were of {year},", f"日付のない業績が{year}年のものであれば"
    )


def _types(query: Query) -> Sentence:
    wanted = ", ".join(sorted(query.engagement_types))
    return Sentence(
        f"With a statement that it accepts {wanted},", f"{wanted}を受け入れると登録すれば"
    )


def _prefecture(query: Query) -> Sentence:
    return Sentence(
        f"If its place, which is not known, were {query.prefecture},",
        f"未登録の所在地が{query.prefecture}であれば",
    )


MISSING: Final = (
    Missing(
        signal="engagement",
        asked=lambda query: bool(query.engagement_types),
        supposed=lambda query, partner: replace(partner, engagement_types=query.engagement_types),
        dated=False,
        says=_types,
    ),
    Missing(
        signal="place",
        asked=lambda query: query.prefecture is not None,
        supposed=lambda query, partner: replace(partner, prefecture=query.prefecture),
        dated=False,
        says=_prefecture,
    ),
    Missing(
        signal="recency",
        asked=lambda _: True,
        supposed=lambda _, partner: partner,
        dated=True,
        says=_year,
    ),
)
