"""The accountant against Google's dp-accounting, and against integrals."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from deployworkbook.formulas.privacy_accountant import (
    ORDERS,
    epsilon_of_divergence,
    noise_for_epsilon,
    subsampled_gaussian_divergence,
    training_epsilon,
)

# Made by dp_accounting_reference.py beside it.
REFERENCE = json.loads(Path(__file__).with_name("dp_accounting_reference.json").read_text())


def test_epsilon_is_that_of_dp_accounting_or_a_little_below():
    """dp-accounting adds up the sizes of terms of either sign, so its figure is an upper bound."""
    assert len(REFERENCE["rows"]) >= 20
    for row in REFERENCE["rows"]:
        rate, noise, steps, delta = row["setting"]
        ours = training_epsilon(noise, sampling_rate=rate, steps=steps, delta=delta)
        assert 0.99 * row["epsilon"] <= ours <= row["epsilon"] * (1 + 1e-9), row


@pytest.mark.parametrize(("rate", "noise"), [(0.1, 0.8), (0.02, 1.1), (0.5, 6.0), (1e-4, 0.7)])
def test_divergence_is_the_integral(rate, noise):
    orders = np.array([1.1, 1.6, 2.0, 2.5, 4.7, 5.0])
    z, step = np.linspace(-40 * noise, 40 * noise, 400_001, retstep=True)
    density = np.exp(-(z**2) / (2 * noise**2)) / (noise * np.sqrt(2 * np.pi))
    gain = rate * np.expm1((2 * z - 1) / (2 * noise**2))
    # The mean gain is 0, so subtracting α times it keeps small results exact.
    found = [
        np.log1p(step * np.sum(density * (np.expm1(a * np.log1p(gain)) - a * gain))) / (a - 1)
        for a in orders
    ]
    divergence = subsampled_gaussian_divergence(rate, noise, orders)
    np.testing.assert_allclose(divergence, found, rtol=1e-5)


def test_divergence_rises_with_the_order_and_the_sampling_rate():
    orders = np.linspace(1.05, 30, 40)
    by_rate = [subsampled_gaussian_divergence(rate, 1.5, orders) for rate in (0, 0.01, 0.1, 1)]
    assert all((np.diff(each) >= 0).all() for each in by_rate)
    assert all((low <= high).all() for low, high in pairwise(by_rate))


def test_two_trainings_cost_less_than_the_sum_of_their_epsilons():
    one = 500 * subsampled_gaussian_divergence(0.02, 1.2)
    apart, together = epsilon_of_divergence(one, 1e-5), epsilon_of_divergence(2 * one, 1e-5)
    assert apart < together < 2 * apart


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 3.0, 8.0])
def test_noise_is_the_smallest_that_keeps_within_epsilon(epsilon):
    how = {"sampling_rate": 1024 / 54_000, "steps": 500, "delta": 1e-5}
    noise = noise_for_epsilon(epsilon, **how)
    assert training_epsilon(noise, **how) <= epsilon < training_epsilon(noise / 1.002, **how)


def test_no_step_reveals_nothing_and_no_noise_is_refused():
    assert training_epsilon(1.0, sampling_rate=0.1, steps=0, delta=1e-5) == 0
    assert len(ORDERS) == len(subsampled_gaussian_divergence(0.0, 1.0))
    with pytest.raises(ValueError, match="noise_multiplier"):
        subsampled_gaussian_divergence(0.1, 0.0)
    with pytest.raises(ValueError, match="an ε that some noise keeps to"):
        noise_for_epsilon(1e-6, sampling_rate=1.0, steps=10**6, delta=1e-9)
