"""Search by meaning: the fifty nearest texts, and the 200 partners with the nearest ones.

All engines run on one thread. A graph of neighbours takes long to build and is left out beyond
`GRAPH_LIMIT` texts.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from app.bench.collection import Collection
from app.bench.limits import MachineLimits
from app.bench.timing import OURS, Measured, Missing, Rows, in_turn, percentiles, timed
from matching.encoders import Vectors
from matching.vectors import DIGITS, Among, Asked, VectorIndex

NEAREST: Final = 50
PARTNERS: Final = 200
TASK: Final = f"dense, {NEAREST} texts"
TASK_PARTNERS: Final = f"dense, {PARTNERS} partners"
GRAPH_LIMIT: Final = 100_000
POINTS_A_LIST: Final = 40
"""That faiss wants to learn the lists of an IVF from."""
RECALL: Final = 0.98
"""That approximate engines are set to, on questions other than those that are timed."""

Ask = Callable[[Vectors], np.ndarray]


def dense(collection: Collection, questions: Vectors, limits: MachineLimits) -> Rows:
    """The nearest texts of each question (q, d); the first half of them only sets the peers."""
    tuning, timed_ones = np.array_split(questions, 2)
    vectors = collection.vectors
    n, width = vectors.shape
    engines: dict[str, Ask] = {}
    build: dict[str, float] = {}
    rows: Rows = []
    build[OURS], index = timed(lambda: VectorIndex.build(vectors))
    alone = _among(np.arange(n), n)
    engines[OURS] = lambda question: index.nearest(_asked(question), alone, NEAREST)
    engines["NumPy product"] = lambda question: _highest(vectors @ question)
    truth = {at: _highest(vectors @ question) for at, question in enumerate(tuning)}
    for name, make in PEERS.items():
        if importlib.util.find_spec(name.split()[0]) is None:
            rows.append(Missing(TASK, name, "is not installed: pip install 'enmusubi[bench]'"))
        elif name in GRAPHS and n > GRAPH_LIMIT:
            rows.append(Missing(TASK, name, f"builds its graph too long beyond {GRAPH_LIMIT}"))
        else:
            build[name], engines[name] = timed(lambda: make(vectors, tuning, truth))  # noqa: B023
    times, answers = in_turn(engines, list(timed_ones))
    exact = answers["faiss flat"] if "faiss flat" in answers else answers["NumPy product"]
    for name, milliseconds in times.items():
        read = {OURS: n * width, "faiss flat": 4 * n * width, "NumPy product": 4 * n * width}
        rows.append(
            Measured(
                TASK,
                name,
                n,
                "ms",
                *percentiles(milliseconds),
                recall=_recall(answers[name], exact),
                build_seconds=build.get(name),
                megabytes=_megabytes(index) if name == OURS else None,
                share_of_limit=read[name]
                / limits.read_bytes_per_second
                / (float(np.median(milliseconds)) / 1e3)
                if name in read
                else None,
                limit="one reading of its vectors (int8 codes for ours)" if name in read else "",
            )
        )
    return rows


def dense_partners(collection: Collection, questions: Vectors) -> Rows:
    """The partners with the nearest texts: the grouping inside the scan, beside one after it."""
    vectors = collection.vectors
    place = {partner.id: at for at, partner in enumerate(collection.partners)}
    owner = np.array([place[piece.partner] for piece in collection.evidence], np.int64)
    order = np.argsort(owner, kind="stable")
    owner, vectors = owner[order], np.ascontiguousarray(vectors[order])
    index = VectorIndex.build(vectors)
    among = _among(owner, len(collection.partners))

    def ours(question: Vectors) -> np.ndarray:
        return np.sort(index.nearest(_asked(question), among, PARTNERS))

    def best(question: Vectors) -> np.ndarray:
        found = np.full(among.partners, -np.inf)
        np.maximum.at(found, owner, vectors @ question)
        return found

    def afterwards(question: Vectors) -> np.ndarray:
        return np.sort(np.argpartition(-best(question), PARTNERS)[:PARTNERS])

    if len(collection.partners) <= PARTNERS:
        return [Missing(TASK_PARTNERS, OURS, f"needs more than {PARTNERS} partners")]
    engines = {OURS: ours, "NumPy product, then grouped": afterwards}
    times, answers = in_turn(engines, list(questions))
    worth = [best(question) for question in questions]
    return [
        Measured(
            TASK_PARTNERS,
            name,
            collection.size,
            "ms",
            *percentiles(milliseconds),
            recall=_recall_of_partners(answers[name], worth),
        )
        for name, milliseconds in times.items()
    ]


def _recall_of_partners(found: Sequence[np.ndarray], worth: Sequence[np.ndarray]) -> float:
    """The share of them that count as much as the last wanted one, as far as digits are kept.

    Ours takes cosines that agree in `DIGITS` decimals for equal, and the first of equals.
    """
    shares = [
        np.mean(values[partners] >= np.partition(values, -PARTNERS)[-PARTNERS] - 10.0**-DIGITS)
        for partners, values in zip(found, worth, strict=True)
    ]
    return float(np.mean(shares))


def _asked(question: Vectors) -> Asked:
    return Asked(question, np.ones(1), np.zeros(1))


def _among(owner: np.ndarray, partners: int) -> Among:
    return Among(np.zeros(len(owner), np.uint8), owner, partners, np.ones(len(owner), bool))


def _highest(values: np.ndarray, number: int = NEAREST) -> np.ndarray:
    return np.argpartition(-values, min(number, len(values) - 1))[:number]


def _recall(found: Sequence[np.ndarray], exact: Sequence[np.ndarray]) -> float:
    shares = [len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, exact, strict=True)]
    return float(np.mean(shares))


def _megabytes(index: VectorIndex) -> float:
    return sum(array.nbytes for array in index.arrays().values()) / 1e6


def _faiss_flat(vectors: Vectors, _tuning: Vectors, _truth: object) -> Ask:
    import faiss  # noqa: PLC0415 - of the extra `bench`

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda question: index.search(question[None], NEAREST)[1][0]


def _faiss_ivf(vectors: Vectors, tuning: Vectors, truth: dict[int, np.ndarray]) -> Ask:
    import faiss  # noqa: PLC0415 - of the extra `bench`

    faiss.omp_set_num_threads(1)
    lists = max(min(int(4 * len(vectors) ** 0.5), len(vectors) // POINTS_A_LIST), 1)
    quantiser = faiss.IndexFlatIP(vectors.shape[1])
    index = faiss.IndexIVFScalarQuantizer(
        quantiser,
        vectors.shape[1],
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    sample = np.random.default_rng(0).permutation(len(vectors))[: POINTS_A_LIST * lists]
    index.train(vectors[sample])
    index.add(vectors)

    def ask(question: Vectors) -> np.ndarray:
        found: np.ndarray = index.search(question[None], NEAREST)[1][0]
        return found

    probes = 1
    while probes < lists:
        index.nprobe = probes
        if _recall([ask(question) for question in tuning], list(truth.values())) >= RECALL:
            break
        probes *= 2
    return ask


def _hnswlib(vectors: Vectors, tuning: Vectors, truth: dict[int, np.ndarray]) -> Ask:
    import hnswlib  # noqa: PLC0415 - of the extra `bench`

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=16, ef_construction=200)
    index.add_items(vectors)
    index.set_num_threads(1)

    def ask(question: Vectors) -> np.ndarray:
        found: np.ndarray = index.knn_query(question[None], k=min(NEAREST, len(vectors)))[0][0]
        return found

    width = 64
    while width < len(vectors):
        index.set_ef(width)
        if _recall([ask(question) for question in tuning], list(truth.values())) >= RECALL:
            break
        width *= 2
    return ask


def _usearch(vectors: Vectors, _tuning: Vectors, _truth: object) -> Ask:
    from usearch.index import search  # noqa: PLC0415 - of the extra `bench`

    def ask(question: Vectors) -> np.ndarray:
        found = search(vectors, question, NEAREST, "ip", exact=True, threads=1)
        return np.asarray(found.keys, np.int64)

    return ask


def _scikit_learn(vectors: Vectors, _tuning: Vectors, _truth: object) -> Ask:
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - slow to import

    brute = NearestNeighbors(n_neighbors=NEAREST, algorithm="brute", metric="cosine").fit(vectors)

    def ask(question: Vectors) -> np.ndarray:
        found: np.ndarray = brute.kneighbors(question[None], return_distance=False)[0]
        return found

    return ask


PEERS: Final = {
    "sklearn brute force": _scikit_learn,
    "faiss flat": _faiss_flat,
    "faiss IVF-SQ8": _faiss_ivf,
    "hnswlib": _hnswlib,
    "usearch exact": _usearch,
}
GRAPHS: Final = frozenset({"hnswlib"})
