"""What differential privacy leaves to attacks."""

import numpy as np
import pytest

from deployworkbook.formulas.attack_bound import most_true_positives
from deployworkbook.formulas.membership import roc_curve


def test_without_privacy_loss_an_attack_guesses():
    rates = np.linspace(0, 1, 11)
    assert most_true_positives(rates, epsilon=0) == pytest.approx(rates)


def test_bound_is_reached_by_randomized_response():
    """Each of two answers, the true one with probability e^ε / (1 + e^ε), is ε-private."""
    epsilon = 1.5
    truthful = np.exp(epsilon) / (1 + np.exp(epsilon))
    # Accuse whoever seems a member: members do with this probability, others with its complement.
    assert most_true_positives(1 - truthful, epsilon=epsilon) == pytest.approx(truthful)


def test_bound_is_symmetric():
    """Swapping accusation and acquittal turns a point (f, t) into (1 - t, 1 - f)."""
    rates = np.linspace(0, 1, 101)
    found = most_true_positives(rates, epsilon=0.7, delta=0.01)
    again = most_true_positives(1 - found, epsilon=0.7, delta=0.01)
    inner = (found < 1) & (rates > 0)
    assert again[inner] == pytest.approx(1 - rates[inner])


def test_gaussian_attack_stays_below_the_bound_of_its_epsilon():
    rng = np.random.default_rng(0)
    # One release of a sum with sensitivity 1 and noise of 4 is (1, 3e-5)-private.
    curve = roc_curve(rng.normal(1, 4, 20_000), rng.normal(0, 4, 20_000))
    bound = most_true_positives(curve.false_positive_rate, epsilon=1.0, delta=3e-5)
    assert np.all(curve.true_positive_rate <= bound + 0.01)


@pytest.mark.parametrize(
    "changes", [{"epsilon": -1}, {"delta": 1.0}, {"false_positive_rate": [1.1]}]
)
def test_numbers_out_of_range_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        most_true_positives(**{"false_positive_rate": [0.1], "epsilon": 1.0} | changes)


def test_huge_epsilon_promises_nothing():
    assert most_true_positives([1e-9], epsilon=1e6).tolist() == [1.0]
