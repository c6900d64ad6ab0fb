"""Retraining: the training loop of pruned, clustered and distilled models.

One call of a compiled function runs many steps, and batches are gathered by index. The constraints
on the weights hold after each step: pruned weights stay exactly 0, and weights that share a value
move together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from deployworkbook.compression.augmentation import Augmentation, augment, augmentation_matrices
from deployworkbook.compression.constraints import Constraint, Masked, Shared
from deployworkbook.compression.stepping import Batches, Pace
from deployworkbook.compression.training_set import Examples
from deployworkbook.training.keras2 import copy_model, keras, set_seed, tf
from deployworkbook.validation import (
    check_choice,
    check_integer,
    check_labels,
    check_number,
    value_error,
)

Decay = Literal["cosine", "constant"]


@dataclass(frozen=True)
class Settings:
    """Settings of a training.

    Args:
        epochs: Passes over the examples.
        batch_size: Images per step.
        learning_rate: Adam's η at the first step.
        decay: ``"cosine"`` lowers it to 0 at the last step, η (1 + cos(π t / steps)) / 2.
        temperature: T, distillation temperature.
        hard_weight: a, weight of the labels in the loss, beside 1 - a for the teacher; without a
            teacher it is 1.
        dropout: Whether the model's dropout layers are active.
        seed: Seed of the batches' order and the dropout.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.
    """

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 0.002
    decay: Decay = "cosine"
    temperature: float = 4.0
    hard_weight: float = 0.1
    dropout: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("epochs", self.epochs, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, 10, open_low=True)
        check_choice("decay", self.decay, ["cosine", "constant"])
        check_number("temperature", self.temperature, 0, open_low=True)
        check_number("hard_weight", self.hard_weight, 0, 1)
        check_choice("dropout", self.dropout, [False, True])
        check_integer("seed", self.seed, 0, 2**32 - 1)


class Retraining:
    """A training in progress, which can be advanced by some steps, inspected and constrained.

    Args:
        model: A ``keras.Sequential`` that ends in a softmax; it is copied, not changed.
        examples: Training examples.
        settings: Training settings.
        fade: Fraction by which a masked weight shrinks per step; see ``constraints.Masked``.
        bits: Bits of the grid that kernels stay on; ``None`` for no grid.
        codes: For each kernel, the code of each weight's value; see ``constraints.Shared``. With
            codes there are neither masks nor a grid.

    Raises:
        ValueError: The model does not end in a softmax, or a shape differs from its kernel's.
    """

    def __init__(
        self,
        model: Any,
        examples: Examples,
        *,
        settings: Settings,
        fade: float = 1.0,
        bits: int | None = None,
        codes: Sequence[NDArray[np.int64]] | None = None,
    ) -> None:
        set_seed(settings.seed)
        self.settings = settings
        self.step = 0
        self.steps = settings.epochs * -(-len(examples.images) // settings.batch_size)
        self._source = model
        self._model = with_logits(model)
        kernels = [layer.kernel for layer in self._model.layers if hasattr(layer, "kernel")]
        self._constraints: Sequence[Constraint]
        if codes is None:
            self._constraints = [Masked(kernel, fade=fade, bits=bits) for kernel in kernels]
        else:
            self._constraints = [Shared(*pair) for pair in zip(kernels, codes, strict=True)]
        taken = {kernel.ref() for kernel in kernels}
        self._free = [v for v in self._model.trainable_variables if v.ref() not in taken]
        self._moved = [*self._free, *(each.variable for each in self._constraints)]
        self._optimizer = keras.optimizers.Adam(learning_rate(settings, self.steps))
        self._optimizer.build(self._moved)
        # Two generators, so that the batches don't depend on how the steps are divided into calls.
        shuffle, self._look = np.random.default_rng(settings.seed).spawn(2)
        self._batches = Batches(len(examples.images), settings.batch_size, shuffle)
        self._pace = Pace()
        self._matrices = tf.constant(
            augmentation_matrices(examples.augmentations, examples.images.shape[1:])
        )
        self._still = examples.augmentations == (Augmentation(),)
        self._images = tf.constant(examples.images)
        self._labels = tf.constant(check_labels("labels", examples.labels, self.classes))
        said = examples.teacher_logits
        # One row per moved image: to slice off a movement would copy all its rows in each step.
        self._teacher = None if said is None else tf.constant(said.reshape(-1, said.shape[-1]))
        # For any number of steps, so that a last, shorter call doesn't build a second graph. The
        # loop is TensorFlow's own: to translate Python into one takes longer than to build it.
        chosen = tf.TensorSpec([None, settings.batch_size], tf.int64)
        seen = tf.TensorSpec([None], tf.int64)
        self._run = tf.function(self._take_steps, input_signature=[chosen, seen], autograph=False)
        for constraint in self._constraints:
            constraint.apply()

    @property
    def classes(self) -> int:
        """Width of the model's output."""
        return int(self._model.output_shape[-1])

    @property
    def parameters(self) -> list[NDArray[np.float32]]:
        """Kernels and biases that the model computes with, in the order of ``get_weights``."""
        arrays: list[NDArray[np.float32]] = self._model.get_weights()
        return arrays

    @property
    def kernels(self) -> list[NDArray[np.float32]]:
        """The kernels that a mask acts on, including weights that are fading."""
        return [each.variable.numpy() for each in self._constraints if isinstance(each, Masked)]

    def keep(self, masks: Sequence[NDArray[np.bool_]]) -> None:
        """From now on, let only weights where a mask is True differ from 0; one mask per kernel."""
        for constraint, mask in zip(self._constraints, masks, strict=True):
            if not isinstance(constraint, Masked):
                received, expected = "masks and shared values", "one or the other"
                raise value_error("masks", received=received, expected=expected)
            constraint.keep(mask)

    def advance(self, steps: int | None = None, *, progress: Any = None) -> float:
        """Take some steps, or all remaining ones.

        Args:
            steps: Number of steps, at most the remaining ones.
            progress: A tqdm bar to update; by default a new one.

        Returns:
            The mean loss of these steps; NaN if there were none.
        """
        left = self.steps - self.step
        count = left if steps is None else check_integer("steps", steps, 0, left)
        bar = tqdm(total=count, unit="step", mininterval=0.2) if progress is None else progress
        try:
            total = sum(self._pace.calls(self._call, count, bar))
        finally:
            if progress is None:
                bar.close()
        return total / count if count else float("nan")

    def result(self) -> Any:
        """Return a copy of the model in its current state, with the softmax."""
        return copy_model(self._source, self._model.get_weights())

    def _call(self, count: int) -> float:
        """Take some steps in one call of the compiled function; return the sum of their losses."""
        moves = self._look.integers(len(self._matrices), size=count)
        total = float(self._run(tf.constant(self._batches.draw(count)), tf.constant(moves)))
        self.step += count
        return total

    def _take_steps(self, batches: Any, moves: Any) -> Any:
        count = tf.shape(batches)[0]
        _, total = tf.while_loop(
            lambda index, total: index < count,
            lambda index, total: (index + 1, total + self._take_step(batches[index], moves[index])),
            [tf.constant(0), tf.constant(0.0)],
        )
        return total

    def _take_step(self, chosen: Any, move: Any) -> Any:
        images = tf.gather(self._images, chosen)
        if not self._still:
            images = augment(images, self._matrices[move])
        with tf.GradientTape() as tape:
            logits = self._model(images, training=self.settings.dropout)
            loss = self._loss(chosen, move, logits)
        kernels = [each.kernel for each in self._constraints]
        free, by_kernel = tape.gradient(loss, [self._free, kernels])
        bound = [
            each.gradient(gradient)
            for each, gradient in zip(self._constraints, by_kernel, strict=True)
        ]
        self._optimizer.apply_gradients(zip([*free, *bound], self._moved, strict=True))
        for each in self._constraints:
            each.apply()
        return loss

    def _loss(self, chosen: Any, move: Any, logits: Any) -> Any:
        hard = hard_loss(logits, tf.gather(self._labels, chosen))
        if self._teacher is None:
            return hard
        share = self.settings.hard_weight
        teacher = tf.gather(self._teacher, move * len(self._labels) + chosen)
        return share * hard + (1.0 - share) * soft_loss(logits, teacher, self.settings.temperature)


def learning_rate(settings: Settings, steps: int) -> Any:
    """Return the learning rate or its schedule, as an optimizer takes it."""
    if settings.decay == "constant":
        return settings.learning_rate
    return keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)


def hard_loss(logits: Any, labels: Any) -> Any:
    """Return the mean cross-entropy with the labels, over the batch: the axis before the last."""
    # Bit for bit what TensorFlow's own gives, whose gradient takes a seventh of the graph to build.
    shares = tf.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return tf.reduce_mean(-tf.reduce_sum(shares * tf.nn.log_softmax(logits), axis=-1), axis=-1)


def soft_loss(logits: Any, teacher: Any, temperature: float) -> Any:
    """Return T² KL of the softened answers, as ``formulas.distillation``, averaged likewise."""
    log_p = tf.nn.log_softmax(teacher / temperature)
    log_q = tf.nn.log_softmax(logits / temperature)
    each = tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=-1)
    return temperature**2 * tf.reduce_mean(each, axis=-1)


def with_logits(model: Any) -> Any:
    """Return a copy of a model without the softmax at its end."""
    copy = copy_model(model)
    last = copy.layers[-1]
    if getattr(last, "activation", None) is not keras.activations.softmax:
        raise value_error(
            "model",
            received=f"one that ends in the layer {last.name!r}",
            expected="one whose last layer has the activation softmax",
        )
    last.activation = keras.activations.linear
    return copy
