"""Words by Sudachi; most tests need the optional packages."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching import sudachi
from matching.lexical import count_terms
from matching.sudachi import SudachiError, sudachi_words
from matching.text import BIGRAMS, read_japanese_by, tokens, words_id
from tests.matching.factories import repeatable

needs_sudachi = pytest.mark.skipif(
    find_spec("sudachipy") is None or find_spec("sudachidict_small") is None,
    reason="needs the optional packages: pip install 'enmusubi[sudachi]'",
)


@pytest.fixture
def by_sudachi() -> Iterator[None]:
    """Words of Japanese are Sudachi's."""
    read_japanese_by(sudachi_words())
    yield
    read_japanese_by(BIGRAMS)


def test_a_missing_package_is_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudachi, "PACKAGES", ("no-such-package",))
    with pytest.raises(SudachiError, match=r"no-such-package.*pip install 'enmusubi\[sudachi\]'"):
        sudachi_words()


@needs_sudachi
@pytest.mark.usefixtures("by_sudachi")
class TestSudachi:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("はがき", "葉書"),
            ("引っ越し", "引越し"),
            ("取り扱い", "取扱い"),
            ("肺がん", "肺癌"),
            ("焼酎かす", "焼酎粕"),
            ("コンピューター", "ｺﾝﾋﾟｭｰﾀ"),
        ],
    )
    def test_spellings_of_one_word_are_one(self, one: str, other: str) -> None:
        assert tokens(one) == tokens(other) != []

    def test_grammar_is_left_out(self) -> None:
        assert tokens("これはそうすることができるようにするためのものである") == []
        assert tokens("材料を測ることができる") == ["材料", "測る"]

    def test_beside_other_words(self) -> None:
        assert tokens("AI技術でsurimiを検査") == ["ai", "技術", "surimi", "検査"]

    def test_the_id_names_the_versions(self) -> None:
        assert "sudachi-" in words_id()
        assert any(digit.isdigit() for digit in words_id().split("sudachi-")[1])

    @given(st.text(st.sampled_from("かガ材料ー々髙がんa1 。\n𠮷")) | st.text())
    @example("材" * 60_000)
    @example("あ" * 60_000)
    @repeatable
    def test_any_text_has_words_that_are_filled(self, text: str) -> None:
        assert all(word and not word.isspace() for word in tokens(text))
        assert count_terms(text) == count_terms(text)

    def test_threads_do_not_disturb_each_other(self) -> None:
        texts = [f"材料{number}の強度を測ることができる装置" * 20 for number in range(200)]
        expected = [tokens(text) for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(tokens, texts)) == expected
