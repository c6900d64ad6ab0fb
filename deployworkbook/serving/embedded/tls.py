"""TLS for both ports: read the files that flags name, and refuse what can't work."""

from __future__ import annotations

import logging
import ssl
import tempfile
from pathlib import Path
from typing import Any

import grpc

from deployworkbook.serving.embedded import config
from deployworkbook.serving.embedded.errors import ServingError, invalid

log = logging.getLogger(__name__)


def read_context(path: Path) -> ssl.SSLContext:
    """Read a ``--ssl_config_file`` for the REST port.

    Raises:
        OSError: The file can't be read.
        ServingError: The file is invalid, or the key belongs to another certificate.
    """
    given = config.read_ssl(path)
    context = _context(path, given)
    _describe("REST", path, given)
    return context


def read_credentials(path: Path) -> grpc.ServerCredentials:
    """Read a ``--ssl_config_file`` for the gRPC port.

    Raises:
        OSError: The file can't be read.
        ServingError: The file is invalid, or the key belongs to another certificate.
    """
    given = config.read_ssl(path)
    _context(path, given)  # gRPC doesn't say what is wrong
    _describe("gRPC", path, given)
    return grpc.ssl_server_credentials(
        [(given.server_key.encode(), given.server_cert.encode())],
        root_certificates=given.custom_ca.encode() or None,
        require_client_auth=given.client_verify,
    )


def _context(path: Path, given: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # Python reads keys from files only. The folder is the owner's, and gone at the end.
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        key.write_text(given.server_key, encoding="utf-8")
        certificate.write_text(given.server_cert, encoding="utf-8")
        try:
            # An empty password instead of a question on the terminal.
            context.load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            raise _wrong(path, "server_key and server_cert", error) from error
    if given.custom_ca:
        try:
            context.load_verify_locations(cadata=given.custom_ca)
        except (ssl.SSLError, ValueError) as error:
            raise _wrong(path, "custom_ca", error) from error
    if given.client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _wrong(path: Path, what: str, error: Exception) -> ServingError:
    reason = getattr(error, "reason", None) or error
    return invalid(
        f"{path}: {what}: expected PEM texts, with an unencrypted key that belongs to the "
        f"certificate. Received others ({reason})."
    )


def _describe(port: str, path: Path, given: Any) -> None:
    # Only with TLS does the server load the library that reads certificates.
    from deployworkbook.serving.security.described import Described

    found = Described.of_pem(given.server_cert.encode())
    if found.is_expired:
        log.warning("%s: TLS with %s: expired, so clients will refuse it", path, found)
    else:
        wanted = "; clients need one, too" if given.client_verify else ""
        log.info("TLS on the %s port, with %s%s", port, found, wanted)
