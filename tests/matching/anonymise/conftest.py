"""The sample region as the anonymiser sees it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matching.anonymise import (
    PLACES,
    Anonymiser,
    Kind,
    KnownNames,
    Name,
    Region,
    Vocabulary,
    names_of,
)
from matching.corpus import Corpus, Evidence, Partner
from matching.lexical import count_terms
from matching.text import bilingual_text

DATA = Path(__file__).resolve().parents[3] / "data"
REGION = DATA / "samples" / "region"


def lines(name: str) -> list[dict[str, Any]]:
    """The objects of a file of the sample region."""
    return [json.loads(line) for line in (REGION / name).read_text("utf-8").splitlines()]


def needs() -> Iterator[tuple[str, str, str]]:
    """Each text of the sample needs: the id of the company, the field and the text."""
    for need in lines("queries.jsonl"):
        for field in ("title_ja", "brief_ja", "title_en", "brief_en"):
            if text := need.get(field):
                yield need["organisation"], field, text


def organisation_names() -> list[Name]:
    """The names of the sample organisations."""
    return [
        name
        for row in lines("organisations.jsonl")
        for name in names_of(
            [row["name_ja"], row["name_en"]],
            Kind.COMPANY if row["kind"] == "company" else Kind.INSTITUTION,
        )
    ]


def sample_corpus() -> Corpus:
    """The evidence of the sample region, without vectors."""
    people = lines("people.jsonl")
    evidence = [
        Evidence(
            piece["id"],
            person["id"],
            bilingual_text(
                *(piece.get(field) for field in ("title_ja", "text_ja", "title_en", "text_en"))
            ),
            piece["kind"],
        )
        for person in people
        for piece in person["evidence"]
    ]
    return Corpus.build(
        [Partner(person["id"], person["kind"]) for person in people],
        evidence,
        np.zeros((len(evidence), 1), np.float32),
        [count_terms(piece.text) for piece in evidence],
    )


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """As the service has it."""
    return Vocabulary.read(
        DATA / "encoders" / "table" / "tokenizer.json", DATA / "everyday" / "english.txt"
    )


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """The sample corpus."""
    return sample_corpus()


@pytest.fixture(scope="session")
def anonymiser(corpus: Corpus, vocabulary: Vocabulary) -> Anonymiser:
    """What knows the names of the sample region."""
    people = [
        name
        for row in lines("people.jsonl")
        for name in names_of(
            [row["name_ja"], row["name_en"]],
            Kind.PERSON if row["kind"] == "researcher" else Kind.INSTITUTION,
            whole=True,
        )
    ]
    places = {
        place
        for row in lines("organisations.jsonl")
        for place in (row["prefecture"], row["city"])
        if place
    }
    names = [*organisation_names(), *people, *names_of([*places, *PLACES], Kind.PLACE)]
    return Anonymiser(KnownNames.of(names, vocabulary), Region.of(corpus), vocabulary)
