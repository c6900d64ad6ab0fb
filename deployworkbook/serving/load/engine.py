"""Send requests from threads at given times, and record what happens.

A process is started for each load, so this module and all that it imports are light: no NumPy.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from deployworkbook.serving.api.codes import Code, code_of_http
from deployworkbook.serving.api.messages import PredictResponse
from deployworkbook.serving.client.channels import CHANNEL_OPTIONS, PREDICTION_SERVICE

# From creating the threads to the first request.
_LEAD_S = 0.05

# The code of requests that were due but never sent, because no connection became free.
NOT_SENT = -1

# The version of an answer that doesn't name one.
NO_VERSION = -1


@dataclass(frozen=True)
class LoadPlan:
    """How many requests to send, and when.

    Args:
        arrivals_s: When each request of an open loop is due; ``None`` for a closed loop.
        lines: Maximum number of concurrent requests; in a closed loop, the number of users.
        seconds: When a closed loop ends, or the last request of an open loop is due.
        max_requests: Maximum number of requests of a closed loop.
        think_s: How long each user of a closed loop waits between an answer and the next request.
        offered_per_s: The rate of an open loop.
    """

    arrivals_s: Sequence[float] | None
    lines: int
    seconds: float
    max_requests: int
    think_s: float = 0.0
    offered_per_s: float | None = None


@dataclass(frozen=True)
class Destination:
    """Where the requests of a load go, on this machine, and the requests.

    Args:
        host: The host's name or IP address.
        port: The port; ``None`` for HTTP's own.
        grpc_address: ``HOST:PORT`` for gRPC; empty for REST.
        path: The URL path, for REST; the method, for gRPC, by default that of predictions.
        payloads: The requests as bytes, sent in turn.
        deadline_s: How long each request may take.
    """

    host: str
    port: int | None
    grpc_address: str
    path: str
    payloads: tuple[bytes, ...]
    deadline_s: float


@dataclass(frozen=True)
class Outcomes:
    """What became of each request of a load, as the process that sent it reports it.

    Args:
        started_at: When the load began, in seconds since 1970.
        intended_s: When each request was due, in seconds from the start.
        sent_s: When it was sent.
        done_s: When its answer or error arrived.
        codes: The canonical code of each answer; ``NOT_SENT`` for requests that were never sent.
        versions: The version that answered; ``NO_VERSION`` if the answer doesn't say.
    """

    started_at: float
    intended_s: array[float]
    sent_s: array[float]
    done_s: array[float]
    codes: array[int]
    versions: array[int]


def run(plan: LoadPlan, target: Destination, *, started: Callable[[], object]) -> Outcomes:
    """Send a load from this process and wait until it ends.

    Args:
        plan: How many requests to send, and when.
        target: The server and the requests.
        started: Called when the clock starts.
    """
    channel = _channel(target.grpc_address) if target.grpc_address else None
    record = _Record(plan, target)
    threads = [
        threading.Thread(target=record.work, args=(_line(target, channel),), daemon=True)
        for _ in range(plan.lines)
    ]
    for thread in threads:
        thread.start()
    record.begin()
    started()
    for thread in threads:
        thread.join()
    if channel is not None:
        channel.close()
    return record.outcomes()


class _Record:
    """What the threads share: which request is next, and the outcome of each."""

    def __init__(self, plan: LoadPlan, target: Destination) -> None:
        self._plan, self._target = plan, target
        count = plan.max_requests if plan.arrivals_s is None else len(plan.arrivals_s)
        self._intended, self._sent, self._done = (array("d", [math.nan]) * count for _ in range(3))
        self._codes = array("q", [NOT_SENT]) * count
        self._versions = array("q", [NO_VERSION]) * count
        self._next, self._lock = 0, threading.Lock()
        self._ready = threading.Event()
        self._start = self._started_at = 0.0

    def begin(self) -> None:
        self._start, self._started_at = time.perf_counter() + _LEAD_S, time.time() + _LEAD_S
        self._ready.set()

    def work(self, line: _GrpcLine | _RestLine) -> None:
        """Send one request after another until none is left or time is up.

        Each thread takes the next request and waits until it is due. If all threads are waiting
        for answers, requests become late; their latency still counts from when they were due.
        """
        plan, target = self._plan, self._target
        self._ready.wait()
        last = plan.seconds + (0 if plan.arrivals_s is None else target.deadline_s)
        while (index := self._take()) is not None:
            due = self._elapsed() if plan.arrivals_s is None else float(plan.arrivals_s[index])
            self._wait_until(max(due, 0.0))
            sent = self._elapsed()
            if sent > last:
                break
            payload = target.payloads[index % len(target.payloads)]
            code, answer = line.send(payload)
            self._done[index] = self._elapsed()
            self._sent[index] = sent
            self._intended[index] = sent if plan.arrivals_s is None else due
            self._codes[index] = code
            if code == Code.OK and target.grpc_address:
                self._versions[index] = _version(answer)
            if plan.think_s:
                time.sleep(plan.think_s)
        line.close()

    def outcomes(self) -> Outcomes:
        arrivals = self._plan.arrivals_s
        if arrivals is None:  # the lists have room for the most requests that a closed loop sends
            kept = [index for index, code in enumerate(self._codes) if code != NOT_SENT]
        else:
            kept = list(range(len(self._codes)))
            # Requests that were never sent have waited until the end.
            end = self._elapsed()
            self._intended = array("d", arrivals)
            for index in kept:
                if self._codes[index] == NOT_SENT:
                    self._sent[index] = self._done[index] = end
        return Outcomes(
            self._started_at,
            array("d", [self._intended[index] for index in kept]),
            array("d", [self._sent[index] for index in kept]),
            array("d", [self._done[index] for index in kept]),
            array("q", [self._codes[index] for index in kept]),
            array("q", [self._versions[index] for index in kept]),
        )

    def _take(self) -> int | None:
        with self._lock:
            if self._next == len(self._codes):
                return None
            self._next += 1
            return self._next - 1

    def _elapsed(self) -> float:
        return time.perf_counter() - self._start

    def _wait_until(self, due: float) -> None:
        # Sleeping is accurate to about 0.1 ms and leaves the processor to the server.
        while (left := due - self._elapsed()) > 0:
            time.sleep(left)


class _GrpcLine:
    """A caller on a channel that all share, as streams of one connection."""

    def __init__(self, channel: grpc.Channel, target: Destination) -> None:
        # Bytes in, bytes out: the messages are serialized beforehand.
        self._call = channel.unary_unary(target.path or f"/{PREDICTION_SERVICE}/Predict")
        self._deadline_s = target.deadline_s

    def send(self, payload: bytes) -> tuple[int, bytes]:
        try:
            return Code.OK, self._call(payload, timeout=self._deadline_s)
        except grpc.RpcError as error:
            return error.code().value[0], b""

    def close(self) -> None:
        pass


class _RestLine:
    """A connection that is kept open, and reopened if the server closes it."""

    def __init__(self, target: Destination) -> None:
        self._path = target.path
        self._connection = http.client.HTTPConnection(
            target.host, target.port, timeout=target.deadline_s
        )
        with contextlib.suppress(OSError):  # then each request fails with the reason
            self._connection.connect()

    def send(self, payload: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", self._path, payload, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except TimeoutError:
            self._connection.close()
            return Code.DEADLINE_EXCEEDED, b""
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Code.UNAVAILABLE, b""
        return (Code.OK if answer.status == 200 else code_of_http(answer.status)), content

    def close(self) -> None:
        self._connection.close()


def _line(target: Destination, channel: Any) -> _GrpcLine | _RestLine:
    return _RestLine(target) if channel is None else _GrpcLine(channel, target)


def _channel(address: str) -> grpc.Channel:
    # Without retries, which would hide errors and count as one long request; and without the proxy
    # that the environment names, since the server is on this machine.
    options = [(name, value) for name, value in CHANNEL_OPTIONS if name != "grpc.service_config"]
    options += [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
    channel = grpc.insecure_channel(address, options)
    with contextlib.suppress(grpc.FutureTimeoutError):  # then each request fails with the reason
        grpc.channel_ready_future(channel).result(timeout=1)
    return channel


def _version(answer: bytes) -> int:
    try:
        return int(PredictResponse.FromString(answer).model_spec.version.value)
    except DecodeError:
        return NO_VERSION
