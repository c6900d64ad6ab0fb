"""Predicted and measured p99 of the embedded server: where it is a queue, and where it is not.

It prints figures and judges none of them: ``pytest -m report -s``. Chance alone moves a p99 of some
hundred requests by a fifth to a half, so any bound would either fail by luck or say nothing. That
the replay and the formula are right is tested with drawn service times (``tests/costs``).
"""

import time
from typing import NamedTuple

import numpy as np
import pytest

from deployworkbook.costs.capacity.check import compare_with_measured
from deployworkbook.formulas.observed import observe_server
from deployworkbook.runtimes.registry import runtime
from deployworkbook.serving.embedded.savedmodel_engine import SavedModelEngine
from deployworkbook.serving.embedded.servable import Servable
from deployworkbook.serving.launcher.starting import start
from deployworkbook.serving.load import loops
from deployworkbook.serving.load.target import load_target
from deployworkbook.serving.repository.interface import interface_of
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.training.models import mlp
from deployworkbook.training.variant import Variant
from tests.serving import models

pytestmark = [pytest.mark.report, pytest.mark.timeout(0)]

# One request a run, one run at a time, on one thread: the queue has one server.
ONE_BY_ONE = {"max_batch_size": 1, "num_batch_threads": 1, "max_enqueued_batches": 1000}
SHARES = (0.2, 0.45, 0.7)


class Load(NamedTuple):
    """All requests at one share of what the server can do, its rounds one after the other."""

    intended_s: np.ndarray
    sent_s: np.ndarray
    done_s: np.ndarray

    @property
    def responses_s(self):
        return self.done_s - self.intended_s


class Measured(NamedTuple):
    """Loads, and what was measured without one: gaps between answers, and responses."""

    loads: list[Load]
    gaps_s: np.ndarray
    alone_s: np.ndarray


@pytest.fixture
def measure(tmp_path):
    """Open loops at shares of what the server can do, in rounds, as the machine's pace changes."""

    def run(base, rounds, seconds, *, requests=120, seed=0, inputs=None):
        results, gaps = [[] for _ in SHARES], []
        with start(
            base,
            backend="embedded",
            log_directory=tmp_path,
            batching_parameters=ONE_BY_ONE,
            tensorflow_intra_op_parallelism=1,
        ) as server:
            target = load_target(server.grpc_address, inputs or {"x": [2.0]}, model="default")
            loops.closed_loop(target, 4, seconds=1.0)  # warm
            alone = loops.closed_loop(target, 1, seconds=1.0, think_s=0.005)
            for turn in range(rounds):
                gaps.append(gaps_s(target))
                for number, share in enumerate(SHARES):
                    rate = share / np.concatenate(gaps).mean()
                    # A 99th percentile wants more than a hundred requests, also of a slow machine.
                    longest = max(seconds, requests / rounds / rate)
                    place = seed + turn * len(SHARES) + number
                    result = loops.open_loop(target, rate, seconds=longest, seed=place)
                    assert not result.errors
                    results[number].append(result)
        return Measured(
            [joined(each) for each in results], np.concatenate(gaps), alone.latencies_ms / 1e3
        )

    return run


def gaps_s(target):
    """Gaps between answers while three requests wait at any time."""
    busy = loops.closed_loop(target, 4, seconds=0.6)
    gaps = np.diff(np.sort(busy.done_s[busy.is_answered]))
    return gaps[gaps > 0]


def joined(results):
    """Put loads one after the other, each from when the one before was done."""
    starts = np.cumsum([0.0, *(each.seconds for each in results[:-1])])
    return Load(
        *(
            np.concatenate(
                [getattr(each, name) + at for each, at in zip(results, starts, strict=True)]
            )
            for name in Load._fields
        )
    )


def compared(loads, service_s, unloaded_s):
    points = compare_with_measured(
        [each.intended_s for each in loads],
        [each.responses_s for each in loads],
        service_s,
        unloaded_s=unloaded_s,
    )
    for point in points:
        print(
            f"{point.utilisation:.2f}: p99 predicted {1e3 * point.predicted_s:.1f} ms, "
            f"replayed {1e3 * point.replayed_s:.1f}, measured {1e3 * point.measured_s:.1f} "
            f"({1e3 * point.measured_low_s:.1f} to {1e3 * point.measured_high_s:.1f}): "
            f"{point.error:+.0%}, {point.server_error:+.0%}; mean "
            f"{1e3 * point.predicted_mean_s:.2f} and {1e3 * point.measured_mean_s:.2f} ms; "
            f"{point.requests} requests"
        )
    return points


def test_a_model_of_milliseconds_is_a_queue_of_one_server(measure, tmp_path):
    """Each load is predicted from what the others show of the server, and from a benchmark.

    A queue that is just what the formula says misses its own p99 over 8 s by a fifth at 10 % and by
    a half at 70 %, one time in 20; with the arrivals known, by a tenth. So the replay is judged.
    """
    models.slow(tmp_path / "base" / "1", seconds=0.04)
    loads, gaps_s, alone_s = measure(tmp_path / "base", 3, 3.0)
    print(f"benchmark: service {1e3 * gaps_s.mean():.2f} ms")
    benchmark = compared(loads, gaps_s, alone_s)
    print("operation:")
    operation, seen = [], [observe_server(each.sent_s, each.done_s) for each in loads]
    for number, load in enumerate(loads):
        others = seen[:number] + seen[number + 1 :]
        service_s = np.concatenate([each.service_s for each in others])
        unloaded_s = np.concatenate([each.unloaded_s for each in others])
        operation += compared([load], service_s, unloaded_s)
    lateness_s = max(np.quantile(each.sent_s - each.intended_s, 0.99) for each in loads)
    print(f"generator late by {1e3 * lateness_s:.1f} ms")
    # Seen, nine runs with one of two cores taken by other work: -41 to +68 % of the measured p99,
    # half of the 27 figures within 19 %; from the benchmark -72 to -5 %, half beyond -31 %. Four
    # idle runs: -40 to +37 %, half of 12 within 15 %; from the benchmark -45 to +6 %, half within
    # 21 %. Idle, 60 s a load: -22, -27 and +3 %; from the benchmark -24, -30 and -22 %.
    print(f"off by {off(operation).mean():.2f}, from the benchmark by {off(benchmark).mean():.2f}")


RUNS, REQUESTS = 20, 2400
# The load from which each is predicted: the nearest, as one would measure it.
NEAREST = {0.2: 0.45, 0.45: 0.7, 0.7: 0.45}


def test_the_predicted_interval_covers_the_measured_p99(measure, tmp_path):
    """In how many of 20 runs? Each load is predicted from what the run's nearest load shows.

    A run takes about a minute, all of them 20 minutes. Seen on two cores that did little else: 20,
    18 and 18 of 20 covered at 20, 45 and 70 %, the upper end 1.6, 1.6 and 2.1 times the lower one;
    median error of the formula 7, 11 and 17 %.
    """
    models.slow(tmp_path / "base" / "1", seconds=0.004)
    by_share = {share: [] for share in SHARES}
    for run in range(RUNS):
        loads, gaps_s, _ = measure(
            tmp_path / "base", 1, 0.0, requests=REQUESTS, seed=run * len(SHARES)
        )
        seen = [observe_server(each.sent_s, each.done_s) for each in loads]
        print(
            f"run {run}: service busy {1e3 * gaps_s.mean():.2f} ms, at the loads "
            + ", ".join(f"{1e3 * each.service_s.mean():.2f}" for each in seen)
        )
        for share, load in zip(SHARES, loads, strict=True):
            other = seen[SHARES.index(NEAREST[share])]
            try:
                by_share[share] += compare_with_measured(
                    [load.intended_s],
                    [load.responses_s],
                    other.service_s,
                    unloaded_s=other.unloaded_s,
                    periods=other.periods,
                    saturated_s=gaps_s.mean(),
                    seed=run,
                )
            except ValueError as error:  # an overload was predicted, and none was
                print(f"  {share:.0%}: {error}")
                continue
            point = by_share[share][-1]
            print(
                f"  {share:.0%}: {1e3 * point.low_s:.1f} to {1e3 * point.high_s:.1f} ms predicted, "
                f"{1e3 * point.measured_s:.1f} measured, correlation {point.correlation:.2f}"
            )
    for share, points in by_share.items():
        errors = [abs(point.error) for point in points]
        covered = sum(point.is_covered for point in points)
        refused = sum(point.point_s is None for point in points)
        print(
            f"{share:.0%} busy: {covered} of {RUNS} covered, median error of the formula "
            f"{np.median(errors):.0%}, {refused} without a point, correlation up to "
            f"{max(point.correlation for point in points):.2f}"
        )


@pytest.mark.parametrize("kind", ["savedmodel", "litert", "onnx"])
def test_each_forms_p99_against_the_interval_that_other_loads_predict(measure, tmp_path, kind):
    """A network whose weights take milliseconds to read, in each form that a server takes."""
    variant = Variant("wide", mlp(hidden_units=16_384))
    repository = ModelRepository(tmp_path / "base")
    version = repository.publish(runtime(kind).export(variant, tmp_path / "artifacts"))
    (name,) = interface_of(version.path).inputs
    image = np.random.default_rng(0).random((1, 28, 28), np.float32)
    loads = measure(repository.base_path, 2, 3.0, inputs={name: image}).loads
    seen = [observe_server(each.sent_s, each.done_s) for each in loads]
    for number, load in enumerate(loads):
        others = seen[:number] + seen[number + 1 :]
        (point,) = compare_with_measured(
            [load.intended_s],
            [load.responses_s],
            np.concatenate([each.service_s for each in others]),
            unloaded_s=np.concatenate([each.unloaded_s for each in others]),
        )
        print(
            f"{kind}, {point.utilisation:.0%} busy: p99 {1e3 * point.measured_s:.1f} ms, predicted "
            f"{1e3 * point.low_s:.1f} to {1e3 * point.high_s:.1f} ms, covered: {point.is_covered}"
        )


def off(points):
    """How far each replay is off, the same for half as for twice."""
    return np.abs(np.log([point.replayed_s / point.measured_s for point in points]))


def run_times_s(path):
    """How long the model alone takes, in this process."""
    servable = Servable("half", 1, SavedModelEngine(path, threads=1))
    signature = servable.signatures["serving_default"]
    feeds = [feed for _, feed, _ in signature.inputs]
    fetches, taken = list(signature.outputs.values()), []
    for _ in range(2000):
        started = time.perf_counter()
        servable.run("Predict", feeds, fetches, [np.array([2.0], np.float32)])
        taken.append(time.perf_counter() - started)
    servable.close()
    return np.array(taken[1000:])


def test_a_model_of_microseconds_is_mostly_the_way_to_it(measure, tmp_path):
    """A benchmark's latency is no server's service time: codec, threads and network are."""
    models.half_plus_two(tmp_path / "base" / "1")
    loads = measure(tmp_path / "base", 1, 1.0).loads
    run_s = run_times_s(tmp_path / "base" / "1")
    # Seen: a run of 0.007 ms, responses of 1 ms and more.
    compared(loads, run_s, run_s)
