"""Names of people and organisations: one person found by kanji, kana and romaji."""

from matching.names.kanji import fold_kanji
from matching.names.keys import (
    KEY_LENGTH,
    NameKeys,
    NameQuery,
    name_keys,
    name_query,
    search_keys,
)
from matching.names.order import sort_key

__all__ = [
    "KEY_LENGTH",
    "NameKeys",
    "NameQuery",
    "fold_kanji",
    "name_keys",
    "name_query",
    "search_keys",
    "sort_key",
]
