"""A publisher's key pair: the private key signs versions, the public one checks them.

Source: D. J. Bernstein et al., "High-speed high-security signatures" (Ed25519), 2011; RFC 8032.
"""

from __future__ import annotations

import hashlib
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from filelock import FileLock

from deployworkbook.validation import value_error
from deployworkbook.workspace.files import full_path, write_atomically
from deployworkbook.workspace.folder import PRIVATE, current_workspace

PRIVATE_NAME, PUBLIC_NAME = "signing-key.pem", "signing-key.pub.pem"
_OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class SigningKey:
    """A publisher's private key.

    Args:
        private: The key; it never leaves its file and this process.
        public_path: The file with the public key, for those who check.
    """

    private: Ed25519PrivateKey
    public_path: Path

    def __repr__(self) -> str:
        return f"<SigningKey {fingerprint(self.private.public_key())}>"


def signing_key(folder: Path | None = None) -> SigningKey:
    """Read a publisher's key; make it first if there is none.

    Two files: ``signing-key.pem``, readable by its owner only, and ``signing-key.pub.pem``, which
    servers get.

    Args:
        folder: Where the keys are (default: the workspace's ``keys``).

    Raises:
        PermissionError: Others may read the private key.
        ValueError: A file holds no Ed25519 key.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     key = signing_key(Path(folder))
    ...     key.public_path.name, signing_key(Path(folder)).public_path == key.public_path
    ('signing-key.pub.pem', True)
    """
    place = current_workspace().keys if folder is None else full_path(Path(folder))
    place.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    path, public_path = place / PRIVATE_NAME, place / PUBLIC_NAME
    if not path.exists():
        _make(path)
    private = _read_private(path)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if not public_path.exists() or public_path.read_bytes() != public:
        write_atomically(public_path, public)
    return SigningKey(private, public_path)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read the public key of a publisher that one trusts.

    Args:
        path: A PEM file.

    Raises:
        FileNotFoundError: The file doesn't exist.
        ValueError: It holds no public Ed25519 key.
    """
    try:
        key = serialization.load_pem_public_key(Path(path).read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, PUBLIC_NAME) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, PUBLIC_NAME)
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return what people compare to tell keys apart: 16 hexadecimal digits of a hash.

    Args:
        key: A public key.
    """
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _make(path: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with FileLock(path.with_name(f".{path.name}.lock")):
        # Another process may have made one in the meantime, and signed with it.
        if not path.exists():
            write_atomically(path, content, private=True)


def _read_private(path: Path) -> Ed25519PrivateKey:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS and sys.platform != "win32":
        raise PermissionError(
            f"{path} has mode {mode:o}, where {_OWNER_ONLY:o} was expected: others may have read "
            f"it, and could sign in your name. Delete it to get a new one, or, if you are sure "
            f"that nobody has: chmod {_OWNER_ONLY:o} {path}"
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, PRIVATE_NAME) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, PRIVATE_NAME)
    return key


def _no_key(path: Path, name: str) -> ValueError:
    return value_error(
        str(path),
        received="something else",
        expected=f"an Ed25519 key in a PEM file, as {name} in the workspace's keys",
    )
