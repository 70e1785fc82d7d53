"""A backup is one state, is restored whole, and brings no erased person back."""

import errno
import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from typer.testing import CliRunner

from app.cli import app as commands
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.jobs import backups, checkpoints
from app.jobs.backups import back_up, file_of, restore
from app.jobs.erasing import erase
from app.main import create_app
from app.services.audit_heads import read_head
from app.services.audit_verification import verify
from app.services.backup_manifests import beside, read
from app.services.corpus import Engine
from app.services.erasure_ledger import Ledger
from app.services.keys import create_key
from app.settings import Settings, get_settings
from matching.encoders import make_encoder
from models import Capability, Organisation, Partner, Role
from tests.app.asking import eventually, get
from tests.app.jobs.killing import kills
from tests.app.persons import MARKS, ORCID, store_person
from tests.conftest import engines_of, with_key
from tests.factories import make_capability, make_need, make_organisation, make_partner

pytestmark = pytest.mark.sqlite("copies of its file; test_dumps.py has those of PostgreSQL")

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
RUNNER = CliRunner()


def _region(database: Database) -> tuple[str, str]:
    """Some partners, a need and a key; returns the need's id and the key."""
    with database.writing(SYSTEM) as session:
        home = make_organisation(session)
        texts = ("Browning of citrus juice", "Silver sintering on copper", "Juice in bottles")
        for number, title in enumerate(texts):
            who = make_partner(session, name_en=f"Partner {number}")
            make_capability(session, who, title_en=title, text_en=f"{title} is what we study.")
        need = make_need(
            session, organisation_id=home.id, title_en="Juice", brief_en="Citrus juice turns brown."
        )
        _, secret = create_key(session, name="staff", role=Role.COORDINATOR)
        return str(need.id), secret


def _engine(settings: Settings) -> Engine:
    database = Database.at(settings.url)
    return Engine.make(database, make_encoder("hashing"), inline=100, sentence_cache=100)


def _list(settings: Settings, need: str, secret: str) -> Any:
    """The match list of a need from an application that is started on these settings."""
    engine = _engine(settings)
    with TestClient(create_app(settings, engines_of(engine))) as client:
        found = get(with_key(client, secret), f"/v1/needs/{need}/matches")
    engine.database.engine.dispose()
    return found["items"]


def _go_elsewhere(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Another machine: an empty data folder, into which the secret key is put."""
    folder.mkdir()
    shutil.copy(settings.data_dir / "secret.key", folder / "secret.key")
    monkeypatch.setenv("ENMUSUBI_DATA_DIR", str(folder))
    get_settings.cache_clear()
    return get_settings()


@pytest.mark.slow
def test_a_restored_copy_gives_the_same_lists(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made while others write, put elsewhere, served there."""
    need, secret = _region(database)
    before = _list(settings, need, secret)
    ended = threading.Event()
    written = [0]

    def write() -> None:
        busy = Database.at(settings.url)
        while not ended.is_set():
            # Two rows in one transaction: a copy that is no single state holds one of them.
            with busy.writing(SYSTEM) as session:
                session.add(Organisation(kind="company", name_en=f"w{written[0]}a", name_sort=""))
                session.add(Organisation(kind="company", name_en=f"w{written[0]}b", name_sort=""))
            written[0] += 1
        busy.engine.dispose()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        eventually(lambda: written[0], seconds=60)
        copies = [tmp_path / f"copy-{number}.db" for number in range(3)]
        for copy in copies:
            back_up(database, Ledger(settings.ledger), copy)
    finally:
        ended.set()
        writer.join()
    for copy in copies:
        assert copy.stat().st_mode & 0o777 == beside(copy).stat().st_mode & 0o777 == 0o600
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (half,) = connection.execute(
                "SELECT count(*) FROM organisations WHERE name_en LIKE 'w%'"
            ).fetchone()
        assert half % 2 == 0
    assert [p.name for p in tmp_path.glob("copy-*") if p.suffix not in (".db", ".json")] == []

    elsewhere = _go_elsewhere(settings, tmp_path / "elsewhere", monkeypatch)
    target = Database.at(elsewhere.url)
    manifest, moved = restore(
        target, Ledger(elsewhere.ledger), copies[-1], folder=elsewhere.data_dir, now=NOW
    )
    assert moved is None
    with target.reading(SYSTEM) as session:
        assert verify(session, read_head(manifest.audit_head)).fault is None
    assert _list(elsewhere, need, secret) == before
    target.engine.dispose()


def test_who_was_erased_since_stays_erased(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with database.writing(SYSTEM) as session:
        store_person(session)
    copy = tmp_path / "safe" / "copy.db"
    ledger = Ledger(settings.ledger)
    back_up(database, ledger, copy)
    erase(database, ledger, ORCID, reason="request")
    database.engine.dispose()
    (tmp_path / "snapshots" / "x").mkdir(parents=True)

    answer = RUNNER.invoke(commands, ["restore", str(copy), "--replace"])

    assert answer.exit_code == 0, answer.output
    assert "audit log verifies" in answer.output
    with database.reading(SYSTEM) as session:
        assert session.scalar(select(func.count()).where(Partner.orcid == ORCID)) == 0
    content = file_of(database).read_bytes()
    assert not [mark for mark in MARKS if mark.encode() in content]
    assert not (tmp_path / "snapshots").exists()
    assert len(list(tmp_path.glob("enmusubi.db.replaced-*"))) == 1


def test_the_command_says_what_belongs_to_it(settings: Settings, tmp_path: Path) -> None:
    answer = RUNNER.invoke(commands, ["backup", "safe.db"])
    assert answer.exit_code == 0, answer.output
    told = " ".join(answer.output.split())
    assert "secret.key" in told
    assert "erasures.jsonl" in told
    manifest = read(Path("safe.db"))
    assert manifest.size == Path("safe.db").stat().st_size
    assert RUNNER.invoke(commands, ["backup", "safe.db"]).exit_code != 0  # never overwritten


def _refused(settings: Settings, database: Database, copy: Path, **options: Any) -> str:
    with pytest.raises(Problem) as caught:
        restore(
            database,
            Ledger(settings.ledger),
            copy,
            folder=settings.data_dir,
            now=NOW,
            **options,
        )
    return caught.value.detail


def _replaced(settings: Settings, database: Database, copy: Path) -> Path:
    """Restored over what was there; where that lies now."""
    ledger = Ledger(settings.ledger)
    _, moved = restore(database, ledger, copy, folder=settings.data_dir, now=NOW, replace=True)
    assert moved is not None
    return moved


@pytest.fixture
def copy(settings: Settings, database: Database, tmp_path: Path) -> Path:
    """A copy of the database."""
    with database.writing(SYSTEM) as session:
        make_partner(session)
    file = tmp_path / "copy.db"
    back_up(database, Ledger(settings.ledger), file)
    return file


def test_a_database_in_use_is_not_replaced(
    settings: Settings, database: Database, engine: Engine, copy: Path
) -> None:
    before = file_of(database).read_bytes()
    assert "--replace" in _refused(settings, database, copy)
    other = sqlite3.connect(file_of(database))  # idle, as that of a service at night
    other.execute("SELECT count(*) FROM partners").fetchall()
    assert "stop the service" in _refused(settings, database, copy, replace=True)
    other.close()
    assert file_of(database).read_bytes() == before
    database.engine.dispose()
    _replaced(settings, database, copy)
    with database.reading(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Partner)) == 1


def test_a_full_disk_leaves_everything_in_its_place(
    settings: Settings, database: Database, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half copy of a database holds persons whom no erasure would reach."""
    before = file_of(database).read_bytes()
    names = {path.name for path in settings.data_dir.iterdir()}
    modes = []

    def full(_whole: IO[bytes], file: IO[bytes]) -> None:
        modes.append(os.fstat(file.fileno()).st_mode & 0o777)
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    assert "No space left" in _refused(settings, database, copy, replace=True)
    assert modes == [0o600]
    assert file_of(database).read_bytes() == before
    assert {path.name for path in settings.data_dir.iterdir()} - names <= {"enmusubi.db-shm"}


def test_a_copy_that_is_found_damaged_is_not_left_behind(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "damaged")

    monkeypatch.setattr(backups, "describe", damaged)
    target = tmp_path / "copies" / "one.db"
    with pytest.raises(Problem):
        back_up(database, Ledger(settings.ledger), target)
    assert list(target.parent.iterdir()) == []


def test_a_killed_backup_leaves_nothing_for_long(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """Half a copy holds persons whom no erasure would reach, and a manifest alone misleads."""
    with database.writing(SYSTEM) as session:
        make_partner(session)
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "of-others.part").touch()
    days = iter(range(10))

    def work(database: Database) -> None:
        back_up(database, Ledger(settings.ledger), folder / f"{next(days)}.db")

    where = []
    for name in kills(database, work, anew=lambda: None):
        where.append(name)
        left = {path.name for path in folder.iterdir()} - {"of-others.part"}
        assert any(path.endswith(backups.PART) for path in left)
        assert not any(path.endswith(".db") for path in left)
        assert next(days) is not None
    assert tuple(where) == checkpoints.BACKUP
    assert {path.name for path in folder.iterdir()} == {"of-others.part", "2.db", "2.db.json"}
    read(folder / "2.db")


def test_two_backups_at_once_leave_each_other_alone(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(settings.ledger)

    def meanwhile(_: str) -> None:
        monkeypatch.setattr(checkpoints, "watch", None)
        back_up(database, ledger, tmp_path / "second.db")

    monkeypatch.setattr(checkpoints, "watch", meanwhile)
    back_up(database, ledger, tmp_path / "first.db")
    assert read(tmp_path / "first.db").sha256 == read(tmp_path / "second.db").sha256


@pytest.mark.parametrize("damage", ["lost", "empty", "overwritten"])
def test_the_log_of_a_damaged_database_is_kept(
    settings: Settings, database: Database, copy: Path, damage: str
) -> None:
    """The last changes may be in it alone; beside the copy it would be taken for the copy's."""
    place = file_of(database)
    log = place.with_name(f"{place.name}-wal")
    with database.writing(SYSTEM) as session:
        make_partner(session, name_en="Canary of the log")
    changes = log.read_bytes()
    assert b"Canary of the log" in changes
    database.engine.dispose()
    if damage == "lost":
        place.unlink()
    else:
        place.write_bytes(b"" if damage == "empty" else b"no database" * 1000)
    log.write_bytes(changes)  # as a process leaves it that is killed
    assert "--replace" in _refused(settings, database, copy)
    assert log.read_bytes() == changes
    moved = _replaced(settings, database, copy)
    assert moved.with_name(f"{moved.name}-wal").read_bytes() == changes
    assert not log.exists()
    with database.reading(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Partner)) == 1


def test_damage_is_found(settings: Settings, database: Database, copy: Path) -> None:
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "damaged" in _refused(settings, database, copy)
    copy.write_bytes(whole[:-4096])
    assert "damaged" in _refused(settings, database, copy)
    beside(copy).write_text("{")
    assert "manifest" in _refused(settings, database, copy)
    beside(copy).unlink()
    assert "lacks copy.db.json" in _refused(settings, database, copy)


def _changed(copy: Path, **values: object) -> None:
    beside(copy).write_text(json.dumps(json.loads(beside(copy).read_text()) | values))


def test_what_does_not_belong_together_is_refused(
    settings: Settings, database: Database, copy: Path
) -> None:
    as_made = beside(copy).read_text()
    for values, word in (
        ({"ledger_lines": 1}, "erased persons would come back"),
        ({"secret": "0" * 64}, "another secret key"),
        ({"migration": "9999"}, "newer version"),
        ({"format": "enmusubi-backup-2"}, "another version"),
    ):
        beside(copy).write_text(as_made)
        _changed(copy, **values)
        assert word in _refused(settings, database, copy)
    beside(copy).write_text(as_made)
    _changed(copy, ledger_lines=1)
    database.engine.dispose()
    restore(
        database,
        Ledger(settings.ledger),
        copy,
        folder=settings.data_dir,
        now=NOW,
        replace=True,
        ledger_is_lost=True,
    )


def test_postgresql_has_its_own_tools(settings: Settings, tmp_path: Path) -> None:
    database = Database.at("postgresql://127.0.0.1:9/none")
    with pytest.raises(Problem, match="its own tools"):
        back_up(database, Ledger(settings.ledger), tmp_path / "copy.db")


def test_a_copy_holds_no_old_bytes(settings: Settings, database: Database, tmp_path: Path) -> None:
    """Free pages are left behind: what was deleted is not in a copy that is made afterwards."""
    with database.writing(SYSTEM) as session:
        who = make_partner(session)
        make_capability(session, who, title_en="Canary of old pages")
    with database.writing(SYSTEM) as session:
        session.delete(session.scalars(select(Capability)).one())
    back_up(database, Ledger(settings.ledger), tmp_path / "copy.db")
    assert b"Canary of old pages" not in (tmp_path / "copy.db").read_bytes()
