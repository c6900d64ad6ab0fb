"""TLS, tokens and rates of a running server, over both protocols."""

import asyncio
import socket
import ssl
from types import SimpleNamespace

import grpc
import pytest
import requests

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.embedded.errors import ServingError
from deployworkbook.serving.embedded.flags import TOKEN_VARIABLE, Options, complaint
from deployworkbook.serving.embedded.guard import guard_of
from deployworkbook.serving.embedded.handshakes import GOODBYE_SECONDS, behind_tls
from deployworkbook.serving.embedded.protos import model_management_pb2
from deployworkbook.serving.embedded.server import Server
from deployworkbook.serving.embedded.tls import read_context, read_credentials
from deployworkbook.serving.security.certificates import make_certificates
from tests.serving import forms
from tests.serving.conftest import ADDRESS, predict_request, write

TOKENS = "first-token-0123456789", "other-token-0123456789"
BODY = {"instances": [2.0]}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    forms.onnx(folder / "1")
    return folder


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("secret") / "tls")


@pytest.fixture(scope="module")
def secured(start, base, certificates, tmp_path_factory):
    """A server with TLS on both ports, and two tokens."""
    file = write(tmp_path_factory.mktemp("token") / "tokens", "\n".join(TOKENS))
    file.chmod(0o600)
    return start(
        ready=False,
        model_base_path=base,
        model_name="half",
        ssl_config_file=certificates.ssl_config,
        rest_api_ssl_config_file=certificates.ssl_config,
        bearer_token_file=file,
        monitoring_config_file=write(file.parent / "m", "prometheus_config { enable: true }"),
    )


@pytest.fixture(scope="module")
def limited(start, base):
    """A server without TLS and tokens; each client has one request a minute, after three."""
    return start(
        model_base_path=base,
        model_name="half",
        rate_limit_per_second=1 / 60,
        rate_limit_burst=3,
    )


def addresses(server):
    """Both, by protocol."""
    options = server.options
    return f"{ADDRESS}:{options.port}", f"https://{ADDRESS}:{options.rest_api_port}"


def refused(address, **given):
    with connect(address, **given) as client, pytest.raises(RequestError) as error:
        client.predict({"x": [2.0]}, model="half")
    return error.value


@pytest.fixture
def session(certificates):
    with requests.Session() as session:
        session.trust_env = False  # it may name other CAs
        session.verify = str(certificates.ca)
        yield session


def test_clients_with_the_ca_and_a_token_are_answered(secured, certificates):
    for address in addresses(secured):
        for token in TOKENS:
            with connect(address, tls=certificates.ca, token=token) as client:
                for _ in range(3):  # over REST, the third time by a remembered head
                    assert client.predict([2.0], model="half").outputs["y"] == [3.0]


@pytest.mark.parametrize("given", [{}, {"token": "x" * 22}], ids=["none", "wrong"])
def test_without_a_token_nobody_predicts(secured, certificates, given, caplog):
    for address in addresses(secured):
        error = refused(address, tls=certificates.ca, **given)
        assert error.code is Code.UNAUTHENTICATED
        assert "token=Path('FILE')" in error.remedy
    assert "was refused, from 127.0.0.1" in caplog.text
    assert not any(token in caplog.text for token in (*TOKENS, "x" * 22))


def test_refusals_say_how_to_authenticate(secured, session):
    url = f"{addresses(secured)[1]}/v1/models/half:predict"
    answer = session.post(url, json=BODY, timeout=20)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
        401,
        'Bearer realm="models"',
    )
    assert "Authorization: Bearer TOKEN" in answer.json()["error"]
    wrong = session.post(url, json=BODY, timeout=20, headers={"Authorization": "Bearer x"})
    assert wrong.headers["WWW-Authenticate"].endswith('error="invalid_token"')
    # The connection is kept, and its next request judged for itself.
    right = session.post(
        url, json=BODY, timeout=20, headers={"authorization": f"bearer {TOKENS[1]}"}
    )
    assert right.json() == {"predictions": [3.0]}
    assert session.post(url, json=BODY, timeout=20).status_code == 401


def test_probes_need_no_token_and_all_else_does(secured, session, certificates):
    grpc_address, rest = addresses(secured)
    for path in ("/v1/models/half", "/v1/models/half/metadata", "/v1/models/half/versions/1"):
        assert session.get(rest + path, timeout=20).status_code == 200
    preflight = {"Origin": "http://a", "Access-Control-Request-Method": "POST"}
    path = f"{rest}/v1/models/half:predict"
    assert session.options(path, headers=preflight, timeout=20).status_code == 200
    for path in ("/monitoring/prometheus/metrics", "/v1/models/half:predict", "/other", "/demo"):
        assert session.get(rest + path, timeout=20).status_code == 401
    with grpc.secure_channel(grpc_address, certificates.trust.credentials()) as channel:
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert health(b"", timeout=20) == b"\x08\x01"
        reload = channel.unary_unary("/tensorflow.serving.ModelService/HandleReloadConfigRequest")
        request = model_management_pb2.ReloadConfigRequest().SerializeToString()
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            reload(request, timeout=20)


def test_clients_without_tls_are_told_and_the_server_goes_on(secured, certificates):
    grpc_address, rest = addresses(secured)
    error = refused(grpc_address, token=TOKENS[0])
    assert "the server there wants TLS" in error.said
    assert "tls=Path('ca.pem')" in error.remedy
    error = refused(rest.replace("https", "http"), token=TOKENS[0])
    assert "This port speaks TLS: write https://" in error.said
    error = refused(rest, token=TOKENS[0])
    assert "Expected: one signed by a CA that this machine trusts" in error.said
    test_clients_with_the_ca_and_a_token_are_answered(secured, certificates)


def test_a_handshake_may_come_in_pieces_with_a_request_behind_it(secured, certificates):
    """As over a slow link: every byte for itself, and the request with the handshake's last one."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = certificates.trust.context().wrap_bio(incoming, outgoing, server_hostname=ADDRESS)
    port = secured.options.rest_api_port
    with socket.create_connection((ADDRESS, port), timeout=20) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def until_done(act):
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    waiting = outgoing.read()
                    for start in range(0, len(waiting), 64):
                        plain.sendall(waiting[start : start + 64])
                    incoming.write(plain.recv(65536))

        until_done(side.do_handshake)
        side.write(b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\n\r\n")
        plain.sendall(outgoing.read())  # the end of the handshake, and the request
        assert until_done(lambda: side.read(12)) == b"HTTP/1.1 200"


def test_connections_that_never_shake_hands_are_dropped(secured, certificates, monkeypatch):
    """They count as connections, so a crowd of them is kept within the limit."""
    port = secured.options.rest_api_port
    silent = [socket.create_connection((ADDRESS, port), timeout=20) for _ in range(40)]
    for each in silent:
        each.close()
    with socket.create_connection((ADDRESS, port), timeout=20) as half_done:
        half_done.sendall(b"\x16\x03\x01")
        test_clients_with_the_ca_and_a_token_are_answered(secured, certificates)


def test_a_rate_is_each_clients_and_counts_both_protocols(limited):
    """A minute for the next request: no machine is so slow that this test gets it."""
    rest, grpc_address = limited.address, f"{ADDRESS}:{limited.options.port}"
    with connect(rest) as first, connect(grpc_address) as second:
        assert first.predict({"x": [2.0]}, model="half").outputs["y"] == [3.0]
        assert second.predict({"x": [2.0]}, model="half").outputs["y"] == [3.0]
        assert first.predict({"x": [2.0]}, model="half").outputs["y"] == [3.0]
    for address in (rest, grpc_address):
        error = refused(address)
        assert error.code is Code.RESOURCE_EXHAUSTED
        assert "0.0166667 per second, and 3 at once" in error.said
        assert "no faster than that" in error.remedy
    answer = limited.post("half:predict", json=BODY)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    with pytest.raises(grpc.RpcError) as caught:
        limited.predict(predict_request())
    waits = dict(caught.value.trailing_metadata())
    assert 1000 < int(waits["grpc-retry-pushback-ms"]) <= 60_000
    with requests.Session() as session:  # one connection, on the short way and on the long one
        url = f"{rest}/v1/models/half:"
        given = [("predict", BODY), ("classify", {}), ("predict", BODY)]
        refusals = [session.post(url + what, json=body, timeout=20) for what, body in given]
        for each in refusals:
            assert each.status_code == 429
            assert each.json()["error"].startswith("Too many requests: a client may send")
            assert 1 <= int(each.headers["Retry-After"]) <= 60
    # Status and metadata are the probes', and cost nothing.
    assert limited.get("/half").status_code == limited.get("/half/metadata").status_code == 200


def test_a_request_is_counted_once_however_it_is_answered(start, base):
    """Unusual ones begin on the short way and are answered on the long one."""
    server = start(
        port=0, model_base_path=base, model_name="half",
        rate_limit_per_second=1 / 600, rate_limit_burst=4,
    )  # fmt: skip
    bodies = [
        b'{"instances": [2.0]}',
        b'{"instances": [Infinity]}',
        b'{"instances": [2.0]} x',
        b"[",
    ]
    statuses = [server.post("half:predict", data=body).status_code for body in [*bodies, bodies[0]]]
    assert statuses[0] == 200
    assert 429 not in statuses[:4]
    assert statuses[4] == 429


def test_a_token_from_the_environment(monkeypatch, caplog, tmp_path):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKENS[0])
    guard = guard_of(Options())
    guard.admit(f"Bearer {TOKENS[0]}", ADDRESS)
    with pytest.raises(ServingError, match="UNAUTHENTICATED"):
        guard.admit(f"Bearer {TOKENS[1]}", ADDRESS)
    monkeypatch.setenv(TOKEN_VARIABLE, "short")
    with pytest.raises(ValueError, match=TOKEN_VARIABLE) as error:
        guard_of(Options())
    assert "short" not in str(error.value)
    file = write(tmp_path / "token", TOKENS[0])
    file.chmod(0o644)
    guard_of(Options(bearer_token_file=file))
    assert f"chmod 600 {file}" in caplog.text
    monkeypatch.delenv(TOKEN_VARIABLE)
    assert guard_of(Options()) is None


def test_listening_widely_is_warned_of_until_it_is_safe(base, certificates, caplog, monkeypatch):
    def said(**given):
        caplog.clear()
        wide = {"host": "0.0.0.0", "model_base_path": base, "rest_api_port": 0, **given}  # noqa: S104
        Server(Options(**wide), None)
        return caplog.text

    assert "there is no password" in said()
    monkeypatch.setenv(TOKEN_VARIABLE, TOKENS[0])
    assert "without TLS: whoever sees the network's packets reads the tokens" in said()
    assert "WARNING" not in said(ssl_config_file=certificates.ssl_config)


def with_the_key_of(config, other):
    return other.partition("\n")[0] + "\n" + config.partition("\n")[2]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda config, other: config.replace("PRIVATE KEY", "SECRET"), "expected PEM texts"),
        (with_the_key_of, "KEY_VALUES_MISMATCH"),
        (lambda config, other: config + 'custom_ca: "x"', "custom_ca: expected PEM"),
        (lambda config, other: config + "client_verify: true", "client_verify: expected custom_ca"),
    ],
)
def test_files_that_cannot_work_are_refused_at_the_start(certificates, tmp_path, change, match):
    config = certificates.ssl_config.read_text()
    other = make_certificates(tmp_path / "other").ssl_config.read_text()
    file = write(tmp_path / "config", change(config, other))
    for read in (read_context, read_credentials):
        with pytest.raises(ServingError, match=match):
            read(file)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"demo": True, "bearer_token_file": "t"}, "browsers send no token"),
        ({"rest_api_ssl_config_file": "t", "rest_api_port": 0}, "needs --rest_api_port"),
        ({"rate_limit_per_second": -1}, "--rate_limit_per_second: expected 0 or more"),
        ({"rate_limit_per_second": float("nan")}, "--rate_limit_per_second: expected 0 or more"),
        ({"rate_limit_burst": 0}, "--rate_limit_burst: expected at least 1"),
    ],
)
def test_flags_that_make_no_sense_together(given, match, tmp_path):
    options = {"model_base_path": tmp_path, "rest_api_port": 8501, **given}
    assert match in complaint(Options(**options))


def test_a_client_that_never_says_goodbye_holds_up_no_ending_server(certificates):
    """It keeps an idle connection, and doesn't look whether the server has closed it."""

    class Idle(asyncio.Protocol):
        def connection_made(self, transport):
            transport.close()

        def connection_lost(self, exc):
            self.gone.set_result(None)

    async def closed_by_the_server():
        gone = Idle.gone = asyncio.get_running_loop().create_future()
        folder, context = certificates.ca.parent, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        begin = behind_tls(lambda **given: Idle(), context, most=9)
        state = SimpleNamespace(connections=set())
        listening = await asyncio.get_running_loop().create_server(
            lambda: begin(server_state=state), ADDRESS, 0
        )
        port = listening.sockets[0].getsockname()[1]
        client = ssl.create_default_context(cafile=certificates.ca)
        plain = await asyncio.to_thread(socket.create_connection, (ADDRESS, port))
        secure = await asyncio.to_thread(client.wrap_socket, plain, server_hostname=ADDRESS)
        try:
            # asyncio's own limit is 30 s.
            await asyncio.wait_for(gone, 20 * GOODBYE_SECONDS)
        finally:
            secure.close()
            listening.close()

    asyncio.run(closed_by_the_server())
