"""A start from a snapshot gives what the rows give; none that is not right is believed."""

import errno
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select

from app.cli.opening import open_database
from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.erasing import cleanse, erase
from app.main import make_engines
from app.services import snapshots as module
from app.services.changes import State, note_all_changed, state_of
from app.services.corpus import CorpusCache
from app.services.corpus_reading import Loaded
from app.services.erasure_ledger import Ledger
from app.services.snapshots import FOLDER, LOCK, Snapshots
from app.settings import Settings
from matching.corpus import Corpus
from matching.encoders.hashing import HashingEncoder
from models import Capability, CorpusSnapshot, Partner
from tests.app.services.test_corpus_following import held
from tests.copies import keep
from tests.factories import make_capability, make_partner

TITLES = ("Drying figs", "Welding steel", "Sorting shrimps", "Bitter taste of citrus peel")


@pytest.fixture
def filled(database: Database) -> Database:
    """Four partners with a paper each, all embedded."""
    with database.writing() as session:
        for title in TITLES:
            make_capability(session, make_partner(session), title_en=title)
    encoder = HashingEncoder()
    embed_pending(database, encoder, pending_texts(database, encoder))
    return database


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.data_dir / FOLDER


def process(settings: Settings) -> CorpusCache:
    """The cache of another process, for which every corpus is large."""
    return CorpusCache(
        HashingEncoder(), inline=1000, large=1, snapshots=Snapshots(settings.data_dir)
    )


def load(corpora: CorpusCache, database: Database) -> Loaded:
    with database.reading() as session:
        return corpora.current(session)


def state(database: Database) -> State:
    with database.reading() as session:
        return state_of(session)


def save(database: Database, settings: Settings) -> Loaded:
    """What a process does after it has read all rows."""
    corpora = process(settings)
    found = load(corpora, database)
    assert corpora.wants_build
    corpora.rebuild(database)
    return found


def saved(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*-*") if path.is_dir())


@pytest.fixture
def no_rows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and reading all rows is an error."""

    def forbid() -> None:
        monkeypatch.setattr(
            "app.services.corpus_reading.read_all", lambda _: pytest.fail("read all rows")
        )

    return forbid


def add(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session), title_en="Fresh water for eels")


def test_a_start_opens_the_snapshot_and_follows_the_log(
    filled: Database, settings: Settings, folder: Path, no_rows: Callable[[], None]
) -> None:
    save(filled, settings)
    add(filled)
    anew = load(CorpusCache(HashingEncoder(), inline=1000), filled)
    no_rows()
    started = load(process(settings), filled)
    assert held(started.corpus) == held(anew.corpus)
    assert started.base < started.revision == anew.revision
    (path,) = saved(folder)
    assert {oct(p.stat().st_mode & 0o777) for p in (folder, path.parent, path)} == {"0o700"}
    assert {oct(p.stat().st_mode & 0o777) for p in path.iterdir()} == {"0o600"}


def test_only_the_newest_is_kept(filled: Database, settings: Settings, folder: Path) -> None:
    save(filled, settings)
    add(filled)
    corpora = process(settings)
    load(corpora, filled)
    before = saved(folder)
    corpora._since = float("-inf")  # so long ago was it made from all rows
    assert corpora.wants_build
    corpora.rebuild(filled)
    assert len(saved(folder)) == len(before) == 1
    assert saved(folder) != before
    with filled.reading() as session:
        assert len(session.scalars(select(CorpusSnapshot)).all()) == 1
    assert load(corpora, filled).corpus.drift == 0


def test_one_builds_and_another_takes_it_over(
    filled: Database, settings: Settings, no_rows: Callable[[], None]
) -> None:
    save(filled, settings)
    add(filled)
    one, other = process(settings), process(settings)
    load(one, filled)
    load(other, filled)
    with other._snapshots.alone() as mine:  # type: ignore[union-attr]
        assert mine
        one.rebuild(filled)
        assert load(one, filled).corpus.drift > 0  # somebody else is at it
    one.rebuild(filled)
    no_rows()
    other.rebuild(filled)
    assert load(other, filled).corpus.drift == 0


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _flip(file: Path) -> None:
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    file.write_bytes(bytes_)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink], ids=["cut", "flipped", "missing"])
@pytest.mark.parametrize("name", ["arrays", "manifest"])
def test_a_damaged_one_is_found_and_made_anew(
    filled: Database,
    settings: Settings,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    damage: Callable[[Path], None],
) -> None:
    save(filled, settings)
    (path,) = saved(folder)
    damage(path / name)
    corpora = process(settings)
    with caplog.at_level(logging.WARNING):
        found = load(corpora, filled)
    assert "cannot be used" in caplog.text
    assert len(found.corpus.evidence) == len(TITLES)
    assert not path.exists()
    corpora.rebuild(filled)
    assert len(saved(folder)) == 1


def test_one_of_another_encoder_words_program_or_database_is_not_used(
    filled: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(filled, settings)
    held_here = Snapshots(settings.data_dir)

    def opens() -> bool:
        with filled.reading() as session:
            found = held_here.open_newest(session, HashingEncoder(), state_of(session))
        return found is not None

    assert opens()
    with monkeypatch.context() as patch:
        patch.setattr(module, "words_id", lambda: "other words")
        assert not opens()
    with monkeypatch.context() as patch:
        patch.setattr(module, "_program", lambda: "another program")
        assert not opens()
    with monkeypatch.context() as patch:
        patch.setattr(HashingEncoder, "id", "another encoder")
        assert not opens()
    assert opens()
    with filled.writing() as session:
        session.execute(delete(CorpusSnapshot))  # as in a backup from before
    assert not opens()


def test_a_restored_database_gets_none_of_a_later_state(
    filled: Database, settings: Settings, folder: Path
) -> None:
    restore = keep(filled, settings.data_dir)
    with filled.writing() as session:
        make_capability(session, make_partner(session), title_en="Never to be seen again")
    save(filled, settings)
    restore()
    add(filled)  # its revision is that of the snapshot again
    corpora = process(settings)
    found = load(corpora, filled)
    texts = {found.corpus.evidence[int(row)].text for row in np.flatnonzero(found.corpus.alive)}
    assert texts == {*TITLES, "Fresh water for eels"}
    corpora.rebuild(filled)  # and the foreign one goes
    assert len(saved(folder)) == 1


def test_an_erasure_leaves_no_byte_of_any(
    filled: Database, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.corpus.REST", 0)  # however long the build took
    with filled.reading() as session:
        one = session.scalars(select(Capability).where(Capability.title_en == TITLES[0])).one()
    running = process(settings)
    load(running, filled)
    running.rebuild(filled)
    (path,) = saved(folder)
    assert TITLES[0].encode() in (path / "arrays").read_bytes()
    ledger = Ledger(settings.ledger)
    erase(filled, ledger, str(one.partner_id), reason="request")

    with filled.reading() as session:
        newest = Snapshots(settings.data_dir).open_newest(
            session, HashingEncoder(), state_of(session)
        )
        assert newest is None
    assert cleanse(filled, ledger, folder=settings.data_dir)

    assert [path.name for path in folder.iterdir()] == [LOCK]
    found = load(running, filled)
    assert TITLES[0] not in {
        e.text for e in found.corpus.evidence if e.partner in found.corpus.position
    }
    assert running.wants_build  # until then its memory still holds the text
    running.rebuild(filled)
    (path,) = saved(folder)
    assert TITLES[0].encode() not in (path / "arrays").read_bytes()
    assert TITLES[0] not in {e.text for e in load(running, filled).corpus.evidence}


def test_what_was_read_before_an_erasure_is_not_saved_after_it(
    filled: Database, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled.reading() as session:
        somebody = session.scalars(select(Partner)).first()
    assert somebody is not None
    corpora = process(settings)
    load(corpora, filled)
    whole = Corpus.save

    def erased_meanwhile(corpus: Corpus, path: Path) -> None:
        whole(corpus, path)
        erase(filled, Ledger(settings.ledger), str(somebody.id), reason="request")

    monkeypatch.setattr(Corpus, "save", erased_meanwhile)
    corpora.rebuild(filled)
    assert saved(folder) == []


def test_what_else_lies_there_stops_no_erasure(
    filled: Database, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    save(filled, settings)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = elsewhere / "file"
    kept.write_text("kept")
    (path,) = saved(folder)
    for place in (folder, path.parent):
        (place / "copy.tar").write_text(TITLES[0])
        (place / "link").symlink_to(elsewhere)
    assert cleanse(filled, Ledger(settings.ledger), folder=settings.data_dir)
    assert [path.name for path in folder.iterdir()] == [LOCK]
    assert kept.read_text() == "kept"


def test_an_erasure_waits_for_whoever_writes_one(filled: Database, settings: Settings) -> None:
    save(filled, settings)
    ledger = Ledger(settings.ledger)
    with Snapshots(settings.data_dir).alone():
        assert not cleanse(filled, ledger, folder=settings.data_dir, patience=0)
    assert cleanse(filled, ledger, folder=settings.data_dir)


def test_a_full_disk_leaves_the_service_serving(
    filled: Database,
    settings: Settings,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)  # where it comes out, whatever was buffered
    corpora = process(settings)
    before = load(corpora, filled)
    corpora.rebuild(filled)
    assert "No space left on device" in caplog.text
    assert saved(folder) == []
    assert load(corpora, filled) == before
    monkeypatch.undo()
    add(filled)
    assert len(load(corpora, filled).corpus.partners) == len(TITLES) + 1


def test_what_is_not_in_the_log_makes_every_snapshot_useless(
    filled: Database, settings: Settings
) -> None:
    save(filled, settings)
    with filled.writing() as session:
        note_all_changed(session)
    found = load(process(settings), filled)
    assert found.base == found.revision == state(filled).revision


def test_the_setting_switches_them_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:

    open_database()
    assert make_engines(settings)._limits.snapshots is not None
    assert make_engines(settings.model_copy(update={"snapshots": False}))._limits.snapshots is None
