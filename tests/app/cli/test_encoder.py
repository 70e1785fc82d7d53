"""A change of the encoder on the command line: refused, made, looked at, given up."""

import json
import re
from typing import Any

import pytest

from app.cli import app, data
from app.db import Database
from app.errors import Problem
from app.jobs import embedding
from app.jobs.changing import change_over
from app.jobs.embedding import embed_pending, pending_texts
from app.services.embeddings import count_passages
from app.services.encoders import adopt, ask_for, serving
from app.settings import Settings, get_settings
from matching.encoders.hashing import HashingEncoder
from tests.app.cli.test_commands import RUNNER, run
from tests.app.encoders import SUBJECTS, FakeEncoder, embed, fill, left, maker, offered, right
from tests.factories import make_need


@pytest.fixture
def by_left(database: Database) -> Database:
    """A database that left has read and serves; the settings ask for `hashing`."""
    fill(database)
    embed(database, left())
    with database.writing() as session:
        make_need(session, external_id="n-7")
    return database


def served_by(database: Database) -> str | None:
    """Id of the encoder that serves."""
    with database.reading() as session:
        row = serving(session)
    return None if row is None else row.encoder_id


def plain(text: str) -> str:
    """In one line, however wide the terminal is."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    "arguments",
    [["match", "n-7"], ["match", "--text", "juice"], ["team", "n-7"], ["bench", "match"]],
)
def test_ranking_with_another_encoder_is_refused(by_left: Database, arguments: list[str]) -> None:
    result = RUNNER.invoke(app, arguments)

    assert isinstance(result.exception, Problem)
    assert str(result.exception) == (
        "This database is embedded with ENMUSUBI_ENCODER=left, but the settings ask for "
        "ENMUSUBI_ENCODER=hashing: change over with `enmusubi embed`, or set "
        "ENMUSUBI_ENCODER=left."
    )
    assert served_by(by_left) == left().id
    with by_left.reading() as session:
        assert count_passages(session) == {left().id: len(SUBJECTS)}


def test_embed_changes_over_and_says_so(by_left: Database) -> None:
    printed = plain(run("embed"))

    assert f"Embedded {len(SUBJECTS)} texts" in printed
    assert f"{HashingEncoder().id} serves now instead of {left().id}." in printed
    with by_left.reading() as session:
        assert count_passages(session) == {HashingEncoder().id: len(SUBJECTS)}
    assert "Expert on" in run("match", "n-7")
    assert "Nothing was left" in run("embed")


def test_an_interrupted_embed_goes_on_and_the_old_encoder_serves_meanwhile(
    by_left: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "CHUNK", 3)
    encode, calls = HashingEncoder.encode, 0

    def interrupted(self: HashingEncoder, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return encode(self, *args, **kwargs)

    monkeypatch.setattr(HashingEncoder, "encode", interrupted)
    stopped = RUNNER.invoke(app, ["embed"])
    assert stopped.exit_code == 130
    assert "Run it again to go on" in stopped.stderr
    assert served_by(by_left) == left().id

    printed = run("embed")
    found = re.search(r"Embedded (\d+) texts", printed)
    assert found is not None
    assert 5 <= int(found[1]) <= 6  # of eight, in chunks of three, three and two
    assert served_by(by_left) == HashingEncoder().id


def test_embed_gives_way_to_who_asked_last(
    by_left: Database, monkeypatch: pytest.MonkeyPatch
) -> None:

    def overtaken(database: Database, *args: Any, **kwargs: Any) -> bool:
        with database.writing() as session:
            ask_for(session, offered(right()))
        return change_over(database, *args, **kwargs)

    monkeypatch.setattr(data, "change_over", overtaken)

    result = RUNNER.invoke(app, ["embed"])

    assert "`enmusubi encoder status`" in str(result.exception)
    assert served_by(by_left) == left().id


@pytest.mark.slow
def test_embed_mends_vectors_of_a_wrong_length(database: Database) -> None:
    fill(database)
    run("embed")
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE embeddings SET vector = substr(vector, 1, 8)"
            " WHERE content_hash IN (SELECT content_hash FROM embeddings LIMIT 2)"
        )

    refused = RUNNER.invoke(app, ["match", "--text", "juice"])
    assert "Run `enmusubi embed`" in str(refused.exception)
    assert "Forgot 2 vectors" in run("embed")
    assert "Expert on" in run("match", "--text", "juice")


def test_demo_changes_over_before_its_list(by_left: Database) -> None:
    assert "serves now instead of" in plain(run("demo"))
    assert served_by(by_left) == HashingEncoder().id


def test_demo_that_serves_makes_nobody_wait(
    by_left: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = []
    monkeypatch.setattr("app.cli.serving._serve", lambda engines, *_: served.append(engines))

    printed = plain(run("demo", "--serve"))

    # The fake cannot be made by its name here, so that words serve until the change is done.
    assert "words-only" in printed
    assert served_by(by_left) == left().id
    assert len(served) == 1


def test_status_of_a_new_and_of_a_settled_database(database: Database) -> None:
    assert "No encoder is known to serve" in run("encoder", "status")
    fill(database)
    run("embed")

    printed = plain(run("encoder", "status"))

    assert f"Serving: {HashingEncoder().id} (ENMUSUBI_ENCODER=hashing)" in printed
    assert "Changing" not in printed
    assert "settings ask" not in printed


def test_status_of_a_change(by_left: Database) -> None:
    hashing = HashingEncoder()
    with by_left.writing() as session:
        ask_for(session, offered(right()))
    embed(by_left, right(), serves=False)
    embed_pending(by_left, hashing, pending_texts(by_left, hashing))

    printed = plain(run("encoder", "status"))
    listed = json.loads(run("encoder", "status", "--json"))

    assert f"Changing to {right().id}: not begun; nobody is at work on it." in printed
    assert "`enmusubi encoder forget` gives it up" in printed
    assert "left over" in printed
    assert "change over with `enmusubi embed`" in printed
    assert listed["serving"] == {"encoder": left().id, "settings": "ENMUSUBI_ENCODER=left"}
    assert listed["wanted"]["encoder"] == listed["change"]["encoder"] == right().id
    assert {each["encoder"] for each in listed["stored"]} == {left().id, right().id, hashing.id}
    assert listed["mismatch"]


def test_status_says_why_an_encoder_cannot_be_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENMUSUBI_ENCODER", "nonsense")
    get_settings.cache_clear()

    assert "the choices are" in plain(run("encoder", "status"))


def test_forget_gives_a_change_up(by_left: Database) -> None:
    with by_left.writing() as session:
        ask_for(session, offered(right()))
    embed(by_left, right(), serves=False)

    assert f"Forgot {len(SUBJECTS)} vectors" in run("encoder", "forget")
    assert "nothing to forget" in run("encoder", "forget")
    with by_left.reading() as session:
        assert count_passages(session) == {left().id: len(SUBJECTS)}
    assert "Changing" not in run("encoder", "status")


def test_an_old_database_is_adopted_by_a_command(database: Database) -> None:
    """As one of before this version: vectors, and nothing that says whose they are."""
    fill(database)
    hashing = HashingEncoder()
    embed_pending(database, hashing, pending_texts(database, hashing))
    assert served_by(database) is None

    assert "Expert on" in run("match", "--text", "juice")
    assert served_by(database) == hashing.id


@pytest.mark.slow
def test_an_old_database_of_another_encoder_is_adopted_and_refused(database: Database) -> None:
    fill(database)
    embed(database, FakeEncoder("elsewhere"), serves=False)

    result = RUNNER.invoke(app, ["match", "--text", "juice"])

    assert "fake-elsewhere:v1" in str(result.exception)
    assert "`enmusubi embed`" in str(result.exception)
    assert served_by(database) == "fake-elsewhere:v1"
    with database.writing() as session:
        adopt(session, offered(left()), make=maker())  # once is enough
    assert served_by(database) == "fake-elsewhere:v1"
