"""What is taken out of a text, and what stands in its place."""

from enum import StrEnum
from typing import Final

from matching.text import Language


class Kind(StrEnum):
    """What a piece that is taken out was; of two that overlap the earlier one here names it."""

    COMPANY = "company"
    INSTITUTION = "institution"
    PERSON = "person"
    CONTACT = "contact"
    """An e-mail address, telephone number, web address or account."""
    PLACE = "place"
    PRODUCT = "product"
    NAME = "name"
    """A word that looks like the name of something."""
    MONEY = "money"
    DATE = "date"
    SHARE = "share"
    QUANTITY = "quantity"


WORDS: Final[dict[Kind, dict[Language, str]]] = {
    Kind.COMPANY: {"ja": "〔企業〕", "en": "[company]"},
    Kind.INSTITUTION: {"ja": "〔機関〕", "en": "[institution]"},
    Kind.PERSON: {"ja": "〔人物〕", "en": "[person]"},
    Kind.CONTACT: {"ja": "〔連絡先〕", "en": "[contact]"},
    Kind.PLACE: {"ja": "〔地域〕", "en": "[place]"},
    Kind.PRODUCT: {"ja": "〔製品〕", "en": "[product]"},
    Kind.NAME: {"ja": "〔固有名〕", "en": "[name]"},
    Kind.MONEY: {"ja": "〔金額〕", "en": "[amount]"},
    Kind.DATE: {"ja": "〔時期〕", "en": "[date]"},
    Kind.SHARE: {"ja": "〔割合〕", "en": "[share]"},
    Kind.QUANTITY: {"ja": "〔数量〕", "en": "[quantity]"},
}
"""The neutral word of each kind in each language."""

RANK: Final = {kind: place for place, kind in enumerate(Kind)}
