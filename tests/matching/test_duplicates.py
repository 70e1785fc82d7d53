"""What a partner says twice counts once."""

from hypothesis import given
from hypothesis import strategies as st

from tests.matching.factories import (
    WORDS,
    ask,
    corpus_of,
    make_corpus,
    make_evidence,
    make_partner,
    make_query,
    repeatable,
)

LONG = "gel strength of frozen surimi from pollock after two months in a cold store near the port"


def test_near_duplicates_are_left_out_and_other_work_is_kept() -> None:
    corpus = corpus_of({"a": [LONG, f"{LONG} (2)", f"New: {LONG}", "robot arm for fish"]})
    assert [piece.id for piece in corpus.evidence] == ["a0", "a3"]


def test_short_titles_that_differ_in_a_word_are_two_works() -> None:
    corpus = corpus_of({"a": ["HPLC for sugars", "HPLC for acids", "For sugars: HPLC"]})
    assert [piece.id for piece in corpus.evidence] == ["a0", "a1"]


def test_two_partners_may_say_the_same() -> None:
    corpus = corpus_of({"a": [LONG], "b": [LONG]})
    assert len(corpus.evidence) == 2


def test_an_excluded_piece_takes_its_copies_with_it() -> None:
    corpus = make_corpus(
        [make_partner("a"), make_partner("b")],
        [
            make_evidence("first", "a", LONG),
            make_evidence("copy", "a", f"{LONG} again"),
            make_evidence("other", "b", "robot"),
        ],
    )
    query = make_query(LONG, excluded_evidence=frozenset({"copy"}))
    assert [match.partner.id for match in ask(corpus, query).matches] == ["b"]
    part = corpus.only(["a"])
    assert ask(part, query).matches == ()


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), st.integers(1, 20))
@repeatable
def test_clones_change_no_score(words: list[str], number: int) -> None:
    text = " ".join(words)
    once = corpus_of({"a": [text], "b": ["robot arm"]})
    often = corpus_of({"a": [text] * number, "b": ["robot arm"]})
    for asked in (text, "surimi gel robot"):
        assert [(m.partner.id, m.score) for m in ask(once, asked).matches] == [
            (m.partner.id, m.score) for m in ask(often, asked).matches
        ]
