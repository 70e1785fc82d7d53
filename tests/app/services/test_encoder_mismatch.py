"""A mismatch is refused with a sentence that says what to run."""

import pytest

from app.db import Database
from app.errors import Problem
from app.services.encoder_mismatch import require_serving, settings_of
from app.services.encoders import Offered, Recipe, ask_for
from tests.app.encoders import FakeEncoder, embed, fill, left, offered, right


def test_a_mismatch_says_what_to_run(database: Database) -> None:
    fill(database)
    embed(database, left())

    with database.writing() as session:
        require_serving(session, offered(left()))
        with pytest.raises(Problem) as refused:
            require_serving(session, offered(right()))
        ask_for(session, offered(right()))
        with pytest.raises(Problem) as on_its_way:
            require_serving(session, offered(right()))

    assert str(refused.value) == (
        "This database is embedded with ENMUSUBI_ENCODER=left, but the settings ask for "
        "ENMUSUBI_ENCODER=right: change over with `enmusubi embed`, or set ENMUSUBI_ENCODER=left."
    )
    assert "`enmusubi encoder status`" in str(on_its_way.value)


def test_a_mismatch_under_one_name_shows_the_ids(database: Database) -> None:
    """After an update of the program, the same name may stand for other weights."""
    fill(database)
    embed(database, left())
    newer = FakeEncoder("newer")

    with (
        database.reading() as session,
        pytest.raises(Problem, match=r"fake-left:v1.*fake-newer:v1") as refused,
    ):
        require_serving(session, Offered(Recipe("left"), newer))

    assert "or set" not in str(refused.value)


def test_settings_are_written_as_in_a_shell() -> None:
    assert settings_of(None) is None
    assert settings_of(Recipe("minilm", "query: ", "")) == "ENMUSUBI_ENCODER=minilm"
    assert settings_of(Recipe("st:/e5", "query: ", "passage: ")) == (
        'ENMUSUBI_ENCODER=st:/e5 ENMUSUBI_ENCODER_QUERY_PROMPT="query: " '
        'ENMUSUBI_ENCODER_PASSAGE_PROMPT="passage: "'
    )
