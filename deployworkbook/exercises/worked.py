"""Solutions that are too long for a hint, as a teacher would show them.

Their bodies are filled into the learner's cell, which brings the parameters' names; so they use
nothing but their parameters and what ``solutions`` can import. The solution of an exercise whose
answer is a value has no parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.activations import softmax

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def cheapest_month(
    rate: float,
    peak: float,
    service: float,
    limit: float,
    prices: Sequence[float],
    cores: Sequence[int],
) -> float:
    """Solve costs.cheapest_month."""
    months = []
    for price, count in zip(prices, cores, strict=True):
        machines = math.ceil(rate * peak * service / (count * limit))
        months.append(730 * price * machines)
    return min(months)


def cross_entropy_of_many(logits: Floats, labels: Integers) -> Any:
    """Solve losses.many."""
    m = logits.max(axis=1, keepdims=True)
    sums = m[:, 0] + np.log(np.exp(logits - m).sum(axis=1))
    return np.mean(sums - logits[np.arange(len(labels)), labels])


def steps_needed(curvatures: Floats, start: Floats, rate: float) -> int:
    """Solve descent.steps_needed."""
    goal = np.sum(curvatures * start**2) / 1000
    place, steps = start, 0
    while np.sum(curvatures * place**2) > goal:
        place = place - rate * curvatures * place
        steps += 1
    return steps


def first_kernel_gradient(
    w1: Floats, b1: Floats, w2: Floats, b2: Floats, inputs: Floats, targets: Floats
) -> Any:
    """Solve backpropagation.network."""
    hidden = np.maximum(inputs @ w1 + b1, 0)
    error = softmax(hidden @ w2 + b2) - targets
    hidden_error = (error @ w2.T) * (hidden > 0)
    return inputs.T @ hidden_error / len(inputs)


def integer_layer(
    inputs: Integers,
    weights: Integers,
    bias: Integers,
    input_zero: int,
    multiplier: int,
    shift: int,
    output_zero: int,
) -> Any:
    """Solve quantization.integer_layer."""
    sums = (inputs - input_zero) @ weights + bias
    steps = (sums * multiplier + (1 << (shift - 1))) >> shift
    return np.clip(steps + output_zero, -128, 127)


def information_of_one_weight(weight: float, pixels: Floats) -> Any:
    """Solve importance.one_weight."""
    first = 1 / (1 + np.exp(-weight * pixels))
    return np.mean(pixels**2 * first * (1 - first))


def halfway() -> float:
    """Solve pruning.schedule."""
    return 0.9 + (0 - 0.9) * (1 - 0.5) ** 3


def soft_loss(teacher: Floats, student: Floats, temperature: float) -> Any:
    """Solve distillation.soft_loss."""
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return temperature**2 * np.sum(p * np.log(p / q))


def soft_gradient(teacher: Floats, student: Floats, temperature: float) -> Any:
    """Solve distillation.gradient."""
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return temperature * (q - p)


def linear_student(
    images: Floats, teacher: Floats, temperature: float, rate: float, steps: int
) -> Any:
    """Solve distillation.linear_student."""
    weights = np.zeros((images.shape[1], teacher.shape[1]))
    p = softmax(teacher / temperature)
    for _ in range(steps):
        q = softmax(images @ weights / temperature)
        gradient = temperature * (q - p)
        weights -= rate * images.T @ gradient / len(images)
    return weights


def loss_of_student(
    label: int, teacher: Floats, student: Floats, temperature: float, a: float
) -> Any:
    """Solve distillation.student_loss."""
    hard = -np.log(softmax(student)[label])
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    soft = temperature**2 * np.sum(p * np.log(p / q))
    return a * hard + (1 - a) * soft


def limit_of_bytes(count: int, sparsity: float, bits: int) -> float:
    """Solve pipeline.limit."""
    kept = 1 - sparsity
    place_bits = -sparsity * math.log2(sparsity) - kept * math.log2(kept)
    return count * (place_bits + kept * bits) / 8


def share_values(weights: Floats, centres: Floats, rounds: int) -> Any:
    """Solve pipeline.shared_values."""
    centres = np.array(centres, float)
    alive = weights[weights != 0]
    for _ in range(rounds):
        nearest = np.abs(alive[:, None] - centres).argmin(axis=1)
        for i in range(len(centres)):
            if np.any(nearest == i):
                centres[i] = alive[nearest == i].mean()
    nearest = np.abs(alive[:, None] - centres).argmin(axis=1)
    result = np.zeros(weights.shape)
    result[weights != 0] = centres[nearest]
    return result


def on_frontier(sizes: Floats, accuracies: Floats) -> Any:
    """Solve pipeline.frontier."""
    result = []
    for size, accuracy in zip(sizes, accuracies, strict=True):
        no_worse = (sizes <= size) & (accuracies >= accuracy)
        better = (sizes < size) | (accuracies > accuracy)
        result.append(not np.any(no_worse & better))
    return result


def turning_point(
    operations: float, moved: float, weights: float, operations_per_s: float, bytes_per_s: float
) -> float:
    """Solve runtimes.turning_point."""
    gained = operations / operations_per_s - moved / bytes_per_s
    if gained <= 0:
        return math.inf
    return math.ceil(weights / bytes_per_s / gained)


def answered_after(down: float, wait: float, service: float, deadline: float) -> float:
    """Solve serving.retries."""
    at = 0.0
    while at < down:
        at += wait
        wait *= 2
    return at + service if at + service <= deadline else math.inf


def late_requests() -> float:
    """Solve serving.hang."""
    return 100 / 2  # per second, for the first half of the pause


def fires(
    failed: Sequence[int],
    total: Sequence[int],
    long: int,
    short: int,
    burn: float,
    objective: float,
) -> list[bool]:
    """Solve monitoring.fires."""
    limit = burn * (1 - objective)
    result = []
    for i in range(len(total)):
        shares = []
        for minutes in (long, short):
            window = slice(max(0, i + 1 - minutes), i + 1)
            requests = sum(total[window])
            shares.append(sum(failed[window]) / requests if requests else 0)
        result.append(min(shares) > limit)
    return result


def images_needed() -> int:
    """Solve monitoring.window."""
    return math.ceil(1 / (0.1 / 21.67 - 1 / 6000))


def cheapest_month_of_all(
    rate: float,
    objective: float,
    services: Sequence[float],
    accurate: Sequence[bool],
    speeds: Sequence[float],
    prices: Sequence[float],
) -> float:
    """Solve plan.adviser."""
    months = []
    for service, is_accurate in zip(services, accurate, strict=True):
        for speed, price in zip(speeds, prices, strict=True):
            seconds = service / speed
            most = (1 - seconds * math.log(100) / objective) / seconds
            if is_accurate and most > 0:
                months.append(730 * price * max(2, math.ceil(rate / most)))
    return min(months)


def intensity(rows: float, columns: float, sequences: float, weight_bits: float) -> float:
    """Solve tokens.intensity."""
    moved = rows * columns * weight_bits / 8 + 4 * sequences * (rows + columns)
    return 2 * sequences * rows * columns / moved


def clipped_mean(gradients: Floats, clip_norm: float) -> Any:
    """Solve privacy.clip."""
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    return (gradients * np.minimum(1, clip_norm / norms)).mean(axis=0)


def members_found(member_scores: Floats, other_scores: Floats, false_positive_rate: float) -> Any:
    """Solve privacy.true_positives."""
    threshold = np.quantile(other_scores, 1 - false_positive_rate, method="higher")
    return np.mean(member_scores > threshold)


WORKED: dict[str, Callable[..., Any]] = {
    "costs.cheapest_month": cheapest_month,
    "losses.many": cross_entropy_of_many,
    "descent.steps_needed": steps_needed,
    "backpropagation.network": first_kernel_gradient,
    "quantization.integer_layer": integer_layer,
    "importance.one_weight": information_of_one_weight,
    "pruning.schedule": halfway,
    "distillation.soft_loss": soft_loss,
    "distillation.gradient": soft_gradient,
    "distillation.linear_student": linear_student,
    "distillation.student_loss": loss_of_student,
    "pipeline.limit": limit_of_bytes,
    "pipeline.shared_values": share_values,
    "pipeline.frontier": on_frontier,
    "runtimes.turning_point": turning_point,
    "serving.retries": answered_after,
    "serving.hang": late_requests,
    "monitoring.fires": fires,
    "monitoring.window": images_needed,
    "plan.adviser": cheapest_month_of_all,
    "tokens.intensity": intensity,
    "privacy.clip": clipped_mean,
    "privacy.true_positives": members_found,
}
