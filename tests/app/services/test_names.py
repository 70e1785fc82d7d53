"""Names among ten thousand partners, in processor time: the machine may have other work."""

import time

import numpy as np
import pytest
from sqlalchemy import insert

from app.cli.opening import TERMINAL
from app.db import Database
from app.services.duplicates import possible_duplicates
from app.services.partners import list_partners
from matching.names import KEY_LENGTH, name_keys, sort_key
from matching.names.surnames import _TABLE
from models import Partner, new_id, partner_name_keys, utc_now
from models.name import KEY_LENGTH as STORED_LENGTH

MANY = 10_000
SURNAMES = [entry.split()[0] for entry in _TABLE.replace("\n", ";").split(";") if entry.strip()]
GIVEN = [a + b for a in "太一健真浩雅美由和正直智裕恵翔悠陽" for b in "郎子介人美樹也香司菜"]


def test_a_key_fits_its_column() -> None:
    assert KEY_LENGTH == STORED_LENGTH


@pytest.fixture
def crowd(database: Database) -> None:
    """Ten thousand made-up people, every thirtieth of whom is there twice."""
    rows, keys = [], []
    for number in range(MANY):
        draw = number if number % 30 else number + 1
        name = f"{SURNAMES[draw % len(SURNAMES)]} {GIVEN[draw // 7 % len(GIVEN)]}{draw // 1190}"
        row_id = new_id()
        rows.append(
            {
                "id": row_id,
                "kind": "researcher",
                "name_ja": name,
                "name_sort": sort_key(name, None, None, personal=True),
                "languages": [],
                "engagement_types": [],
                "created_at": utc_now(),
                "updated_at": utc_now(),
            }
        )
        kinds = name_keys(name, None, None).kinds()
        keys += [{"partner_id": row_id, "key": k, "kind": kind} for k, kind in kinds.items()]
    with database.writing() as session:
        session.execute(insert(Partner), rows)
        session.execute(insert(partner_name_keys), keys)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.usefixtures("crowd")
def test_ten_thousand_partners_are_searched_at_once(database: Database) -> None:
    asked = [
        "くろき",
        "高橋 太郎",
        "Takahashi",
        "T",
        "かわの",
        "髙",
        "河野",
        "太郎5",
        "Shim",
        "zzz",
    ]
    for order in ("created", "name"):
        times = []
        for name in asked * 10:
            with database.reading() as session:
                start = time.process_time()
                list_partners(
                    session, actor=TERMINAL, cursor=None, limit=50, name=name, order=order
                )
                times.append(time.process_time() - start)
        assert np.quantile(times, 0.95) < 0.05, order


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.usefixtures("crowd")
def test_pairs_among_ten_thousand_partners(database: Database) -> None:
    with database.reading() as session:
        start = time.process_time()
        found = possible_duplicates(session, limit=50)
        assert time.process_time() - start < 5
    assert MANY / 40 < found.total < MANY / 20
