"""Certificates that clients refuse, over either protocol, saying what came and what was due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.security.authority import Authority
from tests.serving.conftest import ADDRESS

NOW, DAY = datetime.now(UTC), timedelta(days=1)
LOCAL = ["localhost", ADDRESS]
# By what is wrong: the certificate's hosts and times, whether the client knows its CA, and what the
# error says.
WRONG = {
    "another CA": (LOCAL, -DAY, DAY, False, "Expected: one signed by the CA in ", "find out which"),
    "expired": (LOCAL, -9 * DAY, -DAY, True, "Expected: one that is valid today", "new ca.pem"),
    "too new": (LOCAL, DAY, 2 * DAY, True, "Expected: one that is valid already", "the clock"),
    "another host": (
        *(["models.example"], -DAY, DAY, True),
        "Expected: one for 127.0.0.1. Received: a certificate for models.example, signed by CN=CA,",
        "hosts=['127.0.0.1']",
    ),
}


@pytest.fixture(scope="module", params=WRONG)
def wrong(request, tmp_path_factory):
    """The address of a server with a wrong certificate, the client's CA, and words of the error."""
    hosts, earliest, latest, is_known, *words = WRONG[request.param]
    authority = Authority("CA", NOW + earliest, NOW + latest)
    issued = authority.server(hosts)
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    trusted = authority if is_known else Authority("CA", NOW - DAY, NOW + DAY)
    ca.write_bytes(trusted.certificate)
    server = grpc.server(ThreadPoolExecutor(1))
    credentials = grpc.ssl_server_credentials([(issued.key, issued.certificate)])
    port = server.add_secure_port(f"{ADDRESS}:0", credentials)
    server.start()
    yield f"{ADDRESS}:{port}", ca, words
    server.stop(None)


@pytest.mark.parametrize("scheme", ["", "https://"])
def test_a_wrong_certificate_is_refused_with_a_remedy(wrong, scheme):
    place, ca, (expected, remedy) = wrong
    with connect(scheme + place, tls=ca) as client, pytest.raises(RequestError) as refused:
        client.status("m")
    error = refused.value
    assert error.code is Code.UNAVAILABLE
    assert f"no answer from {scheme}{place}: its certificate was refused (" in error.said
    assert expected in error.said
    assert "Received: a certificate for " in error.said
    assert remedy in error.remedy
