"""Connections beyond the limit are bounded, and so is what they write into the log."""

import logging
import socket
import struct

import pytest

from deployworkbook.serving.embedded import connections, descriptors
from deployworkbook.serving.embedded.repeated_lines import FirstOfAKind


class Transport:
    """A transport whose client may have left."""

    def __init__(self, *, gone=False):
        self.gone = gone
        self.aborted = False

    def write(self, data):
        assert data.startswith(b"HTTP/1.1 503 ")

    def write_eof(self):
        if self.gone:
            raise OSError(107, "Transport endpoint is not connected")

    def abort(self):
        self.aborted = True


class Refusing(connections.LimitedProtocol):
    """The part of a connection that refuses."""

    def __init__(self, lingering):
        self._most = 0
        self._lingering = lingering
        self.connections = set()
        self.loop = self
        self._waiting = None

    def call_later(self, seconds, act):
        return None


def test_a_refused_client_that_has_left_raises_nothing():
    transport = Transport(gone=True)
    Refusing(set()).connection_made(transport)
    assert transport.aborted


def test_few_refused_connections_linger_and_the_others_are_closed_at_once():
    lingering = set()
    transports = [Transport() for _ in range(100)]
    for transport in transports:
        Refusing(lingering).connection_made(transport)
    assert len(lingering) == connections.MOST_LINGERING
    assert sum(each.aborted for each in transports) == 100 - connections.MOST_LINGERING


def test_lines_of_a_kind_are_logged_once_and_then_counted(caplog):
    lines = FirstOfAKind()
    logger = logging.Logger("connections")
    logger.addFilter(lines)
    logger.addHandler(caplog.handler)
    for number in range(500):
        logger.warning("Refused %d\nsocket: <fd=%d>", number, number)
    logger.warning("Something else")
    assert len(caplog.records) == 2
    lines.report()
    assert "499 times in 60 s: Refused N" in caplog.text
    lines.report()  # a minute in which nothing happened
    logger.warning("Refused 7")
    assert caplog.records[-1].getMessage() == "Refused 7"


@pytest.mark.parametrize(
    ("soft", "hard", "expected", "raised"),
    [(4096, 4096, 256, None), (64, 4096, 256, 604), (64, 64, 1, None), (204, 204, 56, None)],
)
def test_connections_are_as_many_as_open_files_allow(monkeypatch, soft, hard, expected, raised):
    resource = pytest.importorskip("resource")
    limits = [soft, hard]
    monkeypatch.setattr(descriptors.psutil.Process, "num_fds", lambda self: 44)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, new: limits.__setitem__(0, new[0]))
    assert descriptors.affordable_connections(256, ports=2) == expected
    assert limits[0] == (raised or soft)


def test_clients_that_connect_and_reset_leave_the_server_well(start, half):
    server = start(model_base_path=half, model_name="half", max_connections=4)
    for _ in range(300):
        opened = socket.create_connection(("127.0.0.1", server.options.rest_api_port))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        opened.close()
    for _ in range(100):  # until the server has seen that the last of them have left
        answer = server.post("half:predict", {"instances": [2.0]})
        if answer.status_code == 200:
            break
    assert answer.json() == {"predictions": [3.0]}
