"""The instruments of this process that /metrics shows, beside those of the HTTP library.

No label holds a name, an id or anything that callers choose: a label has a handful of values, known
beforehand. What is read anew at each look (the corpus, the pool, the nightly run) is in
`app.monitoring`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "enmusubi_http_requests",
    "Requests by route, method and status.",
    ["handler", "method", "status"],
)
REQUEST_SECONDS: Final = Histogram(
    "enmusubi_http_request_duration_seconds",
    "Time from a request to the end of its answer, by route and method.",
    ["handler", "method"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REQUESTS_SHED: Final = Counter(
    "enmusubi_requests_shed", "Requests answered 503 since there were too many at once."
)
INDEX_BUILD_SECONDS: Final = Histogram(
    "enmusubi_index_build_seconds",
    "Time to bring the corpus in memory up to a revision.",
    buckets=(0.01, 0.1, 0.5, 1, 5, 30, 120, 600),
)
AUDIT_COMMIT_SECONDS: Final = Histogram(
    "enmusubi_audit_commit_seconds",
    "Time that an answer waits for its entries in the audit log.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)

INDEX_BUILT: Final = Gauge(
    "enmusubi_corpus_loaded_timestamp_seconds",
    "When the corpus in memory was last made or changed; 0 before the first time.",
    multiprocess_mode="livemin",  # of several processes, the one that is behind
)


@contextmanager
def building_index() -> Iterator[None]:
    """Measure a block that brings the corpus in memory up to a revision."""
    with INDEX_BUILD_SECONDS.time():
        yield
    INDEX_BUILT.set_to_current_time()
