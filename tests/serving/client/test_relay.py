"""The relay passes all on and counts it."""

import contextlib
import socket
import threading

import pytest

from deployworkbook.serving.client.relay import CountingRelay


@pytest.fixture
def doubling():
    """A server that answers each connection with twice what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection):
        with connection:
            content = b""
            while part := connection.recv(4096):
                content += part
            connection.sendall(2 * content)

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def ask(address, content):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer


def test_all_is_passed_on_and_counted_both_ways(doubling):
    content = bytes(range(256)) * 1000
    with CountingRelay(doubling) as relay:
        assert ask(relay.address, content) == 2 * content
        assert (relay.sent_bytes, relay.received_bytes) == (256_000, 512_000)
        relay.reset()
        assert ask(relay.address, b"abc") == b"abcabc"
        assert (relay.sent_bytes, relay.received_bytes) == (3, 6)


def test_a_closed_relay_takes_no_more(doubling):
    with CountingRelay(doubling) as relay:
        pass
    with pytest.raises(OSError, match=r"refused|reset"):
        ask(relay.address, b"abc")


def test_a_server_that_is_not_there_ends_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with CountingRelay(address) as relay:
        with contextlib.suppress(OSError):  # or so, if the request was on its way
            assert ask(relay.address, b"abc") == b""
        assert relay.sent_bytes == 0


@pytest.mark.parametrize("address", ["10.0.0.7:8500", "http://example.org:80", "http://127.0.0.1"])
def test_other_addresses_are_refused(address):
    with pytest.raises(ValueError, match="of this machine"):
        CountingRelay(address)
