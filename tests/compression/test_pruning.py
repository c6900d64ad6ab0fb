"""Pruning by importance, of weights and of neurons."""

import functools

import numpy as np
import pytest

from deployworkbook.compression.neurons import prune_neurons, shrink, without_idle_neurons
from deployworkbook.compression.pruning import Pruning, importance, prune, sparsity_of
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.formulas.importance import fisher
from deployworkbook.training.keras2 import keras
from deployworkbook.training.models import cnn

# Images per choice of masks: how many are pruned doesn't depend on them.
FEW = 200


def accuracy(model, split):
    return (model.predict(split.images, verbose=0).argmax(axis=1) == split.labels).mean()


def copy_with(model, weights):
    copy = keras.models.clone_model(model)
    copy.set_weights(weights)
    return copy


@pytest.fixture(scope="module")
def pruned(model, examples, short):
    """Prune 80 % of the weights, each way once."""

    @functools.cache
    def made(criterion, scope):
        pruning = Pruning(sparsity=0.8, criterion=criterion, scope=scope, sample=FEW)
        return prune(model, examples, pruning=pruning, settings=short)

    # The cache takes an argument and its default for two different ones.
    return lambda criterion, scope="global": made(criterion, scope)


# Which weights are chosen depends on the criterion, how many on the scope.
@pytest.mark.parametrize(
    ("criterion", "scope"), [("fisher", "global"), ("magnitude", "global"), ("taylor", "layer")]
)
def test_the_sparsity_is_exact(pruned, criterion, scope):
    result = pruned(criterion, scope)
    zeros = [int((kernel == 0).sum()) for kernel in result.get_weights()[0::2]]
    # 0.8 · (784 · 128 + 128 · 10) = 81,305.6; of the layers alone 80,281.6 and 1,024.
    assert sum(zeros) == 81_306
    if scope == "layer":
        assert zeros == [80_282, 1024]
    assert sparsity_of(result) == 81_306 / 101_632


def test_fading_weights_are_pruned_to_the_given_fraction(model, examples):
    pruning = Pruning(sparsity=0.9, fade=0.01, sample=FEW)
    pruned = prune(model, examples, pruning=pruning, settings=Settings(epochs=3))
    assert sparsity_of(pruned) == pytest.approx(91_469 / 101_632, abs=1e-6)


def test_fisher_drops_pixels_that_are_always_black_and_magnitude_keeps_some(pruned, examples):
    black = ~examples.images.any(axis=0).ravel()
    assert black.any()
    left = {
        criterion: np.count_nonzero(pruned(criterion).get_weights()[0][black])
        for criterion in ("fisher", "magnitude")
    }
    assert left["fisher"] == 0
    assert left["magnitude"] > 100


def test_pruning_while_learning_keeps_the_accuracy(model, examples, digits):
    pruning = Pruning(sparsity=0.9, sample=FEW)
    pruned = prune(model, examples, pruning=pruning, settings=Settings(epochs=10))
    # 360 images: two points are seven of them.
    assert accuracy(pruned, digits.test) >= accuracy(model, digits.test) - 0.02


def test_a_seed_gives_the_same_zeros(pruned, model, examples, short):
    again = prune(model, examples, pruning=Pruning(sparsity=0.8, sample=FEW), settings=short)
    for a, b in zip(pruned("fisher").get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_importance_is_the_formula(model, examples):
    few = Examples(examples.images[:50], examples.labels[:50])
    kernel = model.get_weights()[0]
    information = fisher(model.get_weights(), few.images.reshape(50, -1))[0]
    np.testing.assert_allclose(importance(model, few)[0], 0.5 * information * kernel**2)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sparsity": 1.0}, ValueError),
        ({"sparsity": "much"}, TypeError),
        ({"criterion": "luck"}, ValueError),
        ({"scope": "city"}, ValueError),
        ({"full": 0}, ValueError),
        ({"settled": 0.5}, ValueError),
        ({"every": 0}, ValueError),
        ({"sample": 0}, ValueError),
        ({"fade": 0}, ValueError),
    ],
)
def test_wrong_settings_are_refused(change, error):
    with pytest.raises(error, match="expected"):
        Pruning(**change)


def test_other_networks_are_refused(examples, short):
    with pytest.raises(ValueError, match="Conv2D"):
        prune(cnn(), examples, pruning=Pruning(), settings=short)


def test_the_smaller_model_computes_what_the_masked_one_does(model, digits):
    kept = np.arange(128) % 2 == 0
    first, bias, second, last = model.get_weights()
    masked = copy_with(model, [first * kept, bias * kept, second * kept[:, None], last])
    smaller = shrink(model, [kept])
    assert smaller.layers[1].units == 64
    assert smaller.count_params() == 784 * 64 + 64 + 64 * 10 + 10
    images = digits.test.images
    ours, theirs = (each.predict(images, verbose=0) for each in (smaller, masked))
    # The same sums without their zeros; float32 may group them in another order.
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_idle_neurons_are_removed_and_their_constant_output_stays(model, digits):
    first, bias, second, last = (values.copy() for values in model.get_weights())
    first[:, :10] = 0  # nothing reaches them: they say relu(bias) for ever
    bias[:10] = np.linspace(-1, 1, 10)
    second[20:30] = 0  # nobody hears them
    idle = copy_with(model, [first, bias, second, last])
    smaller = without_idle_neurons(idle)
    assert smaller.layers[1].units == 108
    images = digits.test.images
    np.testing.assert_allclose(
        smaller.predict(images, verbose=0), idle.predict(images, verbose=0), atol=1e-6
    )


def test_a_model_of_nothing_but_zeros_keeps_one_neuron(model):
    nothing = copy_with(model, [np.zeros_like(values) for values in model.get_weights()])
    assert without_idle_neurons(nothing).layers[1].units == 1


def test_half_of_the_neurons_can_be_pruned(model, examples, digits):
    smaller = prune_neurons(model, examples, share=0.5, settings=Settings(epochs=5))
    assert smaller.layers[1].units == 64
    assert accuracy(smaller, digits.test) >= accuracy(model, digits.test) - 0.02


@pytest.mark.parametrize("kept", [[], [np.ones(3, bool)], [np.zeros(128, bool)]])
def test_neurons_that_do_not_fit_are_refused(model, kept):
    with pytest.raises(ValueError, match="hidden layer"):
        shrink(model, kept)
