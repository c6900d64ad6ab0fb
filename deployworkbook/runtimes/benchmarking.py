"""Measure what a model costs to run: size, accuracy, latency, throughput, memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from deployworkbook.ledger.measurement import Measurement
from deployworkbook.runtimes.base import Artifact, Predictor, Runtime, check_timed
from deployworkbook.runtimes.memory import Start, start_process
from deployworkbook.runtimes.timing import Latency, time_batches, time_images
from deployworkbook.training.data import Dataset, Split
from deployworkbook.validation import check_integer

BATCH_SIZES = (1, 32, 256, 1024)


def compressed_bytes(artifact: Artifact) -> int:
    """Zip an artifact's files in memory (deflate, level 9) and return the archive's size.

    As in ``size_bytes``, the record of its origin is not counted.

    Args:
        artifact: The exported model.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in artifact.files:
            name = path.relative_to(artifact.path)
            # A fixed date, so that equal files give equal archives.
            archive.writestr(zipfile.ZipInfo(str(name)), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return len(buffer.getvalue())


def predict_in_batches(
    predict: Predictor, images: NDArray[np.float32], *, batch_size: int = 1024
) -> NDArray[np.float32]:
    """Predict any number of images in batches that fit in memory.

    Args:
        predict: The model.
        images: float32, shape ``[n, 28, 28]``.
        batch_size: Images per call.

    Returns:
        Probabilities, shape ``[n, classes]``.
    """
    check_integer("batch_size", batch_size, 1)
    starts = range(0, len(images), batch_size)
    return np.concatenate([predict(images[start : start + batch_size]) for start in starts])


def count_correct(predict: Predictor, split: Split) -> int:
    """Count the images whose most probable class is their label.

    Args:
        predict: Maps images, float32 ``[n, 28, 28]``, to probabilities ``[n, classes]``.
        split: The images and their labels.
    """
    classes = predict_in_batches(predict, split.images).argmax(axis=1)
    return int((classes == split.labels).sum())


def measure_latency(
    predict: Predictor, images: NDArray[np.float32], *, repetitions: int = 1000, warm_up: int = 50
) -> Latency:
    """Time predictions of one image each, after some warm-up predictions that do not count.

    The first calls allocate, trace and fill caches, which a server pays for only once. Images take
    turns, so that no result can be reused.

    Args:
        predict: The model.
        images: float32, shape ``[n, 28, 28]``.
        repetitions: Number of predictions that count, at least 100 for a p99.
        warm_up: Number of predictions before these.
    """
    check_integer("repetitions", repetitions, 100)
    return Latency(time_images(predict, images, repetitions=repetitions, warm_up=warm_up))


def measure_throughput(
    predict: Predictor,
    images: NDArray[np.float32],
    *,
    batch_sizes: Iterable[int] = BATCH_SIZES,
    seconds: float = 0.25,
) -> dict[int, float]:
    """Measure images per second at several batch sizes, one batch after another.

        throughput = batch size / median time per batch

    Args:
        predict: The model.
        images: float32, shape ``[n, 28, 28]``; repeated if a batch needs more.
        batch_sizes: Images per call.
        seconds: Minimum time per batch size; at least five batches are timed.

    Returns:
        Images per second by batch size.
    """
    rates = {}
    for size in batch_sizes:
        batch = np.resize(images, (check_integer("batch size", size, 1), *images.shape[1:]))
        times_s = time_batches(predict, batch, seconds=seconds, least=5)
        rates[size] = size / float(np.median(times_s))
    return rates


def benchmark(
    runtime: Runtime,
    artifact: Artifact,
    dataset: Dataset,
    *,
    repetitions: int = 1000,
    batch_sizes: Iterable[int] = BATCH_SIZES,
    seconds: float = 0.25,
    memory: bool = True,
    lesson: str = "",
    note: str = "",
) -> Measurement:
    """Load an artifact and measure everything that the ledger records.

    The accuracy is for the whole test set. Peak memory and load time are measured in a separate
    process.

    Args:
        runtime: The runtime that loads it.
        artifact: The artifact.
        dataset: Its test set is predicted.
        repetitions: Number of single predictions to time.
        batch_sizes: Batch sizes for the throughput.
        seconds: Minimum time per batch size for the throughput.
        memory: Whether to start a process to measure peak memory and load time.
        lesson: Name of the notebook, for the ledger.
        note: Note for the ledger.

    Raises:
        ValueError: The runtime emulates a core, whose time no clock can measure.
    """
    predict = check_timed(runtime.load(artifact))
    latency = measure_latency(predict, dataset.test.images, repetitions=repetitions)
    return row_of(
        predict,
        artifact,
        dataset,
        correct=count_correct(predict, dataset.test),
        latency=latency,
        throughput_per_s=measure_throughput(
            predict, dataset.test.images, batch_sizes=batch_sizes, seconds=seconds
        ),
        threads=predict.threads,
        start=start_process(artifact) if memory else None,
        lesson=lesson,
        note=note,
    )


def row_of(
    predict: Predictor,
    artifact: Artifact,
    dataset: Dataset,
    *,
    correct: int,
    latency: Latency,
    throughput_per_s: Mapping[int, float],
    threads: int,
    start: Start | None,
    lesson: str,
    note: str,
) -> Measurement:
    """Build the ledger's row for a measured artifact; read the sizes from its files.

    Args:
        predict: The loaded artifact.
        artifact: The artifact.
        dataset: The data set whose test set was predicted.
        correct: Number of test images classified correctly.
        latency: Latency of single images.
        throughput_per_s: Images per second by batch size.
        threads: Number of threads it could use.
        start: Measurements in a separate process; ``None`` if there was none.
        lesson: Name of the notebook.
        note: Note for the ledger.
    """
    return Measurement(
        variant=artifact.variant,
        runtime=predict.runtime,
        runtime_version=predict.runtime_version,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        lesson=lesson,
        size_bytes=artifact.size_bytes,
        compressed_bytes=compressed_bytes(artifact),
        correct=correct,
        examples=len(dataset.test),
        latency_p50_ms=latency.p50_ms,
        latency_p99_ms=latency.p99_ms,
        throughput_per_s=throughput_per_s,
        threads=threads,
        **(start.row if start else {}),
        note=note,
    )
