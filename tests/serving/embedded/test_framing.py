"""Where a request ends: what two servers could read in two ways is refused, and closes."""

import logging
import socket

import h11
import pytest

from deployworkbook.serving.embedded.framing import LONGEST_CHUNK_LINE_BYTES, StrictConnection
from tests.serving.conftest import ADDRESS

BODY = b'{"instances": [2]}'
HEAD = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\n"
LENGTH = b"Content-Length: 18\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_CHUNKS = b"12\r\n" + BODY + b"\r\n0\r\n\r\n"
SMUGGLED = b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\n\r\n"


def chunks(data, end=b"0\r\n\r\n"):
    return HEAD + CHUNKED + b"\r\n" + data + end


def answers(server, data):
    """All that comes until the server closes the connection."""
    parts = []
    with socket.create_connection((ADDRESS, server.options.rest_api_port), timeout=20) as opened:
        opened.sendall(data)
        while part := opened.recv(65536):
            parts.append(part)
    return b"".join(parts)


AMBIGUOUS = {
    "both lengths": HEAD + LENGTH + CHUNKED + b"\r\n" + IN_CHUNKS,
    "both lengths, the other way round": HEAD + CHUNKED + LENGTH + b"\r\n" + IN_CHUNKS,
    "two lengths": HEAD + LENGTH + b"Content-Length: 0\r\n\r\n" + BODY,
    "two lengths in one header": HEAD + b"Content-Length: 18, 0\r\n\r\n" + BODY,
    "a length with a sign": HEAD + b"Content-Length: +18\r\n\r\n" + BODY,
    "a negative length": HEAD + b"Content-Length: -18\r\n\r\n" + BODY,
    "a hexadecimal length": HEAD + b"Content-Length: 0x12\r\n\r\n" + BODY,
    "a length with an underscore": HEAD + b"Content-Length: 1_8\r\n\r\n" + BODY,
    "a length beyond 64 bits": HEAD + b"Content-Length: 18446744073709551634\r\n\r\n" + BODY,
    "a length beyond 63 bits": HEAD + b"Content-Length: 9223372036854775808\r\n\r\n" + BODY,
    "another coding before": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + IN_CHUNKS,
    "another coding": HEAD + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + BODY,
    "a coding like chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + IN_CHUNKS,
    "a control character": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + IN_CHUNKS,
    "two codings": HEAD + CHUNKED + b"Transfer-Encoding: x\r\n\r\n" + IN_CHUNKS,
    "chunks in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + IN_CHUNKS,
    "a space before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + IN_CHUNKS,
    "a tab before the colon": HEAD + b"Content-Length\t: 18\r\n\r\n" + BODY,
    "a folded header": HEAD + b"X: a\r\n b\r\n" + LENGTH + b"\r\n" + BODY,
    "a folded coding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + IN_CHUNKS,
    "lines that end in LF": HEAD.replace(b"\r", b"") + LENGTH + b"\r\n" + BODY,
    "one line that ends in LF": HEAD + b"X: a\n" + LENGTH + b"\r\n" + BODY,
    "a head that ends in LF": HEAD + LENGTH + b"\n" + BODY,
    "a CR in a header": HEAD + b"X: a\rContent-Length: 18\r\n\r\n" + BODY,
    "a zero byte in a header": HEAD + b"X: a\0b\r\n" + LENGTH + b"\r\n" + BODY,
    "no name": HEAD + b": x\r\n" + LENGTH + b"\r\n" + BODY,
    "no host": b"GET /v1/models/half HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a chunk of 2**64 + 18": chunks(b"10000000000000012\r\n" + BODY + b"\r\n"),
    "a chunk of 2**64 - 1": chunks(b"ffffffffffffffff\r\n" + BODY + b"\r\n"),
    "a chunk of 20 digits": chunks(b"ffffffffffffffffffff\r\n" + BODY + b"\r\n"),
    "a negative chunk": chunks(b"-12\r\n" + BODY + b"\r\n"),
    "a chunk with 0x": chunks(b"0x12\r\n" + BODY + b"\r\n"),
    "a chunk of no size": chunks(b"\r\n" + BODY + b"\r\n"),
    "a chunk's line that ends in LF": chunks(b"12\n" + BODY + b"\r\n"),
    "a chunk that ends in LF": chunks(b"12\r\n" + BODY + b"\n"),
    "a chunk that ends in no line": chunks(b"12\r\n" + BODY),
    "a chunk longer than its size": chunks(b"12\r\n" + BODY + b"XX"),
    "an extension with LF": chunks(b"12;a\nb\r\n" + BODY + b"\r\n"),
    "an extension with CR": chunks(b"12;a\rb\r\n" + BODY + b"\r\n"),
    "a long extension": chunks(b"12;" + b"a" * 2000 + b"\r\n" + BODY + b"\r\n"),
    "a trailer that ends in LF": chunks(b"12\r\n" + BODY + b"\r\n", b"0\r\nX: a\n\n"),
    "an empty trailer that ends in LF": chunks(b"12\r\n" + BODY + b"\r\n", b"0\r\n\n"),
    "a folded trailer": chunks(b"12\r\n" + BODY + b"\r\n", b"0\r\nX: a\r\n b\r\n\r\n"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_of_ambiguous_length_is_refused_and_the_connection_closed(server, name, caplog):
    with caplog.at_level(logging.ERROR):
        said = answers(server, AMBIGUOUS[name] + SMUGGLED)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"content-type: application/json" in said.lower()
    assert b"\r\nconnection: close\r\n" in said.lower()
    assert caplog.records == []


def test_the_refusal_says_what_is_wrong(server):
    said = answers(server, AMBIGUOUS["both lengths"])
    assert b"Expected Content-Length or Transfer-Encoding, not both" in said
    assert b"CR LF" in answers(server, AMBIGUOUS["one line that ends in LF"])


def test_a_bad_chunk_after_an_answer_closes_without_a_word(server, caplog):
    head = HEAD.replace(b"/v1/models/half:predict", b"/nowhere")
    with caplog.at_level(logging.ERROR):
        said = answers(server, head + CHUNKED + b"\r\nzz\r\n")
        with socket.create_connection((ADDRESS, server.options.rest_api_port), 20) as opened:
            opened.sendall(head + CHUNKED + b"\r\n")
            answer = opened.makefile("rb")
            assert answer.readline().startswith(b"HTTP/1.1 404 ")
            while answer.readline() != b"\r\n":
                pass
            assert answer.read(28).endswith(b"}")
            opened.sendall(b"zz\r\n")
            assert answer.read() == b""
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    assert said.count(b"HTTP/1.1 ") == 1
    assert caplog.records == []


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + LENGTH + b"\r\n" + BODY,
        HEAD + LENGTH + LENGTH + b"\r\n" + BODY,
        HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\n" + IN_CHUNKS,
        chunks(b"0012;name=value\r\n" + BODY + b"\r\n"),
        chunks(b"A\r\n" + BODY[:10] + b"\r\n8\r\n" + BODY[10:] + b"\r\n", b"000\r\nX: a\r\n\r\n"),
    ],
)
def test_a_request_of_one_length_is_answered_and_the_next_one_too(server, request_):
    last = SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    said = answers(server, request_ + last)
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert b'"predictions": [3.0]' in said


def test_http_1_0_is_answered_and_closes(server):
    head = b"POST /v1/models/half:predict HTTP/1.0\r\n" + LENGTH
    said = answers(server, head + b"\r\n" + BODY)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b'"predictions": [3.0]' in said


def test_a_client_that_waits_for_100_continue_gets_it(server):
    with socket.create_connection((ADDRESS, server.options.rest_api_port), 20) as opened:
        opened.sendall(HEAD + LENGTH + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert opened.recv(4096).startswith(b"HTTP/1.1 100 ")
        opened.sendall(BODY)
        assert opened.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_length_above_the_limit_is_refused_before_the_body_comes(server):
    with socket.create_connection((ADDRESS, server.options.rest_api_port), 20) as opened:
        opened.sendall(HEAD + b"Content-Length: 1000000000000\r\nExpect: 100-continue\r\n\r\n")
        assert opened.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "target",
    [b"http://x/v1/models/half", b"HTTPS://[::1]:80/V1/models/half", b"a+b://u@x/v1/models/half"],
)
def test_a_target_that_is_a_whole_address_is_answered_like_its_path(server, target):
    rest = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    plain = answers(server, b"GET /v1/models/half" + rest).partition(b"\r\n\r\n")[2]
    assert answers(server, b"GET " + target + rest).endswith(plain)
    assert b"AVAILABLE" in plain
    predict = target + b":predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + LENGTH
    assert b'"predictions": [3.0]' in answers(server, b"POST " + predict + b"\r\n" + BODY)
    query = answers(server, b"GET /v1/models/half?q" + rest).partition(b"\r\n\r\n")[2]
    assert answers(server, b"GET " + target + b"?q" + rest).endswith(query)


@pytest.mark.parametrize("target", [b"http://x", b"http://x/", b"http://x/metrics", b"*", b"half"])
def test_a_target_outside_the_api_is_404_in_json(server, target):
    said = answers(server, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 404 ")
    assert said.endswith(b'{\n    "error": "Not Found"\n}')


def received(*pieces):
    """What a connection reads, up to the end of the message or what it refuses."""
    connection = StrictConnection(16 * 1024)
    events, refused = [], ""
    try:
        for piece in pieces:
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                events.append(event)
    except h11.RemoteProtocolError as error:
        refused = str(error)
    assert connection.fault == refused
    return refused or b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data))


@pytest.mark.parametrize(
    ("line", "good"),
    [
        (b"1", True),
        (b"000000000000001", True),
        (b"00000000000000001", True),  # zeros in front don't count
        (b"100000000000000", True),  # fifteen digits
        (b"1000000000000000", False),
        (b"1;" + b"a" * (LONGEST_CHUNK_LINE_BYTES - 4), True),  # with CR and LF
        (b"1;" + b"a" * (LONGEST_CHUNK_LINE_BYTES - 3), False),
    ],
    ids=lambda value: f"{value[:20]}-{len(value)}" if isinstance(value, bytes) else str(value),
)
def test_the_longest_line_of_a_chunk(line, good):
    found = received(HEAD + CHUNKED + b"\r\n", line + b"\r\n", b"x")
    assert (found == b"x") == good, found
    assert good or "A chunk's" in found


def test_a_chunks_line_without_an_end_is_refused_when_it_is_too_long():
    line = b"1;" + b"a" * (LONGEST_CHUNK_LINE_BYTES - 2)
    assert received(HEAD + CHUNKED + b"\r\n", line) == b""
    assert "more than 1024 bytes" in received(HEAD + CHUNKED + b"\r\n", line, b"a")


@pytest.mark.parametrize(("length", "good"), [(2**63 - 1, True), (2**63, False)])
def test_the_largest_length(length, good):
    found = received(HEAD + b"Content-Length: %d\r\n\r\n" % length, b"x")
    assert (found == b"x") == good
    assert good or "is above 9223372036854775807" in found


def test_a_request_may_come_byte_by_byte():
    whole = HEAD + CHUNKED + b"X: a\r\n\r\n" + IN_CHUNKS
    assert received(*(whole[i : i + 1] for i in range(len(whole)))) == BODY
    folded = HEAD + b"X: a\r\n b\r\n\r\n"
    found = received(*(folded[i : i + 1] for i in range(len(folded))))
    assert "continues on the next line" in found


def test_a_body_may_look_like_lines_that_a_head_may_not_have():
    assert received(HEAD + b"Content-Length: 4\r\n\r\n" + b"\n a\n") == b"\n a\n"
