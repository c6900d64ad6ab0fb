"""Certificates: what they are for, who may read them, and what is refused."""

import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.embedded.config import read_ssl
from deployworkbook.serving.security.certificates import make_certificates
from deployworkbook.serving.security.described import Described
from deployworkbook.serving.security.trust import Certificates, Trust, trust_of

PRIVATE = {"server.key", "server.config", "client.key"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "tls"
    return make_certificates(folder, hosts=["models.example", "10.0.0.7"], days=2, client=True)


def test_only_their_owner_reads_the_keys(made):
    folder = made.ca.parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == PRIVATE
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in modes.keys() - PRIVATE:
        assert b"PRIVATE" not in (folder / name).read_bytes()


def test_a_server_certificate_is_for_this_machine_and_the_hosts_given(made):
    found = Described.of_pem((made.ca.parent / "server.pem").read_bytes())
    assert found.hosts == ("localhost", "127.0.0.1", "::1", "models.example", "10.0.0.7")
    now = datetime.now(UTC)
    assert found.valid_from < now
    assert abs(found.valid_to - now - timedelta(days=2)) < timedelta(minutes=5)
    assert not found.is_expired
    assert "for localhost, 127.0.0.1, ::1, models.example, 10.0.0.7, signed by CN=" in str(found)


def test_the_authority_signs_no_other_authority_and_its_key_is_gone(made):
    authority = x509.load_pem_x509_certificate(made.ca.read_bytes())
    limits = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)
    keys = [(made.ca.parent / name).read_bytes() for name in ("server.key", "client.key")]
    signed = authority.public_key().public_bytes
    for key in keys:
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            PublicFormat,
            load_pem_private_key,
        )

        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        assert load_pem_private_key(key, None).public_key().public_bytes(*form) != signed(*form)


def test_the_configuration_is_tensorflow_servings(made):
    found = read_ssl(made.ssl_config)
    folder = made.ca.parent
    assert found.server_key == (folder / "server.key").read_text()
    assert found.server_cert == (folder / "server.pem").read_text()
    assert found.custom_ca == made.ca.read_text()
    assert found.client_verify


def test_making_them_again_replaces_the_folder_and_nothing_else(tmp_path):
    first = make_certificates(tmp_path / "tls", client=True).ca.read_bytes()
    again = make_certificates(tmp_path / "tls")
    assert again.ca.read_bytes() != first
    assert again.client_certificate is None
    assert not (tmp_path / "tls" / "client.key").exists()
    (tmp_path / "tls" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"which holds thesis\.txt"):
        make_certificates(tmp_path / "tls")
    assert (tmp_path / "tls" / "thesis.txt").exists()


@pytest.mark.parametrize(
    "host",
    ["", "a b", "models.example:8500", "http://a", "-a.example", "a" * 64, "a..b", "naïve", "1:2"],
)
def test_what_is_no_host_is_refused(tmp_path, host):
    with pytest.raises(ValueError, match="names and IP addresses"):
        make_certificates(tmp_path / "tls", hosts=[host])
    with pytest.raises(TypeError, match="a list of names"):
        make_certificates(tmp_path / "tls", hosts="a.example")
    with pytest.raises(ValueError, match="days"):
        make_certificates(tmp_path / "tls", days=0)
    assert not (tmp_path / "tls").exists()


def test_a_client_trusts_a_path_certificates_or_a_trust(made):
    assert trust_of(made.ca) == trust_of(str(made.ca)) == Trust(made.ca)
    assert trust_of(made) == made.trust
    assert trust_of(made.trust).context().verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(TypeError, match="expected a PEM file"):
        trust_of(True)


def test_files_that_cannot_be_trusted_are_named(made, tmp_path):
    key = made.ca.parent / "server.key"
    for address in ("127.0.0.1:1", "https://127.0.0.1:1"):
        with pytest.raises(ValueError, match=r"server\.key \("):
            connect(address, tls=key)
        with pytest.raises(FileNotFoundError):
            connect(address, tls=tmp_path / "missing")
        with pytest.raises(ValueError, match="its own private key"):
            connect(
                address, tls=Certificates(made.ca, made.ssl_config, made.client_certificate, key)
            )
    with pytest.raises(ValueError, match="https://HOST:PORT, since tls is given"):
        connect("http://127.0.0.1:1", tls=made.ca)
