"""Training of a decoder in TensorFlow: its forward pass, its loss, and AdamW's steps.

The forward pass is that of ``formulas.transformer`` for the family ``"gpt2"``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.transformer import random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.training.keras2 import set_seed, tf

Weights = dict[str, NDArray[np.float32]]

# AdamW's settings: averages of gradients and their squares, and the weights' own decay.
MEAN_DECAY, SQUARE_DECAY, EPSILON, WEIGHT_DECAY = 0.9, 0.98, 1e-8, 0.1
# The gradient's norm above which a step is shortened.
LARGEST_NORM = 1.0
# Share of the steps in which the learning rate rises.
WARM_UP = 0.05
# Steps from which on compiling them pays.
COMPILED_FROM = 200


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained decoder that another one learns from.

    Args:
        shape: Its sizes; the vocabulary is the student's.
        weights: By name.
        temperature: Temperature at which both models' probabilities are compared, above 0.
        hard_weight: Share of the text's own tokens in the loss, from 0 to 1; the rest is the
            teacher's.
    """

    shape: TransformerShape
    weights: Mapping[str, NDArray[np.float32]]
    temperature: float
    hard_weight: float


def train_decoder(
    shape: TransformerShape,
    tokens: NDArray[np.int64],
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int = 0,
    teacher: Teacher | None = None,
    progress: Callable[[float], object] = lambda bits: None,
) -> tuple[Weights, list[float]]:
    """Train a decoder to predict the next token, on windows drawn at random from a text.

    The learning rate rises during the first steps and falls to 0 at the last.

    Args:
        shape: A decoder of the family ``"gpt2"``.
        tokens: The text, shape ``[n]``, longer than the context.
        steps: Number of steps.
        batch_size: Windows per step, each as long as the context.
        learning_rate: AdamW's largest η.
        seed: Seed of the first weights and the drawing.
        teacher: A decoder with the same vocabulary to learn from, too; by default none.
        progress: Called after each step with its loss in bits per token.

    Returns:
        Weights by the names of ``formulas.transformer_shape.weight_shapes``, and the loss of each
        step in bits per token; with a teacher, ``formulas.distillation.student_loss``.

    Source: I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    set_seed(seed)
    variables = {
        name: tf.Variable(value, name=name.replace(".", "_"))
        for name, value in random_weights(shape, seed=seed).items()
    }
    names = list(variables)
    means, squares = (
        {name: tf.Variable(tf.zeros_like(variables[name])) for name in names} for _ in range(2)
    )

    # Compiled as one program, a step takes two thirds of the time, but compiling takes seconds.
    # Its loops and conditions are Python's own: to translate them takes a second, for nothing.
    compiled = tf.function(jit_compile=steps >= COMPILED_FROM, autograph=False)

    @compiled  # type: ignore[untyped-decorator]
    def step(windows: Any, rate: Any, number: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = decoder_logits(shape, variables, windows[:, :-1])
            losses = token_losses(logits, windows[:, 1:])
            if teacher is not None:
                told = decoder_logits(teacher.shape, teacher.weights, windows[:, :-1])
                share = teacher.hard_weight
                losses = share * losses + (1 - share) * taught_losses(
                    told, logits, teacher.temperature
                )
            loss = tf.reduce_mean(losses)
        gradients = [
            tf.convert_to_tensor(each)
            for each in tape.gradient(loss, [variables[name] for name in names])
        ]
        gradients, _ = tf.clip_by_global_norm(gradients, LARGEST_NORM)
        for name, gradient in zip(names, gradients, strict=True):
            variable, mean, square = variables[name], means[name], squares[name]
            mean.assign(MEAN_DECAY * mean + (1 - MEAN_DECAY) * gradient)
            square.assign(SQUARE_DECAY * square + (1 - SQUARE_DECAY) * gradient**2)
            change = (mean / (1 - MEAN_DECAY**number)) / (
                tf.sqrt(square / (1 - SQUARE_DECAY**number)) + EPSILON
            )
            if len(variable.shape) == 2:
                change += WEIGHT_DECAY * variable
            variable.assign_sub(rate * change)
        return loss

    draw = np.random.default_rng(seed)
    places = np.arange(shape.context + 1)
    losses = []
    for number in range(1, steps + 1):
        starts = draw.integers(0, len(tokens) - shape.context, batch_size)[:, None]
        windows = tokens[starts + places].astype(np.int32)
        rate = learning_rate * min(1.0, number / (WARM_UP * steps)) * (1 - (number - 1) / steps)
        loss = step(tf.constant(windows), tf.constant(rate, tf.float32), tf.constant(float(number)))
        losses.append(float(loss) / math.log(2))
        progress(losses[-1])
    return {name: variable.numpy() for name, variable in variables.items()}, losses


def token_losses(logits: Any, tokens: Any) -> Any:
    """Return the cross-entropy of each token, in nats.

    Args:
        logits: Shape ``[batch, n, vocabulary]``.
        tokens: int32, shape ``[batch, n]``.

    Returns:
        Shape ``[batch, n]``.
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens, logits=logits)


def taught_losses(teacher_logits: Any, student_logits: Any, temperature: float) -> Any:
    """Return ``formulas.distillation.distillation_loss`` of each token, in nats.

    Args:
        teacher_logits: Shape ``[batch, n, vocabulary]``.
        student_logits: The shape of ``teacher_logits``.
        temperature: Above 0.

    Returns:
        Shape ``[batch, n]``.
    """
    teacher, student = teacher_logits / temperature, student_logits / temperature
    difference = tf.nn.log_softmax(teacher) - tf.nn.log_softmax(student)
    return temperature**2 * tf.reduce_sum(tf.nn.softmax(teacher) * difference, axis=-1)


def decoder_logits(
    shape: TransformerShape, weights: Mapping[str, Any], tokens: Any, *, last_only: bool = False
) -> Any:
    """Predict the token after each position, as ``formulas.transformer.forward`` does.

    Args:
        shape: A decoder of the family ``"gpt2"``.
        weights: Tensors by name.
        tokens: int32, shape ``[batch, n]``; a graph may leave both sizes open.
        last_only: Whether to predict only the token after the last position.

    Returns:
        float32, shape ``[batch, n, vocabulary]``, or ``[batch, vocabulary]`` of the last position.
    """
    batch, count = (
        tf.shape(tokens)[axis] if size is None else size for axis, size in enumerate(tokens.shape)
    )
    hidden = shape.head_width

    def linear(name: str, rows: Any) -> Any:
        return tf.matmul(rows, weights[name]) + weights[f"{name}_bias"]

    def norm(name: str, rows: Any) -> Any:
        centred = rows - tf.reduce_mean(rows, axis=-1, keepdims=True)
        square = tf.reduce_mean(centred**2, axis=-1, keepdims=True)
        scaled = centred * tf.math.rsqrt(square + shape.norm_epsilon)
        return scaled * weights[name] + weights[f"{name}_bias"]

    def heads(rows: Any) -> Any:
        return tf.transpose(tf.reshape(rows, (batch, count, shape.heads, hidden)), (0, 2, 1, 3))

    future = -1e9 * (1.0 - tf.linalg.band_part(tf.ones((count, count)), -1, 0))
    # One row per position of any window, so that each product is one of two matrices.
    x = tf.reshape(
        tf.gather(weights["embedding"], tokens) + weights["positions"][:count],
        (batch * count, shape.width),
    )
    for layer in range(shape.layers):
        at = f"layers.{layer}."
        row = norm(f"{at}attention_norm", x)
        query, key, value = (heads(linear(at + part, row)) for part in ("query", "key", "value"))
        scores = tf.matmul(query, key, transpose_b=True) / math.sqrt(hidden)
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores + future), value), (0, 2, 1, 3))
        x += linear(f"{at}output", tf.reshape(mixed, (batch * count, shape.query_width)))
        row = norm(f"{at}mlp_norm", x)
        x += linear(f"{at}down", tf.nn.gelu(linear(f"{at}up", row), approximate=True))
    if last_only:
        x = tf.reshape(x, (batch, count, shape.width))[:, -1]
    unembedding = weights["embedding"] if shape.tied else weights["unembedding"]
    logits = tf.matmul(norm("final_norm", x), unembedding, transpose_b=shape.tied)
    return logits if last_only else tf.reshape(logits, (batch, count, shape.vocabulary))
