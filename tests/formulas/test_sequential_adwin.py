"""ADWIN: against river, and on streams of many shapes."""

import math

import numpy as np
import pytest
from river.drift import ADWIN

from deployworkbook.formulas.false_alarms import first_alarms
from deployworkbook.formulas.sequential_adwin import adwin


def rivers_alarm(values, delta, interval=32):
    detector = ADWIN(delta=delta, clock=interval)
    for step, value in enumerate(values, 1):
        detector.update(value)
        if detector.drift_detected:
            return step
    return math.inf


@pytest.mark.parametrize("seed", range(12))
def test_it_alarms_when_river_does(seed):
    generator = np.random.default_rng(seed)
    before = generator.integers(20, 400)
    shift = generator.uniform(0.0, 2.0)
    stream = 5.0 + generator.normal(np.repeat([0.0, shift], [before, 300]), 1.0)
    evidence = adwin(stream)
    for delta in (1e-6, 0.002, 0.3):
        assert first_alarms(evidence, -math.log(delta)) == rivers_alarm(stream, delta)


@pytest.mark.parametrize("interval", [1, 10])
def test_evidence_is_where_river_changes_its_mind(interval):
    """Just above the δ that the evidence names river alarms, and just below it doesn't."""
    stream = np.random.default_rng(7).normal(np.repeat([0.0, 1.0], [60, 30]), 1.0)
    most = adwin(stream, interval=interval).max()
    assert rivers_alarm(stream, math.exp(-most + 1e-9), interval) < math.inf
    assert rivers_alarm(stream, math.exp(-most - 1e-9), interval) == math.inf


def test_many_streams_are_as_each_alone():
    streams = np.random.default_rng(8).normal(size=(2, 3, 200))
    together = adwin(streams)
    for index in np.ndindex(2, 3):
        assert together[index] == pytest.approx(adwin(streams[index]), abs=1e-9)


def test_nothing_is_compared_between_intervals_or_too_early():
    evidence = adwin(np.arange(100.0), interval=8)
    assert np.flatnonzero(np.isfinite(evidence)).tolist() == list(range(15, 100, 8))


def test_equal_values_are_no_evidence():
    assert adwin(np.full(64, 3.0)).max() < 0
