"""Make certificates for a server and its clients, for a lesson or an intranet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployworkbook.serving.api.addresses import bare_host
from deployworkbook.serving.api.server_files import ssl_text
from deployworkbook.serving.security.authority import Authority
from deployworkbook.serving.security.trust import Certificates
from deployworkbook.validation import check_number, describe, type_error, value_error
from deployworkbook.workspace.files import atomic_folder, full_path, write_atomically
from deployworkbook.workspace.folder import PRIVATE

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# Clocks differ: a certificate that is valid from this very second may come from the future.
_EARLIER = timedelta(hours=1)
_CA, _CONFIG = "ca.pem", "server.config"
_SERVER, _SERVER_KEY = "server.pem", "server.key"
_CLIENT, _CLIENT_KEY = "client.pem", "client.key"
_FILES = {_CA, _CONFIG, _SERVER, _SERVER_KEY, _CLIENT, _CLIENT_KEY}
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 253


def make_certificates(
    folder: Path | str, *, hosts: Sequence[str] = (), days: float = 30, client: bool = False
) -> Certificates:
    """Make a certificate authority, and a server's certificate signed by it.

    The CA's own key is never written: nobody can sign other certificates with it, and new hosts
    need a new CA. Private keys can be read by their owner only.

    The folder gets ``ca.pem``, which is for clients and no secret; ``server.pem``, ``server.key``
    and both in ``server.config``, a ``--ssl_config_file``; and with ``client`` also ``client.pem``
    and ``client.key``.

    Args:
        folder: A new folder, or one that an earlier call has made, which is replaced as a whole.
        hosts: Names and IP addresses under which clients reach the server, besides those of this
            machine: localhost, 127.0.0.1 and ::1.
        days: How long they are valid, in days, from now on.
        client: Whether the server shall demand a certificate of its clients, too (mutual TLS).

    Returns:
        The paths, for ``start(tls=…)`` and ``connect(tls=…)``.

    Raises:
        OSError: The folder isn't writable.
        TypeError: The hosts are no texts.
        ValueError: A host is no name and no IP address, the days aren't positive, or the folder
            holds other files.
    """
    target = full_path(Path(folder))
    check_number("days", days, 0, 36_500, open_low=True)
    names = _checked(hosts)
    _check_ours(target)
    now = datetime.now(UTC).replace(microsecond=0)
    authority = Authority(f"deployworkbook {now:%Y-%m-%d}", now - _EARLIER, now + timedelta(days))
    server = authority.server(names)
    public = {_CA: authority.certificate, _SERVER: server.certificate}
    config = ssl_text(
        server_key=server.key.decode(),
        server_cert=server.certificate.decode(),
        custom_ca=authority.certificate.decode() if client else "",
        client_verify=client,
    )
    secret = {_SERVER_KEY: server.key, _CONFIG: config.encode()}
    if client:
        issued = authority.client("client")
        public[_CLIENT], secret[_CLIENT_KEY] = issued.certificate, issued.key
    with atomic_folder(target) as temporary:
        temporary.chmod(PRIVATE)
        for name, content in public.items():
            write_atomically(temporary / name, content)
        for name, content in secret.items():
            write_atomically(temporary / name, content, private=True)
    return Certificates(
        target / _CA,
        target / _CONFIG,
        target / _CLIENT if client else None,
        target / _CLIENT_KEY if client else None,
    )


def _checked(hosts: Sequence[str]) -> list[str]:
    expected = "names and IP addresses, such as models.example.org or 10.0.0.7"
    if isinstance(hosts, str) or not all(isinstance(host, str) for host in hosts):
        raise type_error("hosts", received=describe(hosts), expected=f"a list of {expected}")
    names = [bare_host(host) for host in hosts]
    for host in names:
        if not _is_name(host) and not _is_address(host):
            raise value_error("hosts", received=repr(host), expected=f"{expected}, without a port")
    return list(dict.fromkeys([*LOCAL_HOSTS, *names]))


def _is_name(host: str) -> bool:
    labels = host.removeprefix("*.").removesuffix(".").split(".")
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_ours(folder: Path) -> None:
    if not folder.exists():
        return
    others = (
        sorted({path.name for path in folder.iterdir()} - _FILES) if folder.is_dir() else ["a file"]
    )
    if others:
        raise value_error(
            "folder",
            received=f"{folder}, which holds {', '.join(others[:3])}",
            expected="a new folder, because it is replaced as a whole",
            remedy="Name another one, such as tls within it.",
        )
