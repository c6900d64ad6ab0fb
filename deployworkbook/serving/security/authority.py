"""A certificate authority (CA) that exists only while it signs."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, as PEM.

    Args:
        certificate: The certificate.
        key: Its key, unencrypted.
    """

    certificate: bytes
    key: bytes


class Authority:
    """A CA whose key is never written, so it can sign nothing once this process has ended.

    Args:
        name: Its common name.
        valid_from: When it and the certificates that it signs begin to be valid, with a time zone.
        valid_to: When they expire.

    >>> from datetime import UTC
    >>> authority = Authority("CA", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    >>> authority.certificate.splitlines()[0]
    b'-----BEGIN CERTIFICATE-----'
    """  # noqa: E501

    def __init__(self, name: str, valid_from: datetime, valid_to: datetime) -> None:
        self._name = _named(name)
        self._times = valid_from, valid_to
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        signed = self._builder(self._name, self._key.public_key()).add_extension(
            # It may sign servers and clients, but no other CA.
            x509.BasicConstraints(ca=True, path_length=0),
            critical=True,
        )
        signed = signed.add_extension(_usage(signs=True), critical=True)
        self.certificate = _pem(signed.sign(self._key, hashes.SHA256()))

    def server(self, hosts: Sequence[str]) -> Issued:
        """Issue a server's certificate.

        Args:
            hosts: Names and IP addresses under which clients reach it; at least one.
        """
        names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
        return self._issue(hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, name: str) -> Issued:
        """Issue a client's certificate.

        Args:
            name: The client's name.
        """
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        return self._issue(name, ExtendedKeyUsageOID.CLIENT_AUTH, names)

    def _issue(
        self, name: str, purpose: x509.ObjectIdentifier, names: x509.SubjectAlternativeName
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_named(name), key.public_key())
        for extension, is_critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs=False), True),
            (x509.ExtendedKeyUsage([purpose]), False),
            (names, False),
        ):
            builder = builder.add_extension(extension, critical=is_critical)
        written = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return Issued(_pem(builder.sign(self._key, hashes.SHA256())), written)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        valid_from, valid_to = self._times
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid_from)
            .not_valid_after(valid_to)
            # Python 3.13 and later refuse certificates without these two.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier),
                critical=False,
            )
        )


def _named(name: str) -> x509.Name:
    # X.509 allows 64 characters; clients look at the alternative names anyway.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
