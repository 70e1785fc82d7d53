"""Two encoders of one vector space as one."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.encoders import Encoder, Role, Vectors, exact, has_vector
from matching.encoders.bilingual import BilingualEncoder
from matching.encoders.hashing import HashingEncoder
from matching.encoders.static_table import StaticEncoder
from tests.matching.factories import repeatable
from tests.tiny_encoder import made_pairs

JAPANESE = "冷凍すり身の強度"
ENGLISH = "strength of frozen surimi"
PAIRS = made_pairs()
texts = st.lists(
    st.sampled_from(
        [text for pair in PAIRS[:40] for text in (pair.japanese, pair.english, pair.source, "\n")]
    ),
    max_size=6,
).map(" ".join)


def centred(vector: Vectors, mean: Vectors) -> Vectors:
    """A unit vector relative to a mean, of length 1 again."""
    relative = vector.astype(np.float64) - mean
    return np.asarray(exact.unit(relative[None])[0], np.float32)


def angle(one: Vectors, other: Vectors) -> float:
    return float(np.arccos(np.clip(one @ other, -1, 1)))


def test_japanese_alone_is_the_centred_vector_of_its_side(
    bilingual: Encoder, table: StaticEncoder
) -> None:
    expected = centred(table.encode([JAPANESE])[0], table.means.japanese)
    assert bilingual.encode([JAPANESE])[0] == pytest.approx(expected, abs=1e-5)


def test_english_alone_is_the_centred_vector_of_its_side(
    bilingual: Encoder, table: StaticEncoder
) -> None:
    expected = centred(HashingEncoder().encode([ENGLISH])[0], table.means.teacher)
    assert bilingual.encode([ENGLISH])[0] == pytest.approx(expected, abs=1e-5)


def test_static_centres_english_by_the_mean_of_the_table(
    static: Encoder, table: StaticEncoder
) -> None:
    expected = centred(table.encode([ENGLISH])[0], table.means.english)
    assert static.encode([ENGLISH])[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["bilingual", "static"])
def test_a_text_in_both_languages_lies_between_them(
    name: str, request: pytest.FixtureRequest
) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    japanese, english = "焼酎粕の発酵、温室", "sale of timber for pearl"
    one, other, both = encoder.encode([japanese, english, f"{japanese}\n{english}"])
    assert angle(one, both) + angle(both, other) == pytest.approx(angle(one, other), abs=1e-2)
    assert min(angle(one, both), angle(both, other)) > 0.1


def test_the_longer_side_weighs_more(static: Encoder) -> None:
    japanese, english = "焼酎粕の発酵、温室、牛肉、酵母", "sale of timber for pearl"
    one, other = static.encode([japanese, english])
    shares = [
        angle(one, both) / angle(one, other)
        for both in static.encode(
            ["\n".join([japanese, *[f"{english}."] * repeats]) for repeats in (1, 2, 4)]
        )
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.5 < shares[-1]


def test_terms_of_the_other_language_hardly_move_a_text(static: Encoder) -> None:
    plain, named = static.encode([ENGLISH, f"{ENGLISH} 焼酎粕"])
    assert plain @ named > 0.7


@pytest.mark.parametrize("text", ["", " \n", "...", "。", "😀", "\x00", "การหมัก"])
def test_a_text_without_a_readable_part_has_no_vector(static: Encoder, text: str) -> None:
    assert not static.encode([text]).any()


def test_an_unreadable_side_leaves_the_other_as_it_is(static: Encoder) -> None:
    alone, beside = static.encode([JAPANESE, f"{JAPANESE}\nการหมัก เหล้า ขาว"])
    assert np.array_equal(alone, beside)


def test_neither_language_has_an_advantage(static: Encoder, table: StaticEncoder) -> None:
    """Unrelated texts are about as near within a language as across."""
    japanese = static.encode([pair.japanese for pair in PAIRS])
    english = static.encode([pair.english for pair in PAIRS])
    within = [float((some @ some.T).mean()) for some in (japanese, english)]
    assert within == pytest.approx([float((japanese @ english.T).mean())] * 2, abs=0.06)


@pytest.mark.parametrize("role", ["passage", "query"])
@pytest.mark.parametrize("name", ["bilingual", "static"])
def test_order_and_batch_do_not_matter(
    name: str, role: Role, request: pytest.FixtureRequest
) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    some = [
        *(pair.japanese for pair in PAIRS[:20]),
        *(f"{pair.english}\n{pair.japanese}" for pair in PAIRS[20:40]),
        *(f"{pair.english}. The yeast" for pair in PAIRS[:5]),
        "",
    ]
    expected = encoder.encode(some, role=role)
    order = Random(1).sample(range(len(some)), len(some))
    shuffled = encoder.encode([some[i] for i in order], role=role)
    assert shuffled.tobytes() == expected[order].tobytes()
    alone = [encoder.encode([text], role=role) for text in some]
    assert np.concatenate(alone).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["bilingual", "static"])
class TestQueries:
    def test_one_sentence_is_read_as_a_passage_is(
        self, name: str, request: pytest.FixtureRequest
    ) -> None:
        encoder: Encoder = request.getfixturevalue(name)
        some = [JAPANESE, ENGLISH, f"{ENGLISH} 焼酎", ""]
        assert np.array_equal(encoder.encode(some, role="query"), encoder.encode(some))

    def test_of_several_sentences_each_is_heard(
        self, name: str, request: pytest.FixtureRequest
    ) -> None:
        encoder: Encoder = request.getfixturevalue(name)
        long, short = "焼酎粕の発酵、温室、牛肉、酵母、椿油、歯車、地熱。", "Pearl sale."
        (whole,) = encoder.encode([f"{long}\n{short}"])
        (query,) = encoder.encode([f"{long}\n{short}"], role="query")
        one, other = encoder.encode([long, short])
        assert query @ other > whole @ other
        assert query @ one > 0.5


@given(st.lists(texts | st.text(), max_size=5), st.sampled_from(["passage", "query"]))
@repeatable
def test_any_text_has_a_unit_vector_or_none(static: Encoder, some: list[str], role: Role) -> None:
    vectors = static.encode(some, role=role)
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths == pytest.approx(has_vector(vectors).astype(float), abs=1e-6)


def test_the_id_names_both_encoders(
    bilingual: Encoder, static: Encoder, table: StaticEncoder
) -> None:
    assert table.id in bilingual.id
    assert HashingEncoder().id in bilingual.id
    assert static.id.count(table.id) == 2
    assert len({bilingual.id, static.id, table.id}) == 3


def test_the_role_reaches_both_encoders(table: StaticEncoder) -> None:
    class Asked(HashingEncoder):
        def __init__(self) -> None:
            self.roles: list[str] = []

        def encode(self, texts: Sequence[str], **options: object) -> Vectors:
            self.roles.append(str(options["role"]))
            return super().encode(texts)

    sides = Asked(), Asked()
    mean = np.zeros(table.dimension, np.float32)
    encoder = BilingualEncoder(*sides, japanese_mean=mean, english_mean=mean)
    encoder.encode([JAPANESE], role="query")
    assert [side.roles for side in sides] == [["query"], ["query"]]
