"""Platforms measured in turns: who is called when, what is counted, and what parity says."""

import time

import numpy as np
import pytest

from deployworkbook.ledger.book import Ledger
from deployworkbook.runtimes import comparison as subject
from deployworkbook.runtimes.limits import measure_limits
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.runtimes.numpy import NumPyRuntime
from deployworkbook.runtimes.rounds import MeasurementPlan, batch_times, latencies
from deployworkbook.training.variant import Variant

IMAGES = np.zeros((20, 28, 28), np.float32)
BRIEF = MeasurementPlan(rounds=2, repetitions=100, seconds=0, batch_sizes=(1, 8), batch_seconds=0)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when a prediction takes it; who was called with how many images."""

    class Clock:
        now_ns, calls = 0, []

        def predictor(self, name, *, call_ns, image_ns):
            def predict(images):
                self.calls.append((name, len(images)))
                self.now_ns += call_ns + image_ns * len(images)

            return predict

    made = Clock()
    made.calls = []
    monkeypatch.setattr(time, "perf_counter_ns", lambda: made.now_ns)
    monkeypatch.setattr(time, "perf_counter", lambda: made.now_ns / 1e9)
    return made


def order(calls):
    """The names in the order of their turns."""
    names = [name for name, _ in calls]
    return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]


def test_every_predictor_has_a_turn_per_round(clock):
    predictors = {name: clock.predictor(name, call_ns=1000, image_ns=0) for name in ("a", "b", "c")}
    latencies(predictors, IMAGES, MeasurementPlan(rounds=20, repetitions=100))
    # Before the rounds, each is tried once to see how slow it is.
    measured = clock.calls[3 * 5 :]
    turns = [measured[place][0] for place in range(0, len(measured), 2 + 5)]
    assert len(turns) == 3 * 20
    rounds = [turns[place : place + 3] for place in range(0, 60, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len({tuple(each) for each in rounds}) == 6  # all orders there are


def test_a_slow_predictor_gets_fewer_repetitions(clock):
    predictors = {
        "fast": clock.predictor("fast", call_ns=2000, image_ns=1000),
        "slow": clock.predictor("slow", call_ns=50_000_000, image_ns=0),
    }
    found = latencies(predictors, IMAGES, MeasurementPlan(rounds=4, repetitions=800, seconds=1.0))
    assert list(found) == ["fast", "slow"]
    assert {name: len(each.times_ms) for name, each in found.items()} == {"fast": 800, "slow": 100}
    assert found["fast"].p50_ms == found["fast"].p99_ms == pytest.approx(0.003)
    assert found["slow"].p50_ms == pytest.approx(50)
    brief = MeasurementPlan(rounds=4, seconds=1.0, least=24)
    assert len(latencies({"slow": predictors["slow"]}, IMAGES, brief)["slow"].times_ms) == 24


def test_times_of_batches_by_size(clock):
    predictors = {"a": clock.predictor("a", call_ns=1000, image_ns=10)}
    plan = MeasurementPlan(rounds=3, batch_sizes=(1, 50), batch_seconds=0)
    found = batch_times(predictors, IMAGES, plan)
    assert found == {"a": {1: pytest.approx(1010e-9), 50: pytest.approx(1500e-9)}}
    # A batch that does not count, and one that does, each round.
    assert clock.calls == [("a", 1)] * 6 + [("a", 50)] * 6


def test_parity_counts_classes_and_finds_the_largest_difference():
    first = np.array([[0.75, 0.25], [0.5, 0.25], [0.0, 1.0]])
    second = np.array([[0.25, 0.75], [0.5, 0.25], [0.125, 0.875]])
    found = subject.parity(first, second)
    assert (found.agreeing, found.examples, found.largest_difference) == (2, 3, 0.5)
    assert subject.parity(first, first).agreeing == 3
    with pytest.raises(ValueError, match="shape"):
        subject.parity(first, second[:2])


@pytest.fixture(scope="module")
def artifacts(variant, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    return [runtime.export(variant, folder) for runtime in (NumPyRuntime(), LiteRTRuntime())]


def test_a_comparison_contains_every_platforms_result(artifacts, variant, digits):
    results = subject.compare_platforms(artifacts, digits, BRIEF, lesson="x", note="as trained")
    assert [each.name for each in results] == ["numpy", "litert"]
    keras = variant.model.predict(digits.test.images, verbose=0).argmax(axis=1)
    for result, artifact in zip(results, artifacts, strict=True):
        row = result.measurement
        assert result.threads == row.threads == 1
        assert row.correct == (keras == digits.test.labels).sum()
        assert (row.size_bytes, row.lesson) == (artifact.size_bytes, "x")
        assert row.note == "as trained; one of 2 measured in turns"
        assert row.throughput_per_s[8] == pytest.approx(8 / result.batch_s[8])
        assert row.latency_p50_ms == result.latency.p50_ms
        assert row.peak_memory_bytes == result.start.peak_memory_bytes > 10e6
        assert 0 < row.load_ms < row.ready_ms == pytest.approx(1000 * result.start.ready_s)
        assert result.parity.agreeing == result.parity.examples
    assert results[0].parity.largest_difference == 0
    # Sums of 784 products in float32, in another order.
    assert 0 < results[1].parity.largest_difference < 1e-5
    ledger = Ledger()
    ledger.add_all([each.measurement for each in results])
    assert [row.measurement for row in ledger.entries()] == [each.measurement for each in results]


def test_separate_processes_can_be_left_out(artifacts, digits):
    plan = MeasurementPlan(**(vars(BRIEF) | {"own_process": False}))
    (result,) = subject.compare_platforms(artifacts[:1], digits, plan)
    assert result.start is None
    assert result.measurement.peak_memory_bytes is None


def test_a_result_is_named_by_platform_and_variant(variant, digits, tmp_path):
    other = LiteRTRuntime().export(Variant("again", variant.model), tmp_path)
    plan = MeasurementPlan(**(vars(BRIEF) | {"own_process": False}))
    (result,) = subject.compare_platforms([other], digits, plan)
    assert result.name == "litert again"


def test_no_artifacts_and_duplicates_are_refused(artifacts, digits):
    with pytest.raises(ValueError, match="none"):
        subject.compare_platforms([], digits)
    with pytest.raises(ValueError, match="different"):
        subject.compare_platforms([artifacts[0], artifacts[0]], digits)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rounds": 0},
        {"repetitions": 99},
        {"seconds": -1.0},
        {"batch_sizes": ()},
        {"batch_sizes": (0,)},
        {"threads": 0},
        {"least": 0},
    ],
)
def test_a_plan_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"rounds|repetitions|seconds|batch|threads|least"):
        MeasurementPlan(**wrong)


def test_the_machines_limits_bound_a_slower_product():
    limits = measure_limits(400_000, seconds=0.02)
    # Any processor of this century does more than 0.1 and less than 10,000 of each a nanosecond.
    assert 1e8 < limits.operations_per_s < 1e13
    assert 1e8 < limits.bytes_per_s < 1e13
    assert limits.threads == 1
