"""Teasers: texts of needs without what tells who asks."""

from matching.anonymise.draft import Anonymiser, Draft, Removal
from matching.anonymise.kinds import Kind
from matching.anonymise.known import KnownNames, Name, names_of
from matching.anonymise.place_names import PLACES
from matching.anonymise.rarity import RareTerm, Region, count_partners
from matching.anonymise.vocabulary import NOTHING, Vocabulary

__all__ = [
    "NOTHING",
    "PLACES",
    "Anonymiser",
    "Draft",
    "Kind",
    "KnownNames",
    "Name",
    "RareTerm",
    "Region",
    "Removal",
    "Vocabulary",
    "count_partners",
    "names_of",
]
