"""Place: same city, same prefecture, same cluster."""

import numpy as np

from matching.corpus import Partner, Query
from matching.signals.protocol import Context, Reading, Sentence


def _nearness(query: Query, partner: Partner) -> tuple[float, Sentence]:
    shared = query.clusters & partner.clusters
    if query.city and query.city == partner.city and query.prefecture == partner.prefecture:
        return 1.0, Sentence(f"Same city: {partner.city}.", f"同じ市町村：{partner.city}。")
    if query.prefecture and query.prefecture == partner.prefecture:
        where = partner.prefecture
        if shared:
            return 0.9, Sentence(
                f"Same prefecture ({where}) and cluster.", f"同じ県（{where}）・同じクラスター。"
            )
        return 0.7, Sentence(f"Same prefecture: {where}.", f"同じ県：{where}。")
    if shared:
        return 0.5, Sentence("Same cluster.", "同じクラスター。")
    if (query.prefecture and partner.prefecture) or (query.clusters and partner.clusters):
        return 0.0, Sentence(
            "No shared region or cluster is known.", "共通の地域・クラスターがありません。"
        )
    return np.nan, Sentence("Place not known for both sides.", "双方の所在地が分かりません。")


def read(context: Context) -> Reading:
    """1 in the same city, .9 in the same prefecture and cluster, .7 in the same prefecture,
    .5 in the same cluster, else 0; missing where neither place nor cluster is known.
    """
    found = [_nearness(context.query, partner) for partner in context.partners()]
    values = np.array([value for value, _ in found], np.float64)
    return Reading(values, lambda i: found[i][1])
