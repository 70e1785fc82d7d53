"""Words of a large corpus: counted by processes, or by this one if that is not to be."""

import logging
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

import pytest

from app.services import counting
from matching.counted import Counted
from matching.counting import count_texts

TEXTS = ("Drying of kelp by waste heat.", "養殖かきの浄化")


@pytest.mark.parametrize("error", [BrokenProcessPool, OSError])
def test_without_processes_it_counts_itself(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Say, where memory is short; and the log holds no word of the texts."""

    def counted(texts: Sequence[str], processes: int = 1) -> Counted:
        if processes > 1:
            raise error(texts[0])
        return count_texts(texts)

    monkeypatch.setattr(counting, "count_texts", counted)
    monkeypatch.setattr(counting, "IN_PROCESSES", 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    with caplog.at_level(logging.WARNING):
        found = counting.count_many(TEXTS)
    assert found.words == count_texts(TEXTS).words
    assert error.__name__ in caplog.text
    assert "kelp" not in caplog.text


def test_few_texts_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(texts: Sequence[str], processes: int = 1) -> Counted:
        asked.append(processes)
        return count_texts(texts)

    monkeypatch.setattr(counting, "count_texts", counted)
    assert len(counting.count_many(TEXTS)) == len(TEXTS)
    assert asked == [1]
