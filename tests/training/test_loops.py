"""Loops of many steps that are built once: their steps are those of Keras's own."""

import weakref

import numpy as np
import pytest

from deployworkbook.training.garbage import without_garbage_collection
from deployworkbook.training.keras2 import keras, set_seed
from deployworkbook.training.loops import crossentropy, prepare_fit


def trained(split, *, steps, prepared):
    """Train a network with dropout; return its weights and the losses per epoch."""
    set_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((28, 28)), layers.Flatten(), layers.Dropout(0.3), layers.Dense(10, "softmax")]
    )
    model.compile(
        keras.optimizers.Adam(0.01),
        crossentropy if prepared else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps,
    )
    if prepared:
        prepare_fit(model, split)
    record = model.fit(
        split.images,
        split.labels,
        batch_size=8,
        epochs=2,
        validation_data=(split.images, split.labels),
        verbose=0,
    )
    return model.get_weights(), record.history


@pytest.fixture(scope="module")
def by_keras(digits):
    """Weights and losses of Keras's own loops, step by step."""
    return trained(digits.train.take(30), steps=1, prepared=False)


# 30 images are four batches, of which the last is shorter; three steps don't divide them.
@pytest.mark.parametrize("steps", [1, 3])
def test_weights_and_losses_are_those_of_keras(steps, digits, by_keras):
    weights, history = trained(digits.train.take(30), steps=steps, prepared=True)
    expected, expected_history = by_keras
    for found, wanted in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert history == expected_history


def test_an_earlier_training_leaves_no_memory_to_the_next(digits):
    few = digits.train.take(30)

    def compiled():
        model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=2)
        model.build((None, 28, 28))
        return model

    with without_garbage_collection():
        first, second = compiled(), compiled()
        prepare_fit(first, few)
        first.fit(few.images, few.labels, verbose=0)
        earlier = weakref.ref(first)
        del first
        assert earlier() is not None  # its graph refers to it, and it to its graph
        prepare_fit(second, few)
        assert earlier() is None
        built = second.train_function
        prepare_fit(second, few)
        assert second.train_function is built
