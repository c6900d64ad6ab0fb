"""Bearer tokens: who has one may use the server."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from deployworkbook.validation import describe, type_error, value_error
from deployworkbook.workspace.files import full_path, write_atomically

FEWEST_CHARACTERS = 16
_BYTES = 32
# RFC 6750, section 2.1.
_FORM = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SCHEME = "bearer "


class Tokens:
    """The tokens that a server takes; it keeps only their SHA-256 hashes.

    Args:
        tokens: The tokens, at least one.

    >>> tokens = Tokens(["a-token-of-24-characters"])
    >>> tokens.holder("Bearer a-token-of-24-characters"), tokens.holder("Bearer another")
    (0, None)
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self._hashes = [_hash(token) for token in tokens]

    def holder(self, authorization: str) -> int | None:
        """Return the number of the token in a header ``Authorization``; ``None`` if it has none.

        It takes as long for a token that is wrong in its first character as for one that is wrong
        in its last: hashes of equal length are compared to their ends, and with all tokens.
        """
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            return None
        given = _hash(authorization[len(_SCHEME) :].strip(" "))
        found = None
        for number, known in enumerate(self._hashes):
            if hmac.compare_digest(known, given):
                found = number
        return found


def make_token(path: Path | str) -> Path:
    """Write a new random token of 256 bits to a file that only its owner can read.

    Args:
        path: The file; an existing one is replaced.

    Returns:
        The file's path, for ``start(bearer_token_file=…)`` and ``connect(token=…)``.

    Raises:
        OSError: The file isn't writable.
    """
    target = full_path(Path(path))
    write_atomically(target, secrets.token_urlsafe(_BYTES) + "\n", private=True)
    return target


def read_tokens(path: Path) -> list[str]:
    """Read a file of tokens, one per line; empty lines and those with ``#`` don't count.

    Raises:
        OSError: The file can't be read.
        ValueError: It holds no token, or one that is too short or has other characters.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise value_error(str(path), received="other characters", expected=_expected()) from error
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise value_error(str(path), received="none", expected=_expected(), remedy=_remedy(path))
    for number, token in enumerate(found, 1):
        check_token(f"{path}, token {number}", token, remedy=_remedy(path))
    return found


def check_token(name: str, token: str, *, remedy: str = "") -> str:
    """Return a token if it can be one.

    Args:
        name: What an error calls it; an error never quotes the token.
        token: The token.
        remedy: What to do if it can't.

    Raises:
        ValueError: It is too short to be secret, or has characters that headers can't carry.
    """
    if len(token) < FEWEST_CHARACTERS or not _FORM.fullmatch(token):
        is_short = len(token) < FEWEST_CHARACTERS
        received = f"one of {len(token)} characters" if is_short else "other characters"
        raise value_error(name, received=received, expected=_expected(), remedy=remedy)
    return token


def token_of(token: str | Path) -> str:
    """Read the argument ``token`` of a client.

    Args:
        token: The token, or as a ``Path`` the file whose first token it is.

    Raises:
        OSError: The file can't be read.
        TypeError: It is neither.
        ValueError: It can't be a token.
    """
    match token:
        case Path():
            return read_tokens(token)[0]
        case str():
            # A path can have a token's characters only.
            if "/" in token and Path(token).exists():
                raise value_error(
                    "token",
                    received="the name of a file",
                    expected="a token",
                    remedy="For a file, pass a Path.",
                )
            return check_token("token", token, remedy="For a file, pass a Path.")
    raise type_error("token", received=describe(token), expected="a text, or a file as a Path")


def _expected() -> str:
    return (
        f"a token of at least {FEWEST_CHARACTERS} letters, digits or -._~+/, which nobody can guess"
    )


def _remedy(path: Path) -> str:
    return f'Write one: deployworkbook.serving.make_token("{path}").'


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
