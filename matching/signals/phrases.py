"""Rare terms: does the partner use the need's own phrases, two words or more in a row?"""

from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """BM25 share of the need's phrases in all the partner's evidence, as its standing above chance.

    A phrase is two neighbouring words of a sentence, function words left out; of Japanese, three
    characters in a row. Phrases are rarer than words, so agreement in them is agreement in terms.
    """
    found = context.words.phrases
    shares = found.shares[context.candidates]

    def detail(i: int) -> Sentence:
        if shares[i] <= 0:
            return Sentence(
                "No phrase of the need occurs in the evidence.",
                "ニーズの語句のつながりは業績に現れません。",
            )
        return Sentence(
            f"Phrases of the need occur in the evidence word for word: {shares[i]:.0%} by weight "
            f"(a random partner's: {found.chance.mean:.1%}).",
            f"ニーズの語句のつながりの{shares[i]:.0%}（重み）が業績にそのまま現れます"
            f"（無作為の候補では{found.chance.mean:.1%}）。",
        )

    return Reading(found.chance.standing(shares), detail)
