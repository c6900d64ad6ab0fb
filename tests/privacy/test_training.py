"""Networks trained in NumPy, with and without a bound on what they reveal."""

import time
from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.perceptron import forward
from deployworkbook.formulas.privacy_accountant import training_epsilon
from deployworkbook.formulas.shares import Share
from deployworkbook.privacy.learning import NetworkRecipe, gradients, learn
from deployworkbook.privacy.networks import accuracy_of, flat, initial_weights, logits_of
from deployworkbook.privacy.ordinary import train_network
from deployworkbook.privacy.private_training import (
    PrivateRecipe,
    compare_private_seeds,
    learn_privately,
    train_privately,
)
from deployworkbook.privacy.squares import for_pixels, in_squares

NARROW = NetworkRecipe(hidden_units=24, epochs=10, learning_rate=0.1)
PRIVATE = PrivateRecipe(epsilon=8, steps=60, hidden_units=24)


@pytest.fixture(scope="module")
def private(digits, kept_models):
    return train_privately(digits, PRIVATE, folder=kept_models)


def test_a_network_learns_and_is_made_once(network, digits, kept_models):
    assert network.accuracy.value > 0.9
    again = train_network(digits, NARROW, folder=kept_models)
    for first, second in zip(network.weights, again.weights, strict=True):
        np.testing.assert_array_equal(first, second)
    assert network.cpu_seconds == again.cpu_seconds
    assert str(accuracy_of(network.weights, digits.test)) == str(network.accuracy)


def test_a_network_learns_by_adam_as_well(digits):
    split, recipe = digits.train, replace(NARROW, rule="adam", learning_rate=0.003, epochs=4)
    weights = learn(split.images, one_hot(split.labels, 10), recipe)
    assert accuracy_of(weights, digits.test).value > 0.8
    with pytest.raises(ValueError, match="rule: expected one of 'momentum', 'adam'"):
        NetworkRecipe(rule="sgd")


def test_functions_are_judged_as_networks_are(network, digits):
    def predict(images):
        return logits_of(network.weights, images)

    assert accuracy_of(predict, digits.test) == network.accuracy


def test_gradients_stay_float32(network, digits):
    split = digits.train.take(64)
    rows, targets = flat(split.images), one_hot(split.labels, 10)
    slopes = gradients(network.weights, rows, targets)
    assert {each.dtype for each in slopes} == {np.dtype(np.float32)}
    assert [each.shape for each in slopes] == [each.shape for each in network.weights]


def test_masks_keep_weights_at_zero_and_the_rest_is_trained(network, digits):
    split = digits.train.take(200)
    masks = [np.arange(each.size).reshape(each.shape) % 2 == 0 for each in network.weights]
    kept = learn(
        split.images,
        one_hot(split.labels, 10),
        replace(NARROW, epochs=1),
        start=network.weights,
        masks=masks,
    )
    assert not any(array[~mask].any() for array, mask in zip(kept, masks, strict=True))
    assert (kept[0][masks[0]] != network.weights[0][masks[0]]).any()


def test_a_private_training_keeps_within_its_epsilon(private, digits):
    assert 7.8 < private.epsilon <= 8
    assert private.spent == tuple(sorted(private.spent))
    assert private.steps[-1] == PRIVATE.steps
    # Small sets are drawn from at a tenth per step, whatever the recipe's batch.
    how = {"sampling_rate": 0.1, "steps": PRIVATE.steps, "delta": PRIVATE.delta}
    assert private.epsilon == training_epsilon(private.noise_multiplier, **how)
    assert private.accuracy.value > 0.6


def test_what_was_trained_on_squares_answers_the_same_to_whole_images(digits):
    generator = np.random.default_rng(0)
    rows = in_squares(digits.test.images)
    small = initial_weights(8, generator, inputs=rows.shape[1])
    whole = for_pixels(small)
    expected = forward(small, rows)[-1]
    np.testing.assert_allclose(logits_of(whole, digits.test.images), expected, atol=1e-5)


def test_less_epsilon_is_more_noise(private, digits, kept_models):
    strict = train_privately(digits, replace(PRIVATE, epsilon=0.3), folder=kept_models)
    assert strict.noise_multiplier > 5 * private.noise_multiplier
    assert strict.accuracy.value < private.accuracy.value


def test_seeds_give_an_interval(digits, kept_models):
    runs = compare_private_seeds(digits, PRIVATE, seeds=(0, 1), folder=kept_models)
    low, high = runs.interval
    assert low <= runs.mean <= high
    assert len(set(runs.accuracies)) == 2


def test_shares_say_how_sure_they_are():
    assert str(Share(941, 1000)) == "94.1 % (92.5–95.4)"
    with pytest.raises(ValueError, match="count: expected an integer from 0 to 3"):
        Share(4, 3)


@pytest.mark.mnist
def test_private_training_on_mnist(mnist):
    """A few of the lesson's steps, so that it takes a second."""
    recipe = PrivateRecipe(epsilon=3, steps=50)
    weights = learn_privately(mnist.train, recipe)[-1][1]
    assert accuracy_of(weights, mnist.test).value > 0.7


@pytest.mark.report
@pytest.mark.mnist
@pytest.mark.parametrize(("epsilon", "wanted"), [(1, 0.92), (3, 0.935), (8, 0.94)])
def test_accuracy_against_epsilon_on_mnist(mnist, tmp_path, epsilon, wanted):
    # The more noise, the more it helps to take fewer steps of larger batches.
    batches = {"steps": 600, "batch_size": 2048} if epsilon == 1 else {}
    recipe = PrivateRecipe(epsilon=epsilon, **batches)
    start = time.process_time()
    runs = compare_private_seeds(mnist, recipe, folder=tmp_path)
    seconds = (time.process_time() - start) / len(runs.trainings)
    low, high = runs.interval
    print(f"\nε = {epsilon}: {runs.mean:.2%} ({low:.2%}–{high:.2%}), {seconds:.1f} CPU s each")
    print("   seeds", runs.accuracies, "ε", runs.trainings[0].epsilon, "wanted", wanted)
    assert runs.mean >= wanted
