"""Records meet rows: nothing good is lost for something bad."""

from datetime import date

from sqlalchemy import select

from app.db import Database
from app.jobs.importing import store
from app.services.imports import Imported
from data.importers import ReadResult
from data.records import CapabilityRecord, NeedRecord, OrganisationRecord, PartnerRecord
from models import Capability, Need, Organisation, Partner

ORCID = "0000-0000-0000-0000"


def stored(database: Database, read: ReadResult) -> Imported:
    return store(database, read, set_name="test", today=date(2026, 11, 1))


def partner(key: str, **values: object) -> PartnerRecord:
    return PartnerRecord.model_validate({"id": key, "name": key, **values})


def test_one_identity_of_two_people_is_reported_and_both_are_kept(database: Database) -> None:
    twice = [partner("a", orcid=ORCID), partner("b", orcid=ORCID), partner("c")]

    done = stored(database, ReadResult(partners=twice))

    with database.reading() as session:
        rows = {row.external_id: row.orcid for row in session.scalars(select(Partner))}
    assert rows == {"a": ORCID, "b": None, "c": None}
    assert len(done.problems) == 1
    assert "belongs to a" in done.problems[0]
    assert stored(database, ReadResult(partners=twice)).changed == 0


def test_an_unknown_affiliation_is_reported_and_the_partner_kept(database: Database) -> None:
    done = stored(database, ReadResult(partners=[partner("a", affiliation="nowhere")]))

    assert "no organisation nowhere" in done.problems[0]
    with database.reading() as session:
        assert session.scalars(select(Partner)).one().organisation_id is None


def test_a_need_of_an_unknown_organisation_is_left_out(database: Database) -> None:
    needs = [
        NeedRecord.model_validate({"id": "n1", "title": "x", "organisation": "nowhere"}),
        NeedRecord.model_validate({"id": "n2", "title": "y"}),
    ]

    done = stored(database, ReadResult(needs=needs))

    with database.reading() as session:
        assert [need.external_id for need in session.scalars(select(Need))] == ["n2"]
    assert len(done.problems) == 1


def test_a_corrected_record_changes_what_was_corrected(database: Database) -> None:
    organisation = {"id": "o", "kind": "company", "name_en": "Old name", "city": "日南市"}
    stored(database, ReadResult(organisations=[OrganisationRecord.model_validate(organisation)]))

    organisation["name_en"] = "New name"
    done = stored(
        database, ReadResult(organisations=[OrganisationRecord.model_validate(organisation)])
    )

    assert (done.created, done.changed, done.unchanged) == (0, 1, 0)
    with database.reading() as session:
        row = session.scalars(select(Organisation)).one()
    assert (row.name_en, row.city) == ("New name", "日南市")


def test_loose_capabilities_find_stored_partners(database: Database) -> None:
    stored(database, ReadResult(partners=[partner("a")]))
    piece = CapabilityRecord.model_validate({"id": "c1", "title": "Citrus"})

    done = stored(database, ReadResult(loose_capabilities=[("a", piece), ("b", piece)]))

    assert "no partner b" in done.problems[0]
    with database.reading() as session:
        assert len(session.scalars(select(Capability)).all()) == 1
