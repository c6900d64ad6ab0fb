"""The batching explorer: capacity and latency of batched requests."""

import numpy as np
import pytest

from deployworkbook.widgets.batching import SIZES, batching_explorer, compute_batching

SETTINGS = {
    "largest_batch": 16,
    "timeout_ms": 0.0,
    "rate_per_s": 500.0,
    "call_us": 4000.0,
    "image_us": 500.0,
}


def test_the_capacity_is_that_computed_by_hand():
    result = compute_batching(**SETTINGS)
    # b / (4 ms + b · 0.5 ms)
    expected = np.array(SIZES) / (0.004 + np.array(SIZES) * 0.0005)
    np.testing.assert_allclose(result.capacities_per_s, expected)
    assert result.capacity_per_s == pytest.approx(16 / 0.012)
    # a λ / (1 - c λ) = 2 / 0.75
    assert result.smallest_batch == 3
    assert result.keeps_up


def test_latencies_are_at_least_the_time_of_a_single_call():
    result = compute_batching(**SETTINGS)
    assert result.p50_ms >= 4.5
    assert result.p50_ms <= result.p99_ms
    for tail in (result.joined, result.single):
        assert (tail.p50_ms <= tail.p99_ms).all()
    # Beyond the capacity of single requests there is nothing to draw of them.
    assert result.single.rates_per_s.max() < result.capacities_per_s[0]
    assert np.isnan(result.single_p99_ms)


def test_at_a_low_rate_a_timeout_makes_batches_larger_and_latencies_longer():
    low = SETTINGS | {"rate_per_s": 100.0}
    eager, patient = (compute_batching(**low | {"timeout_ms": t}) for t in (0.0, 30.0))
    assert patient.mean_size > eager.mean_size + 1
    assert patient.p50_ms > eager.p50_ms + 10
    assert patient.utilisation < eager.utilisation


def test_an_overloaded_worker_is_reported_and_not_drawn():
    explorer = batching_explorer(call_us=4000.0, image_us=500.0, rate_per_s=500.0)
    assert not explorer.result.keeps_up
    assert "can't keep up" in explorer._view.picture.alt
    assert ("p99, in batches", "the queue grows without bound") in explorer._view.table(
        explorer.result
    )
    assert explorer.set(largest_batch=4).keeps_up
    assert "Half of them take less than" in explorer._view.picture.alt


def test_no_batch_size_keeps_up_if_the_images_alone_take_too_long():
    result = compute_batching(**SETTINGS | {"image_us": 3000.0})
    assert result.smallest_batch is None
    assert ("smallest batch that keeps up", "none") in batching_explorer()._view.table(result)


def test_initial_values_are_clipped_to_the_sliders():
    values = batching_explorer(call_us=0.01, image_us=1e9, rate_per_s=0.1).values
    assert (values["call_us"], values["image_us"], values["rate_per_s"]) == (1.0, 100_000.0, 10.0)
