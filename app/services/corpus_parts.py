"""Stand-in for what `matching.corpus` will offer: changes, drift, saving and opening."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np

from matching.corpus import Corpus, Evidence, Partner, Period
from matching.encoders import Vectors
from matching.lexical import TermCounts, count_terms
from matching.vectors import VectorSearch


class SnapshotError(Exception):
    """A snapshot that cannot be used."""


def with_changes(
    corpus: Corpus,
    partners: Sequence[Partner],
    evidence: Sequence[Evidence],
    vectors: Vectors | VectorSearch,
    terms: Sequence[TermCounts],
    *,
    gone: Collection[str] = (),
    pending: int = 0,
) -> Corpus:
    """As `Corpus.changed` will."""
    if not isinstance(vectors, np.ndarray):
        raise TypeError
    out = {partner.id for partner in partners} | set(gone)
    rows = [r for r, piece in enumerate(corpus.evidence) if piece.partner not in out]
    kept = [p for p in corpus.partners if p.id not in out]
    pieces = [*(corpus.evidence[r] for r in rows), *evidence]
    order = sorted(range(len(pieces)), key=lambda i: pieces[i].id)
    old = corpus.vectors.at(np.array(rows, np.int64))
    both = np.concatenate([old.reshape(-1, vectors.shape[1]), vectors])
    counted = [*(count_terms(corpus.evidence[r].text) for r in rows), *terms]
    found = Corpus.build(
        sorted([*kept, *partners], key=lambda p: p.id),
        [pieces[i] for i in order],
        both[order],
        [counted[i] for i in order],
        pending=pending,
    )
    share = len(evidence) / max(1, len(found.evidence))
    object.__setattr__(found, "_drift", min(1.0, drift_of(corpus) + share + bool(gone) * 0.01))
    return found


def drift_of(corpus: Corpus) -> float:
    """As `Corpus.drift` will."""
    return float(getattr(corpus, "_drift", 0.0))


def save_corpus(corpus: Corpus, folder: Path) -> None:
    """As `Corpus.save` will."""
    making = folder.with_name(f".{folder.name}.making")
    making.mkdir(mode=0o700)
    partners = [asdict(p) | {"clusters": sorted(p.clusters)} for p in corpus.partners]
    for p in partners:
        p["engagement_types"] = sorted(p["engagement_types"])
    body = json.dumps({"p": partners, "e": [asdict(e) for e in corpus.evidence]}, default=str)
    np.save(making / "vectors.npy", corpus.vectors.at(np.arange(len(corpus.evidence))))
    (making / "rows.json").write_text(body)
    sums = {f.name: hashlib.blake2b(f.read_bytes()).hexdigest() for f in making.iterdir()}
    (making / "manifest.json").write_text(json.dumps(sums))
    for file in making.iterdir():
        file.chmod(0o600)
    making.replace(folder)


def open_corpus(folder: Path) -> Corpus:
    """As `Corpus.open` will."""
    try:
        sums = json.loads((folder / "manifest.json").read_text())
        for name, sum_ in sums.items():
            if hashlib.blake2b((folder / name).read_bytes()).hexdigest() != sum_:
                raise SnapshotError(f"{name} is damaged")
        body = json.loads((folder / "rows.json").read_text())
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SnapshotError(str(error)) from error
    partners = []
    for p in body["p"]:
        p["clusters"], p["engagement_types"] = (
            frozenset(p["clusters"]),
            frozenset(p["engagement_types"]),
        )
        p["unavailable"] = tuple(
            Period(
                date.fromisoformat(u["start"]),
                None if u["end"] is None else date.fromisoformat(u["end"]),
            )
            for u in p["unavailable"]
        )
        partners.append(Partner(**p))
    evidence = [Evidence(**e) for e in body["e"]]
    return Corpus.build(partners, evidence, vectors, [count_terms(e.text) for e in evidence])
