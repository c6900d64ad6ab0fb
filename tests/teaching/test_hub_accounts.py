"""Who may log in to a class, and as whom."""

import asyncio
import json
import stat

import pytest

from deployworkbook.teaching.hub.accounts import Accounts, hash_of, matches, new_password

CLASS = "our class of nine"
HASHED = hash_of(CLASS)
MINE = "a password of mine"


def open_class(seats=2):
    return Accounts(seats, HASHED, is_open=True)


def test_the_first_learners_claim_names_and_keep_them():
    accounts = open_class()
    assert accounts.admits("ada", MINE, CLASS)
    assert accounts.admits("ada", MINE)  # the class's password is needed only once
    assert not accounts.admits("ada", "a guess of mine", CLASS)


def test_no_more_learners_than_seats():
    accounts = open_class(seats=1)
    assert accounts.admits("ada", MINE, CLASS)
    assert not accounts.admits("grace", MINE, CLASS)


@pytest.mark.parametrize(
    ("name", "password", "class_password"),
    [
        ("ada", MINE, "a guess"),
        ("ada", MINE, ""),
        ("ada", "short", CLASS),
        ("", MINE, CLASS),
        ("Ada", MINE, CLASS),
        ("../root", MINE, CLASS),
        ("a" * 25, MINE, CLASS),
    ],
)
def test_a_first_login_needs_a_name_two_passwords_and_the_right_one(name, password, class_password):
    accounts = open_class()
    assert not accounts.admits(name, password, class_password)
    assert not accounts.learners


def test_a_list_admits_its_names_only():
    accounts = Accounts(2, HASHED, learners={"ada": "", "grace": hash_of(MINE)})
    assert accounts.admits("ada", MINE, CLASS)
    assert accounts.admits("grace", MINE)
    assert not accounts.admits("alan", MINE, CLASS)


def test_a_teacher_takes_no_seat_and_nobody_can_claim_the_name():
    accounts = Accounts(1, HASHED, is_open=True, teachers={"tina": hash_of(MINE)})
    assert not accounts.admits("tina", "a guess of mine", CLASS)
    assert accounts.admits("tina", MINE)
    assert accounts.admits("ada", MINE, CLASS)
    assert set(accounts.learners) == {"ada"}


def test_rehearsing_learners_take_no_seats_and_need_the_class_password():
    accounts = open_class(seats=2)
    assert accounts.admits("load-2", "", CLASS)
    assert not accounts.admits("load-2", "", "a guess")
    assert not accounts.admits("load-3", "", CLASS)
    assert not Accounts(9).admits("load-1", "", "")
    assert not accounts.learners


def test_a_file_of_accounts_is_its_owners_and_holds_no_password(tmp_path):
    accounts = open_class()
    accounts.teachers["tina"] = HASHED
    accounts.admits("ada", MINE, CLASS)
    path = tmp_path / "secrets" / "accounts.json"
    accounts.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert MINE not in path.read_text()
    assert Accounts.read(path) == accounts
    assert [each.name for each in path.parent.iterdir()] == ["accounts.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seats": null}', '{"seats": 1, "learners": 3}'])
def test_a_damaged_file_of_accounts_is_named(text, tmp_path):
    path = tmp_path / "accounts.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a file of accounts"):
        Accounts.read(path)


@pytest.mark.parametrize("stored", ["", "scrypt$", "scrypt$a$b", "md5$aa$bb", "scrypt$é$é"])
def test_a_damaged_hash_matches_nothing(stored):
    assert not matches("", stored)


def test_made_up_passwords_differ():
    assert len({new_password() for _ in range(100)}) == 100


def test_the_hub_asks_the_file_of_accounts(tmp_path, monkeypatch):
    authenticator = pytest.importorskip("deployworkbook.teaching.hub.authenticator")
    monkeypatch.setattr(authenticator, "REFUSED_S", 0)
    path = tmp_path / "accounts.json"
    open_class().write(path)
    door = authenticator.ClassAuthenticator(accounts_file=str(path), allow_all=True)

    def log_in(name, password, otp=""):
        given = {"username": name, "password": password, "otp": otp}
        return asyncio.run(door.authenticate(None, given))

    assert log_in("Ada", MINE, f" {CLASS} ") == "ada"
    assert list(json.loads(path.read_text())["learners"]) == ["ada"]
    assert log_in("ada", MINE) == "ada"
    assert log_in("ada", "a guess of mine", CLASS) is None


def test_only_teachers_are_administrators_also_those_who_were_before():
    authenticator = pytest.importorskip("deployworkbook.teaching.hub.authenticator")
    door = authenticator.ClassAuthenticator(admin_users={"tina"}, allow_all=True)
    # False takes the right away; None would leave it as it was.
    assert door.is_admin(None, {"name": "tina"}) is True
    assert door.is_admin(None, {"name": "former"}) is False
