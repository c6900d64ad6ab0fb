"""What a certificate says, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from cryptography import x509


@dataclass(frozen=True)
class Described:
    """A server's certificate.

    Args:
        hosts: The names and IP addresses that it is for.
        issuer: The common name of the CA that signed it.
        valid_from: When it begins to be valid.
        valid_to: When it expires.
    """

    hosts: tuple[str, ...]
    issuer: str
    valid_from: datetime
    valid_to: datetime

    @classmethod
    def of_pem(cls, text: bytes) -> Self:
        """Read the first certificate of a PEM text.

        Raises:
            ValueError: It holds none.
        """
        return cls._of(x509.load_pem_x509_certificate(text))

    @classmethod
    def of_der(cls, content: bytes) -> Self:
        """Read a certificate as it is sent in a handshake.

        Raises:
            ValueError: It isn't one.
        """
        return cls._of(x509.load_der_x509_certificate(content))

    @classmethod
    def _of(cls, certificate: x509.Certificate) -> Self:
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            hosts = tuple(str(name.value) for name in names.value)
        except x509.ExtensionNotFound:
            hosts = ()
        return cls(
            hosts,
            certificate.issuer.rfc4514_string(),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    @property
    def is_expired(self) -> bool:
        """Whether it has expired by this machine's clock."""
        return datetime.now(UTC) > self.valid_to

    def __str__(self) -> str:
        return (
            f"a certificate for {', '.join(self.hosts) or 'no host'}, signed by {self.issuer}, "
            f"valid from {self.valid_from:%Y-%m-%d %H:%M} to {self.valid_to:%Y-%m-%d %H:%M} UTC"
        )
