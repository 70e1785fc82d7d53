"""The vocabulary of the table: a unigram model (Kudo 2018) over both languages.

Words are cut where the script changes, so that no token spans kanji and hiragana, and digits are
read one by one. `tokenizers` makes the vocabulary and reads with it.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from matching.encoders.static_table import UNKNOWN
from matching.encoders.training.bags import Bags

UNKNOWN_TOKEN: Final = "[UNK]"  # noqa: S105 -- a token of text
SCRIPTS: Final = r"[\p{Han}々〆]+|\p{Hiragana}+|[\p{Katakana}ー]+|[a-z]+|[0-9]"
LONGEST_TOKEN: Final = 16
SCORE_PLACES: Final = 6
ADDED_APART: Final = 1e-4
# Latin, Greek, kana and kanji; of other scripts single letters would get vectors by accident.
_READ: Final = re.compile(
    "[\u0000-\u024f\u0370-\u03ff\u1e00-\u1eff\u2000-\u2bff\u3000-\u9fff\uff00-\uffef]+"
)


def train_vocabulary(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer with about `size` tokens for prepared texts; the unknown token has id 0."""
    tokenizer = _with_scripts(models.Unigram())
    tokenizer.train_from_iterator(
        texts,
        trainers.UnigramTrainer(
            vocab_size=size,
            special_tokens=[UNKNOWN_TOKEN],
            unk_token=UNKNOWN_TOKEN,
            show_progress=False,
            max_piece_length=LONGEST_TOKEN,
        ),
    )
    return _with_scripts(models.Unigram(_settled(_scores(tokenizer)), UNKNOWN, byte_fallback=False))


def without_rare_tokens(tokenizer: Tokenizer, texts: list[str], minimum: int) -> Tokenizer:
    """The tokenizer without tokens of other scripts and those met fewer than `minimum` times.

    What has hardly been seen has no vector worth reading: it is unknown instead.
    """
    counts = np.bincount(Bags.of(tokenizer, texts).tokens, minlength=tokenizer.get_vocab_size())
    kept = [
        (token, score)
        for place, (token, score) in enumerate(_scores(tokenizer))
        if place == UNKNOWN or (counts[place] >= minimum and _READ.fullmatch(token))
    ]
    return _with_scripts(models.Unigram(kept, UNKNOWN, byte_fallback=False))


def _settled(scores: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The tokens in one order, with scores that do not change from run to run.

    The trainer keeps words in a hash map of random order. Its sums differ in the last places, so
    do the places of tokens with one score, and the single letters that it adds in the end get
    scores in that order, 0.0001 apart from the lowest upwards: here they all get the lowest.
    """
    unknown, *tokens = scores
    rounded = [(token, round(score, SCORE_PLACES)) for token, score in tokens]
    lowest = min((score for _, score in rounded), default=0.0)
    added_below = lowest + ADDED_APART * sum(len(token) == 1 for token, _ in rounded)
    settled = [
        (token, lowest if len(token) == 1 and score < added_below else score)
        for token, score in rounded
    ]
    return [unknown, *sorted(settled, key=lambda pair: (-pair[1], pair[0]))]


def _with_scripts(model: models.Unigram) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SCRIPTS), "isolated"), pre_tokenizers.WhitespaceSplit()]
    )
    return tokenizer


def _scores(tokenizer: Tokenizer) -> list[tuple[str, float]]:
    return [(token, score) for token, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
