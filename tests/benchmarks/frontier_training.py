"""A compact trainer for the frontier's many runs: NumPy, one thread, about a second an epoch.

Float32 and compressed networks learn by the same loop, from the same start, batches and teacher. A
compressed one is also pruned gradually and rounded to whole steps; gradients pass straight through
the rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deployworkbook.compression.coded_file import IntegerLayer
from deployworkbook.compression.lean import whole_biases

Floats = NDArray[np.float32]

BATCH_SIZE = 256
TEMPERATURE = 2.0
HARD_WEIGHT = 0.1
BITS = 4
HIGHEST = 2 ** (BITS - 1) - 1
# Shares of the steps: rounding begins, the sparsity is reached, the masks stand.
ROUNDED_FROM, FULL, SETTLED = 0.3, 0.6, 0.8
# Steps from one choice of masks and scales to the next, and images that it looks at.
EVERY, SAMPLE = 100, 1000
FADE = 0.01
# Pixels that fewer of the moved images light are pruned at once; it saves a fifth of the time.
SELDOM = 0.002


@dataclass(frozen=True, eq=False)
class Lesson:
    """What all networks learn from.

    Args:
        images: uint8, each movement of all images after the other, shape ``[moves · n, 784]``.
        logits: The teacher's, shape ``[moves · n, 10]``.
        labels: Shape ``[n]``.
    """

    images: NDArray[np.uint8]
    logits: Floats
    labels: NDArray[np.int64]

    @property
    def moves(self) -> int:
        """In how many ways each image is moved."""
        return len(self.images) // len(self.labels)

    def often_lit(self) -> NDArray[np.int64]:
        """Pixels that enough images light."""
        return np.flatnonzero((self.images[::37] > 0).mean(axis=0) > SELDOM)

    def cropped(self) -> Lesson:
        """The same with these pixels only."""
        # Row by row in memory, which fancy indexing of columns does not give.
        images = np.ascontiguousarray(self.images[:, self.often_lit()])
        return Lesson(images, self.logits, self.labels)


def first_weights(sizes: Sequence[int], rng: np.random.Generator) -> list[Floats]:
    """Glorot's uniform weights, and biases of 0."""
    parameters = []
    for inputs, outputs in pairwise(sizes):
        limit = np.sqrt(6 / (inputs + outputs))
        parameters.append(rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32))
        parameters.append(np.zeros(outputs, np.float32))
    return parameters


def forward(parameters: Sequence[Floats], inputs: Floats) -> tuple[list[Floats], Floats]:
    """Inputs of each layer, and the logits, in float32."""
    seen = [inputs]
    for kernel, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        hidden = seen[-1] @ kernel
        hidden += bias
        seen.append(np.maximum(hidden, 0, out=hidden))
    logits = seen[-1] @ parameters[-2]
    logits += parameters[-1]
    return seen, logits


def softmax(logits: Floats) -> Floats:
    """Probabilities, in float32."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def information(parameters: Sequence[Floats], inputs: Floats) -> list[Floats]:
    """Fisher information of each kernel, as ``formulas.importance.fisher``, in float32."""
    seen, logits = forward(parameters, inputs)
    chances = softmax(logits)
    sums = [np.zeros((len(inputs), bias.size), np.float32) for bias in parameters[1::2]]
    for k in range(chances.shape[1]):
        errors = -chances
        errors[:, k] += 1
        for layer in reversed(range(len(sums))):
            sums[layer] += chances[:, k : k + 1] * errors**2
            if layer:
                errors = (errors @ parameters[2 * layer].T) * (seen[layer] > 0)
    # The square of a product is the product of the squares, so one matrix product adds them up.
    return [
        (each**2).T @ sum_ / np.float32(len(inputs)) for each, sum_ in zip(seen, sums, strict=True)
    ]


def best_step(weights: Floats) -> np.float32:
    """The step whose grid is nearest to the weights that are not 0."""
    sizes = np.abs(weights[weights != 0])[::4]
    largest = sizes.max() / HIGHEST
    steps = [largest * share for share in np.linspace(0.2, 1, 33)]
    errors = [
        ((sizes - np.minimum(np.rint(sizes / step), HIGHEST) * step) ** 2).mean() for step in steps
    ]
    return np.float32(steps[int(np.argmin(errors))])


def bits_by_place(
    mask: NDArray[np.bool_], pixels: NDArray[np.int64] | None
) -> NDArray[np.floating]:
    """About how many bits one more weight takes at each place: fewer where others are already.

    Args:
        mask: The weights that are kept now.
        pixels: Which pixels the rows are; ``None`` in later layers.
    """
    rows, columns = mask.shape
    by_row = mask.mean(axis=1)
    if pixels is not None:
        image = np.zeros(28 * 28, np.float32)
        image[pixels] = by_row
        framed = np.pad(image.reshape(28, 28), 1, mode="edge")
        around = sum(framed[i : i + 28, j : j + 28] for i in range(3) for j in range(3))
        by_row = around.ravel()[pixels] / 9
    by_column = mask.mean(axis=0)
    share = np.outer(by_row + 2 / columns / 9, by_column + 1 / rows) / max(mask.mean(), 1e-6)
    share = np.clip(share, 1e-4, 0.98)
    return np.clip(np.log2((1 - share) / share), -1, 14) + 3.5


def integer_network(
    parameters: Sequence[Floats], steps: Sequence[np.float32]
) -> list[IntegerLayer]:
    """What a compressed network is stored as."""
    layers = []
    for kernel, bias, step in zip(parameters[::2], parameters[1::2], steps, strict=True):
        whole, k = whole_biases(bias)
        integers = np.rint(kernel / step).astype(np.int8)
        layers.append(IntegerLayer(integers, step, whole.astype(np.int8), k))
    return layers


@dataclass
class Trainer:
    """One network and how it learns.

    Args:
        parameters: Where it begins; not changed.
        lesson: What it learns from.
        epochs: How long.
        rate: Adam's η at the first step; it falls to 0 along a cosine.
        seed: Of the batches.
        sparsity: Share of the weights to prune; 0 for a float32 network.
        pixels: Which pixels the lesson shows, where it is a cropped one.
        hard_weight: Weight of the labels in the loss, beside the teacher; 1 for labels alone.
        rounded_from: Share of the steps after which a compressed network is rounded; infinity for
            never.
    """

    parameters: list[Floats]
    lesson: Lesson
    epochs: int
    rate: float
    seed: int
    sparsity: float = 0.0
    pixels: NDArray[np.int64] | None = None
    hard_weight: float = HARD_WEIGHT
    rounded_from: float = ROUNDED_FROM

    def run(self) -> tuple[list[Floats], list[np.float32]]:
        """Train; return the parameters, and the steps that the kernels are on."""
        lesson, rng = self.lesson, np.random.default_rng(self.seed)
        count, layers = len(lesson.labels), range(len(self.parameters) // 2)
        self.now = [each.copy() for each in self.parameters]
        if self.pixels is not None:
            self.now[0] = self.now[0][self.pixels].copy()
        # What the optimizer moves; kernels in use are made from it.
        self.free = [each.copy() for each in self.now]
        self.masks: list[NDArray[np.bool_]] = []
        self.steps: list[np.float32] = []
        means = [np.zeros_like(each) for each in self.now]
        squares = [np.zeros_like(each) for each in self.now]
        batches = count // BATCH_SIZE
        total, done = self.epochs * batches, 0
        inputs = np.empty((BATCH_SIZE, lesson.images.shape[1]), np.float32)
        for _ in range(self.epochs):
            order, moved = rng.permutation(count), rng.integers(0, lesson.moves, count) * count
            for batch in range(batches):
                chosen = order[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]
                shown = chosen + moved[chosen]
                np.multiply(lesson.images[shown], np.float32(1 / 255), out=inputs)
                if self.sparsity:
                    self._constrain(done / total, done, total, rng)
                seen, logits = forward(self.now, inputs)
                error = self._error(logits, lesson.labels[chosen], lesson.logits[shown])
                done += 1
                rate = self.rate * (1 + np.cos(np.pi * done / total)) / 2
                first, second = 1 - 0.9**done, np.sqrt(1 - 0.999**done)
                for layer in reversed(layers):
                    gradients = seen[layer].T @ error, error.sum(axis=0)
                    if layer:
                        error = (error @ self.now[2 * layer].T) * (seen[layer] > 0)
                    for place, gradient in zip((2 * layer, 2 * layer + 1), gradients, strict=True):
                        move = _adam(means[place], squares[place], gradient, second)
                        move *= np.float32(rate / first)
                        self.free[place] -= move
                    self._apply(layer)
        return self._result()

    def _error(self, logits: Floats, labels: NDArray[np.int64], said: Floats) -> Floats:
        """The loss's gradient with respect to the logits: labels and teacher together."""
        error = softmax(logits)
        error[np.arange(len(labels)), labels] -= 1
        error *= np.float32(self.hard_weight)
        soft = softmax(logits / TEMPERATURE) - softmax(said / TEMPERATURE)
        error += np.float32((1 - self.hard_weight) * TEMPERATURE) * soft
        error /= len(labels)
        return error

    def _constrain(self, share: float, done: int, total: int, rng: np.random.Generator) -> None:
        """Choose masks and steps anew, at their times."""
        due = done % EVERY == 0 and done <= SETTLED * total + EVERY
        if due:
            reached = self.sparsity * (1 - (1 - min(1.0, share / FULL)) ** 3)
            count, moves = len(self.lesson.labels), self.lesson.moves
            drawn = rng.choice(count, SAMPLE, replace=False)
            drawn = drawn + count * rng.integers(0, moves, SAMPLE)
            sample = self.lesson.images[drawn] * np.float32(1 / 255)
            scores = [
                0.5 * found * kernel**2
                for found, kernel in zip(information(self.now, sample), self.free[::2], strict=True)
            ]
            if self.masks:
                scores = [
                    score / np.maximum(bits_by_place(mask, None if layer else self.pixels), 0.5)
                    for layer, (score, mask) in enumerate(zip(scores, self.masks, strict=True))
                ]
            flat = np.concatenate([score.ravel() for score in scores])
            gone = int(reached * len(flat))
            least = np.partition(flat, gone)[gone] if gone else -1.0
            self.masks = [score >= least for score in scores]
            self._factors = [mask.astype(np.float32) for mask in self.masks]
            self._fading = [np.float32(1) - np.float32(FADE) * (1 - each) for each in self._factors]
        if done >= self.rounded_from * total and (due or not self.steps):
            kept = zip(self.free[::2], self._factors, strict=True)
            self.steps = [best_step(kernel * factor) for kernel, factor in kept]
            self._scaled = [f * step for f, step in zip(self._factors, self.steps, strict=True)]

    def _apply(self, layer: int) -> None:
        """Make the kernel in use from the free one: faded, rounded, masked."""
        kernel = self.free[2 * layer]
        self.now[2 * layer + 1] = self.free[2 * layer + 1]
        if self.masks:
            kernel *= self._fading[layer]
            if self.steps:
                whole = kernel * np.float32(1 / self.steps[layer])
                np.rint(whole, out=whole)
                np.minimum(whole, HIGHEST, out=whole)
                np.maximum(whole, -HIGHEST, out=whole)
                whole *= self._scaled[layer]
                kernel = whole
            else:
                kernel = kernel * self._factors[layer]
        self.now[2 * layer] = kernel

    def _result(self) -> tuple[list[Floats], list[np.float32]]:
        parameters = [each.copy() for each in self.now]
        if self.pixels is not None:
            whole = np.zeros((28 * 28, parameters[0].shape[1]), np.float32)
            whole[self.pixels] = parameters[0]
            parameters[0] = whole
        return parameters, self.steps


def _adam(mean: Floats, square: Floats, gradient: Floats, second: float) -> Floats:
    """Update the moments; return their quotient, in the gradient's memory."""
    # Moments that fade to less than 1e-38 would slow the processor down tenfold.
    gradient += np.float32(1e-15)
    mean *= np.float32(0.9)
    mean += np.float32(0.1) * gradient
    square *= np.float32(0.999)
    np.square(gradient, out=gradient)
    gradient *= np.float32(0.001)
    square += gradient
    np.sqrt(square, out=gradient)
    gradient *= np.float32(1 / second)
    gradient += np.float32(1e-7)
    return np.divide(mean, gradient, out=gradient)
