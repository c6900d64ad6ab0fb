"""The short way answers as the long one does, and leaves to it what isn't ordinary."""

import json
import socket
import threading
import time

import pytest

from deployworkbook.serving.embedded.bodies import PIECE_BYTES
from deployworkbook.serving.embedded.heads import Heads
from deployworkbook.serving.embedded.pace import LONG_S, SHORT_S, Pace
from tests.serving import models
from tests.serving.conftest import ADDRESS

LINES = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n"
BODY = b'{"instances": [2]}'
REQUEST = LINES + b"\r\n" + BODY
STATUS = b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\n\r\n"


def connect(server):
    return socket.create_connection((ADDRESS, server.options.rest_api_port), timeout=20)


def answer(opened):
    """One answer: its status line, its headers and its body."""
    file = opened.makefile("rb", buffering=0)
    status, headers = file.readline().strip(), {}
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b": ")
        headers[name.lower()] = value
    body = b""
    while len(body) < int(headers[b"content-length"]):
        body += file.read(int(headers[b"content-length"]) - len(body))
    return status, headers, body


def request(document, model="types", more=b""):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + more + b"\r\n" + body


@pytest.mark.parametrize(
    "line",
    [b"Connection: keep-alive\r\n", b"connection: Keep-Alive\r\n", b"Accept: */*\r\nX: y\r\n"],
)
def test_heads_of_clients_are_ordinary(line):
    heads = Heads(16384)
    for length in (b"18", b"7"):  # the second time it is remembered
        head = heads.read(LINES.replace(b"18", length) + line + b"\r\n")
        assert (head.spec.name, head.body_bytes) == ("half", int(length))


@pytest.mark.parametrize(
    "head",
    [
        LINES + b"Connection: close\r\n\r\n",
        LINES + b"Expect: 100-continue\r\n\r\n",
        LINES + b"Transfer-Encoding: chunked\r\n\r\n",
        LINES + b"Content-Encoding: gzip\r\n\r\n",
        LINES + b"Content-Length: 0\r\n\r\n",
        LINES + b"Upgrade: websocket\r\n\r\n",
        LINES + b"X: a\n\r\n",
        LINES + b"X: a\n\nGET / HTTP/1.1\r\n\r\n",
        LINES + b"X: a\r\n b\r\n\r\n",
        LINES.replace(b"1.1", b"1.0") + b"\r\n",
        LINES.replace(b"Host: a\r\n", b"") + b"\r\n",
        LINES.replace(b"POST", b"PUT") + b"\r\n",
        LINES.replace(b"predict", b"classify") + b"\r\n",
        LINES.replace(b"18", b"018") + b"\r\n",
        LINES.replace(b"18", b"1_8") + b"\r\n",
        LINES.replace(b"half:", b"half/versions/99999999999999999999:") + b"\r\n",
        STATUS,
    ],
)
def test_all_other_heads_are_left_to_h11(head):
    heads = Heads(16384)
    assert heads.read(head) is None
    assert heads.read(head) is None


def test_a_kind_of_call_is_short_once_it_was_and_no_longer_when_it_was_not():
    pace = Pace()
    for _ in range(2):
        pace.took("a", SHORT_S / 2)
        assert not pace.is_short("a")  # too few
    pace.took("a", SHORT_S / 2)
    assert pace.is_short("a")
    assert not pace.is_short("b")
    pace.took("a", 10 * LONG_S)
    assert not pace.is_short("a")
    for _ in range(100):
        pace.took("a", SHORT_S / 2)
    assert pace.is_short("a")


DOCUMENTS = [
    {"signature_name": "float32", "instances": [[1, 2.5], [3e-5, -4]]},
    {"signature_name": "float32", "inputs": [10**20, 1e39, -(10**30)]},
    b'{"signature_name": "float32", "inputs": [NaN, -Inf, 1]} and more',
    {"signature_name": "float64", "inputs": [1e-300, 123456789.125]},
    {"signature_name": "int64", "inputs": [2**63 - 1, -(2**63)]},
    {"signature_name": "int64", "inputs": [2**63]},
    {"signature_name": "int64", "inputs": [10**30]},
    {"signature_name": "int32", "inputs": [1.0]},
    {"signature_name": "uint64", "inputs": [2**64 - 1]},
    {"signature_name": "bool", "inputs": [True, False]},
    {"signature_name": "string", "instances": ["a", {"b64": "YQ=="}]},
    {"signature_name": "text", "inputs": ["\u00e4\n"]},
    {"signature_name": "pair", "instances": [{"a": 1, "b": 2}, {"a": 0.5, "b": 3}]},
    {"signature_name": "pair", "inputs": {"a": [1], "b": [2, 3, 4]}},  # the model adds them
    {"signature_name": "pair", "inputs": {"a": [1, 2], "b": [2, 3, 4]}},  # it can't
    {"signature_name": "scalar", "instances": [1, 2]},
    {"signature_name": "none", "inputs": [1]},
    {"signature_name": 5, "inputs": [1]},
    {"instances": [1], "inputs": [1]},
    b'{"signature_name": "float32", "inputs": [1], "inputs": [2]}',
    b'{"signature_name": "text", "inputs": ["\\ud800"]}',
    b"[1]",
    b"",
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d)[:50])
def test_both_ways_answer_alike(server, document):
    with connect(server) as short:
        for _ in range(5):  # on a thread, then on the event loop
            short.sendall(request(document))
            status, headers, body = answer(short)
            with connect(server) as long:
                long.sendall(request(document, more=b"Connection: close\r\n"))
                expected, given, whole = answer(long)
            assert (status, body) == (expected, whole)
            assert headers.keys() | {b"connection"} == given.keys()
            assert headers[b"content-type"] == given[b"content-type"]


def test_requests_may_come_in_pieces_one_after_the_other_or_all_at_once(server):
    with connect(server) as opened:
        for pieces in (
            [REQUEST[:-5], REQUEST[-5:]],
            [REQUEST[: len(LINES) + 2], BODY],
            [REQUEST[:10], REQUEST[10:]],
            [REQUEST[i : i + 1] for i in range(len(REQUEST))],
            [REQUEST],
        ):
            for piece in pieces:
                opened.sendall(piece)
                time.sleep(0.002)
            assert b'"predictions": [3.0]' in answer(opened)[2]
        opened.sendall(3 * REQUEST + STATUS + REQUEST[:-3])
        found = [answer(opened)[2] for _ in range(4)]
        assert [b"3.0" in body for body in found] == [True, True, True, False]
        opened.sendall(REQUEST[-3:] + REQUEST)
        assert all(b"3.0" in answer(opened)[2] for _ in range(2))


def test_a_body_that_comes_too_slowly_is_408_and_closes(start, half):
    server = start(model_base_path=half, model_name="half", rest_api_timeout_in_ms=200)
    with connect(server) as opened:
        opened.sendall(REQUEST)
        assert answer(opened)[0] == b"HTTP/1.1 200 OK"
        opened.sendall(REQUEST[:-1])
        status, headers, body = answer(opened)
        assert status.startswith(b"HTTP/1.1 408 ")
        assert headers[b"connection"] == b"close"
        assert "took more than 0.2 s" in json.loads(body)["error"]
        assert opened.recv(100) == b""


def test_a_slow_model_makes_nobody_else_wait(start, half, tmp_path):
    models.slow(tmp_path / "slow" / "1", seconds=1.0)
    config = tmp_path / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{ name: "half" base_path: "{half}" model_platform: "tensorflow" }}
          config {{ name: "slow" base_path: "{tmp_path / "slow"}" model_platform: "tensorflow" }}
        }}"""
    )
    server = start(model_config_file=config)
    events = []

    def ask(name):
        with connect(server) as opened:
            opened.sendall(request({"instances": [2.0]}, name))
            assert answer(opened)[0] == b"HTTP/1.1 200 OK"
            events.append(name)

    slow = threading.Thread(target=ask, args=("slow",))
    slow.start()
    time.sleep(0.1)
    for _ in range(10):
        ask("half")
    slow.join()
    assert events == ["half"] * 10 + ["slow"]


def test_a_long_answer_comes_whole(server):
    values = [i % 7 for i in range(15_000)]
    document = f'{{"signature_name": "float32", "inputs": {values}}}'.replace(" ", "")
    with connect(server) as opened:
        opened.sendall(request(document.encode()))
        body = answer(opened)[2]
        assert json.loads(body) == {"outputs": values}
        assert len(body) > PIECE_BYTES
        opened.sendall(REQUEST)
        assert b"3.0" in answer(opened)[2]


def test_requests_that_come_together_share_a_batch(start, half, tmp_path):
    monitoring = tmp_path / "m"
    monitoring.write_text('prometheus_config { enable: true path: "/metrics" }')
    server = start(
        model_base_path=half,
        model_name="half",
        enable_batching=True,
        monitoring_config_file=monitoring,
    )
    opened = [connect(server) for _ in range(8)]
    for turn in range(10):
        for number, each in enumerate(opened):
            each.sendall(request({"instances": [float(number + turn)]}, "half"))
        for number, each in enumerate(opened):
            body = answer(each)[2]
            assert json.loads(body) == {"predictions": [(number + turn) / 2 + 2]}
    for each in opened:
        each.sendall(request({"instances": []}, "half"))
        assert answer(each)[0].startswith(b"HTTP/1.1 400 ")
        each.close()
    with connect(server) as asking:
        asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        lines = answer(asking)[2].decode().splitlines()
    assert ':tensorflow:serving:request_count{model_name="half",status="OK"} 80' in lines
