import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from app.errors import Problem
from app.services import passwords
from app.services.passwords import (
    hash_password,
    needs_rehash,
    require_good_password,
    verify_password,
)
from tests.app.people import OTHER, PASSWORD


def test_the_parameters_are_strong() -> None:
    """Those of RFC 9106 for machines with little memory."""
    found = extract_parameters(hash_password(PASSWORD))
    assert found.type is Type.ID
    assert found.memory_cost >= 65536
    assert found.time_cost >= 3


@pytest.mark.usefixtures("cheap_passwords")
def test_hash_and_verify() -> None:
    hashed = hash_password(PASSWORD)
    assert PASSWORD not in hashed
    assert hash_password(PASSWORD) != hashed
    assert verify_password(hashed, PASSWORD)
    assert not verify_password(hashed, OTHER)
    assert not verify_password(None, PASSWORD)
    assert not verify_password("not a hash", PASSWORD)


@pytest.mark.usefixtures("cheap_passwords")
def test_full_width_letters_are_the_same_password() -> None:
    assert verify_password(hash_password("correct horse 12"), "ｃｏｒｒｅｃｔ　ｈｏｒｓｅ　１２")


@pytest.mark.usefixtures("cheap_passwords")
def test_other_parameters_ask_for_a_new_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    old = hash_password(PASSWORD)
    assert not needs_rehash(old)
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(2, 16, 1))
    assert needs_rehash(old)
    assert verify_password(old, PASSWORD)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "between"),
        ("x" * 11, "between"),
        ("ab" * 129, "between"),
        ("sato.akira@example.jp", "e-mail"),
        ("SATO.Akira@Example.jp", "e-mail"),
        ("Akira Nakajima Sato", "name"),
        ("a" * 20, "over and over"),
    ],
)
def test_bad_passwords(password: str, why: str) -> None:
    with pytest.raises(Problem, match=why) as caught:
        require_good_password(
            password, email="sato.akira@example.jp", name="Akira Nakajima Sato", field="x"
        )
    assert password not in str(caught.value)
    assert caught.value.errors[0].field == "x"


@pytest.mark.parametrize("password", ["twelve chars", "ab" * 128, PASSWORD])
def test_good_passwords(password: str) -> None:
    require_good_password(password, email="sato@example.jp", name="Akira Sato", field="x")
