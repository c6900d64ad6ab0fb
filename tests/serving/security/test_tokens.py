"""Tokens: files, what servers take, and that nothing shows them."""

import re
import stat

import pytest

from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.security.tokens import Tokens, make_token, read_tokens, token_of

TOKEN, OTHER = "first-token-0123456789", "other-token-0123456789"


def test_a_new_token_is_random_and_its_owners_alone(tmp_path):
    path = make_token(tmp_path / "token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (first,) = read_tokens(path)
    assert len(first) == 43
    path.chmod(0o644)
    (second,) = read_tokens(make_token(path))
    assert first != second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_holds_several_tokens_so_that_one_can_replace_another(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# until June\n{TOKEN}\n\n {OTHER} \n")
    tokens = Tokens(read_tokens(path))
    assert [tokens.holder(f"Bearer {each}") for each in (TOKEN, OTHER)] == [0, 1]
    assert token_of(path) == TOKEN


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
     f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN.upper()}", "Bearer \xe9\udcff"],
)  # fmt: skip
def test_all_other_headers_hold_none(authorization):
    assert Tokens([TOKEN]).holder(authorization) is None


def test_the_schemes_case_is_free():
    assert Tokens([TOKEN]).holder(f"bEARER  {TOKEN}") == 0


@pytest.mark.parametrize(
    "text", ["", "# none\n", "short\n", f"{TOKEN}!\n", "a token with spaces\n", "é" * 20]
)
def test_a_file_without_a_proper_token_is_refused_without_quoting_it(tmp_path, text):
    path = tmp_path / "tokens"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="expected a token of at least 16 letters") as error:
        read_tokens(path)
    for secret in filter(None, (line.strip() for line in text.splitlines())):
        if not secret.startswith("#"):
            assert secret not in str(error.value)


def test_clients_take_a_token_or_its_file_and_show_neither(tmp_path):
    with connect("127.0.0.1:1", token=TOKEN) as client:
        assert TOKEN not in repr(client)
    with pytest.raises(ValueError, match="For a file, pass a Path"):
        connect("127.0.0.1:1", token=str(tmp_path))
    with pytest.raises(TypeError, match="expected a text, or a file as a Path"):
        connect("127.0.0.1:1", token=7)
    with pytest.raises(FileNotFoundError):
        connect("127.0.0.1:1", token=tmp_path / "missing")


@pytest.mark.parametrize("address", ["models.example:8500", "http://10.0.0.7:8501"])
def test_a_token_that_leaves_the_machine_unencrypted_is_warned_of(address):
    with pytest.warns(UserWarning, match=re.escape(address)):
        connect(address, token=TOKEN).close()
