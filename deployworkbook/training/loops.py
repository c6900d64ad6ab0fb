"""Many steps of Keras's ``fit`` in one call that TensorFlow builds once.

Keras's own loop is built four times over: its body twice, since Python can't know what the loop
returns if it never runs, and all of it again, since the first step makes the metrics' variables.
For a small network and few images that takes far longer than the steps themselves.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from deployworkbook.training.data import Split
from deployworkbook.training.keras2 import keras, tf


def prepare_fit(model: Any, examples: Split) -> None:
    """Make the variables and the loops of a compiled model, for the ``fit`` that follows.

    The steps, and so the weights, are those of Keras's own loops.

    Args:
        model: A Keras model that was compiled with ``steps_per_execution``; what an earlier ``fit``
            has built since then is kept.
        examples: What it learns from; the first image is looked at, and changes nothing.

    >>> from deployworkbook.training import load_dataset, mlp
    >>> few, model = load_dataset("digits").train.take(60), mlp(hidden_units=4)
    >>> model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=5)
    >>> prepare_fit(model, few)
    >>> history = model.fit(few.images, few.labels, batch_size=12, verbose=0)
    >>> int(model.optimizer.iterations.numpy())  # in one call
    5
    """
    gc.collect()  # an earlier training's copy of its images is in a cycle of references
    if model.train_function is not None:  # compiling sets it to None
        return
    model.optimizer.build(model.trainable_variables)
    model.test_step((tf.constant(examples.images[:1]), tf.constant(examples.labels[:1])))
    model.reset_metrics()
    model.train_function = _loop(model, model.train_step, model._train_counter)
    model.test_function = _loop(model, model.test_step, model._test_counter)


def crossentropy(labels: Any, probabilities: Any) -> Any:
    """Return the cross-entropy of each image, for a model whose last layer is a softmax.

    With ``set_seed`` it is Keras's ``"sparse_categorical_crossentropy"`` to the bit, unless a
    quantizer follows the softmax. Its gradient has fewer operations, so a loop is built sooner.

    Args:
        labels: Integers, shape ``[n]`` or ``[n, 1]``.
        probabilities: The model's output, shape ``[n, classes]``.
    """
    shares = tf.one_hot(tf.reshape(labels, [-1]), probabilities.shape[-1])
    return keras.backend.categorical_crossentropy(shares, probabilities)


def _loop(model: Any, step: Callable[[Any], Any], counter: Any) -> Any:
    def run(iterator: Any) -> Any:
        def body(done: Any) -> Any:
            step(next(iterator))
            counter.assign_add(1)
            return done + 1

        # Keras sets the number of steps before each call: the last one of an epoch may be shorter.
        steps = model._steps_per_execution.read_value()
        tf.while_loop(lambda done: done < steps, body, [tf.zeros([], steps.dtype)])
        return model.get_metrics_result()

    return tf.function(run, autograph=False, reduce_retracing=True)
