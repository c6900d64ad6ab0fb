"""What the server's defences cost: TLS, a token, a rate limit, and all of them.

Prints, over REST and gRPC, the time of a request on a kept connection beside that of a server
without defences, in turns; the time until a new connection's first answer; and the processor's time
per request, which a busy machine changes less.
"""

import contextlib
import http.client
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest
from scipy import stats

from deployworkbook.serving.client.grpc import PREDICTION_SERVICE, open_channel
from deployworkbook.serving.launcher.starting import start
from deployworkbook.serving.security.certificates import make_certificates
from deployworkbook.serving.security.tokens import make_token, read_tokens
from deployworkbook.serving.security.trust import Trust
from tests.benchmarks.test_serving_peers import layers, save_onnx
from tests.serving.conftest import predict_request

pytestmark = [pytest.mark.report, pytest.mark.timeout(1800)]

BLOCKS, REQUESTS, HANDSHAKES = 60, 20, 15
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
    folder: Path

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
                folder.parent,
            )
            for name, given in kinds.items()
        }


def processor_s(way):
    """What a server's threads have used of the processors so far, in seconds."""
    tasks = Path(f"/proc/{way.server.pid}/task")
    if not tasks.exists():  # only Linux counts it in nanoseconds
        return sum(psutil.Process(way.server.pid).cpu_times()[:2])
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def mean_text(differences):
    """The mean of blocks' differences, with its 95 % interval; the noisiest tenths don't count."""
    cut = len(differences) // 10
    middle = np.sort(differences)[cut:-cut]
    half = stats.t.ppf(0.975, len(middle) - 1) * stats.sem(middle)
    return f"{middle.mean():+5.0f} ± {half:.0f} µs"


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_cost_of_the_defences(ways, protocol):
    """Short blocks of requests in turns, so that what else runs here slows all of them."""
    with contextlib.ExitStack() as stack:
        asks = {name: stack.enter_context(getattr(way, protocol)()) for name, way in ways.items()}
        measured = {name: np.zeros((3, BLOCKS)) for name in ways}
        names = list(ways)
        for block in range(BLOCKS):
            for name in names[block % len(names) :] + names[: block % len(names)]:
                for _ in range(3):  # until caches are warm again
                    asks[name]()
                times, other, own = [], processor_s(ways[name]), time.process_time()
                for _ in range(REQUESTS):
                    begun = time.perf_counter()
                    asks[name]()
                    times.append(time.perf_counter() - begun)
                own = (time.process_time() - own) / REQUESTS
                other = (processor_s(ways[name]) - other) / REQUESTS
                measured[name][:, block] = 1e6 * np.array([np.median(times), own, other])
    count = f"{BLOCKS} blocks of {REQUESTS} requests"
    print(f"\n{protocol}: {count} on a kept connection each; cost of the defence")
    plain = measured["none"]
    for name, found in measured.items():
        wall, own, other = found - plain
        print(
            f"{name:12}: {np.median(found[0]):5.0f} µs, {mean_text(wall)}, "
            f"{np.median(found[0] / plain[0]):.2f} times; processors: server "
            f"{np.median(found[2]):.0f} µs, {mean_text(other)}, client {mean_text(own)}; "
            f"a new connection's first answer after {ways[name].first_ms(protocol):.1f} ms"
        )


def test_cost_of_a_refusal(ways):
    """What a client without a token, or beyond its rate, costs the server."""
    with start(ways["none"].folder, backend="embedded", rate_limit_per_second=1e-3) as strict:
        kinds = {
            "answered": ways["none"],
            "without a token": replace(ways["a token"], token="x" * 43),
            "beyond its rate": replace(ways["none"], server=strict),
        }
        for protocol in ("rest", "grpc"):
            for name, way in kinds.items():
                with getattr(way, protocol)() as ask:
                    before = processor_s(way)
                    for _ in range(BLOCKS * REQUESTS):
                        with contextlib.suppress(AssertionError, grpc.RpcError):
                            ask()
                    used = 1e6 * (processor_s(way) - before) / (BLOCKS * REQUESTS)
                print(f"\n{protocol}: the server's processor per request {name}: {used:.0f} µs")
