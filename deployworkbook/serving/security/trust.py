"""Whom a client trusts, and by what a server knows it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from deployworkbook.validation import describe, type_error, value_error

_CA = "a PEM file with the CA's certificate, such as the ca.pem that make_certificates writes"


@dataclass(frozen=True)
class Trust:
    """Which servers a client trusts, and the certificate that it shows them.

    Args:
        ca: PEM file with the certificates of the trusted CAs; ``None`` for those that this machine
            trusts.
        certificate: PEM file with the client's certificate, for servers that want one.
        key: PEM file with its private key.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Make the TLS settings of a client over HTTP.

        Raises:
            FileNotFoundError: A file doesn't exist.
            ValueError: A file holds no certificate, or the key belongs to another one.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError as error:
            raise value_error(
                "tls", received=f"{self.ca} ({error.reason})", expected=_CA
            ) from error
        if self.certificate is not None:
            _load_pair(context, self.certificate, self.key)
        return context

    def credentials(self) -> grpc.ChannelCredentials:
        """Make the TLS settings of a client over gRPC.

        Raises:
            FileNotFoundError: A file doesn't exist.
            ValueError: A file holds no certificate, or the key belongs to another one.
        """
        self.context()  # gRPC doesn't say what is wrong with a file
        ca, key, certificate = (
            None if path is None else path.read_bytes()
            for path in (self.ca, self.key, self.certificate)
        )
        return grpc.ssl_channel_credentials(ca, key, certificate)


@dataclass(frozen=True)
class Certificates:
    """Files for TLS: for the server, for its clients, or for both.

    ``make_certificates`` makes them. If you have some already, name their files here.

    Args:
        ca: PEM file with the CA's certificate, which clients need.
        ssl_config: The server's ``--ssl_config_file``, with its key and certificate.
        client_certificate: PEM file with a client's certificate, if the server wants one.
        client_key: PEM file with that certificate's private key.
    """

    ca: Path
    ssl_config: Path
    client_certificate: Path | None = None
    client_key: Path | None = None

    @property
    def trust(self) -> Trust:
        """What a client needs of these."""
        return Trust(self.ca, self.client_certificate, self.client_key)


Tls = Trust | Certificates | Path | str


def trust_of(tls: Tls) -> Trust:
    """Read the argument ``tls`` of a client.

    Args:
        tls: ``Trust``, ``Certificates``, or the path of a CA's certificate.

    Raises:
        TypeError: It is something else.

    >>> trust_of("ca.pem").ca
    PosixPath('ca.pem')
    """
    match tls:
        case Trust():
            return tls
        case Certificates():
            return tls.trust
        case str() | Path():
            return Trust(Path(tls))
    raise type_error("tls", received=describe(tls), expected=_CA)


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        # An empty password instead of a question on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise value_error(
            "tls",
            received=f"{certificate} and {key or 'no key'} ({error.reason or error})",
            expected="a client's certificate and its own private key, unencrypted, as PEM",
        ) from error
