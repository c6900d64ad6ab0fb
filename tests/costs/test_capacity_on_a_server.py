"""Predicted and measured p99 of the embedded server: where it is a queue, and where it is not."""

import time
from typing import NamedTuple

import numpy as np
import pytest

from deployworkbook.costs.capacity_check import LoadPoint, compare
from deployworkbook.serving import launcher, load
from deployworkbook.serving.embedded.servable import Servable
from tests.serving import models

pytestmark = pytest.mark.timing

# One request a run, one run at a time, on one thread: the queue has one server.
ONE_BY_ONE = {"max_batch_size": 1, "num_batch_threads": 1, "max_enqueued_batches": 1000}
SHARES = (0.1, 0.3, 0.5, 0.7)


class Outcome(NamedTuple):
    """Loads, and what the queue says of them."""

    points: list[LoadPoint]
    loads: list[load.LoadResult]


@pytest.fixture
def experiment(tmp_path):
    """Open loops at shares of what the server can do, with its service times measured between."""

    def run(base, seconds):
        with launcher.start(
            base,
            backend="embedded",
            log_directory=tmp_path,
            batching_parameters=ONE_BY_ONE,
            tensorflow_intra_op_parallelism=1,
        ) as server:
            target = load.load_target(server.grpc_address, {"x": [2.0]}, model="default")
            load.closed_loop(target, 4, seconds=1.0)  # warm
            alone = load.closed_loop(target, 1, seconds=2.0, think_s=0.005)
            service_s, loads = service_times_s(target), []
            for seed, share in enumerate(SHARES):
                rate = share / service_s.mean()
                # A 99th percentile wants more than a hundred requests, also of a slow machine.
                longest = max(seconds, 200.0 / rate)
                loads.append(load.open_loop(target, rate, seconds=longest, seed=seed))
                service_s = np.concatenate([service_s, service_times_s(target)])
        assert not any(each.errors for each in loads)
        points = compare(
            [each.intended_s for each in loads],
            [each.latencies_ms / 1e3 for each in loads],
            service_s,
            unloaded_s=alone.latencies_ms / 1e3,
        )
        lateness_ms = max(np.percentile(each.lateness_ms, 99) for each in loads)
        print(f"service {1e3 * service_s.mean():.2f} ms, generator late by {lateness_ms:.1f} ms")
        for point in points:
            print(
                f"{point.utilisation:.2f}: p99 predicted {1e3 * point.predicted_s:.1f} ms, "
                f"replayed {1e3 * point.replayed_s:.1f}, measured {1e3 * point.measured_s:.1f} "
                f"({1e3 * point.measured_low_s:.1f} to {1e3 * point.measured_high_s:.1f}): "
                f"{point.error:+.0%}, {point.server_error:+.0%}; mean "
                f"{1e3 * point.predicted_mean_s:.2f} and {1e3 * point.measured_mean_s:.2f} ms; "
                f"{point.requests} requests"
            )
        return Outcome(points, loads)

    return run


def service_times_s(target):
    """Gaps between answers while three requests wait at any time."""
    busy = load.closed_loop(target, 4, seconds=1.5)
    gaps = np.diff(np.sort(busy.done_s[busy.is_answered]))
    return gaps[gaps > 0]


def test_a_model_of_milliseconds_is_a_queue_of_one_server(experiment, tmp_path):
    """Seen, two cores, generator and server on both: -8, -17, -12 and -32 % of the measured p99."""
    models.slow(tmp_path / "base" / "1", seconds=0.04)
    points = experiment(tmp_path / "base", 6.0).points
    # Twice as much or half is what bursts of other work may make of a percentile.
    assert all(0.5 < point.predicted_s / point.measured_s < 2 for point in points)
    measured = [point.measured_s for point in points]
    assert measured[-1] > 1.5 * measured[0]


def run_times_s(path):
    """How long the model alone takes, in this process."""
    servable = Servable("half", 1, path, threads=1)
    signature = servable.signatures["serving_default"]
    feeds = [feed for _, feed, _ in signature.inputs]
    fetches, taken = list(signature.outputs.values()), []
    for _ in range(2000):
        started = time.perf_counter()
        servable.run("Predict", feeds, fetches, [np.array([2.0], np.float32)])
        taken.append(time.perf_counter() - started)
    servable.close()
    return np.array(taken[1000:])


def test_a_model_of_microseconds_is_mostly_the_way_to_it(experiment, tmp_path):
    """A benchmark's latency is no server's service time: codec, threads and network are."""
    models.half_plus_two(tmp_path / "base" / "1")
    loads = experiment(tmp_path / "base", 2.0).loads
    naive = compare(
        [each.intended_s for each in loads],
        [each.latencies_ms / 1e3 for each in loads],
        run_times_s(tmp_path / "base" / "1"),
    )
    # Seen: a run of 0.007 ms, responses of 1 ms and more.
    assert all(point.error < -0.5 for point in naive)
