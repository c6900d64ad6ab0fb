"""Two readings of one comparison: what counts on a device, and what counts in a data centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployworkbook.runtimes.comparison import PlatformResult


@dataclass(frozen=True)
class EdgeReading:
    """What a device asks: one image at a time, on little memory, ready at once.

    Args:
        name: The platform's.
        latency_p50_ms: The median time of one image.
        size_bytes: The files on disk.
        peak_memory_bytes: Of a process of its own; ``None`` where there was none.
        ready_s: How long that process took to its first answer.
    """

    name: str
    latency_p50_ms: float
    size_bytes: int
    peak_memory_bytes: int | None
    ready_s: float | None


@dataclass(frozen=True)
class CloudReading:
    """What a data centre asks: how much a core does, and how late the late answers are.

    Args:
        name: The platform's.
        throughput_per_core_s: The most images a second that a core did.
        batch_size: The images in a batch that it took for that.
        latency_p99_ms: The time that all but one image in a hundred keep within, one at a time.
        batch_ms: The time of that batch, which each of its images waits for.
    """

    name: str
    throughput_per_core_s: float
    batch_size: int
    latency_p99_ms: float
    batch_ms: float


def read_for_edge(results: Sequence[PlatformResult]) -> list[EdgeReading]:
    """Read a comparison as a device does, the fastest first.

    Args:
        results: As ``deployworkbook.runtimes.comparison.compare`` returns them.
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
    """Read a comparison as a data centre does, the most images a second and core first.

    Args:
        results: As ``deployworkbook.runtimes.comparison.compare`` returns them.
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
