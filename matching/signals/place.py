"""Place: same city, same prefecture, same cluster."""

import numpy as np

from matching.corpus import Partner
from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """1 in the same city, .9 in the same prefecture and cluster, .7 in the same prefecture,
    .5 in the same cluster, else 0; missing where neither place nor cluster is known.
    """
    query, columns, candidates = context.query, context.corpus.columns, context.candidates
    shared = columns.clusters.shared(query.clusters)[candidates] > 0
    same_prefecture = columns.prefecture.equal(query.prefecture or None)[candidates]
    same_city = columns.city.equal(query.city or None)[candidates] & same_prefecture
    comparable = np.zeros(len(candidates), bool)
    if query.prefecture:
        comparable |= columns.prefecture.known[candidates]
    if query.clusters:
        comparable |= columns.clusters.stated[candidates]
    conditions = [
        same_city & bool(query.city),
        same_prefecture & shared & bool(query.prefecture),
        same_prefecture & bool(query.prefecture),
        shared,
        comparable,
    ]
    values = np.select(conditions, [1.0, 0.9, 0.7, 0.5, 0.0], np.nan)
    partners = context.corpus.partners
    return Reading(values, lambda i: _sentence(float(values[i]), partners[candidates[i]]))


def _sentence(value: float, partner: Partner) -> Sentence:
    city, prefecture = partner.city, partner.prefecture
    said = {
        1.0: Sentence(f"Same city: {city}.", f"同じ市町村：{city}。"),
        0.9: Sentence(
            f"Same prefecture ({prefecture}) and cluster.",
            f"同じ県（{prefecture}）・同じクラスター。",
        ),
        0.7: Sentence(f"Same prefecture: {prefecture}.", f"同じ県：{prefecture}。"),
        0.5: Sentence("Same cluster.", "同じクラスター。"),
        0.0: Sentence(
            "No shared region or cluster is known.", "共通の地域・クラスターがありません。"
        ),
    }
    unknown = Sentence("Place not known for both sides.", "双方の所在地が分かりません。")
    return said.get(value, unknown)
