"""Compare platforms on the same images, in turns, and measure how far their answers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from deployworkbook.ledger.measurement import Measurement
from deployworkbook.runtimes.base import Artifact, check_timed
from deployworkbook.runtimes.benchmarking import predict_in_batches, row_of
from deployworkbook.runtimes.memory import Start, start_process
from deployworkbook.runtimes.registry import runtime
from deployworkbook.runtimes.rounds import MeasurementPlan, batch_times, latencies
from deployworkbook.runtimes.timing import Latency
from deployworkbook.training.data import Dataset
from deployworkbook.validation import check_same_shape, value_error


@dataclass(frozen=True)
class Parity:
    """How far a platform's answers differ from another's.

    Args:
        agreeing: Number of images for which both have the same most probable class.
        examples: Number of images.
        largest_difference: Largest difference between their probabilities of the same class.
    """

    agreeing: int
    examples: int
    largest_difference: float


@dataclass(frozen=True, eq=False)
class PlatformResult:
    """Measurements of one variant of the model on one platform.

    Args:
        artifact: The artifact.
        latency: Latency of single images.
        batch_s: Median time per batch in seconds, by batch size.
        parity: Parity with the first artifact of the comparison.
        threads: Number of threads it may use.
        start: Measurements in a separate process; ``None`` if there was none.
        measurement: Row for the ledger.
    """

    artifact: Artifact
    latency: Latency
    batch_s: Mapping[int, float]
    parity: Parity
    threads: int
    start: Start | None
    measurement: Measurement

    @property
    def name(self) -> str:
        """Name of the platform, and of the variant unless it is float32."""
        variant = "" if self.artifact.variant == "float32" else f" {self.artifact.variant}"
        return self.artifact.runtime + variant


def parity(reference: NDArray[np.float32], other: NDArray[np.float32]) -> Parity:
    """Compare the probabilities of two platforms.

    Args:
        reference: Shape ``[n, classes]``.
        other: The shape of ``reference``.

    Raises:
        ValueError: The shapes differ.

    >>> import numpy as np
    >>> parity(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([[0.5, 0.25], [0.5, 0.25]]))
    Parity(agreeing=1, examples=2, largest_difference=0.5)
    """
    check_same_shape("reference", reference, "other", other)
    return Parity(
        agreeing=int((reference.argmax(axis=1) == other.argmax(axis=1)).sum()),
        examples=len(reference),
        largest_difference=float(np.abs(reference - other).max()),
    )


def compare_platforms(
    artifacts: Sequence[Artifact],
    dataset: Dataset,
    plan: MeasurementPlan | None = None,
    *,
    lesson: str = "",
    note: str = "",
) -> list[PlatformResult]:
    """Load artifacts and measure all of them in turns, on the same images of the test set.

    Threads are pinned: NumPy's here, those of LiteRT, ONNX Runtime and OpenVINO as they load.
    TensorFlow's number is fixed when it starts (``training.pin_threads``). Each result says how
    many it had.

    Args:
        artifacts: Artifacts that differ in platform or variant; the first one's answers are the
            reference.
        dataset: Its test set is predicted.
        plan: How much to measure; by default ``MeasurementPlan()``.
        lesson: Name of the notebook, for the ledger.
        note: Note for the ledger.

    Returns:
        One result per artifact, in the same order.

    Raises:
        ValueError: There is no artifact, two have the same platform and variant, or one is for a
            core that is emulated.
    """
    chosen = plan or MeasurementPlan()
    keys = [f"{each.runtime} {each.variant}" for each in artifacts]
    if not keys or len(set(keys)) < len(keys):
        received = ", ".join(keys) or "none"
        raise value_error("artifacts", received=received, expected="different ones")
    images = dataset.test.images
    predictors = {
        key: check_timed(runtime(each.runtime).load(each))
        for key, each in zip(keys, artifacts, strict=True)
    }
    started = keys if chosen.own_process else []
    starts: dict[str, Start] = {}
    with tqdm(total=3 + len(started), unit="step") as bar:
        bar.set_description("all test images")
        answers = {key: predict_in_batches(each, images) for key, each in predictors.items()}
        _advance(bar, "one image at a time")
        single = latencies(predictors, images, chosen)
        _advance(bar, "batches")
        batched = batch_times(predictors, images, chosen)
        for key, artifact in zip(started, artifacts, strict=False):
            _advance(bar, f"a process for {key}")
            starts[key] = start_process(artifact)
        _advance(bar, "done")
    with threadpool_limits(chosen.threads):  # as while they were timed
        threads = {key: each.threads for key, each in predictors.items()}
    results = []
    for key, artifact in zip(keys, artifacts, strict=True):
        said = f"one of {len(keys)} measured in turns"
        results.append(
            PlatformResult(
                artifact=artifact,
                latency=single[key],
                batch_s=batched[key],
                parity=parity(answers[keys[0]], answers[key]),
                threads=threads[key],
                start=starts.get(key),
                measurement=row_of(
                    predictors[key],
                    artifact,
                    dataset,
                    correct=int((answers[key].argmax(axis=1) == dataset.test.labels).sum()),
                    latency=single[key],
                    throughput_per_s={n: n / seconds for n, seconds in batched[key].items()},
                    start=starts.get(key),
                    threads=threads[key],
                    lesson=lesson,
                    note=f"{note}; {said}" if note else said,
                ),
            )
        )
    return results


def _advance(bar: Any, next_step: str) -> None:
    bar.update()
    bar.set_description(next_step)
