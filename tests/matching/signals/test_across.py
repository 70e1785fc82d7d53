"""Words across languages."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus
from matching.encoders import Vectors
from matching.ranker import rank
from matching.signals import SIGNALS, Context, evidence_words, phrases, profile_words, topic
from matching.signals.across import WHOLE, WORTH, across_languages
from matching.text import has_japanese
from tests.matching.factories import (
    make_corpus,
    make_evidence,
    make_partner,
    make_query,
    read_signal,
    repeatable,
    unit,
)

NEED = "冷凍すり身のゲル強度を測る"
ENGLISH = "Measuring the gel strength of frozen surimi"
JAPANESE = "冷凍すり身のゲル強度"
BARE = {
    "evidence_words": evidence_words.read,
    "profile_words": profile_words.read,
    "phrases": phrases.read,
}
Values = dict[str, float]
NEAR, FAR = unit(1, 0.2), unit(0, 1)


def corpus(**partners: list[tuple[str, Vectors]]) -> Corpus:
    """A corpus from (text, vector) of each partner's evidence, beside forty unlike strangers."""
    pieces = [
        (make_evidence(f"{name}{number}", name, text), vector)
        for name, some in partners.items()
        for number, (text, vector) in enumerate(some)
    ]
    pieces += [
        (make_evidence(f"s{i}", "stranger", f"{text} {i}"), unit(np.sin(i), np.cos(i)))
        for i in range(40)
        for text in (("Tax law for firms", "企業の税法")[i % 2],)
    ]
    return make_corpus(
        [make_partner(name) for name in (*partners, "stranger")],
        [piece for piece, _ in pieces],
        vectors=np.stack([vector for _, vector in pieces]),
    )


def asked(held: Corpus, need: str = NEED, *, readable: bool = True) -> Context:
    vector = unit(1, 0) if readable else np.zeros(2, np.float32)
    return rank(make_query(need), vector, held).context


def values(name: str, context: Context) -> tuple[Values, Values, Values]:
    """The signal's values by partner, those of the bare signal, and what the meaning is worth."""
    ids = [partner.id for partner in context.partners()]
    bare, meaning = BARE[name](context).values, topic.read(context).values
    return (
        read_signal(name, context)[0],
        dict(zip(ids, map(float, bare), strict=True)),
        dict(zip(ids, map(float, WORTH * meaning), strict=True)),
    )


class TestComparable:
    @staticmethod
    def shares(need: str) -> dict[str, float]:
        context = asked(
            corpus(
                ja=[(JAPANESE, NEAR)],
                en=[(ENGLISH, NEAR)],
                half=[(JAPANESE, NEAR), (ENGLISH, NEAR)],
                both=[(f"{JAPANESE}\n{ENGLISH} by ultrasound waves", NEAR)],
                none=[],
            ),
            need,
        )
        ids = (partner.id for partner in context.partners())
        return dict(zip(ids, map(float, context.comparable), strict=True))

    def test_is_the_share_in_the_language_of_the_need(self) -> None:
        found = self.shares(NEED)
        assert (found["ja"], found["en"], found["half"], found["both"]) == (1, 0, 0.5, 1)

    def test_an_english_need_is_treated_alike(self) -> None:
        found = self.shares("Who measures surimi?")
        assert (found["ja"], found["en"], found["half"], found["both"]) == (0, 1, 0.5, 1)

    def test_a_bilingual_need_can_be_compared_with_everything(self) -> None:
        assert set(self.shares(f"{NEED}\n{ENGLISH} by ultrasound waves").values()) == {1}

    def test_a_need_without_language_too(self) -> None:
        assert set(self.shares("2026").values()) == {1}

    def test_a_partner_without_evidence_is_not_divided_by_nothing(self) -> None:
        held = make_corpus([make_partner("none")], [], vectors=np.zeros((0, 2), np.float32))
        context = asked(held)
        assert context.comparable.tolist() == [1] * len(context.candidates)


@pytest.mark.parametrize("name", BARE)
class TestSignals:
    def test_english_evidence_rises_to_its_meaning_for_a_japanese_need(self, name: str) -> None:
        found, bare, meaning = values(name, asked(corpus(en=[(ENGLISH, NEAR)])))
        assert bare["en"] == 0
        assert meaning["en"] > 0.05
        assert found["en"] == pytest.approx(meaning["en"])

    def test_japanese_evidence_rises_for_an_english_need(self, name: str) -> None:
        found, bare, meaning = values(name, asked(corpus(ja=[(JAPANESE, NEAR)]), ENGLISH))
        assert found["ja"] == pytest.approx(meaning["ja"])
        assert found["ja"] > bare["ja"] == 0

    def test_words_that_half_of_the_evidence_could_hold_are_trusted_less(self, name: str) -> None:
        held = corpus(half=[(JAPANESE, NEAR), (ENGLISH, NEAR)])
        found, bare, meaning = values(name, asked(held))
        assert 0 < meaning["half"] < found["half"] < bare["half"]
        trusted = 0.5**WHOLE
        expected = trusted * bare["half"] + (1 - trusted) * meaning["half"]
        assert found["half"] == pytest.approx(expected)

    def test_the_language_of_the_need_is_untouched(self, name: str) -> None:
        held = corpus(ja=[(JAPANESE, NEAR)], unlike=[("企業の税法", NEAR)], en=[(ENGLISH, NEAR)])
        found, bare, _ = values(name, asked(held))
        assert found["ja"] == bare["ja"] > 0
        assert found["unlike"] == bare["unlike"]

    def test_what_is_far_in_meaning_does_not_rise(self, name: str) -> None:
        found, bare, meaning = values(name, asked(corpus(en=[(ENGLISH, FAR)])))
        assert meaning["en"] < 0.05
        assert found["en"] <= max(bare["en"], meaning["en"]) + 1e-12

    def test_evidence_that_cannot_be_read_keeps_its_words(self, name: str) -> None:
        nothing = np.zeros(2, np.float32)
        found, bare, _ = values(name, asked(corpus(en=[(f"{ENGLISH} surimi", nothing)])))
        assert found["en"] == bare["en"]

    def test_a_need_that_cannot_be_read_changes_nothing(self, name: str) -> None:
        context = asked(corpus(en=[(ENGLISH, NEAR)], ja=[(JAPANESE, NEAR)]), readable=False)
        found, bare, _ = values(name, context)
        assert found == bare

    def test_the_stand_in_is_said_in_both_languages(self, name: str) -> None:
        held = corpus(
            en=[(ENGLISH, NEAR)],
            half=[("企業の税法", NEAR), (ENGLISH, NEAR)],
            ja=[(JAPANESE, NEAR)],
        )
        context = asked(held)
        _, reading = read_signal(name, context)
        plain = BARE[name](context)
        for place, partner in enumerate(context.partners()):
            said, bare = reading.detail(place), plain.detail(place)
            share = {"en": "100%", "half": "50%"}.get(partner.id)
            if share is None:
                if partner.id == "ja":
                    assert said == bare
                continue
            assert said.en.startswith(bare.en)
            assert said.ja.startswith(bare.ja)
            assert f" {share} of the evidence is in another language" in said.en
            assert f"業績の{share}はニーズと別の言語" in said.ja
            assert not has_japanese(said.en)
            assert re.search(r"nan|None", said.en + said.ja) is None

    def test_it_is_explained_as_the_bare_signal(self, name: str) -> None:
        signal = next(signal for signal in SIGNALS if signal.name == name)
        assert signal.read.__doc__ == BARE[name].__doc__


pieces = st.lists(
    st.tuples(
        st.sampled_from(
            [ENGLISH, JAPANESE, f"{JAPANESE}\n{ENGLISH} by waves", "...", "gel", "税法"]
        ),
        st.sampled_from([NEAR, FAR, unit(1, 0), unit(-1, 0), np.zeros(2, np.float32)]),
    ),
    max_size=4,
)


@pytest.mark.parametrize("name", BARE)
@given(
    pieces, pieces, st.sampled_from([NEED, ENGLISH, "surimi gelを測る", "...", ""]), st.booleans()
)
@repeatable
def test_it_lies_between_words_and_meaning(
    name: str,
    one: list[tuple[str, Vectors]],
    other: list[tuple[str, Vectors]],
    need: str,
    readable: bool,
) -> None:
    context = asked(corpus(one=one, other=other), need, readable=readable)
    bare = BARE[name](context).values
    found = across_languages(BARE[name])(context).values
    meaning = WORTH * topic.read(context).values
    assert np.array_equal(np.isnan(found), np.isnan(bare))
    untouched = (context.comparable == 1) | np.isnan(meaning)
    assert np.array_equal(found[untouched], bare[untouched], equal_nan=True)
    touched = ~untouched & ~np.isnan(bare)
    assert (found >= np.minimum(bare, meaning) - 1e-12)[touched].all()
    assert (found <= np.maximum(bare, meaning) + 1e-12)[touched].all()
