"""Shared words over the whole profile: does the partner's work as a whole speak of the need?"""

from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """BM25 share of all the partner's evidence, read as one text, as its standing above chance.

    A word counts by the pieces that hold it (`matching.profiles`), so that repeats win nothing.
    """
    found = context.words.profiles
    shares = found.shares[context.candidates]

    def detail(i: int) -> Sentence:
        return Sentence(
            f"All evidence together takes up {shares[i]:.0%} of the need's telling words "
            f"(a random partner's: {found.chance.mean:.0%}).",
            f"特徴的な語句の{shares[i]:.0%}が、業績全体に現れます"
            f"（無作為の候補では{found.chance.mean:.0%}）。",
        )

    return Reading(found.chance.standing(shares), detail)
