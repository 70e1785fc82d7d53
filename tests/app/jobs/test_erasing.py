"""An erasure holds in rows, in files, against a re-import and in a restored backup."""

import shutil
import sqlite3
from typing import Any

import pytest
from sqlalchemy import func, select

from app.cli.opening import open_database
from app.db import Database
from app.errors import Problem
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.erasing import cleanse, erase, export_file, readmit, replay
from app.privacy import TABLES
from app.services.erasure_ledger import Ledger
from app.services.mail_suppressions import is_suppressed, suppress
from app.services.persons import find_person
from app.services.suppressions import Identifiers, some
from app.settings import Settings
from matching.encoders import make_encoder
from models import (
    Account,
    Base,
    Capability,
    CorpusRevision,
    Disclosure,
    Embedding,
    Erasure,
    Introduction,
    IntroductionState,
    IntroductionStep,
    Match,
    Need,
    Partner,
    PartnerKind,
    Role,
    Side,
    Suppression,
)
from tests.app.persons import (
    EMAIL,
    MARKS,
    ORCID,
    Stored,
    all_marks,
    files_under,
    found_in,
    store_person,
)
from tests.copies import keep
from tests.factories import (
    make_account,
    make_capability,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
)


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(settings.ledger)


@pytest.fixture
def stored(database: Database) -> Stored:
    """The person, all texts embedded."""
    with database.writing() as session:
        found = store_person(session)
    encoder = make_encoder("hashing")
    embed_pending(database, encoder, pending_texts(database, encoder))
    return found


def number(database: Database, table: Any, *where: Any) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def test_erases_rows_and_leaves_those_of_others(
    database: Database, ledger: Ledger, stored: Stored
) -> None:
    before = number(database, Embedding)

    done = erase(database, ledger, ORCID, reason="request").erased

    assert done.counts == {
        "needs": 1,
        "introductions": 1,
        "accounts": 1,
        "capabilities": 2,
        "partners": 1,
        "embeddings": 1,  # the shared text has another owner
    }
    assert number(database, Embedding) == before - 1
    with database.reading() as session:
        need = session.get_one(Need, stored.need)
        assert need.excluded_evidence == ["shared-paper", "other-paper"]
        assert [m.partner_id for m in session.scalars(select(Match))] == [stored.other_partner]
        disclosure = session.scalars(select(Disclosure)).one()
        assert (disclosure.partner_id, disclosure.account_id) == (None, None)
        assert session.get(Account, stored.staff) is not None
        subjects = {row.subject_id for row in session.scalars(select(Erasure))}
    assert subjects == {stored.partner, stored.account}


def test_no_row_of_a_personal_column_points_to_the_person(
    database: Database, ledger: Ledger, stored: Stored
) -> None:
    erase(database, ledger, str(stored.partner), reason="request")
    gone = {stored.partner, stored.account}
    with database.reading() as session:
        for entry in TABLES:
            if entry.name in ("erasures", "audit_entries", "partner_changes"):
                continue  # ids that lead nowhere any more: what was done stays provable
            table = Base.metadata.tables[entry.name]
            for column in (*entry.personal, *entry.withheld):
                values = (
                    set(session.scalars(select(table.c[column])))
                    if column.endswith("_id") or column == "id"
                    else set()
                )
                assert not values & gone, f"{entry.name}.{column}"


def test_a_person_is_found_by_any_identifier(database: Database, stored: Stored) -> None:
    ids = (str(stored.account), str(stored.partner))
    with database.reading() as session:
        for reference in (MARKS[4], MARKS[5], MARKS[7], ORCID, EMAIL.upper(), *ids):
            found = find_person(session, reference)
            assert found.ids == {stored.partner, stored.account}, reference


def test_refuses_what_it_does_not_know(database: Database, ledger: Ledger, stored: Stored) -> None:
    with pytest.raises(Problem, match="no person"):
        erase(database, ledger, "nobody@example.org", reason="request")
    with pytest.raises(Problem, match="none of request"):
        erase(database, ledger, ORCID, reason="because")
    assert ledger.read() == []


def test_texts_that_name_the_person_are_listed_not_changed(
    database: Database, ledger: Ledger, stored: Stored
) -> None:
    with database.writing() as session:
        need = make_need(session, brief_ja="金糸雀鳴子先生のような方を探しています。")
        other = session.get_one(Partner, stored.other_partner)
        piece = make_capability(session, other, title_en="With Canary, Naruko and others")

    done = erase(database, ledger, str(stored.partner), reason="request").erased

    listed = {(m.table, m.id, m.column) for m in done.mentions}
    assert ("needs", str(need.id), "brief_ja") in listed
    with database.reading() as session:
        assert "金糸雀鳴子" in str(session.get_one(Need, need.id).brief_ja)
        assert session.get(Capability, piece.id) is not None


def test_a_company_contact_without_account(database: Database, ledger: Ledger) -> None:
    with database.writing() as session:
        introduction = make_introduction(
            session,
            make_need(session),
            make_partner(session),
            company_contact={"name": "Mr Maker", "email": "Maker@example.com"},
        )

    erase(database, ledger, "maker@example.com", reason="request")

    with database.reading() as session:
        left = session.get_one(Introduction, introduction.id)
        assert left.company_contact is None
        assert session.scalars(select(Suppression.kind)).all() == ["email"]


def test_contact_details_that_an_account_gave_under_another_address(
    database: Database, ledger: Ledger
) -> None:
    with database.writing() as session:
        laboratory = make_partner(session, kind=PartnerKind.LABORATORY, name_en="A laboratory")
        account = make_account(
            session, email="head@example.org", role=Role.PARTNER, partner_id=laboratory.id
        )
        introduction = make_introduction(
            session,
            make_need(session),
            laboratory,
            partner_contact={"name": "The Head", "email": "private@example.org"},
            company_contact={"name": "Mr Maker", "email": "maker@example.com"},
        )
        step = IntroductionStep(
            introduction_id=introduction.id,
            state=IntroductionState.PARTNER_CONSENTED,
            side=Side.PARTNER,
            account_id=account.id,
        )
        session.add(step)

    erase(database, ledger, "head@example.org", reason="request")

    with database.reading() as session:
        left = session.get_one(Introduction, introduction.id)
        assert left.partner.name_en == "A laboratory"  # it is no person, and stays
        assert left.partner_contact is None
        assert left.company_contact is not None
        assert session.get(Account, account.id) is None


def test_an_account_alone_leaves_its_needs_and_names_what_lost_its_staff(
    database: Database, ledger: Ledger
) -> None:
    with database.writing() as session:
        account = make_account(session, email="sato@example.org", role=Role.ADMIN)
        need = make_need(session)
        session.execute(
            Base.metadata.tables["need_staff"].insert(),
            [{"need_id": need.id, "account_id": account.id}],
        )

    done = erase(database, ledger, "sato@example.org", reason="request").erased

    assert done.unstaffed_needs == [need.id]
    assert done.counts == {"accounts": 1}
    assert number(database, Need) == 1


def test_that_an_address_was_refused_is_forgotten(database: Database, ledger: Ledger) -> None:
    with database.writing() as session:
        make_account(session, email="sato@example.org", role=Role.ADMIN)
        suppress(session, "Sato@example.org", 550)
        suppress(session, "kato@example.org", 550)

    done = erase(database, ledger, "sato@example.org", reason="request").erased

    assert done.counts == {"accounts": 1, "mail_suppressions": 1}
    with database.reading() as session:
        assert not is_suppressed(session, "sato@example.org")
        assert is_suppressed(session, "kato@example.org")


def test_a_running_process_learns_of_it(database: Database, ledger: Ledger, stored: Stored) -> None:
    with database.reading() as session:
        before = session.scalar(select(CorpusRevision.value)) or 0
    erase(database, ledger, str(stored.partner), reason="request")
    with database.reading() as session:
        assert (session.scalar(select(CorpusRevision.value)) or 0) > before


def test_a_text_that_is_being_embedded_meanwhile_leaves_no_vector(
    database: Database, ledger: Ledger
) -> None:
    with database.writing() as session:
        partner = make_partner(session)
        make_capability(session, partner)
    encoder = make_encoder("hashing")
    texts = pending_texts(database, encoder)  # read before, stored after the erasure
    erase(database, ledger, str(partner.id), reason="request")
    embed_pending(database, encoder, texts)
    assert number(database, Embedding) == 0


def test_a_namesake_is_pointed_out(database: Database, ledger: Ledger, stored: Stored) -> None:
    with database.writing() as session:
        home = session.get_one(Partner, stored.partner).organisation
        assert home is not None
        twin = make_partner(session, name_ja="金糸雀鳴子", name_en=None, organisation_id=home.id)
    done = erase(database, ledger, str(stored.partner), reason="request").erased
    assert done.namesakes == [twin.id]


@pytest.mark.sqlite("the bytes of its file")
def test_no_byte_is_left_in_the_folder(
    settings: Settings, database: Database, ledger: Ledger, stored: Stored
) -> None:
    with database.writing() as session:
        vectors = _own_vectors(session, stored)
        session.get_one(Partner, stored.partner).name_en = "Formerly Canarybird"
    shutil.copytree(settings.data_dir, settings.data_dir / "evaluation")
    export = export_file(settings.data_dir, stored.partner)
    export.parent.mkdir()
    export.write_text("Naruko Canary")
    marks = all_marks() | {f"vector {n}": v for n, v in enumerate(vectors)}
    assert len({m.partition(" (")[0] for m in found_in(files_under(settings.data_dir), marks)}) > 15
    assert vectors

    erase(database, ledger, str(stored.partner), reason="request")
    assert cleanse(database, ledger, folder=settings.data_dir)

    files = files_under(settings.data_dir)
    assert found_in(files, marks | {"former": b"Canarybird"}) == []
    assert not files.get("enmusubi.db-wal")
    assert not ledger.is_pending()
    assert sqlite3.connect(settings.data_dir / "enmusubi.db").execute(
        "PRAGMA integrity_check"
    ).fetchone() == ("ok",)


def _own_vectors(session: Any, stored: Stored) -> list[bytes]:
    own = select(Capability.content_hash).where(
        Capability.partner_id == stored.partner, Capability.external_id == MARKS[12]
    )
    statement = select(Embedding.vector).where(Embedding.content_hash.in_(own))
    return [v for v in session.scalars(statement) if v]


@pytest.mark.sqlite("who holds its file")
def test_waits_for_whoever_holds_the_file_and_says_that_bytes_are_left(
    settings: Settings, database: Database, ledger: Ledger, stored: Stored
) -> None:
    reader = sqlite3.connect(settings.data_dir / "enmusubi.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM partners").fetchone()
    erase(database, ledger, str(stored.partner), reason="request")

    assert not cleanse(database, ledger, folder=settings.data_dir, patience=0)
    assert ledger.is_pending()
    assert number(database, Partner, Partner.id == stored.partner) == 0

    reader.execute("COMMIT")
    reader.close()
    open_database()  # as the service does at its start
    assert not ledger.is_pending()
    assert found_in(files_under(settings.data_dir), all_marks()) == []


def test_a_restored_backup_is_erased_before_it_is_used(
    settings: Settings,
    database: Database,
    ledger: Ledger,
    stored: Stored,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    restore = keep(database, tmp_path_factory.mktemp("backups"))
    erase(database, ledger, str(stored.partner), reason="request")
    cleanse(database, ledger, folder=settings.data_dir)
    restore()
    assert number(database, Partner, Partner.id == stored.partner) == 1

    opened = open_database()

    assert number(opened, Partner, Partner.id == stored.partner) == 0
    assert number(opened, Account, Account.id == stored.account) == 0
    assert number(opened, Suppression) > 5
    assert number(opened, Erasure) == 2
    assert found_in(files_under(settings.data_dir), all_marks()) == []
    entries = ledger.read()
    assert open_database()
    assert ledger.read() == entries


def test_a_restored_record_under_another_id_is_known_by_its_identifiers(
    database: Database, ledger: Ledger, stored: Stored
) -> None:
    erase(database, ledger, str(stored.partner), reason="request")
    with database.writing() as session:  # what an older backup held before two records were merged
        session.query(Erasure).delete()
        older = make_partner(session, name_en="N. Canary", external_id=MARKS[5])
        namesake = make_partner(session, name_ja=MARKS[0])
    assert replay(database, ledger) == 1
    assert number(database, Partner, Partner.id == older.id) == 0
    assert number(database, Partner, Partner.id == namesake.id) == 1


def test_an_erasure_that_was_killed_after_the_ledger_is_done_at_the_next_start(
    database: Database, ledger: Ledger, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.jobs.erasing.erase_person", killed)
    with pytest.raises(KeyboardInterrupt):
        erase(database, ledger, ORCID, reason="request")
    monkeypatch.undo()
    assert number(database, Partner, Partner.id == stored.partner) == 1
    assert replay(database, ledger) == 1
    assert number(database, Partner, Partner.id == stored.partner) == 0
    assert replay(database, ledger) == 0


def test_a_ledger_that_was_lost_is_completed_from_the_database(
    database: Database,
    ledger: Ledger,
    stored: Stored,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    restore = keep(database, tmp_path_factory.mktemp("backups"))
    erase(database, ledger, ORCID, reason="request")
    ledger.path.unlink()

    assert replay(database, ledger) == 0

    assert {s.subject_id for s in ledger.read()[0].subjects} == {stored.partner, stored.account}
    restore()
    assert replay(database, ledger) == 1
    assert number(database, Partner, Partner.external_id == MARKS[4]) == 0
    assert number(database, Suppression) > 5


def test_somebody_who_comes_back_with_consent(
    database: Database, ledger: Ledger, stored: Stored
) -> None:
    erase(database, ledger, ORCID, reason="request")
    assert number(database, Suppression) > 5
    assert readmit(database, ledger, Identifiers(orcid=some("0000-0001-5109-3700"))) == 0
    assert readmit(database, ledger, Identifiers(orcid=some(ORCID))) == 1
    assert number(database, Suppression) == 0
    with database.writing() as session:
        make_organisation(session)
        back = make_partner(session, name_ja=MARKS[0], orcid=ORCID)
    assert replay(database, ledger) == 0
    assert number(database, Partner, Partner.id == back.id) == 1
