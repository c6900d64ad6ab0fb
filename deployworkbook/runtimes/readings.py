"""Read a comparison in two ways: for a device, and for a data centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployworkbook.runtimes.comparison import PlatformResult


@dataclass(frozen=True)
class EdgeReading:
    """What counts on a device: one image at a time, little memory, ready at once.

    Args:
        name: Name of the platform.
        latency_p50_ms: Median time per image.
        size_bytes: Size of the files on disk.
        peak_memory_bytes: Peak memory of a separate process; ``None`` if there was none.
        ready_s: Time of that process until its first answer.
    """

    name: str
    latency_p50_ms: float
    size_bytes: int
    peak_memory_bytes: int | None
    ready_s: float | None


@dataclass(frozen=True)
class CloudReading:
    """What counts in a data centre: throughput per core, and how late the slowest answers are.

    Args:
        name: Name of the platform.
        throughput_per_core_s: Largest throughput measured, images per second per core.
        batch_size: Batch size at that throughput.
        latency_p99_ms: 99th percentile of the time per image, one at a time.
        batch_ms: Time of that batch, which each of its images waits for.
    """

    name: str
    throughput_per_core_s: float
    batch_size: int
    latency_p99_ms: float
    batch_ms: float


def read_for_edge(results: Sequence[PlatformResult]) -> list[EdgeReading]:
    """Return what counts on a device, the fastest platform first.

    Args:
        results: Results of ``compare_platforms``.
    """
    readings = [
        EdgeReading(
            name=each.name,
            latency_p50_ms=each.latency.p50_ms,
            size_bytes=each.artifact.size_bytes,
            peak_memory_bytes=each.start.peak_memory_bytes if each.start else None,
            ready_s=each.start.ready_s if each.start else None,
        )
        for each in results
    ]
    return sorted(readings, key=lambda each: each.latency_p50_ms)


def read_for_cloud(results: Sequence[PlatformResult]) -> list[CloudReading]:
    """Return what counts in a data centre, the highest throughput per core first.

    Args:
        results: Results of ``compare_platforms``.
    """
    readings = []
    for each in results:
        size = max(each.batch_s, key=lambda n: n / each.batch_s[n])
        readings.append(
            CloudReading(
                name=each.name,
                throughput_per_core_s=size / each.batch_s[size] / each.threads,
                batch_size=size,
                latency_p99_ms=each.latency.p99_ms,
                batch_ms=1000 * each.batch_s[size],
            )
        )
    return sorted(readings, key=lambda each: -each.throughput_per_core_s)
