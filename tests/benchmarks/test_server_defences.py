"""What the server's defences cost: TLS, a token, a rate limit, and all of them.

Prints, over REST and gRPC, the time of a request on a kept connection beside that of a server
without defences, in turns; the time until a new connection's first answer; and the processor's time
per request of both processes together, which a busy machine changes less.
"""

import contextlib
import http.client
import json
import time
from dataclasses import dataclass

import grpc
import numpy as np
import psutil
import pytest

from deployworkbook.serving.client.grpc import PREDICTION_SERVICE, open_channel
from deployworkbook.serving.launcher.starting import start
from deployworkbook.serving.security.certificates import make_certificates
from deployworkbook.serving.security.tokens import make_token, read_tokens
from deployworkbook.serving.security.trust import Trust
from tests.benchmarks.test_serving_peers import layers, ratio_text, save_onnx
from tests.serving.conftest import predict_request

pytestmark = [pytest.mark.report, pytest.mark.timeout(1800)]

ROUNDS, REQUESTS, HANDSHAKES = 7, 400, 15
# Never reached: what it costs to look.
RATE = {"rate_limit_per_second": 1e6, "rate_limit_burst": 1000}
PATH = "/v1/models/default:predict"


@dataclass
class Way:
    """A server with some defences, and what its clients need."""

    server: object
    trust: Trust | None
    token: str | None
    bodies: tuple[bytes, bytes]

    @property
    def headers(self):
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    @contextlib.contextmanager
    def rest(self):
        """Give what asks once, on a connection of its own."""
        kind, given = http.client.HTTPConnection, {}
        if self.trust is not None:
            kind, given = http.client.HTTPSConnection, {"context": self.trust.context()}
        connection = kind("127.0.0.1", self.server.rest_port, timeout=60, **given)
        headers = {"Content-Type": "application/json", **self.headers}

        def ask():
            connection.request("POST", PATH, self.bodies[0], headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content

        yield ask
        connection.close()

    @contextlib.contextmanager
    def grpc(self):
        credentials = None if self.trust is None else self.trust.credentials()
        metadata = [(name.lower(), value) for name, value in self.headers.items()]
        with open_channel(self.server.grpc_address, credentials=credentials) as channel:
            call = channel.unary_unary(f"/{PREDICTION_SERVICE}/Predict")
            yield lambda: call(self.bodies[1], timeout=60, metadata=metadata)

    def kept_us(self, protocol):
        """Wall time and processor time per request on a kept connection, in µs."""
        with getattr(self, protocol)() as ask:
            for _ in range(30):
                ask()
            own, other = psutil.Process(), psutil.Process(self.server.pid)
            before = sum(sum(each.cpu_times()[:2]) for each in (own, other))
            times = []
            for _ in range(REQUESTS):
                begun = time.perf_counter()
                ask()
                times.append(time.perf_counter() - begun)
            spent = sum(sum(each.cpu_times()[:2]) for each in (own, other)) - before
        return 1e6 * float(np.median(times)), 1e6 * spent / REQUESTS

    def first_ms(self, protocol):
        """From nothing to the first answer, in ms."""
        times = []
        for _ in range(HANDSHAKES):
            with contextlib.ExitStack() as stack:
                # Reading the CA's file is not part of it.
                ask = stack.enter_context(getattr(self, protocol)())
                begun = time.perf_counter()
                ask()
                times.append(time.perf_counter() - begun)
        return 1e3 * float(np.median(times))


@pytest.fixture
def ways(tmp_path):
    """Servers with and without each defence, of the same small network."""
    folder = tmp_path / "base" / "1"
    folder.mkdir(parents=True)
    save_onnx(layers("small"), folder / "model.onnx")
    certificates = make_certificates(tmp_path / "tls")
    mutual = make_certificates(tmp_path / "mutual", client=True)
    token = make_token(tmp_path / "token")
    image = np.random.default_rng(1).random((1, 784)).round(4)
    rows = json.dumps({"instances": image.tolist()}).encode()
    bodies = rows, predict_request("default", image).SerializeToString()
    kinds = {
        "none": {},
        "TLS": {"tls": certificates},
        "mutual TLS": {"tls": mutual},
        "a token": {"bearer_token_file": token},
        "a rate limit": RATE,
        "all of them": {"tls": mutual, "bearer_token_file": token, **RATE},
    }
    with contextlib.ExitStack() as running:
        yield {
            name: Way(
                running.enter_context(start(folder.parent, backend="embedded", **given)),
                given["tls"].trust if "tls" in given else None,
                read_tokens(token)[0] if "bearer_token_file" in given else None,
                bodies,
            )
            for name, given in kinds.items()
        }


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_cost_of_the_defences(ways, protocol):
    measured = {name: ([], []) for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            wall, spent = way.kept_us(protocol)
            measured[name][0].append(wall)
            measured[name][1].append(spent)
    plain = measured["none"]
    print(f"\n{protocol}: a request on a kept connection, and until a new one's first answer")
    for name, (wall, spent) in measured.items():
        extra = np.median(np.subtract(wall, plain[0])), np.median(np.subtract(spent, plain[1]))
        print(
            f"{name:12}: {np.median(wall):5.0f} µs, processors {np.median(spent):5.0f} µs; "
            f"cost of the defence {extra[0]:+5.0f} µs, processors {extra[1]:+5.0f} µs; "
            f"{ratio_text(wall, plain[0])}; first answer {ways[name].first_ms(protocol):.1f} ms"
        )


def test_cost_of_a_refusal(ways):
    """What a client without a token, or beyond its rate, costs the server."""
    way = ways["a token"]
    stranger = Way(way.server, way.trust, "x" * 43, way.bodies)
    for protocol in ("rest", "grpc"):
        with getattr(stranger, protocol)() as ask:
            process = psutil.Process(way.server.pid)
            before = sum(process.cpu_times()[:2])
            for _ in range(REQUESTS):
                with contextlib.suppress(AssertionError, grpc.RpcError):
                    ask()
            refused = 1e6 * (sum(process.cpu_times()[:2]) - before) / REQUESTS
        with getattr(way, protocol)() as ask:
            before = sum(process.cpu_times()[:2])
            for _ in range(REQUESTS):
                ask()
            answered = 1e6 * (sum(process.cpu_times()[:2]) - before) / REQUESTS
        print(f"\n{protocol}: the server's time per refused request {refused:.0f} µs, "
              f"per answered one {answered:.0f} µs")  # fmt: skip
