"""Recall of the search by pgvector on vectors of real texts, of the public benchmark sets."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.vector_index import bring_up
from app.services.embeddings import store_vectors
from matching.encoders import make_encoder
from matching.text import content_hash
from models import Capability, CapabilityKind, Partner, PartnerKind, new_id
from tests.postgres.searching import asked_of, opened

pytestmark = pytest.mark.slow

BENCH = Path(os.environ.get("BENCH") or Path(__file__).resolve().parents[3] / "shared" / "bench")
SETS = ("kaken-institution", "acl-people")
"""Texts in Japanese, and in English."""
EACH, QUERIES, WANTED = 700, 15, 50


def _texts(name: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(partner, text) of a set, and texts to ask with."""
    found = []
    with (BENCH / name / "people.jsonl").open(encoding="utf-8") as lines:
        for person in map(json.loads, lines):
            found += [(f"{name} {person['id']}", piece["title"]) for piece in person["evidence"]]
    with (BENCH / name / "queries.jsonl").open(encoding="utf-8") as lines:
        asked = [
            json.loads(line)["text"][:300] for line, _ in zip(lines, range(QUERIES), strict=False)
        ]
    return found[:EACH], asked


@pytest.mark.skipif(not BENCH.is_dir(), reason="the public sets are not here (BENCH)")
def test_recall_on_real_texts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "app.services.vector_search_pg.STEP", 0
    )  # by the index, though they are few
    encoder = make_encoder("static")
    texts, asked = [], []
    for name in SETS:
        own, questions = _texts(name)
        texts += own
        asked += questions
    owners = {owner: new_id() for owner, _ in texts}
    vectors = encoder.encode([text for _, text in texts])
    with database.writing(SYSTEM) as session:
        who = {"kind": PartnerKind.RESEARCHER, "languages": [], "engagement_types": []}
        session.execute(
            insert(Partner), [who | {"id": key, "name_en": name} for name, key in owners.items()]
        )
        what = {"kind": CapabilityKind.PAPER}
        session.execute(
            insert(Capability),
            [
                what | {"partner_id": owners[o], "title_en": t, "content_hash": content_hash(t)}
                for o, t in texts
            ],
        )
        stored = {content_hash(text): v for (_, text), v in zip(texts, vectors, strict=True)}
        store_vectors(session, stored, encoder, "passage")
    assert bring_up(database, encoder.id, encoder.dimension)
    both = opened(database, encoder)
    missed = total = 0
    for query in encoder.encode(asked, role="query"):
        lost, there = both.missed(asked_of(query), both.among, WANTED)
        missed, total = missed + lost, total + there
    assert total == WANTED * len(asked)
    assert np.count_nonzero(both.stored.filled) > 0.9 * len(texts)
    assert missed <= 0.02 * total
