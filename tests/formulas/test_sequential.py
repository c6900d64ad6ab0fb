"""CUSUM and Page–Hinkley: by hand, against simulations, the textbook's table, and river."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.drift import PageHinkley
from scipy.stats import norm, rankdata

from deployworkbook.formulas.false_alarms import first_alarms
from deployworkbook.formulas.sequential import (
    cusum,
    cusum_run_length,
    cusum_threshold,
    normal_scores,
    page_hinkley,
)


def cusum_by_recursion(values, slack, start=0.0):
    path, total = [], start
    for value in values:
        total = max(0.0, total + value - slack)
        path.append(total)
    return path


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=60),
    st.floats(0, 2),
    st.floats(0, 9),
)
def test_cusum_is_its_recursion(values, slack, start):
    expected = pytest.approx(cusum_by_recursion(values, slack, start), abs=1e-9)
    assert cusum(values, slack=slack, start=start) == expected


def test_cusum_of_many_streams_is_that_of_each_and_goes_on_where_it_stopped():
    streams = np.random.default_rng(0).normal(size=(3, 500))
    whole = cusum(streams, slack=0.25)
    for stream, path in zip(streams, whole, strict=True):
        assert path == pytest.approx(cusum_by_recursion(stream, 0.25), abs=1e-9)
    first = cusum(streams[:, :200], slack=0.25)
    rest = cusum(streams[:, 200:], slack=0.25, start=first[:, -1])
    assert np.concatenate([first, rest], axis=1) == pytest.approx(whole, abs=1e-9)


# D. C. Montgomery, "Introduction to Statistical Quality Control", table 9.3: two-sided, h = 4 and
# 5, k = 1/2. Of one side alone, the run between false alarms is twice as long.
@pytest.mark.parametrize(
    ("threshold", "shift", "length"),
    [(4, 0, 2 * 168), (5, 0, 2 * 465), (4, 1, 8.38), (5, 1, 10.4), (4, 2, 3.34), (5, 2, 4.01)],
)
def test_run_lengths_are_those_of_the_textbook(threshold, shift, length):
    found = cusum_run_length(threshold, slack=0.5, shift=shift)
    # Siegmund's approximation; it is worst for delays of three or four values.
    assert found == pytest.approx(length, rel=0.02 if shift < 2 else 0.05)


def test_a_run_length_is_continuous_where_shift_and_slack_are_equal():
    around = [cusum_run_length(5.0, slack=0.5, shift=0.5 + d) for d in (-1e-5, 0.0, 1e-5)]
    assert around == pytest.approx([6.166**2] * 3, rel=1e-3)


def test_a_run_length_too_long_for_a_number_is_infinite():
    assert math.isinf(cusum_run_length(500.0, slack=1.0))


@pytest.mark.parametrize("slack", [0.25, 0.5])
def test_few_streams_of_normal_values_exceed_the_threshold(slack):
    # Of 2,000 streams, 100 ± 10 for a rate of 5 %; the formula is an approximation.
    streams = np.random.default_rng(1).normal(size=(2000, 1000))
    threshold = cusum_threshold(0.05, 1000, slack=slack)
    assert 60 <= (cusum(streams, slack=slack).max(axis=1) > threshold).sum() <= 140


def test_the_threshold_has_the_run_length_that_the_rate_needs():
    run = cusum_run_length(cusum_threshold(0.01, 10_000, slack=0.5), slack=0.5)
    assert 1 - math.exp(-10_000 / run) == pytest.approx(0.01, rel=1e-9)


def test_a_shift_is_found_after_about_the_mean_delay():
    streams = np.random.default_rng(2).normal(0.75, 1.0, (2000, 300))
    found = first_alarms(cusum(streams, slack=0.25), 20.0)
    assert found.mean() == pytest.approx(cusum_run_length(20.0, slack=0.25, shift=0.75), rel=0.02)


def test_normal_scores_are_scipys_quantiles_of_mean_ranks():
    generator = np.random.default_rng(3)
    reference, values = generator.integers(0, 50, 400) / 50, generator.integers(-5, 55, 90) / 50
    # rankdata's mean rank among reference and value is 1 + those below + half of those equal.
    ranks = [rankdata([*reference, value])[-1] - 1 for value in values]
    expected = norm.ppf((np.array(ranks) + 0.5) / 401)
    assert normal_scores(values, reference) == pytest.approx(expected, abs=1e-9)


def test_normal_scores_are_normal_whatever_the_distribution():
    reference, values = np.random.default_rng(4).exponential(size=(2, 20_000)) ** 3
    scores = normal_scores(values, reference)
    assert scores.mean() == pytest.approx(0, abs=0.04)  # 4 standard errors of both samples
    assert scores.std() == pytest.approx(1, abs=0.03)
    assert np.abs(scores).max() < 4.1


def rivers_page_hinkley(values, **arguments):
    """Drive river's detector beyond any threshold, and read its sums."""
    detector, path = PageHinkley(threshold=1e300, **arguments), []
    for value in values:
        detector.update(value)
        rise = detector._sum_increase - detector._min_increase
        fall = detector._max_decrease - detector._sum_decrease
        path.append({"up": rise, "down": fall, "both": max(rise, fall)}[detector.mode])
    return np.where(np.arange(1, len(path) + 1) < detector.min_instances, 0.0, path)


@pytest.mark.parametrize("mode", ["up", "down", "both"])
@pytest.mark.parametrize(("delta", "alpha", "minimum"), [(0.005, 0.9999, 30), (0.1, 0.9, 5)])
def test_page_hinkley_equals_river(mode, delta, alpha, minimum):
    generator = np.random.default_rng(5)
    streams = generator.normal(np.repeat([0.0, 0.8, -0.5], 300), 1.0, (2, 900))
    expected = [
        rivers_page_hinkley(each, delta=delta, alpha=alpha, min_instances=minimum, mode=mode)
        for each in streams
    ]
    found = page_hinkley(streams, slack=delta, forgetting=alpha, warm_up=minimum, direction=mode)
    assert found == pytest.approx(np.array(expected), abs=1e-9)


@pytest.mark.parametrize("threshold", [5.0, 20.0, 50.0])
def test_page_hinkley_alarms_when_river_does(threshold):
    stream = np.random.default_rng(6).normal(np.repeat([0.0, 0.7], 500), 1.0)
    detector, expected = PageHinkley(threshold=threshold), math.inf
    for step, value in enumerate(stream, 1):
        detector.update(value)
        if detector.drift_detected:
            expected = step
            break
    assert first_alarms(page_hinkley(stream), threshold) == expected


def test_page_hinkley_never_finds_what_was_there_from_the_start():
    assert page_hinkley(np.full(200, 7.0)).max() < 1e-9


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: cusum([1.0], slack=-1), "slack"),
        (lambda: cusum([1.0], start=-1), "start"),
        (lambda: cusum([np.nan]), "finite"),
        (lambda: cusum_threshold(1.0, 10), "false_alarms"),
        (lambda: page_hinkley([1.0], direction="sideways"), "direction"),
        (lambda: page_hinkley([1.0], forgetting=0.0), "forgetting"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
