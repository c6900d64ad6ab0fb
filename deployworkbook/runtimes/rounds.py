"""Time predictors in turns, so that whatever else the machine does affects all of them alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from deployworkbook.runtimes.timing import Latency, Predict, time_batches, time_images
from deployworkbook.validation import check_integer, check_number, value_error

P = TypeVar("P")


@dataclass(frozen=True)
class MeasurementPlan:
    """How much to measure of each predictor.

    Args:
        rounds: Number of turns per predictor; the order is drawn again in each round.
        repetitions: Number of single images over all rounds, at least 100 for a p99.
        seconds: Time for single images over all rounds: a slow predictor gets fewer repetitions,
            but at least ``least``.
        batch_sizes: Batch sizes for the throughput.
        batch_seconds: Time per batch size over all rounds, with at least one batch per round.
        threads: Number of threads for NumPy; other platforms get theirs as they load.
        own_process: Whether to start each artifact in a separate process too, to measure its
            memory and load time.
        least: Number of single images of a predictor, however slow; a p99 needs 100.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range, or there are no batch sizes.
    """

    rounds: int = 5
    repetitions: int = 1000
    seconds: float = 2.0
    batch_sizes: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    batch_seconds: float = 0.1
    threads: int = 1
    own_process: bool = True
    least: int = 100

    def __post_init__(self) -> None:
        check_integer("rounds", self.rounds, 1)
        check_integer("repetitions", self.repetitions, 100)
        check_number("seconds", self.seconds, 0)
        if not self.batch_sizes:
            raise value_error("batch_sizes", received="none", expected="at least one")
        for size in self.batch_sizes:
            check_integer("batch size", size, 1)
        check_number("batch_seconds", self.batch_seconds, 0)
        check_integer("threads", self.threads, 1)
        check_integer("least", self.least, 1)


def latencies(
    predictors: Mapping[str, Predict], images: NDArray[np.float32], plan: MeasurementPlan
) -> dict[str, Latency]:
    """Time single images on all predictors, in turns.

    Args:
        predictors: Predictors by name.
        images: float32, shape ``[n, 28, 28]``, the same for all predictors.
        plan: How much to measure.

    Returns:
        Latencies by name, in the order of ``predictors``.
    """
    times: dict[str, list[NDArray[np.float64]]] = {name: [] for name in predictors}
    with threadpool_limits(plan.threads):
        counts = {name: _repetitions(each, images, plan) for name, each in predictors.items()}
        for name, predict in _turns(predictors, plan.rounds):
            # The previous predictor has filled the caches; two calls refill them for this one.
            times[name].append(time_images(predict, images, repetitions=counts[name], warm_up=2))
    return {name: Latency(np.concatenate(parts)) for name, parts in times.items()}


def batch_times(
    predictors: Mapping[str, Predict], images: NDArray[np.float32], plan: MeasurementPlan
) -> dict[str, dict[int, float]]:
    """Time batches on all predictors, in turns.

    Args:
        predictors: Predictors by name.
        images: float32, shape ``[n, 28, 28]``; repeated if a batch needs more.
        plan: How much to measure.

    Returns:
        Median time per batch in seconds, by name and batch size.
    """
    share_s = plan.batch_seconds / plan.rounds
    times: dict[str, dict[int, list[float]]] = {
        name: {size: [] for size in plan.batch_sizes} for name in predictors
    }
    with threadpool_limits(plan.threads):
        for size in plan.batch_sizes:
            batch = np.resize(images, (size, *images.shape[1:]))
            for name, predict in _turns(predictors, plan.rounds):
                times[name][size] += time_batches(predict, batch, seconds=share_s, least=1)
    return {
        name: {size: float(np.median(each)) for size, each in sizes.items()}
        for name, sizes in times.items()
    }


def _turns(predictors: Mapping[str, P], rounds: int) -> Iterator[tuple[str, P]]:
    """Yield each predictor once per round, in a different order each time."""
    names = list(predictors)
    draw = np.random.default_rng(0)
    for _ in range(rounds):
        for place in draw.permutation(len(names)):
            yield names[place], predictors[names[place]]


def _repetitions(predict: Predict, images: NDArray[np.float32], plan: MeasurementPlan) -> int:
    """Return how many single images per round a predictor can do in the planned time."""
    one_s = float(np.median(time_images(predict, images, repetitions=3, warm_up=2))) / 1000
    affordable = plan.seconds / one_s if one_s > 0 else math.inf
    return math.ceil(max(plan.least, min(plan.repetitions, affordable)) / plan.rounds)
