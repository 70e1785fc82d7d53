"""Small judged folders."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_judged(
    folder: Path,
    *,
    people: Mapping[str, Sequence[str]],
    queries: Sequence[Mapping[str, Any]],
    right: Sequence[tuple[str, str]],
) -> Path:
    """A folder in the benchmark's form.

    `people` gives the titles of each candidate's evidence; those of `a` have the ids a0, a1 and
    so on. `right` holds pairs of query and candidate, each with the gain 1.
    """
    folder.mkdir()
    candidates = [
        {
            "id": name,
            "evidence": [
                {"id": f"{name}{number}", "title": title} for number, title in enumerate(titles)
            ],
        }
        for name, titles in people.items()
    ]
    judgements = ["query_id\tdoc_id\tscore", *(f"{query}\t{name}\t1" for query, name in right)]
    (folder / "people.jsonl").write_text("\n".join(map(json.dumps, candidates)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels.tsv").write_text("\n".join(judgements) + "\n")
    return folder
