"""A version's signed manifest: all its files with their hashes, in one file beside them.

The signature is checked before anything else in the folder is opened, and every file is checked
while it is copied to where the model is loaded from. So nobody can change a file in between.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deployworkbook.serving.api.version_folders import version_number
from deployworkbook.serving.signing.keys import SigningKey, fingerprint
from deployworkbook.validation import message
from deployworkbook.workspace.files import write_atomically

SIGNED = "signed.json"
# What is signed begins with this, so that no signature of something else fits.
_PURPOSE = b"deployworkbook: files of a model's version\n"
_MOST_BYTES = 2**22
_CHUNK = 2**20
_REMEDY = "Publish it again with the key, or sign it: deployworkbook versions sign MODEL NUMBER."


class SignatureError(ValueError):
    """A version that isn't signed, not by the trusted key, or was altered since."""


@dataclass(frozen=True)
class Manifest:
    """What a signature covers.

    Args:
        model: The model's name: that of the folder above the version.
        version: The version's number. So neither a version of another model nor an older one can
            be passed off as this one.
        signed_at: Time of the signature in UTC, as ISO 8601.
        files: SHA-256 of each file, by its path within the version.
    """

    model: str
    version: int
    signed_at: str
    files: Mapping[str, str]


def sign_folder(folder: Path, key: SigningKey, *, model: str, number: int) -> Manifest:
    """Hash a version's files and write the signed manifest beside them.

    Args:
        folder: The version's folder.
        key: The publisher's key.
        model: The model's name.
        number: The version's number.

    Raises:
        SignatureError: The folder holds something that is neither a file nor a folder.
    """
    files = {name: _hash_of(path, None) for name, path in sorted(_files(folder)) if name != SIGNED}
    signed_at = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(model, number, signed_at, files)
    signature = key.private.sign(_signed_bytes(manifest)).hex()
    content = _written(manifest, signature, fingerprint(key.private.public_key()))
    write_atomically(folder / SIGNED, content)
    return manifest


def read_manifest(folder: Path, trusted: Ed25519PublicKey) -> Manifest:
    """Read a version's manifest, if the trusted key has signed it for this folder.

    No other file of the version is opened.

    Args:
        folder: The version's folder, ``MODEL/NUMBER``.
        trusted: The publisher's public key.

    Raises:
        SignatureError: It is missing, altered, signed by another key, or for another version.
    """
    path = folder / SIGNED
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError("it is too large")
        given = json.loads(content)
        manifest = Manifest(**given["manifest"])
        signature = bytes.fromhex(given["signature"])
        trusted.verify(signature, _signed_bytes(manifest))
        # One content, one file: an altered letter that would change nothing is noticed, too, such
        # as one of the key's name, or a capital among the digits of the signature.
        if _written(manifest, signature.hex(), fingerprint(trusted)).encode() != content:
            raise ValueError("it isn't written as signing writes it")
    except FileNotFoundError:
        raise _refused(folder, "no signature", "a signed version", _REMEDY) from None
    except InvalidSignature:
        who = f"the key {fingerprint(trusted)}"
        remedy = "Don't serve it. Find out who changed it; publish it again."
        received = f"a signature that {who} didn't make, or an altered one"
        raise _refused(folder, received, f"one by {who}", remedy) from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused(folder, f"{SIGNED}, damaged: {error}", "a signed version", _REMEDY) from None
    own = folder.parent.name, version_number(folder.name)
    if (manifest.model, manifest.version) != own:
        raise _refused(
            folder,
            f"the signature of version {manifest.version} of {manifest.model!r}",
            f"that of version {own[1]} of {own[0]!r}",
            "Don't serve it: it is another version, in this one's place.",
        )
    return manifest


def verify_folder(folder: Path, trusted: Ed25519PublicKey) -> Manifest:
    """Check a version's signature, then each of its files.

    Args:
        folder: The version's folder, ``MODEL/NUMBER``.
        trusted: The publisher's public key.

    Raises:
        SignatureError: The signature isn't right, or a file was altered, added or removed.
    """
    return _checked(folder, trusted, None)


@contextmanager
def verified_copy(folder: Path, trusted: Ed25519PublicKey) -> Iterator[Path]:
    """Check a version, and lend a private copy of exactly the bytes that were checked.

    Args:
        folder: The version's folder, ``MODEL/NUMBER``.
        trusted: The publisher's public key.

    Raises:
        SignatureError: The signature isn't right, or a file was altered, added or removed.
    """
    with tempfile.TemporaryDirectory(
        prefix="deployworkbook-verified-", ignore_cleanup_errors=True
    ) as temporary:
        copy = Path(temporary) / folder.parent.name / folder.name
        copy.mkdir(parents=True)
        _checked(folder, trusted, copy)
        yield copy


def _checked(folder: Path, trusted: Ed25519PublicKey, copy: Path | None) -> Manifest:
    manifest = read_manifest(folder, trusted)
    found = dict(_files(folder))
    found.pop(SIGNED, None)
    remedy = "Don't serve it. Find out who changed it; publish it again."
    if different := sorted(found.keys() ^ manifest.files.keys()):
        is_added = different[0] in found
        received = f"{different[0]!r} {'added' if is_added else 'missing'}"
        raise _refused(folder, received, "the files that were signed", remedy)
    for name, path in found.items():
        target = None if copy is None else copy / name
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
        if _hash_of(path, target) != manifest.files[name]:
            raise _refused(folder, f"{name!r} altered", "the files that were signed", remedy)
    return manifest


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """List all files below a folder, and refuse links and devices."""
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            yield PurePosixPath(path.relative_to(folder)).as_posix(), path
        elif not stat.S_ISDIR(mode):
            received = f"{path.name!r}, a link or a device"
            raise _refused(folder, received, "files and folders", "Replace it by the file itself.")


def _hash_of(path: Path, target: Path | None) -> str:
    """Hash a file; copy the bytes that are hashed if there is a target."""
    digest = hashlib.sha256()
    # Not even a link that has just taken the file's place is followed.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        copy = None if target is None else target.open("xb")
        try:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                if copy is not None:
                    copy.write(chunk)
        finally:
            if copy is not None:
                copy.close()
    return digest.hexdigest()


def _signed_bytes(manifest: Manifest) -> bytes:
    return _PURPOSE + json.dumps(asdict(manifest), sort_keys=True, separators=(",", ":")).encode()


def _written(manifest: Manifest, signature: str, key: str) -> str:
    content = {"manifest": asdict(manifest), "signature": signature, "key": key}
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _refused(folder: Path, received: str, expected: str, remedy: str) -> SignatureError:
    name = f"{folder.parent.name}/{folder.name}"
    return SignatureError(message(name, received=received, expected=expected, remedy=remedy))
