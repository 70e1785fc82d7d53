"""Evidence that echoes a need does not speak; evidence that merely fits does."""

import pytest

from matching.text import bare_run_words, normalise
from tests.matching.factories import ask, make_corpus, make_evidence, make_partner, make_query

NEED = (
    "Our frozen surimi loses its gel strength when it thaws, and the cause is not known to us. "
    "We measure the strength with a plunger, but the results differ from one batch to the next. "
    "A partner should find out which protein breaks down and at which temperature it does so. "
    "We can send samples of pollock and lizardfish from three factories to a laboratory each week. "
    "The cold store runs at minus twenty degrees, and trucks carry the blocks for two days. "
    "A cheap additive without phosphate that keeps the texture of fish cake would help our sales. "
    "Our customers in two prefectures ask for a certificate of quality before they place orders. "
    "Old machines mince the meat coarsely, new ones finely, and neither batch sets as it should."
)
WORDS = "surimi gel strength protein temperature pollock lizardfish additive phosphate texture cake"


def listed(text: str, *, need: str = NEED, year: int | None = None) -> list[str]:
    """Who is in the list when partner `a` has this text and `b` an unrelated one."""
    corpus = make_corpus(
        [make_partner("a"), make_partner("b")],
        [make_evidence("ea", "a", text, year=year), make_evidence("eb", "b", "Bus timetables.")],
    )
    return [match.partner.id for match in ask(corpus, make_query(need)).matches]


@pytest.mark.parametrize(
    "text",
    [
        f"{WORDS} certificate",
        f"{WORDS} certificate " * 20,
        ", ".join(f"{WORDS} certificate".split()),
        NEED,
        f"About us. {NEED} {NEED}",
    ],
)
def test_a_list_of_the_needs_words_and_a_copy_of_it_do_not_speak(text: str) -> None:
    assert listed(text) == ["b"]


@pytest.mark.parametrize(
    "text",
    [
        (
            "We found that the protein of pollock breaks down at 60 degrees, so the gel strength "
            "of surimi falls. An additive without phosphate keeps the texture of fish cake."
        ),
        (
            "Equipment: plunger, thermometer, centrifuge, rheometer, spectrometer, freezer, mill, "
            "mixer, extruder, oven, smoker, packer, scale, sealer, surimi line, gel press"
        ),
        "Gel strength of frozen surimi",
    ],
)
def test_prose_lists_of_other_words_and_titles_speak(text: str) -> None:
    assert listed(text) == ["a", "b"]


def test_a_text_older_than_the_need_is_no_copy_of_it() -> None:
    assert listed(NEED, year=2020) == ["a", "b"]
    assert listed(NEED, year=2026) == ["b"]


def test_a_question_in_the_words_of_a_text_finds_it() -> None:
    question = "Which protein breaks down and at which temperature does it do so?"
    assert listed(NEED, need=question)[0] == "a"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The yeast of the shochu is grown in a tank, and the tank is cleaned by the staff.", 0),
        ("one-two three four five six seven eight nine ten eleven twelve", 12),
        ("焼酎の酵母を大麦の麹で育て、蒸留の前に香気の成分を分析する工程を設計した。", 0),
        ("焼酎 酵母 大麦、麹、蒸留 香気 分析 成分 発酵 容器 樹脂 設計", 12),
    ],
)
def test_a_bare_run_has_no_grammar(text: str, number: int) -> None:
    assert len(bare_run_words(normalise(text))) >= number
    assert bool(bare_run_words(normalise(text))) == bool(number)
