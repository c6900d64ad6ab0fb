"""Addresses refused at once, and servers that can't be reached: the cause and the remedy."""

import http.client
import socket
import ssl
import struct
import threading

import pytest

from deployworkbook.serving.api.addresses import read_endpoint
from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.grpc import GrpcClient
from deployworkbook.serving.client.rest import RestClient
from deployworkbook.serving.client.unreachable import Cause, cause_of, cause_of_text
from deployworkbook.serving.security.trust import Trust
from tests.serving.conftest import ADDRESS


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Received: ''"),
        ("ftp://x", "HOST:PORT for gRPC"),
        ("HTTP://127.0.0.1:8501", "Write http:// in lower case"),
        ("http://", "http://HOST:PORT for REST"),
        ("http://[::1", "http://HOST:PORT for REST"),
        ("http://a:b@host:1", "http://HOST:PORT for REST"),
        ("http://host:1?x=1", "http://HOST:PORT for REST"),
        ("http://host:abc", "http://HOST:PORT for REST"),
        ("localhost", "Add the port: localhost:8500"),
        ("localhost:0", "HOST:PORT for gRPC"),
        ("localhost:65536", "HOST:PORT for gRPC"),
        (" localhost:8500", "HOST:PORT for gRPC"),
        ("::1", r"in brackets: \[::1\]:8500"),
        ("::1:8500", r"in brackets: \[::1\]:8500"),
        ("grpc://host", "Add the port: host:8500"),
    ],
)
def test_addresses_of_another_form_are_refused_at_once(address, words):
    with pytest.raises(ValueError, match=words):
        connect(address)


def test_an_address_is_a_text():
    with pytest.raises(TypeError, match=r"Received: 8500 \(int\)"):
        connect(8500)


def test_each_client_takes_its_own_form():
    with pytest.raises(ValueError, match=r"expected HOST:PORT"):
        GrpcClient("http://127.0.0.1:8501")
    with pytest.raises(ValueError, match=r"expected http://HOST:PORT"):
        RestClient("127.0.0.1:8500")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("grpc://localhost:8500", "localhost:8500"),
        ("[::1]:8500", "[::1]:8500"),
        ("http://[::1]:8501/", "http://[::1]:8501"),
        ("http://[::1]", "http://[::1]"),
        ("https://models.example.org/serving/", "https://models.example.org/serving"),
    ],
)
def test_addresses_are_printed_as_they_can_be_given(given, address):
    assert read_endpoint(given).address == address
    assert read_endpoint(address).address == address


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("errors resolving tfserving:8500: [field:hostname lookup error: …]", "NAME"),
        ("DNS resolution failed for a:1: C-ares status is not ARES_SUCCESS", "NAME"),
        ("ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused", "REFUSED"),
        ("ipv6:%5B2001:db8::1%5D:80: getsockopt(SO_ERROR): No route to host", "NO_ROUTE"),
        ("connect: Network is unreachable (101)", "NO_ROUTE"),
        ("connection attempt timed out before receiving SETTINGS frame", "SILENT"),
        ("Tls handshake failed (TSI_PROTOCOL_FAILURE): WRONG_VERSION_NUMBER", "TLS"),
        ("Ssl handshake failed: CERTIFICATE_VERIFY_FAILED", "TLS"),
        ("Failed parsing HTTP/2 (… Trying to connect an http1.x server)", "OTHER_PROTOCOL"),
        ("recvmsg:Connection reset by peer (104)", "CLOSED"),
        ("Stream removed (GOAWAY received; Error code: 0; Debug Text: )", "CLOSED"),
        ("something new", "OTHER"),
    ],
)
def test_causes_by_the_words_of_grpc(said, cause):
    assert cause_of_text(said).name == cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (socket.gaierror(-2, "Name or service not known"), Cause.NAME),
        (UnicodeError("label empty or too long"), Cause.NAME),
        (ConnectionRefusedError(), Cause.REFUSED),
        (OSError(113, "No route to host"), Cause.NO_ROUTE),
        (TimeoutError(), Cause.SILENT),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), Cause.TLS),
        (ConnectionResetError(), Cause.CLOSED),
        (http.client.RemoteDisconnected(), Cause.CLOSED),
        (http.client.IncompleteRead(b""), Cause.CLOSED),
        (http.client.BadStatusLine("SSH-2.0"), Cause.OTHER_PROTOCOL),
        (OSError(5, "Input/output error"), Cause.OTHER),
    ],
)
def test_causes_by_the_exception(error, cause):
    assert cause_of(error) is cause


def refused(client):
    with client, pytest.raises(RequestError) as error:
        client.status("m")
    return error.value


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_host_name_that_is_not_known(scheme):
    # RFC 6761 keeps names under .invalid from ever being given to a host.
    error = refused(connect(f"{scheme}tfserving.invalid:8500", deadline_s=5))
    assert str(error) == (
        f"UNAVAILABLE: no answer from {scheme}tfserving.invalid:8500: that host name can't be "
        "resolved. Check the spelling, or use an IP address."
    )


@pytest.fixture
def resetting():
    """A port that resets every connection."""
    listener = socket.create_server((ADDRESS, 0))

    def reset():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    thread = threading.Thread(target=reset, daemon=True)
    thread.start()
    yield f"{ADDRESS}:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_connection_that_is_reset_is_not_called_a_busy_server(resetting, scheme):
    error = refused(connect(f"{scheme}{resetting}"))
    assert error.code is Code.UNAVAILABLE
    assert f"no answer from {scheme}{resetting}: the connection was closed" in error.said
    assert "The server may have stopped: look at its log" in error.remedy


def test_tls_where_the_server_has_none(server):
    place = f"{ADDRESS}:{server.options.port}"
    over_grpc = refused(GrpcClient(place, trust=Trust()))
    over_rest = refused(connect(server.address.replace("http", "https")))
    for error in (over_grpc, over_rest):
        assert "the TLS handshake failed" in error.said
        assert "http:// instead of https://" in error.remedy


def test_a_silent_host_is_not_called_a_long_request(monkeypatch):
    def never(*_):
        raise TimeoutError("timed out")

    monkeypatch.setattr(http.client.HTTPConnection, "connect", never)
    error = refused(connect("http://10.0.0.7:8501"))
    assert error.code is Code.DEADLINE_EXCEEDED
    assert "no connection was made in time" in error.said
    assert "firewall" in error.remedy
