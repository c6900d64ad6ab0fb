"""Loads: sent when they are due, counted from then, and only to this machine."""

import http.server
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.serving.load import loops
from deployworkbook.serving.load.arrivals import arrival_times
from deployworkbook.serving.load.engine import NOT_SENT, LoadPlan, run
from deployworkbook.serving.load.loops import (
    closed_loop,
    open_loop,
    start_open_loop,
)
from deployworkbook.serving.load.process import RunningLoad
from deployworkbook.serving.load.result import LoadResult
from deployworkbook.serving.load.target import LoadTarget, load_target
from tests.serving.conftest import ADDRESS, free_port
from tests.waiting import WATCHDOG_S


@pytest.fixture(params=["grpc", "rest"])
def target(request, server):
    address = f"{ADDRESS}:{server.options.port}" if request.param == "grpc" else server.address
    return load_target(address, {"x": np.float32([2.0])}, model="half")


@pytest.fixture
def in_this_process(monkeypatch):
    """Send loads from this process: an interpreter of its own takes most of a second to start."""

    class Here:
        def __init__(self, plan, target):
            self._plan, self._target = plan, target.destination

        def wait(self):
            return LoadResult.of(self._plan, run(self._plan, self._target, started=lambda: None))

    monkeypatch.setattr(loops, "RunningLoad", Here)


class Stalling:
    """A gRPC server that answers at once, but for one second in which it answers nothing."""

    def __init__(self):
        self.stall = (0.0, 0.0)
        self._closed = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(128))
        handler = grpc.unary_unary_rpc_method_handler(self._predict)
        service = "tensorflow.serving.PredictionService"
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Predict": handler}),)
        )
        port = self._server.add_insecure_port(f"{ADDRESS}:0")
        self._server.start()
        self.address = f"{ADDRESS}:{port}"

    def _predict(self, request, context):
        begin, end = self.stall
        now = time.monotonic()
        if begin <= now < end:
            self._closed.wait(end - now)
        return b""

    def close(self):
        self._closed.set()  # else the interpreter would wait for the thread at its end
        self._server.stop(0).wait()


@pytest.fixture
def stalling():
    server = Stalling()
    yield server
    server.close()


def naive_p99_ms(address, rate_per_s, seconds):
    """What a generator reports that waits for each answer before it sends the next request."""
    times = []
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sent = time.perf_counter()
            call(b"")
            times.append(1000 * (time.perf_counter() - sent))
            time.sleep(max(0.0, 1 / rate_per_s - times[-1] / 1000))
    return float(np.percentile(times, 99))


@pytest.mark.usefixtures("in_this_process")
def test_another_grpc_method_can_be_asked(stalling):
    """As for a server of another protocol; this one doesn't know it."""
    path = "/inference.GRPCInferenceService/ModelInfer"
    target = LoadTarget(stalling.address, (b"",), path)
    assert set(closed_loop(target, 1, seconds=0.2).errors) == {"UNIMPLEMENTED"}


@pytest.mark.timing
@pytest.mark.parametrize("connections", [1, 64])
def test_a_stall_counts_for_all_who_were_due_in_it(stalling, connections):
    target = LoadTarget(stalling.address, (b"",))
    rate, seconds, stall_s = 200, 1.2, 0.6

    def stall_soon():
        now = time.monotonic()
        stalling.stall = (now + 0.3, now + 0.3 + stall_s)

    stall_soon()
    naive = naive_p99_ms(stalling.address, rate, seconds)
    running = start_open_loop(
        target, rate, seconds=seconds, pattern="constant", connections=connections
    )
    stall_soon()
    result = running.wait()
    assert len(result) == 240
    assert result.errors == {}
    # Half of the 240 were due while nothing was answered; the last of these waited least, so a
    # quarter waited longer than 0.3 s. The naive one saw a single long answer.
    assert result.percentile_ms(75) > 200
    assert result.p99_ms > 480
    assert naive < 200
    if connections == 1:
        # From sending, this generator's figures would be as wrong.
        assert np.percentile(result.service_times_ms, 99) < 200
        assert np.percentile(result.lateness_ms, 75) > 200
    else:
        assert np.percentile(result.lateness_ms, 75) < 200


def test_an_open_loop_keeps_its_rate_and_is_answered(target):
    result = open_loop(target, 100, seconds=1, pattern="constant")
    assert len(result) == 100
    assert result.errors == {}
    assert (result.offered_per_s, result.clients) == (100.0, None)
    np.testing.assert_allclose(result.intended_s, np.arange(100) / 100)
    assert (result.sent_s >= result.intended_s).all()
    assert (result.done_s > result.sent_s).all()
    assert 0 < result.p50_ms <= result.p99_ms < 5000
    assert abs(result.started_at - time.time()) < 60
    assert set(result.versions) == ({-1} if target.is_rest else {123})
    assert "100/s offered" in str(result)
    assert "no errors" in str(result)


@pytest.mark.usefixtures("in_this_process")
def test_a_closed_loop_has_no_more_under_way_than_users(target):
    result = closed_loop(target, 3, seconds=0.5)
    assert (result.offered_per_s, result.clients) == (None, 3)
    assert result.errors == {}
    moments = np.concatenate([result.sent_s, result.done_s])
    steps = np.concatenate([np.ones(len(result)), -np.ones(len(result))])
    under_way = np.cumsum(steps[np.argsort(moments, kind="stable")])
    assert under_way.max() <= 3
    np.testing.assert_array_equal(result.intended_s, result.sent_s)
    assert not result.is_saturated
    assert str(result).startswith("3 clients:")


@pytest.mark.usefixtures("in_this_process")
def test_thinking_users_ask_less(target):
    result = closed_loop(target, 2, seconds=0.6, think_s=0.1)
    # Each user at most every 0.1 s.
    assert 4 <= len(result) <= 14


@pytest.mark.usefixtures("in_this_process")
def test_loads_are_bounded_in_count(target):
    assert len(open_loop(target, 1000, seconds=5, max_requests=20)) == 20
    assert len(closed_loop(target, 2, seconds=5, max_requests=20)) == 20


@pytest.mark.usefixtures("in_this_process")
def test_several_requests_take_turns(server):
    address = f"{ADDRESS}:{server.options.port}"
    inputs = [{"x": np.float32([2.0])}, {"z": np.float32([2.0])}]
    result = open_loop(
        load_target(address, inputs, model="half"), 50, seconds=0.4, pattern="constant"
    )
    assert result.errors == {"INVALID_ARGUMENT": 10}
    assert "10 INVALID_ARGUMENT" in str(result)
    assert result.is_saturated


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_server_that_is_not_there_is_counted(scheme):
    target = LoadTarget(f"{scheme}{ADDRESS}:{free_port()}", (b"",), "/v1/models/m:predict")
    result = open_loop(target, 50, seconds=0.2, pattern="constant")
    assert result.errors == {"UNAVAILABLE": 10}
    assert np.isnan(result.p50_ms)
    assert result.throughput_per_s == 0


@pytest.mark.usefixtures("in_this_process")
def test_what_cannot_be_sent_in_time_is_counted_as_waiting(stalling):
    now = time.monotonic()
    stalling.stall = (now, now + WATCHDOG_S)
    target = LoadTarget(stalling.address, (b"",), deadline_s=0.3)
    result = open_loop(target, 50, seconds=0.4, pattern="constant", connections=1)
    # At most one every 0.3 s while requests may be sent, for 0.4 + 0.3 s: at 0, 0.3 and 0.6.
    assert set(result.errors) == {"DEADLINE_EXCEEDED", "NOT_SENT"}
    assert result.errors["DEADLINE_EXCEEDED"] <= 3
    assert len(result) == sum(result.errors.values()) == 20
    stalling.stall = (0, 0)


@pytest.mark.usefixtures("in_this_process")
def test_rest_errors_and_timeouts_are_counted():
    given_up = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if body == b"late":
                given_up.wait(WATCHDOG_S)
            if body == b"bye":
                self.close_connection = True
                return
            self.send_response(503 if body == b"busy" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer((ADDRESS, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        address = f"http://{ADDRESS}:{server.server_port}"
        payloads = (b"fine", b"late", b"busy", b"bye")
        # Long enough for the quick ones on any machine.
        target = LoadTarget(address, payloads, "/x", deadline_s=2.0)
        result = open_loop(target, 20, seconds=0.4, pattern="constant")
        given_up.set()
        server.shutdown()
        thread.join()
    assert result.errors == {"DEADLINE_EXCEEDED": 2, "UNAVAILABLE": 4}
    assert result.is_answered.sum() == 2


@pytest.mark.parametrize(
    "address", ["10.0.0.7:8500", "example.org:8500", "http://192.168.1.2:8501", "8.8.8.8:8500"]
)
def test_only_this_machine_is_loaded(address):
    with pytest.raises(ValueError, match=r"of this machine.*unless its owner has agreed"):
        load_target(address, {"x": [1.0]}, model="m")


@pytest.mark.parametrize("address", ["", ":8500", "127.0.0.1", "https://127.0.0.1:8501"])
def test_addresses_of_another_form_are_refused(address):
    with pytest.raises(ValueError, match="address: expected HOST:PORT for gRPC"):
        load_target(address, {"x": [1.0]}, model="m")


@pytest.mark.parametrize("address", ["localhost:1", "127.0.0.9:1", "[::1]:1", "http://[::1]:1"])
def test_all_of_this_machines_addresses_may_be(address):
    assert load_target(address, {"x": [1.0]}, model="m").payloads


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"rate_per_s": 0, "seconds": 1}, "rate_per_s"),
        ({"rate_per_s": 1, "seconds": 601}, r"seconds: expected a finite number in \(0, 600\]"),
        ({"rate_per_s": 1, "seconds": 1, "pattern": "burst"}, "one of 'poisson', 'constant'"),
        ({"rate_per_s": 1, "seconds": 1, "max_requests": 10**7}, "max_requests"),
        ({"rate_per_s": 1, "seconds": 1, "connections": 257}, "connections"),
    ],
)
def test_settings_out_of_bounds_are_refused(keywords, words):
    with pytest.raises(ValueError, match=words):
        start_open_loop(LoadTarget(f"{ADDRESS}:1", (b"",)), **keywords)


def test_nothing_to_send_is_refused():
    with pytest.raises(ValueError, match="inputs: expected at least one request"):
        load_target(f"{ADDRESS}:1", [], model="m")


@settings(max_examples=50)
@given(st.floats(1, 2000), st.floats(0.05, 5), st.sampled_from(["poisson", "constant"]))
def test_arrivals_ascend_within_the_time(rate, seconds, pattern):
    times = arrival_times(rate, seconds, pattern=pattern, seed=1)
    assert (np.diff(times) >= 0).all()
    assert len(times) == 0 or 0 <= times[0] <= times[-1] < seconds
    # Six standard deviations of a Poisson number.
    assert abs(len(times) - rate * seconds) <= 6 * np.sqrt(rate * seconds) + 1


def test_poisson_gaps_are_exponential():
    gaps = np.diff(arrival_times(1000, 20, seed=0))
    # Mean and standard deviation are the same, 1 ms; 20,000 gaps are sure to 3 % of either.
    assert gaps.mean() == pytest.approx(1e-3, rel=0.03)
    assert gaps.std() == pytest.approx(1e-3, rel=0.03)
    assert arrival_times(1000, 1, seed=0)[0] != arrival_times(1000, 1, seed=1)[0]


def test_the_process_is_another_and_can_be_stopped(stalling):
    target = LoadTarget(stalling.address, (b"",))
    running = start_open_loop(target, 10, seconds=60)
    running.stop()
    assert running._process.returncode != 0


def test_a_process_that_fails_says_why():
    broken = LoadPlan("no array", 1, 1.0, 1)
    with pytest.raises(RuntimeError, match=r"sends the load failed(.|\n)*Error"):
        RunningLoad(broken, LoadTarget(f"{ADDRESS}:1", (b"",))).wait()


def test_figures_by_hand():
    result = LoadResult(
        offered_per_s=2.0,
        clients=None,
        started_at=0.0,
        intended_s=np.array([0.0, 0.5, 1.0, 1.5]),
        sent_s=np.array([0.0, 0.8, 1.0, 2.0]),
        done_s=np.array([0.1, 0.9, 1.2, 2.0]),
        codes=np.array([0, 0, 14, NOT_SENT]),
        versions=np.array([1, 1, -1, -1]),
    )
    np.testing.assert_allclose(result.latencies_ms, [100, 400])
    np.testing.assert_allclose(result.service_times_ms, [100, 100])
    np.testing.assert_allclose(result.lateness_ms, [0, 300, 0])
    assert result.p50_ms == pytest.approx(250)
    assert result.seconds == 2.0
    assert result.throughput_per_s == 1.0
    assert result.errors == {"NOT_SENT": 1, "UNAVAILABLE": 1}
