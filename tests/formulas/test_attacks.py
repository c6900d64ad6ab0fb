"""Adversarial examples and model extraction."""

import numpy as np
import pytest

from deployworkbook.formulas.adversarial import fgsm, input_gradients, pgd
from deployworkbook.formulas.extraction import (
    agreements,
    extraction_hours,
    label_answer,
    rounded_answer,
)
from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits
from deployworkbook.formulas.perceptron import forward
from tests.formulas.random_network import network

RADIUS = 0.07


@pytest.fixture(scope="module")
def attacked():
    parameters, inputs, targets = network((8, 6, 3), 40, seed=3)
    # Some pixels at the ends of their range.
    images = np.clip(0.5 + 0.5 * inputs, 0, 1)
    return parameters, images, targets


def losses(parameters, images, targets):
    return categorical_cross_entropy_from_logits(targets, forward(parameters, images)[-1])


def test_slopes_of_pixels_are_those_of_differences(attacked, numeric_gradient):
    parameters, images, targets = attacked
    slopes = numeric_gradient(lambda x: losses(parameters, x, targets), images)
    labels = targets.argmax(axis=1)
    np.testing.assert_allclose(input_gradients(parameters, images, labels), slopes, atol=1e-7)


@pytest.mark.parametrize("seed", [None, 0])
def test_attacks_stay_within_the_ball_and_the_range_of_pixels(attacked, seed):
    parameters, images, targets = attacked
    labels = targets.argmax(axis=1)
    fast = fgsm(parameters, images, labels, radius=RADIUS)
    slow = pgd(parameters, images, labels, radius=RADIUS, steps=10, seed=seed)
    for moved in (fast, slow):
        assert np.abs(moved - images).max() <= RADIUS * (1 + 1e-12)
        assert moved.min() >= 0
        assert moved.max() <= 1
    before, by_fast, by_slow = (
        losses(parameters, each, targets).mean() for each in (images, fast, slow)
    )
    assert before < by_fast <= by_slow + 1e-9


def test_many_steps_of_no_radius_change_nothing(attacked):
    parameters, images, targets = attacked
    labels = targets.argmax(axis=1)
    np.testing.assert_array_equal(pgd(parameters, images, labels, radius=0.0), images)


def test_answers_say_less():
    known = np.array([[0.926, 0.062, 0.012], [0.28, 0.2, 0.52]])
    np.testing.assert_allclose(rounded_answer(known, 2), known.round(2))
    np.testing.assert_array_equal(label_answer(known), [[1, 0, 0], [0, 0, 1]])
    assert agreements(known, rounded_answer(known, 1)) == 2
    assert agreements(known, known[::-1]) == 0


def test_a_rate_limit_costs_hours_that_more_clients_share():
    hours = extraction_hours([600, 6000], limit_per_minute=10, clients=2)
    np.testing.assert_allclose(hours, [0.5, 5.0])
